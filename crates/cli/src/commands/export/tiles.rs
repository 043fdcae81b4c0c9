//! `indelible export --tiles`: a log as a directory that any web server can serve (`docs/spec/tiles.md`). Only digests leave.
//!
//! `checkpoint` is written last and promises all that lies beside it, so a run that was stopped is repeated and nobody is told of a
//! file that isn't there. Owns the decision whether a directory may be written to; the ledger checks what is written.

use super::directory::{Added, Directory};
use crate::args::WriteArgs;
use crate::commands::receipt::{COVERED_BY, note_over};
use crate::exit::Exit;
use crate::node::{self, Reading};
use crate::say::{self, Failure};
use crate::show;
use indelible_ledger::{Log, ReadError, SignedNote, Tiles};
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::limits::NOTE_BYTES_MAX;
use indelible_proof::note::Note;
use indelible_proof::tile::{self, Level, Tile};
use std::io;
use std::path::Path;

const CHECKPOINT: &str = "checkpoint";

/// Does it, for the newest checkpoint in the store.
pub fn run(reading: &Reading, log: &Log, path: &Path) -> Result<Exit, Failure> {
    let info = reading.books.store().describe();
    node::check_target(path, &reading.directory, &WriteArgs::default(), info)?;
    let note = note_over(log, 1)?;
    let failed = |error: ReadError| reading.failed(&error);
    let tiles = reading.books.tiles(log, &note).map_err(failed)?;
    let directory = Directory::open(path).map_err(|error| say::file(path, &error))?;
    let directory = directory.ok_or_else(|| in_use(path))?;
    let mut site = Site {
        reading,
        log,
        path,
        note: &note,
        tiles,
        directory,
    };
    let before = site.promised()?;
    let written = site.write(before)?;
    site.publish()?;
    written.tell(log, path, note.size);
    if note.size < log.size() {
        let newer = show::counted(log.size() - note.size, "newer record");
        say::warn(format_args!(
            "left out: {newer}, not yet covered by a published checkpoint"
        ));
        say::hint(COVERED_BY);
    }
    Ok(Exit::Done)
}

/// What was new.
#[derive(Default)]
struct Written {
    tiles: u64,
    bundles: u64,
}

impl Written {
    fn tell(&self, log: &Log, path: &Path, size: u64) {
        let (path, name, records) = (path.display(), log.name(), show::counted(size, "record"));
        if self.tiles + self.bundles == 0 {
            say::tell(format_args!(
                "nothing to add: {path} has {records} of {name}"
            ));
            return;
        }
        let tiles = show::counted(self.tiles, "tile");
        let bundles = show::counted(self.bundles, "entry bundle");
        say::tell(format_args!(
            "wrote {tiles} and {bundles} of {name} to {path}, which has {records}"
        ));
    }
}

/// A directory and the log that is written to it.
struct Site<'a> {
    reading: &'a Reading,
    log: &'a Log,
    path: &'a Path,
    note: &'a SignedNote,
    tiles: Tiles<'a>,
    directory: Directory,
}

