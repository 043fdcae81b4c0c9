//! What a report says beside the verdict.

use crate::log::{Log, ORIGIN, Stored, finish};
use indelible_proof::export::Content;
use indelible_proof::hash;
use indelible_proof::head::Kind;
use indelible_proof::limits::{EVENT_BYTES_MAX, EXPORT_LINE_BYTES_MAX};
use indelible_proof::time::Time;
use indelible_proof::verdict::{Completeness, Integrity, Part, Rule, Seqs};
use indelible_proof::verify::{Checked, ExportVerifier, Report, verify_export, verify_receipt};

fn seqs(seqs: &[u64]) -> Seqs {
    seqs.iter().copied().collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// The export without its last line, changed, with a last line that fits again.
fn changed(export: Vec<u8>, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let export = text(export);
    let body = export.split_once("{\"end\":").unwrap().0;
    finish(change(body.to_string()).into_bytes())
}

fn findings(report: &Report) -> Vec<Integrity> {
    let mut all = report.further.clone();
    all.insert(0, report.verdict.integrity.clone());
    all
}

#[test]
fn a_report_says_what_of_an_export_was_checked() {
    let log = Log::of(600);
    let export = log.export(300, 200, 601, Content::All);
    let report = verify_export(&export, Some(&log.pin()));
    assert_eq!(report.verdict.exit_code(), 0, "{}", report.verdict);
    let time = |seq: u64| Time::new(1_795_428_000 + seq, 0).unwrap();
    assert_eq!(report.further, []);
    assert_eq!(report.expected, None);
    let root = report.checked.checkpoint.unwrap().1;
    assert_eq!(
        report.checked,
        Checked {
            bytes: u64::try_from(export.len()).unwrap(),
            origin: Some(ORIGIN.into()),
            log_id: Some(log.pin().log_id()),
            range: Some((300, 499)),
            heads: 200,
            events: 200,
            entries: 200,
            times: Some((time(300), time(499))),
            checkpoint: Some((601, root)),
            note: report.checked.note.clone(),
            tree_heads: Vec::new(),
            at: None,
            believed: vec![log.pin().key().clone()],
            keys: Some((0, time(0))),
            ml_dsa_lines: 0,
        }
    );
}

#[test]
fn a_report_says_what_of_a_receipt_was_checked() {
    let log = Log::of(4);
    let (receipt, line) = (log.receipt(3, 5), log.line(3));
    let report = |record| verify_receipt(receipt.as_bytes(), Some(&log.pin()), record);
    let alone = report(None);
    assert_eq!(alone.verdict.exit_code(), 0, "{}", alone.verdict);
    assert_eq!((alone.checked.heads, alone.checked.events), (1, 0));
    assert_eq!(alone.checked.range, Some((3, 3)));
    assert_eq!(alone.checked.origin.as_deref(), Some(ORIGIN));
    assert_eq!(alone.checked.checkpoint.unwrap().0, 5);
    assert_eq!(report(Some(&line)).checked.events, 1);
}

#[test]
fn what_loses_by_order_is_reported_too() {
    let log = Log::of(9);
    let export = changed(log.whole(), |body| {
        body.replacen("\"seq\":3,", "\"seq\":4,", 1)
            .replace("{\"order\":5}", "{\"order\":6}")
            .replace("{\"order\":7}", "{\"order\":8}")
    });
    let report = verify_export(&export, Some(&log.pin()));
    assert_eq!(
        findings(&report),
        [
            Integrity::HeadAltered(seqs(&[3])),
            Integrity::EventAltered(seqs(&[5, 7]))
        ]
    );
}

#[test]
fn an_altered_entry_is_not_taken_for_a_fault_of_the_log() {
    let log = Log::of(9);
    let entry = |seq: usize| hash::entry(&log.records[seq].head).0;
    let entries: Vec<[u8; 32]> = (0..10).map(entry).collect();
    let mut altered = entries.clone();
    altered[4] = [0; 32];
    let base64 = |entries: &[[u8; 32]]| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(entries.concat())
    };
    let export = changed(log.whole(), |body| {
        body.replace(&base64(&entries), &base64(&altered))
    });
    let report = verify_export(&export, Some(&log.pin()));
    assert_eq!(findings(&report), [Integrity::EntryAltered(seqs(&[4]))]);
    assert_eq!(
        report.verdict.completeness,
        Completeness::Population { first: 0, last: 9 }
    );

    // With a head altered too neither gives the root, and the entries count.
    let export = changed(export, |body| body.replacen("\"seq\":7,", "\"seq\":8,", 1));
    let report = verify_export(&export, Some(&log.pin()));
    assert_eq!(
        findings(&report)[..2],
        [
            Integrity::HeadAltered(seqs(&[4, 7])),
            Integrity::RootMismatch(10)
        ]
    );
    assert_eq!(report.verdict.completeness, Completeness::Unchecked);
}

