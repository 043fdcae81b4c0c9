//! Standard output: where the answer of a command goes, and what happens when nobody reads it any more.
//!
//! Messages about a run go to standard error; what was asked for goes here. Owns the decisions *is this a terminal* and *may it be
//! coloured*.

use crate::exit::Exit;
use crate::say::{self, Failure};
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

/// Buffered standard output.
pub struct Output {
    inner: BufWriter<Stdout>,
    style: Style,
    is_terminal: bool,
}

impl Output {
    /// Takes standard output.
    pub fn new() -> Output {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        Output {
            inner: BufWriter::with_capacity(64 << 10, stdout),
            style: Style::for_terminal(is_terminal),
            is_terminal,
        }
    }

    /// How to colour what goes here.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Writes a line.
    pub fn line(&mut self, line: impl fmt::Display) -> Result<(), Failure> {
        writeln!(self.inner, "{line}").map_err(|error| failed(&error))
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.inner.write_all(bytes).map_err(|error| failed(&error))
    }

    /// Writes a line of evidence: exactly its bytes, except that on a terminal, where they could pass for something else, control
    /// and direction characters are shown as the JSON escapes that mean the same.
    pub fn evidence(&mut self, line: &[u8]) -> Result<(), Failure> {
        match std::str::from_utf8(line) {
            Ok(text) if self.is_terminal => self.line(escape_for_terminal(text)),
            _ => self.bytes(line).and_then(|()| self.bytes(b"\n")),
        }
    }

    /// Hands everything on.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.inner.flush().map_err(|error| failed(&error))
    }
}

/// What a failed write to standard output means.
pub fn failed(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::silent(Exit::PipeClosed),
        _ => Failure::new(
            Exit::Trouble,
            format!("standard output can't be written: {}", say::plain(error)),
        ),
    }
}

/// Shows characters that a terminal would act on, or that reorder what stands beside them, as JSON escapes.
pub fn escape_for_terminal(text: &str) -> String {
    escape(text, |char| !matches!(char, '\n' | '\t'))
}

/// A text that comes from outside, such as a file's name, as part of a line of ours: line ends and tabs are escaped as well, so that
/// nothing in it passes for another line, wherever the line goes.
pub fn one_line(text: impl fmt::Display) -> String {
    escape(&text.to_string(), |_| true)
}

/// Whether a reader would not see this character as one.
pub fn misleads(char: char) -> bool {
    char.is_control() || is_invisible(char)
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if misleads(char) && is_escaped(char) {
            let mut units = [0; 2];
            for unit in char.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(char);
        }
    }
    out
}

/// Direction marks, embeddings and isolates (UAX #9), line and paragraph separators, zero-width characters, tags.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    on: bool,
}

impl Style {
    /// Colours for a terminal, unless NO_COLOR (no-color.org) or a dumb terminal speaks against it.
    pub fn for_terminal(is_terminal: bool) -> Style {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Style {
            on: is_terminal && !forbidden && !dumb,
        }
    }

    /// Standard error's.
    pub fn stderr() -> Style {
        Style::for_terminal(io::stderr().is_terminal())
    }

    /// Whether there are any.
    pub fn is_on(self) -> bool {
        self.on
    }

    /// Weighty.
    pub fn bold(self, text: impl fmt::Display) -> String {
        self.paint("1", text)
    }

    /// Beside the point.
    pub fn dim(self, text: impl fmt::Display) -> String {
        self.paint("2", text)
    }

    /// In order.
    pub fn good(self, text: impl fmt::Display) -> String {
        self.paint("32", text)
    }

    /// Wrong.
    pub fn bad(self, text: impl fmt::Display) -> String {
        self.paint("1;31", text)
    }

    /// In doubt.
    pub fn doubtful(self, text: impl fmt::Display) -> String {
        self.paint("33", text)
    }

    fn paint(self, code: &str, text: impl fmt::Display) -> String {
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_shown_as_json_escapes() {
        assert_eq!(
            escape_for_terminal("{\"a\":\"é\u{9b}31m\u{202e}\u{7f}\u{e0041}\"}"),
            "{\"a\":\"é\\u009b31m\\u202e\\u007f\\udb40\\udc41\"}"
        );
    }

    #[test]
    fn a_text_from_outside_stays_on_its_line() {
        assert_eq!(
            one_line("a\nverified: b\t\r\u{1b}[2J\u{2066}é"),
            "a\\u000averified: b\\u0009\\u000d\\u001b[2J\\u2066é"
        );
    }

    #[test]
    fn nothing_is_coloured_that_is_not_on_a_terminal() {
        assert_eq!(Style::for_terminal(false).bad("x"), "x");
    }
}
