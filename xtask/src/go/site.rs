//! A log as the built program exports it, checked by all three programs; then one byte of it changed, which they must see.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use indelible_proof::pin::Pin;
use indelible_proof::receipt::Receipt;
use indelible_proof::verify::verify_receipt;
use serde_json::{Value, json};

use super::build::Programs;
use super::held;
use super::judge::{ask, bytes};
use super::vectors::policy;
use crate::program::{self, Scratch};
use crate::tally::Tally;
use crate::workspace::Workspace;

/// Records before each of two exports: some sealed, some in the tail, and a full tile of level 1 in the end.
const RECORDS: [u64; 2] = [30_000, 40_000];

/// `fsck` ends with 0 whatever it finds, and may not end at all: what counts is this text within this time.
const FSCK_SAYS: &str = "Successfully fsck'd log";
const FSCK_MAX: Duration = Duration::from_secs(60);

/// The one changed byte that it is shown: there it may take all of this time.
const FSCK_SHOWN: &str = "tile/entries/100";
const FSCK_REFUSES_MAX: Duration = Duration::from_secs(10);

/// The other programs take a fraction of a second.
const CHECK_MAX: Duration = Duration::from_secs(60);

/// Records whose receipts are looked at: at the borders of tiles and of exports.
const SEQS: [u64; 12] = [
    0, 1, 255, 256, 257, 29_999, 30_000, 30_001, 65_535, 65_536, 65_537, 70_000,
];

/// Where the byte in the middle is changed: something of every kind.
const CHANGED: [&str; 5] = [
    "checkpoint",
    "tile/entries/100",
    "tile/0/273.p/113",
    "tile/1/000",
    "tile/2/000.p/1",
];

