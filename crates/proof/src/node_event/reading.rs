//! Reads the events of the node, member by member in the order in which they are written.

use super::{NodeEvent, PackId, Verified, access, string};
use crate::cursor::{Cursor, Fault};
use crate::hash::{Hash, hex_digit};
use crate::head;
use crate::limits::VERDICT_TEXT_BYTES_MAX;
use crate::origin::Origin;
use crate::time::Time;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn read<'a>(cursor: &mut Cursor<'a>) -> Result<NodeEvent<'a>, Fault> {
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
    } else if cursor.has(b"verified\",\"by\":") {
        read_verified(cursor).map(NodeEvent::Verified)
    } else if cursor.has(b"grants\",\"by\":") {
        access::read_grants(cursor)
    } else if cursor.has(b"networks\",\"by\":") {
        access::read_networks(cursor)
    } else if cursor.has(b"denied\",\"by\":") {
        access::read_denied(cursor).map(NodeEvent::Denied)
    } else {
        let PackId { first, last, ent } = read_pack(cursor, b"pack\",\"first\":")?;
        Ok(NodeEvent::Pack { first, last, ent })
    }
}

fn read_verified<'a>(cursor: &mut Cursor<'a>) -> Result<Verified<'a>, Fault> {
    let by = string::read(cursor)?;
    let batches = cursor.integer(b",\"batches\":", "batches")?;
    let exit = match cursor.integer(b",\"exit\":", "exit")? {
        0 => 0,
        1 => 1,
        3 => 3,
        _ => return Err(cursor.fault("the exit code of a verdict")),
    };
    Ok(Verified {
        by,
        batches,
        exit,
        axes: [
            read_axis(cursor, b",\"integrity\":")?,
            read_axis(cursor, b",\"authenticity\":")?,
            read_axis(cursor, b",\"consistency\":")?,
            read_axis(cursor, b",\"witnesses\":")?,
            read_axis(cursor, b",\"completeness\":")?,
        ],
    })
}

fn read_axis<'a>(cursor: &mut Cursor<'a>, opening: &[u8]) -> Result<Cow<'a, str>, Fault> {
    cursor.literal(opening, "the next axis")?;
    let text = string::read(cursor)?;
    match text.len() <= VERDICT_TEXT_BYTES_MAX {
        true => Ok(text),
        false => Err(cursor.fault("a text of at most 1,024 bytes")),
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
pub(super) fn list(cursor: &mut Cursor<'_>, opening: &[u8]) -> Result<Vec<String>, Fault> {
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
