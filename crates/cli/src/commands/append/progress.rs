//! The bar on a terminal: what is on disk so far.

use super::answers::Recorded;
use crate::output::Style;
use crate::show;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal as _, stderr};

/// A bar, or nothing where nobody watches.
pub struct Progress(ProgressBar);

impl Progress {
    /// For so many bytes of input, where that is known.
    pub fn new(length: Option<u64>) -> Progress {
        if !stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let bar = match length {
            Some(length) => ProgressBar::new(length),
            None => ProgressBar::no_length(),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr());
        let colour = if Style::stderr().is_on() { ".cyan" } else { "" };
        let template = match length {
            Some(_) => format!("{{bar:30{colour}}} {{percent:>3}} %  {{msg}}  {{elapsed}}"),
            None => "{msg}  {elapsed}".to_owned(),
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Progress(bar)
    }

    /// So much is on disk.
    pub fn at(&self, recorded: &Recorded) {
        if self.0.is_hidden() {
            return;
        }
        self.0.set_position(recorded.bytes);
        self.0.set_message(show::counted(recorded.events, "event"));
    }

    /// Leaves the terminal as it was.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
