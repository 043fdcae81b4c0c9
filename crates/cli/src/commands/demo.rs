//! `indelible demo`: a node with real events, then two attempts to tamper, each named. Made to be watched.
//!
//! Every step runs this same program as a user would; the tampering is done to files, behind its back. What it makes is left to
//! be looked at.

mod chain;
mod node;
mod sample;
mod stage;
mod tamper;

use crate::exit::Exit;
use crate::random;
use crate::say::{self, Failure};
use crate::show::shell;
use clap::Args;
use sample::{SAMPLES, SHOWN_SEQ};
use stage::{STORE, Stage, free_directory, is_there};
use std::path::{Path, PathBuf};

/// The second verifier, if the demo is run where it lies.
const SECOND_VERIFIER: &str = "verify.py";
/// The file with the pin of the log that is looked at.
const PIN: &str = "node/cloudtrail.pin";

/// Watch it work, and watch tampering being named
///
/// Starts a node and sends it 3,001 real audit events over mutual TLS, shows a record, its chain and its receipt, verifies everything,
/// then flips one byte of a sealed file and one letter of an export. Takes a few seconds and leaves all of it for you to look at.
#[derive(Args)]
pub struct DemoArgs {
    /// Directory to make [default: indelible-demo, here]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Does it.
pub fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    let directory = match &args.dir {
        Some(directory) if directory.exists() => {
            return Err(
                Failure::usage(format!("{} exists already", directory.display()))
                    .hint("the demo makes its own directory; name another"),
            );
        }
        Some(directory) => directory.clone(),
        None => free_directory("indelible-demo")?,
    };
    let mut stage = Stage::new(directory)?;
    record(&mut stage)?;
    look(&mut stage)?;
    verify(&mut stage)?;
    flip_a_sealed_byte(&mut stage)?;
    change_an_export(&mut stage)?;
    what_next(&mut stage)?;
    Ok(Exit::Done)
}

fn record(stage: &mut Stage) -> Result<(), Failure> {
    stage.title(
        1,
        "A node on an internal port, and real events from three sources",
    )?;
    stage.typed(&format!("cd {}", shell(&stage.directory)))?;
    let [low, high] = random::bytes();
    let port = node::free_ports(u16::from_le_bytes([low, high]))?;
    let logs: Vec<String> = SAMPLES
        .iter()
        .map(|sample| format!("--log {}", sample.log))
        .collect();
    // Where the demo is run in memory, it is only a demo; and its directory should be small.
    stage.run(
        &format!(
            "indelible quickstart node --origin demo.example {} --port {port} --tail-size 8MiB --accept-volatile",
            logs.join(" ")
        ),
        Exit::Done,
    )?;
    let node = stage.serve("node/indelible.toml")?;
    stage.say("Who writes shows a certificate; each event is answered with a receipt, which is verified against the log's pin.")?;
    stage.set(&[
        ("INDELIBLE_CA", "node/tls/ca.pem"),
        ("INDELIBLE_CERT", "node/tls/producer.pem"),
        ("INDELIBLE_KEY", "node/tls/producer.key"),
    ])?;
    for sample in SAMPLES {
        let log = sample.log;
        let events = format!("{log}.jsonl");
        let lines = sample
            .lines()
            .map_err(|error| say::file(&stage.path(&events), &error))?;
        stage.write(&events, &lines)?;
        let append = format!(
            "indelible append --node https://127.0.0.1:{port} --pin \"$(cat node/{log}.pin)\" --log {log} {events}"
        );
        let ended = stage.run(&append, Exit::Done)?;
        stage.show_lines(&ended.text, &["recorded"])?;
    }
    stage.say("Each event was on disk before it was acknowledged.")?;
    stage.say("The same port, and somebody whom no grant allows to write: an auditor.")?;
    let denied = format!(
        "echo '{{}}' | indelible append --node https://127.0.0.1:{port} --pin \"$(cat node/github.pin)\" --log github --cert node/tls/auditor.pem --key node/tls/auditor.key 2>&1"
    );
    let ended = stage.run(&denied, Exit::NotAllRecorded)?;
    stage.show_lines(&ended.text, &["error"])?;
    stage
        .say("Who reads asks another listener, and each record is proven before it is believed.")?;
    let ended = stage.run(". node/reader.env && indelible whoami", Exit::Done)?;
    stage.show_lines(&ended.text, &["spiffe", "  reader"])?;
    let verify = ". node/reader.env && indelible verify --log cloudtrail";
    let ended = stage.run(verify, Exit::Done)?;
    stage.show_lines(&ended.text, &["verified", "completeness"])?;
    stage.stop(node)
}

fn look(stage: &mut Stage) -> Result<(), Failure> {
    stage.title(2, "One record: an intruder tries to delete the trail")?;
    stage.set(&[("INDELIBLE_STORE", STORE)])?;
    chain::show(stage)?;
    let seq = SHOWN_SEQ;
    stage.say("Its receipt, which its holder can check without this store:")?;
    let receipt = format!(
        "indelible receipt --log cloudtrail --seq {seq} > {seq}.receipt && cat {seq}.receipt"
    );
    let receipt = stage.run(&receipt, Exit::Done)?.text;
    chain::receipt_lines(&receipt)
        .iter()
        .try_for_each(|line| stage.show(line))?;
    let verify = format!(
        "indelible verify --receipt {seq}.receipt --record {seq}.record --pin \"$(cat {PIN})\""
    );
    let ended = stage.run(&verify, Exit::Done)?;
    stage.show_lines(&ended.text, &["verified", "integrity", "authenticity"])
}

