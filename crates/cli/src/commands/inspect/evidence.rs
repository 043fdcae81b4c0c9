//! Evidence and what a verifier keeps: batch receipts, proofs, walk files, trust files, memories, tiles; and recovery keys, of which
//! nothing secret is shown. Form only: none of the proofs is followed here but those of a walk, which are its form's purpose.

use super::Subject;
use super::sheet::{Sheet, Value, count};
use super::text::{head_facts, note_facts, private_file, start_of_line};
use crate::say::Failure;
use indelible_ledger::signer::RecoveryKey;
use indelible_proof::batch_receipt::BatchReceipt;
use indelible_proof::key_set::is_recovery_name;
use indelible_proof::memory::{Memory, MemoryError};
use indelible_proof::prove::{Proof, TreeHead};
use indelible_proof::tile::{self, Level, Tile};
use indelible_proof::trust::{Required, Trust, TrustError};
use indelible_proof::verdict::{Integrity, Part};
use indelible_proof::verify::{WalkFile, WalkFileError};
use std::path::Path;

/// A batch receipt.
pub fn batch_receipt(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    let receipt = match BatchReceipt::parse(&bytes) {
        Ok(receipt) => receipt,
        Err(integrity) => return refused(&integrity, &bytes, sheet, "batch receipt version"),
    };
    sheet.fact("first", receipt.first)?;
    sheet.fact("last", receipt.first.saturating_add(receipt.count) - 1)?;
    sheet.fact("records", Value::Count(receipt.count))?;
    sheet.fact("proof_hashes", count(receipt.hashes.len()))?;
    if receipt.sides().is_none() {
        sheet.wrong(0, "the range has another number of hashes in its tree");
    }
    note_facts(&receipt.note, sheet)
}

/// A consistency proof, or a head at a time.
pub fn proof(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    let proof = match Proof::parse(&bytes) {
        Ok(proof) => proof,
        Err(integrity) => return refused(&integrity, &bytes, sheet, "proof version"),
    };
    match &proof {
        Proof::Consistency(proof) => {
            tree_head("from", &proof.from, sheet)?;
            tree_head("to", &proof.to, sheet)?;
            let hashes = proof.between.len() + proof.to_checkpoint.len();
            sheet.fact("proof_hashes", count(hashes))?;
        }
        Proof::HeadAt(proof) => {
            sheet.fact("at", proof.time)?;
            tree_head("then", &proof.size, sheet)?;
            sheet.fact("proof_hashes", count(proof.hashes.len()))?;
            sheet.fact("has_record_after", proof.after.is_some())?;
            if let Some(head) = &proof.before {
                head_facts(head, sheet)?;
            }
        }
    }
    note_facts(proof.signed().0, sheet)
}

fn tree_head(name: &'static str, head: &TreeHead, sheet: &mut Sheet) -> Result<(), Failure> {
    let fields = vec![("size", head.size.into()), ("root", head.root.into())];
    sheet.fact(name, Value::List(vec![fields]))
}

/// What a reader of `proof` says of bytes that it refuses.
fn refused(
    integrity: &Integrity,
    bytes: &[u8],
    sheet: &mut Sheet,
    version: &'static str,
) -> Result<(), Failure> {
    match integrity {
        Integrity::UnsupportedVersion => sheet.unsupported(0, version),
        Integrity::Malformed(part) => {
            let at = match part {
                Part::Line(line) => start_of_line(bytes, *line),
                Part::Checkpoint | Part::Record => 0,
            };
            sheet.wrong(at, format!("malformed: {part}"));
        }
        other => sheet.wrong(0, other.to_string()),
    }
    Ok(())
}

/// A walk file, and where its walk leads.
pub fn walk(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    let file = match WalkFile::read(&bytes) {
        Ok(file) => file,
        Err(WalkFileError::Unsupported) => {
            sheet.unsupported(0, "walk file version");
            return Ok(());
        }
        Err(error) => {
            let at = match error {
                WalkFileError::Malformed(line) => start_of_line(&bytes, line),
                _ => 0,
            };
            sheet.wrong(at, error.to_string());
            return Ok(());
        }
    };
    let (origin, id) = file.walk().log();
    sheet.fact("origin", origin)?;
    sheet.fact("id", id)?;
    let (size, root) = file.head();
    sheet.fact("size", size)?;
    sheet.fact("root", root)?;
    let sets = file.walk().sets().iter().map(|set| {
        let names: Vec<String> = set.keys.keys.iter().map(ToString::to_string).collect();
        vec![
            ("from_size", set.hinge.into()),
            ("since", set.since.into()),
            ("keys", names.join(" ").into()),
        ]
    });
    sheet.fact("key_sets", Value::List(sets.collect()))?;
    sheet.fact("walk_holds", file.is_good())?;
    if !file.is_good() {
        sheet.wrong(0, "the walk does not hold: a verifier says key walk broken");
    }
    Ok(())
}

