//! Random senders that send again what they are not sure of, over a store that loses, keeps and delays writes, and a node that stops,
//! crashes and seals: nothing doubles, nothing is lost, nobody hears of another's record.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;

use bed::{BY, Hands, caller, create, event, memory, open, settings, verify};
use indelible_ledger::{Caller, Ledger, Log, ReadError, Recorded, Refusal, Settings, Ticket};
use indelible_proof::head::{Head, Own, Shared, Stream};
use indelible_store::memory::{Fault, MemoryDisk};
use std::collections::HashMap;
use std::sync::Arc;

const BYS: [&str; 2] = ["unix:1000", "spiffe://acme/till"];
const SRCS: [&str; 3] = ["till", "till-2", "audit"];

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let sides = u64::try_from(list.len()).unwrap();
        &list[usize::try_from(self.roll(sides)).unwrap()]
    }
}

/// What an event claims.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Claim {
    Number(&'static str, &'static str, u64, u64),
    Key(&'static str, String),
}

impl Claim {
    fn by(&self) -> &'static str {
        match self {
            Claim::Number(by, ..) | Claim::Key(by, _) => by,
        }
    }

    fn own(&self) -> Own<'_> {
        match self {
            Claim::Number(_, src, epoch, n) => Own {
                stream: Some(Stream {
                    src,
                    epoch: *epoch,
                    n: *n,
                }),
                ..Own::default()
            },
            Claim::Key(_, key) => Own {
                key: Some(key),
                ..Own::default()
            },
        }
    }
}

/// What the sender knows of an event that it sent.
struct Sent {
    content: u64,
    /// What it heard; nothing if the answer was lost.
    heard: Option<Recorded>,
}

struct World {
    dice: Dice,
    disk: MemoryDisk,
    clock: Arc<Hands>,
    starts: u64,
    node: Option<Node>,
    sent: HashMap<Claim, Sent>,
    order: Vec<Claim>,
    /// Epoch and next number of each stream, as its sender believes.
    next: HashMap<(&'static str, &'static str), (u64, u64)>,
    keys: u64,
    contents: u64,
}

struct Node {
    ledger: Ledger,
    log: Arc<Log>,
    caller: Caller,
}

impl World {
    fn new(seed: u64) -> World {
        let mut world = World {
            dice: Dice(seed),
            disk: memory(),
            clock: Hands::at(1_790_000_000),
            starts: 0,
            node: None,
            sent: HashMap::new(),
            order: Vec::new(),
            next: HashMap::new(),
            keys: 0,
            contents: 0,
        };
        world.start();
        world
    }

    fn start(&mut self) {
        self.starts += 1;
        self.clock.pass(1);
        let settings = Settings {
            // Few keys a filter, so that filters are merged while the test runs.
            key_horizon: Some(4_000),
            ..settings()
        };
        let store = Arc::new(self.disk.open());
        let ledger = open(store, &self.clock, 50 + self.starts, settings).unwrap();
        let log = match ledger.books().log("payments") {
            Some(log) => log,
            None => create(&ledger, "payments", 1),
        };
        let caller = caller(&ledger, &log, 90 + self.starts);
        self.node = Some(Node {
            ledger,
            log,
            caller,
        });
    }

    fn node(&mut self) -> &mut Node {
        self.node.as_mut().unwrap()
    }

    /// An event that was not sent before.
    fn fresh(&mut self) -> (Claim, u64) {
        self.contents += 1;
        let by = *self.dice.pick(&BYS);
        let claim = match self.dice.roll(3) {
            0 => {
                self.keys += 1;
                Claim::Key(by, format!("key-{}", self.keys))
            }
            _ => {
                let src = *self.dice.pick(&SRCS);
                let (epoch, next) = self.next.entry((by, src)).or_default();
                *next += 1;
                Claim::Number(by, src, *epoch, *next - 1)
            }
        };
        (claim, self.contents)
    }

    fn submit(&mut self, claim: &Claim, content: u64) -> Result<Ticket, Refusal> {
        let Node {
            ledger,
            log,
            caller,
        } = self.node();
        let by = Shared {
            by: claim.by(),
            ..BY
        };
        let prepared = caller
            .prepare(log, &by, &claim.own(), &event(content))
            .unwrap();
        ledger.submit(log, prepared)
    }

    /// Some events at once, new ones and ones sent before, then their answers. `false`: the node stopped.
    fn burst(&mut self) -> bool {
        let mut tickets = Vec::new();
        for _ in 0..=self.dice.roll(12) {
            let (claim, content) = match self.dice.roll(3) {
                0 if !self.order.is_empty() => {
                    let claim = self.dice.pick(&self.order).clone();
                    let content = self.sent[&claim].content;
                    (claim, content)
                }
                _ => {
                    let (claim, content) = self.fresh();
                    self.order.push(claim.clone());
                    let heard = None;
                    self.sent.insert(claim.clone(), Sent { content, heard });
                    (claim, content)
                }
            };
            tickets.push((claim.clone(), self.submit(&claim, content)));
        }
        let mut running = true;
        for (claim, ticket) in tickets {
            match ticket.and_then(Ticket::wait) {
                Ok(mut recorded) => self.hears(&claim, recorded.remove(0)),
                Err(Refusal::Unknown(_) | Refusal::Stopped(_)) => running = false,
                // Behind one whose answer was lost the next number is a gap.
                Err(Refusal::Expected { .. }) => assert!(!running, "{claim:?}"),
                Err(refusal) => panic!("{claim:?}: {refusal}"),
            }
        }
        running
    }