fn verify(stage: &mut Stage) -> Result<(), Failure> {
    stage.title(3, "Seal, and verify everything from disk")?;
    let ended = stage.run("indelible seal", Exit::Done)?;
    stage.show_lines(&ended.text, &["sealed"])?;
    let ended = stage.run("indelible verify", Exit::Done)?;
    stage.show_lines(&ended.text, &["verified", "integrity", "completeness"])?;
    let numbers: Vec<&str> = ended
        .text
        .lines()
        .skip_while(|line| *line != "checked:")
        .skip(1)
        .take(3)
        .map(str::trim)
        .collect();
    numbers.iter().try_for_each(|line| stage.show(line))
}

fn flip_a_sealed_byte(stage: &mut Stage) -> Result<(), Failure> {
    stage.title(4, "Somebody with root flips one byte of a sealed file")?;
    let file = tamper::sealed_records(&stage.path(STORE))?;
    let flip = tamper::flip_in_the_middle(&file)?;
    let name = file
        .strip_prefix(&stage.directory)
        .unwrap_or(&file)
        .display()
        .to_string();
    stage.say(&format!(
        "byte {} of {name}: {:02x} becomes {:02x}",
        flip.offset, flip.before, flip.after
    ))?;
    let damaged = stage.run("indelible verify", Exit::Damaged);
    // Put back first: the store is left whole whatever happens here.
    flip.undo()?;
    let damaged = damaged?;
    stage.show_damage(&damaged)?;
    let found: Vec<&str> = damaged
        .text
        .lines()
        .skip_while(|line| *line != "found:")
        .skip(1)
        .take(1)
        .map(str::trim)
        .collect();
    found.iter().try_for_each(|line| stage.show(line))?;
    stage.say("The byte is put back.")?;
    let ended = stage.run("indelible verify", Exit::Done)?;
    stage.show_lines(&ended.text, &["verified"])
}

fn change_an_export(stage: &mut Stage) -> Result<(), Failure> {
    stage.title(
        5,
        "Somebody changes one letter of an export on its way to the auditor",
    )?;
    let (export, changed) = ("cloudtrail.export", "changed.export");
    stage.run(
        &format!("indelible export --log cloudtrail --out {export}"),
        Exit::Done,
    )?;
    judge(stage, export, Exit::Done)?;
    tamper::change_letter(&stage.path(export), &stage.path(changed))?;
    stage.say(&format!(
        "record {SHOWN_SEQ} in {changed}: bert-jan becomes cert-jan"
    ))?;
    judge(stage, changed, Exit::Damaged)
}

/// Both verifiers on one export. The second is one file of Python that shares no code with the first.
fn judge(stage: &mut Stage, export: &str, exit: Exit) -> Result<(), Failure> {
    let verify = format!("indelible verify --export {export} --pin \"$(cat {PIN})\"");
    let first = stage.run(&verify, exit)?;
    if exit == Exit::Done {
        stage.show_lines(&first.text, &["verified", "integrity"])?
    } else {
        stage.show_damage(&first)?
    }
    let script = std::path::absolute(SECOND_VERIFIER).unwrap_or_default();
    if !script.is_file() || !is_there("python3") {
        return stage.say("(The second verifier is left out: verify.py is not in this directory, or python3 is missing.)");
    }
    let script = shell(seen_from(&stage.directory, &script));
    let verify = format!("python3 {script} --pin \"$(cat {PIN})\" {export}");
    let second = stage.run(&verify, exit)?;
    stage.show_lines(&second.text, &["integrity"])
}

/// `../verify.py` from a directory beside it, else the whole path.
fn seen_from(directory: &Path, script: &Path) -> String {
    let beside = directory.is_relative() && directory.components().count() == 1;
    if beside {
        format!("../{SECOND_VERIFIER}")
    } else {
        script.display().to_string()
    }
}

fn what_next(stage: &mut Stage) -> Result<(), Failure> {
    let program = stage.program.clone();
    let directory = stage.directory.clone();
    stage.title(6, "It is all still there. Type next")?;
    for line in [
        format!(
            "{program} serve --config {}    # it goes on where it was",
            shell(directory.join("node/indelible.toml"))
        ),
        format!("export INDELIBLE_STORE={}", shell(directory.join(STORE))),
        format!("{program} log list"),
        format!("{program} get --log cloudtrail --seq {SHOWN_SEQ}"),
        format!(
            "{program} get --log cloudtrail --seq {SHOWN_SEQ} --heads | sed 's/^{{\"head\"://; s/}}$//' | tr -d '\\n' | sha256sum"
        ),
        format!("{program} verify"),
        format!("rm -r {}    # when you have seen enough", shell(&directory)),
    ] {
        stage.show(&line)?;
    }
    Ok(())
}
