//! Record lines, each judged alone and then in its place, for files that hold many of them: exports and the records of a batch
//! receipt (`docs/spec/export.md`, step 3). Does not know where the tree's truth comes from.

use super::head::{Before, HeadFault, order_fault, parse, place_fault};
use crate::event::EventReader;
use crate::hash::{self, Hash};
use crate::head::Kind;
use crate::record::{Content, Record, Salt};
use crate::time::Time;
use crate::tree::subtree::Span;
use crate::verdict::{Integrity, Rule, Seqs};

/// One record's line, as far as it can be judged alone.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) entry: Hash,
    pub(super) head: Result<Placed, HeadFault>,
    content: ContentFault,
}

/// What the record after needs of a head, and what it says of the record before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) kind: Kind,
    prev: Hash,
    pub(super) time: Time,
    /// The first rule it breaks by itself.
    fault: Option<Rule>,
}

/// What is wrong with salt and event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContentFault {
    None,
    /// They are not what the head commits to.
    Altered,
    /// The head commits to an event that breaks the profile.
    Profile,
}

/// One reading of the tree, and what is wrong if it is the truth.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) span: Span,
    before: Before,
    fault: Option<Integrity>,
    altered: Seqs,
    /// The first record whose event breaks the profile.
    profile: Option<u64>,
}

impl Judged {
    /// Judges the record that stands at `seq` in the log of that origin.
    pub(super) fn new(
        record: &Record<'_>,
        origin: &str,
        seq: u64,
        reader: &mut EventReader,
    ) -> Judged {
        let entry = hash::entry(record.head);
        let head = match parse(record.head) {
            Ok(head) => head,
            Err(fault) => {
                return Judged {
                    entry,
                    head: Err(fault),
                    content: ContentFault::None,
                };
            }
        };
        Judged {
            entry,
            head: Ok(Placed {
                kind: head.shared.kind,
                prev: head.prev,
                time: head.time,
                fault: place_fault(&head, origin, seq),
            }),
            content: match &record.content {
                Some(content) => judge_content(content, &head.digest, reader),
                None => ContentFault::None,
            },
        }
    }

    fn fault(&self, before: &Before) -> Option<HeadFault> {
        match self.head {
            Err(fault) => Some(fault),
            Ok(head) => head
                .fault
                .or_else(|| order_fault(&head.prev, head.time, before))
                .map(HeadFault::Rule),
        }
    }
}

fn judge_content(content: &Content<'_>, digest: &Hash, reader: &mut EventReader) -> ContentFault {
    let is_whole =
        Salt::parse(content.salt).is_some() && hash::digest(content.salt, content.event) == *digest;
    if !is_whole {
        ContentFault::Altered
    } else if reader.check_stored(content.event).is_err() {
        ContentFault::Profile
    } else {
        ContentFault::None
    }
}

impl Candidate {
    /// Nothing read yet of a range that begins at `first`.
    pub(super) fn new(first: u64) -> Candidate {
        Candidate {
            span: Span::new(first),
            before: Before::first(first),
            fault: None,
            altered: Seqs::new(),
            profile: None,
        }
    }

    /// Appends an entry, and its record where that is of this reading.
    pub(super) fn append(&mut self, seq: u64, entry: Hash, judged: Option<&Judged>) {
        self.span.push(hash::leaf(&entry));
        if let Some(judged) = judged {
            self.note(seq, judged);
        }
        self.before = Before {
            entry: Some(entry),
            time: judged
                .and_then(|judged| judged.head.ok())
                .map(|head| head.time),
        };
    }

    fn note(&mut self, seq: u64, judged: &Judged) {
        if self.fault.is_none() {
            self.fault = judged.fault(&self.before).map(|fault| fault.integrity(seq));
        }
        match judged.content {
            ContentFault::None => {}
            ContentFault::Altered => self.altered.add(seq),
            ContentFault::Profile => self.profile = self.profile.or(Some(seq)),
        }
    }

    pub(super) fn findings(&self) -> impl Iterator<Item = Integrity> {
        let altered = (!self.altered.is_empty()).then_some(Integrity::EventAltered(self.altered));
        let profile = self
            .profile
            .map(|seq| Integrity::LogFault(seq, Rule::Event));
        self.fault.clone().into_iter().chain(altered).chain(profile)
    }
}
