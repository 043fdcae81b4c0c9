//! What is done, row by row: its edit, what has to be seen, and why whoever sees nothing can't.

mod sealed;
mod tail;
mod whole;

/// Who looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    /// The next start of a writer: one more event is sent.
    Start,
    /// `indelible verify` with a pin.
    Verify,
    /// `verify.py` with the same pin on an export of all records.
    Second,
    /// A memory and two receipts, kept on another machine.
    Held,
}

/// In the table's order.
pub const COLUMNS: [Column; 4] = [Column::Start, Column::Verify, Column::Second, Column::Held];

impl Column {
    /// Its place in a row's cells.
    pub fn place(self) -> usize {
        match self {
            Column::Start => 0,
            Column::Verify => 1,
            Column::Second => 2,
            Column::Held => 3,
        }
    }

    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Column::Start => "start",
            Column::Verify => "verify",
            Column::Second => "verify.py",
            Column::Held => "held",
        }
    }
}

/// One kind of tampering.
#[derive(Debug)]
pub struct Row {
    /// `module.function` of the edit in `xtask/tamper`.
    pub name: &'static str,
    /// In words.
    pub what: &'static str,
    /// Who has to see it at least, and a part of what they have to say.
    pub must: &'static [(Column, &'static str)],
    /// Why a party that sees nothing can't, and what closes it.
    pub blind: &'static [(Column, &'static str)],
}

impl Row {
    /// Why this party sees nothing.
    pub fn why(&self, column: Column) -> Option<&'static str> {
        let found = self.blind.iter().find(|(blind, _)| *blind == column);
        found.map(|(_, why)| *why)
    }
}

/// A start does not read sealed records.
const RECORDS: &str =
    "a start reads the tables of packs, not their records; `verify` reads all of them";

/// Nor whole sections that it has no use for.
const SECTIONS: &str = "a start reads what it needs of a pack; `verify` hashes every section";

/// An export holds heads, events, entries, proofs and a note.
const NOT_EXPORTED: &str = "what it touches is no part of an export; `verify` reads it";

/// The exported log is `payments`.
const OTHER_LOG: &str =
    "what it touches belongs to another log of the pack; `verify` reads all of them";

/// Memory and receipts are about what was signed.
const ALL_THERE: &str =
    "what was signed is all there, and so is what the receipts are of; `verify` looks at the rest";

/// Reading needs no secret.
const NO_SECRET: &str =
    "the store is read without its secret, and nothing in it was changed; the next start needs it";

/// Old evidence is not false.
const ONCE: &str = "it was true once; a memory, a walk or an age asked for with `--max-age` tells that there is more";

/// Evidence that somebody else made.
const SHOWN: &str = "it is shown to others and lies in no store";

/// The reason stands in [`UNSEEN`].
const UNSEEN_HERE: &str = "see below, *Seen by nobody*";

/// Whoever looks.
const SEEN_BY_NOBODY: &[(Column, &str)] = &[
    (Column::Start, UNSEEN_HERE),
    (Column::Verify, UNSEEN_HERE),
    (Column::Second, UNSEEN_HERE),
    (Column::Held, UNSEEN_HERE),
];

/// Rows under one heading.
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// In order.
    pub rows: &'static [Row],
}

/// All groups, in the page's order.
pub const GROUPS: &[Group] = &[
    Group {
        title: "Nothing",
        rows: whole::CONTROL,
    },
    Group {
        title: "A byte of a sealed pack, as it lies",
        rows: sealed::AS_IT_LIES,
    },
    Group {
        title: "A sealed pack, every checksum and digest in it made right",
        rows: sealed::MENDED,
    },
    Group {
        title: "Sealed files and records taken away or exchanged",
        rows: sealed::MOVED,
    },
    Group {
        title: "A byte of the tail, as it lies",
        rows: tail::AS_IT_LIES,
    },
    Group {
        title: "The tail, the slot's checksums made right",
        rows: tail::MENDED,
    },
    Group {
        title: "The tail and the files beside it taken away or cut",
        rows: tail::CUT,
    },
    Group {
        title: "Batches put in, replaced, planted",
        rows: tail::FORGED,
    },
    Group {
        title: "The store as a whole",
        rows: whole::DIRECTORY,
    },
    Group {
        title: "Keys and old evidence",
        rows: whole::KEYS,
    },
    Group {
        title: "What a producer sends",
        rows: whole::SENT,
    },
];

/// Rows that nobody has to see, and why. Short on purpose.
pub const UNSEEN: &[(&str, &str)] = whole::UNSEEN;

/// Why nobody has to see this row.
pub fn unseen(row: &Row) -> Option<&'static str> {
    let found = UNSEEN.iter().find(|(name, _)| *name == row.name);
    found.map(|(_, why)| *why)
}

/// Every row of every group.
pub fn all() -> Vec<&'static Row> {
    GROUPS.iter().flat_map(|group| group.rows).collect()
}

/// What stands above the tables.
pub const HEADING: &str = "\
# Tamper matrix

What is done to a store, and who notices. `cargo xtask tamper` builds a store through the command line (two logs, two sealed packs with a
rotation of the keys between them, a tail of several files, a register on another path), copies it for every row, lets a program edit
the copy's files, and writes down what each of four parties printed. `cargo xtask tamper --check`, a step of `cargo xtask test`,
does it again and fails where this page says something else.

The edits are made by `xtask/tamper/*.py`, which know the formats from [the specification](spec/README.md) and share no code with the
product. Under each row stands its function: a copy can be looked at with `cargo xtask tamper --keep DIR ROW`.

- **next start**: `indelible append` of one more event. What it refuses with, and its exit code; or what it records.
- **`verify`**: `indelible verify --json` with a pin from the first day: the axes that are not good.
- **`verify.py`**: the second verifier on an export of all records of `payments`, with the same pin. Where the export is refused, what it
  is refused with; then what the verifier says of one made with `--as-found`.
- **held elsewhere**: a memory (`verify --remember`) of the store before it was edited, and two receipts, of record 5 and of the newest, compared with what
  `indelible get` hands out today.

A party that sees nothing has the reason, and what closes the gap, in its cell. `…` stands for what differs from run to run: digests,
numbers of batches, offsets. Exit codes and values are those of [verdicts](spec/verdicts.md).
";
