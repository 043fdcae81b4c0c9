//! What the node says of itself: the events of kinds `node`, `repair` and `clock`, which stand only in `_node`, and of `stream`, which
//! stands in the log whose stream it concerns.
//!
//! Owns their exact forms (`docs/spec/record.md`, *Kinds*): members in one order, no others. Strings may hold any text; they are
//! written with the fewest escapes and read with any.

pub mod access;
mod reading;
mod string;

use crate::cursor::{Cursor, push_integer};
use crate::hash::{HEX_PAIRS, Hash};
use crate::head::Kind;
use crate::limits::VERDICT_TEXT_BYTES_MAX;
use crate::time::Time;
use crate::verdict::{AXES, Verdict};
use access::{Denied, GrantLine, ListenerLine};
use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// Bytes of the word that says which event it is, in later versions too: as names in heads.
const WORD_BYTES_MAX: usize = 32;

/// A pack, by its batches and the header digest of its entries file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackId {
    /// Its first batch.
    pub first: u64,
    /// Its last batch.
    pub last: u64,
    /// Header digest of its entries file.
    pub ent: Hash,
}

/// What a verification of the whole store came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    /// Who asked for it.
    pub by: Cow<'a, str>,
    /// How many batches, from the first on, it went over.
    pub batches: u64,
    /// The verdict's exit code: 0, 1 or 3.
    pub exit: u8,
    /// The texts of the five axes in the order of [`AXES`], each at most [`VERDICT_TEXT_BYTES_MAX`].
    pub axes: [Cow<'a, str>; 5],
}