/// A program and whether it found everything in order, or what it printed.
type Said = (&'static str, Result<(), String>);

fn says(ended: program::Ended, text: &str) -> Result<(), String> {
    if ended.well && ended.printed.contains(text) {
        Ok(())
    } else {
        Err(ended.printed)
    }
}

/// A store, what it exported, and how others know its log.
struct Bed {
    scratch: Scratch,
    indelible: PathBuf,
    pin: Pin,
}

pub fn run(workspace: &Workspace, programs: &Programs) -> Result<Tally> {
    let bed = Bed::new(workspace.built_program()?.join("indelible"))?;
    let mut tally = Tally::default();
    for (name, ended) in [bed.quick(programs)?, vec![bed.fsck(programs, FSCK_MAX)?]].concat() {
        if let Err(printed) = &ended {
            println!("{printed}");
        }
        let what = format!(
            "{name} finds the exported log of {} records in order",
            bed.size()?
        );
        tally.add(held(&what, ended.is_ok()));
    }
    for path in CHANGED {
        tally.add(bed.change_is_seen(programs, path)?);
    }
    tally.add(bed.receipts(programs)?);
    Ok(tally)
}

impl Bed {
    fn new(indelible: PathBuf) -> Result<Bed> {
        let scratch = Scratch::new()?;
        let run = |arguments: &[&str]| -> Result<String> {
            program::output(
                program::command(&indelible.to_string_lossy())
                    .args(arguments)
                    .current_dir(scratch.path())
                    .env("INDELIBLE_STORE", "store"),
            )
        };
        run(&["init", "--origin", "audit.example.org"])?;
        run(&["log", "create", "payments"])?;
        for (number, count) in RECORDS.into_iter().enumerate() {
            let lines: String = (0..count)
                .map(|order| format!("{{\"order\":{order}}}\n"))
                .collect();
            std::fs::write(scratch.path().join("events"), lines)?;
            run(&["append", "--log", "payments", "events"])?;
            if number == 0 {
                run(&["seal"])?;
            }
            run(&["export", "--log", "payments", "--tiles", "site"])?;
            let (site, older) = (scratch.path().join("site"), scratch.path().join("older"));
            if number == 0 {
                std::fs::copy(site.join("checkpoint"), older)?;
            }
        }
        let pin = Pin::parse(run(&["pin", "--log", "payments"])?.as_bytes())?;
        std::fs::write(scratch.path().join("key"), pin.key().to_string())?;
        Ok(Bed {
            scratch,
            indelible,
            pin,
        })
    }

    fn site(&self) -> PathBuf {
        self.scratch.path().join("site")
    }

    fn size(&self) -> Result<String> {
        let note = std::fs::read_to_string(self.site().join("checkpoint"))?;
        Ok(note.lines().nth(1).context("a size")?.to_owned())
    }

    /// What the quick ones say of the directory.
    fn quick(&self, programs: &Programs) -> Result<Vec<Said>> {
        let (site, vkey) = (self.site(), self.pin.key().to_string());
        let run = |program, older: Option<PathBuf>| {
            let mut command = command(program);
            command.arg("log").arg(&site).arg(&vkey).args(older);
            program::within(&mut command, CHECK_MAX)
        };
        let older = self.scratch.path().join("older");
        let size = self.size().unwrap_or_default();
        Ok(vec![
            (
                "sumdb",
                says(
                    run(&programs.sumdb, Some(older))?,
                    &format!("sumdb verified {size} entries"),
                ),
            ),
            (
                "torchwood",
                says(
                    run(&programs.torchwood, None)?,
                    &format!("torchwood verified {size} entries"),
                ),
            ),
        ])
    }

    fn fsck(&self, programs: &Programs, limit: Duration) -> Result<Said> {
        let ended = program::within(
            command(&programs.fsck)
                .arg("-storage_url")
                .arg(format!("file://{}/", self.site().display()))
                .arg("-public_key")
                .arg(self.scratch.path().join("key"))
                .args(["-origin", self.pin.origin(), "-ui=false", "-N", "64"]),
            limit,
        )?;
        let text = format!("{FSCK_SAYS} with size {} ", self.size().unwrap_or_default());
        Ok(("fsck", says(ended, &text)))
    }

    /// The byte in the middle of a file changed, and put back afterwards.
    fn change_is_seen(&self, programs: &Programs, path: &str) -> Result<Tally> {
        let file = self.site().join(path);
        let whole = std::fs::read(&file).with_context(|| path.to_owned())?;
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        std::fs::write(&file, changed)?;
        let mut said = self.quick(programs)?;
        if path == FSCK_SHOWN {
            said.push(self.fsck(programs, FSCK_REFUSES_MAX)?);
        }
        let mut tally = Tally::default();
        for (name, ended) in said {
            tally.add(held(
                &format!("{name} refuses a changed byte in {path}"),
                ended.is_err(),
            ));
        }
        std::fs::write(&file, whole)?;
        Ok(tally)
    }

    /// Receipts that the program prints: accepted by another's reader and written by it in the same bytes.
    fn receipts(&self, programs: &Programs) -> Result<Tally> {
        let texts: Vec<String> = SEQS
            .iter()
            .map(|seq| self.receipt(*seq))
            .collect::<Result<_>>()?;
        let whole: Vec<Value> = texts
            .iter()
            .map(|text| self.question(text.as_bytes()))
            .collect();
        let parts: Vec<Value> = texts
            .iter()
            .map(|text| parts(text))
            .collect::<Result<_>>()?;
        let count = texts.len();
        let accepted = ask(&programs.torchwood, &whole)?;
        let accepted = accepted.iter().filter(|answer| *answer == "ok").count();
        let written = ask(&programs.torchwood, &parts)?;
        let same = written
            .iter()
            .zip(&texts)
            .filter(|(there, here)| **there == hex(here.as_bytes()))
            .count();
        let mut tally = held(
            &format!("torchwood accepts {count} receipts"),
            accepted == count,
        );
        tally.add(held(
            &format!("torchwood writes {count} of them in the same bytes"),
            same == count,
        ));
        tally.add(self.damaged_receipts(programs, &texts)?);
        Ok(tally)
    }

    /// Damaged, they are accepted by both or by neither; but for base64 of which Go is less strict.
    fn damaged_receipts(&self, programs: &Programs, texts: &[String]) -> Result<Tally> {
        let mut damaged = Vec::new();
        for text in texts {
            for place in (0..text.len()).step_by(29) {
                let mut copy = text.clone().into_bytes();
                copy[place] ^= 1;
                damaged.push(copy);
            }
        }
        let cases: Vec<Value> = damaged.iter().map(|copy| self.question(copy)).collect();
        let answers = ask(&programs.torchwood, &cases)?;
        let (mut wrong, mut refused, mut narrower) = (0_usize, 0_usize, 0_usize);
        for (copy, answer) in damaged.iter().zip(&answers) {
            let here = verify_receipt(copy, Some(&self.pin), None);
            let (here, there) = (here.verdict.exit_code() == 0, answer == "ok");
            if !here && there && has_stray_bits(copy) {
                narrower = narrower.saturating_add(1);
            } else {
                wrong = wrong.saturating_add(usize::from(here != there));
                refused = refused.saturating_add(usize::from(!here));
            }
        }
        let what = format!(
            "torchwood and we judge {} damaged receipts alike, but for {narrower} with stray bits",
            damaged.len()
        );
        Ok(held(&what, wrong == 0 && refused > 0))
    }

    fn receipt(&self, seq: u64) -> Result<String> {
        program::output(
            command(&self.indelible)
                .args(["receipt", "--log", "payments", "--store", "store", "--seq"])
                .arg(seq.to_string())
                .current_dir(self.scratch.path()),
        )
    }

    fn question(&self, receipt: &[u8]) -> Value {
        let policy = bytes(policy(self.pin.key()).as_bytes());
        json!({"kind": "receipt", "receipt": bytes(receipt), "policy": policy})
    }
}

/// Base64 that is not the one text of its bytes, which Go reads all the same: a row of the table in `interop/README.md`.
fn has_stray_bits(receipt: &[u8]) -> bool {
    let text = String::from_utf8_lossy(receipt).into_owned();
    let words = text.lines().filter_map(|line| line.rsplit(' ').next());
    let mut base64 = words.filter(|word| word.len() >= 44 && !word.contains('.'));
    base64.any(|word| BASE64_STANDARD.decode(word).is_err())
}

fn command(path: &Path) -> std::process::Command {
    program::command(&path.to_string_lossy())
}

/// A receipt in parts, for another to put together.
fn parts(text: &str) -> Result<Value> {
    let receipt = Receipt::parse(text.as_bytes()).ok().context("a receipt")?;
    let (_, note) = text.split_once("\n\n").context("a note")?;
    let proof: Vec<String> = receipt.proof.iter().map(ToString::to_string).collect();
    Ok(
        json!({"kind": "format", "extra": bytes(&receipt.head), "index": receipt.index, "proof": proof, "note": bytes(note.as_bytes())}),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
