//! What the check knows of each log while it goes from pack to pack and into the tail: where it ended, and what is still lost.

use super::LogName;
use super::finding::{Damage, Finding};
use crate::batch_keys::BatchKeys;
use crate::format::pack::Run;
use indelible_proof::genesis::Genesis;
use indelible_proof::hash::Hash;
use indelible_proof::key_event::KeyEvent;
use indelible_proof::key_set::KeySet;
use indelible_proof::origin::NODE_LOG;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use std::collections::HashMap;

/// One log as far as it was read.
#[derive(Clone)]
pub(crate) struct LogSeen {
    pub(crate) name: LogName,
    pub(crate) id: Hash,
    pub(crate) last_entry: Hash,
    /// Records that are known to be here or lost.
    pub(crate) size: u64,
    /// The tree's edge; `None` behind lost records, until a pack brings it again.
    pub(crate) frontier: Option<Frontier>,
    pub(crate) last_time: Option<Time>,
    /// Size of the newest note.
    pub(crate) noted: u64,
    /// Size and root at the ends of runs and of the tail's rows, for notes that come later.
    pub(crate) roots: Vec<(u64, Hash)>,
    /// Its keys over time, ascending; the first are the genesis'.
    pub(crate) sets: Vec<KeysSeen>,
    /// The genesis names another `_node`, or none where it should.
    pub(crate) node_log: Option<Hash>,
}

impl LogSeen {
    fn name_keys(&mut self, seq: u64, is_recovery: bool, set: KeySet) {
        let place = self.sets.partition_point(|known| known.seq < seq);
        if self.sets.get(place).is_none_or(|known| known.seq != seq) {
            let keys = KeysSeen {
                seq,
                is_recovery,
                set,
            };
            self.sets.insert(place, keys);
        }
    }

    /// Takes the times of the first and last of the records from `first` on. A finding if they are not after what was there before.
    pub(crate) fn go_on_at(
        &mut self,
        times: (Time, Time),
        first: u64,
        file: &str,
        offset: u64,
    ) -> Option<Finding> {
        let before = self.last_time.replace(times.1)?;
        (times.0 <= before).then(|| Finding::not_after(&self.name.name, first, file, offset))
    }
}

/// Keys that a record of the log names.
#[derive(Clone)]
pub(crate) struct KeysSeen {
    /// The record: 0, or one of kind `key`.
    pub(crate) seq: u64,
    pub(crate) is_recovery: bool,
    pub(crate) set: KeySet,
}

impl LogSeen {
    /// The keys that sign for a size, hinges apart.
    pub(crate) fn keys_at(&self, size: u64) -> Option<&KeySet> {
        let signs = |keys: &&KeysSeen| keys.seq == 0 || keys.seq + 1 < size;
        self.sets.iter().rev().find(signs).map(|keys| &keys.set)
    }

    /// The keys before and after the hinge of that size, and whether recovery keys hand them over.
    pub(crate) fn handed_at(&self, size: u64) -> Option<(&KeySet, &KeysSeen)> {
        let at = |keys: &KeysSeen| keys.seq > 0 && keys.seq + 1 == size;
        let place = self.sets.iter().position(at)?;
        Some((
            &self.sets.get(place.checked_sub(1)?)?.set,
            &self.sets[place],
        ))
    }
}

/// All logs, and the findings about how their parts fit together.
#[derive(Clone, Default)]
pub(crate) struct Logs {
    all: Vec<LogSeen>,
    place_of: HashMap<Hash, usize>,
    pub(crate) findings: Vec<Finding>,
    /// The last finding that made whole packs or batches unreadable: the gap behind it is its doing.
    lost_in: Option<usize>,
    /// The lowest batch that could not be read, and that nothing else holds.
    pub(crate) unread: Option<u64>,
    pub(crate) batch_keys: BatchKeys,
    /// Node and store id, as the genesis of `_node` names them.
    pub(crate) node_ids: Option<(String, String)>,
}

impl Logs {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &LogSeen> {
        self.all.iter()
    }

    pub(crate) fn by_id(&self, id: &Hash) -> Option<&LogSeen> {
        self.place_of.get(id).map(|place| &self.all[*place])
    }

    pub(crate) fn by_id_mut(&mut self, id: &Hash) -> Option<&mut LogSeen> {
        self.place_of.get(id).map(|place| &mut self.all[*place])
    }

    pub(crate) fn by_origin_mut(&mut self, origin: &str) -> Option<&mut LogSeen> {
        self.all.iter_mut().find(|log| log.name.origin == origin)
    }