    fn hears(&mut self, claim: &Claim, recorded: Recorded) {
        let sent = self.sent.get_mut(claim).unwrap();
        match &sent.heard {
            Some(first) => {
                assert!(recorded.again, "{claim:?}");
                assert_eq!(
                    (recorded.seq, recorded.entry, &recorded.head, recorded.salt),
                    (first.seq, first.entry, &first.head, first.salt)
                );
            }
            None => sent.heard = Some(recorded),
        }
    }

    /// Sends again all that was not answered, in order.
    fn catch_up(&mut self) {
        let waiting: Vec<Claim> = self
            .order
            .iter()
            .filter(|claim| self.sent[claim].heard.is_none())
            .cloned()
            .collect();
        for claim in waiting {
            let content = self.sent[&claim].content;
            let mut recorded = self
                .submit(&claim, content)
                .and_then(Ticket::wait)
                .unwrap_or_else(|refusal| panic!("{claim:?}: {refusal}"));
            self.hears(&claim, recorded.remove(0));
        }
    }

    /// Something the sender must not get through with.
    fn misbehave(&mut self) {
        if self.order.is_empty() {
            return;
        }
        let claim = self.dice.pick(&self.order).clone();
        let Some(seq) = self.sent[&claim].heard.as_ref().map(|heard| heard.seq) else {
            return;
        };
        let conflict = self.submit(&claim, 1_000_000).and_then(Ticket::wait);
        assert_eq!(
            conflict.unwrap_err(),
            Refusal::Conflict { seq },
            "{claim:?}"
        );
        if let Claim::Number(by, src, ..) = claim {
            let (now, n) = self.next[&(by, src)];
            let gap = Claim::Number(by, src, now, n + 5);
            let refused = self.submit(&gap, 1).and_then(Ticket::wait).unwrap_err();
            assert_eq!(refused, Refusal::Expected { epoch: now, n });
        }
    }

    fn open_epoch(&mut self) {
        let (by, src) = (*self.dice.pick(&BYS), *self.dice.pick(&SRCS));
        let (epoch, n) = self.next.get(&(by, src)).copied().unwrap_or_default();
        let Node { ledger, log, .. } = self.node();
        let wrong = ledger.open_epoch(log, by, src, epoch, Some(n + 3));
        assert_eq!(wrong.unwrap_err(), Refusal::Expected { epoch, n });
        ledger
            .open_epoch(log, by, src, epoch, n.checked_sub(1))
            .unwrap();
        self.next.insert((by, src), (epoch + 1, 0));
    }

    fn step(&mut self) {
        match self.dice.roll(12) {
            0 => drop(self.node().ledger.seal().unwrap()),
            1 => {
                let node = self.node.take().unwrap();
                node.ledger.close("test").unwrap();
                self.start();
            }
            2 => {
                self.node = None;
                self.start();
            }
            3 => self.misbehave(),
            4 => self.open_epoch(),
            5 => {
                let faults = [Fault::Unknown, Fault::StoredButUnknown, Fault::LateLanding];
                let fault = self.dice.pick(&faults).clone();
                let at = self.disk.submits() + self.dice.roll(3);
                self.disk.fault_at(at, fault);
                while self.burst() {}
                self.node = None;
                self.start();
                self.catch_up();
            }
            _ => {
                if !self.burst() {
                    self.node = None;
                    self.start();
                    self.catch_up();
                }
            }
        }
    }

    /// Each event stands in the log once, as the record that its sender heard of.
    fn check(&mut self) {
        self.catch_up();
        let mut found: HashMap<Claim, (u64, Vec<u8>)> = HashMap::new();
        let Node { ledger, log, .. } = self.node.as_ref().unwrap();
        let books = ledger.books();
        let mut take = |stored: indelible_ledger::Stored| {
            let head = Head::parse(&stored.head).unwrap();
            let by = BYS.iter().find(|by| **by == head.shared.by);
            let (Some(by), Some((_, event))) = (by, stored.content) else {
                return Ok(());
            };
            let claim = match (head.own.stream, head.own.key) {
                (Some(stream), None) => {
                    let src = SRCS.iter().find(|src| **src == stream.src).unwrap();
                    Claim::Number(by, src, stream.epoch, stream.n)
                }
                (None, Some(key)) => Claim::Key(by, key.to_owned()),
                other => panic!("{other:?}"),
            };
            let twice = found.insert(claim.clone(), (stored.seq, event));
            assert!(twice.is_none(), "{claim:?} stands twice");
            Ok::<(), ReadError>(())
        };
        books.records(log, 0..log.size(), &mut take).unwrap();
        assert_eq!(found.len(), self.sent.len());
        for (claim, sent) in &self.sent {
            let (seq, content) = &found[claim];
            assert_eq!(*seq, sent.heard.as_ref().unwrap().seq, "{claim:?}");
            assert_eq!(*content, event(sent.content), "{claim:?}");
        }
    }
}

fn run(seed: u64, steps: usize) {
    println!("seed {seed}");
    let mut world = World::new(seed);
    for _ in 0..steps {
        world.step();
    }
    world.check();
    drop(world.node.take());
    let report = verify(&world.disk.open());
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn random_senders_over_a_bad_store_double_and_lose_nothing() {
    (1..=24).for_each(|seed| run(seed, 60));
    run(25, 400);
}
