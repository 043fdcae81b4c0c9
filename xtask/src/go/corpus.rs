//! The files of the fuzz corpora, judged by Go's packages and by torchwood.
//!
//! What a fuzzer kept of notes, keys, proofs, receipts and tiles, with what stands in them: a receipt has a note and an inclusion proof,
//! a fork has notes and a consistency proof. One direction is absolute, as with what is damaged at random: what we accept, they accept,
//! and read the same. Where they accept and we refuse, the bytes must be of a sort that the table in `interop/README.md` has.

use std::path::Path;

use anyhow::{Context as _, Result};
use base64::alphabet::STANDARD;
use base64::engine::{Engine as _, GeneralPurpose, GeneralPurposeConfig};
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::{self, Hash};
use indelible_proof::key::{KeyType, VerifierKey};
use indelible_proof::limits::NOTE_LINES_MAX;
use indelible_proof::note::Note;
use indelible_proof::pin::Pin;
use indelible_proof::prove::Proof;
use indelible_proof::receipt::Receipt;
use indelible_proof::tile::{self, Level, Tile};
use indelible_proof::tree::{consistency, inclusion};
use indelible_proof::verify::verify_receipt;
use serde_json::{Value, json};

use super::build::Programs;
use super::judge::{ask, bytes};
use super::random::{is_narrower, judged, texts};
use super::vectors::policy;
use crate::fuzz::seeds;
use crate::tally::Tally;
use crate::workspace::Workspace;

/// Files of a corpus that the tests take, the same ones every time for the same files.
const FILES_MAX: usize = 1_000;

/// Go looks for the largest power of two below a size in an `int64`, and above this there is none: it never ends.
const GO_SIZE_MAX: u64 = 1 << 62;

/// Cases printed where something does not hold.
const PRINTED_MAX: usize = 5;

/// Of each as many characters: a receipt in base64 may be long.
const PRINTED_CHARS: usize = 4_000;

/// Under whose keys notes are judged and receipts verified: those of the log that most vectors are of, before and after a rotation.
const PINS: [&str; 2] = [
    "indelible-pin-v1 ffc83bc017a18625244c1017eaf0bb16622b1a79614f982745055a67a4b2c99e \
     log.example.org/orders/00112233445566ff+7e017747+AVQmMu7tESF3jwfR60kqMFjrlhbIQri518O+3KV1fXtY",
    "indelible-pin-v1 48be484628e72375ba84f94985fa4f513f0a3ecfb99ae90a8ba2ef32e39d3413 \
     log.example.org/orders/00112233445566ff+d0b36ed3+AVevBSS9U2uS/9qtBD9BpYsU9mJOXaCOXYxztJAo8qhK",
];

/// A question and our answer.
struct Question {
    asked: Value,
    here: String,
    /// What is asked about.
    of: Vec<u8>,
    /// Whether a row of the table explains that we refuse it, and they say this.
    explains: fn(&[u8], &str) -> bool,
}

/// What both say of bytes they do not take.
fn is_refusal(answer: &str) -> bool {
    ["malformed", "invalid", "refused"].contains(&answer)
}

/// Nothing but the same answer.
fn never(_: &[u8], _: &str) -> bool {
    false
}

/// The bytes of the files that are taken of each corpus.
struct Corpora<'a> {
    workspace: &'a Workspace,
    all: bool,
}

impl Corpora<'_> {
    fn read(&self, target: &str) -> Result<Vec<Vec<u8>>> {
        let files = seeds::files(&seeds::write_shown(self.workspace, target)?)?;
        let most = if self.all { usize::MAX } else { FILES_MAX };
        let step = files.len().div_ceil(most).max(1);
        let read = |path: &std::path::PathBuf| {
            std::fs::read(path).with_context(|| path.display().to_string())
        };
        files.iter().step_by(step).map(read).collect()
    }
}

