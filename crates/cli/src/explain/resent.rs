//! What is said of an event whose number or key is not new, or not the one expected.

use super::Entry;
use super::refusals::{VERIFY, refusal};

pub const RESENT: &[Entry] = &[
    refusal(
        "not recorded: its number or key belongs to another event, record N",
        4,
        "an event with the same idempotency key or stream number is recorded, and its bytes are others; record N is that event. Of a key `_node` has a record of the attempt",
        &[
            "one key used for two events",
            "a producer that changed an event before it sent it again",
            "a producer that began to count anew",
        ],
        &[
            "look at record N: indelible get",
            "give the new event a key or number of its own; one that changes nothing is not sent again",
        ],
    ),
    refusal(
        "not recorded: its stream goes on with number N of epoch N",
        4,
        "numbers of a stream follow each other without a gap, and another one was sent",
        &[
            "events that were lost on the way",
            "a producer that forgot where it was",
        ],
        &[
            "send what is missing first",
            "if it is lost for good, open the next epoch: indelible stream epoch; it is recorded",
        ],
    ),
    refusal(
        "not recorded: its stream was handed on to BY",
        4,
        "an operator gave the stream to another principal; only that one records new numbers in it",
        &["a producer that went on after it was replaced"],
        &["record as that principal, or under another stream's name"],
    ),
    refusal(
        "not recorded: BY has a stream of that name already",
        4,
        "a stream is handed on only to a principal that has none of that name; nothing was changed",
        &["the other has used this name before, or handed it on itself"],
        &["hand it to another principal, or begin a new stream"],
    ),
    refusal(
        "not recorded: whether its key or number was used before can't be read",
        5,
        "the packs that may hold the key, or the record that has the number, can't be read; rather than twice it was not recorded at all",
        &["a damaged pack", "a broken disk"],
        &["send it again later", VERIFY],
    ),
    refusal(
        "not recorded: two of these events claim the same number or key",
        5,
        "events that were sent together are recorded together or not at all, and each needs a name of its own",
        &["one key for two events of one request"],
        &["send each event once"],
    ),
    refusal(
        "not recorded: a part of it is being recorded at this moment",
        5,
        "another call has sent some of these events and is not answered yet; none was recorded for this one",
        &["a producer that sends again before it was answered"],
        &["send it again: it is answered with the records"],
    ),
    refusal(
        "recorded before, as record N; its content is gone, so it was not compared",
        4,
        "the number is taken by record N, whose event is no longer kept; whether it was the same event nobody can say",
        &["an event that was erased"],
        &["record N stands; compare its entry with a receipt, if there is one"],
    ),
    refusal(
        "recorded before, as record N, which can't be read",
        5,
        "the key or number is taken by record N, and its bytes can't be read back to compare",
        &["a damaged pack", "a broken disk"],
        &[VERIFY],
    ),
];
