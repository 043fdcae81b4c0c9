//! Verifies a receipt, a batch receipt, a proof or an export that lies in a file.

use super::progress::Progress;
use super::report::{Report, Value};
use super::trust::Trusted;
use crate::evidence::{RecordLines, named, open, read_up_to};
use crate::say::{self, Failure};
use crate::show;
use indelible_proof::batch_receipt;
use indelible_proof::limits::{NOTE_BYTES_MAX, RECEIPT_BYTES_MAX, WALK_FILE_BYTES_MAX};
use indelible_proof::time::Time;
use indelible_proof::verdict::{Authenticity, Completeness, Consistency, Integrity};
use indelible_proof::verify::{self, BatchReceiptVerifier, Checked, ExportVerifier, WalkFile};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// The file of a record (`docs/spec/receipt.md`): four times the largest event.
const RECORD_FILE_BYTES_MAX: usize = 64 << 20;
/// One read of an export.
const CHUNK: usize = 1 << 20;

/// A receipt, and the record it should be of.
pub fn receipt(
    path: &Path,
    record: Option<&Path>,
    trusted: &mut Trusted,
) -> Result<Report, Failure> {
    let bytes = read_up_to(path, RECEIPT_BYTES_MAX)?;
    if bytes.starts_with(batch_receipt::TITLE_START) {
        return self::batch_receipt(path, &bytes, record, trusted);
    }
    let record = record.map(read_record).transpose()?;
    let judged = verify::verify_receipt(&bytes, trusted.known(), record.as_deref());
    let mut unchecked = Vec::new();
    if record.is_none() {
        unchecked.push("the event: no record was given (--record FILE)".to_owned());
    } else if judged.checked.events == 0 {
        unchecked.push("the event: the record given has none, or was not reached".to_owned());
    }
    unchecked.push("any other record".to_owned());
    describe("receipt", path, judged, trusted, unchecked, Duration::ZERO)
}

/// A batch receipt, and the records it should be of, of which one line is held at a time.
fn batch_receipt(
    path: &Path,
    bytes: &[u8],
    records: Option<&Path>,
    trusted: &mut Trusted,
) -> Result<Report, Failure> {
    let mut verifier = BatchReceiptVerifier::new(bytes, trusted.known());
    if let Some(records) = records {
        let mut lines = RecordLines::open(records)?;
        while let Some(line) = lines.next()? {
            verifier.take(line);
            if verifier.is_refused() {
                break;
            }
        }
    }
    let judged = verifier.finish(records.is_some());
    let mut unchecked = Vec::new();
    if records.is_none() {
        unchecked.push("the records: none were given (--record FILE)".to_owned());
    } else if judged.verdict.completeness == Completeness::ContentWithheld {
        unchecked.push("the events of records that came as heads alone".to_owned());
    }
    unchecked.push("any other record".to_owned());
    describe("receipt", path, judged, trusted, unchecked, Duration::ZERO)
}

/// A consistency proof, or a head at a time.
pub fn proof(path: &Path, trusted: &mut Trusted) -> Result<Report, Failure> {
    let bytes = read_up_to(path, RECEIPT_BYTES_MAX)?;
    let judged = verify::verify_proof(&bytes, trusted.known());
    let mut unchecked = Vec::new();
    if let Some(time) = judged.checked.at {
        unchecked.push(format!(
            "whether the log's clock was right at {time}, and who was shown this head then"
        ));
        let signed = judged.checked.checkpoint.map(|(size, _)| size);
        if judged.checked.tree_heads.first().map(|head| head.size) == signed {
            unchecked
                .push("records that the log made by then and after this checkpoint".to_owned());
        }
    }
    unchecked.push("the records".to_owned());
    describe("proof", path, judged, trusted, unchecked, Duration::ZERO)
}

/// Two checkpoints that contradict each other, if they do.
pub fn fork(
    one: &Path,
    other: &Path,
    proof: Option<&Path>,
    trusted: &Trusted,
) -> Result<Report, Failure> {
    let (one_note, other_note) = (
        read_up_to(one, NOTE_BYTES_MAX)?,
        read_up_to(other, NOTE_BYTES_MAX)?,
    );
    let proof = proof
        .map(|path| read_up_to(path, RECEIPT_BYTES_MAX))
        .transpose()?;
    let judged = verify::verify_fork(&one_note, &other_note, proof.as_deref(), trusted.known());
    let (mut findings, mut unchecked) = (Vec::new(), Vec::new());
    if trusted.pin().is_none() {
        unchecked.push("who signed them: no pin was given (--pin LINE)".to_owned());
    }
    match judged.verdict.consistency {
        Consistency::Fork { .. } => findings.push(
            "the key signed two histories that can't both be true: whoever held it forked the log"
                .to_owned(),
        ),
        Consistency::UncheckedThoughAsked if proof.is_none() => unchecked.push(
            "whether one begins with the other: checkpoints of two sizes take a proof (--proof FILE)".to_owned(),
        ),
        _ => {}
    }
    unchecked.push("which of two histories is the true one".to_owned());
    Ok(Report {
        subject: "fork",
        batches: None,
        path: format!("{} and {}", named(one), named(other)),
        verdict: judged.verdict,
        findings,
        checked: signed_heads(&judged.checked),
        measured: measured(&judged.checked, Duration::ZERO),
        unchecked,
    })
}

