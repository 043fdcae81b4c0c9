//! Rows about sealed packs. Edits: `xtask/tamper/sealed.py`.

use super::Column::{Held, Second, Start, Verify};
use super::{ALL_THERE, Column, NOT_EXPORTED, OTHER_LOG, RECORDS, Row, SECTIONS, SEEN_BY_NOBODY};

/// Record 5 is another one now.
const RECORD_ALTERED: &[(Column, &str)] = &[
    (Verify, "record altered(5)"),
    (Second, "missing(5)"),
    (Held, "receipt of 5"),
];

pub const AS_IT_LIES: &[Row] = &[
    Row {
        name: "sealed.frame_byte",
        what: "flip a byte of a frame: events, salts and head columns of old records are compressed together",
        must: &[
            (Start, "check is wrong"),
            (Verify, "unreadable(sealed/….rec"),
            (Second, "no export"),
            (Held, "receipt of 5"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.frame_header",
        what: "flip a byte of a frame's header",
        must: &[
            (Start, "frame"),
            (Verify, "unreadable(sealed/….rec"),
            (Second, "no export"),
            (Held, "receipt of 5"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.entry",
        what: "flip a byte of an entry",
        must: &[
            (Verify, "entry altered(5)"),
            (Second, "no export"),
            (Held, "receipt of 5"),
        ],
        blind: &[(Start, RECORDS)],
    },
    Row {
        name: "sealed.level_8_node",
        what: "flip a byte of a level-8 node",
        must: &[(Verify, "tile altered(8, 0)"), (Second, "no export")],
        blind: &[
            (Start, SECTIONS),
            (
                Held,
                "proofs for these receipts need no stored node; `verify` compares all of them with the entries",
            ),
        ],
    },
    Row {
        name: "sealed.commit_bit",
        what: "flip a commit bit",
        must: &[(Verify, "unreadable(sealed/….ent")],
        blind: &[(Start, SECTIONS), (Second, NOT_EXPORTED), (Held, ALL_THERE)],
    },
    Row {
        name: "sealed.run_row",
        what: "flip a byte of a run's row",
        must: &[
            (Start, "section"),
            (Verify, "unreadable(sealed/….ent"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.note",
        what: "flip a byte of a signed note",
        must: &[
            (Start, "section"),
            (Verify, "unreadable(sealed/….ent"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.ent_header",
        what: "flip a byte of the header of `.ent`",
        must: &[
            (Start, "header"),
            (Verify, "unreadable(sealed/….ent"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.rec_header",
        what: "flip a byte of the header of `.rec`",
        must: &[(Verify, "unreadable(sealed/….rec")],
        blind: &[
            (Start, SECTIONS),
            (
                Second,
                "the frames are read by the table in `.ent`, which is right; `verify` reads the header too",
            ),
            (Held, ALL_THERE),
        ],
    },
    Row {
        name: "sealed.ent_last_byte",
        what: "flip the last byte of `.ent` (a pack has no footer: its header holds the digests)",
        must: &[(Verify, "unreadable(sealed/….ent")],
        blind: &[(Start, SECTIONS), (Second, NOT_EXPORTED), (Held, ALL_THERE)],
    },
    Row {
        name: "sealed.frame_byte_of_another_log",
        what: "flip a byte of another log's frame in the same pack",
        must: &[(Verify, "incomplete(21 lost)")],
        blind: &[(Start, RECORDS), (Second, OTHER_LOG)],
    },
];

pub const MENDED: &[Row] = &[
    Row {
        name: "sealed.event_mended",
        what: "change an old event",
        must: RECORD_ALTERED,
        blind: &[(Start, RECORDS)],
    },
    Row {
        name: "sealed.head_column_mended",
        what: "change a head column of an old record: whom it is by",
        must: RECORD_ALTERED,
        blind: &[(Start, RECORDS)],
    },
    Row {
        name: "sealed.salt_mended",
        what: "change an old record's salt",
        must: RECORD_ALTERED,
        blind: &[(Start, RECORDS)],
    },
    Row {
        name: "sealed.time_mended",
        what: "change an old record's time by a nanosecond",
        must: RECORD_ALTERED,
        blind: &[(Start, RECORDS)],
    },
    Row {
        name: "sealed.entry_mended",
        what: "change an entry",
        must: &[
            (Verify, "entry altered(5)"),
            (Second, "no export"),
            (Held, "receipt of 5"),
        ],
        blind: &[(Start, RECORDS)],
    },
    Row {
        name: "sealed.level_8_node_mended",
        what: "change a level-8 node",
        must: &[(Verify, "tile altered(8, 0)"), (Second, "no export")],
        blind: &[
            (Start, SECTIONS),
            (
                Held,
                "proofs for these receipts need no stored node; `verify` compares all of them with the entries",
            ),
        ],
    },
    Row {
        name: "sealed.commit_bit_mended",
        what: "change a commit bit",
        must: &[(Verify, "unreadable(sealed/….ent")],
        blind: &[
            (
                Start,
                "a start compares the digest that `_node` names for the newest pack alone; `verify` for each",
            ),
            (Second, NOT_EXPORTED),
            (Held, ALL_THERE),
        ],
    },
    Row {
        name: "sealed.run_row_mended",
        what: "change the root in a run's row",
        must: &[
            (Start, "does not continue its log"),
            (Verify, "root mismatch(301)"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.note_mended",
        what: "change a signed note's signature",
        must: &[(Verify, "signature invalid")],
        blind: &[
            (
                Start,
                "a start checks the signatures of the tail; `verify` those of all notes",
            ),
            (
                Second,
                "an export carries the newest note and the hinges, not this one; `verify` checks all of them",
            ),
            (Held, ALL_THERE),
        ],
    },
    Row {
        name: "sealed.old_note_for_the_newest",
        what: "put an old note of the log in the place of a newest one",
        must: &[
            (Start, "_node names this pack"),
            (Verify, "unreadable(sealed/….ent"),
        ],
        blind: &[
            (
                Second,
                "an export carries the newest note, which lies in the tail; `verify` checks all of them",
            ),
            (Held, ALL_THERE),
        ],
    },
    Row {
        name: "sealed.key_tag_mended",
        what: "change the tag of an idempotency key",
        must: &[(Verify, "unreadable(sealed/….ent")],
        blind: &[
            (
                Start,
                "a start takes filters from `derived/`; `verify` compares the tags with the records",
            ),
            (Second, NOT_EXPORTED),
            (Held, ALL_THERE),
        ],
    },
    Row {
        name: "sealed.frame_header_mended",
        what: "let a frame say that it holds other seqs",
        must: &[
            (Start, "another's place"),
            (Verify, "unreadable(sealed/….rec"),
            (Second, "no export"),
            (Held, "receipt of 5"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.genesis_key_swapped",
        what: "let the genesis name another key",
        must: &[
            (Start, "does not give its entry"),
            (Verify, "record altered(0)"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.record_inserted",
        what: "put a forged record with valid JSON in an old one's place, its entry too",
        must: &[
            (Verify, "root mismatch(301)"),
            (Second, "no export"),
            (Held, "head altered(5)"),
        ],
        blind: &[(Start, RECORDS)],
    },
    Row {
        name: "sealed.record_deleted",
        what: "delete a log's last record in a pack, its entry too",
        must: &[
            (Start, "does not continue its log"),
            (Verify, "incomplete("),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.record_deleted_inside",
        what: "delete a record in the middle; those behind it move up",
        must: &[
            (Verify, "record altered(5"),
            (Second, "missing(5"),
            (Held, "receipt of 5"),
        ],
        blind: &[(Start, RECORDS)],
    },
    Row {
        name: "sealed.content_deleted",
        what: "delete salt and event of an old record, as an expiry would",
        must: &[
            (Verify, "erased without record(5)"),
            (Second, "erased without record(5)"),
        ],
        blind: &[
            (Start, RECORDS),
            (
                Held,
                "the head is there and is the receipt's; `verify` and the export name the erasure",
            ),
        ],
    },
    Row {
        name: "sealed.records_swapped",
        what: "swap the events of two old records",
        must: &[
            (Verify, "record altered(5, 6)"),
            (Second, "missing(5, 6)"),
            (Held, "receipt of 5"),
        ],
        blind: &[(Start, RECORDS)],
    },
];

pub const MOVED: &[Row] = &[
    Row {
        name: "sealed.frame_deleted",
        what: "delete a frame with its row in the table, every checksum made right",
        must: &[
            (Start, "records 256 to 300"),
            (Verify, "incomplete(45 lost)"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.frame_zeroed",
        what: "overwrite a frame with zeros",
        must: &[
            (Start, "frame"),
            (Verify, "incomplete(256 lost)"),
            (Second, "no export"),
            (Held, "receipt of 5"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.pack_deleted_oldest",
        what: "delete the oldest pack",
        must: &[
            (Start, "in no pack"),
            (Verify, "missing(batch"),
            (Second, "no export"),
            (Held, "receipt of 5"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.pack_deleted_newest",
        what: "delete the newest pack",
        must: &[
            (Start, "missing"),
            (Verify, "missing(batch"),
            (Second, "no export"),
            (Held, "receipt of 5"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.ent_deleted",
        what: "delete a pack's `.ent`",
        must: &[
            (Start, "in no pack"),
            (Verify, "missing(batch"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.rec_deleted",
        what: "delete a pack's `.rec`",
        must: &[
            (Start, ".rec file is missing"),
            (Verify, "missing("),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.packs_swapped",
        what: "swap two packs",
        must: &[
            (Start, "another store or place"),
            (Verify, "unreadable(sealed/….ent"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.packs_swapped_mended",
        what: "swap two packs, each header saying the batches of its new name",
        must: &[
            (Start, "does not continue its log"),
            (Verify, "unreadable(sealed/….ent"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.pack_of_another_store",
        what: "put a pack of another store in the place of one",
        must: &[
            (Start, "another store or place"),
            (Verify, "unreadable(sealed/….ent"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.pack_of_another_store_mended",
        what: "the same, its headers saying this store and these batches",
        must: &[
            (Start, "does not continue its log"),
            (Verify, "incomplete("),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "sealed.derived_deleted",
        what: "delete `derived/`",
        must: &[],
        blind: SEEN_BY_NOBODY,
    },
];
