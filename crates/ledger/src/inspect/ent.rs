//! An `.ent` file: its header, whether its sections hash to what the header says, and its runs.

use super::{CHUNK, Wrong, read_at, wide};
use crate::format::pack::{
    ClaimsView, ENT_HEADER_BYTES, FRAME_ROW_BYTES, HINGE, KEY_BYTES, PLACE_BYTES, PackHeader, Run,
    SECTION_NAMES, SECTIONS, StreamRow, frame_rows,
};
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::Hasher;
use indelible_proof::limits::NOTE_BYTES_MAX;
use indelible_proof::note::Note;
use std::io::{self, Read, Seek};

/// What an `.ent` file says of itself.
#[derive(Clone, Debug)]
pub struct EntSeen {
    /// The header, if it can be read.
    pub header: Option<PackHeader>,
    /// Bytes of the file.
    pub length: u64,
    /// Whether each section hashes to what the header says; empty without a header.
    pub sections: Vec<(&'static str, bool)>,
}

/// One run, with what the other sections hold of it.
#[derive(Clone, Debug)]
pub struct RunSeen {
    /// As the section *runs* has it.
    pub run: Run,
    /// Sizes at which it was committed, as the bits say; `None`: the section ends before.
    pub commits: Option<u64>,
    /// The sizes of its notes, as far as they are checkpoints.
    pub notes: Vec<u64>,
    /// Its streams, each with its epoch; `None`: keys, streams and places of the run have not their form.
    pub streams: Option<Vec<StreamSeen>>,
}

/// The numbers of one stream's epoch in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSeen {
    /// Whose it is.
    pub by: String,
    /// Its name.
    pub src: String,
    /// The epoch.
    pub epoch: u64,
    /// First and last number in the run.
    pub numbers: (u64, u64),
}

impl StreamSeen {
    fn of(row: &StreamRow<'_>) -> StreamSeen {
        StreamSeen {
            by: row.by.to_owned(),
            src: row.src.to_owned(),
            epoch: row.epoch,
            numbers: (row.first, row.last()),
        }
    }
}

/// Goes over the whole file. Runs are told one by one, what is wrong as it is met.
///
/// # Errors
/// The source's.
pub fn ent(
    source: &mut (impl Read + Seek),
    begin: &mut dyn FnMut(&EntSeen),
    run: &mut dyn FnMut(RunSeen),
    wrong: &mut dyn FnMut(Wrong),
) -> io::Result<()> {
    let length = source.seek(io::SeekFrom::End(0))?;
    let header = PackHeader::decode(&read_at(source, 0, ENT_HEADER_BYTES)?);
    let mut seen = EntSeen {
        header: None,
        length,
        sections: Vec::new(),
    };
    let header = match header {
        Ok(header) => header,
        Err(error) => {
            begin(&seen);
            wrong(Wrong::from_format(error, 0));
            return Ok(());
        }
    };
    let mut faults = Vec::new();
    for (name, section) in SECTION_NAMES.iter().zip(&header.sections) {
        let right = hash_of(source, section.offset, section.length)? == Some(section.sha256);
        if !right {
            faults.push(Wrong::new(
                section.offset,
                format!("section {name}: its digest is wrong"),
            ));
        }
        seen.sections.push((name, right));
    }
    let end = header
        .sections
        .last()
        .map_or(0, |last| last.offset.saturating_add(last.length));
    if end != length {
        faults.push(Wrong::new(
            end.min(length),
            format!("the sections end at {end}, the file at {length}"),
        ));
    }
    seen.header = Some(header.clone());
    begin(&seen);
    faults.into_iter().for_each(&mut *wrong);
    Runs::new(&header).walk(source, header.runs, run, wrong)
}

