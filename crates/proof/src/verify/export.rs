//! Verifies an export line by line, in memory bounded by the longest line (`docs/spec/export.md`, *Verifying*).
//!
//! Owns what is a line, and when nothing more is looked at. The order of the lines and the verdict are `reading`'s; the records have
//! their own module, which judges what comes while it passes: whether the entries or the heads are the truth is known
//! only at the end, so both are carried along as soon as they differ.

mod reading;
mod records;

use super::{Checked, Known, Report, WalkFile};
use crate::export::{Header, LineError};
use crate::find::split_after;
use crate::hash::Hasher;
use crate::limits::EXPORT_LINE_BYTES_MAX;
use crate::pin::Pin;
use crate::verdict::{Completeness, Integrity, Part};
use alloc::boxed::Box;
use alloc::vec::Vec;
use reading::Reading;

/// Judges a whole export by what is known beforehand.
#[must_use]
pub fn verify_export<'k>(export: &[u8], known: impl Into<Known<'k>>) -> Report {
    let mut verifier = ExportVerifier::new(known);
    verifier.feed(export);
    verifier.finish()
}

/// Judges an export that comes in pieces of any size. Holds at most one line and one block of entries.
#[derive(Debug)]
pub struct ExportVerifier {
    pin: Option<Pin>,
    walk: Option<Box<WalkFile>>,
    /// The beginning of a line whose LF has not come.
    pending: Vec<u8>,
    /// Whole lines that were taken.
    lines: u64,
    bytes: u64,
    /// Of all lines before the last.
    hasher: Hasher,
    /// The size whose root is wanted too.
    watched: Option<u64>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing was read yet.
    Fresh,
    /// The header was.
    Reading(Box<Reading>),
    /// What follows changes nothing.
    Refused(Box<Report>),
}

impl ExportVerifier {
    /// Nothing read yet.
    #[must_use]
    pub fn new<'k>(known: impl Into<Known<'k>>) -> ExportVerifier {
        let known = known.into();
        ExportVerifier {
            pin: known.pin.cloned(),
            walk: known.walk.cloned().map(Box::new),
            pending: Vec::new(),
            lines: 0,
            bytes: 0,
            hasher: Hasher::new(),
            watched: None,
            state: State::Fresh,
        }
    }

    /// Wants to know the root of the log's first `size` records too, where the export shows it: in
    /// [`Checked::tree_heads`], unless the signed root does not come out.
    #[must_use]
    pub fn watching(mut self, size: u64) -> ExportVerifier {
        self.watched = Some(size);
        self
    }

    /// Takes the next bytes. Whole lines are judged where they lie; only one that goes on in the next piece is copied.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let mut rest = bytes;
        while let Some((line, after)) = split_after(b'\n', rest)
            && !self.is_refused()
        {
            rest = after;
            if self.pending.is_empty() {
                self.take_line(line);
            } else {
                self.take_pending(line);
            }
        }
        if rest.is_empty() || self.is_refused() {
            return;
        }
        if self.is_read() || self.pending.len().saturating_add(rest.len()) > EXPORT_LINE_BYTES_MAX {
            self.refuse(LineError::Malformed);
        } else {
            self.pending.extend_from_slice(rest);
        }
    }

    /// Was something found after which nothing is looked at? Whoever feeds may stop.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.state, State::Refused(_))
    }

    /// The file has no more bytes: what does it prove?
    #[must_use]
    pub fn finish(mut self) -> Report {
        if !self.is_read() && !self.is_refused() {
            self.refuse(LineError::Malformed);
            let mut report = self.report();
            report.verdict.completeness = Completeness::EndsEarly;
            return report;
        }
        self.report()
    }

    /// A line with its LF that is whole only together with what came before it.
    fn take_pending(&mut self, end: &[u8]) {
        let mut line = core::mem::take(&mut self.pending);
        if line.len().saturating_add(end.len()) > EXPORT_LINE_BYTES_MAX + 1 {
            return self.refuse(LineError::Malformed);
        }
        line.extend_from_slice(end);
        self.take_line(&line);
        line.clear();
        self.pending = line;
    }

    /// A whole line with its LF.
    fn take_line(&mut self, line_and_end: &[u8]) {
        let line = line_and_end.strip_suffix(b"\n").unwrap_or(line_and_end);
        let result = match &mut self.state {
            _ if line.len() > EXPORT_LINE_BYTES_MAX => Err(LineError::Malformed),
            State::Fresh => Header::parse(line).map(|header| {
                self.state = State::Reading(Box::new(Reading::new(&header, self.watched)));
            }),
            State::Reading(reading) => {
                let known = Known {
                    pin: self.pin.as_ref(),
                    walk: self.walk.as_deref(),
                };
                reading.take_line(line, &known, &self.hasher)
            }
            State::Refused(_) => return,
        };
        match result {
            Ok(()) => {
                self.hasher.update(line_and_end);
                self.lines = self.lines.saturating_add(1);
            }
            Err(error) => self.refuse(error),
        }
    }

    /// The line that is due is wrong or missing.
    fn refuse(&mut self, error: LineError) {
        let integrity = match error {
            LineError::Malformed => Integrity::Malformed(Part::Line(self.lines.saturating_add(1))),
            LineError::Unsupported => Integrity::UnsupportedVersion,
        };
        let (expected, checked) = match &self.state {
            State::Reading(reading) => (reading.expected(), reading.checked()),
            State::Fresh | State::Refused(_) => ("the header of an export", Checked::default()),
        };
        let expected = (error == LineError::Malformed).then_some(expected);
        let report = Report::refused(integrity, expected, checked);
        self.state = State::Refused(Box::new(report));
    }

    /// Did all lines come?
    fn is_read(&self) -> bool {
        matches!(&self.state, State::Reading(reading) if reading.is_done())
    }

    fn report(self) -> Report {
        let mut report = match self.state {
            State::Reading(reading) => reading.report(self.lines),
            State::Refused(report) => *report,
            State::Fresh => Report::refused(Integrity::Unchecked, None, Checked::default()),
        };
        report.checked.bytes = self.bytes;
        report
    }
}
