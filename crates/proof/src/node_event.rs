//! What the node says of itself: the events of kinds `node`, `repair` and `clock`, which stand only in `_node`.
//!
//! Owns their exact forms (`docs/spec/record.md`, *Kinds*): members in one order, no others. Strings may hold any text; they are
//! written with the fewest escapes and read with any.

mod string;

use crate::cursor::{Cursor, Fault, push_integer};
use crate::hash::{HEX_PAIRS, Hash, hex_digit};
use crate::head::Kind;
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
            | NodeEvent::Merge { .. } => Kind::Node,
            NodeEvent::RepairTorn { .. }
            | NodeEvent::RepairOrphan { .. }
            | NodeEvent::Moved { .. }
            | NodeEvent::RegisterLost { .. } => Kind::Repair,
            NodeEvent::ClockAhead { .. }
            | NodeEvent::ClockBack { .. }
            | NodeEvent::ClockAccept { .. } => Kind::Clock,
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
                push_moved(store, out);
            }
            NodeEvent::RegisterLost { by } => {
                push(out, b"{\"repair\":\"register\",\"by\":");
                string::push(by, out);
            }
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
        }
        out.push(b'}');
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
    } else {
        Err(cursor.fault("node, repair or clock"))
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
    } else if cursor.has(b"register\",\"by\":") {
        Ok(NodeEvent::RegisterLost {
            by: string::read(cursor)?,
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