    pub(crate) fn found(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// A finding that makes an unknown number of records unreadable.
    pub(crate) fn lost(&mut self, finding: Finding) {
        self.findings.push(finding);
        self.lost_in = Some(self.findings.len() - 1);
    }

    /// A batch can't be read, and nothing else holds what it held.
    pub(crate) fn could_not_read(&mut self, batch: u64) {
        self.unread = Some(self.unread.map_or(batch, |lowest| lowest.min(batch)));
    }

    /// Has an unknown number of records been lost so far?
    pub(crate) fn is_anything_lost(&self) -> bool {
        self.lost_in.is_some()
    }

    pub(crate) fn begin(&mut self, id: Hash, origin: &str) -> &mut LogSeen {
        let place = self.all.len();
        self.place_of.insert(id, place);
        self.all.push(LogSeen {
            name: LogName::new(origin),
            id,
            last_entry: Hash::ZERO,
            size: 0,
            frontier: Some(Frontier::new()),
            last_time: None,
            noted: 0,
            roots: Vec::new(),
            sets: Vec::new(),
            node_log: None,
        });
        &mut self.all[place]
    }

    /// Takes keys from a genesis that was found to be record 0.
    pub(crate) fn genesis(&mut self, id: &Hash, event: &[u8]) {
        let Some(genesis) = Genesis::parse(event) else {
            return;
        };
        let (origin, batch_key, node_log) = (genesis.origin, genesis.batch_key, genesis.node_log);
        let Some(log) = self.by_id_mut(id).filter(|log| log.name.origin == origin) else {
            return;
        };
        log.node_log = node_log;
        log.name_keys(0, false, genesis.key_set());
        if log.name.name == NODE_LOG
            && let Some(key) = batch_key
            && self.batch_keys.newest().is_none()
        {
            self.batch_keys.name(0, key, false);
            self.node_ids = Some((genesis.node.to_owned(), genesis.store.to_owned()));
        }
    }

    /// Takes keys from a `key` record. One that has not its form was named where it was read.
    pub(crate) fn key(&mut self, id: &Hash, seq: u64, event: &[u8]) {
        let Some(log) = self.by_id_mut(id) else {
            return;
        };
        let Some(event) = KeyEvent::parse(event, &log.name.origin) else {
            return;
        };
        log.name_keys(seq, event.is_recovery, event.key_set());
        if log.name.name == NODE_LOG
            && let Some(key) = event.batch_key
        {
            self.batch_keys.name(seq, key, event.is_recovery);
        }
    }

    /// Records of a log begin here. Names the gap if some are missing; `false` if the place is one that was read already.
    pub(crate) fn arrive(
        &mut self,
        id: Hash,
        origin: &str,
        first: u64,
        file: &str,
        offset: u64,
    ) -> bool {
        let size = self.by_id(&id).map(|log| log.size);
        if size.is_none() {
            self.begin(id, origin);
        }
        let size = size.unwrap_or(0);
        let name = LogName::new(origin).name;
        if first > size && !self.is_named(&name, size, first) {
            match self.lost_in.map(|place| &mut self.findings[place]) {
                Some(lost) if lost.log.as_ref().is_none_or(|log| *log == name) => {
                    lost.log = Some(name);
                    lost.seqs.push(size..first);
                }
                _ => {
                    let finding = Finding::new(
                        Damage::Missing,
                        file,
                        offset,
                        "the records before these are nowhere",
                    );
                    self.findings.push(finding.of_range(&name, size..first));
                }
            }
        }
        first >= size
    }

    /// Does a finding say already that these records are lost?
    fn is_named(&self, name: &str, from: u64, to: u64) -> bool {
        let of_log = self
            .findings
            .iter()
            .filter(|finding| finding.log.as_deref() == Some(name));
        let mut ranges: Vec<_> = of_log.flat_map(|finding| &finding.seqs).collect();
        ranges.sort_by_key(|range| range.start);
        let reached = ranges
            .iter()
            .fold(from, |reached, range| match range.start <= reached {
                true => reached.max(range.end),
                false => reached,
            });
        reached >= to
    }

    /// A run whose pack was read. It must continue its log.
    pub(crate) fn run(&mut self, run: &Run, file: &str) {
        let before = self.by_id(&run.log).map_or(0, |log| log.size);
        let follows = self.arrive(run.log, &run.origin, run.first, file, 0);
        let log = self.by_id_mut(&run.log).expect("it has arrived");
        let continues = run.first != before
            || (log.last_entry == run.prev_entry
                && log
                    .frontier
                    .as_ref()
                    .is_none_or(|frontier| *frontier == run.frontier_first)
                && log.name.origin == run.origin
                && log.last_time.is_none_or(|last| last < run.first_time));
        log.last_entry = run.last_entry;
        log.size = run.end();
        log.frontier = Some(run.frontier_after.clone());
        log.last_time = Some(run.last_time);
        log.roots.clear();
        log.roots.push((run.end(), run.root));
        if !continues || !follows {
            let finding = Finding::new(
                Damage::Unreadable,
                file,
                0,
                "a run does not continue its log",
            );
            let name = LogName::new(&run.origin).name;
            self.found(finding.of_range(&name, run.first..run.end()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indelible_proof::verdict::Rule;

    #[test]
    fn rows_whose_times_do_not_rise_are_named() {
        let mut logs = Logs::default();
        let log = logs.begin(Hash::ZERO, "audit.acme.internal/payments");
        let at = |second: u64| Time::new(1_790_000_000 + second, 0).unwrap();
        let mut row = |first, last, seq| {
            let finding = log.go_on_at((at(first), at(last)), seq, "tail/000000000000", 4096);
            finding.map(|finding| (finding.damage, finding.seqs.first().cloned()))
        };
        let fault = |seq| Some((Damage::LogFault(Rule::Time), Some(seq..seq + 1)));
        assert_eq!(row(5, 6, 0), None);
        assert_eq!(row(7, 9, 2), None);
        assert_eq!(row(9, 10, 4), fault(4));
        assert_eq!(row(8, 8, 6), fault(6));
        assert_eq!(row(9, 9, 7), None);
    }
}