impl Site<'_> {
    /// The size that the directory's own checkpoint promises; 0 if it has none. Refuses what is not an earlier state of this log.
    fn promised(&self) -> Result<u64, Failure> {
        let bytes = self.directory.read(CHECKPOINT, NOTE_BYTES_MAX);
        let Some(bytes) = bytes.map_err(|error| self.failed(&error))? else {
            return self.nothing_foreign().map(|()| 0);
        };
        let at = self.path.join(CHECKPOINT);
        let not_one = || {
            Failure::usage(format!("not a checkpoint: {}", at.display())).hint(ANOTHER_DIRECTORY)
        };
        let note = Note::parse(&bytes).map_err(|_| not_one())?;
        let checkpoint = Checkpoint::parse(note.text).map_err(|_| not_one())?;
        if checkpoint.origin != self.log.origin() {
            let (at, origin) = (at.display(), checkpoint.origin);
            return Err(
                Failure::usage(format!("another log: {at} is of {origin}")).hint(ANOTHER_DIRECTORY)
            );
        }
        let size = checkpoint.size;
        if size > self.note.size {
            let (there, here) = (show::counted(size, "record"), show::count(self.note.size));
            let text = format!(
                "{} is ahead of the store: {there} against {here}",
                at.display()
            );
            return Err(self.not_an_earlier_state(&note, text)?);
        }
        let books = &self.reading.books;
        let root = books.root_at(self.log, size);
        if root.map_err(|error| self.reading.failed(&error))? != checkpoint.root {
            let (at, records) = (at.display(), show::counted(size, "record"));
            let text =
                format!("{at} and the store are two histories: their roots over {records} differ");
            return Err(self.not_an_earlier_state(&note, text)?);
        }
        Ok(size)
    }

    /// If a key of the log signed it, the store is not what it was, and that is worth an exit code of its own.
    fn not_an_earlier_state(&self, note: &Note<'_>, text: String) -> Result<Failure, Failure> {
        let sets = self.reading.books.key_sets(self.log);
        let sets = sets.map_err(|error| self.reading.failed(&error))?;
        Ok(match sets.iter().any(|keys| keys.set.any_signed(note)) {
            true => Failure::new(Exit::Damaged, text).hint(
                "the log's own key signed it: the store may be an older copy, or another was written with its keys",
            ),
            false => {
                Failure::usage(text).hint("the log's key did not sign it; name another directory")
            }
        })
    }

    /// Without a checkpoint a directory may hold what an export left that was stopped, and nothing else.
    fn nothing_foreign(&self) -> Result<(), Failure> {
        for name in self
            .directory
            .names()
            .map_err(|error| self.failed(&error))?
        {
            let at = self.path.join(&name);
            let tile = Tile::parse(&name).filter(|tile| tile.leaves().end <= self.note.size);
            let Some(tile) = tile else {
                let text = format!("no part of this log: {}", at.display());
                return Err(Failure::usage(text).hint(ANOTHER_DIRECTORY));
            };
            let expected = self.tiles.bytes(&tile);
            let expected = expected.map_err(|error| self.reading.failed(&error))?;
            let there = self.directory.read(&name, expected.len());
            if there.map_err(|error| self.failed(&error))? != Some(expected) {
                return Err(differs(&at));
            }
        }
        Ok(())
    }

    /// All that the tree has now and had not at `before`.
    fn write(&mut self, before: u64) -> Result<Written, Failure> {
        let mut written = Written::default();
        for tile in Tile::since(before, self.note.size) {
            match tile.level() {
                // A bundle and the tile over it are read and checked together.
                Level::Entries => {
                    let block = self.tiles.block(tile.index());
                    let block = block.map_err(|error| self.reading.failed(&error))?;
                    let bundle = tile::encode_bundle(&block.entries);
                    written.bundles += self.add(&tile, &bundle)?;
                    let above = Tile::in_tree(Level::Hashes(0), tile.index(), self.note.size);
                    let above = above.expect("level 0 has a tile over every bundle");
                    written.tiles += self.add(&above, &tile::encode_hashes(&block.leaves))?;
                }
                Level::Hashes(0) => {}
                Level::Hashes(_) => {
                    let bytes = self.tiles.bytes(&tile);
                    let bytes = bytes.map_err(|error| self.reading.failed(&error))?;
                    written.tiles += self.add(&tile, &bytes)?;
                }
            }
        }
        Ok(written)
    }

    /// 1 if it was not there.
    fn add(&mut self, tile: &Tile, bytes: &[u8]) -> Result<u64, Failure> {
        let path = tile.path();
        match self.directory.add(&path, bytes) {
            Ok(Added::New) => Ok(1),
            Ok(Added::There) => Ok(0),
            Ok(Added::Differs) => Err(differs(&self.path.join(path))),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Everything else is durable: now the checkpoint may say so.
    fn publish(&mut self) -> Result<(), Failure> {
        let note = self.note.text.as_bytes();
        let there = self.directory.read(CHECKPOINT, note.len());
        if there.map_err(|error| self.failed(&error))?.as_deref() == Some(note) {
            return Ok(());
        }
        self.directory
            .replace(CHECKPOINT, note)
            .map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        say::file(self.path, error)
    }
}

const ANOTHER_DIRECTORY: &str =
    "name a directory that is new, empty or an earlier export of this log";

fn differs(at: &Path) -> Failure {
    Failure::usage(format!("differs from the log: {}", at.display()))
        .hint("it is not overwritten; name another directory")
}

fn in_use(path: &Path) -> Failure {
    Failure::new(
        Exit::Trouble,
        format!(
            "another process is writing to this directory: {}",
            path.display()
        ),
    )
    .hint("wait until it has finished")
}
