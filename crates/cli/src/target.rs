//! Where a command may write what it was asked for: neither into the store nor among the keys nor into what it reads.
//!
//! Paths are compared with symbolic links resolved, open files by device and inode. Knows nothing of what is written.

use crate::say::Failure;
use std::fs::{File, Metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Refuses a path that leads into one of these directories, each with what it holds.
pub fn check(path: &Path, closed: &[(&Path, &str)]) -> Result<(), Failure> {
    if path.is_symlink() && !path.exists() {
        return Err(Failure::usage(format!(
            "a link that leads nowhere: {}",
            path.display()
        )));
    }
    match closed
        .iter()
        .find(|(directory, _)| is_inside(path, directory))
    {
        Some((_, what)) => Err(
            Failure::usage(format!("lies inside {what}: {}", path.display()))
                .hint("nothing but what makes up the store belongs there; name a file elsewhere"),
        ),
        None => Ok(()),
    }
}

/// Whether one path lies in or is another.
pub fn is_inside(path: &Path, directory: &Path) -> bool {
    resolved(path).starts_with(resolved(directory))
}

/// The path without symbolic links, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut ancestors = absolute.ancestors();
    let found = ancestors.find_map(|here| Some((here, here.canonicalize().ok()?)));
    match found {
        Some((here, canonical)) if here == absolute => canonical,
        Some((here, canonical)) => canonical.join(absolute.strip_prefix(here).unwrap_or(&absolute)),
        None => absolute,
    }
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Of a regular file; a pipe or a device may well be read and written at once.
    pub fn of(metadata: &Metadata) -> Option<Identity> {
        metadata.is_file().then(|| Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// Of what standard input or output was turned to.
    pub fn of_stream(stream: impl AsFd) -> Option<Identity> {
        let file = File::from(stream.as_fd().try_clone_to_owned().ok()?);
        Identity::of(&file.metadata().ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_names_that_do_not_exist_yet_are_followed() {
        let bed = tempfile::tempdir().unwrap();
        let (store, link) = (bed.path().join("store"), bed.path().join("link"));
        std::fs::create_dir(&store).unwrap();
        std::os::unix::fs::symlink(&store, &link).unwrap();
        for (path, inside) in [
            ("store", true),
            ("store/new", true),
            ("link/new/deeper", true),
            ("store2/new", false),
            ("link/../new", false),
            ("new", false),
        ] {
            assert_eq!(is_inside(&bed.path().join(path), &store), inside, "{path}");
        }
    }
}