/// The two heads of a fork proof, which may not be of one tree.
fn signed_heads(checked: &Checked) -> Vec<String> {
    let smaller = checked.tree_heads.iter().map(|head| (head.size, head.root));
    let heads = smaller.chain(checked.checkpoint);
    let lines = heads.map(|(size, root)| {
        let size = show::counted(size, "record");
        format!("a checkpoint of {size}, root {root}")
    });
    checked.origin.iter().cloned().chain(lines).collect()
}

/// An export, in memory bounded by its longest line.
pub fn export(path: &Path, trusted: &mut Trusted) -> Result<Report, Failure> {
    let (mut source, length) = open(path)?;
    let progress = Progress::new(length);
    let mut verifier = ExportVerifier::new(trusted.known());
    if let Some(size) = trusted.remembered_size() {
        verifier = verifier.watching(size);
    }
    let began = Instant::now();
    let mut chunk = vec![0; CHUNK];
    let mut taken = 0;
    loop {
        let read = read_some(&mut source, &mut chunk).map_err(|error| say::file(path, &error))?;
        verifier.feed(chunk.get(..read).unwrap_or_default());
        taken += u64::try_from(read).unwrap_or(0);
        progress.at(taken, taken);
        if read == 0 || verifier.is_refused() {
            break;
        }
    }
    progress.finish();
    let judged = verifier.finish();
    let unchecked = unchecked_of(&judged);
    describe("export", path, judged, trusted, unchecked, began.elapsed())
}

/// What an export leaves open.
pub fn unchecked_of(judged: &verify::Report) -> Vec<String> {
    let mut unchecked = Vec::new();
    if judged.verdict.completeness == Completeness::ContentWithheld {
        unchecked.push("events: only heads were exported".to_owned());
    }
    if let Some((size, _)) = judged.checked.checkpoint {
        unchecked.push(format!(
            "what the log recorded after its first {}",
            show::counted(size, "record")
        ));
    }
    unchecked
}

/// Brings trust, memory and words to a report on what carries no store with it.
pub fn describe(
    subject: &'static str,
    path: &Path,
    mut judged: verify::Report,
    trusted: &mut Trusted,
    mut unchecked: Vec<String>,
    elapsed: Duration,
) -> Result<Report, Failure> {
    trusted.judge(&mut judged);
    let told = trusted.remember(&mut judged, ["export", "tiles", "node"].contains(&subject))?;
    let verify::Report {
        verdict,
        further,
        expected,
        checked,
    } = judged;
    let mut findings: Vec<String> = further.iter().map(ToString::to_string).collect();
    if let (Some(expected), Integrity::Malformed(part)) = (expected, &verdict.integrity) {
        findings.push(format!("{part}: expected {expected}"));
    }
    if trusted.pin().is_none() {
        unchecked.insert(0, "who signed it: no pin was given (--pin LINE)".to_owned());
    }
    match verdict.authenticity {
        Authenticity::UnknownKey if trusted.walk.is_none() && trusted.pin().is_some() => unchecked.push(
            "whether the log's keys were replaced since the pin: give what `key walk` writes (--walk FILE)"
                .to_owned(),
        ),
        Authenticity::OkUpToItsHinge => unchecked.push(
            "whether the log's keys of today lead back to it: make it anew (receipt --refresh FILE)"
                .to_owned(),
        ),
        _ => {}
    }
    if checked.ml_dsa_lines > 0 {
        unchecked.push(format!(
            "{}, which this version does not know",
            show::counted(
                u64::try_from(checked.ml_dsa_lines).unwrap_or(0),
                "post-quantum signature"
            )
        ));
    }
    findings.extend(told.found);
    unchecked.extend(
        told.unchecked
            .map(|why| format!("what was remembered: {why}")),
    );
    if verdict.consistency == Consistency::Unchecked {
        unchecked.push(trusted.nothing_to_compare().to_owned());
    }
    let path = named(path);
    Ok(Report {
        subject,
        path,
        batches: None,
        verdict,
        findings,
        checked: sentences(&checked, elapsed),
        measured: measured(&checked, elapsed),
        unchecked,
    })
}

