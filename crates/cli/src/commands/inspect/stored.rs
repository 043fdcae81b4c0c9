//! `FORMAT`, the register, the two files of a pack, and `lock`.

use super::sheet::{Item, Sheet, Value, checked, count};
use super::slots::{columns, fault, masks, wrong};
use super::{PEEKED, Subject, read_up_to, set_aside};
use crate::say::{self, Failure};
use indelible_ledger::format::frame::FrameScratch;
use indelible_ledger::format::pack::{PackHeader, RecHeader, parse_pack_name};
use indelible_ledger::format::register::Register;
use indelible_ledger::hex16;
use indelible_ledger::inspect::{self, EntSeen, FrameSeen, RecSeen, RunSeen, StreamSeen, Wrong};
use indelible_proof::hash::Hasher;
use indelible_store::inspect::{Masks, format_fault, register_content};
use indelible_store::limits::{FORMAT_LEN_MAX, REGISTER_MAX};
use std::cell::RefCell;
use std::io::Read as _;

/// `FORMAT`: its lines, as far as it has any.
pub fn format(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let most = usize::try_from(FORMAT_LEN_MAX).unwrap_or(usize::MAX);
    let bytes = read_up_to(&mut subject.source, most, subject.path)?;
    let text = String::from_utf8_lossy(&bytes);
    sheet.begin_list("lines")?;
    for line in text.lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        sheet.pair(name, value)?;
    }
    sheet.end_list("line_count")?;
    if let Some(found) = format_fault(&bytes) {
        fault(0, found, sheet);
    }
    Ok(())
}

/// `lock` means nothing but to those who hold it, and is always empty.
pub fn lock(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    if !subject.start.is_empty() {
        sheet.wrong(0, "always empty, and here it is not");
    }
    sheet.fact("empty", subject.start.is_empty())
}

/// What the register remembers.
pub fn register(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = read_up_to(&mut subject.source, REGISTER_MAX + PEEKED, subject.path)?;
    if let Some(found) = Masks::of(&bytes) {
        masks(&found, sheet)?;
    }
    let content = match register_content(&bytes) {
        Ok(content) => content,
        Err(found) => {
            fault(0, found, sheet);
            return Ok(());
        }
    };
    match Register::decode(&content) {
        Ok(register) => {
            let header = &register.header;
            sheet.fact("store", hex16(&header.store))?;
            sheet.fact("batch", header.number)?;
            sheet.fact("epoch", header.epoch)?;
            sheet.fact("writer", hex16(&header.writer))?;
            sheet.fact("time", header.time)?;
            sheet.fact("digest", register.digest())
        }
        Err(error) => {
            wrong(Wrong::from_format(error, 32), sheet);
            Ok(())
        }
    }
}

/// Printing can fail while a walk tells what it meets; the walk goes on, and the failure is handed up afterwards.
struct Teller<'s> {
    sheet: &'s mut Sheet,
    failure: Option<Failure>,
}

impl Teller<'_> {
    fn tell(&mut self, say: impl FnOnce(&mut Sheet) -> Result<(), Failure>) {
        if self.failure.is_none() {
            self.failure = say(self.sheet).err();
        }
    }
}

/// The `.ent` of a pack.
pub fn ent(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    if let Some(found) = Masks::of(&subject.start) {
        masks(&found, sheet)?;
    }
    digest_in_name(subject, sheet)?;
    let name = name_of(subject);
    let all = sheet.all;
    let teller = RefCell::new(Teller {
        sheet,
        failure: None,
    });
    let read = inspect::ent(
        &mut subject.source,
        &mut |seen| {
            teller.borrow_mut().tell(|sheet| {
                begin_ent(seen, &name, sheet)?;
                sheet.begin_list("runs")
            });
        },
        &mut |run| {
            teller
                .borrow_mut()
                .tell(|sheet| sheet.item(|| run_item(&run, all)))
        },
        &mut |found| wrong(found, teller.borrow_mut().sheet),
    );
    let Teller { sheet, failure } = teller.into_inner();
    read.map_err(|error| subject.failed(&error))?;
    failure.map_or(Ok(()), Err)?;
    sheet.end_list("run_count")
}

fn begin_ent(seen: &EntSeen, name: &str, sheet: &mut Sheet) -> Result<(), Failure> {
    sheet.fact("length", Value::Count(seen.length))?;
    let Some(header) = &seen.header else {
        return Ok(());
    };
    let PackHeader {
        store,
        first,
        last,
        last_digest,
        runs,
        sections,
        ..
    } = header;
    sheet.fact("store", hex16(store))?;
    sheet.fact("first_batch", *first)?;
    sheet.fact("last_batch", *last)?;
    sheet.fact("last_batch_digest", *last_digest)?;
    sheet.fact("digest", header.digest())?;
    sheet.fact("runs_said", Value::Count(u64::from(*runs)))?;
    said_by_name(name, (*first, *last), sheet);
    let sections = sections
        .iter()
        .zip(&seen.sections)
        .map(|(section, (name, right))| {
            vec![
                ("name", (*name).into()),
                ("offset", section.offset.into()),
                ("length", Value::Count(section.length)),
                ("sha256", section.sha256.into()),
                ("check", checked(*right)),
            ]
        });
    sheet.fact("sections", Value::List(sections.collect()))
}

/// Streams of a run that are shown without `--all`.
const STREAMS_SHOWN: usize = 10;

