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

/// What such a builder holds is a little more than its event.
fn builder(event: usize) -> FrameBuilder {
    let mut builder = FrameBuilder::default();
    builder.add(&Record {
        time: Time::new(1_800_000_000, 0).unwrap(),
        shared: b"shared",
        own: b"own",
        content: Content::Present {
            salt: &[0; 16],
            event: &vec![b'x'; event],
        },
    });
    builder
}

#[test]
fn a_few_builders_are_kept_whatever_they_hold_and_beside_them_only_small_ones() {
    let large = SMALL_BUILDER_BYTES + 1;
    assert!(builder(0).held_bytes() < SMALL_BUILDER_BYTES / 2);
    let mut spare = Spare::default();
    for _ in 0..SPARE_BUILDERS + 3 {
        spare.keep(builder(large));
    }
    assert_eq!(spare.builders.len(), SPARE_BUILDERS);
    for _ in 0..SMALL_BUILDERS {
        spare.keep(builder(0));
    }
    assert_eq!(spare.builders.len(), SMALL_BUILDERS);
}

#[test]
fn buffers_are_kept_empty_and_neither_many_nor_large_nor_those_that_hold_nothing() {
    let mut spare = Spare::default();
    spare.keep_bytes(Vec::new());
    spare.keep_bytes(Vec::with_capacity(SPARE_BUFFER_BYTES_MAX + 1));
    assert_eq!(spare.bytes.len(), 0);
    spare.keep_bytes(vec![1, 2, 3]);
    for _ in 0..SPARE_BUFFERS {
        spare.keep_bytes(Vec::with_capacity(SPARE_BUFFER_BYTES_MAX));
    }
    assert_eq!(spare.bytes.len(), SPARE_BUFFERS);
    assert!(spare.bytes.iter().all(Vec::is_empty));
    // One that holds something is not exchanged.
    let mut full = vec![7];
    spare.lend(&mut full);
    assert_eq!((full, spare.bytes.len()), (vec![7], SPARE_BUFFERS));
    let mut none = Vec::new();
    spare.lend(&mut none);
    assert!(none.capacity() > 0 && none.is_empty());
    assert_eq!(spare.bytes.len(), SPARE_BUFFERS - 1);
}
