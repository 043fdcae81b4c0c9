//! Collects what the records of one run claim: the sealer writes it beside them, the store's verifier compares.

use super::tag::Tagger;
use crate::format::pack::{ClaimsData, StreamData, Tag};
use indelible_proof::hash::Hash;
use indelible_proof::head::{Kind, Own, Shared};
use std::collections::HashMap;

/// Why a run's claims can't be written down.
pub(crate) const GAP: &str = "numbers of a stream that do not follow each other";

/// Records of one run, given in order.
pub(crate) struct Collector {
    log: Hash,
    keys: Vec<(Tag, u16)>,
    streams: Vec<StreamData>,
    /// By principal, name and epoch.
    place_of: HashMap<(String, String, u64), usize>,
    records: Vec<u16>,
    /// What the record before had in common with others: most have the same.
    last: Option<Common>,
    /// The stream that the record before belonged to.
    last_stream: usize,
    gap: Option<u16>,
}

struct Common {
    bytes: Vec<u8>,
    by: String,
    kind: Kind,
    tagger: Tagger,
}

impl Collector {
    pub(crate) fn new(log: Hash) -> Collector {
        Collector {
            log,
            keys: Vec::new(),
            streams: Vec::new(),
            place_of: HashMap::new(),
            records: Vec::new(),
            last: None,
            last_stream: 0,
            gap: None,
        }
    }

    /// The next record of the run, as its columns say. One whose columns have not their form claims nothing.
    pub(crate) fn add(&mut self, place: u16, shared: &[u8], own: &[u8]) {
        if self.last.as_ref().is_none_or(|last| last.bytes != shared) {
            self.last = Shared::parse(shared).map(|parsed| Common {
                bytes: shared.to_vec(),
                by: parsed.by.to_owned(),
                kind: parsed.kind,
                tagger: Tagger::new(&self.log, parsed.by),
            });
        }
        let Some(common) = &self.last else { return };
        if common.kind == Kind::Stream {
            self.records.push(place);
        }
        if own.is_empty() {
            return;
        }
        let Some(own) = Own::parse(own) else { return };
        if let Some(key) = own.key {
            self.keys.push((common.tagger.tag(key), place));
        }
        if let Some(stream) = own.stream {
            let by = common.by.clone();
            self.number(place, by, stream.src, stream.epoch, stream.n);
        }
    }

    fn number(&mut self, place: u16, by: String, src: &str, epoch: u64, n: u64) {
        let is_it = |stream: &&mut StreamData| {
            stream.epoch == epoch && stream.src == src && stream.by == by
        };
        if let Some(stream) = self.streams.get_mut(self.last_stream).filter(is_it) {
            self.gap = self.gap.or((!follows(stream, n)).then_some(place));
            stream.places.push(place);
            return;
        }
        let streams = &mut self.streams;
        let at = *self
            .place_of
            .entry((by.clone(), src.to_owned(), epoch))
            .or_insert_with(|| {
                streams.push(StreamData {
                    by,
                    src: src.to_owned(),
                    epoch,
                    first: n,
                    places: Vec::new(),
                });
                streams.len() - 1
            });
        let stream = &mut streams[at];
        self.gap = self.gap.or((!follows(stream, n)).then_some(place));
        stream.places.push(place);
        self.last_stream = at;
    }

    /// The first record whose number does not follow its stream's last; no writer makes one.
    pub(crate) fn gap(&self) -> Option<u16> {
        self.gap
    }

    /// In the order of the page.
    pub(crate) fn finish(mut self) -> ClaimsData {
        self.keys.sort_unstable();
        self.streams.sort_unstable_by(|left, right| {
            let order = |stream: &StreamData| (stream.by.clone(), stream.src.clone(), stream.epoch);
            order(left).cmp(&order(right))
        });
        ClaimsData {
            keys: self.keys,
            streams: self.streams,
            records: self.records,
        }
    }
}

fn follows(stream: &StreamData, n: u64) -> bool {
    let count = u64::try_from(stream.places.len()).expect("a run has at most 65,536 records");
    stream.first.checked_add(count) == Some(n)
}
