//! The `FORMAT` file: what this directory is, bound to its own inode.
//!
//! Owns its text. Promises that a file which differs in one byte from what it would write is refused. Knows nothing of
//! where it lies; inode and birth time come in as values.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::limits::{BLOCK, ORIGIN_MAX, TAIL_SIZE_MAX, TAIL_SIZE_MIN};
use crate::names::{digest, hex};

const FIRST_LINE: &str = "indelible-store v1";

/// All of `FORMAT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) store_id: [u8; 16],
    pub(crate) node_id: [u8; 16],
    pub(crate) origin: String,
    pub(crate) created: String,
    pub(crate) tail_size: u64,
    /// A bit set here that we don't know: we can't read the store.
    pub(crate) incompatible: u64,
    /// A bit set here that we don't know: we can't write to it.
    pub(crate) read_only: u64,
    pub(crate) volatile: bool,
    pub(crate) keys: Option<PathBuf>,
    pub(crate) register: Option<PathBuf>,
    pub(crate) identity: Identity,
}

/// What ties a `FORMAT` file to the place it was made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) inode: u64,
    /// Seconds and nanoseconds since 1970, where the file system keeps a birth time.
    pub(crate) born: Option<(u64, u32)>,
}

/// Why a text isn't a `FORMAT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormatFault {
    /// A first line of another version.
    Version,
    /// A feature this program doesn't know.
    Incompatible,
    /// Anything else.
    Damaged,
}

impl Format {
    /// The text, checksum line included.
    pub(crate) fn render(&self) -> String {
        let mut text = self.render_signed();
        let digest = digest(text.as_bytes());
        writeln!(text, "sha256 {digest}").expect("writing to a string");
        text
    }

    fn render_signed(&self) -> String {
        let lines = [
            FIRST_LINE.to_owned(),
            format!("store {}", hex(&self.store_id)),
            format!("node {}", hex(&self.node_id)),
            format!("origin {}", self.origin),
            format!("created {}", self.created),
            format!("block {BLOCK}"),
            format!("tail-size {}", self.tail_size),
            format!("incompatible {}", self.incompatible),
            format!("read-only {}", self.read_only),
            format!("volatile {}", if self.volatile { "yes" } else { "no" }),
            format!("keys {}", render_path(self.keys.as_deref())),
            format!("register {}", render_path(self.register.as_deref())),
            format!("inode {}", self.identity.inode),
            format!("born {}", self.identity.render_born()),
        ];
        lines
            .iter()
            .fold(String::new(), |text, line| text + line + "\n")
    }

    /// Accepts exactly what [`render`](Self::render) gives.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, FormatFault> {
        let text = std::str::from_utf8(bytes).map_err(|_| FormatFault::Damaged)?;
        match text.lines().next() {
            Some(FIRST_LINE) => {}
            // Every version ends with its digest, so that one turned bit is never taken for another version.
            Some(line) if is_another_version(line) && is_whole(text) => {
                return Err(FormatFault::Version);
            }
            _ => return Err(FormatFault::Damaged),
        }
        // Reading is lax, since writing what was read must give the same bytes again.
        let format = Self::read(text).ok_or(FormatFault::Damaged)?;
        if format.render() != text || !format.within_limits() {
            return Err(FormatFault::Damaged);
        }
        if format.incompatible != 0 {
            return Err(FormatFault::Incompatible);
        }
        Ok(format)
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines().skip(1);
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let store_id = unhex(field("store")?)?;
        let node_id = unhex(field("node")?)?;
        let origin = field("origin")?.to_owned();
        let created = field("created")?.to_owned();
        field("block")?;
        let tail_size = field("tail-size")?.parse().ok()?;
        let incompatible = field("incompatible")?.parse().ok()?;
        let read_only = field("read-only")?.parse().ok()?;
        let volatile = field("volatile")? == "yes";
        let keys = parse_path(field("keys")?)?;
        let register = parse_path(field("register")?)?;
        let inode = field("inode")?.parse().ok()?;
        let born = parse_born(field("born")?)?;
        let identity = Identity { inode, born };
        Some(Self {
            store_id,
            node_id,
            origin,
            created,
            tail_size,
            incompatible,
            read_only,
            volatile,
            keys,
            register,
            identity,
        })
    }

    /// The bounds that `create` refuses and a well-formed file keeps.
    pub(crate) fn within_limits(&self) -> bool {
        let printable =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        printable(&self.origin)
            && self.origin.len() <= ORIGIN_MAX
            && printable(&self.created)
            && self.created.len() <= 64
            && tail_size_allowed(self.tail_size)
    }
}

/// `indelible-store v` and a number as it is written: not zero, no zeros before it.
fn is_another_version(line: &str) -> bool {
    line.strip_prefix("indelible-store v")
        .is_some_and(|number| {
            number.bytes().all(|byte| byte.is_ascii_digit())
                && (number == "0" || number.starts_with(|first: char| first != '0'))
        })
}

/// Whether the last line is the digest of all before it.
fn is_whole(text: &str) -> bool {
    text.rsplit_once("sha256 ")
        .is_some_and(|(before, last)| last.strip_suffix('\n') == Some(&digest(before.as_bytes())))
}

/// A multiple of the block between the two bounds.
pub(crate) fn tail_size_allowed(size: u64) -> bool {
    (TAIL_SIZE_MIN..=TAIL_SIZE_MAX).contains(&size) && size.is_multiple_of(BLOCK)
}

impl Identity {
    fn render_born(&self) -> String {
        self.born
            .map_or("unknown".to_owned(), |(seconds, nanoseconds)| {
                format!("{seconds}.{nanoseconds:09}")
            })
    }
}

fn parse_born(text: &str) -> Option<Option<(u64, u32)>> {
    if text == "unknown" {
        return Some(None);
    }
    let (seconds, nanoseconds) = text.split_once('.')?;
    Some(Some((seconds.parse().ok()?, nanoseconds.parse().ok()?)))
}

/// Absolute, so it can't be mistaken for the word `none`.
fn render_path(path: Option<&Path>) -> String {
    let Some(path) = path else {
        return "none".to_owned();
    };
    let mut text = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if (0x21..0x7f).contains(&byte) && byte != b'%' {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a string");
        }
    }
    text
}

fn parse_path(text: &str) -> Option<Option<PathBuf>> {
    if text == "none" {
        return Some(None);
    }
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if next == '%' {
            bytes.push(u8::from_str_radix(rest.get(1..3)?, 16).ok()?);
            rest = rest.get(3..)?;
        } else {
            bytes.push(u8::try_from(next).ok()?);
            rest = rest.get(1..)?;
        }
    }
    let path = PathBuf::from(OsString::from_vec(bytes));
    path.is_absolute().then_some(Some(path))
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 16];
    for (position, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(position * 2..position * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
