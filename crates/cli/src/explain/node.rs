//! What is said of a node, where one is asked instead of a store.

use super::Entry;
use super::refusals::refusal;

pub const NODE: &[Entry] = &[
    refusal(
        "no answer after N tries",
        5,
        "the node was asked as often as it may be, and nothing that could be understood came back; what is read may be asked for again, and what was sent may be recorded if the message says so",
        &[
            "the node is down, or another address is meant",
            "a firewall, or networks that the listener does not take peers from",
            "a certificate that the other side does not take: then the reason stands in the message",
        ],
        &[
            "ask whether it lives: /livez of its health listener",
            "indelible whoami --node URL says who you are to it",
        ],
    ),
    refusal(
        "the node's answer is not proven",
        1,
        "what came does not lead to what the pinned log signed, or contradicts what the node showed before; nothing of it was handed out. The exit code is 3 if it is signed by no key that is known",
        &[
            "a node that was set back to an older copy, or a clone of it",
            "the keys of the log were replaced, and the node gives no walk that proves it",
            "a pin of another log of this name",
            "a node, or something before it, that lies",
        ],
        &[
            "keep what was printed: signed notes are evidence against whoever signed them",
            "compare the pin with whoever gave it to you",
            "whoever operates the node runs indelible verify",
        ],
    ),
    refusal(
        "the node's answer can't be understood",
        1,
        "what answered is no node of this version, though its certificate is good",
        &["a proxy in between", "a node of a later version"],
        &["ask the node without what is in between"],
    ),
    refusal(
        "the log's pin is missing",
        2,
        "nothing that a node says is believed without a pin, so nothing was asked",
        &["neither --pin nor INDELIBLE_PIN is set"],
        &[
            "get the line that `indelible pin` prints from somebody you trust, by another way than from the node",
        ],
    ),
    refusal(
        "no pin is known for the log NAME",
        2,
        "the pin is of another log than the one that was named; nothing was sent",
        &["INDELIBLE_PIN is of another log"],
        &["give the pin of that log with --pin"],
    ),
    refusal(
        "which node: --node is missing",
        2,
        "the command asks a node, and none was named",
        &["neither --node nor a variable names one"],
        &[
            "name it with --node URL, or set INDELIBLE_QUERY for reading, INDELIBLE_NODE for writing",
        ],
    ),
    refusal(
        "that listener takes events, and is not read from",
        2,
        "each listener of a node is for one thing; the one that was named is for writing",
        &["INDELIBLE_QUERY or --node names the ingest listener"],
        &[
            "name the query listener: whoever operates the node knows its port; `dev` and `quickstart` write it into reader.env",
        ],
    ),
    refusal(
        "no such path on this listener",
        2,
        "each listener of a node is for one thing; the one that was named is for another",
        &["--node names the listener for another purpose"],
        &["name the query listener for reading, and the ingest listener for writing"],
    ),
    refusal(
        "no record N in NAME: the node says that it has N",
        2,
        "the range goes further than the log, by the word of the node; it signed nothing that says otherwise",
        &["records that are not recorded yet"],
        &["leave --to away, or wait for it with indelible watch"],
    ),
];