#[test]
fn a_head_that_was_altered_is_not_taken_for_a_fault_of_the_log() {
    let log = Log::of(4);
    let export = changed(log.whole(), |body| {
        body.replacen("\"kind\":\"event\"", "\"kind\":\"node\"", 1)
    });
    let report = verify_export(&export, Some(&log.pin()));
    assert_eq!(findings(&report), [Integrity::HeadAltered(seqs(&[1]))]);
}

#[test]
fn records_of_reserved_kinds_are_unsupported() {
    for kind in [Kind::Settings, Kind::Expiry, Kind::Erasure, Kind::Successor] {
        let mut log = Log::of(1);
        log.append(kind, b"{}".to_vec());
        let report = verify_export(&log.whole(), Some(&log.pin()));
        assert_eq!(report.verdict.integrity, Integrity::UnsupportedVersion);
        assert_eq!(report.verdict.exit_code(), 3);
        let report = verify_receipt(log.receipt(2, 3).as_bytes(), Some(&log.pin()), None);
        assert_eq!(report.verdict.integrity, Integrity::UnsupportedVersion);
        assert_eq!(report.verdict.exit_code(), 3);
    }
}

#[test]
fn a_fault_at_a_lower_seq_counts_before_a_reserved_kind() {
    let mut log = Log::of(1);
    log.append(Kind::Node, b"{}".to_vec());
    log.append(Kind::Erasure, b"{}".to_vec());
    let report = verify_export(&log.whole(), Some(&log.pin()));
    assert_eq!(findings(&report), [Integrity::LogFault(2, Rule::Kind)]);
}

#[test]
fn where_a_file_is_malformed_it_is_said_what_should_have_stood_there() {
    let log = Log::of(2);
    let export = text(log.whole());
    let lines: Vec<&str> = export.split_inclusive('\n').collect();
    let expected: Vec<&str> = (0..lines.len())
        .map(|place| {
            let mut lines = lines.clone();
            lines[place] = "x\n";
            let report = verify_export(lines.concat().as_bytes(), Some(&log.pin()));
            let line = u64::try_from(place + 1).unwrap();
            assert_eq!(
                report.verdict.integrity,
                Integrity::Malformed(Part::Line(line))
            );
            report.expected.unwrap()
        })
        .collect();
    assert_eq!(
        expected,
        [
            "the header of an export",
            "the genesis record of the walk",
            "a hinge or the consistency proof of the walk",
            "the line of the next record",
            "the line of the next record",
            "the line of the next record",
            "the entries of the records since the last such line",
            "the subtree hashes left of the range",
            "the subtree hashes right of the range",
            "the checkpoint of the size that the header names",
            "the last line",
        ]
    );
    let report = verify_export(format!("{export}\n").as_bytes(), Some(&log.pin()));
    assert_eq!(report.expected, Some("the end of the file"));
}