pub fn run(workspace: &Workspace, programs: &Programs, all: bool) -> Result<Tally> {
    let corpora = Corpora { workspace, all };
    let (sumdb, torchwood) = (&programs.sumdb, &programs.torchwood);
    let (forks, receipts) = (corpora.read("fork")?, corpora.read("receipt")?);
    let (proofs, tiles) = (corpora.read("prove")?, corpora.read("tile")?);
    let mut notes = corpora.read("note")?;
    // Few of that corpus are keys, and they are soon judged: all of them.
    let every = Corpora {
        all: true,
        ..corpora
    }
    .read("note")?;
    let keys: Vec<Question> = every.iter().filter_map(|text| vkey(text)).collect();
    let checkpoints: Vec<Question> = every.iter().filter_map(|text| checkpoint(text)).collect();
    notes.extend(forks.iter().flat_map(|fork| parted(fork)));
    for carrier in receipts.iter().chain(&proofs) {
        notes.extend(note_at_end(carrier));
    }
    let mut tally = compare("notes", sumdb, &signed(&notes)?)?;
    tally.add(compare("verifier keys", sumdb, &keys)?);
    tally.add(compare("checkpoints", torchwood, &checkpoints)?);
    let mut questions: Vec<Question> = proofs
        .iter()
        .chain(&forks)
        .flat_map(|file| consistencies(file))
        .collect();
    questions.extend(receipts.iter().filter_map(|receipt| included(receipt)));
    tally.add(compare("proofs", sumdb, &questions)?);
    tally.add(compare("receipts", torchwood, &verified(&receipts)?)?);
    let paths: Vec<Question> = tiles.iter().filter_map(|path| at_path(path)).collect();
    tally.add(compare("paths", sumdb, &paths)?);
    tally.add(compare("paths", torchwood, &paths)?);
    let bundles: Vec<Question> = tiles.iter().map(|bundle| entries(bundle)).collect();
    tally.add(compare("bundles", torchwood, &bundles)?);
    Ok(tally)
}

/// Counts as one check, and prints the first differences.
fn compare(what: &str, program: &Path, questions: &[Question]) -> Result<Tally> {
    let asked: Vec<Value> = questions
        .iter()
        .map(|question| question.asked.clone())
        .collect();
    let answers = ask(program, &asked)?;
    let (mut wrong, mut good, mut narrower) = (0_usize, 0_usize, 0_usize);
    for (question, there) in questions.iter().zip(&answers) {
        if question.here == *there {
            good = good.saturating_add(usize::from(!is_refusal(there)));
            continue;
        }
        let allowed = is_refusal(&question.here) && (question.explains)(&question.of, there);
        narrower = narrower.saturating_add(usize::from(allowed));
        wrong = wrong.saturating_add(usize::from(!allowed));
        if !allowed && wrong <= PRINTED_MAX {
            let asked: String = question
                .asked
                .to_string()
                .chars()
                .take(PRINTED_CHARS)
                .collect();
            println!("    {} here, {there} there: {asked}", question.here);
        }
    }
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let what = format!(
        "{name} on {what} of the corpora: {} cases, {good} good to both, {narrower} that we are narrower about",
        questions.len()
    );
    Ok(super::held(&what, wrong == 0 && good > 0))
}

/// The notes of a fork's input, as the target parts them, and its proof.
fn parted(input: &[u8]) -> Vec<Vec<u8>> {
    const BETWEEN: &[u8] = b"\n\n\n";
    let mut parts = Vec::new();
    let mut rest = input;
    while parts.len() < 2
        && let Some(at) = rest
            .windows(BETWEEN.len())
            .position(|window| window == BETWEEN)
        && let Some((part, after)) = rest.split_at_checked(at.saturating_add(1))
    {
        parts.push(part.to_vec());
        rest = after.get(2..).unwrap_or_default();
    }
    parts.push(rest.to_vec());
    parts
}

/// What stands behind the first empty line of a receipt or proof.
fn note_at_end(carrier: &[u8]) -> Option<Vec<u8>> {
    let at = carrier.windows(2).position(|window| window == b"\n\n")?;
    Some(carrier.get(at.saturating_add(2)..)?.to_vec())
}