impl<'a> Verified<'a> {
    /// The event of a verdict. A text that is too long is cut and ends in `…`.
    #[must_use]
    pub fn of(by: &'a str, batches: u64, verdict: &Verdict) -> Verified<'a> {
        let texts = [
            verdict.integrity.to_string(),
            verdict.authenticity.to_string(),
            verdict.consistency.to_string(),
            verdict.witnesses.to_string(),
            verdict.completeness.to_string(),
        ];
        Verified {
            by: by.into(),
            batches,
            exit: verdict.exit_code(),
            axes: texts.map(|text| Cow::Owned(shortened(text))),
        }
    }

    /// All but the closing brace.
    fn encode(&self, out: &mut Vec<u8>) {
        push(out, b"{\"node\":\"verified\",\"by\":");
        string::push(&self.by, out);
        push(out, b",\"batches\":");
        push_integer(self.batches, out);
        push(out, b",\"exit\":");
        push_integer(u64::from(self.exit), out);
        for (name, text) in AXES.iter().zip(&self.axes) {
            push_plain(b",\"", name, out);
            push(out, b":");
            string::push(text, out);
        }
    }
}

fn shortened(text: String) -> String {
    match text.len() > VERDICT_TEXT_BYTES_MAX {
        false => text,
        true => {
            let most = VERDICT_TEXT_BYTES_MAX - '…'.len_utf8();
            let end = text.floor_char_boundary(most);
            let kept = text.get(..end).unwrap_or_default();
            [kept, "…"].concat()
        }
    }
}

/// One event of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEvent<'a> {
    /// The node opened the store for writing.
    Start {
        /// Name and version of the software.
        software: Cow<'a, str>,
        /// The store forgets when the power fails.
        volatile: bool,
        /// The store has a register outside the tail.
        register: bool,
        /// What the operator should know.
        warnings: Vec<String>,
    },
    /// The node secret of an earlier generation was destroyed.
    Destroyed {
        /// Which.
        generation: u64,
    },
    /// The node closed the store in order.
    Stop {
        /// Why.
        reason: Cow<'a, str>,
    },
    /// A log begins; in the batch that holds its genesis.
    Log {
        /// Its origin.
        log: &'a str,
        /// Its log id.
        id: Hash,
    },
    /// A pack was sealed.
    Pack {
        /// Its first batch.
        first: u64,
        /// Its last batch.
        last: u64,
        /// Header digest of its entries file.
        ent: Hash,
    },
    /// An idempotency key came again with another event, which was not recorded.
    Conflict {
        /// Origin of the log.
        log: &'a str,
        /// Whose key it is.
        by: &'a str,
        /// The key.
        key: &'a str,
        /// The record that had the key first.
        seq: u64,
    },
    /// Packs were merged into one, which from now on may stand for them.
    Merge {
        /// The new pack.
        pack: PackId,
        /// The packs it is made of, two or more: together they hold exactly its batches, in order.
        of: Vec<PackId>,
    },
    /// The whole store was verified.
    Verified(Verified<'a>),
    /// From here on these grants are in force, and no others.
    Grants {
        /// Who set them.
        by: Cow<'a, str>,
        /// The whole table.
        grants: Vec<GrantLine>,
    },
    /// From here on these networks are declared internal, and the node listens so.
    Networks {
        /// Who set it.
        by: Cow<'a, str>,
        /// Networks declared internal, beyond those that are so everywhere.
        networks: Vec<String>,
        /// All listeners.
        listeners: Vec<ListenerLine>,
    },
    /// Requests were denied.
    Denied(Denied<'a>),
    /// A torn batch was set aside.
    RepairTorn {
        /// The batch.
        batch: u64,
        /// The names under which its bytes are kept.
        quarantine: Vec<String>,
    },
    /// Files of an interrupted sealing were set aside.
    RepairOrphan {
        /// The names under which they are kept.
        quarantine: Vec<String>,
    },
    /// The store was copied or moved and opened for writing on purpose.
    Moved {
        /// Its store id.
        store: [u8; 16],
    },
    /// The register was missing at a start, and an operator decided to go on without what it remembered.
    RegisterLost {
        /// Who decided.
        by: Cow<'a, str>,
    },
    /// The wall clock ran ahead; the node goes on by the boot clock.
    ClockAhead {
        /// What the wall clock shows.
        wall: Time,
        /// What the boot clock says.
        by_boot: Time,
    },
    /// The wall clock stands before the last record; time creeps.
    ClockBack {
        /// What the wall clock shows.
        wall: Time,
        /// Time of the last record.
        last: Time,
    },
    /// An operator accepted the wall clock.
    ClockAccept {
        /// What the wall clock shows.
        wall: Time,
        /// Time of the last record.
        last: Time,
        /// Who accepted it.
        by: Cow<'a, str>,
    },
    /// A stream goes on in a new epoch, numbered from 0.
    StreamEpoch {
        /// Whose stream it is.
        by: &'a str,
        /// Its name.
        src: &'a str,
        /// The epoch that begins, at least 1.
        epoch: u64,
        /// The last number of the epoch before; none if it has no record.
        last: Option<u64>,
    },
    /// A stream goes on under another principal, with the next number of its epoch.
    StreamHanded {
        /// Whose stream it was.
        by: &'a str,
        /// Its name, before and after.
        src: &'a str,
        /// Whose it is now.
        to: &'a str,
        /// Its epoch.
        epoch: u64,
        /// The last number of this epoch; none if it has no record.
        last: Option<u64>,
    },
}

impl<'a> NodeEvent<'a> {
    /// The kind of its record.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            NodeEvent::Destroyed { .. }
            | NodeEvent::Start { .. }
            | NodeEvent::Stop { .. }
            | NodeEvent::Log { .. }
            | NodeEvent::Pack { .. }
            | NodeEvent::Conflict { .. }
            | NodeEvent::Merge { .. }
            | NodeEvent::Verified(_)
            | NodeEvent::Grants { .. }
            | NodeEvent::Networks { .. }
            | NodeEvent::Denied(_) => Kind::Node,
            NodeEvent::RepairTorn { .. }
            | NodeEvent::RepairOrphan { .. }
            | NodeEvent::Moved { .. }
            | NodeEvent::RegisterLost { .. } => Kind::Repair,
            NodeEvent::ClockAhead { .. }
            | NodeEvent::ClockBack { .. }
            | NodeEvent::ClockAccept { .. } => Kind::Clock,
            NodeEvent::StreamEpoch { .. } | NodeEvent::StreamHanded { .. } => Kind::Stream,
        }
    }

