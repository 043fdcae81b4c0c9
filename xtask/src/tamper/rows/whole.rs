//! Rows about the store as a whole, keys, evidence and producers. Edits: `xtask/tamper/whole.py`.

use super::Column::{Held, Second, Start, Verify};
use super::{Column, NO_SECRET, ONCE, Row, SEEN_BY_NOBODY, SHOWN};

/// A history under the key that the pin names.
const WITHOUT_A_WALK: &[(Column, &str)] = &[
    (Start, SHOWN),
    (
        Verify,
        "who knows only the first key can't tell a thief's history from ours; a walk, a memory or a newer pin can",
    ),
    (Second, "as for `verify`: the walk is what tells"),
];

pub const CONTROL: &[Row] = &[Row {
    name: "whole.nothing",
    what: "nothing: whoever finds something here finds too much",
    must: &[],
    blind: SEEN_BY_NOBODY,
}];

pub const DIRECTORY: &[Row] = &[
    Row {
        name: "whole.wiped",
        what: "delete everything in the store's directory",
        must: &[
            (Start, "no store here"),
            (Verify, "no store here"),
            (Second, "no store here"),
            (Held, "no store here"),
        ],
        blind: &[],
    },
    Row {
        name: "whole.made_anew",
        what: "delete it, and make a new store under the same origin with a secret and a register of its own",
        must: &[
            (Verify, "unknown key"),
            (Second, "unknown key"),
            (Held, "memory: consistency: rollback"),
            (Held, "head altered(5)"),
        ],
        blind: &[(
            Start,
            "a new store is whole; its logs have other ids, as a pin says",
        )],
    },
    Row {
        name: "whole.older_copy",
        what: "put back an older copy of store and secret, from before the keys were replaced; the register stays",
        must: &[
            (Start, "from before a change of keys"),
            (Verify, "signature invalid"),
            (Second, "no export"),
            (Held, "of 362"),
        ],
        blind: &[],
    },
    Row {
        name: "whole.older_copy_with_secret_of_today",
        what: "put back an older copy of the store alone",
        must: &[
            (Start, "from before a change of keys"),
            (Verify, "signature invalid"),
            (Second, "no export"),
            (Held, "of 362"),
        ],
        blind: &[],
    },
    Row {
        name: "whole.older_copy_register_too",
        what: "put back an older copy of store, secret and register",
        must: &[(Held, "of 362")],
        blind: &[
            (
                Start,
                "an older copy is whole in itself; a memory, a receipt or a register on another disk knows more",
            ),
            (
                Verify,
                "an older copy is whole in itself; a memory, a receipt or a register on another disk knows more",
            ),
            (
                Second,
                "an export says nothing beyond its size; a memory or a receipt does",
            ),
        ],
    },
    Row {
        name: "whole.cloned",
        what: "copy the store and start the copy",
        must: &[(Start, "copied or moved")],
        blind: &[
            (
                Verify,
                "a copy holds what the original holds; the start of a writer is what is refused",
            ),
            (Second, "a copy holds what the original holds"),
            (Held, "a copy holds what the original holds"),
        ],
    },
    Row {
        name: "whole.clone_written",
        what: "clone store, secret and register, make the clone look like the original, and write to both",
        must: &[(Held, "head altered(362)")],
        blind: &[
            (Start, "both are whole; who saw one of them finds the other"),
            (Verify, "both are whole; `--remember` knows which was seen"),
            (
                Second,
                "both are whole; a memory or a receipt knows which was seen",
            ),
        ],
    },
    Row {
        name: "whole.clone_written_register_of_the_original",
        what: "put such a clone in the original's place, whose register lies on another disk",
        must: &[
            (Start, "which the register remembers"),
            (Verify, "missing(batch"),
            (Second, "no export"),
            (Held, "of 362"),
        ],
        blind: &[],
    },
];

pub const KEYS: &[Row] = &[
    Row {
        name: "whole.secret_swapped",
        what: "swap the node's secret for another node's",
        must: &[(Start, "don't belong to this store")],
        blind: &[(Verify, NO_SECRET), (Second, NO_SECRET), (Held, NO_SECRET)],
    },
    Row {
        name: "whole.old_secret_put_back",
        what: "put the secret back that a rotation replaced",
        must: &[(Start, "don't belong to this store")],
        blind: &[(Verify, NO_SECRET), (Second, NO_SECRET), (Held, NO_SECRET)],
    },
    Row {
        name: "whole.old_key_before_its_hinge",
        what: "with a stolen old secret sign another history that ends below the hinge",
        must: &[(Held, "ok up to its hinge, not tied to it")],
        blind: WITHOUT_A_WALK,
    },
    Row {
        name: "whole.old_key_after_its_hinge",
        what: "with a stolen old secret sign another history that goes on above the hinge",
        must: &[(Held, "key retired")],
        blind: WITHOUT_A_WALK,
    },
    Row {
        name: "whole.old_checkpoint_shown",
        what: "show an old export, with its old checkpoint, as the newest",
        must: &[(Held, "not tied to it")],
        blind: &[(Start, SHOWN), (Verify, ONCE), (Second, ONCE)],
    },
    Row {
        name: "whole.checkpoint_of_last_week_shown",
        what: "the same with an export from after the rotation",
        must: &[(Held, "rollback")],
        blind: &[(Start, SHOWN), (Verify, ONCE), (Second, ONCE)],
    },
];

pub const SENT: &[Row] = &[
    Row {
        name: "whole.genesis_sent",
        what: "a producer sends the log's genesis",
        must: &[],
        blind: SEEN_BY_NOBODY,
    },
    Row {
        name: "whole.rotation_sent",
        what: "a producer sends a rotation to a key of its own",
        must: &[],
        blind: SEEN_BY_NOBODY,
    },
    Row {
        name: "whole.erasure_sent",
        what: "a producer sends an erasure",
        must: &[],
        blind: SEEN_BY_NOBODY,
    },
    Row {
        name: "whole.header_sent",
        what: "a producer sends an event full of what slot headers begin with",
        must: &[],
        blind: SEEN_BY_NOBODY,
    },
];

/// The list that makes the command fail where a row that is not in it is seen by nobody.
pub const UNSEEN: &[(&str, &str)] = &[
    ("whole.nothing", "the control row"),
    (
        "sealed.derived_deleted",
        "nothing there is evidence: the next start makes it anew from the records (`cargo test -p indelible-ledger --test resend_disk`)",
    ),
    (
        "tail.batch_appended_with_secret",
        "whoever has the node's secret of today is the node, as far as anybody can tell from what is signed. What closes it: witnesses and receipts for what was there before, and a rotation or recovery for what comes (`old_key_after_its_hinge`)",
    ),
    (
        "tail.format_created_mended",
        "the day is told to people and no verdict rests on it; the geneses' times are signed",
    ),
    (
        "whole.genesis_sent",
        "a producer can't say of what kind its record is: it becomes an event, and the row's edit fails if the kind is another or the log's keys have changed",
    ),
    (
        "whole.rotation_sent",
        "a producer can't say of what kind its record is: it becomes an event, and the row's edit fails if the kind is another or the log's keys have changed",
    ),
    (
        "whole.erasure_sent",
        "a producer can't say of what kind its record is: it becomes an event, and the row's edit fails if the kind is another or the log's keys have changed",
    ),
    (
        "whole.header_sent",
        "a slot header counts only with the generation of its file, which is random and never leaves the disk (`tail.header_planted`)",
    ),
];
