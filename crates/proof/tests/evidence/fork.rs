//! Forks: what two notes prove, and what they don't.

use crate::log::Log;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::note::Note;
use indelible_proof::prove::{TreeHead, encode_consistency};
use indelible_proof::verify::verify_fork;

fn head(note: &str) -> TreeHead {
    let text = Note::parse(note.as_bytes()).unwrap().text;
    let checkpoint = Checkpoint::parse(text).unwrap();
    TreeHead {
        size: checkpoint.size,
        root: checkpoint.root,
    }
}

/// Two notes, maybe a proof, and what they prove under the log's pin.
fn check(log: &Log, one: &str, other: &str, proof: Option<&str>, expect: [&str; 3], exit: u8) {
    for (one, other) in [(one, other), (other, one)] {
        let (one, other) = (one.as_bytes(), other.as_bytes());
        let report = verify_fork(one, other, proof.map(str::as_bytes), Some(&log.pin()));
        let verdict = report.verdict;
        let got = [
            verdict.integrity.to_string(),
            verdict.authenticity.to_string(),
            verdict.consistency.to_string(),
        ];
        assert_eq!(got, expect);
        assert_eq!(verdict.exit_code(), exit, "{verdict}");
    }
}

/// The same log as far as its genesis and the same key, with other events after it.
fn other_history(events: usize) -> Log {
    Log::new((1..=events).map(|number| format!("{{\"other\":{number}}}").into_bytes()))
}

#[test]
fn two_roots_of_one_size_are_a_fork_by_themselves() {
    let (log, other) = (Log::of(6), other_history(6));
    let (one, two) = (log.note(5), other.note(5));
    check(&log, &one, &two, None, ["ok", "ok", "fork"], 1);
    check(&log, &one, &one, None, ["ok", "ok", "ok"], 0);
    // The genesis is the same in both.
    check(
        &log,
        &log.note(1),
        &other.note(1),
        None,
        ["ok", "ok", "ok"],
        0,
    );
}

#[test]
fn two_sizes_are_a_fork_only_with_the_proof_that_ties_them() {
    let (log, other) = (Log::of(8), other_history(8));
    let (small, large) = (log.note(3), other.note(8));
    let unchecked = ["ok", "ok", "unchecked"];
    check(&log, &small, &large, None, unchecked, 3);
    check(&log, &small, &log.note(8), None, unchecked, 3);
    let proof = |log: &Log, from: u64| {
        let (from, to) = (head(&log.note(from)), head(&log.note(8)));
        encode_consistency(
            &from,
            &to,
            &log.consistency(from.size, 8),
            &[],
            &log.note(8),
        )
    };
    let forked = Some(proof(&other, 3));
    check(
        &log,
        &small,
        &large,
        forked.as_deref(),
        ["ok", "ok", "fork"],
        1,
    );
    let same = Some(proof(&log, 3));
    let note = log.note(8);
    check(&log, &small, &note, same.as_deref(), ["ok", "ok", "ok"], 0);
    // A proof of another size ties nothing; one of another tree is no proof of this one.
    let elsewhere = Some(proof(&other, 4));
    check(&log, &small, &large, elsewhere.as_deref(), unchecked, 3);
    let wrong = ["root mismatch(9)", "ok", "unchecked"];
    let large = other.note(9);
    check(&log, &small, &large, same.as_deref(), wrong, 1);
}

#[test]
fn what_the_key_did_not_sign_is_no_fork() {
    let (log, other) = (Log::of(6), other_history(6));
    let forged = {
        // The signature of another size under this text.
        let (text, _) = other
            .note(5)
            .rsplit_once("\n\n")
            .map(|(text, lines)| (text.to_owned(), lines.to_owned()))
            .unwrap();
        let (_, lines) = log
            .note(4)
            .rsplit_once("\n\n")
            .map(|(text, lines)| (text.to_owned(), lines.to_owned()))
            .unwrap();
        format!("{text}\n\n{lines}")
    };
    let invalid = ["ok", "signature invalid", "unchecked"];
    check(&log, &log.note(5), &forged, None, invalid, 1);
    let report = verify_fork(log.note(5).as_bytes(), other.note(5).as_bytes(), None, None);
    assert_eq!(report.verdict.authenticity.to_string(), "self-keyed");
    assert_eq!(report.verdict.exit_code(), 3, "{}", report.verdict);
    let cut = verify_fork(&log.note(5).as_bytes()[1..], b"", None, Some(&log.pin()));
    assert_eq!(cut.verdict.integrity.to_string(), "malformed(checkpoint)");
}

#[test]
fn an_export_shows_the_tree_of_every_size_that_begins_in_it() {
    use indelible_proof::export::Content;
    use indelible_proof::verify::ExportVerifier;
    let log = Log::of(600);
    for (first, count, size) in [(0, 601, 601), (255, 300, 601), (256, 2, 300), (1, 4, 9)] {
        let export = log.export(first, count, size, Content::Heads);
        for watched in first.saturating_sub(1)..=first + count + 1 {
            let mut verifier = ExportVerifier::new(Some(&log.pin())).watching(watched);
            verifier.feed(&export);
            let heads = verifier.finish().checked.tree_heads;
            // The walk shows the tree of the genesis, wherever the range lies.
            let is_shown = watched == 1 || watched >= first.max(1) && watched <= first + count;
            let expected = is_shown.then(|| head(&log.note(watched)));
            if watched > 0 {
                assert_eq!(
                    heads,
                    Vec::from_iter(expected),
                    "{watched} in {first} + {count}"
                );
            }
        }
    }
}
