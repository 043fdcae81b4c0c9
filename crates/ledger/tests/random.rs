//! Random histories, from a seed: whatever happens in whatever order, what was told is there and everything verifies.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;

use bed::truth::{Told, count_said, is_there, is_true, is_whole, read};
use bed::{BY, Bed, Hands, event, memory, open, settings};
use indelible_ledger::{Books, Founding, Ledger, Log, OpenError, Settings};
use indelible_proof::hash;
use indelible_proof::head::Own;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::tree::{consistency, inclusion};
use indelible_store::Store;
use std::sync::Arc;

/// Numbers that look random and come again with the same seed.
struct Dice(indelible_ledger::Random);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(bed::random(seed))
    }

    /// Below `end`.
    fn below(&mut self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        (self.0)(&mut bytes);
        u64::from_le_bytes(bytes) % end
    }
}

/// What the node should have said of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    starts: usize,
    stops: usize,
    packs: usize,
    accepted: usize,
    logs: usize,
    repairs: usize,
    /// Whether a clock that ran ahead, and one that was set back, were noticed at all.
    ahead: bool,
    back: bool,
}

impl Said {
    fn read(books: &Books) -> Said {
        let count = |sort: fn(&NodeEvent<'_>) -> bool| count_said(books, sort);
        Said {
            starts: count(|event| matches!(event, NodeEvent::Start { .. })),
            stops: count(|event| matches!(event, NodeEvent::Stop { .. })),
            packs: count(|event| matches!(event, NodeEvent::Pack { .. })),
            accepted: count(|event| matches!(event, NodeEvent::ClockAccept { .. })),
            logs: count(|event| matches!(event, NodeEvent::Log { .. })),
            repairs: count(|event| {
                matches!(
                    event,
                    NodeEvent::RepairTorn { .. } | NodeEvent::RepairOrphan { .. }
                )
            }),
            ahead: count(|event| matches!(event, NodeEvent::ClockAhead { .. })) > 0,
            back: count(|event| matches!(event, NodeEvent::ClockBack { .. })) > 0,
        }
    }
}

/// A node while its history is being made up.
struct World<'a> {
    dice: Dice,
    clock: Arc<Hands>,
    store: &'a dyn Fn(bool) -> Arc<dyn Store>,
    ledger: Option<Ledger>,
    logs: Vec<String>,
    told: Vec<Told>,
    next_event: u64,
    said: Said,
    /// Whether the wall clock was moved against the boot clock in this run, and how.
    moved: Option<bool>,
    /// What it shows.
    wall: u64,
}

impl World<'_> {
    fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().unwrap()
    }

    fn open(&mut self) {
        let seed = self.dice.below(u64::MAX);
        let opened = match open((self.store)(true), &self.clock, seed, settings()) {
            Err(OpenError::Clock(_)) => {
                self.said.accepted += 1;
                let settings = Settings {
                    accept_clock: Some("unix:0".to_owned()),
                    ..settings()
                };
                open((self.store)(true), &self.clock, seed, settings)
            }
            opened => opened,
        };
        self.said.starts += 1;
        self.moved = None;
        self.ledger = Some(opened.unwrap());
    }

    fn close(&mut self) {
        self.ledger.take().unwrap().close("random").unwrap();
        self.said.stops += 1;
    }

    fn create(&mut self) {
        let name = format!("log{}", self.logs.len());
        let founding = Founding {
            origin: bed::ORIGIN,
            creator: "unix:1000",
        };
        let seed = u8::try_from(self.dice.below(256)).unwrap();
        self.ledger()
            .create_log(&name, &founding, [seed; 8])
            .unwrap();
        self.logs.push(name);
        self.said.logs += 1;
        self.committed();
    }

    /// After a commit the clock's trouble is recorded.
    fn committed(&mut self) {
        self.said.ahead |= self.moved == Some(true);
        self.said.back |= self.moved == Some(false);
    }

    fn write(&mut self, way: u64) {
        if self.logs.is_empty() {
            return self.create();
        }
        let place = usize::try_from(self.dice.below(self.logs.len().try_into().unwrap())).unwrap();
        let log = self.ledger().books().log(&self.logs[place]).unwrap();
        let random = bed::random(self.dice.below(u64::MAX));
        let mut caller = self.ledger().caller(&log, random).unwrap();
        let most = if way == 0 { 8 } else { 300 };
        let numbers = self.next_event..self.next_event + 1 + self.dice.below(most);
        self.next_event = numbers.end;
        let prepared: Vec<_> = numbers
            .clone()
            .map(|number| {
                caller
                    .prepare(&log, &BY, &Own::default(), &event(number))
                    .unwrap()
            })
            .collect();
        let ledger = self.ledger();
        let recorded: Vec<_> = match way {
            0 => prepared
                .into_iter()
                .map(|one| ledger.append(&log, one).unwrap())
                .collect(),
            1 => ledger.submit_all(&log, prepared).unwrap().wait().unwrap(),
            _ => {
                let tickets: Vec<_> = prepared
                    .into_iter()
                    .map(|one| ledger.submit(&log, one).unwrap())
                    .collect();
                tickets
                    .into_iter()
                    .flat_map(|ticket| ticket.wait().unwrap())
                    .collect()
            }
        };
        let last = recorded.len() - 1;
        for (place, (number, recorded)) in numbers.zip(&recorded).enumerate() {
            self.told.push(if place == last {
                Told::with_receipt(self.ledger(), &log, recorded, event(number))
            } else {
                Told::new(&log, recorded, event(number))
            });
        }
        self.committed();
    }

    fn seal(&mut self) {
        self.said.packs += self.ledger().seal().unwrap().len();
        self.committed();
    }

    /// Both clocks go on, or the wall clock alone is set. Only the first time in a run, so that what must be noticed is plain.
    fn turn_clock(&mut self) {
        let by = 100_000 + self.dice.below(40 * 86_400);
        match self.dice.below(4) {
            0 if self.moved.is_none() => {
                self.moved = Some(true);
                self.wall += by;
                self.clock.set(self.wall);
            }
            1 if self.moved.is_none() => {
                self.moved = Some(false);
                self.wall -= by.min(self.wall - 1_000_000_000);
                self.clock.set(self.wall);
            }
            _ => {
                self.wall += by % 100;
                self.clock.pass(by % 100);
            }
        }
    }

    /// A reader beside the writer: what it sees is whole, and goes as far as what was told before.
    fn look(&mut self) {
        let books = read((self.store)(false));
        for log in books.logs() {
            is_whole(&books, &log);
        }
        if let Some(told) = self.told.last() {
            is_there(&books, told);
        }
    }

    fn step(&mut self) {
        match self.dice.below(20) {
            way @ 0..=2 => self.write(way),
            3..=8 => self.write(0),
            9 if self.logs.len() < 5 => self.create(),
            10..=11 => self.seal(),
            12 => {
                self.close();
                self.open();
            }
            13..=14 => {
                drop(self.ledger.take());
                self.open();
            }
            15..=17 => self.turn_clock(),
            18 => self.look(),
            _ => self.write(2),
        }
    }
}

