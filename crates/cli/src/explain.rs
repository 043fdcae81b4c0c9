//! What every exit code, verdict and refusal means, what can have caused it, and what to do now: one table.
//!
//! Written for somebody who is woken by it. Owns the table and finding a text in it; `commands/explain.rs` prints. Tests hold it against
//! `docs/spec/verdicts.md`, the axes' enums, the exit codes and the errors of the lower crates, so that none is missing.

mod codes;
mod integrity;
mod node;
mod refusals;
mod resent;
mod verdicts;

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// What the shell sees.
    ExitCode,
    /// The five axes of a verdict.
    Integrity,
    /// See [`On::Integrity`].
    Authenticity,
    /// See [`On::Integrity`].
    Consistency,
    /// See [`On::Integrity`].
    Witnesses,
    /// See [`On::Integrity`].
    Completeness,
    /// The word in `log fault(SEQ, RULE)`.
    Rule,
    /// What a command says when it does not do what was asked.
    Refusal,
}

impl On {
    /// As it is shown, and as it stands before a verdict's value.
    pub fn name(self) -> &'static str {
        match self {
            On::ExitCode => "exit code",
            On::Integrity => "integrity",
            On::Authenticity => "authenticity",
            On::Consistency => "consistency",
            On::Witnesses => "witnesses",
            On::Completeness => "completeness",
            On::Rule => "log fault rule",
            On::Refusal => "refusal",
        }
    }
}

/// All of them, in the order of the listing.
pub const ALL_ON: [On; 8] = [
    On::ExitCode,
    On::Integrity,
    On::Authenticity,
    On::Consistency,
    On::Witnesses,
    On::Completeness,
    On::Rule,
    On::Refusal,
];

/// One text and what is to be known about it.
#[derive(Debug)]
pub struct Entry {
    /// Where it stands.
    pub on: On,
    /// The text. A word in capitals stands for whatever stands there.
    pub says: &'static str,
    /// The exit code it gives by itself.
    pub exit: u8,
    /// What it means.
    pub means: &'static str,
    /// What can have caused it, the likeliest first.
    pub causes: &'static [&'static str],
    /// What to do now, in order.
    pub now: &'static [&'static str],
}

/// Every entry.
pub fn table() -> impl Iterator<Item = &'static Entry> {
    codes::CODES
        .iter()
        .chain(integrity::INTEGRITY)
        .chain(verdicts::OTHER_AXES)
        .chain(verdicts::RULES)
        .chain(refusals::REFUSALS)
        .chain(resent::RESENT)
        .chain(node::NODE)
}

/// The entries that a text is: on each axis the one that fits best, or, if none is, those that begin with it or speak of it.
pub fn find(text: &str) -> Vec<&'static Entry> {
    let text = text.trim();
    let (on, text) = axis(text);
    let asked = |entry: &&Entry| on.is_none_or(|on| entry.on == on);
    let mut found: Vec<&'static Entry> = Vec::new();
    for on in ALL_ON {
        let fitting = table()
            .filter(asked)
            .filter(|entry| entry.on == on && entry.fits(text));
        found.extend(fitting.max_by_key(|entry| entry.letters()));
    }
    if found.is_empty() {
        let lower = text.to_lowercase();
        let begins = |entry: &&Entry| entry.says.to_lowercase().starts_with(&lower);
        found = table().filter(asked).filter(begins).collect();
        if found.is_empty() && lower.len() > 2 {
            let speaks = |entry: &&Entry| entry.says.to_lowercase().contains(&lower);
            found = table().filter(asked).filter(speaks).collect();
        }
    }
    found
}

/// Cuts off what stands before a text where it is printed: an axis, or the label of a message.
fn axis(text: &str) -> (Option<On>, &str) {
    for on in ALL_ON {
        let rest = text
            .strip_prefix(on.name())
            .map(|rest| rest.trim_start_matches(':'));
        if let Some(rest) = rest.filter(|rest| rest.starts_with(' ')) {
            return (Some(on), rest.trim());
        }
    }
    let rest = text
        .strip_prefix("error: ")
        .or_else(|| text.strip_prefix("warning: "));
    (None, rest.unwrap_or(text))
}

impl Entry {
    /// Whether a printed text is this one. Behind a refusal anything may follow: a place, a path, a cause.
    fn fits(&self, text: &str) -> bool {
        let mut parts: Vec<&str> = literal_parts(self.says);
        if self.on == On::Refusal {
            parts.push("");
        }
        let Some((first, later)) = parts.split_first() else {
            return false;
        };
        let Some(mut rest) = text.strip_prefix(*first) else {
            return false;
        };
        let Some((last, between)) = later.split_last() else {
            return rest.is_empty();
        };
        for part in between {
            let Some(at) = rest.find(part) else {
                return false;
            };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
        rest.ends_with(last)
    }

    /// How much of it is fixed: of two that fit a text the more exact one is meant.
    fn letters(&self) -> usize {
        literal_parts(self.says).iter().map(|part| part.len()).sum()
    }
}

/// What stands between the words in capitals. `FORMAT` is a file, `JSON` and `ML-DSA` are names.
fn literal_parts(says: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(rest) = says.get(at..).filter(|rest| !rest.is_empty()) {
        let capitals = rest.bytes().take_while(u8::is_ascii_uppercase).count();
        let word = rest.get(..capitals).unwrap_or_default();
        if capitals > 0 && !["FORMAT", "JSON"].contains(&word) {
            parts.push(says.get(start..at).unwrap_or_default());
            start = at + capitals;
        }
        let step = rest.chars().next().map_or(1, char::len_utf8);
        at += capitals.max(step);
    }
    parts.push(says.get(start..).unwrap_or_default());
    parts
}

#[cfg(test)]
mod tests;
