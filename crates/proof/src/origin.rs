//! Origins: the name of one history of one log, unique for ever.
//!
//! Owns the grammar of `docs/spec/keys.md`, *Origin*: `<node origin>/<log>/<incarnation>`. Promises that a value of [`Origin`] was
//! judged. Does not know which origins exist.

use crate::limits::{LOG_NAME_BYTES_MAX, ORIGIN_BYTES_MAX, ORIGIN_PART_BYTES_MAX};
use core::fmt;

/// The one log name that begins with `_`: what the node says of itself.
pub const NODE_LOG: &str = "_node";

/// A judged origin, at most 200 bytes of printable ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin<'a> {
    text: &'a str,
    node: &'a str,
    log: &'a str,
    incarnation: &'a str,
}

impl<'a> Origin<'a> {
    /// Reads an origin; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Origin<'a>> {
        let (front, incarnation) = text.rsplit_once('/')?;
        let (node, log) = front.rsplit_once('/')?;
        let good = text.len() <= ORIGIN_BYTES_MAX
            && is_node_origin(node)
            && is_log_name(log)
            && is_incarnation(incarnation);
        good.then_some(Origin {
            text,
            node,
            log,
            incarnation,
        })
    }

    /// The whole.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The node origin.
    #[must_use]
    pub fn node(&self) -> &'a str {
        self.node
    }

    /// The log's name.
    #[must_use]
    pub fn log(&self) -> &'a str {
        self.log
    }

    /// 16 hex digits.
    #[must_use]
    pub fn incarnation(&self) -> &'a str {
        self.incarnation
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// `[a-z0-9][a-z0-9_-]{0,62}` or `_node`.
#[must_use]
pub fn is_log_name(name: &str) -> bool {
    name == NODE_LOG
        || begins_plainly(name)
            && name.len() <= LOG_NAME_BYTES_MAX
            && name
                .bytes()
                .all(|byte| is_plain(byte) || byte == b'_' || byte == b'-')
}

/// A DNS name in lower case, then any number of `/segment`. What follows in an origin needs room, so a node origin that is valid
/// may still be too long for a log's.
#[must_use]
pub fn is_node_origin(text: &str) -> bool {
    let mut parts = text.split('/');
    text.len() <= ORIGIN_BYTES_MAX
        && parts
            .next()
            .is_some_and(|name| name.split('.').all(is_label))
        && parts.all(is_segment)
}

fn is_label(label: &str) -> bool {
    begins_plainly(label)
        && label.len() <= ORIGIN_PART_BYTES_MAX
        && label.bytes().all(|byte| is_plain(byte) || byte == b'-')
        && !label.ends_with('-')
}

fn is_segment(segment: &str) -> bool {
    begins_plainly(segment)
        && segment.len() <= ORIGIN_PART_BYTES_MAX
        && segment
            .bytes()
            .all(|byte| is_plain(byte) || matches!(byte, b'.' | b'_' | b'-'))
}

fn is_incarnation(text: &str) -> bool {
    text.len() == 16
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn begins_plainly(text: &str) -> bool {
    text.bytes().next().is_some_and(is_plain)
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9')
}

#[cfg(test)]
mod tests;