/// Proofs between random sizes lead where they should.
fn prove(books: &Books, log: &Log, dice: &mut Dice) {
    let (size, root) = log.head();
    for _ in 0..8 {
        let to = 1 + dice.below(size);
        let from = 1 + dice.below(to);
        let index = dice.below(to);
        let (old, new) = (
            books.root_at(log, from).unwrap(),
            books.root_at(log, to).unwrap(),
        );
        let proof = books.consistency(log, from, to).unwrap();
        assert!(
            consistency::verify(from, &old, to, &new, &proof),
            "{from} {to}"
        );
        let proof = books.consistency(log, to, size).unwrap();
        assert!(
            consistency::verify(to, &new, size, &root, &proof),
            "{to} {size}"
        );
        let entry = books.entries(log, index..index + 1).unwrap()[0];
        let proof = books.inclusion(log, index, to).unwrap();
        assert!(
            inclusion::verify(&hash::leaf(&entry), index, to, &proof, &new),
            "{index} {to}"
        );
    }
}

fn check(seed: u64, steps: u64, clock: &Arc<Hands>, store: &dyn Fn(bool) -> Arc<dyn Store>) {
    println!("seed {seed}");
    let mut world = World {
        dice: Dice::new(seed),
        clock: Arc::clone(clock),
        store,
        ledger: None,
        logs: Vec::new(),
        told: Vec::new(),
        next_event: 0,
        said: Said::default(),
        moved: None,
        wall: 1_790_000_000,
    };
    world.open();
    for _ in 0..steps {
        world.step();
    }
    world.close();
    let reader = store(false);
    is_true(&reader, &world.told);
    let report = bed::verify(&*reader);
    assert_eq!(report.verdict.integrity.to_string(), "ok", "seed {seed}");
    let books = read(reader);
    for log in books.logs() {
        prove(&books, &log, &mut world.dice);
        assert_eq!(
            log.note().unwrap().size,
            log.size(),
            "seed {seed}: the last note"
        );
    }
    let mut said = Said::read(&books);
    // Trouble of the clock may also be noticed at a start, which nobody here foretells.
    said.ahead &= world.said.ahead;
    said.back &= world.said.back;
    assert_eq!(said, world.said, "seed {seed}");
}

#[test]
fn random_histories_in_memory_are_true() {
    for seed in 0..40 {
        let (disk, clock) = (memory(), Hands::at(1_790_000_000));
        check(seed, 60, &clock, &|_| Arc::new(disk.open()));
    }
}

#[test]
fn random_histories_in_a_directory_are_true() {
    for seed in 1_000..1_020 {
        let bed = Bed::new();
        let clock = Arc::clone(&bed.clock);
        check(seed, 60, &clock, &|writing| {
            if writing { bed.store() } else { bed.reader() }
        });
    }
}