fn signed(notes: &[Vec<u8>]) -> Result<Vec<Question>> {
    let mut questions = Vec::new();
    for pin in PINS {
        let pin = Pin::parse(pin.as_bytes())?;
        for note in notes {
            questions.push(Question {
                asked: json!({"kind": "note", "note": bytes(note), "vkey": pin.key().to_string()}),
                here: judged(note, pin.key()).to_owned(),
                of: note.clone(),
                // Go stops at the first wrong signature and sees no form after it: refused is refused.
                explains: |note, there| is_refusal(there) || is_narrower(note),
            });
        }
    }
    Ok(questions)
}

fn word(good: bool) -> String {
    if good { "ok" } else { "refused" }.to_owned()
}

/// Keys that are text: Go gets them in JSON.
fn vkey(text: &[u8]) -> Option<Question> {
    let text = str::from_utf8(text).ok()?;
    let key = VerifierKey::parse(text).ok();
    if key
        .as_ref()
        .is_some_and(|key| key.key_type() != KeyType::Ed25519)
    {
        return None; // Go's package knows Ed25519 alone.
    }
    Some(Question {
        asked: json!({"kind": "vkey", "vkey": text}),
        here: word(key.is_some()),
        of: text.as_bytes().to_vec(),
        // One text for the same key: no key id in upper case, no line end in base64.
        explains: |text, _| {
            text.iter()
                .any(|byte| matches!(byte, b'\n' | b'\r' | b'A'..=b'F'))
        },
    })
}

/// The texts of notes of a good form. Extensions, origins of another form and the like are rows of the table.
fn checkpoint(note: &[u8]) -> Option<Question> {
    let note = Note::parse(note).ok()?;
    let here = Checkpoint::parse(note.text).map_or("malformed".to_owned(), |read| {
        format!("{} {} {} \"\"", read.origin, read.size, read.root)
    });
    Some(Question {
        asked: json!({"kind": "checkpoint", "text": bytes(note.text.as_bytes())}),
        here,
        of: Vec::new(),
        explains: |_, _| true,
    })
}

/// What consistency proofs show; of two heads with one proof both that are in a fork's input.
fn consistencies(file: &[u8]) -> Option<Question> {
    let proof = parted(file).pop()?;
    let Ok(Proof::Consistency(read)) = Proof::parse(&proof) else {
        return None;
    };
    let (from, to) = (&read.from, &read.to);
    // A tree without leaves is a matter of the table.
    (from.size > 0 && to.size <= GO_SIZE_MAX).then(|| Question {
        asked: json!({"kind": "consistency", "old": from.size, "size": to.size, "from": from.root.to_string(), "root": to.root.to_string(), "proof": texts(&read.between)}),
        here: word(consistency::verify(from.size, &from.root, to.size, &to.root, &read.between)),
        of: Vec::new(),
        explains: never,
    })
}

fn included(receipt: &[u8]) -> Option<Question> {
    let read = Receipt::parse(receipt).ok()?;
    let leaf = hash::leaf(&hash::entry(&read.head));
    let Checkpoint { size, root, .. } = read.checkpoint;
    (size <= GO_SIZE_MAX).then(|| Question {
        asked: json!({"kind": "inclusion", "index": read.index, "size": size, "leaf": leaf.to_string(), "root": root.to_string(), "proof": texts(&read.proof)}),
        here: word(inclusion::verify(
            &leaf,
            read.index,
            size,
            &read.proof,
            &root,
        )),
        of: Vec::new(),
        explains: never,
    })
}

/// Whether a receipt proves that the log committed to its head, as [`super::vectors`] asks it.
fn proves(receipt: &[u8], pin: &Pin) -> bool {
    let verdict = verify_receipt(receipt, Some(pin), None).verdict;
    let (integrity, authenticity) = (
        verdict.integrity.to_string(),
        verdict.authenticity.to_string(),
    );
    (integrity == "ok" || integrity.starts_with("log fault")) && authenticity.starts_with("ok")
}

