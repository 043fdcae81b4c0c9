//! The walk: from the log id to the keys of today (`docs/spec/walk.md`, *Steps*), and what they say of a checkpoint.
//!
//! Owns the history of a log's keys as far as it was proven. An export's walk, a walk file and a store's `key` records all become one.

use crate::checkpoint::Checkpoint;
use crate::genesis::Genesis;
use crate::hash::{self, Hash};
use crate::head::{Head, Kind};
use crate::key::VerifierKey;
use crate::key_event::KeyEvent;
use crate::key_set::KeySet;
use crate::note::{Note, Signed};
use crate::pin::Pin;
use crate::prove::TreeHead;
use crate::record::{Record, Salt};
use crate::time::Time;
use crate::tree::{consistency, inclusion};
use crate::verify::head::{HeadFault, parse, place_fault};
use crate::walk::HingeLine;
use alloc::string::String;
use alloc::vec::Vec;

/// A key set of a log, and from where it signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// The keys.
    pub keys: KeySet,
    /// Size of the hinge that brought them; 1 for those of the genesis, which sign for any size.
    pub hinge: u64,
    /// The root at that size.
    pub root: Hash,
    /// The hinge's note; those of the genesis need none.
    pub note: Option<String>,
    /// When the record that names them was made.
    pub since: Time,
}

/// The keys of a log from its first day, as far as a walk has shown.
#[derive(Clone, Debug)]
pub struct KeyWalk {
    origin: String,
    id: Hash,
    /// The genesis' first. Empty: the walk is broken at its first step.
    sets: Vec<Walked>,
    /// Hinges that were looked at, good or not.
    hinges: usize,
    broken: bool,
    unsupported: bool,
}

/// What the keys of a walk say of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A key that signs for that size.
    Ok,
    /// A key that signed for that size once, and nothing here leads from the checkpoint to its hinge.
    UpToItsHinge,
    /// A key that was replaced before.
    Retired,
    /// A key that signs for that size, and another root than the hinge's.
    Fork,
    /// No key of the walk that signs for that size.
    Unknown,
    /// A line of one of the keys is wrong.
    Invalid,
}

impl KeyWalk {
    /// Begins with the genesis record (`docs/spec/export.md`, step 2a).
    #[must_use]
    pub fn begin(record: &Record<'_>, origin: &str, id: &Hash) -> KeyWalk {
        let first = genesis_set(record, origin, id);
        KeyWalk {
            origin: origin.into(),
            id: *id,
            broken: first.is_none(),
            sets: first.into_iter().collect(),
            hinges: 0,
            unsupported: parse(record.head) == Err(HeadFault::Unsupported),
        }
    }

    /// Goes over one hinge. Behind a broken one nothing is looked at.
    pub fn go_on(&mut self, line: &HingeLine<'_>) {
        self.hinges = self.hinges.saturating_add(1);
        if self.broken {
            return;
        }
        match self.step(line) {
            Some(set) => self.sets.push(set),
            None => self.broken = true,
        }
    }

    /// Steps 1 to 5.
    fn step(&self, line: &HingeLine<'_>) -> Option<Walked> {
        let before = self.sets.last()?;
        let note = Note::parse(&line.note).ok()?;
        let checkpoint = Checkpoint::parse(note.text).ok()?;
        let (size, root) = (checkpoint.size, checkpoint.root);
        let grows = checkpoint.origin == self.origin && size > before.hinge;
        let leads = grows
            && consistency::verify(before.hinge, &before.root, size, &root, &line.consistency);
        let seq = size.checked_sub(1).filter(|_| leads)?;
        let head = self.key_head(&line.key, seq)?;
        let leaf = hash::leaf(&hash::entry(line.key.head));
        let included = inclusion::verify(&leaf, seq, size, &line.inclusion, &root);
        let event = KeyEvent::parse(line.key.content?.event, &self.origin)?;
        let keys = event.key_set();
        let good = included && before.keys.hands_over(&keys, event.is_recovery, &note);
        good.then_some(Walked {
            keys,
            hinge: size,
            root,
            note: Some(note.encode()),
            since: head.time,
        })
    }

