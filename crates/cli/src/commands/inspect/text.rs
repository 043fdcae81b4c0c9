//! What is text: notes, receipts, exports, records, pins, and the secret file, of which nothing secret is shown.

use super::sheet::{Item, Sheet, Value, checked, count};
use super::{Source, Subject};
use crate::say::{self, Failure};
use indelible_ledger::signer::SecretFile;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash;
use indelible_proof::head::{Head, HeadError};
use indelible_proof::key::id_hex;
use indelible_proof::note::Note;
use indelible_proof::pin::Pin;
use indelible_proof::receipt::Receipt;
use indelible_proof::record::Record;
use indelible_proof::verdict::{Integrity, Part};
use indelible_proof::verify::ExportVerifier;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use zeroize::Zeroizing;

/// Whether a beginning may be that of a note: lines of text, the first an origin or a name.
pub fn looks_like_note(start: &[u8]) -> bool {
    let line = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    start.contains(&b'\n')
        && !line.is_empty()
        && line.iter().all(|byte| (0x21..0x7f).contains(byte))
}

/// A checkpoint, or another note that somebody signed.
pub fn note(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    match Note::parse(&bytes) {
        Ok(note) => note_facts(&note, sheet),
        Err(error) => {
            sheet.wrong(0, error.to_string());
            Ok(())
        }
    }
}

pub fn note_facts(note: &Note<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    match Checkpoint::parse(note.text) {
        Ok(checkpoint) => {
            sheet.fact("origin", checkpoint.origin)?;
            sheet.fact("size", checkpoint.size)?;
            sheet.fact("root", checkpoint.root)?;
        }
        Err(error) => {
            sheet.fact("text", note.text)?;
            sheet.wrong(0, error.to_string());
        }
    }
    let lines = note.signatures.iter().map(|line| {
        vec![
            ("name", line.name.into()),
            ("key_id", id_hex(line.key_id).into()),
            ("bytes", count(line.signature.len())),
        ]
    });
    sheet.fact("signatures", Value::List(lines.collect()))
}

/// A note inside a batch, in one line.
pub fn checkpoint_of(bytes: &[u8]) -> Item {
    let Ok(note) = Note::parse(bytes) else {
        return vec![("unreadable", true.into()), ("bytes", count(bytes.len()))];
    };
    let mut item: Item = match Checkpoint::parse(note.text) {
        Ok(checkpoint) => vec![
            ("origin", checkpoint.origin.into()),
            ("size", checkpoint.size.into()),
            ("root", checkpoint.root.into()),
        ],
        Err(_) => vec![("text", note.text.into())],
    };
    item.push(("signatures", count(note.signatures.len())));
    item
}

/// A receipt.
pub fn receipt(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    let receipt = match Receipt::parse(&bytes) {
        Ok(receipt) => receipt,
        Err(part) => {
            let at = match part {
                Part::Line(line) => start_of_line(&bytes, line),
                Part::Checkpoint | Part::Record => 0,
            };
            sheet.wrong(at, format!("malformed: {part}"));
            return Ok(());
        }
    };
    sheet.fact("index", receipt.index)?;
    sheet.fact("proof_hashes", count(receipt.proof.len()))?;
    head_facts(&receipt.head, sheet)?;
    note_facts(&receipt.note, sheet)
}

/// Where a line begins, counted from 1.
pub fn start_of_line(bytes: &[u8], line: u64) -> u64 {
    let before = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').take(before);
    u64::try_from(lines.map(<[u8]>::len).sum::<usize>()).unwrap_or(u64::MAX)
}

/// What a head says: who, when, which log.
pub fn head_facts(bytes: &[u8], sheet: &mut Sheet) -> Result<(), Failure> {
    let head = match Head::parse(bytes) {
        Ok(head) => head,
        Err(HeadError::Unsupported) => {
            sheet.unsupported(0, "head version");
            return Ok(());
        }
        Err(error) => {
            sheet.wrong(0, error.to_string());
            return Ok(());
        }
    };
    sheet.fact("log", head.log.as_str())?;
    sheet.fact("seq", head.seq)?;
    sheet.fact("time", head.time)?;
    sheet.fact("head_kind", head.shared.kind.as_str())?;
    sheet.fact("by", head.shared.by)?;
    sheet.fact("via", head.shared.via)?;
    for (name, value) in [
        ("from", head.shared.from),
        ("format", head.shared.format),
        ("key", head.own.key),
    ] {
        if let Some(value) = value {
            sheet.fact(name, value)?;
        }
    }
    if let Some(stream) = &head.own.stream {
        let stream = format!("{} epoch {} n {}", stream.src, stream.epoch, stream.n);
        sheet.fact("stream", stream)?;
    }
    if let Some(occurred) = head.own.occurred {
        sheet.fact("occurred", occurred)?;
    }
    sheet.fact("digest", head.digest)?;
    sheet.fact("prev", head.prev)?;
    sheet.fact("entry", hash::entry(bytes))
}

/// A head alone.
pub fn head(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    head_facts(bytes.strip_suffix(b"\n").unwrap_or(&bytes), sheet)
}

/// Record lines, as `get` prints them.
pub fn record(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    if lines.next().is_none() {
        return one_record(first.strip_suffix(b"\n").unwrap_or(first), sheet);
    }
    let mut at = 0;
    sheet.begin_list("records")?;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        match Record::cut(text).map(|record| (Head::parse(record.head).ok(), record)) {
            Some((Some(head), record)) => sheet.item(|| {
                vec![
                    ("seq", head.seq.into()),
                    ("log", head.log.as_str().into()),
                    ("time", head.time.into()),
                    ("kind", head.shared.kind.as_str().into()),
                    ("by", head.shared.by.into()),
                    ("content", record.content.is_some().into()),
                ]
            })?,
            _ => sheet.wrong(at, "not a record"),
        }
        at += u64::try_from(line.len()).unwrap_or(0);
    }
    sheet.end_list("record_count")
}

