//! Tail files and slots set aside: what each slot holds, batch by batch.

use super::sheet::{Item, Sheet, Value, checked, count};
use super::{Subject, read_up_to, set_aside, text};
use crate::say::Failure;
use indelible_ledger::format::batch::{BatchView, Part};
use indelible_ledger::format::frame::{Content, FrameScratch, FrameView};
use indelible_ledger::hex16;
use indelible_ledger::inspect::Wrong;
use indelible_proof::hash;
use indelible_store::inspect::{Fault, Masks, SLOT_FILE_MAX, SlotSeen, TailWalk, slot_alone};

/// Version and masks of a binary file.
pub fn masks(masks: &Masks, sheet: &mut Sheet) -> Result<(), Failure> {
    sheet.fact("version", u64::from(masks.version))?;
    sheet.fact("incompatible_features", masks.incompatible)?;
    sheet.fact("read_only_features", masks.read_only)
}

/// What is wrong with a file of the store's own.
pub fn fault(at: u64, fault: Fault, sheet: &mut Sheet) {
    match fault {
        Fault::Unsupported(what) => sheet.unsupported(at, what),
        Fault::Damaged(what) => sheet.wrong(at, what),
    }
}

/// What is wrong with a file of the ledger's.
pub fn wrong(wrong: Wrong, sheet: &mut Sheet) {
    if wrong.unsupported {
        sheet.unsupported(wrong.at, wrong.what);
    } else {
        sheet.wrong(wrong.at, wrong.what);
    }
}

/// A tail file.
pub fn tail(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let failed = |error| crate::say::file(subject.path, &error);
    let Some(mut walk) = TailWalk::open(&mut subject.source).map_err(failed)? else {
        sheet.wrong(0, "tail file header is cut short");
        return Ok(());
    };
    masks(&walk.masks, sheet)?;
    let header = walk.header.clone();
    sheet.fact("store", hex16(&header.store_id))?;
    sheet.fact("number", header.number)?;
    sheet.fact("length", header.length)?;
    sheet.fact("generation", "not shown: it is not to leave the disk")?;
    if let Some(found) = header.fault {
        fault(0, found, sheet);
        if matches!(found, Fault::Unsupported(_)) {
            return Ok(());
        }
    }
    if header.length != walk.length() {
        let what = format!(
            "the file has {} bytes instead of {}",
            walk.length(),
            header.length
        );
        sheet.wrong(56, what);
    }
    let name = subject
        .path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let named = name.parse::<u64>().ok().filter(|_| name.len() == 12);
    if named.is_some_and(|named| named != header.number) {
        sheet.wrong(48, "the file has another number than its name");
    }
    sheet.begin_list("slots")?;
    let mut last: Option<u64> = None;
    while let Some(seen) = walk.next_slot().map_err(failed)? {
        if let (Some((number, _)), Some(last)) = (seen.said, last)
            && number != last.saturating_add(1)
        {
            sheet.wrong(
                seen.offset,
                format!("slot {number} stands behind slot {last}"),
            );
        }
        last = seen.said.map_or(last, |(number, _)| Some(number));
        show(&seen, sheet)?;
    }
    sheet.end_list("slot_count")?;
    sheet.fact("empty_blocks", Value::Count(walk.empty))?;
    sheet.fact("left_over_blocks", Value::Count(walk.left_over))
}

/// A slot in quarantine, whose name says what its bytes hash to.
pub fn slot(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let most = usize::try_from(SLOT_FILE_MAX).unwrap_or(usize::MAX);
    let bytes = read_up_to(&mut subject.source, most, subject.path)?;
    let name = subject.path.file_name().and_then(|name| name.to_str());
    if let Some((_, digest)) = name.and_then(set_aside) {
        let right = hash::sha256(&bytes).to_string() == digest;
        sheet.fact("digest_in_name", checked(right))?;
        if !right {
            sheet.wrong(0, "its bytes don't give the digest in its name");
        }
    }
    sheet.fact("length", count(bytes.len()))?;
    sheet.begin_list("slots")?;
    show(&slot_alone(&bytes), sheet)?;
    sheet.end_list("slot_count")
}