/// SHA-256 of a part of the file; `None`: the file ends before.
fn hash_of(
    source: &mut (impl Read + Seek),
    at: u64,
    length: u64,
) -> io::Result<Option<indelible_proof::hash::Hash>> {
    let mut hasher = Hasher::new();
    let (mut at, mut left) = (at, length);
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let bytes = read_at(source, at, wanted)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        hasher.update(&bytes);
        at = at.saturating_add(wide(bytes.len()));
        left -= wide(bytes.len());
    }
    Ok(Some(hasher.finish()))
}

/// A section that is read on and on.
#[derive(Clone, Copy)]
struct Strip {
    at: u64,
    end: u64,
}

impl Strip {
    /// The next bytes, at most so many, and moves behind them. `None`: the section, or the file, has fewer.
    fn take(
        &mut self,
        source: &mut (impl Read + Seek),
        length: u64,
    ) -> io::Result<Option<Vec<u8>>> {
        if length > self.end.saturating_sub(self.at) {
            return Ok(None);
        }
        let Ok(wanted) = usize::try_from(length) else {
            return Ok(None);
        };
        let bytes = read_at(source, self.at, wanted)?;
        if bytes.len() < wanted {
            return Ok(None);
        }
        self.at += length;
        Ok(Some(bytes))
    }
}

/// The sections that are read run by run.
struct Runs {
    runs: Strip,
    bits: Strip,
    frames: Strip,
    notes: Strip,
    /// Sections *keys*, *streams* and *places*.
    claims: [Strip; 3],
    /// Bytes of *runs* from `runs.at` on that were read already.
    window: Vec<u8>,
    /// Where the next note begins is not known any more, which is said once.
    notes_lost: bool,
}

impl Runs {
    fn new(header: &PackHeader) -> Runs {
        let strip = |which: usize| {
            header
                .sections
                .get(which)
                .map_or(Strip { at: 0, end: 0 }, |section| Strip {
                    at: section.offset,
                    end: section.offset.saturating_add(section.length),
                })
        };
        let [runs, _, _, bits, frames, notes, claims @ ..] =
            std::array::from_fn::<_, SECTIONS, _>(strip);
        Runs {
            runs,
            bits,
            frames,
            notes,
            claims,
            window: Vec::new(),
            notes_lost: false,
        }
    }

    fn walk(
        mut self,
        source: &mut (impl Read + Seek),
        count: u32,
        told: &mut dyn FnMut(RunSeen),
        wrong: &mut dyn FnMut(Wrong),
    ) -> io::Result<()> {
        for _ in 0..count {
            self.fill(source)?;
            match Run::read(&self.window) {
                Ok((run, length)) => {
                    self.window.drain(..length);
                    self.runs.at += wide(length);
                    let seen = self.rest(source, run, wrong)?;
                    told(seen);
                }
                Err(error) => {
                    wrong(Wrong::from_format(error, self.runs.at));
                    return Ok(());
                }
            }
        }
        if self.runs.at != self.runs.end {
            wrong(Wrong::new(
                self.runs.at,
                "bytes are left over behind the last run",
            ));
        }
        Ok(())
    }

    /// Makes sure that a whole run is in the window, if the section has one.
    fn fill(&mut self, source: &mut (impl Read + Seek)) -> io::Result<()> {
        if self.window.len() >= RUN_BYTES_MAX {
            return Ok(());
        }
        let have = self.runs.at.saturating_add(wide(self.window.len()));
        let left = self.runs.end.saturating_sub(have);
        let wanted = usize::try_from(left).unwrap_or(WINDOW).min(WINDOW);
        let more = read_at(source, have, wanted)?;
        self.window.extend_from_slice(&more);
        Ok(())
    }