fn verified(receipts: &[Vec<u8>]) -> Result<Vec<Question>> {
    let mut questions = Vec::new();
    for pin in PINS {
        let pin = Pin::parse(pin.as_bytes())?;
        for receipt in receipts {
            questions.push(Question {
                asked: json!({"kind": "receipt", "receipt": bytes(receipt), "policy": bytes(policy(pin.key()).as_bytes())}),
                here: word(proves(receipt, &pin)),
                of: receipt.clone(),
                explains: |receipt, _| {
                    if has_many_lines(receipt) {
                        return true;
                    }
                    let same = canonical(receipt);
                    let pins = PINS.iter().filter_map(|pin| Pin::parse(pin.as_bytes()).ok());
                    pins.into_iter().any(|pin| proves(&same, &pin))
                },
            });
        }
    }
    Ok(questions)
}

/// Whether the note at a receipt's end has more signatures than we take.
fn has_many_lines(receipt: &[u8]) -> bool {
    let text = String::from_utf8_lossy(receipt);
    let signatures = text.rsplit("\n\n").next().unwrap_or_default();
    signatures.lines().count() > NOTE_LINES_MAX
}

/// A receipt in the one form that we take, if it is written in another that says the same: base64 with stray bits or line ends, an index
/// with zeros or a sign, a signature twice.
fn canonical(receipt: &[u8]) -> Vec<u8> {
    let loose = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&STANDARD, loose);
    let base64 = |text: &str| {
        let bytes = engine.decode(text.replace('\r', ""));
        bytes.map_or(text.to_owned(), |bytes| engine.encode(bytes))
    };
    let text = String::from_utf8_lossy(receipt);
    let mut lines: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches('\n');
        let written = match body.rsplit_once(' ') {
            Some(("index", number)) => {
                let number = number.trim_start_matches('+').trim_start_matches('0');
                format!("index {}", if number.is_empty() { "0" } else { number })
            }
            Some((start, encoded)) => format!("{start} {}", base64(encoded)),
            None if body.len() >= 44 => base64(body),
            None => body.to_owned(),
        };
        if !(written.starts_with('\u{2014}') && lines.contains(&written)) {
            lines.push(written);
        }
    }
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect::<String>()
        .into_bytes()
}

/// Go counts level −1 for entries.
fn at_path(path: &[u8]) -> Option<Question> {
    let path = str::from_utf8(path).ok()?;
    let here = Tile::parse(path).map_or("invalid".to_owned(), |tile| {
        let level = match tile.level() {
            Level::Entries => "-1".to_owned(),
            Level::Hashes(level) => level.to_string(),
        };
        format!("{level} {} {}", tile.index(), tile.width())
    });
    Some(Question {
        asked: json!({"kind": "path", "path": path}),
        here,
        of: path.as_bytes().to_vec(),
        explains: |path, there| {
            path.starts_with(b"tile/data/") || lies_beyond(there).unwrap_or(false)
        },
    })
}

/// Whether a tile, as they name it, is of no tree of fewer than 2^63 leaves.
fn lies_beyond(there: &str) -> Option<bool> {
    let mut numbers = there.split(' ').map(|number| number.parse::<i128>().ok());
    let (level, index, width) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let height = u32::try_from(level.max(0)).ok()?.saturating_mul(8);
    let leaves = index.checked_mul(256)?.checked_add(width)?;
    let most = 1_i128 << 63;
    Some(
        height > 63
            || leaves
                .checked_shl(height)
                .is_none_or(|leaves| leaves >= most)
            || leaves >= most >> height.min(63),
    )
}

/// As many entries of 32 bytes as fit; of others, and of how many there must be, the table has rows.
fn entries(bundle: &[u8]) -> Question {
    let width = u64::try_from(bundle.len() / 34).unwrap_or(u64::MAX);
    let read = tile::decode_bundle(bundle, width);
    let texts = read.map(|entries| entries.iter().map(Hash::to_string).collect::<Vec<_>>());
    Question {
        asked: json!({"kind": "bundle", "bundle": bytes(bundle)}),
        here: texts.map_or("refused".to_owned(), |texts| texts.join(" ")),
        of: Vec::new(),
        explains: |_, _| true,
    }
}
