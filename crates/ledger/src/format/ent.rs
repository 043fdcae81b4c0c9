//! The sections of `.ent`, written and taken apart. See `docs/spec/pack.md`.

use super::FormatError;
use super::cursor::Cursor;
use super::pack::{
    ENT_HEADER_BYTES, ENT_SECTIONS_AT, FRAME_ROW_BYTES, FrameRow, PackHeader, REC_HEADER_BYTES,
    SECTIONS, Section,
};
use super::run::{PackNote, Run, RunData};
use indelible_proof::hash::{self, Hash};
use indelible_proof::limits::NOTE_BYTES_MAX;

/// Lays out an `.ent` file of runs that are sorted by log id, then first seq. Returns its bytes and its digest.
///
/// # Panics
/// If there are 2^32 runs, or a note has 4 GiB.
#[must_use]
pub fn encode_ent(
    store: &[u8; 16],
    first: u64,
    last: u64,
    last_digest: &Hash,
    runs: &[RunData],
) -> (Vec<u8>, Hash) {
    let mut bytes = vec![0; ENT_HEADER_BYTES];
    let mut sections = [Section::default(); SECTIONS];
    let writers: [fn(&RunData, &mut Vec<u8>); SECTIONS] = [
        |data, out| data.run.encode(out),
        |data, out| {
            data.entries
                .iter()
                .for_each(|entry| out.extend_from_slice(&entry.0))
        },
        |data, out| {
            data.nodes
                .iter()
                .for_each(|node| out.extend_from_slice(&node.0))
        },
        |data, out| out.extend_from_slice(&data.commit_bits),
        |data, out| {
            data.frames
                .iter()
                .for_each(|frame| out.extend_from_slice(&frame.encode()))
        },
        |data, out| data.notes.iter().for_each(|note| put_note(note, out)),
    ];
    for (section, write) in sections.iter_mut().zip(writers) {
        let offset = bytes.len();
        runs.iter().for_each(|data| write(data, &mut bytes));
        let written = bytes.get(offset..).expect("writers only append");
        *section = Section {
            offset: wide(offset),
            length: wide(written.len()),
            sha256: hash::sha256(written),
        };
    }
    let header = PackHeader {
        read_only_features: 0,
        store: *store,
        first,
        last,
        last_digest: *last_digest,
        runs: u32::try_from(runs.len()).expect("a pack has fewer runs than records"),
        sections,
    };
    bytes
        .first_chunk_mut::<ENT_HEADER_BYTES>()
        .expect("room for the header was made")
        .copy_from_slice(&header.encode());
    let digest = header.digest();
    (bytes, digest)
}

/// Marks a hinge in the length before a note.
const HINGE: u32 = 1 << 31;

fn put_note(note: &PackNote, out: &mut Vec<u8>) {
    let length = u32::try_from(note.text.len()).expect("a note has at most 256 KiB");
    let mark = if note.hinge { HINGE } else { 0 };
    out.extend_from_slice(&(length | mark).to_le_bytes());
    out.extend_from_slice(&note.text);
}

impl PackHeader {
    /// Reads the section *runs*, and checks that the other sections have the lengths these runs need.
    ///
    /// # Errors
    /// [`FormatError`], its offset counted from the file's beginning.
    pub fn parse_runs(&self, bytes: &[u8]) -> Result<Vec<Run>, FormatError> {
        let [section, entries, nodes, bits, frames, _] = &self.sections;
        let mut cursor = Cursor::new(bytes);
        let runs = self
            .read_runs(&mut cursor)
            .map_err(|error| error.within(narrow(section.offset)))?;
        let sum = |of: fn(&Run) -> u64| runs.iter().map(of).fold(0, u64::saturating_add);
        let fits = entries.length == sum(|run| u64::from(run.count) * 32)
            && nodes.length == sum(|run| (run.blocks().end - run.blocks().start) * 32)
            && bits.length == sum(Run::commit_bits_len)
            && frames.length == sum(|run| u64::from(run.frames) * wide(FRAME_ROW_BYTES));
        if !fits {
            return Err(FormatError::Damaged {
                offset: 104,
                what: "the sections don't fit the runs",
            });
        }
        Ok(runs)
    }