    /// What the other sections hold of a run.
    fn rest(
        &mut self,
        source: &mut (impl Read + Seek),
        run: Run,
        wrong: &mut dyn FnMut(Wrong),
    ) -> io::Result<RunSeen> {
        let bits = self.bits.take(source, run.commit_bits_len())?;
        let commits = bits.map(|bits| bits.iter().map(|byte| u64::from(byte.count_ones())).sum());
        let frames_at = self.frames.at;
        match self.frames.take(
            source,
            u64::from(run.frames).saturating_mul(wide(FRAME_ROW_BYTES)),
        )? {
            Some(rows) => {
                if let Err(error) = frame_rows(&run, &rows) {
                    wrong(Wrong::from_format(error, frames_at));
                }
            }
            None => wrong(Wrong::new(frames_at, "the table of frames ends too early")),
        }
        let mut notes = Vec::new();
        for _ in 0..run.notes {
            if self.notes_lost {
                break;
            }
            let at = self.notes.at;
            match self.note(source)? {
                Ok(Some(size)) => notes.push(size),
                Ok(None) => wrong(Wrong::new(at, "a note that is no checkpoint")),
                Err(what) => {
                    wrong(Wrong::new(at, what));
                    self.notes_lost = true;
                }
            }
        }
        let streams = self.claims(source, &run, wrong)?;
        Ok(RunSeen {
            run,
            commits,
            notes,
            streams,
        })
    }

    /// What a run has of keys, streams and places.
    fn claims(
        &mut self,
        source: &mut (impl Read + Seek),
        run: &Run,
        wrong: &mut dyn FnMut(Wrong),
    ) -> io::Result<Option<Vec<StreamSeen>>> {
        let lengths = [
            u64::from(run.keys).saturating_mul(wide(KEY_BYTES)),
            u64::from(run.streams_len),
            u64::from(run.places).saturating_mul(wide(PLACE_BYTES)),
        ];
        let mut parts = [const { Vec::new() }; 3];
        for ((strip, length), part) in self.claims.iter_mut().zip(lengths).zip(&mut parts) {
            let at = strip.at;
            match strip.take(source, length)? {
                Some(bytes) => *part = bytes,
                None => {
                    wrong(Wrong::new(at, "keys, streams or places end too early"));
                    return Ok(None);
                }
            }
        }
        match ClaimsView::read(run, parts.each_ref().map(Vec::as_slice)) {
            Ok(view) => Ok(Some(view.streams.iter().map(StreamSeen::of).collect())),
            Err(error) => {
                // Which of the three it was, the text says; the place is that of the run's streams.
                let streams = self.claims.get(1).map_or(0, |strip| strip.at);
                let base = streams.saturating_sub(u64::from(run.streams_len));
                wrong(Wrong {
                    at: base,
                    ..Wrong::from_format(error, base)
                });
                Ok(None)
            }
        }
    }

    /// The size of the next note's checkpoint; `None` if it is no checkpoint. What can't be read ends the walk over the notes.
    fn note(
        &mut self,
        source: &mut (impl Read + Seek),
    ) -> io::Result<Result<Option<u64>, &'static str>> {
        const EARLY: &str = "the notes end too early";
        let Some(length) = self.notes.take(source, 4)? else {
            return Ok(Err(EARLY));
        };
        let length = length
            .first_chunk()
            .map_or(0, |bytes| u32::from_le_bytes(*bytes) & !HINGE);
        if usize::try_from(length).is_ok_and(|length| length > NOTE_BYTES_MAX) {
            return Ok(Err("a note is too long"));
        }
        let Some(bytes) = self.notes.take(source, u64::from(length))? else {
            return Ok(Err(EARLY));
        };
        let note = Note::parse(&bytes).ok();
        Ok(Ok(note.and_then(|note| {
            Checkpoint::parse(note.text)
                .ok()
                .map(|checkpoint| checkpoint.size)
        })))
    }
}

/// A run with the longest origin and two edges of 63 hashes.
const RUN_BYTES_MAX: usize = 2 + 65_535 + 156 + 2 * 64 * 32 + 48;
/// What is read of the runs at once.
const WINDOW: usize = 4 * RUN_BYTES_MAX;

const _: () = assert!(SECTIONS == SECTION_NAMES.len());