/// A trust file.
pub fn trust(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    let trust = match Trust::parse(&bytes) {
        Ok(trust) => trust,
        Err(TrustError::Unsupported) => {
            sheet.unsupported(0, "trust file version");
            return Ok(());
        }
        Err(error) => {
            let at = match &error {
                TrustError::Line(line) => start_of_line(&bytes, *line),
                TrustError::Policy(error) => start_of_line(
                    &bytes,
                    u64::try_from(error.line).unwrap_or(1).saturating_add(4),
                ),
                _ => 0,
            };
            sheet.wrong(at, error.to_string());
            return Ok(());
        }
    };
    sheet.fact("id", trust.pin.log_id())?;
    sheet.fact("origin", trust.pin.origin())?;
    sheet.fact("key", trust.pin.key().to_string())?;
    let required = match trust.required {
        Required::Ed25519 => "ed25519",
        Required::MlDsa44 => "ml-dsa-44",
        Required::Both => "both",
    };
    sheet.fact("signatures", required)?;
    let Some(policy) = &trust.policy else {
        return sheet.fact("policy", "none");
    };
    sheet.fact("logs", count(policy.logs.len()))?;
    let names = policy
        .witnesses
        .iter()
        .map(|key| vec![("key", key.to_string().into())]);
    sheet.fact("witnesses", Value::List(names.collect()))?;
    sheet.fact("asks_for_witnesses", policy.asks_for_witnesses())
}

/// A memory: the newest checkpoint of each log that a verifier has seen.
pub fn memory(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    let memory = match Memory::parse(&bytes) {
        Ok(memory) => memory,
        Err(error) => {
            let at = match error {
                MemoryError::Line(line) => start_of_line(&bytes, u64::try_from(line).unwrap_or(1)),
                MemoryError::TooLarge => 0,
            };
            sheet.wrong(at, error.to_string());
            return Ok(());
        }
    };
    sheet.begin_list("checkpoints")?;
    for note in memory.notes() {
        sheet.item(|| super::text::checkpoint_of(note.as_bytes()))?;
    }
    sheet.end_list("checkpoint_count")
}

/// A recovery key: whose, and who may read it.
pub fn recovery(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    private_file(subject, sheet, |text, sheet| {
        let name = text.split(' ').nth(1).filter(|name| is_recovery_name(name));
        sheet.fact("name", name.unwrap_or("unknown"))?;
        match RecoveryKey::parse(text) {
            Ok(key) => sheet.fact("verifier_key", key.verifier().to_string()),
            Err(_) => {
                sheet.wrong(0, "not a recovery key that this version reads");
                Ok(())
            }
        }
    })
}

/// The tile or bundle that lies under such a path.
pub fn tile_of(path: &Path) -> Option<Tile> {
    let path = path.to_str()?;
    let starts = path.rmatch_indices("tile/").map(|(at, _)| at);
    let borders =
        starts.filter(|at| *at == 0 || path.get(..*at).is_some_and(|before| before.ends_with('/')));
    borders.filter_map(|at| Tile::parse(path.get(at..)?)).next()
}

/// A tile or an entry bundle, known by its path.
pub fn tile(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    let Some(tile) = tile_of(subject.path) else {
        sheet.wrong(0, "its path is none of a tile");
        return Ok(());
    };
    let (level, decoded) = match tile.level() {
        Level::Entries => (
            "entries".to_owned(),
            tile::decode_bundle(&bytes, tile.width()),
        ),
        Level::Hashes(level) => (level.to_string(), tile::decode_hashes(&bytes, tile.width())),
    };
    sheet.fact("level", level)?;
    sheet.fact("index", tile.index())?;
    sheet.fact("width", Value::Count(tile.width()))?;
    let leaves = tile.leaves();
    sheet.fact("first", leaves.start)?;
    sheet.fact("last", leaves.end.saturating_sub(1))?;
    match decoded {
        None => sheet.wrong(0, "not as many hashes or entries as its path says"),
        Some(hashes) => {
            if let Some(root) = tile::root(&hashes).filter(|_| tile.level() != Level::Entries) {
                sheet.fact("root", root)?;
            }
        }
    }
    Ok(())
}
