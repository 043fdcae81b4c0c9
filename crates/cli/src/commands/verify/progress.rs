//! The bar on a terminal: how far the verification is, and how fast.

use crate::show;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal as _, stderr};
use std::time::Instant;

/// A bar, or nothing where nobody watches.
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
}

impl Progress {
    /// For so many bytes to read, where that is known.
    pub fn new(length: Option<u64>) -> Progress {
        let bar = match length {
            _ if !stderr().is_terminal() => ProgressBar::hidden(),
            Some(length) => ProgressBar::new(length),
            None => ProgressBar::no_length(),
        };
        if !bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let template = if length.is_some() {
            "{bar:30} {percent:>3} %  {msg}  {elapsed}"
        } else {
            "{msg}  {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Progress {
            bar,
            began: Instant::now(),
        }
    }

    /// So many bytes were read, so many hashed.
    pub fn at(&self, read: u64, hashed: u64) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_position(read);
        self.bar.set_message(format!(
            "{}, {}",
            show::bytes(hashed),
            show::gigabytes_per_second(hashed, self.began.elapsed())
        ));
    }

    /// Leaves the terminal as it was.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
