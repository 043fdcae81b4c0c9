//! What a draft takes and what it may become, at every bound.

use super::*;

fn draft(records: usize, bytes: usize) -> Draft {
    Draft {
        records,
        bytes,
        ..Draft::default()
    }
}

#[test]
fn a_draft_takes_records_up_to_the_last_that_leaves_room_for_the_nodes_own() {
    let draft = draft(5, 1_000);
    assert!(draft.has_room(0, BATCH_RECORDS_MAX - 6, 0));
    assert!(!draft.has_room(0, BATCH_RECORDS_MAX - 5, 0));
}

#[test]
fn a_draft_takes_bytes_and_the_entries_of_their_records_up_to_its_bound() {
    let draft = draft(5, 1_000);
    let bytes = BATCH_BYTES_MAX - (64 << 10) - 1_000 - 3 * 32;
    assert!(draft.has_room(0, 3, bytes));
    assert!(!draft.has_room(0, 3, bytes + 1));
    assert!(!draft.has_room(0, 4, bytes));
}

#[test]
fn a_draft_takes_logs_up_to_the_last_that_leaves_a_row_for_the_nodes_own() {
    let draft = draft(5, 1_000);
    assert!(draft.has_room(BATCH_LOGS_MAX - 1, 0, 0));
    assert!(!draft.has_room(BATCH_LOGS_MAX, 0, 0));
}

/// On a full disk what is left of the tail is given out by this number: every byte that a batch can take must be in it.
#[test]
fn what_a_draft_may_become_counts_rows_parts_entries_notes_and_a_record_of_the_nodes_own() {
    let (header, row_and_part, notes, own) = (184 + 64, 88 + 64, 32 * 566, 2_048);
    let empty = Draft::default().bytes_max(0, 0, 0);
    assert_eq!(empty, header + row_and_part + notes + own);
    let more = |logs, records, bytes| Draft::default().bytes_max(logs, records, bytes) - empty;
    assert_eq!(more(3, 0, 0), 3 * row_and_part);
    assert_eq!(more(0, 3, 0), 3 * (32 + 80));
    assert_eq!(more(0, 0, 3), 3);
    assert_eq!(draft(5, 1_000).bytes_max(2, 3, 7) - empty, {
        1_000 + 2 * row_and_part + 3 * (32 + 80) + 7
    });
}

#[test]
fn what_is_added_to_a_draft_counts_with_its_columns_and_its_entry() {
    let record = |secs| Record {
        time: Time::new(secs, 0).unwrap(),
        shared: b"shared",
        own: b"own",
        content: Content::Present {
            salt: &[0; 16],
            event: b"event",
        },
    };
    let one = record(1_800_000_000).weight() + 6 + 80 + 32;
    let mut draft = Draft::default();
    for (count, secs) in [(1, 1_800_000_002), (2, 1_800_000_005), (3, 1_800_000_003)] {
        draft.count(&record(secs), 6);
        assert_eq!((draft.records, draft.bytes), (count, count * one));
    }
    assert_eq!(draft.time, Time::new(1_800_000_005, 0));
}
