//! The values of integrity. `docs/spec/verdicts.md` has the same texts.

use super::{Entry, On};

/// What damage of stored bytes asks for, whatever its kind.
pub(super) const KEEP: &str =
    "change nothing, and keep a copy of the whole store or file and of the register as they are";
pub(super) const LIST: &str = "run `indelible verify --json` and keep the answer: it lists every finding with file, offset and records";
pub(super) const COMPARE: &str = "look for another copy: a backup, an export, a receipt that a producer kept; `indelible verify` takes each";
pub(super) const DISK: &str =
    "a disk, controller or memory that gives back other bytes than were written";
pub(super) const SOMEBODY: &str = "somebody who changed the file";
pub(super) const AGAIN: &str = "fetch the file again, and compare the two";

pub const INTEGRITY: &[Entry] = &[
    Entry {
        on: On::Integrity,
        says: "ok",
        exit: 0,
        means: "all that was given is what the log committed to",
        causes: &[],
        now: &["nothing; look at the other four axes"],
    },
    Entry {
        on: On::Integrity,
        says: "ok, by batch key(LOG F…L)",
        exit: 0,
        means: "all is in order; these newest records of the log are so far vouched for by the batch key alone, not yet by a checkpoint of their log",
        causes: &["a writer that is at work, or stopped without time to write its last mark"],
        now: &["nothing; the next start, or the running writer, signs them within moments"],
    },
    Entry {
        on: On::Integrity,
        says: "event altered(SEQS)",
        exit: 1,
        means: "salt or event of these records is not what their heads commit to; who, when and that something was recorded still hold",
        causes: &[SOMEBODY, "a program that reformatted the JSON on its way"],
        now: &[KEEP, AGAIN, COMPARE],
    },
    Entry {
        on: On::Integrity,
        says: "head altered(SEQS)",
        exit: 1,
        means: "the heads of these records are not what the tree vouches for: who or when was changed",
        causes: &[SOMEBODY],
        now: &[KEEP, AGAIN, COMPARE],
    },
    Entry {
        on: On::Integrity,
        says: "entry altered(SEQS)",
        exit: 1,
        means: "stored entries were changed; the records themselves are right, since their heads give the signed root",
        causes: &[DISK, SOMEBODY],
        now: &[KEEP, LIST, COMPARE],
    },
    Entry {
        on: On::Integrity,
        says: "record altered(SEQS)",
        exit: 1,
        means: "what is stored of these records does not give the entries that the tree vouches for: head or event, which a store can't tell apart",
        causes: &[
            DISK,
            "somebody who changed the file and made its checksums right again",
        ],
        now: &[KEEP, LIST, COMPARE],
    },
    Entry {
        on: On::Integrity,
        says: "tile altered(LEVEL, N)",
        exit: 1,
        means: "a stored node of the tree is not the hash of what lies below it; entries and records are not in question",
        causes: &[DISK, SOMEBODY],
        now: &[KEEP, LIST, COMPARE],
    },
    Entry {
        on: On::Integrity,
        says: "unreadable(FILE, OFFSET)",
        exit: 1,
        means: "a checksum or a decoder refuses what stands at this place; what else is wrong there can't be said",
        causes: &[DISK, "a copy that was cut short", SOMEBODY],
        now: &[
            KEEP,
            "look at the file alone: indelible inspect FILE",
            LIST,
            "everything that still reads can be taken out: indelible export --as-found",
            COMPARE,
        ],
    },
    Entry {
        on: On::Integrity,
        says: "unreadable(FILE, OFFSET; SEQS)",
        exit: 1,
        means: "the same, and these records lie there",
        causes: &[DISK, "a copy that was cut short", SOMEBODY],
        now: &[
            KEEP,
            "look at the file alone: indelible inspect FILE",
            LIST,
            "everything that still reads can be taken out: indelible export --as-found",
            COMPARE,
        ],
    },
    Entry {
        on: On::Integrity,
        says: "root mismatch(SIZE)",
        exit: 1,
        means: "the log signed another tree of this size than the records here give, and no single record can be named",
        causes: &[
            "records of another log or another time put together",
            "a proof that belongs to another checkpoint",
            SOMEBODY,
        ],
        now: &[KEEP, AGAIN, COMPARE],
    },
    Entry {
        on: On::Integrity,
        says: "missing(SEQS)",
        exit: 1,
        means: "these records were committed and are not here",
        causes: &[
            "a file that was lost or not copied",
            "a file that was removed",
            "an export made as found from a damaged store",
        ],
        now: &[
            KEEP,
            LIST,
            "look for the file it names in backups and in other copies",
            COMPARE,
        ],
    },
    Entry {
        on: On::Integrity,
        says: "missing(batch N)",
        exit: 1,
        means: "this batch, and perhaps later ones, was committed and is not here: something else in the store or the register names it",
        causes: &[
            "an older copy of the store was put back",
            "a pack or tail file that was lost, not copied, or removed",
        ],
        now: &[
            "write nothing to this store: a second history would begin under the same name",
            KEEP,
            LIST,
            "find the newer copy; find out who restored this one, and when",
        ],
    },
    Entry {
        on: On::Integrity,
        says: "log fault(SEQ, RULE)",
        exit: 1,
        means: "the log itself signed a record that breaks a rule: this is not tampering afterwards, the writer was wrong or its key was used by something else",
        causes: &[
            "a fault of the program that wrote",
            "somebody who holds the node's keys and wrote with a program of their own",
        ],
        now: &[
            KEEP,
            "ask `indelible explain` for the rule",
            "find out which program wrote it, and who could use the keys",
        ],
    },
    Entry {
        on: On::Integrity,
        says: "malformed(line N)",
        exit: 1,
        means: "this line of the file has not its form, so nothing behind it was judged",
        causes: &[
            "a download or copy that ended early",
            "an editor or mail program that changed line ends",
            SOMEBODY,
        ],
        now: &[
            "look at it: indelible inspect FILE says what should stand there",
            AGAIN,
        ],
    },
    Entry {
        on: On::Integrity,
        says: "malformed(checkpoint)",
        exit: 1,
        means: "the checkpoint at the end of the receipt has not its form",
        causes: &["a copy that was cut short or changed line ends", SOMEBODY],
        now: &["look at it: indelible inspect FILE", AGAIN],
    },
    Entry {
        on: On::Integrity,
        says: "malformed(record)",
        exit: 1,
        means: "the record given beside the receipt is not a record line",
        causes: &[
            "another file was given with --record",
            "a program that reformatted the JSON",
        ],
        now: &["give the line exactly as `indelible get` printed it"],
    },
    Entry {
        on: On::Integrity,
        says: "unsupported version",
        exit: 3,
        means: "a newer version wrote this, or a part of it; nothing is said about whether it is right",
        causes: &["an older program than the one that wrote it"],
        now: &["verify with the version that wrote it, or a newer one"],
    },
    Entry {
        on: On::Integrity,
        says: "unchecked",
        exit: 3,
        means: "the check did not get as far as this",
        causes: &[
            "what stands on another axis ended it first",
            "the log that was asked for is not there",
        ],
        now: &["look at the other axes"],
    },
];
