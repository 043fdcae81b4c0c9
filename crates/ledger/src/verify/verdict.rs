//! From what was found to the five axes, by the order of `docs/spec/pack.md`.

use super::finding::{Damage, Finding};
use super::logs::{KeysSeen, Logs};
use super::{Request, Seen, StoreReport, keys};
use indelible_proof::pin::Pin;
use indelible_proof::verdict::{
    Authenticity, Completeness, Consistency, Integrity, Seqs, Verdict, Witnesses,
};
use indelible_store::Store;
use std::collections::BTreeMap;
use std::ops::Range;

pub(crate) fn report(
    store: &dyn Store,
    seen: Seen,
    logs: Logs,
    request: &Request<'_>,
    writing: bool,
) -> StoreReport {
    let mut notes: Vec<String> = store.describe().warnings.clone();
    let torn = seen.tail.torn.as_ref();
    // A batch that the register remembers was acknowledged: then its damage is a finding of its own (`others`).
    let integrity = integrity(&logs, request);
    let known = missing(&logs.findings)
        .or_else(|| logs.unread.map(Completeness::BatchMissing))
        .or_else(|| erased(&logs.findings));
    let completeness = match (known, torn) {
        (Some(completeness), _) => completeness,
        (None, Some(torn)) if writing => Completeness::BatchInFlight(torn.number),
        (None, Some(torn)) => Completeness::TornBatch(torn.number),
        (None, None) => Completeness::AsCommitted,
    };
    if let Some(torn) = torn {
        notes.push(format!(
            "batch {} at the end of the tail: {} ({})",
            torn.number, torn.reason, torn.place
        ));
    }
    for (log, seqs) in &seen.tail.unchecked {
        notes.push(format!(
            "records {} to {} of {log} stand behind lost ones and could not be tied to anything",
            seqs.start,
            seqs.end - 1
        ));
    }
    let open = keys::open(&seen.notes, &logs);
    if let Some(first) = open.first() {
        notes.push(format!(
            "the keys of {} logs are being replaced ({first} is one), and the next start goes on with it",
            open.len()
        ));
    }
    let mut checked = seen.checked;
    checked.logs = u64::try_from(logs.iter().count()).unwrap_or(u64::MAX);
    let verdict = Verdict {
        integrity,
        authenticity: authenticity(&logs, request.pin),
        consistency: Consistency::Unchecked,
        witnesses: Witnesses::NoneAsked,
        completeness,
    };
    StoreReport {
        verdict,
        findings: logs.findings,
        checked,
        next: seen.tail.next,
        unused: seen.tail.unused,
        notes,
    }
}

/// The first that applies; damage is collected over the whole store.
fn integrity(logs: &Logs, request: &Request<'_>) -> Integrity {
    let first =
        |wanted: fn(&Damage) -> bool| logs.findings.iter().find(|finding| wanted(&finding.damage));
    let all = |wanted: fn(&Damage) -> bool| {
        logs.findings
            .iter()
            .filter(move |finding| wanted(&finding.damage))
    };
    if let Some(finding) = first(|damage| *damage == Damage::Unreadable) {
        return unreadable(finding);
    }
    if let Some(finding) =
        first(|damage| matches!(damage, Damage::MissingBatch(_) | Damage::Missing))
    {
        return match finding.damage {
            Damage::MissingBatch(number) => Integrity::MissingBatch(number),
            _ => Integrity::Missing(seqs(std::iter::once(finding))),
        };
    }
    for finding in &logs.findings {
        if let Damage::RootMismatch(size) = finding.damage {
            return Integrity::RootMismatch(size);
        }
    }
    for finding in &logs.findings {
        if let Damage::TileAltered { level, number } = finding.damage {
            return Integrity::TileAltered { level, n: number };
        }
    }
    if first(|damage| *damage == Damage::EntryAltered).is_some() {
        return Integrity::EntryAltered(seqs(all(|damage| *damage == Damage::EntryAltered)));
    }
    if first(|damage| *damage == Damage::RecordAltered).is_some() {
        return Integrity::RecordAltered(seqs(all(|damage| *damage == Damage::RecordAltered)));
    }
    if let Some(finding) = first(|damage| *damage == Damage::NotThePackNamed) {
        return unreadable(finding);
    }
    for finding in &logs.findings {
        if let Damage::LogFault(rule) = finding.damage {
            return Integrity::LogFault(finding.each_seq().next().unwrap_or(0), rule);
        }
    }
    if first(|damage| *damage == Damage::Unsupported).is_some() {
        return Integrity::UnsupportedVersion;
    }
    if request
        .only
        .is_some_and(|only| logs.iter().all(|log| log.name.name != only))
    {
        return Integrity::Unchecked;
    }
    by_batch_key(logs, request)
}

