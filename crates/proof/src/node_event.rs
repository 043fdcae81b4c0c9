//! What the node says of itself: the events of kinds `node`, `repair` and `clock`, which stand only in `_node`, and of `stream`, which
//! stands in the log whose stream it concerns.
//!
//! Owns their exact forms (`docs/spec/record.md`, *Kinds*): members in one order, no others. Strings may hold any text; they are
//! written with the fewest escapes and read with any.

mod string;

use crate::cursor::{Cursor, Fault, push_integer};
use crate::hash::{HEX_PAIRS, Hash, hex_digit};
use crate::head::{self, Kind};
use crate::origin::Origin;
use crate::time::Time;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

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
            | NodeEvent::Merge { .. } => Kind::Node,
            NodeEvent::RepairTorn { .. }
            | NodeEvent::RepairOrphan { .. }
            | NodeEvent::Moved { .. } => Kind::Repair,
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
            NodeEvent::RepairTorn { batch, quarantine } => {
                push(out, b"{\"repair\":\"torn\",\"batch\":");
                push_integer(*batch, out);
                push_list(b",\"quarantine\":[", quarantine, out);
            }
            NodeEvent::RepairOrphan { quarantine } => {
                push(out, b"{\"repair\":\"orphan\"");
                push_list(b",\"quarantine\":[", quarantine, out);
            }
            NodeEvent::Moved { store } => {
                push(out, b"{\"repair\":\"moved\",\"store\":\"");
                store
                    .iter()
                    .filter_map(|byte| HEX_PAIRS.get(usize::from(*byte)))
                    .for_each(|pair| push(out, pair));
                push(out, b"\"");
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
        let parsed = read(&mut cursor).ok()?;
        cursor
            .literal(b"}", "the closing brace")
            .and_then(|()| cursor.end())
            .ok()?;
        Some(parsed)
    }
}

fn read<'a>(cursor: &mut Cursor<'a>) -> Result<NodeEvent<'a>, Fault> {
    if cursor.has(b"{\"node\":\"") {
        read_node(cursor)
    } else if cursor.has(b"{\"repair\":\"") {
        read_repair(cursor)
    } else if cursor.has(b"{\"clock\":\"") {
        read_clock(cursor)
    } else if cursor.has(b"{\"stream\":\"") {
        read_stream(cursor)
    } else {
        Err(cursor.fault("node, repair, clock or stream"))
    }
}

fn read_node<'a>(cursor: &mut Cursor<'a>) -> Result<NodeEvent<'a>, Fault> {
    if cursor.has(b"destroyed\"") {
        let generation = cursor.integer(b",\"generation\":", "generation")?;
        Ok(NodeEvent::Destroyed { generation })
    } else if cursor.has(b"start\",\"software\":") {
        let software = string::read(cursor)?;
        let volatile = flag(cursor, b",\"volatile\":")?;
        let register = flag(cursor, b",\"register\":")?;
        Ok(NodeEvent::Start {
            software,
            volatile,
            register,
            warnings: list(cursor, b",\"warnings\":[")?,
        })
    } else if cursor.has(b"stop\",\"reason\":") {
        Ok(NodeEvent::Stop {
            reason: string::read(cursor)?,
        })
    } else if cursor.has(b"log\"") {
        let log = cursor.quoted(b",\"log\":\"", "log", |text| {
            core::str::from_utf8(text)
                .ok()
                .filter(|text| Origin::parse(text).is_some())
        })?;
        Ok(NodeEvent::Log {
            log,
            id: cursor.quoted(b",\"id\":\"", "id", Hash::from_hex)?,
        })
    } else if cursor.has(b"conflict\"") {
        let log = cursor.quoted(b",\"log\":\"", "log", |text| {
            core::str::from_utf8(text)
                .ok()
                .filter(|text| Origin::parse(text).is_some())
        })?;
        let by = plain(cursor, b",\"by\":\"", "by", head::is_principal)?;
        let key = plain(cursor, b",\"key\":\"", "key", head::is_key)?;
        Ok(NodeEvent::Conflict {
            log,
            by,
            key,
            seq: cursor.integer(b",\"seq\":", "seq")?,
        })
    } else if cursor.has(b"merge\"") {
        read_merge(cursor)
    } else {
        let PackId { first, last, ent } = read_pack(cursor, b"pack\",\"first\":")?;
        Ok(NodeEvent::Pack { first, last, ent })
    }
}

fn read_merge<'a>(cursor: &mut Cursor<'a>) -> Result<NodeEvent<'a>, Fault> {
    let pack = read_pack(cursor, b",\"first\":")?;
    cursor.literal(b",\"of\":[", "of")?;
    let mut of = Vec::new();
    let mut next = Some(pack.first);
    loop {
        let part = read_pack(cursor, b"{\"first\":")?;
        cursor.literal(b"}", "the closing brace of a pack")?;
        if next != Some(part.first) || part.last < part.first {
            return Err(cursor.fault("packs that follow each other"));
        }
        next = part.last.checked_add(1);
        of.push(part);
        if !cursor.has(b",") {
            break;
        }
    }
    cursor.literal(b"]", "the closing bracket")?;
    if of.len() < 2 || of.last().map(|part| part.last) != Some(pack.last) {
        return Err(cursor.fault("packs that hold exactly these batches"));
    }
    Ok(NodeEvent::Merge { pack, of })
}

