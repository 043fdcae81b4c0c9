//! Judges, salts and digests events on all cores, and submits them in the order of the input.

use super::answers::Submitted;
use super::belt::{Bad, Belt, Chunk, Lines, Stop, is_blank};
use super::claims::Claims;
use crate::node;
use indelible_ledger::{Caller, Ledger, Log, Prepared};
use indelible_proof::head::{Kind, Shared};
use indelible_proof::limits::EVENT_RECEIVED_BYTES_MAX;
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// Events and bytes that are submitted together: well within what a batch takes, and enough that answers cost little.
const GROUP_EVENTS_MAX: usize = 1_024;
const GROUP_BYTES_MAX: usize = 256 << 10;

/// A group that is submitted together, and the line of its first event.
struct Group {
    line: u64,
    bytes: usize,
    events: Vec<Prepared>,
}

/// Takes chunks from the belt until there are no more.
pub fn work(
    ledger: &Ledger,
    log: &Arc<Log>,
    mut caller: Caller,
    belt: &Belt,
    tickets: &Sender<Submitted>,
    claims: &Claims,
) {
    let by = node::user();
    while let Some(chunk) = belt.take() {
        let (groups, bad) = prepare(&mut caller, log, &by, &chunk, belt.keeps_going(), claims);
        if belt.turn(chunk.order) {
            submit(ledger, log, belt, tickets, &chunk, groups);
        }
        belt.pass(bad);
    }
}

fn submit(
    ledger: &Ledger,
    log: &Arc<Log>,
    belt: &Belt,
    tickets: &Sender<Submitted>,
    chunk: &Chunk,
    groups: Vec<Group>,
) {
    for Group {
        line,
        bytes,
        events,
    } in groups
    {
        match ledger.submit_all(log, events) {
            Ok(ticket) => {
                // Nobody receives only after the answers have stopped the belt, and then it has said why.
                let _nobody = tickets.send(Submitted {
                    line,
                    bytes,
                    ticket,
                    permit: Arc::clone(&chunk.permit),
                });
            }
            Err(refusal) => return belt.stop(Stop::Refused { line, refusal }),
        }
    }
}

/// The events of a chunk in groups, and its bad lines. Without keeping going nothing after the first bad line is looked at.
fn prepare(
    caller: &mut Caller,
    log: &Arc<Log>,
    by: &str,
    chunk: &Chunk,
    keep_going: bool,
    claims: &Claims,
) -> (Vec<Group>, Vec<Bad>) {
    let (mut groups, mut bad) = (Vec::<Group>::new(), Vec::new());
    let Some(lines) = chunk.lines.each() else {
        bad.push(Bad {
            line: chunk.first_line,
            what: too_long(),
        });
        return (groups, bad);
    };
    let authenticated = authenticated(by);
    let mut number = chunk.first_event;
    let is_one = matches!(chunk.lines, Lines::One(_));
    for (line, event) in (chunk.first_line..).zip(lines) {
        if !is_one && is_blank(event) {
            continue;
        }
        let prepared = claims.prepare(caller, log, &authenticated, number, event);
        number += 1;
        match prepared {
            Ok(prepared) => add(&mut groups, line, event.len(), prepared, claims),
            Err(what) => bad.push(Bad { line, what }),
        }
        if !keep_going && !bad.is_empty() {
            break;
        }
    }
    (groups, bad)
}

/// What is wrong with a line that was passed over.
pub fn too_long() -> String {
    let most = EVENT_RECEIVED_BYTES_MAX >> 20;
    format!("longer than {most} MiB, which no event may be")
}

fn add(groups: &mut Vec<Group>, line: u64, bytes: usize, prepared: Prepared, claims: &Claims) {
    match groups.last_mut() {
        Some(group)
            if !claims.are_single()
                && group.events.len() < GROUP_EVENTS_MAX
                && group.bytes + bytes <= GROUP_BYTES_MAX =>
        {
            group.bytes += bytes;
            group.events.push(prepared);
        }
        _ => groups.push(Group {
            line,
            bytes,
            events: vec![prepared],
        }),
    }
}

/// What the node vouches for: the user whose process this is, and that the event came through this command.
fn authenticated(by: &str) -> Shared<'_> {
    Shared {
        kind: Kind::Event,
        by,
        via: "cli/file",
        from: None,
        cert: None,
        policy: None,
        format: None,
    }
}