fn unreadable(finding: &Finding) -> Integrity {
    Integrity::Unreadable {
        file: finding.file.clone(),
        offset: finding.offset,
        seqs: seqs(std::iter::once(finding)),
    }
}

/// Records above the last note of their log are vouched for by the batch key alone.
fn by_batch_key(logs: &Logs, request: &Request<'_>) -> Integrity {
    let above = logs
        .iter()
        .filter(|log| request.only.is_none_or(|only| only == log.name.name))
        .find(|log| log.noted < log.size);
    match above {
        Some(log) => Integrity::OkByBatchKey {
            log: log.name.name.clone(),
            first: log.noted,
            last: log.size - 1,
        },
        None => Integrity::Ok,
    }
}

fn seqs<'a>(findings: impl Iterator<Item = &'a Finding>) -> Seqs {
    let mut seqs = Seqs::new();
    findings
        .flat_map(|finding| &finding.seqs)
        .for_each(|range| seqs.add_range(range.clone()));
    seqs
}

/// Events that are gone without a record that says why.
fn erased(findings: &[Finding]) -> Option<Completeness> {
    let gone = findings
        .iter()
        .filter(|finding| finding.damage == Damage::Erased);
    let gone = seqs(gone);
    (!gone.is_empty()).then_some(Completeness::ErasedWithoutRecord(gone))
}

/// Records or batches that something names and that are not here.
fn missing(findings: &[Finding]) -> Option<Completeness> {
    let batch = findings.iter().find_map(|finding| match finding.damage {
        Damage::MissingBatch(number) => Some(number),
        _ => None,
    });
    if let Some(number) = batch {
        return Some(Completeness::BatchMissing(number));
    }
    // A record that two findings name is lost once.
    let mut lost: BTreeMap<Option<&str>, Vec<Range<u64>>> = BTreeMap::new();
    let named = findings
        .iter()
        .filter(|finding| matches!(finding.damage, Damage::Missing | Damage::Unreadable));
    for finding in named {
        let ranges = lost.entry(finding.log.as_deref()).or_default();
        ranges.extend(finding.seqs.iter().cloned());
    }
    let lost: u64 = lost.into_values().map(covered).sum();
    (lost > 0).then_some(Completeness::Lost(lost))
}

/// How many numbers lie in at least one of the ranges.
fn covered(mut ranges: Vec<Range<u64>>) -> u64 {
    ranges.sort_unstable_by_key(|range| range.start);
    let (mut count, mut end) = (0_u64, 0_u64);
    for range in ranges {
        let start = range.start.max(end);
        count = count.saturating_add(range.end.saturating_sub(start));
        end = end.max(range.end);
    }
    count
}

fn authenticity(logs: &Logs, pin: Option<&Pin>) -> Authenticity {
    if logs
        .findings
        .iter()
        .any(|finding| finding.damage == Damage::SignatureInvalid)
    {
        return Authenticity::SignatureInvalid;
    }
    let broken = |finding: &Finding| finding.damage == Damage::KeyWalkBroken;
    if logs.findings.iter().any(broken) {
        return Authenticity::KeyWalkBroken;
    }
    let Some(pin) = pin else {
        return Authenticity::SelfKeyedOwnStore;
    };
    let has_pinned = |keys: &KeysSeen| keys.set.keys.contains(pin.key());
    match logs.by_id(&pin.log_id()) {
        Some(log) if log.name.origin == pin.origin() && log.sets.iter().any(has_pinned) => {
            Authenticity::Ok
        }
        _ => Authenticity::UnknownKey,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_two_findings_name_is_lost_once() {
        let finding = |log: &str, seqs| {
            Finding::new(Damage::Unreadable, "sealed/x", 0, "y").of_range(log, seqs)
        };
        let findings = [
            finding("a", 0..10),
            finding("a", 5..15),
            finding("b", 0..10),
            finding("a", 0..10),
        ];
        assert_eq!(missing(&findings), Some(Completeness::Lost(25)));
        assert_eq!(missing(&[]), None);
    }
}
