//! Rows about the tail, the register and `FORMAT`. Edits: `xtask/tamper/tail.py`.

use super::Column::{Held, Second, Start, Verify};
use super::{ALL_THERE, Column, Row, SEEN_BY_NOBODY};

/// What was acknowledged and synced can't be read any more.
const UNREADABLE: &[(Column, &str)] = &[
    (Start, "which was acknowledged"),
    (Verify, "unreadable(tail/"),
    (Second, "no export"),
    (Held, "receipt of"),
];

/// A batch that has its form, and not the signature of the batch that stood there.
const NOT_SIGNED: &[(Column, &str)] = &[
    (Start, "does not continue the batch before"),
    (Verify, "signature invalid"),
    (Second, "no export"),
    (Held, "receipt of"),
];

pub const AS_IT_LIES: &[Row] = &[
    Row {
        name: "tail.newest_header",
        what: "flip a byte of the newest batch's header (a mark)",
        must: UNREADABLE,
        blind: &[],
    },
    Row {
        name: "tail.newest_row",
        what: "flip a byte of a row, in the newest batch with an event",
        must: UNREADABLE,
        blind: &[],
    },
    Row {
        name: "tail.newest_payload",
        what: "flip a byte of its payload",
        must: UNREADABLE,
        blind: &[],
    },
    Row {
        name: "tail.older_header",
        what: "flip a byte of an older batch's header",
        must: UNREADABLE,
        blind: &[],
    },
    Row {
        name: "tail.older_row",
        what: "flip a byte of an older batch's row",
        must: UNREADABLE,
        blind: &[],
    },
    Row {
        name: "tail.older_payload",
        what: "flip a byte of an older batch's payload",
        must: UNREADABLE,
        blind: &[],
    },
    Row {
        name: "tail.rotted_after_mark",
        what: "the last acknowledged event's batch rots after the mark behind it is durable",
        must: UNREADABLE,
        blind: &[],
    },
    Row {
        name: "tail.killed_newest_payload",
        what: "the node was killed after it answered, no mark follows; flip a byte of the last batch",
        must: &[
            (Start, "the register remembers"),
            (Verify, "unreadable(tail/"),
            (Second, "no export"),
            (Held, "receipt of"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.killed_newest_payload_register_behind",
        what: "the same before the register was written, which takes up to a second",
        must: &[
            (Start, "records `repair`: `torn`"),
            (Verify, "torn or damaged, no later trace"),
            (Held, "rollback"),
        ],
        blind: &[(
            Second,
            "an export ends at the last note, and nothing signed lies beyond it; the receipt shows that there was more",
        )],
    },
    Row {
        name: "tail.tail_header",
        what: "flip a byte of a tail file's header",
        must: &[
            (Start, "header has a wrong checksum"),
            (Verify, "unreadable(tail/"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.register_flipped",
        what: "flip a byte of the register",
        must: &[
            (Start, "register"),
            (Verify, "unreadable(register"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.format_flipped",
        what: "flip a byte of `FORMAT`",
        must: &[
            (Start, "FORMAT"),
            (Verify, "unreadable(FORMAT"),
            (Second, "no export"),
        ],
        blind: &[],
    },
];

pub const MENDED: &[Row] = &[
    Row {
        name: "tail.newest_header_mended",
        what: "change the newest batch's header: a later epoch",
        must: &[
            (Start, "not the one the register remembers"),
            (Verify, "signature invalid"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.newest_row_mended",
        what: "change a row of the newest batch with an event",
        must: &[
            (Start, "rows don't give"),
            (Verify, "unreadable(tail/"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.newest_payload_mended",
        what: "change the newest event; entry, root, row and header made to fit",
        must: NOT_SIGNED,
        blind: &[],
    },
    Row {
        name: "tail.older_header_mended",
        what: "change an older batch's header: a later epoch",
        must: NOT_SIGNED,
        blind: &[],
    },
    Row {
        name: "tail.older_row_mended",
        what: "change a row of an older batch",
        must: &[
            (Start, "rows don't give"),
            (Verify, "352"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.older_payload_mended",
        what: "change an older event of the tail; entry, root, row and header made to fit",
        must: NOT_SIGNED,
        blind: &[],
    },
    Row {
        name: "tail.older_note_mended",
        what: "change the signature of a note in the tail",
        must: &[
            (Start, "signature is wrong"),
            (Verify, "signature invalid"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.time_of_batch_mended",
        what: "change the time of a batch",
        must: NOT_SIGNED,
        blind: &[],
    },
    Row {
        name: "tail.record_deleted",
        what: "delete the record of a batch with its row",
        must: &[
            (Start, "does not continue"),
            (Verify, "incomplete(1 lost)"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.records_swapped",
        what: "swap the events of two batches",
        must: NOT_SIGNED,
        blind: &[],
    },
    Row {
        name: "tail.format_created_mended",
        what: "change the day in `FORMAT` on which the store was made",
        must: &[],
        blind: SEEN_BY_NOBODY,
    },
];

pub const CUT: &[Row] = &[
    Row {
        name: "tail.truncated_at_batch",
        what: "cut the tail off before the newest event's batch",
        must: &[
            (Start, "which the register remembers"),
            (Verify, "missing(batch"),
            (Second, "no export"),
            (Held, "receipt of"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.truncated_inside_batch",
        what: "cut the tail off inside that batch",
        must: UNREADABLE,
        blind: &[],
    },
    Row {
        name: "tail.truncated_at_batch_register_too",
        what: "cut it off before that batch, and put an older register back",
        must: &[(Held, "rollback")],
        blind: &[
            (
                Start,
                "a register that was put back too remembers no more than the store; a memory or a receipt does",
            ),
            (
                Verify,
                "nothing in the store says that there was more; `--remember` does",
            ),
            (
                Second,
                "an export says nothing beyond its size; a memory or a receipt does",
            ),
        ],
    },
    Row {
        name: "tail.truncated_inside_batch_register_too",
        what: "cut it off inside that batch, and put an older register back",
        must: &[
            (Start, "records `repair`: `torn`"),
            (Verify, "torn or damaged, no later trace"),
            (Held, "rollback"),
        ],
        blind: &[(
            Second,
            "an export says nothing beyond its size; a memory or a receipt does",
        )],
    },
    Row {
        name: "tail.killed_newest_truncated_register_behind",
        what: "cut off the last event of a node that was killed before the register was written",
        must: &[(Held, "rollback")],
        blind: &[
            (
                Start,
                "nothing there knows of it; the receipt does, and from a second after the answer the register",
            ),
            (
                Verify,
                "nothing in the store says that there was more; `--remember` does",
            ),
            (
                Second,
                "an export says nothing beyond its size; a memory or a receipt does",
            ),
        ],
    },
    Row {
        name: "tail.batch_deleted",
        what: "delete a batch in the middle: its slot becomes zeros",
        must: &[
            (Start, "is missing"),
            (Verify, "missing(batch"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.tail_file_first_deleted",
        what: "delete the first tail file",
        must: &[
            (Start, "missing"),
            (Verify, "missing(batch"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.tail_file_last_deleted",
        what: "delete the last tail file with a batch",
        must: &[
            (Start, "which the register remembers"),
            (Verify, "missing(batch"),
            (Second, "no export"),
            (Held, "of 362"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.tail_deleted",
        what: "delete all tail files",
        must: &[
            (Start, "no tail"),
            (Verify, "missing(batch"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.tail_file_shortened",
        what: "make a tail file shorter",
        must: &[
            (Start, "another length"),
            (Verify, "unreadable(tail/"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.register_deleted",
        what: "delete the register",
        must: &[(Start, "register is missing")],
        blind: &[
            (
                Verify,
                "a store proves itself without it; what it is for is the next start",
            ),
            (Second, "it is no part of an export"),
            (Held, ALL_THERE),
        ],
    },
];

pub const FORGED: &[Row] = &[
    Row {
        name: "tail.record_inserted",
        what: "put one more record with valid JSON into a batch of the tail",
        must: &[
            (Start, "damaged"),
            (Verify, "signature invalid"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.batch_appended",
        what: "put a forged batch behind the last, without the node's secret",
        must: &[
            (Start, "signature is wrong"),
            (Verify, "signature invalid"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.batch_appended_with_secret",
        what: "the same with the node's secret of today",
        must: &[],
        blind: SEEN_BY_NOBODY,
    },
    Row {
        name: "tail.stale_batch_over_the_last",
        what: "copy an older batch over the newest event's, slot header and all",
        must: UNREADABLE,
        blind: &[],
    },
    Row {
        name: "tail.stale_batch_over_the_last_mended",
        what: "copy an older batch's bytes into the newest event's slot",
        must: &[
            (Start, "another store or place"),
            (Verify, "unreadable(tail/"),
            (Second, "no export"),
            (Held, "receipt of"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.last_replaced",
        what: "replace the last batch while the node is off, without the secret",
        must: &[
            (Start, "not the one the register remembers"),
            (Verify, "signature invalid"),
            (Second, "no export"),
            (Held, "receipt of"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.last_replaced_with_secret",
        what: "replace it with the node's secret",
        must: &[
            (Start, "not the one the register remembers"),
            (Verify, "unreadable(register"),
            (Second, "no export"),
            (Held, "receipt of"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.last_replaced_with_secret_register_too",
        what: "replace it with the node's secret, and the register too",
        must: &[(Held, "head altered(362)")],
        blind: &[
            (
                Start,
                "whoever has secret and register is the node; who got a receipt knows better",
            ),
            (
                Verify,
                "nothing in the store contradicts it; `--remember` and receipts do",
            ),
            (
                Second,
                "the export ends below the batch, at the last note; receipts name it",
            ),
        ],
    },
    Row {
        name: "tail.header_planted",
        what: "a torn batch behind the last, in whose event a slot header with another generation stands at a block's border",
        must: &[
            (Start, "records `repair`: `torn`"),
            (Verify, "torn or damaged, no later trace"),
        ],
        blind: &[
            (
                Second,
                "what was torn was never acknowledged, and is no part of an export",
            ),
            (Held, "nobody has a receipt of what was torn"),
        ],
    },
    Row {
        name: "tail.header_planted_with_generation",
        what: "the same with the file's own generation, which only who reads the disk knows",
        must: &[
            (Start, "which was acknowledged"),
            (Verify, "unreadable(tail/"),
            (Second, "no export"),
        ],
        blind: &[],
    },
    Row {
        name: "tail.genesis_planted",
        what: "let an event in the tail be of kind `genesis`",
        must: NOT_SIGNED,
        blind: &[],
    },
    Row {
        name: "tail.rotation_planted",
        what: "let an event in the tail be of kind `key`, with somebody's own key",
        must: NOT_SIGNED,
        blind: &[],
    },
    Row {
        name: "tail.erasure_planted",
        what: "let an event in the tail be of kind `erasure`",
        must: NOT_SIGNED,
        blind: &[],
    },
];