    fn read_runs(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Run>, FormatError> {
        let mut runs: Vec<Run> = Vec::new();
        let mut rec_at = wide(REC_HEADER_BYTES);
        for _ in 0..self.runs {
            let start = *cursor;
            let run = Run::decode(cursor)?;
            start.require(
                run.rec_at == rec_at,
                "a run's frames don't follow those before",
            )?;
            rec_at = rec_at
                .checked_add(run.rec_len)
                .ok_or_else(|| start.damaged("frames beyond 2^64"))?;
            start.require(
                runs.last().is_none_or(|last| last.precedes(&run)),
                "runs that are not in order",
            )?;
            runs.push(run);
        }
        cursor.end()?;
        Ok(runs)
    }

    /// Reads the section *notes*: those of each run.
    ///
    /// # Errors
    /// [`FormatError`], its offset counted from the file's beginning.
    pub fn parse_notes<'a>(
        &self,
        bytes: &'a [u8],
        runs: &[Run],
    ) -> Result<Vec<Vec<NoteView<'a>>>, FormatError> {
        let [.., section] = &self.sections;
        let mut cursor = Cursor::new(bytes);
        let notes = runs
            .iter()
            .map(|run| run_notes(&mut cursor, run.notes, section.offset))
            .collect::<Result<_, _>>();
        notes
            .and_then(|notes| cursor.end().map(|()| notes))
            .map_err(|error| error.within(narrow(section.offset)))
    }
}

/// A note in a pack, not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteView<'a> {
    /// It is marked as a hinge.
    pub hinge: bool,
    /// The signed note.
    pub text: &'a [u8],
    /// Where its text begins in the file.
    pub at: u64,
}

fn run_notes<'a>(
    cursor: &mut Cursor<'a>,
    count: u32,
    section: u64,
) -> Result<Vec<NoteView<'a>>, FormatError> {
    // No room is made for what a count merely claims.
    let mut notes = Vec::new();
    for _ in 0..count {
        let marked = cursor.u32_le()?;
        let length = usize::try_from(marked & !HINGE).unwrap_or(usize::MAX);
        cursor.require(length <= NOTE_BYTES_MAX, "a note is too long")?;
        notes.push(NoteView {
            hinge: marked & HINGE != 0,
            at: section.saturating_add(wide(cursor.at())),
            text: cursor.take(length)?,
        });
    }
    Ok(notes)
}

/// An `.ent` file that agrees with itself.
#[derive(Debug)]
pub struct EntView<'a> {
    /// The decoded header.
    pub header: PackHeader,
    /// The runs in order.
    pub runs: Vec<Run>,
    views: Vec<RunView<'a>>,
}

/// What the sections hold of one run.
#[derive(Clone, Debug)]
pub struct RunView<'a> {
    /// 32 bytes for each record.
    pub entries: &'a [u8],
    /// 32 bytes for each aligned 256 wholly in the run.
    pub nodes: &'a [u8],
    /// Lowest bit first.
    pub commit_bits: &'a [u8],
    /// Contiguous, and together exactly the run.
    pub frames: Vec<FrameRow>,
    /// Signed notes, not judged.
    pub notes: Vec<NoteView<'a>>,
}

impl<'a> EntView<'a> {
    /// Reads a whole file, which must end with its last section. `check_sections` hashes the sections too.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn parse(bytes: &'a [u8], check_sections: bool) -> Result<EntView<'a>, FormatError> {
        let header = PackHeader::decode(bytes)?;
        let mut cursor = Cursor::new(bytes);
        cursor.take(ENT_HEADER_BYTES)?;
        let mut parts: [&[u8]; SECTIONS] = [&[]; SECTIONS];
        for (part, section) in parts.iter_mut().zip(&header.sections) {
            let start = cursor;
            *part = cursor.take(narrow(section.length))?;
            start.require(
                !check_sections || hash::sha256(part) == section.sha256,
                "a section's digest is wrong",
            )?;
        }
        cursor.end()?;
        let [run_bytes, entries, nodes, bits, frames, notes] = parts;
        let runs = header.parse_runs(run_bytes)?;
        let notes = header.parse_notes(notes, &runs)?;
        let mut sections = [entries, nodes, bits, frames].map(Cursor::new);
        let views = runs
            .iter()
            .zip(notes)
            .map(|(run, notes)| RunView::cut(run, &mut sections, notes));
        // The places of the four are known from their lengths; an error names the section's beginning.
        let views = views
            .collect::<Result<_, _>>()
            .map_err(|error| error.within(narrow(ENT_SECTIONS_AT)))?;
        Ok(EntView {
            header,
            runs,
            views,
        })
    }

    /// The runs with what the sections hold of them.
    pub fn parts(&self) -> impl Iterator<Item = (&Run, &RunView<'a>)> {
        self.runs.iter().zip(&self.views)
    }
}

