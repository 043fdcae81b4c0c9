use super::*;
use crate::books::Log;
use crate::caller::Caller;
use crate::queue::Ticket;
use indelible_proof::head::{Kind, Own, Shared};
use std::collections::VecDeque;
use std::sync::Arc;

/// A group of one event of about so many bytes, recognised by `id`.
fn group(lane: u64, id: usize, bytes: usize) -> Group {
    let log = Arc::new(Log::new(0, "a.example/log/0000000000000000".to_owned()));
    let shared = Shared {
        kind: Kind::Event,
        by: "dns:a.example",
        via: "ingest/http",
        from: None,
        cert: None,
        policy: None,
        format: None,
    };
    let own = Own {
        occurred: None,
        stream: None,
        key: None,
        psig: None,
    };
    let event = format!("{{\"id\":{id},\"pad\":\"{}\"}}", "x".repeat(bytes));
    let mut caller = Caller::new(1 << 25, Box::new(|bytes: &mut [u8]| bytes.fill(7)));
    let prepared = caller
        .prepare(&log, &shared, &own, event.as_bytes())
        .expect("a plain event");
    let (_, answer) = Ticket::pair();
    let mut group = Group::new(log, prepared, VecDeque::new(), answer);
    group.lane = Lane(lane);
    group
}

fn id(group: &Group) -> usize {
    let text = std::str::from_utf8(group.first.event()).expect("ASCII");
    let digits = text["{\"id\":".len()..].split(',').next();
    digits
        .and_then(|digits| digits.parse().ok())
        .expect("an id")
}

/// Takes out so many and says from which lane each came.
fn taken(lanes: &mut Lanes, count: usize) -> Vec<(u64, usize)> {
    (0..count)
        .map_while(|_| lanes.pop())
        .map(|group| (group.lane.0, group.weight()))
        .collect()
}

fn bytes_of(taken: &[(u64, usize)], lane: u64) -> usize {
    let of = taken.iter().filter(|(of, _)| *of == lane);
    of.map(|(_, bytes)| bytes).sum()
}

#[test]
fn a_lane_of_large_events_gets_no_more_bytes_than_one_of_small_ones() {
    let mut lanes = Lanes::default();
    (0..400).for_each(|n| lanes.push(group(1, n, 60_000)));
    (0..20_000).for_each(|n| lanes.push(group(2, n, 300)));
    let taken = taken(&mut lanes, 10_000);
    let (large, small) = (bytes_of(&taken, 1), bytes_of(&taken, 2));
    assert!(
        large.abs_diff(small) <= 2 * LANE_QUANTUM,
        "{large} bytes of large events, {small} of small ones"
    );
}

#[test]
fn who_comes_late_waits_behind_one_turn_of_each_other() {
    let mut lanes = Lanes::default();
    for lane in 1..=8 {
        (0..1_000).for_each(|n| lanes.push(group(lane, n, 1_000)));
    }
    taken(&mut lanes, 777);
    lanes.push(group(99, 0, 1_000));
    let mut before = 0;
    while lanes.pop().is_some_and(|group| group.lane != Lane(99)) {
        before += 1;
    }
    assert!(before <= 8 * LANE_QUANTUM / 1_000, "{before} went first");
}

#[test]
fn a_lane_keeps_its_order_and_nothing_is_lost() {
    let mut lanes = Lanes::default();
    for n in 0..500 {
        lanes.push(group(n % 7, usize::try_from(n).expect("small"), 40_000));
    }
    let mut last = [None; 7];
    let mut count = 0;
    while let Some(seen) = lanes.front().map(id) {
        let group = lanes.pop().expect("it was there");
        assert_eq!(id(&group), seen, "what is seen is what is taken");
        let lane = usize::try_from(group.lane.0).expect("small");
        assert!(last[lane] < Some(seen), "out of order in lane {lane}");
        last[lane] = Some(seen);
        count += 1;
    }
    assert_eq!(count, 500);
    assert!(lanes.is_empty());
}

#[test]
fn an_event_larger_than_many_turns_has_its_turn() {
    let mut lanes = Lanes::default();
    lanes.push(group(1, 0, 16 << 20));
    (0..100_000).for_each(|n| lanes.push(group(2, n, 500)));
    let taken = taken(&mut lanes, 100_001);
    assert_eq!(taken.len(), 100_001);
    let at = taken.iter().position(|(lane, _)| *lane == 1);
    let before: usize = bytes_of(&taken[..at.expect("it was taken")], 2);
    assert!(
        before <= (16 << 20) + 2 * LANE_QUANTUM,
        "{before} bytes went first"
    );
}

#[test]
fn the_nodes_own_records_stand_before_all_and_are_not_refused() {
    let mut lanes = Lanes::default();
    (0..10).for_each(|n| lanes.push(group(n, 1, 100)));
    let mut own = group(0, 77, 100);
    own.reserved = true;
    lanes.push(own);
    assert_eq!(lanes.front().map(id), Some(77));
    assert_eq!(lanes.take_refusable().len(), 10);
    assert!(!lanes.is_empty());
    assert_eq!(lanes.own_weight(), lanes.front().expect("its own").weight());
    assert_eq!(lanes.pop().as_ref().map(id), Some(77));
    assert!(lanes.is_empty());
}

#[test]
fn lanes_that_come_and_go_leave_nothing_behind() {
    let mut lanes = Lanes::default();
    for n in 0..20_000 {
        lanes.push(group(n, 0, 10));
        assert!(lanes.pop().is_some());
    }
    assert!(lanes.lanes.len() <= LANES_KEPT + 1, "{}", lanes.lanes.len());
}