fn show(seen: &SlotSeen, sheet: &mut Sheet) -> Result<(), Failure> {
    let mut item: Item = Vec::new();
    if let Some((number, length)) = seen.said {
        item.push(("number", number.into()));
        item.push(("offset", seen.offset.into()));
        item.push(("length", Value::Count(length)));
    } else {
        item.push(("offset", seen.offset.into()));
    }
    item.push(("checksums", checked(seen.bytes.is_ok())));
    match &seen.bytes {
        Ok(bytes) => batch(bytes, seen, &mut item, sheet),
        Err(what) => sheet.wrong(seen.offset, *what),
    }
    sheet.item(|| item)
}

/// Where a slot's bytes begin behind its header.
const FRAMING: u64 = 64;

/// What a slot's bytes say.
fn batch(bytes: &[u8], seen: &SlotSeen, item: &mut Item, sheet: &mut Sheet) {
    let base = seen.offset.saturating_add(FRAMING);
    let batch = match BatchView::parse(bytes) {
        Ok(batch) => batch,
        Err(error) => {
            let found = Wrong::from_format(error, base);
            return wrong(
                Wrong {
                    what: format!("batch: {}", found.what),
                    ..found
                },
                sheet,
            );
        }
    };
    let header = &batch.header;
    if seen.said.is_some_and(|(number, _)| number != header.number) {
        sheet.wrong(
            base.saturating_add(32),
            "the batch has another number than its slot",
        );
    }
    item.push(("mark", header.mark.into()));
    item.push(("time", header.time.into()));
    item.push(("epoch", header.epoch.into()));
    item.push(("writer", Value::Digest(hex16(&header.writer))));
    item.push(("store", Value::Digest(hex16(&header.store))));
    item.push(("before", header.prev.into()));
    item.push(("digest", batch.digest().into()));
    let parts: Vec<Part<'_>> = batch.parts().collect();
    let records = parts.iter().map(|part| u64::from(part.row.count)).sum();
    item.push(("records", Value::Count(records)));
    item.push(("row_count", count(parts.len())));
    let notes: Vec<&[u8]> = batch.notes().collect();
    item.push(("note_count", count(notes.len())));
    let rows = parts.iter().map(|part| row(part, base, sheet)).collect();
    item.push(("rows", Value::List(rows)));
    let notes = notes.iter().map(|note| text::checkpoint_of(note)).collect();
    item.push(("notes", Value::List(notes)));
}

/// One log's records in a batch, their frames gone over.
fn row(part: &Part<'_>, base: u64, sheet: &mut Sheet) -> Item {
    let (mut frames, mut records) = (0, Vec::new());
    let mut scratch = FrameScratch::default();
    for frame in part.frames() {
        match frame {
            Ok((at, frame)) => {
                frames += 1;
                let at = base.saturating_add(at);
                records.extend(columns(&frame, at, &mut scratch, sheet));
            }
            Err(error) => wrong(Wrong::from_format(error, base), sheet),
        }
    }
    let mut item: Item = vec![
        ("log", part.row.log.into()),
        ("first", part.row.first.into()),
        ("count", Value::Count(u64::from(part.row.count))),
        ("size", part.row.size().into()),
        ("root", part.row.root.into()),
        ("frames", Value::Count(frames)),
    ];
    if sheet.events {
        item.push(("records", Value::List(records)));
    }
    item
}

/// Takes a frame's columns apart: what is wrong with them is told, and, if asked for, the records are given.
pub fn columns(
    frame: &FrameView<'_>,
    at: u64,
    scratch: &mut FrameScratch,
    sheet: &mut Sheet,
) -> Vec<Item> {
    let columns = match frame.columns(scratch) {
        Ok(columns) => columns,
        Err(error) => {
            wrong(Wrong::from_format(error, at), sheet);
            return Vec::new();
        }
    };
    if !sheet.events {
        return Vec::new();
    }
    let seqs = frame.first_seq()..;
    let records = seqs.zip(columns.records()).map(|(seq, record)| {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut item: Item = vec![
            ("seq", seq.into()),
            ("time", record.time.into()),
            ("shared", lossy(record.shared).into()),
            ("own", lossy(record.own).into()),
        ];
        match record.content {
            Content::Present { event, .. } => item.push(("event", lossy(event).into())),
            Content::Absent { digest } => item.push(("digest_of_what_is_gone", digest.into())),
        }
        item
    });
    records.collect()
}
