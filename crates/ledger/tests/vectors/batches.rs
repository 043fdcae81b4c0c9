//! Whole batches: what they say, and that each single fault is refused for what it is.

use crate::records::{Records, grown, hashes};
use crate::{
    Word, base64_of, file, hash, id, length, list, number, refusal, require, store_id, text,
};
use indelible_ledger::format::batch::{self, BatchHeader, BatchView};
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::Hash;
use indelible_proof::key::verify_ed25519;
use indelible_proof::note::Note;
use indelible_proof::tree::Frontier;
use serde_json::Value;
use std::collections::HashMap;

/// A log before the batch at hand.
#[derive(Clone)]
struct Log {
    origin: String,
    tree: Frontier,
    last_entry: Hash,
}

/// What a batch continues.
#[derive(Clone)]
struct State {
    before: Option<(BatchHeader, Hash)>,
    logs: HashMap<Hash, Log>,
}

/// The bytes of a case.
pub fn bytes(case: &Value) -> Vec<u8> {
    if let Some(value) = case.get("batch_b64") {
        return base64_of(value);
    }
    let repeated = base64_of(&case["repeat_b64"]).repeat(length(&case["count"]));
    [
        base64_of(&case["prefix_b64"]),
        repeated,
        base64_of(&case["suffix_b64"]),
    ]
    .concat()
}

#[test]
fn each_batch_is_read_or_refused_as_the_page_says() {
    let file = file("batch");
    let logs = list(&file, "logs").iter().map(|log| {
        let begun = Log {
            origin: text(&log["origin"]).to_owned(),
            tree: Frontier::new(),
            last_entry: Hash::ZERO,
        };
        (hash(&log["id"]), begun)
    });
    let start = State {
        before: None,
        logs: logs.collect(),
    };
    let mut states = HashMap::new();
    for case in list(&file, "cases") {
        let name = text(&case["name"]);
        let state = case["after"]
            .as_str()
            .map_or(&start, |after| &states[after]);
        let read = judge(&bytes(case), &file, state, case);
        assert_eq!(read.as_ref().err().copied(), refusal(case), "{name}");
        if let Ok(after) = read {
            states.insert(name, after);
        }
    }
    assert!(states.len() > 10);
}

fn judge(bytes: &[u8], file: &Value, state: &State, case: &Value) -> Result<State, Word> {
    let view = BatchView::parse(bytes)?;
    let (header, expect) = (view.header, &case["expect"]);
    let notes = notes(&view)?;
    let mut after = state.clone();
    let mut rows = Vec::new();
    for (at, part) in view.parts().enumerate() {
        let log = after.logs.get_mut(&part.row.log);
        let log = log.ok_or(Word::Misplaced)?;
        require(part.row.first == log.tree.size(), Word::Misplaced)?;
        let mut records = Records::new(&log.origin, part.row.first, log.last_entry);
        for frame in part.frames() {
            records.frame(&frame?.1)?;
        }
        let entries = hashes(part.entries);
        require(records.entries == entries, Word::Damaged)?;
        require(
            records.times.iter().all(|time| *time <= header.time),
            Word::Damaged,
        )?;
        log.tree = grown(log.tree.clone(), &entries);
        require(log.tree.root() == part.row.root, Word::Damaged)?;
        log.last_entry = *entries.last().unwrap();
        if refusal(case).is_none() {
            let said = &expect["rows"][at];
            assert_eq!(base64_of(&said["entries_b64"]), part.entries, "{case}");
            if let Some(heads) = said.get("heads") {
                assert_eq!(*heads, Value::from(records.heads.clone()));
            }
            assert_eq!(records.lines(), hash(&said["lines_sha256"]));
        }
        rows.push(part.row);
    }
    require(header.store == store_id(file), Word::Misplaced)?;
    let key = hash(&file["batch_key"]);
    let message = batch::signed_message(view.header_bytes);
    require(
        verify_ed25519(&key.0, &message, view.signature),
        Word::Forged,
    )?;
    require(follows(&header, state.before.as_ref()), Word::Misplaced)?;
    after.before = Some((header, view.digest()));
    if refusal(case).is_none() {
        compare(&view, &rows, &notes, expect);
    }
    Ok(after)
}

fn notes(view: &BatchView<'_>) -> Result<Vec<(String, u64, Hash)>, Word> {
    view.notes()
        .map(|note| {
            let note = Note::parse(note).map_err(|_| Word::Damaged)?;
            let checkpoint = Checkpoint::parse(note.text).map_err(|_| Word::Damaged)?;
            Ok((
                checkpoint.origin.to_owned(),
                checkpoint.size,
                checkpoint.root,
            ))
        })
        .collect()
}

fn follows(header: &BatchHeader, before: Option<&(BatchHeader, Hash)>) -> bool {
    let Some((before, digest)) = before else {
        return header.number == 0 && header.prev == Hash::ZERO;
    };
    let writer = header.epoch > before.epoch
        || (header.epoch == before.epoch && header.writer == before.writer);
    header.number == before.number + 1
        && header.prev == *digest
        && writer
        && header.time >= before.time
}

fn compare(
    view: &BatchView<'_>,
    rows: &[batch::Row],
    notes: &[(String, u64, Hash)],
    expect: &Value,
) {
    let header = &view.header;
    assert_eq!(header.number, number(&expect["number"]));
    assert_eq!(header.epoch, number(&expect["epoch"]));
    assert_eq!(header.writer, id(&expect["writer"]));
    assert_eq!(Value::from(header.mark), expect["mark"]);
    assert_eq!(header.time.text(), text(&expect["time"]).as_bytes());
    assert_eq!(view.digest(), hash(&expect["digest"]));
    let said = |note: &Value| {
        let origin = text(&note["origin"]).to_owned();
        (origin, number(&note["size"]), hash(&note["root"]))
    };
    assert_eq!(
        list(expect, "notes").iter().map(said).collect::<Vec<_>>(),
        notes
    );
    let said = |row: &Value| batch::Row {
        log: hash(&row["log"]),
        first: number(&row["first"]),
        count: u32::try_from(number(&row["count"])).unwrap(),
        root: hash(&row["root"]),
    };
    assert_eq!(
        list(expect, "rows").iter().map(said).collect::<Vec<_>>(),
        rows
    );
    assert!(
        rows.iter()
            .zip(list(expect, "rows"))
            .all(|(row, said)| row.size() == number(&said["size"]))
    );
    assert_eq!(header.encode(), *view.header_bytes);
}