impl<'a> RunView<'a> {
    fn cut(
        run: &Run,
        sections: &mut [Cursor<'a>; 4],
        notes: Vec<NoteView<'a>>,
    ) -> Result<RunView<'a>, FormatError> {
        let [entries, nodes, bits, frames] = sections;
        let (at_entries, at_bits) = (*entries, *bits);
        let blocks = run.blocks();
        let view = RunView {
            entries: entries.take(narrow(u64::from(run.count) * 32))?,
            nodes: nodes.take(narrow((blocks.end - blocks.start) * 32))?,
            commit_bits: bits.take(narrow(run.commit_bits_len()))?,
            frames: read_frame_rows(run, frames)?,
            notes,
        };
        at_entries.require(
            view.entries.ends_with(&run.last_entry.0),
            "a run's last entry is another",
        )?;
        at_entries.require(
            run.first != 0 || view.entries.starts_with(&run.log.0),
            "a log's id is not its first entry",
        )?;
        let beyond = view
            .commit_bits
            .last()
            .map_or(0, |last| u32::from(*last) >> ((run.count - 1) % 8 + 1));
        at_bits.require(beyond == 0, "a commit bit without a record")?;
        Ok(view)
    }
}

/// Reads runs off the beginning of `bytes` as far as they have their form: a listing for messages when nothing vouches for them.
#[must_use]
pub fn list_runs(bytes: &[u8]) -> Vec<Run> {
    let mut cursor = Cursor::new(bytes);
    std::iter::from_fn(|| Run::decode(&mut cursor).ok()).collect()
}

/// Reads one run's part of the section *frames*: contiguous frames that hold exactly its records.
///
/// # Errors
/// [`FormatError`], its offset counted from the beginning of `bytes`.
pub fn frame_rows(run: &Run, bytes: &[u8]) -> Result<Vec<FrameRow>, FormatError> {
    let mut cursor = Cursor::new(bytes);
    let rows = read_frame_rows(run, &mut cursor)?;
    cursor.end().map(|()| rows)
}

fn read_frame_rows(run: &Run, cursor: &mut Cursor<'_>) -> Result<Vec<FrameRow>, FormatError> {
    let start = *cursor;
    let mut rows = Vec::new();
    let (mut offset, mut next, mut time) = (run.rec_at, run.first, run.first_time);
    for _ in 0..run.frames {
        let at = *cursor;
        let row = FrameRow::decode(cursor.take(FRAME_ROW_BYTES)?)
            .map_err(|error| error.within(at.at()))?;
        let follows = row.offset == offset
            && row.first == next
            && row.time >= time
            && (next != run.first || row.time == time);
        at.require(follows, "a frame does not continue the one before")?;
        at.require(
            row.first % 256 + u64::from(row.count) <= 256,
            "a frame crosses a multiple of 256",
        )?;
        offset = offset.saturating_add(u64::from(row.length));
        next = next.saturating_add(u64::from(row.count));
        time = row.time;
        rows.push(row);
    }
    let whole = next == run.end()
        && offset == run.rec_at.saturating_add(run.rec_len)
        && time <= run.last_time;
    start.require(whole, "the frames are not the run's records")?;
    Ok(rows)
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).expect("a length in memory is below 2^64")
}

/// A length on disk; what this machine can't address is too long for any slice.
fn narrow(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
