//! Re-hashes stored frames: every record must give the entry that the tree vouches for.
//!
//! The one place where stored columns become heads again and are compared. Recovery, sealing and the store's verifier call it; what
//! a deviation means, they judge. Knows no file and no signature.

use crate::books::{Books, Log};
use crate::caller::salt_text;
use crate::format::FormatError;
use crate::format::batch::Part;
use crate::format::frame::{Columns, Content, FrameScratch, FrameView, Record};
use crate::view::hashes;
use indelible_proof::genesis::Genesis;
use indelible_proof::hash::{self, Hash};
use indelible_proof::head;
use indelible_proof::time::Time;
use sha2::{Digest as _, Sha256};
use std::ops::Range;
use std::sync::Arc;

/// Builds heads of one log, one after the other, in a buffer that is kept.
pub(crate) struct HeadBuilder<'a> {
    start: &'a [u8],
    head: Vec<u8>,
    /// The shared fields of the record before.
    shared: Vec<u8>,
    /// SHA-256 of what heads with these shared fields begin with, once two had them.
    begun: Option<Sha256>,
    /// The last time written, and its text: most records share its second.
    last_time: Option<(Time, [u8; 30])>,
}

impl<'a> HeadBuilder<'a> {
    /// `start` is what all heads of the log begin with.
    pub(crate) fn new(start: &'a [u8]) -> HeadBuilder<'a> {
        HeadBuilder {
            start,
            head: Vec::with_capacity(512),
            shared: Vec::new(),
            begun: None,
            last_time: None,
        }
    }

    /// The head of a record at `seq` after the entry `prev`. Its digest is computed where the event is here.
    pub(crate) fn head(&mut self, record: &Record<'_>, seq: u64, prev: &Hash) -> &[u8] {
        self.head.clear();
        self.head.extend_from_slice(self.start);
        self.head.extend_from_slice(record.shared);
        self.head.extend_from_slice(record.own);
        head::encode_digest(&digest(&record.content), &mut self.head);
        let time = self.time_text(record.time);
        head::encode_end(seq, &time, prev, &mut self.head);
        &self.head
    }

    /// The head that was built last.
    pub(crate) fn built(&self) -> &[u8] {
        &self.head
    }

    /// Does this head, of a record with these shared fields, give the entry? Most records share these fields with the one before: what
    /// both heads begin with is hashed once.
    pub(crate) fn gives(&mut self, shared: &[u8], entry: &Hash) -> bool {
        let (begin, rest) = self.head.split_at(self.start.len() + shared.len());
        if self.shared != shared {
            shared.clone_into(&mut self.shared);
            self.begun = None;
            return hash::entry(&self.head) == *entry;
        }
        let begun = &*self
            .begun
            .get_or_insert_with(|| Sha256::new_with_prefix(begin));
        let hash: [u8; 32] = begun.clone().chain_update(rest).finalize().into();
        hash == entry.0
    }

    fn time_text(&mut self, time: Time) -> [u8; 30] {
        let text = match &self.last_time {
            Some((last, text)) if last.secs() == time.secs() => time.text_within(text),
            _ => time.text(),
        };
        self.last_time = Some((time, text));
        text
    }
}

/// SHA-256 of salt and event, or what stands for it where the event is gone.
pub(crate) fn digest(content: &Content<'_>) -> Hash {
    match content {
        Content::Present { salt, event } => hash::digest(&salt_text(salt), event),
        Content::Absent { digest } => *digest,
    }
}

/// Goes over those records of a frame whose seq is wanted: `see` gets each record, its seq, its head, and whether the head gives its
/// entry. `entries` are the frame's, with the entry before it in front.
pub(crate) fn records<'f>(
    builder: &mut HeadBuilder<'_>,
    first_seq: u64,
    wanted: &Range<u64>,
    columns: &Columns<'f>,
    entries: &[Hash],
    mut see: impl FnMut(&Record<'f>, u64, &[u8], bool),
) {
    let all = columns.records().zip(entries.windows(2)).zip(first_seq..);
    for ((record, pair), seq) in all.filter(|(_, seq)| wanted.contains(seq)) {
        builder.head(&record, seq, &pair[0]);
        let same = builder.gives(record.shared, &pair[1]);
        see(&record, seq, builder.built(), same);
    }
}

/// What a row's records say of themselves.
pub(crate) struct Surveyed {
    /// Of the first and last record.
    pub(crate) times: (Time, Time),
    /// The event of its `key` record, which is its only one.
    pub(crate) key: Option<Vec<u8>>,
}

/// Begins the shared fields of a `key` record.
const KEY_KIND: &[u8] = b"\"kind\":\"key\"";

/// Goes over one log's records of a batch in their order, and shows each to `see`. Whether they give their entries, [`rehash`] says.
pub(crate) fn survey(
    part: &Part<'_>,
    scratch: &mut FrameScratch,
    see: &mut dyn FnMut(&Record<'_>, u64),
) -> Result<Surveyed, String> {
    let mut times: Option<(Time, Time)> = None;
    let (mut gone, mut key) = (None, None);
    for frame in part.frames() {
        let (at, frame) = frame.map_err(|error| error.to_string())?;
        let columns = frame
            .columns(scratch)
            .map_err(|error| format!("frame at {at}: {error}"))?;
        for (record, seq) in columns.records().zip(frame.first_seq()..) {
            times = Some((times.map_or(record.time, |(first, _)| first), record.time));
            see(&record, seq);
            match record.content {
                Content::Absent { .. } => gone = gone.or(Some(seq)),
                Content::Present { event, .. } if record.shared.starts_with(KEY_KIND) => {
                    key = Some(event.to_vec());
                }
                Content::Present { .. } => {}
            }
        }
    }
    match (gone, times) {
        (Some(seq), _) => Err(format!(
            "the event of record {seq} is gone, and no record says why"
        )),
        (None, Some(_)) if key.is_some() && part.row.count != 1 => {
            Err("a key record is not alone in its batch".to_owned())
        }
        (None, Some(times)) => Ok(Surveyed { times, key }),
        (None, None) => Err("a row without records".to_owned()),
    }
}

/// Re-hashes one log's records of a batch: each must give its entry. `prev` is the entry before the first.
pub(crate) fn rehash(
    head_start: &[u8],
    part: &Part<'_>,
    prev: Hash,
    scratch: &mut FrameScratch,
) -> Result<(), String> {
    let mut builder = HeadBuilder::new(head_start);
    let entries: Vec<Hash> = std::iter::once(prev).chain(hashes(part.entries)).collect();
    let mut rest = entries.as_slice();
    for frame in part.frames() {
        let (at, frame) = frame.map_err(|error| error.to_string())?;
        let count = usize::try_from(frame.records()).expect("a frame has at most 256 records");
        let here = rest.get(..=count).ok_or("more records than entries")?;
        let columns = frame
            .columns(scratch)
            .map_err(|error| format!("frame at {at}: {error}"))?;
        let mut wrong = None;
        let all = 0..u64::MAX;
        records(
            &mut builder,
            frame.first_seq(),
            &all,
            &columns,
            here,
            |_, seq, _, same| {
                if !same {
                    wrong = wrong.or(Some(seq));
                }
            },
        );
        if let Some(seq) = wrong {
            return Err(format!("record {seq} does not give its entry"));
        }
        rest = &rest[count..];
    }
    Ok(())
}

/// The event of the first record of a row.
pub(crate) fn first_event(
    part: &Part<'_>,
    scratch: &mut FrameScratch,
) -> Result<Vec<u8>, FormatError> {
    let missing = FormatError::Damaged {
        offset: 0,
        what: "a log's first record has no event",
    };
    let (_, frame): (u64, FrameView<'_>) = part.frames().next().ok_or(missing)??;
    let columns = frame.columns(scratch)?;
    match columns.records().next().map(|record| record.content) {
        Some(Content::Present { event, .. }) => Ok(event.to_vec()),
        _ => Err(missing),
    }
}

/// The origin that a row's record 0 founds. Whether the record is the one the tree vouches for, [`rehash`] says afterwards.
pub(crate) fn founding_origin(
    part: &Part<'_>,
    scratch: &mut FrameScratch,
) -> Result<String, String> {
    let event = first_event(part, scratch).map_err(|error| error.to_string())?;
    let genesis = Genesis::parse(&event).ok_or("a log's first record is no genesis")?;
    Ok(genesis.origin.to_owned())
}

/// The batch key, if this row founds the node's own log.
pub(crate) fn founding_batch_key(
    part: &Part<'_>,
    scratch: &mut FrameScratch,
) -> Result<Option<[u8; 32]>, String> {
    if part.row.first != 0 {
        return Ok(None);
    }
    let event = first_event(part, scratch).map_err(|error| error.to_string())?;
    Ok(Genesis::parse(&event).and_then(|genesis| genesis.batch_key))
}

/// The log whose origin is a note's first line.
pub(crate) fn note_log(books: &Books, note: &[u8]) -> Option<Arc<Log>> {
    let origin = str::from_utf8(note).ok()?.split('\n').next()?;
    let name = origin.rsplit('/').nth(1)?;
    books.log(name).filter(|log| log.origin() == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these records give their entries, where `wrong` is one whose entry is another's.
    fn check(shared: &[&str], wrong: Option<usize>) -> Vec<bool> {
        let start = b"{\"indelible\":1,\"log\":\"audit.example/payments/0123456789abcdef\",";
        let records = shared.iter().zip(0_u32..).map(|(shared, place)| Record {
            time: Time::new(1_800_000_000, place).unwrap(),
            shared: shared.as_bytes(),
            own: b"",
            content: Content::Absent {
                digest: hash::sha256(&place.to_be_bytes()),
            },
        });
        let records: Vec<Record<'_>> = records.collect();
        let mut prev = Hash::ZERO;
        let mut builder = HeadBuilder::new(start);
        let mut given = Vec::new();
        for ((record, place), seq) in records.iter().zip(0..).zip(7..) {
            // A builder of its own for each record has nothing to remember.
            let entry = hash::entry(HeadBuilder::new(start).head(record, seq, &prev));
            let held = if wrong == Some(place) { prev } else { entry };
            builder.head(record, seq, &prev);
            given.push(builder.gives(record.shared, &held));
            prev = entry;
        }
        given
    }

    #[test]
    fn records_give_their_entries_whether_or_not_they_share_fields_with_the_one_before() {
        let (one, other, longer) = ("\"kind\":\"event\"", "\"kind\":\"other\"", "x".repeat(100));
        let shared = [
            one, one, one, other, one, one, &longer, &longer, &longer, "",
        ];
        assert_eq!(check(&shared, None), [true; 10]);
        for wrong in 0..shared.len() {
            let given = check(&shared, Some(wrong));
            let right = (0..shared.len()).map(|place| place != wrong);
            assert_eq!(given, right.collect::<Vec<_>>(), "{wrong}");
        }
    }
}