fn one_record(line: &[u8], sheet: &mut Sheet) -> Result<(), Failure> {
    let Some(record) = Record::cut(line) else {
        sheet.wrong(
            0,
            "not a record: {\"head\":…,\"salt\":…,\"event\":…} or {\"head\":…}",
        );
        return Ok(());
    };
    head_facts(record.head, sheet)?;
    let Some(content) = record.content else {
        return sheet.fact("content", "withheld or gone");
    };
    sheet.fact("event_bytes", count(content.event.len()))?;
    if sheet.events {
        sheet.fact("event", String::from_utf8_lossy(content.event).into_owned())?;
    }
    if let Ok(head) = Head::parse(record.head) {
        let right = hash::digest(content.salt, content.event) == head.digest;
        sheet.fact("digest_of_event", checked(right))?;
        if !right {
            sheet.wrong(0, "salt and event don't give the digest in the head");
        }
    }
    Ok(())
}

/// An export, gone over by the verifier's own grammar in memory bounded by its longest line.
pub fn export(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let mut verifier = ExportVerifier::new(None);
    let mut chunk = vec![0; 1 << 20];
    while !verifier.is_refused() {
        let read = read_some(&mut *subject.source, &mut chunk)
            .map_err(|error| say::file(subject.path, &error))?;
        if read == 0 {
            break;
        }
        verifier.feed(chunk.get(..read).unwrap_or_default());
    }
    let judged = verifier.finish();
    let checked = judged.checked;
    if let Some(origin) = checked.origin {
        sheet.fact("origin", origin)?;
    }
    if let Some(id) = checked.log_id {
        sheet.fact("id", id)?;
    }
    if let Some((first, last)) = checked.range {
        sheet.fact("first", first)?;
        sheet.fact("last", last)?;
    }
    sheet.fact("heads", Value::Count(checked.heads))?;
    sheet.fact("events", Value::Count(checked.events))?;
    sheet.fact("entries", Value::Count(checked.entries))?;
    if let Some((from, to)) = checked.times {
        sheet.fact("from", from)?;
        sheet.fact("to", to)?;
    }
    if let Some((size, root)) = checked.checkpoint {
        sheet.fact("size", size)?;
        sheet.fact("root", root)?;
    }
    sheet.fact("bytes", Value::Count(checked.bytes))?;
    match judged.verdict.integrity {
        Integrity::Malformed(part) => {
            let expected = judged
                .expected
                .map_or(String::new(), |what| format!(": expected {what}"));
            sheet.wrong(checked.bytes, format!("malformed: {part}{expected}"));
        }
        Integrity::UnsupportedVersion => sheet.unsupported(0, "export version"),
        _ => {}
    }
    Ok(())
}

fn read_some(source: &mut dyn Source, into: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match source.read(into) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// A pin.
pub fn pin(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let bytes = subject.text()?;
    match Pin::parse(&bytes) {
        Ok(pin) => {
            sheet.fact("id", pin.log_id())?;
            sheet.fact("origin", pin.origin())?;
            sheet.fact("key", pin.key().to_string())
        }
        Err(_) if !bytes.starts_with(b"indelible-pin-v1 ") => {
            sheet.unsupported(0, "pin version");
            Ok(())
        }
        Err(error) => {
            sheet.wrong(0, error.to_string());
            Ok(())
        }
    }
}

/// The largest text that could be a secret; a larger file is something else.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// A secret file: whether it is one, whose, and who may read it. Nothing of what stands in it but what a passphrase costs to guess.
pub fn secret(subject: &mut Subject<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    private_file(subject, sheet, |text, sheet| {
        sheet.fact("generation", generation(text.as_bytes()))?;
        match SecretFile::parse(text) {
            Ok(SecretFile::Plain(_)) => sheet.fact("passphrase", "none"),
            Ok(SecretFile::Sealed(sealed)) => {
                let (memory, passes, lanes) = sealed.cost();
                sheet.fact("passphrase", "argon2id")?;
                sheet.fact("memory_kib", u64::from(memory))?;
                sheet.fact("passes", u64::from(passes))?;
                sheet.fact("lanes", u64::from(lanes))
            }
            Err(_) => {
                sheet.wrong(0, "not a node secret that this version reads");
                Ok(())
            }
        }
    })
}

/// A file that its owner alone should read: what `read` says of its text, and who may.
pub fn private_file(
    subject: &mut Subject<'_>,
    sheet: &mut Sheet,
    read: impl FnOnce(&str, &mut Sheet) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error| say::file(subject.path, &error);
    let mut bytes = Zeroizing::new(Vec::new());
    subject
        .source
        .by_ref()
        .take(SECRET_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    sheet.fact("secret", "not shown")?;
    // What is no text is no secret either, and is told so by its reader.
    read(std::str::from_utf8(&bytes).unwrap_or_default(), sheet)?;
    if let Ok(metadata) = std::fs::metadata(subject.path) {
        let mode = metadata.mode() & 0o777;
        sheet.fact("mode", format!("{mode:04o}"))?;
        sheet.fact("owner", u64::from(metadata.uid()))?;
        if mode & 0o077 != 0 {
            sheet.wrong(0, "others can get at it; a program that writes refuses it");
        }
    }
    Ok(())
}

/// The number behind the label, if there is one: a digit is no secret.
fn generation(bytes: &[u8]) -> String {
    let number = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.split(' ').nth(1))
        .filter(|number| number.len() <= 10 && number.bytes().all(|byte| byte.is_ascii_digit()));
    number.unwrap_or("unknown").to_owned()
}