#[test]
fn a_file_that_is_refused_tells_what_was_read_of_it() {
    let log = Log::of(2);
    let export = text(log.whole()).replacen("{\"order\":2}}", "{\"order\":2]", 1);
    let mut verifier = ExportVerifier::new(Some(&log.pin()));
    assert!(!verifier.is_refused());
    verifier.feed(export.as_bytes());
    assert!(verifier.is_refused());
    let report = verifier.finish();
    assert_eq!(
        report.verdict.integrity,
        Integrity::Malformed(Part::Line(6))
    );
    assert_eq!((report.checked.heads, report.checked.entries), (2, 0));
    assert_eq!(report.checked.range, Some((0, 2)));
    assert_eq!(report.checked.checkpoint, None);
}

#[test]
fn an_event_of_the_largest_size_passes_and_one_byte_more_does_not() {
    let event = |length: usize| format!("{{\"a\":\"{}\"}}", "a".repeat(length - 8)).into_bytes();
    let log = Log::new([event(EVENT_BYTES_MAX), event(EVENT_BYTES_MAX + 1)]);
    let pin = log.pin();
    let report = verify_export(&log.export(0, 2, 3, Content::All), Some(&pin));
    assert_eq!(report.verdict.exit_code(), 0, "{}", report.verdict);
    let report = verify_export(&log.export(2, 1, 3, Content::All), Some(&pin));
    assert_eq!(
        report.verdict.integrity,
        Integrity::LogFault(2, Rule::Event)
    );
}

#[test]
fn a_line_longer_than_any_is_refused_before_it_ends() {
    let log = Log::of(1);
    let export = text(log.whole());
    let start: String = export.split_inclusive('\n').take(3).collect();
    let line_4 = Integrity::Malformed(Part::Line(4));
    let piece = vec![b'a'; 1 << 16];
    let mut verifier = ExportVerifier::new(None);
    verifier.feed(start.as_bytes());
    for _ in 0..=EXPORT_LINE_BYTES_MAX / piece.len() {
        assert!(!verifier.is_refused());
        verifier.feed(&piece);
    }
    assert!(verifier.is_refused());
    assert_eq!(verifier.finish().verdict.integrity, line_4);

    // Neither a byte earlier nor a byte later.
    let mut verifier = ExportVerifier::new(None);
    verifier.feed(start.as_bytes());
    verifier.feed(&vec![b'a'; EXPORT_LINE_BYTES_MAX]);
    assert!(!verifier.is_refused());
    verifier.feed(b"a");
    assert!(verifier.is_refused());

    let whole = [
        start.as_bytes(),
        &vec![b'a'; EXPORT_LINE_BYTES_MAX + 1],
        b"\n",
    ]
    .concat();
    assert_eq!(verify_export(&whole, None).verdict.integrity, line_4);
}

#[test]
fn an_export_that_goes_on_from_a_lost_record_needs_no_head_before() {
    let log = Log::of(3);
    let export = changed(log.whole(), |body| {
        let line = format!("{}\n", text(log.line(2)));
        body.replacen(&line, "{\"lost\":2}\n", 1)
    });
    let report = verify_export(&export, Some(&log.pin()));
    assert_eq!(findings(&report), [Integrity::Missing(seqs(&[2]))]);
    assert_eq!(report.verdict.completeness, Completeness::Lost(1));
    assert_eq!((report.checked.heads, report.checked.entries), (3, 4));
}

#[test]
fn a_log_that_repeats_a_time_is_at_fault_and_not_altered() {
    let mut log = Log::of(3);
    let Stored { head, salt, event } = log.records.pop().unwrap();
    let time = |seq: u64| Time::new(1_795_428_000 + seq, 0).unwrap().to_string();
    let head = text(head).replace(&time(3), &time(2)).into_bytes();
    let mut log = Log::of(2);
    log.append_as_it_is(Stored { head, salt, event });
    let report = verify_export(&log.whole(), Some(&log.pin()));
    assert_eq!(findings(&report), [Integrity::LogFault(3, Rule::Time)]);
}