fn read_pack(cursor: &mut Cursor<'_>, opening: &[u8]) -> Result<PackId, Fault> {
    let first = cursor.integer(opening, "first")?;
    let last = cursor.integer(b",\"last\":", "last")?;
    let ent = cursor.quoted(b",\"ent\":\"", "ent", Hash::from_hex)?;
    Ok(PackId { first, last, ent })
}

fn read_repair<'a>(cursor: &mut Cursor<'a>) -> Result<NodeEvent<'a>, Fault> {
    if cursor.has(b"orphan\"") {
        Ok(NodeEvent::RepairOrphan {
            quarantine: list(cursor, b",\"quarantine\":[")?,
        })
    } else if cursor.has(b"moved\"") {
        Ok(NodeEvent::Moved {
            store: cursor.quoted(b",\"store\":\"", "store", hex16)?,
        })
    } else {
        let batch = cursor.integer(b"torn\",\"batch\":", "batch")?;
        Ok(NodeEvent::RepairTorn {
            batch,
            quarantine: list(cursor, b",\"quarantine\":[")?,
        })
    }
}

fn read_clock<'a>(cursor: &mut Cursor<'a>) -> Result<NodeEvent<'a>, Fault> {
    if cursor.has(b"ahead\"") {
        let wall = cursor.quoted(b",\"wall\":\"", "wall", Time::parse)?;
        Ok(NodeEvent::ClockAhead {
            wall,
            by_boot: cursor.quoted(b",\"by_boot\":\"", "by_boot", Time::parse)?,
        })
    } else if cursor.has(b"back\"") {
        let wall = cursor.quoted(b",\"wall\":\"", "wall", Time::parse)?;
        Ok(NodeEvent::ClockBack {
            wall,
            last: cursor.quoted(b",\"last\":\"", "last", Time::parse)?,
        })
    } else {
        let wall = cursor.quoted(b"accept\",\"wall\":\"", "wall", Time::parse)?;
        let last = cursor.quoted(b",\"last\":\"", "last", Time::parse)?;
        cursor.literal(b",\"by\":", "by")?;
        Ok(NodeEvent::ClockAccept {
            wall,
            last,
            by: string::read(cursor)?,
        })
    }
}

fn read_stream<'a>(cursor: &mut Cursor<'a>) -> Result<NodeEvent<'a>, Fault> {
    let begins = cursor.has(b"epoch\"");
    if !begins {
        cursor.literal(b"handed\"", "epoch or handed")?;
    }
    let by = plain(cursor, b",\"by\":\"", "by", head::is_principal)?;
    let src = plain(cursor, b",\"src\":\"", "src", head::is_source)?;
    if begins {
        let (epoch, last) = place(cursor)?;
        return match epoch {
            0 => Err(cursor.fault("an epoch after the first")),
            _ => Ok(NodeEvent::StreamEpoch {
                by,
                src,
                epoch,
                last,
            }),
        };
    }
    let to = plain(cursor, b",\"to\":\"", "to", head::is_principal)?;
    let (epoch, last) = place(cursor)?;
    Ok(NodeEvent::StreamHanded {
        by,
        src,
        to,
        epoch,
        last,
    })
}

/// `,"epoch":N,"last":N` or null.
fn place(cursor: &mut Cursor<'_>) -> Result<(u64, Option<u64>), Fault> {
    let epoch = cursor.integer(b",\"epoch\":", "epoch")?;
    if cursor.has(b",\"last\":null") {
        return Ok((epoch, None));
    }
    Ok((epoch, Some(cursor.integer(b",\"last\":", "last")?)))
}

/// A string in the form it has in a head, which needs no escape.
fn plain<'a>(
    cursor: &mut Cursor<'a>,
    opening: &[u8],
    what: &'static str,
    good: fn(&str) -> bool,
) -> Result<&'a str, Fault> {
    cursor.quoted(opening, what, |text| {
        core::str::from_utf8(text).ok().filter(|text| good(text))
    })
}

fn flag(cursor: &mut Cursor<'_>, opening: &[u8]) -> Result<bool, Fault> {
    cursor.literal(opening, "a flag")?;
    if cursor.has(b"true") {
        Ok(true)
    } else {
        cursor.literal(b"false", "true or false").map(|()| false)
    }
}

/// Strings up to `]`. The event's own bound is the bound on their number.
fn list(cursor: &mut Cursor<'_>, opening: &[u8]) -> Result<Vec<String>, Fault> {
    cursor.literal(opening, "a list")?;
    let mut texts = Vec::new();
    while !cursor.has(b"]") {
        if !texts.is_empty() {
            cursor.literal(b",", "a comma")?;
        }
        texts.push(string::read(cursor)?.into_owned());
    }
    Ok(texts)
}

fn hex16(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 32] = text.try_into().ok()?;
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = *pair else { return None };
        *byte = hex_digit(high)? << 4 | hex_digit(low)?;
    }
    Some(bytes)
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
