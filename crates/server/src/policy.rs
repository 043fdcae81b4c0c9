//! What is in force and who set it: a record of `_node` before any request is decided by it.
//!
//! Owns the order: the table is checked as a whole, recorded, and only then asked; if it can't be recorded, what was in force stays.
//! Two who set tables at once do so one after the other, so the newest record is what is in force. A table that is in force already
//! is not recorded again, neither by a reload nor by a start.

use crate::grants::Grants;
use crate::http::Purpose;
use crate::limits::GRANTS_LOOK_BACK;
use crate::network::Network;
use crate::node::Node;
use indelible_ledger::{Books, ReadError, Refusal};
use indelible_proof::node_event::NodeEvent;
use indelible_proof::node_event::access::{ListenerLine, encode_grants};

/// Records that are read at once on the way back.
const STEP: u64 = 1_024;

/// What came of setting something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The record of `_node` that says it.
    pub seq: u64,
    /// It was recorded now; otherwise it was so already.
    pub is_new: bool,
}

impl Node {
    /// Records the grants and puts them in force; requests are decided by them from here on. Waits for the disk. `by`: who set them,
    /// `unix:<uid>` for a file.
    ///
    /// # Errors
    /// [`Refusal`]: not recorded, and what was in force stays so.
    ///
    /// # Panics
    /// Never in a running process.
    pub fn put_in_force(&self, grants: Grants, by: &str) -> Result<InForce, Refusal> {
        let _one_at_a_time = self
            .setting
            .lock()
            .expect("no thread panics while it puts something in force");
        let table = grants.encoded();
        let now = self.grants();
        let same = match now.policy() {
            Some(seq) => (now.encoded() == table).then_some(seq),
            None => self
                .recorded(is_grants)
                .filter(|found| found.1 == table)
                .map(|found| found.0),
        };
        let in_force = match same {
            Some(seq) => InForce { seq, is_new: false },
            None => self.say_set(&NodeEvent::Grants {
                by: by.into(),
                grants: grants.lines(),
            })?,
        };
        self.replace_grants(grants.recorded(in_force.seq));
        Ok(in_force)
    }

    /// Records which networks count as internal, beside those that always do, and how the node listens. To be called before it does.
    /// Waits for the disk.
    ///
    /// # Errors
    /// [`Refusal`]: not recorded.
    ///
    /// # Panics
    /// Never in a running process.
    pub fn declare(
        &self,
        networks: &[Network],
        listeners: &[Listening<'_>],
        by: &str,
    ) -> Result<InForce, Refusal> {
        let _one_at_a_time = self
            .setting
            .lock()
            .expect("no thread panics while it puts something in force");
        let networks: Vec<String> = networks.iter().map(Network::to_string).collect();
        let listeners: Vec<ListenerLine> = listeners.iter().map(Listening::line).collect();
        let said = encoded_networks(&networks, &listeners);
        match self.recorded(is_networks).filter(|found| found.1 == said) {
            Some((seq, _)) => Ok(InForce { seq, is_new: false }),
            None => self.say_set(&NodeEvent::Networks {
                by: by.into(),
                networks,
                listeners,
            }),
        }
    }

    fn say_set(&self, event: &NodeEvent<'_>) -> Result<InForce, Refusal> {
        let recorded = self.ledger.say(event)?;
        Ok(InForce {
            seq: recorded.seq,
            is_new: true,
        })
    }

    /// The newest record of `_node` of a sort, and what it says. One that can't be read, or lies too far back, is none: then the same is
    /// recorded once more.
    fn recorded(&self, sort: fn(&NodeEvent<'_>) -> Option<Vec<u8>>) -> Option<(u64, Vec<u8>)> {
        let books = self.ledger.books();
        let mut end = books.node_log().size();
        let lowest = end.saturating_sub(GRANTS_LOOK_BACK);
        while end > lowest {
            let first = end.saturating_sub(STEP).max(lowest);
            match newest(books, first..end, sort) {
                Ok(None) => end = first,
                Ok(found) => return found,
                Err(_) => return None,
            }
        }
        None
    }
}

fn newest(
    books: &Books,
    seqs: std::ops::Range<u64>,
    sort: fn(&NodeEvent<'_>) -> Option<Vec<u8>>,
) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
    let (mut seq, mut found) = (seqs.start, None);
    books.records::<ReadError>(&books.node_log(), seqs, &mut |stored| {
        let event = stored.content.as_ref();
        let said = event.and_then(|(_, event)| NodeEvent::parse(event).as_ref().and_then(sort));
        if let Some(said) = said {
            found = Some((seq, said));
        }
        seq += 1;
        Ok(())
    })?;
    Ok(found)
}

fn is_grants(event: &NodeEvent<'_>) -> Option<Vec<u8>> {
    let NodeEvent::Grants { grants, .. } = event else {
        return None;
    };
    let mut bytes = Vec::new();
    encode_grants(grants, &mut bytes);
    Some(bytes)
}

fn is_networks(event: &NodeEvent<'_>) -> Option<Vec<u8>> {
    match event {
        NodeEvent::Networks {
            networks,
            listeners,
            ..
        } => Some(encoded_networks(networks, listeners)),
        _ => None,
    }
}

/// What is compared: the event as if nobody had set it.
fn encoded_networks(networks: &[String], listeners: &[ListenerLine]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let event = NodeEvent::Networks {
        by: "".into(),
        networks: networks.to_vec(),
        listeners: listeners.to_vec(),
    };
    event.encode(&mut bytes);
    bytes
}

/// One listener as it is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Listening<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// Where, as set.
    pub listen: &'a str,
    /// Networks it takes peers from; none: any that reach it.
    pub allow_from: &'a [Network],
}

impl Listening<'_> {
    fn line(&self) -> ListenerLine {
        ListenerLine {
            purpose: self.purpose.as_str().to_owned(),
            listen: self.listen.to_owned(),
            allow_from: self.allow_from.iter().map(Network::to_string).collect(),
        }
    }
}
