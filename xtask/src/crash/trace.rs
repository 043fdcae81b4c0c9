//! What a watched program did: the log that `shim.c` writes, read back.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// What a call does to files; the numbers are those of `enum kind` in `shim.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Reads, looks, locks.
    Other,
    /// Opens what is there.
    Open,
    /// Opens what was not there.
    Create,
    Write,
    Sync,
    Rename,
    Unlink,
    MakeDirectory,
    Mode,
    Truncate,
    /// Bytes for whoever reads the program's output, noted before they leave.
    Said,
    /// Here the chosen call met its fate.
    Fate,
}

const KINDS: [Kind; 12] = [
    Kind::Other,
    Kind::Open,
    Kind::Create,
    Kind::Write,
    Kind::Sync,
    Kind::Rename,
    Kind::Unlink,
    Kind::MakeDirectory,
    Kind::Mode,
    Kind::Truncate,
    Kind::Said,
    Kind::Fate,
];

impl Kind {
    /// Whether the call can change what is on the disk.
    pub fn changes(self) -> bool {
        !matches!(self, Kind::Other | Kind::Open | Kind::Said | Kind::Fate)
    }
}

/// One call, in the order in which they were done.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kind: Kind,
    /// The system call's name.
    pub call: String,
    /// Relative to the watched directory, which is `.`.
    pub path: String,
    /// The new name of a rename.
    pub second: String,
    /// What the kernel gave.
    pub result: i64,
    /// Where a write begins; the length to cut to.
    pub offset: u64,
    /// What was written, where the log has bytes.
    pub bytes: Vec<u8>,
}

impl Entry {
    /// The path with every number in it replaced by `#`, as `role_of` in `shim.c` does it: what part the file plays.
    pub fn role(&self) -> String {
        role_of(&self.path)
    }
}

pub fn role_of(path: &str) -> String {
    let mut role = String::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(is_hex).len();
        let (taken, after) = rest.split_at(run.max(first.len_utf8()));
        if taken.contains(|letter: char| letter.is_ascii_digit()) {
            role.push('#');
        } else {
            role.push_str(taken);
        }
        rest = after;
    }
    role
}

fn is_hex(letter: char) -> bool {
    matches!(letter, '0'..='9' | 'a'..='f')
}

/// Reads a log. A log that ends in the middle of an entry is that of a program that was killed there.
pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let log = std::fs::read(path).with_context(|| path.display().to_string())?;
    let mut rest = log.as_slice();
    let mut entries = Vec::new();
    while let Some(entry) = next(&mut rest)? {
        entries.push(entry);
    }
    Ok(entries)
}

fn next(rest: &mut &[u8]) -> Result<Option<Entry>> {
    let mut at = *rest;
    let Some(head) = numbers(&mut at) else {
        return Ok(None);
    };
    let [kind, call, path, second] = head.small;
    let (Some(call), Some(path), Some(second), Some(bytes)) = (
        text(&mut at, call),
        text(&mut at, path),
        text(&mut at, second),
        take(&mut at, usize::try_from(head.length)?),
    ) else {
        return Ok(None);
    };
    let kind = usize::try_from(kind)
        .ok()
        .and_then(|kind| KINDS.get(kind).copied());
    // The program did something with files of which we would not know whether it is safe.
    ensure!(
        kind.is_some(),
        "the program made a call that xtask/src/crash/shim.c does not know: {call}"
    );
    *rest = at;
    Ok(kind.map(|kind| Entry {
        kind,
        call,
        path,
        second,
        result: head.result,
        offset: head.offset,
        bytes: bytes.to_vec(),
    }))
}

/// The numbers of `struct entry` in `shim.c`.
struct Head {
    small: [u32; 4],
    result: i64,
    offset: u64,
    length: u64,
}

fn numbers(rest: &mut &[u8]) -> Option<Head> {
    let mut at = *rest;
    let mut small = [0; 4];
    for number in &mut small {
        *number = u32::from_ne_bytes(array(&mut at)?);
    }
    let head = Head {
        small,
        result: i64::from_ne_bytes(array(&mut at)?),
        offset: u64::from_ne_bytes(array(&mut at)?),
        length: u64::from_ne_bytes(array(&mut at)?),
    };
    *rest = at;
    Some(head)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (first, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(first)
}

fn text(rest: &mut &[u8], length: u32) -> Option<String> {
    let bytes = take(rest, usize::try_from(length).ok()?)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// The whole lines that a program gave to whoever reads its output.
pub fn lines_said(entries: &[&Entry]) -> Vec<String> {
    let said = entries.iter().filter(|entry| entry.kind == Kind::Said);
    let bytes: Vec<u8> = said.flat_map(|entry| entry.bytes.clone()).collect();
    let text = String::from_utf8_lossy(&bytes);
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    whole.map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_the_path_without_its_numbers() {
        for (path, role) in [
            ("s/tail/000000000012", "s/tail/#"),
            (
                "s/build/0-000000000000-000000000036.ent",
                "s/build/#-#-#.ent",
            ),
            ("s/quarantine/000000000003-0a1b", "s/quarantine/#-#"),
            ("s/sealed", "s/sealed"),
            ("s.keys/node-secret.next", "s.keys/node-secret.next"),
            (".", "."),
        ] {
            assert_eq!(role_of(path), role);
        }
    }
}