fn sentences(checked: &Checked, elapsed: Duration) -> Vec<String> {
    let mut lines = Vec::new();
    match (&checked.origin, checked.range) {
        (Some(origin), Some((first, last))) => {
            lines.push(format!("{} of {origin}", show::seqs(first, last)));
        }
        (Some(origin), None) if !checked.tree_heads.is_empty() => lines.push(origin.clone()),
        _ => {}
    }
    if let Some(time) = checked.at {
        lines.push(format!("at {time}"));
    }
    for head in &checked.tree_heads {
        lines.push(format!(
            "the first {}, root {}",
            show::counted(head.size, "record"),
            head.root
        ));
    }
    if let Some((from, to)) = checked.times {
        lines.push(if from == to {
            format!("recorded {from}")
        } else {
            format!(
                "recorded {} to {}",
                show::to_second(from),
                show::to_second(to)
            )
        });
    }
    lines.extend(checked.keys.map(handed_over));
    if let Some((size, root)) = &checked.checkpoint {
        let relation = if checked.tree_heads.is_empty() {
            "in"
        } else {
            "the beginning of"
        };
        lines.push(format!(
            "{relation} the tree of {}, root {}",
            show::counted(*size, "record"),
            show::short(root)
        ));
    }
    if checked.heads == 0 && !checked.tree_heads.is_empty() {
        return lines;
    }
    let judged = format!(
        "{} and {}",
        show::counted(checked.heads, "head"),
        show::counted(checked.events, "event")
    );
    let speed = show::gigabytes_per_second(checked.bytes, elapsed);
    lines.push(if elapsed.is_zero() {
        judged
    } else {
        format!(
            "{judged}, {} in {}, {speed}",
            show::bytes(checked.bytes),
            show::seconds(elapsed)
        )
    });
    lines
}

/// How often the keys were replaced, and since when they are what they are.
fn handed_over((handed, since): (usize, Time)) -> String {
    let since = show::to_second(since);
    match u64::try_from(handed).unwrap_or(0) {
        0 => format!("keys of {since}, never replaced up to here"),
        handed => {
            let times = show::counted(handed, "time");
            format!("keys replaced {times}, current as of {since}")
        }
    }
}

fn measured(checked: &Checked, elapsed: Duration) -> Vec<(&'static str, Value)> {
    let mut values = vec![
        ("bytes", Value::Number(checked.bytes)),
        (
            "milliseconds",
            Value::Number(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)),
        ),
        ("heads", Value::Number(checked.heads)),
        ("events", Value::Number(checked.events)),
        ("entries", Value::Number(checked.entries)),
    ];
    if let Some(origin) = &checked.origin {
        values.push(("origin", Value::Text(origin.clone())));
    }
    if let Some(id) = &checked.log_id {
        values.push(("id", Value::Text(id.to_string())));
    }
    if let Some((first, last)) = checked.range {
        values.extend([
            ("first", Value::Number(first)),
            ("last", Value::Number(last)),
        ]);
    }
    if let Some((from, to)) = checked.times {
        values.extend([
            ("from", Value::Text(from.to_string())),
            ("to", Value::Text(to.to_string())),
        ]);
    }
    if let Some(time) = checked.at {
        values.push(("at", Value::Text(time.to_string())));
    }
    let names = match checked.at {
        Some(_) => [("at_size", "at_root"); 2],
        None => [("from_size", "from_root"), ("to_size", "to_root")],
    };
    for ((size, root), head) in names.into_iter().zip(&checked.tree_heads) {
        values.extend([
            (size, Value::Number(head.size)),
            (root, Value::Text(head.root.to_string())),
        ]);
    }
    if let Some((size, root)) = &checked.checkpoint {
        values.extend([
            ("size", Value::Number(*size)),
            ("root", Value::Text(root.to_string())),
        ]);
    }
    values
}

/// A record line has no limit of its own, a file that is read into memory does.
fn read_record(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read_up_to(path, RECORD_FILE_BYTES_MAX)?;
    if bytes.len() > RECORD_FILE_BYTES_MAX {
        let limit = RECORD_FILE_BYTES_MAX >> 20;
        return Err(Failure::usage(format!(
            "{}: too large: more than {limit} MiB",
            named(path)
        )));
    }
    Ok(bytes)
}

/// What `key walk` wrote.
pub fn walk(path: &Path) -> Result<WalkFile, Failure> {
    let bytes = read_up_to(path, WALK_FILE_BYTES_MAX)?;
    WalkFile::read(&bytes).map_err(|error| {
        Failure::usage(format!("{error}: {}", named(path)))
            .hint("it is what `indelible key walk` writes")
    })
}

fn read_some(source: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
