//! `indelible key recover`: new keys without the old secret, which is lost or stolen. Recovery keys vouch for them.

use super::recovery_key::{not_hinges, read_key};
use crate::args::{StoreArg, WriteArgs};
use crate::clock::SystemClock;
use crate::commands::export::Sink;
use crate::commands::init::recovery_set;
use crate::evidence::read_up_to;
use crate::exit::Exit;
use crate::keys::{self, Held, Passphrase};
use crate::node::{self, Reading, Writing};
use crate::output::Output;
use crate::random;
use crate::say::{self, Failure};
use crate::show;
use clap::Args;
use indelible_ledger::signer::{NodeSecret, RecoveryKey};
use indelible_ledger::{HingeDue, Ledger, Recovery, Settings};
use indelible_proof::export::{encode_checkpoint, parse_checkpoint};
use indelible_proof::note::{Note, sign_line};
use indelible_store::{LocalStore, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Replace keys that are lost or stolen
///
/// Enough of the recovery keys must sign, one hinge for each log: with their files here, or on machines of their own from the file that
/// this writes. Until they have, nothing can be recorded. What the old secret signs from now on counts for nothing.
#[derive(Args)]
pub struct RecoverArgs {
    #[command(flatten)]
    pub write: WriteArgs,
    /// A recovery key that is at hand; may be given several times
    #[arg(long = "recovery-key", value_name = "FILE")]
    pub recovery_keys: Vec<PathBuf>,
    /// What `key sign-hinges` wrote elsewhere; may be given several times
    #[arg(long, value_name = "FILE")]
    pub signatures: Vec<PathBuf>,
    /// Where to write the hinges that wait for signatures; it must not exist
    #[arg(long, value_name = "FILE")]
    pub hinges: Option<PathBuf>,
    /// Who may do this the next time, if others than before
    #[arg(long = "recovery", value_name = "VKEY")]
    pub recovery: Vec<String>,
    /// How many of them must agree [default: all]
    #[arg(long, value_name = "N", requires = "recovery")]
    pub recovery_threshold: Option<u64>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &RecoverArgs) -> Result<Exit, Failure> {
    let recovery = recovery_set(&args.recovery, args.recovery_threshold)?;
    let keys: Vec<RecoveryKey> = args
        .recovery_keys
        .iter()
        .map(|path| read_key(path))
        .collect::<Result<_, _>>()?;
    let signed = signed_elsewhere(&args.signatures)?;
    let sign = |text: &str, note: &mut String| {
        keys.iter().for_each(|key| key.sign_too(text, note));
        let elsewhere = signed.iter().filter(|(of, _)| of == text);
        elsewhere.for_each(|(_, lines)| push_new(lines, note));
    };
    let generation = generation(store)? + 1;
    let (directory, info) = node::describe(store)?;
    if info.copy && !args.write.moved {
        return Err(say::store_is_a_copy(&directory));
    }
    let place = node::keys_directory(&directory, &args.write, &info);
    let (held, next) = next_secret(&place, generation, &args.write.passphrase())?;
    let options = OpenOptions {
        moved: args.write.moved,
        random: random::source(),
        faults: None,
    };
    let local = LocalStore::open_write(&directory, options)
        .map_err(|error| say::store(&error, &directory))?;
    let local = Arc::new(local);
    let settings = Settings {
        background_sealing: false,
        ..Settings::default()
    };
    let recovered = Ledger::recover_keys(
        local.clone(),
        next,
        &sign,
        recovery.as_ref(),
        Arc::new(SystemClock),
        random::source(),
        settings,
        &node::user(),
    );
    match recovered.map_err(|error| say::open(&error, &directory))? {
        Recovery::Waiting(hinges) => Err(wait(&hinges, args.hinges.as_deref())?),
        Recovery::Done(ledger, rotated) => {
            let writing = Writing::of(*ledger, local, directory, held);
            writing.destroy_old()?;
            writing.close("keys recovered")?;
            let logs = u64::try_from(rotated.logs).unwrap_or(u64::MAX);
            let mut out = Output::new();
            out.line(format_args!(
                "generation {} signs for {} now, by their recovery keys",
                rotated.generation,
                show::counted(logs, "log")
            ))?;
            out.line("next: indelible key walk --log NAME --out NAME.walk, for everybody who verifies: it shows that the old keys count no longer")?;
            out.flush()?;
            Ok(Exit::Done)
        }
    }
}

/// Of the keys that sign today, as far as `_node` says; a recovery that has begun counts already.
fn generation(store: &StoreArg) -> Result<u64, Failure> {
    let reading = Reading::open(store)?;
    let node = reading.log("_node")?;
    let sets = reading.books.key_sets(&node);
    let sets = sets.map_err(|error| reading.failed(&error))?;
    let open = reading.books.has_open_hinge(&node);
    let closed = sets.len().saturating_sub(usize::from(open));
    let last = closed.checked_sub(1).and_then(|place| sets.get(place));
    Ok(last.and_then(|keys| keys.generation).unwrap_or(0))
}

/// The new secret: that of a recovery which has begun, or one made now. It is kept before anything is signed with it.
fn next_secret(
    place: &Path,
    generation: u64,
    passphrase: &Passphrase,
) -> Result<(Held, NodeSecret), Failure> {
    let mut held = keys::read_next(place, passphrase).map_err(|error| say::keys(&error))?;
    if let Some(next) = held.next.take() {
        return Ok((held, next));
    }
    let next: [u8; 32] = random::bytes();
    let sealing = passphrase
        .for_sealing()
        .map_err(|error| say::keys(&error))?;
    let kept = NodeSecret::of(generation, next);
    held.keep_next(
        &kept,
        sealing.as_ref().map(|passphrase| passphrase.as_str()),
    )
    .map_err(|error| say::keys(&error))?;
    Ok((held, kept))
}

/// Says what is missing, having written what is to be signed.
fn wait(hinges: &[HingeDue], path: Option<&Path>) -> Result<Failure, Failure> {
    let threshold = hinges.iter().map(|hinge| hinge.threshold).max();
    let count = u64::try_from(hinges.len()).unwrap_or(u64::MAX);
    let failure = Failure::new(
        Exit::Trouble,
        format!(
            "{} wait for signatures: {} recovery keys must sign",
            show::counted(count, "hinge"),
            threshold.unwrap_or(0)
        ),
    );
    let Some(path) = path else {
        return Ok(failure.hint("give --recovery-key FILE, or write them out with --hinges FILE, have them signed with `key sign-hinges`, and give --signatures FILE"));
    };
    let mut sink = Sink::open(Some(path))?;
    for hinge in hinges {
        sink.line(|out| encode_checkpoint(&hinge.note, out))
            .map_err(|error| say::file(path, &error))?;
    }
    sink.keep()?;
    Ok(failure.hint(format!(
        "have them signed: indelible key sign-hinges {} --key KEY --out FILE; then indelible key recover --signatures FILE",
        show::shell(path)
    )))
}

/// A note a log with some signatures, for as many logs as a node holds.
const HINGES_BYTES_MAX: usize = 64 << 20;

/// The hinges in a file, as notes.
pub fn read_hinges(path: &Path) -> Result<Vec<String>, Failure> {
    let bytes = read_up_to(path, HINGES_BYTES_MAX)?;
    if bytes.len() > HINGES_BYTES_MAX {
        let most = HINGES_BYTES_MAX >> 20;
        return Err(Failure::usage(format!(
            "more than {most} MiB, and hinges take less: {}",
            path.display()
        )));
    }
    let mut notes = Vec::new();
    for (line, number) in bytes.split_inclusive(|byte| *byte == b'\n').zip(1..) {
        let note = line
            .strip_suffix(b"\n")
            .and_then(parse_checkpoint)
            .and_then(|note| String::from_utf8(note).ok());
        let bad: u64 = number;
        let note = note
            .ok_or_else(|| Failure::usage(format!("line {bad} is no hinge: {}", path.display())))?;
        notes.push(note);
    }
    Ok(notes)
}

/// A note's text, and the signature lines that came for it: name, key id, signature.
type SignedElsewhere = (String, Vec<(String, [u8; 4], Vec<u8>)>);

fn signed_elsewhere(paths: &[PathBuf]) -> Result<Vec<SignedElsewhere>, Failure> {
    let mut signed = Vec::new();
    for path in paths {
        for text in read_hinges(path)? {
            let note = Note::parse(text.as_bytes()).map_err(|error| not_hinges(path, &error))?;
            let lines = note.signatures.iter();
            let lines =
                lines.map(|line| (line.name.to_owned(), line.key_id, line.signature.clone()));
            signed.push((note.text.to_owned(), lines.collect()));
        }
    }
    Ok(signed)
}

/// Adds the lines of keys that have not signed the note yet.
fn push_new(lines: &[(String, [u8; 4], Vec<u8>)], note: &mut String) {
    for (name, id, signature) in lines {
        let known = Note::parse(note.as_bytes()).is_ok_and(|note| {
            let mut theirs = note.signatures.iter();
            theirs.any(|line| (line.name, &line.key_id) == (name.as_str(), id))
        });
        if !known {
            sign_line(name, *id, signature, note);
        }
    }
}
