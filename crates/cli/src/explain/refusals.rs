//! What a command says when it does not do what was asked. Behind each text a place, a path or a cause may follow.

use super::{Entry, On};

const DISK: &str = "look at the disk: free space, the system's log, its health";
pub(super) const VERIFY: &str = "run `indelible verify --json` on the store and keep the answer: it lists everything that is damaged";
const KEEP: &str = "change nothing, and keep a copy of the store and of the register as they are";

/// A refusal with its exit code.
pub(super) const fn refusal(
    says: &'static str,
    exit: u8,
    means: &'static str,
    causes: &'static [&'static str],
    now: &'static [&'static str],
) -> Entry {
    Entry {
        on: On::Refusal,
        says,
        exit,
        means,
        causes,
        now,
    }
}

pub const REFUSALS: &[Entry] = &[
    refusal(
        "which store?",
        2,
        "no store was named",
        &["neither --store nor INDELIBLE_STORE is set"],
        &["name it with --store DIR, or set INDELIBLE_STORE"],
    ),
    refusal(
        "no store here",
        2,
        "the directory holds no store",
        &["a mistyped path", "a disk that is not mounted"],
        &["look whether the disk is mounted before you make a store in its place"],
    ),
    refusal(
        "not the directory of a store",
        2,
        "the path leads to something else than a directory",
        &["a mistyped path"],
        &["name the directory that holds FORMAT"],
    ),
    refusal(
        "not found",
        2,
        "a file or directory is not there",
        &["a mistyped path", "a file that was moved meanwhile"],
        &["look whether it is there"],
    ),
    refusal(
        "can't DO",
        5,
        "the system refused to open, read or write a file; what was acknowledged before is durable. Where the file is not there or may not be touched, the exit code is 2, and 1 where it is a part of the store",
        &["permissions", "a full disk", "a broken disk"],
        &[
            DISK,
            "look who owns the files, and as whom the command runs",
        ],
    ),
    refusal(
        "another process is writing to this store",
        5,
        "one process writes at a time, and another holds the store",
        &["a node that runs", "another command that is not finished"],
        &[
            "wait until it has finished; reading commands work meanwhile",
            "never remove the lock file: it would lock out nobody",
        ],
    ),
    refusal(
        "another writer holds this store",
        5,
        "one process writes at a time, and another holds the store",
        &["a node that runs", "another command that is not finished"],
        &["wait until it has finished; reading commands work meanwhile"],
    ),
    refusal(
        "a newer indelible made this store, and this one can only read it",
        2,
        "the store has features that this version would not keep; reading, verifying and exporting work",
        &["a newer version wrote to it once"],
        &["write with the newer version"],
    ),
    refusal(
        "the store is open for reading only",
        2,
        "a write was asked of a store that is only read",
        &["a newer version wrote to it once"],
        &["write with the newer version"],
    ),
    refusal(
        "FILE was written by a newer version",
        3,
        "the file has a version or features that this program does not know; nothing is said about whether it is right",
        &["an older program than the one that wrote it"],
        &["use the version that wrote it, or a newer one"],
    ),
    refusal(
        "damaged: WHAT",
        1,
        "stored bytes are not what was written; nothing was written now",
        &[
            "a disk that gives back other bytes",
            "a copy that was cut short",
            "somebody who changed, removed or put back files",
        ],
        &[
            KEEP,
            VERIFY,
            "look at the file alone: indelible inspect FILE",
            "explain the verdict's texts, one by one",
        ],
    ),
    refusal(
        "WHAT; FILE at OFFSET",
        1,
        "stored evidence is damaged or missing, so the store is not continued; nothing was changed",
        &[
            "a disk that gives back other bytes",
            "a copy that was cut short",
            "somebody who changed, removed or put back files",
        ],
        &[KEEP, VERIFY],
    ),
    refusal(
        "batch N is missing; batch M follows it in FILE",
        1,
        "a batch in the middle of the tail is gone, and it was acknowledged",
        &[
            "a damaged disk",
            "a tail file that was lost, not copied, or removed",
        ],
        &[KEEP, VERIFY, "look for the tail file in other copies"],
    ),
    refusal(
        "the store ends before batch N, which the register remembers",
        1,
        "the register, which lies elsewhere, remembers more than the store holds: signed records are missing",
        &[
            "an older copy of the store was put back",
            "a disk that lost its last writes",
        ],
        &[
            "write nothing to this store: a second history would begin under the same name",
            KEEP,
            "find the newer copy, and find out who restored this one",
        ],
    ),
    refusal(
        "batch N is not the one the register remembers",
        1,
        "store and register come from two histories",
        &[
            "two copies of a store were both written to",
            "a register of another copy",
        ],
        &[
            "write to neither",
            KEEP,
            "find out which of the copies has the records that producers have receipts for",
        ],
    ),
    refusal(
        "this store was copied or moved since it was made",
        2,
        "FORMAT is bound to its own file; this one lies elsewhere, so the directory is a copy. It can be read",
        &[
            "a backup that was put back",
            "a move to another disk",
            "an image that was cloned",
        ],
        &[
            "make sure that nothing writes to the original any more",
            "then say so with --moved; it is recorded",
        ],
    ),
    refusal(
        "refused: WHAT",
        2,
        "the store does not do that; nothing was written",
        &["a store of another kind than the command needs"],
        &["read what it says"],
    ),
    refusal(
        "SYSTEM loses everything at a reboot",
        2,
        "the directory lies on a file system in memory",
        &["a path below /dev/shm or on a tmpfs"],
        &["put the store on a disk; --accept-volatile accepts memory, and is recorded"],
    ),
    refusal(
        "a write failed earlier, nothing more is written until the store is opened again",
        5,
        "after one failed write nothing is believed of later ones; what was acknowledged is durable",
        &["a full disk", "a broken disk"],
        &[
            DISK,
            "start again: the start looks at what became of the last write",
        ],
    ),
    refusal(
        "the slot is no longer in the tail",
        5,
        "it was sealed while it was read",
        &["a running writer"],
        &["run the command again"],
    ),
    refusal(
        "the register holds something else than expected",
        5,
        "another process wrote the register",
        &[
            "a second store with the same register path",
            "a register that was put back",
        ],
        &["look which stores name this path in FORMAT: indelible inspect FILE shows it"],
    ),
    refusal(
        "too large: N bytes where N are allowed",
        5,
        "more than a bound allows; nothing was written",
        &["a fault of the program"],
        &["report it, with the text"],
    ),
    refusal(
        "the wall clock is more than N days past the last record",
        5,
        "the clock stands so far ahead that it may be wrong; one wrong time would poison every later one",
        &[
            "a store that really was not written to for so long",
            "a clock that was never set, or set wrong",
        ],
        &[
            "look at the clock and at its source",
            "if it is right: indelible clock accept; it is recorded",
        ],
    ),
    refusal(
        "the wall clock shows a time that can't be recorded",
        5,
        "the clock shows a year outside 2000 to 9999",
        &["a clock that was never set"],
        &["set the clock"],
    ),
    refusal(
        "not recorded: there was no room for it in time",
        5,
        "more came than the disk took; nothing of it was recorded, and it is safe to send again",
        &[
            "a slow or overloaded disk",
            "sealing that can't keep up: no space left",
        ],
        &["send the rest again", DISK],
    ),
    refusal(
        "not recorded: the disk has no room for it",
        5,
        "the disk is full: the next tail file could not be made, and what is left of the last one does not hold this. Nothing of it was \
         recorded, nothing that was is touched, and it is safe to send again",
        &["a full disk, or a quota that is used up"],
        &[
            "make room: df, then what else lies on that disk; nothing in the store may be removed by hand",
            "indelible seal makes packs, which take less room than the tail, if there is room to make one",
            "send the rest again",
        ],
    ),
    refusal(
        "not recorded: too many events for one batch",
        5,
        "events that belong together are more than one batch holds; none was recorded",
        &["a very long list in one request"],
        &["send fewer together"],
    ),
    refusal(
        "not recorded: the node has stopped",
        5,
        "the node stops, or stopped after a failed write; it is safe to send again to a running one",
        &[
            "a failed write: the text in brackets says which",
            "a stop that was asked for",
        ],
        &[DISK, "start the node again, then send again"],
    ),
    refusal(
        "unknown whether recorded: the commit broke",
        5,
        "the write failed at a moment when it may have come to the disk or not",
        &["a broken or full disk"],
        &[
            DISK,
            "open the store again: `indelible log show` then says how many records there are",
            "send again only what is not there",
        ],
    ),
    refusal(
        "the head would have more than N bytes",
        4,
        "principal, key and names together are too long for one head; the event was not recorded",
        &["a very long principal or key"],
        &["shorten them"],
    ),
    refusal(
        "'NAME' is not a valid name",
        2,
        "a log's name has 1 to 63 of a-z 0-9 _ - and begins with a letter or digit",
        &["capitals, points or spaces in the name"],
        &["choose another name; it is public and never changes"],
    ),
    refusal(
        "log 'NAME' exists already",
        2,
        "there is such a log in this store",
        &["it was created before"],
        &["append to it, or choose another name"],
    ),
    refusal(
        "log 'NAME' is named twice",
        2,
        "one command was asked to begin the same log twice; none was begun",
        &["a list of names with a repetition"],
        &["name each log once"],
    ),
    refusal(
        "no log named 'NAME'",
        2,
        "the store has no log of that name",
        &["a mistyped name", "another store than you mean"],
        &["indelible log list shows what there is"],
    ),
    refusal(
        "a node holds at most N logs",
        2,
        "the store has as many logs as one node takes",
        &["a log for each of very many things"],
        &["use fewer logs, or another node"],
    ),
    refusal(
        "no record SEQ in LOG",
        2,
        "the log has no record of that number",
        &[
            "a number past the newest record",
            "an older copy of the store",
        ],
        &[
            "`indelible log show` says how many there are; if there were more, treat it as a rollback",
        ],
    ),
    refusal(
        "the register is missing",
        1,
        "the file that remembers the newest batch is not where FORMAT says: nothing shows whether this is the newest state of the store",
        &[
            "the disk it lies on is not mounted",
            "somebody took it away, so that an older copy of the store would pass",
        ],
        &[
            "bring it back, or mount its disk",
            "if it is lost for good and you know that this store is no old copy: --register-lost, which is recorded",
        ],
    ),
    refusal(
        "these keys don't belong to this store",
        2,
        "the node secret is not the one the store was founded with; nothing was written",
        &["the keys of another store", "a secret that was made anew"],
        &[
            "name the directory of the right secret with --keys DIR",
            "never make a new secret for an old store: it could sign nothing there",
        ],
    ),
    refusal(
        "the store was founded with a key horizon of N, not M",
        2,
        "how many of the newest idempotency keys are exact stands in the node's genesis; nothing was written",
        &["a program that sets another key horizon than the store was founded with"],
        &["leave the key horizon out: it is taken from the genesis"],
    ),
    refusal(
        "there is a node secret already",
        2,
        "a secret lies where a new one was to be made; it may sign for another store",
        &["an earlier init"],
        &["keep it, and name another directory with --keys DIR"],
    ),
    refusal(
        "others can get at the secret",
        2,
        "group or others may read or write the secret file or its directory; so it is not used",
        &["a copy that lost its permissions", "a wide umask"],
        &[
            "chmod go= FILE",
            "find out who could read it meanwhile: whoever has it can sign as this node",
        ],
    ),
    refusal(
        "the secret belongs to user N",
        2,
        "another user owns the secret file and so has it in hand",
        &["a command that runs as another user than the node"],
        &["run as the user who made the store"],
    ),
    refusal(
        "no node secret",
        2,
        "the secret is not where it should be; all can still be read and verified, nothing written",
        &[
            "a directory that is not mounted",
            "a store that was copied without its keys, as it should be",
        ],
        &[
            "name the directory it lies in with --keys DIR",
            "if it is lost for good, a new store has to be made: this one can't be continued",
        ],
    ),
    refusal(
        "not a node secret",
        2,
        "the file has not the form of a secret",
        &["a file that was cut short", "another file in its place"],
        &[
            "restore it from where you keep a copy",
            "indelible inspect FILE says whether a file is one, without showing it",
        ],
    ),
    refusal(
        "the secret is sealed under a passphrase",
        2,
        "the secret file is encrypted, and there is nothing to open it with",
        &["a command that runs without a terminal"],
        &[
            "name a file that holds the passphrase with --passphrase-file FILE, or run it at a terminal",
        ],
    ),
    refusal(
        "the passphrase does not open the secret",
        2,
        "another passphrase sealed the secret file, or the file was changed",
        &["a mistyped passphrase", "a damaged file"],
        &["try again; then restore the file from where you keep a copy"],
    ),
    refusal(
        "the first line is empty, and should be a passphrase",
        2,
        "the file named with --passphrase-file holds no passphrase",
        &["an empty or wrong file"],
        &["write the passphrase into its first line"],
    ),
    refusal(
        "the secret is a credential of the service",
        2,
        "systemd hands the secret in, so only whoever configures the service can change it",
        &["a rotation of a node that takes its secret from systemd"],
        &["make the next secret apart and hand it in as the next credential, as the hint says"],
    ),
    refusal(
        "the keys of N logs are being replaced, and the hinges are not complete",
        5,
        "a rotation or recovery began and stopped in the middle; nothing is recorded until it is finished",
        &[
            "a command that was interrupted",
            "a recovery that waits for its signatures",
        ],
        &["run the command that replaces the keys again: it goes on where it stopped"],
    ),
    refusal(
        "nothing was recorded yet: there are no keys to recover",
        2,
        "a store without records has no log whose keys could be replaced",
        &["another store than you mean"],
        &["look whether this is the right directory"],
    ),
    refusal(
        "the log 'NAME' names no recovery keys",
        2,
        "nobody was named in time who could vouch for new keys, so without the old ones they can't be replaced",
        &["a log that was founded without recovery keys"],
        &["look for the old secret; if it is lost for good, a new log has to begin"],
    ),
    refusal(
        "the log 'NAME' has recovery keys, and only they may name others",
        2,
        "a rotation may not change who can recover the log",
        &["other recovery keys were given than the log has"],
        &["rotate without naming any, or recover with those that are named"],
    ),
    refusal(
        "not a set of recovery keys",
        2,
        "1 to 8 different Ed25519 verifier keys, and a threshold that they can reach",
        &["a key given twice", "a threshold larger than their number"],
        &["look at what was given"],
    ),
    refusal(
        "N hinges wait for signatures of recovery keys",
        5,
        "too few recovery keys have signed; nothing is recorded until they have",
        &["a recovery that is under way"],
        &["collect the signatures and run the command again with them"],
    ),
    refusal(
        "batch N is damaged",
        1,
        "sealing read a batch of the tail back from disk and found it damaged; nothing was released",
        &[
            "a disk that gives back other bytes",
            "somebody who changed the tail",
        ],
        &[KEEP, VERIFY],
    ),
    refusal(
        "batch N of the tail is no longer what was committed",
        1,
        "sealing found other bytes in the tail than the node wrote; nothing was sealed, signed or released",
        &["somebody who changed the tail under the running node"],
        &[KEEP, VERIFY, "find out who can write to the directory"],
    ),
    refusal(
        "batch N can't be read back from the tail",
        1,
        "the tail ends before the last batch that was acknowledged",
        &["a tail file that was removed or cut"],
        &[KEEP, VERIFY],
    ),
    refusal(
        "the pack read back differs from what was written",
        1,
        "a pack was written, read back from disk and is not the same; the tail still holds all of it",
        &[
            "a disk that gives back other bytes",
            "somebody who changed the file at once",
        ],
        &[DISK, KEEP, VERIFY],
    ),
    refusal(
        "pack FILE is damaged and was not merged",
        1,
        "merging re-hashes every pack first and found one that is not what was sealed; it stays where it is, and so do its neighbours",
        &[
            "a disk that gives back other bytes",
            "somebody who changed the file",
        ],
        &[KEEP, VERIFY],
    ),
    refusal(
        "the merged pack differs from what it was made of",
        1,
        "a merged pack was read back and is not the same; it was set aside, and the packs it was made of still count",
        &[
            "a disk that gives back other bytes",
            "somebody who changed the file at once",
        ],
        &[DISK, KEEP, VERIFY],
    ),
    refusal(
        "a file went away while it was read",
        5,
        "a file of the store was there when the command began and is not there now",
        &["packs were merged meanwhile", "somebody removed it"],
        &["run the command again; if it is missing, `indelible verify` names it"],
    ),
    refusal(
        "FILE exists already with other contents",
        5,
        "a file of this name stands where a pack was to come; nothing was released",
        &[
            "an interrupted sealing of another version",
            "somebody who put a file there",
        ],
        &[
            "look at it: indelible inspect FILE",
            "set it aside yourself, and keep it",
        ],
    ),
    refusal(
        "standard output can't be written",
        5,
        "the output went to a file or device that takes no more",
        &["a full disk"],
        &[DISK, "the command itself did what its messages say"],
    ),
];
