//! A directory of tiles: what `export --tiles` wrote, or what somebody got from a web server, checked whole and offline.

use super::report::Report;
use super::trust::Trusted;
use crate::say::{self, Failure};
use crate::show;
use indelible_proof::limits::{NOTE_BYTES_MAX, TILE_WIDTH};
use indelible_proof::tile::Tile;
use indelible_proof::verify::{Checked, Site, verify_tiles};
use indelible_store::regular;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A full bundle, the longest file there is.
const FILE_BYTES_MAX: u64 = 34 * TILE_WIDTH;

/// What an export that was stopped leaves, and no reader looks at.
const BUILDING: &str = ".part";

/// Does it.
pub fn verify(path: &Path, trusted: &mut Trusted) -> Result<Report, Failure> {
    let metadata = fs::metadata(path).map_err(|error| say::file(path, &error))?;
    if !metadata.is_dir() {
        return Err(
            Failure::usage(format!("not a directory: {}", path.display()))
                .hint("it is what `indelible export --tiles DIR` wrote"),
        );
    }
    let began = Instant::now();
    let at = path.join("checkpoint");
    let most = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
    let note = read_up_to(&at, most).map_err(|error| say::file(&at, &error))?;
    let Some(note) = note else {
        return Err(
            Failure::usage(format!("no checkpoint in it: {}", path.display()))
                .hint("a directory that an export was stopped in has none; give the export again"),
        );
    };
    let mut directory = Directory {
        path,
        failed: path.to_owned(),
        files: 1,
    };
    let watched = trusted.remembered_size();
    let judged = verify_tiles(&note, &mut directory, trusted.known(), watched)
        .map_err(|error| say::file(&directory.failed, &error))?;
    let mut unchecked = vec!["heads and events: tiles hold digests only".to_owned()];
    if let Some((size, _)) = judged.checked.checkpoint {
        let others = Others::of(path, size).map_err(|error| say::file(path, &error))?;
        unchecked.extend(others.told());
        let size = show::counted(size, "record");
        unchecked.push(format!("what the log recorded after its first {size}"));
    }
    let (elapsed, checked) = (began.elapsed(), sentences(&judged.checked, &directory));
    let report = super::file::describe("tiles", path, judged, trusted, unchecked, elapsed)?;
    Ok(Report { checked, ..report })
}

fn sentences(checked: &Checked, directory: &Directory<'_>) -> Vec<String> {
    let tree = checked.checkpoint.map(|(size, root)| {
        let records = show::counted(size, "record");
        format!("the tree of {records}, root {}", show::short(&root))
    });
    let read = format!(
        "{} in {}, {}",
        show::counted(checked.entries, "entry"),
        show::counted(directory.files, "file"),
        show::bytes(checked.bytes)
    );
    checked
        .origin
        .iter()
        .cloned()
        .chain(tree)
        .chain([read])
        .collect()
}

/// Bytes of a file, or one more than `most` of them. `None`: there is none.
fn read_up_to(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match regular::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

struct Directory<'a> {
    path: &'a Path,
    /// The file that could not be read.
    failed: PathBuf,
    /// Files read.
    files: u64,
}

impl Site for Directory<'_> {
    type Error = io::Error;

    fn read(&mut self, tile: &Tile) -> io::Result<Option<Vec<u8>>> {
        let path = self.path.join(tile.path());
        let read = read_up_to(&path, FILE_BYTES_MAX);
        self.failed = path;
        self.files += u64::from(matches!(read, Ok(Some(_))));
        read
    }

    fn narrower(&mut self, tile: &Tile) -> io::Result<Vec<Tile>> {
        let path = tile.path();
        let full = path.rsplit_once(".p/").map_or(&*path, |(full, _)| full);
        let partial = format!("{full}.p");
        self.failed = self.path.join(&partial);
        let names = match fs::read_dir(&self.failed) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names?,
        };
        let mut tiles = Vec::new();
        for entry in names {
            let name = entry?.file_name();
            let tile_of = |name: &str| Tile::parse(&format!("{partial}/{name}"));
            tiles.extend(name.to_str().and_then(tile_of));
        }
        tiles.retain(|one| one.width() < tile.width());
        tiles.sort();
        Ok(tiles)
    }
}

/// What lies there and is no part of the tree of the checkpoint.
#[derive(Default)]
struct Others {
    /// Tiles and bundles of a larger tree.
    beyond: u64,
    /// Anything else.
    foreign: u64,
}

impl Others {
    fn of(directory: &Path, size: u64) -> io::Result<Others> {
        let mut others = Others::default();
        let mut left = vec![(directory.to_owned(), String::new())];
        while let Some((at, prefix)) = left.pop() {
            for entry in fs::read_dir(&at)? {
                let entry = entry?;
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                match entry.file_type()?.is_dir() {
                    true if name == BUILDING => others.foreign += 1,
                    true => left.push((entry.path(), format!("{name}/"))),
                    false => others.file(&name, size),
                }
            }
        }
        Ok(others)
    }

    fn file(&mut self, name: &str, size: u64) {
        match Tile::parse(name) {
            _ if name == "checkpoint" => {}
            None => self.foreign += 1,
            Some(tile) if tile.leaves().end > size => self.beyond += 1,
            Some(_) => {}
        }
    }

    fn told(&self) -> impl Iterator<Item = String> {
        let beyond = (self.beyond > 0).then(|| {
            let files = show::counted(self.beyond, "file");
            format!("{files} of a larger tree than the checkpoint's")
        });
        let foreign = (self.foreign > 0).then(|| {
            let files = show::counted(self.foreign, "file");
            format!("{files} beside tiles, bundles and checkpoint")
        });
        beyond.into_iter().chain(foreign)
    }
}