    /// Step 3, but for the inclusion.
    fn key_head<'r>(&self, record: &Record<'r>, seq: u64) -> Option<Head<'r>> {
        let content = record.content?;
        let head = parse(record.head).ok()?;
        let stands = place_fault(&head, &self.origin, seq).is_none();
        let is_whole = Salt::parse(content.salt).is_some()
            && hash::digest(content.salt, content.event) == head.digest;
        (stands && head.shared.kind == Kind::Key && is_whole).then_some(head)
    }

    /// How many hinges came, good or not.
    #[must_use]
    pub fn hinges(&self) -> usize {
        self.hinges
    }

    /// Did every step hold?
    #[must_use]
    pub fn is_good(&self) -> bool {
        !self.broken
    }

    /// Did a later version write the genesis record?
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.unsupported
    }

    /// The log's origin, and its id.
    #[must_use]
    pub fn log(&self) -> (&str, Hash) {
        (&self.origin, self.id)
    }

    /// The key sets, the genesis' first.
    #[must_use]
    pub fn sets(&self) -> &[Walked] {
        &self.sets
    }

    /// The keys of all sets.
    pub fn keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.sets.iter().flat_map(|set| &set.keys.keys)
    }

    /// The tree at a hinge of that size, the genesis counting as one.
    pub(super) fn head_at_hinge(&self, size: u64) -> Option<TreeHead> {
        let set = self.sets.iter().find(|set| set.hinge == size)?;
        Some(TreeHead {
            size,
            root: set.root,
        })
    }

    /// The set that the hinge of that size brought.
    #[must_use]
    pub fn at_hinge(&self, size: u64) -> Option<&Walked> {
        let brought = self.sets.iter().skip(1);
        brought.into_iter().find(|set| set.hinge == size)
    }

    /// Does the pin mean this log, by a key that it has or had?
    #[must_use]
    pub fn is_of(&self, pin: &Pin) -> bool {
        self.is_good()
            && pin.origin() == self.origin
            && pin.log_id() == self.id
            && self.keys().any(|key| key == pin.key())
    }

    /// Does the proof lead from the last hinge to the checkpoint?
    pub(super) fn leads_to(&self, checkpoint: &Checkpoint<'_>, proof: &[Hash]) -> bool {
        self.sets.last().is_some_and(|last| {
            consistency::verify(
                last.hinge,
                &last.root,
                checkpoint.size,
                &checkpoint.root,
                proof,
            )
        })
    }

    /// A checkpoint to which the last hinge leads: by the last key set, or by a retired one (`docs/spec/export.md`, step 2d)?
    pub(super) fn last_standing(&self, note: &Note<'_>, size: u64) -> Standing {
        let Some((last, before)) = self.sets.split_last() else {
            return Standing::Unknown;
        };
        match last.keys.signed(note) {
            Signed::Ok => Standing::Ok,
            Signed::Invalid => Standing::Invalid,
            Signed::NoLine => {
                let ends = self.sets.iter().skip(1).map(|next| next.hinge);
                let mut earlier = before.iter().zip(ends).rev();
                let signer = earlier.find(|(set, _)| set.keys.any_signed(note));
                match signer {
                    Some((_, end)) if size > end => Standing::Retired,
                    _ => Standing::Unknown,
                }
            }
        }
    }

    /// A checkpoint that nothing leads to (*A checkpoint beside a walk file*, steps 3 to 7).
    pub(super) fn standing(&self, note: &Note<'_>, checkpoint: &Checkpoint<'_>) -> Standing {
        let signed: Vec<Signed> = self.sets.iter().map(|set| set.keys.signed(note)).collect();
        if signed.contains(&Signed::Invalid) {
            return Standing::Invalid;
        }
        let by = signed.iter().rposition(|signed| *signed == Signed::Ok);
        let Some((place, set)) = by.and_then(|place| Some((place, self.sets.get(place)?))) else {
            return Standing::Unknown;
        };
        if place > 0 && checkpoint.size < set.hinge {
            return Standing::Unknown;
        }
        if self.has_root(checkpoint.size, &checkpoint.root) {
            return Standing::Ok;
        }
        let next = place.checked_add(1).and_then(|next| self.sets.get(next));
        let ends = next.map(|next| next.hinge);
        if checkpoint.size == set.hinge || Some(checkpoint.size) == ends {
            return Standing::Fork;
        }
        match ends {
            None => Standing::Ok,
            Some(end) if checkpoint.size > end => Standing::Retired,
            Some(_) => Standing::UpToItsHinge,
        }
    }

    /// Is this the size and root of a hinge, the genesis counting as one?
    fn has_root(&self, size: u64, root: &Hash) -> bool {
        let mut sets = self.sets.iter();
        sets.any(|set| set.hinge == size && set.root == *root)
    }

    /// A walk of the same log that may know more (*An export beside a walk file*, steps 2 and 3): `None` if they part.
    pub(super) fn compared_with(
        &self,
        other: &KeyWalk,
        size: u64,
        root: &Hash,
    ) -> Option<Standing> {
        let hinges = |walk: &KeyWalk| -> Vec<(u64, Hash)> {
            let hinges = walk.sets.iter().skip(1);
            hinges.map(|set| (set.hinge, set.root)).collect()
        };
        let (ours, theirs) = (hinges(self), hinges(other));
        if ours.iter().zip(&theirs).any(|(our, their)| our != their) {
            return None;
        }
        let next = theirs.get(ours.len()).map(|(next, _)| *next);
        Some(match next {
            None => Standing::Ok,
            Some(_) if other.has_root(size, root) => Standing::Ok,
            Some(next) if size > next => Standing::Retired,
            Some(next) if size == next => Standing::Fork,
            Some(_) => Standing::UpToItsHinge,
        })
    }
}

/// `None`: this is not the genesis record of that log.
fn genesis_set(record: &Record<'_>, origin: &str, id: &Hash) -> Option<Walked> {
    let content = record.content?;
    let head = parse(record.head).ok()?;
    let is_first = head.shared.kind == Kind::Genesis && head.seq == 0;
    let is_this_log = head.log.as_str() == origin && hash::entry(record.head) == *id;
    let is_whole = Salt::parse(content.salt).is_some()
        && hash::digest(content.salt, content.event) == head.digest;
    let genesis = Genesis::parse(content.event).filter(|genesis| genesis.origin == origin)?;
    (is_first && is_this_log && is_whole).then(|| Walked {
        keys: genesis.key_set(),
        hinge: 1,
        root: hash::leaf(id),
        note: None,
        since: head.time,
    })
}
