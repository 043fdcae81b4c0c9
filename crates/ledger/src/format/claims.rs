//! What a run's records claim for being found again: idempotency keys as tags, and numbers of streams. The sections *keys*, *streams*
//! and *places* of `.ent`.
//!
//! See `docs/spec/pack.md`. Whether they are what the records say, the store's verifier finds out.

use super::FormatError;
use super::cursor::Cursor;
use super::run::Run;
use indelible_proof::head;

/// The tag of an idempotency key (`docs/spec/labels.md`).
pub type Tag = [u8; 16];

/// A tag and a place in the section *keys*.
pub const KEY_BYTES: usize = 18;
/// A place: a seq less its run's first.
pub const PLACE_BYTES: usize = 2;

/// The numbers of one stream's epoch in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRow<'a> {
    /// Whose stream it is.
    pub by: &'a str,
    /// Its name.
    pub src: &'a str,
    /// The epoch.
    pub epoch: u64,
    /// The first number in this run; the others follow without a gap.
    pub first: u64,
    /// How many there are, at least 1.
    pub count: u32,
}

impl<'a> StreamRow<'a> {
    /// The bytes on disk.
    ///
    /// # Panics
    /// If a name has 64 KiB; heads have at most 4.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for text in [self.by, self.src] {
            let length = u16::try_from(text.len()).expect("a head has at most 4,096 bytes");
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
    }

    fn decode(cursor: &mut Cursor<'a>) -> Result<StreamRow<'a>, FormatError> {
        let start = *cursor;
        let mut name = |good: fn(&str) -> bool| {
            let length = usize::from(cursor.u16_le()?);
            let text = str::from_utf8(cursor.take(length)?).ok();
            text.filter(|text| good(text))
                .ok_or_else(|| start.damaged("not a principal or a stream's name"))
        };
        let (by, src) = (name(head::is_principal)?, name(head::is_source)?);
        let (epoch, first) = (cursor.u64_le()?, cursor.u64_le()?);
        let count = cursor.u32_le()?;
        let row = StreamRow {
            by,
            src,
            epoch,
            first,
            count,
        };
        let fits = count > 0
            && first
                .checked_add(u64::from(count))
                .is_some_and(|end| end <= super::limits::SEQ_END)
            && epoch < super::limits::SEQ_END;
        start.require(fits, "numbers beyond what a head can say, or none")?;
        Ok(row)
    }

    /// The last number in this run.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.first
            .saturating_add(u64::from(self.count).saturating_sub(1))
    }

    /// By whom, name, epoch: what rows are sorted by.
    #[must_use]
    pub fn order(&self) -> (&'a str, &'a str, u64) {
        (self.by, self.src, self.epoch)
    }
}

/// Reads the rows of the part of the section *streams* that belongs to a run with so many places.
///
/// # Errors
/// [`FormatError`], its offset counted from the beginning of `bytes`.
pub fn stream_rows<'a>(places: u32, bytes: &'a [u8]) -> Result<Vec<StreamRow<'a>>, FormatError> {
    let mut cursor = Cursor::new(bytes);
    let mut rows: Vec<StreamRow<'a>> = Vec::new();
    let mut numbers = 0_u64;
    while !cursor.rest().is_empty() {
        let start = cursor;
        let row = StreamRow::decode(&mut cursor)?;
        let follows = rows.last().is_none_or(|last| last.order() < row.order());
        start.require(follows, "streams that are not in order")?;
        numbers = numbers.saturating_add(u64::from(row.count));
        start.require(
            numbers <= u64::from(places),
            "more numbers than places in the run",
        )?;
        rows.push(row);
    }
    Ok(rows)
}

/// What the three sections hold of one run.
#[derive(Clone, Debug)]
pub struct ClaimsView<'a> {
    keys: &'a [u8],
    /// The streams, sorted.
    pub streams: Vec<StreamRow<'a>>,
    places: &'a [u8],
}