fn run_item(seen: &RunSeen, all: bool) -> Item {
    let run = &seen.run;
    let mut item: Item = vec![
        ("log", run.origin.clone().into()),
        ("id", run.log.into()),
        ("first", run.first.into()),
        ("last", run.end().saturating_sub(1).into()),
        ("count", Value::Count(u64::from(run.count))),
        ("from", run.first_time.into()),
        ("to", run.last_time.into()),
        ("root", run.root.into()),
        ("frames", Value::Count(u64::from(run.frames))),
        ("rec_offset", run.rec_at.into()),
        ("rec_length", Value::Count(run.rec_len)),
    ];
    if let Some(commits) = seen.commits {
        item.push(("commits", Value::Count(commits)));
    }
    item.push(("note_count", Value::Count(u64::from(run.notes))));
    let notes = seen.notes.iter().map(|size| vec![("size", (*size).into())]);
    item.push(("notes", Value::List(notes.collect())));
    item.push(("key_count", Value::Count(u64::from(run.keys))));
    item.push(("place_count", Value::Count(u64::from(run.places))));
    if let Some(streams) = &seen.streams {
        item.push(("stream_count", count(streams.len())));
        let shown = if all { streams.len() } else { STREAMS_SHOWN };
        let streams = streams.iter().take(shown).map(stream_item);
        item.push(("streams", Value::List(streams.collect())));
    }
    item
}

fn stream_item(seen: &StreamSeen) -> Item {
    vec![
        ("by", seen.by.clone().into()),
        ("src", seen.src.clone().into()),
        ("epoch", seen.epoch.into()),
        ("first", seen.numbers.0.into()),
        ("last", seen.numbers.1.into()),
    ]
}

/// The `.rec` of a pack.
pub fn rec(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    if let Some(found) = Masks::of(&subject.start) {
        masks(&found, sheet)?;
    }
    digest_in_name(subject, sheet)?;
    let name = name_of(subject);
    let mut records = 0;
    let mut scratch = FrameScratch::default();
    let teller = RefCell::new(Teller {
        sheet,
        failure: None,
    });
    let read = inspect::rec(
        &mut subject.source,
        &mut |seen| {
            teller.borrow_mut().tell(|sheet| {
                begin_rec(seen, &name, sheet)?;
                sheet.begin_list("frames")
            });
        },
        &mut |frame| {
            records += frame.frame.records();
            teller
                .borrow_mut()
                .tell(|sheet| frame_item(frame, &mut scratch, sheet));
        },
        &mut |found| wrong(found, teller.borrow_mut().sheet),
    );
    let Teller { sheet, failure } = teller.into_inner();
    read.map_err(|error| subject.failed(&error))?;
    failure.map_or(Ok(()), Err)?;
    sheet.end_list("frame_count")?;
    sheet.fact("records", Value::Count(records))
}

fn begin_rec(seen: &RecSeen, name: &str, sheet: &mut Sheet) -> Result<(), Failure> {
    sheet.fact("length", Value::Count(seen.length))?;
    let Some(RecHeader {
        store,
        first,
        last,
        ent,
        length,
    }) = seen.header
    else {
        return Ok(());
    };
    sheet.fact("store", hex16(&store))?;
    sheet.fact("first_batch", first)?;
    sheet.fact("last_batch", last)?;
    sheet.fact("digest_of_ent", ent)?;
    said_by_name(name, (first, last), sheet);
    sheet.fact("length_said", Value::Count(length))
}

fn frame_item(
    seen: &FrameSeen<'_>,
    scratch: &mut FrameScratch,
    sheet: &mut Sheet,
) -> Result<(), Failure> {
    let frame = &seen.frame;
    let records = match seen.sound {
        true => columns(frame, seen.offset, scratch, sheet),
        false => Vec::new(),
    };
    let mut item: Item = vec![
        ("offset", seen.offset.into()),
        ("first", frame.first_seq().into()),
        ("count", Value::Count(frame.records())),
        ("length", count(frame.bytes().len())),
        ("raw_length", count(frame.raw_len())),
        ("compressed", frame.is_compressed().into()),
        ("check", checked(seen.sound)),
    ];
    if sheet.events {
        item.push(("records", Value::List(records)));
    }
    sheet.item(|| item)
}

/// The file's own name, without what quarantine adds to it.
fn name_of(subject: &Subject<'_>) -> String {
    let name = subject
        .path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    set_aside(name)
        .map_or(name, |(before, _)| before)
        .to_owned()
}

fn said_by_name(name: &str, batches: (u64, u64), sheet: &mut Sheet) {
    let named = parse_pack_name(&format!("sealed/{name}"));
    if named.is_some_and(|(first, last, _)| (first, last) != batches) {
        sheet.wrong(48, "the file holds other batches than its name says");
    }
}

/// A file set aside is named by its SHA-256.
fn digest_in_name(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let name = subject
        .path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let Some((_, digest)) = set_aside(name) else {
        return Ok(());
    };
    let failed = |error| say::file(subject.path, &error);
    let (mut hasher, mut chunk) = (Hasher::new(), vec![0; 1 << 20]);
    subject.source.rewind().map_err(failed)?;
    loop {
        let read = subject.source.read(&mut chunk).map_err(failed)?;
        if read == 0 {
            break;
        }
        hasher.update(chunk.get(..read).unwrap_or_default());
    }
    let right = hasher.finish().to_string() == digest;
    if !right {
        sheet.wrong(0, "its bytes don't give the digest in its name");
    }
    sheet.fact("digest_in_name", checked(right))
}
