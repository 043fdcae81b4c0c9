//! Reads the input in whole lines, as they come: a pipe that pauses between two lines holds nothing back.

use super::belt::{Belt, Lines};
use crate::say::{self, Failure};
use crate::target::Identity;
use indelible_proof::limits::EVENT_RECEIVED_BYTES_MAX;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// One read: a few hundred events, so that a chunk is worth a turn and many are on the way.
const READ_BYTES: usize = 256 << 10;

/// What is read, opened but not begun.
pub struct Input {
    source: Box<dyn Read + Send>,
    /// Of a file.
    length: Option<u64>,
    /// Of a file.
    identity: Option<Identity>,
    one: bool,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub fn open(path: &Path, one: bool) -> Result<Input, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Input {
                source: Box::new(io::stdin()),
                length: None,
                identity: Identity::of_stream(io::stdin()),
                one,
            });
        }
        let file = File::open(path).map_err(|error| say::file(path, &error))?;
        let metadata = file.metadata().map_err(|error| say::file(path, &error))?;
        if metadata.is_dir() {
            return Err(Failure::usage(format!(
                "{}: is a directory",
                path.display()
            )));
        }
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Input {
            source: Box::new(file),
            length,
            identity: Identity::of(&metadata),
            one,
        })
    }

    /// Bytes, where they are known.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Which file it is, if it is one.
    pub fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// Reads on a thread of its own. Nobody joins it: it may wait for a terminal or a pipe until the process ends.
    pub fn start(self, belt: Arc<Belt>) {
        std::thread::spawn(move || {
            let Input { source, one, .. } = self;
            let mut reader = Reader {
                source,
                belt,
                line: 1,
                event: 0,
                order: 0,
                buffer: Vec::new(),
            };
            let read = if one { reader.one() } else { reader.lines() };
            let failed = read.err().map(|error| (reader.line, error));
            reader.belt.end(failed);
        });
    }
}

struct Reader {
    source: Box<dyn Read + Send>,
    belt: Arc<Belt>,
    /// Number of the line that begins in `buffer`.
    line: u64,
    /// Events put on the belt.
    event: u64,
    order: u64,
    /// Bytes read and not yet put on the belt: less than a line.
    buffer: Vec<u8>,
}

impl Reader {
    fn one(&mut self) -> io::Result<()> {
        while self.fill()? > 0 {
            if self.buffer.len() > EVENT_RECEIVED_BYTES_MAX {
                self.put(Lines::TooLong);
                return Ok(());
            }
        }
        let bytes = std::mem::take(&mut self.buffer);
        self.put(Lines::One(bytes));
        Ok(())
    }

    fn lines(&mut self) -> io::Result<()> {
        loop {
            let before = self.buffer.len();
            if self.fill()? == 0 {
                let last = std::mem::take(&mut self.buffer);
                if !last.is_empty() {
                    self.put(Lines::Several(last));
                }
                return Ok(());
            }
            let new = self.buffer.get(before..).unwrap_or_default();
            if let Some(place) = new.iter().rposition(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(before + place + 1);
                let lines = std::mem::replace(&mut self.buffer, rest);
                if !self.put(Lines::Several(lines)) {
                    return Ok(());
                }
            } else if self.buffer.len() > EVENT_RECEIVED_BYTES_MAX && !self.pass_over()? {
                return Ok(());
            }
        }
    }

    /// Reads on to the end of a line that is too long, without keeping it. `false`: the input or the run ended.
    fn pass_over(&mut self) -> io::Result<bool> {
        if !self.put(Lines::TooLong) {
            return Ok(false);
        }
        loop {
            self.buffer.clear();
            if self.fill()? == 0 {
                return Ok(false);
            }
            if let Some(place) = self.buffer.iter().position(|byte| *byte == b'\n') {
                self.buffer.drain(..=place);
                return Ok(true);
            }
        }
    }

    /// Reads once. 0: the input's end.
    fn fill(&mut self) -> io::Result<usize> {
        let before = self.buffer.len();
        self.buffer.resize(before + READ_BYTES, 0);
        let read = loop {
            match self
                .source
                .read(self.buffer.get_mut(before..).unwrap_or_default())
            {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(before + *read.as_ref().unwrap_or(&0));
        read
    }

    fn put(&mut self, lines: Lines) -> bool {
        let first = (self.line, self.event);
        self.event += lines.events();
        self.line += match &lines {
            Lines::Several(bytes) => {
                u64::try_from(bytes.iter().filter(|byte| **byte == b'\n').count())
                    .unwrap_or(u64::MAX)
            }
            Lines::One(_) | Lines::TooLong => 1,
        };
        let order = self.order;
        self.order += 1;
        self.belt.put(order, first, lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Gives what it has in portions, as a pipe does.
    struct Portions(VecDeque<io::Cursor<Vec<u8>>>);

    impl Read for Portions {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            while let Some(portion) = self.0.front_mut() {
                match portion.read(into)? {
                    0 => self.0.pop_front(),
                    read => return Ok(read),
                };
            }
            Ok(0)
        }
    }

    fn read(portions: &[&[u8]], one: bool) -> Vec<(u64, Vec<u8>)> {
        let portions = Portions(
            portions
                .iter()
                .map(|portion| io::Cursor::new(portion.to_vec()))
                .collect(),
        );
        let belt = Arc::new(Belt::new(false));
        Input {
            source: Box::new(portions),
            length: None,
            identity: None,
            one,
        }
        .start(Arc::clone(&belt));
        let mut chunks = Vec::new();
        while let Some(chunk) = belt.take() {
            let bytes = match chunk.lines {
                Lines::Several(bytes) | Lines::One(bytes) => bytes,
                Lines::TooLong => b"too long".to_vec(),
            };
            chunks.push((chunk.first_line, bytes));
        }
        chunks
    }

    #[test]
    fn lines_are_put_on_as_soon_as_they_are_whole() {
        let chunks = read(&[b"{}\n{", b"}\n", b"{}", b"\n{}\n{}"], false);
        let expected: [(u64, &[u8]); 4] =
            [(1, b"{}\n"), (2, b"{}\n"), (3, b"{}\n{}\n"), (5, b"{}")];
        assert_eq!(chunks, expected.map(|(line, bytes)| (line, bytes.to_vec())));
    }

    #[test]
    fn one_event_may_have_many_lines() {
        assert_eq!(read(&[b"{\n", b"}\n"], true), [(1, b"{\n}\n".to_vec())]);
    }

    #[test]
    fn a_line_longer_than_any_event_is_passed_over_and_counted() {
        let long = vec![b' '; EVENT_RECEIVED_BYTES_MAX + 2];
        let chunks = read(&[b"{}\n", &long, b" \n{}\n"], false);
        assert_eq!(
            chunks,
            [
                (1, b"{}\n".to_vec()),
                (2, b"too long".to_vec()),
                (3, b"{}\n".to_vec())
            ]
        );
    }
}