impl<'a> ClaimsView<'a> {
    /// Reads a run's parts of the sections *keys*, *streams* and *places*, which must be exactly they.
    ///
    /// # Errors
    /// [`FormatError`], its offset counted from the beginning of the part at fault.
    pub fn read(run: &Run, parts: [&'a [u8]; 3]) -> Result<ClaimsView<'a>, FormatError> {
        let mut cursors = parts.map(Cursor::new);
        let view = ClaimsView::cut(run, &mut cursors)?;
        cursors.iter().try_for_each(Cursor::end)?;
        Ok(view)
    }

    /// Takes a run's part off each of the three sections and checks it.
    pub(super) fn cut(
        run: &Run,
        [keys, streams, places]: &mut [Cursor<'a>; 3],
    ) -> Result<ClaimsView<'a>, FormatError> {
        let (at_keys, at_streams, at_places) = (*keys, *streams, *places);
        let view = ClaimsView {
            keys: keys.take(narrow(run.keys).saturating_mul(KEY_BYTES))?,
            streams: stream_rows(run.places, streams.take(narrow(run.streams_len))?)
                .map_err(|error| error.within(at_streams.at()))?,
            places: places.take(narrow(run.places).saturating_mul(PLACE_BYTES))?,
        };
        let ascending = view.keys().is_sorted_by(|left, right| left < right);
        let within = view.keys().all(|(_, place)| u32::from(place) < run.count);
        at_keys.require(ascending && within, "key tags that are not in order")?;
        let good = |places: Places<'_>| {
            places.clone().is_sorted_by(|left, right| left < right)
                && places.into_iter().all(|place| u32::from(place) < run.count)
        };
        let in_order = view.numbers().all(|(_, places)| good(places)) && good(view.records());
        at_places.require(in_order, "places that are not in order")?;
        Ok(view)
    }

    /// Tags and places, ascending.
    pub fn keys(&self) -> impl Iterator<Item = (Tag, u16)> + 'a {
        let (keys, _) = self.keys.as_chunks::<KEY_BYTES>();
        keys.iter().map(key)
    }

    /// Each stream with the places of its numbers.
    pub fn numbers(&self) -> impl Iterator<Item = (&StreamRow<'a>, Places<'a>)> + '_ {
        let mut rest = self.places;
        self.streams.iter().map(move |row| {
            let length = narrow(row.count).saturating_mul(PLACE_BYTES);
            let (own, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            (row, Places::new(own))
        })
    }

    /// The places of the run's records of kind `stream`.
    #[must_use]
    pub fn records(&self) -> Places<'a> {
        let numbers: usize = self
            .streams
            .iter()
            .map(|row| narrow(row.count).saturating_mul(PLACE_BYTES))
            .fold(0, usize::saturating_add);
        Places::new(self.places.get(numbers..).unwrap_or_default())
    }
}

/// Places as they lie on disk.
#[derive(Clone, Debug)]
pub struct Places<'a>(std::slice::Iter<'a, [u8; PLACE_BYTES]>);

impl<'a> Places<'a> {
    fn new(bytes: &'a [u8]) -> Places<'a> {
        Places(bytes.as_chunks().0.iter())
    }
}

impl Iterator for Places<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        self.0.next().map(|bytes| u16::from_le_bytes(*bytes))
    }
}

/// Reads one tag with its place.
#[must_use]
pub fn key(bytes: &[u8; KEY_BYTES]) -> (Tag, u16) {
    let (mut tag, mut place) = ([0; 16], [0; PLACE_BYTES]);
    tag.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    place
        .iter_mut()
        .zip(bytes.iter().skip(tag.len()))
        .for_each(|(to, from)| *to = *from);
    (tag, u16::from_le_bytes(place))
}

/// The numbers of one stream's epoch in one run, for writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamData {
    /// Whose stream it is.
    pub by: String,
    /// Its name.
    pub src: String,
    /// The epoch.
    pub epoch: u64,
    /// The first number in this run.
    pub first: u64,
    /// Where each number lies, ascending.
    pub places: Vec<u16>,
}

/// All that a run's records claim, for writing. In the order of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimsData {
    /// Tags and places, ascending.
    pub keys: Vec<(Tag, u16)>,
    /// Sorted by principal, name, epoch.
    pub streams: Vec<StreamData>,
    /// Places of records of kind `stream`, ascending.
    pub records: Vec<u16>,
}

impl ClaimsData {
    pub(super) fn encode_keys(&self, out: &mut Vec<u8>) {
        for (tag, place) in &self.keys {
            out.extend_from_slice(tag);
            out.extend_from_slice(&place.to_le_bytes());
        }
    }

    pub(super) fn encode_streams(&self, out: &mut Vec<u8>) {
        for stream in &self.streams {
            StreamRow {
                by: &stream.by,
                src: &stream.src,
                epoch: stream.epoch,
                first: stream.first,
                count: u32::try_from(stream.places.len())
                    .expect("a run has at most 65,536 records"),
            }
            .encode(out);
        }
    }

    pub(super) fn encode_places(&self, out: &mut Vec<u8>) {
        let numbers = self.streams.iter().flat_map(|stream| &stream.places);
        for place in numbers.chain(&self.records) {
            out.extend_from_slice(&place.to_le_bytes());
        }
    }

    /// What the run's row says of its parts: tags, bytes of streams, places.
    ///
    /// # Panics
    /// If there are more of them than a run has records.
    #[must_use]
    pub fn lengths(&self) -> (u32, u32, u32) {
        let mut streams = Vec::new();
        self.encode_streams(&mut streams);
        let places: usize = self
            .streams
            .iter()
            .map(|stream| stream.places.len())
            .sum::<usize>()
            + self.records.len();
        let short =
            |length: usize| u32::try_from(length).expect("a run has at most 65,536 records");
        (short(self.keys.len()), short(streams.len()), short(places))
    }
}

fn narrow(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
