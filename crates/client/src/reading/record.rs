//! A record that is proven to stand in its log.

use crate::verify::NotProven;
use bytes::Bytes;
use indelible_proof::export::Content;
use indelible_proof::hash::{self, Hash};
use indelible_proof::head::Head;
use indelible_proof::record;
use indelible_proof::time::Time;

/// A record, or its head alone, proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Position in the log.
    pub seq: u64,
    /// When the node recorded it.
    pub time: Time,
    /// SHA-256 of the head.
    pub entry: Hash,
    /// `{"head":…,"salt":…,"event":…}`, the bytes that are hashed, without a line end; of a head alone `{"head":…}`.
    pub line: Bytes,
}

impl Record {
    /// Of a line whose place was proven.
    pub(crate) fn of(seq: u64, line: Bytes, content: Content) -> Result<Record, NotProven> {
        let malformed = || NotProven::Malformed(format!("record {seq}"));
        let record = record::Record::cut(&line).ok_or_else(malformed)?;
        if record.content.is_some() != (content == Content::All) {
            return Err(NotProven::OtherContent(seq));
        }
        let head = Head::parse(record.head).map_err(|_| malformed())?;
        let (time, entry) = (head.time, hash::entry(record.head));
        Ok(Record {
            seq,
            time,
            entry,
            line,
        })
    }

    /// Head, salt and event, as they stand in the line.
    ///
    /// # Panics
    /// Never: the line was cut before.
    #[must_use]
    pub fn parts(&self) -> record::Record<'_> {
        record::Record::cut(&self.line).expect("the line was cut before")
    }

    /// The event, if it was asked for.
    #[must_use]
    pub fn event(&self) -> Option<&[u8]> {
        self.parts().content.map(|content| content.event)
    }
}