    /// Writes the event, minified.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            NodeEvent::Destroyed { generation } => {
                push(out, b"{\"node\":\"destroyed\",\"generation\":");
                push_integer(*generation, out);
            }
            NodeEvent::Start {
                software,
                volatile,
                register,
                warnings,
            } => {
                push(out, b"{\"node\":\"start\",\"software\":");
                string::push(software, out);
                push_flag(b",\"volatile\":", *volatile, out);
                push_flag(b",\"register\":", *register, out);
                push_list(b",\"warnings\":[", warnings, out);
            }
            NodeEvent::Stop { reason } => {
                push(out, b"{\"node\":\"stop\",\"reason\":");
                string::push(reason, out);
            }
            NodeEvent::Log { log, id } => {
                push(out, b"{\"node\":\"log\",\"log\":");
                string::push(log, out);
                push_hash(b",\"id\":\"", id, out);
            }
            NodeEvent::Pack { first, last, ent } => {
                let (first, last, ent) = (*first, *last, *ent);
                push_pack(
                    b"{\"node\":\"pack\",\"first\":",
                    PackId { first, last, ent },
                    out,
                );
            }
            NodeEvent::Conflict { log, by, key, seq } => {
                push_plain(b"{\"node\":\"conflict\",\"log\":\"", log, out);
                push_plain(b",\"by\":\"", by, out);
                push_plain(b",\"key\":\"", key, out);
                push(out, b",\"seq\":");
                push_integer(*seq, out);
            }
            NodeEvent::Merge { pack, of } => push_merge(*pack, of, out),
            NodeEvent::Verified(verified) => verified.encode(out),
            NodeEvent::Grants { .. } | NodeEvent::Networks { .. } | NodeEvent::Denied(_) => {
                self.encode_access(out);
            }
            NodeEvent::RepairTorn { batch, quarantine } => {
                push(out, b"{\"repair\":\"torn\",\"batch\":");
                push_integer(*batch, out);
                push_list(b",\"quarantine\":[", quarantine, out);
            }
            NodeEvent::RepairOrphan { quarantine } => {
                push(out, b"{\"repair\":\"orphan\"");
                push_list(b",\"quarantine\":[", quarantine, out);
            }
            NodeEvent::Moved { store } => push_moved(store, out),
            NodeEvent::RegisterLost { by } => {
                push(out, b"{\"repair\":\"register\",\"by\":");
                string::push(by, out);
            }
            NodeEvent::ClockAhead { .. }
            | NodeEvent::ClockBack { .. }
            | NodeEvent::ClockAccept { .. } => self.encode_clock(out),
            NodeEvent::StreamEpoch { .. } | NodeEvent::StreamHanded { .. } => {
                self.encode_stream(out);
            }
        }
        out.push(b'}');
    }

    /// Who may do what, but for the closing brace.
    fn encode_access(&self, out: &mut Vec<u8>) {
        match self {
            NodeEvent::Grants { by, grants } => access::push_grants(by, grants, out),
            NodeEvent::Networks {
                by,
                networks,
                listeners,
            } => access::push_networks(by, networks, listeners, out),
            NodeEvent::Denied(denied) => denied.push(out),
            _ => {}
        }
    }

    /// Those of kind `clock`, but for the closing brace.
    fn encode_clock(&self, out: &mut Vec<u8>) {
        match self {
            NodeEvent::ClockAhead { wall, by_boot } => {
                push_time(b"{\"clock\":\"ahead\",\"wall\":\"", *wall, out);
                push_time(b",\"by_boot\":\"", *by_boot, out);
            }
            NodeEvent::ClockBack { wall, last } => {
                push_time(b"{\"clock\":\"back\",\"wall\":\"", *wall, out);
                push_time(b",\"last\":\"", *last, out);
            }
            NodeEvent::ClockAccept { wall, last, by } => {
                push_time(b"{\"clock\":\"accept\",\"wall\":\"", *wall, out);
                push_time(b",\"last\":\"", *last, out);
                push(out, b",\"by\":");
                string::push(by, out);
            }
            _ => {}
        }
    }

    /// The two of kind `stream`, but for the closing brace.
    fn encode_stream(&self, out: &mut Vec<u8>) {
        match self {
            NodeEvent::StreamEpoch {
                by,
                src,
                epoch,
                last,
            } => {
                push_plain(b"{\"stream\":\"epoch\",\"by\":\"", by, out);
                push_plain(b",\"src\":\"", src, out);
                push_place(*epoch, *last, out);
            }
            NodeEvent::StreamHanded {
                by,
                src,
                to,
                epoch,
                last,
            } => {
                push_plain(b"{\"stream\":\"handed\",\"by\":\"", by, out);
                push_plain(b",\"src\":\"", src, out);
                push_plain(b",\"to\":\"", to, out);
                push_place(*epoch, *last, out);
            }
            _ => {}
        }
    }

    /// Reads an event. `None`: it has none of the forms.
    #[must_use]
    pub fn parse(event: &'a [u8]) -> Option<NodeEvent<'a>> {
        let mut cursor = Cursor::new(event);
        let parsed = reading::read(&mut cursor).ok()?;
        cursor
            .literal(b"}", "the closing brace")
            .and_then(|()| cursor.end())
            .ok()?;
        Some(parsed)
    }
}

/// Has an event of this kind a word that this version does not know? Then a later version wrote it, and nobody altered it.
#[must_use]
pub fn is_of_later_version(kind: Kind, event: &[u8]) -> bool {
    let known: &[&[u8]] = match kind {
        Kind::Node => &[
            b"conflict",
            b"denied",
            b"destroyed",
            b"grants",
            b"log",
            b"merge",
            b"networks",
            b"pack",
            b"start",
            b"stop",
            b"verified",
        ],
        Kind::Repair => &[b"moved", b"orphan", b"register", b"torn"],
        Kind::Clock => &[b"accept", b"ahead", b"back"],
        Kind::Stream => &[b"epoch", b"handed"],
        _ => return false,
    };
    word(kind, event).is_some_and(|word| !known.contains(&word))
}

/// What stands in an event's first member, if that is called as the kind is.
fn word(kind: Kind, event: &[u8]) -> Option<&[u8]> {
    let value = event
        .strip_prefix(b"{\"")?
        .strip_prefix(kind.as_str().as_bytes())?
        .strip_prefix(b"\":\"")?;
    let length = value.iter().position(|byte| *byte == b'"')?;
    let word = value.get(..length)?;
    let plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    let good = (1..=WORD_BYTES_MAX).contains(&length) && word.iter().all(plain);
    good.then_some(word)
}

fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

fn push_plain(opening: &[u8], text: &str, out: &mut Vec<u8>) {
    push(out, opening);
    push(out, text.as_bytes());
    out.push(b'"');
}

fn push_place(epoch: u64, last: Option<u64>, out: &mut Vec<u8>) {
    push(out, b",\"epoch\":");
    push_integer(epoch, out);
    match last {
        Some(last) => {
            push(out, b",\"last\":");
            push_integer(last, out);
        }
        None => push(out, b",\"last\":null"),
    }
}

fn push_flag(opening: &[u8], flag: bool, out: &mut Vec<u8>) {
    push(out, opening);
    push(out, if flag { b"true" } else { b"false" });
}

fn push_moved(store: &[u8; 16], out: &mut Vec<u8>) {
    push(out, b"{\"repair\":\"moved\",\"store\":\"");
    push_hex(store, out);
    push(out, b"\"");
}

fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let pairs = bytes
        .iter()
        .filter_map(|byte| HEX_PAIRS.get(usize::from(*byte)));
    pairs.for_each(|pair| push(out, pair));
}

fn push_hash(opening: &[u8], hash: &Hash, out: &mut Vec<u8>) {
    push(out, opening);
    push(out, &hash.hex());
    out.push(b'"');
}

fn push_pack(opening: &[u8], pack: PackId, out: &mut Vec<u8>) {
    push(out, opening);
    push_integer(pack.first, out);
    push(out, b",\"last\":");
    push_integer(pack.last, out);
    push_hash(b",\"ent\":\"", &pack.ent, out);
}

fn push_merge(pack: PackId, of: &[PackId], out: &mut Vec<u8>) {
    push_pack(b"{\"node\":\"merge\",\"first\":", pack, out);
    for (index, part) in of.iter().enumerate() {
        push(out, if index == 0 { b",\"of\":[" } else { b"," });
        push_pack(b"{\"first\":", *part, out);
        out.push(b'}');
    }
    out.push(b']');
}

fn push_time(opening: &[u8], time: Time, out: &mut Vec<u8>) {
    push(out, opening);
    push(out, &time.text());
    out.push(b'"');
}

fn push_list(opening: &[u8], texts: &[String], out: &mut Vec<u8>) {
    push(out, opening);
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string::push(text, out);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests;
