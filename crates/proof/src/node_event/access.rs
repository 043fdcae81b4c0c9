//! What a node says of who may do what: the grants in force, the networks it listens in, and requests that were denied.
//!
//! Texts are kept as they were set and words by their form alone: which roles, actions and purposes there are is the node's to know,
//! and another one later must not make a record of today's verifiers a fault.

use super::{NodeEvent, push, push_list, push_plain, reading, string};
use crate::cursor::{Cursor, Fault, push_integer};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of a role, an action or a purpose, as of the other words that the node chooses.
const WORD_BYTES_MAX: usize = 32;

/// One grant of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantLine {
    /// Principals, or beginnings of some and `*`.
    pub who: Vec<String>,
    /// As what: a word.
    pub role: String,
    /// Names of logs, or beginnings of some and `*`.
    pub logs: Vec<String>,
    /// Networks; none: from anywhere a listener takes peers from.
    pub from: Vec<String>,
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerLine {
    /// What it is for: a word.
    pub purpose: String,
    /// Where it listens, as set.
    pub listen: String,
    /// Networks it takes peers from; none: any that reach it.
    pub allow_from: Vec<String>,
}

/// Requests that were denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied<'a> {
    /// Whose; none: those of several principals.
    pub by: Option<Cow<'a, str>>,
    /// What was asked for, a word; none: several things.
    pub action: Option<Cow<'a, str>>,
    /// The log's name as it was asked for last; none: no log or several.
    pub log: Option<Cow<'a, str>>,
    /// The address as seen last; none: over a Unix socket.
    pub from: Option<Cow<'a, str>>,
    /// The record of `_node` with the grants that denied it last; none: none were in force.
    pub policy: Option<u64>,
    /// How many requests this record stands for.
    pub count: u64,
}

/// Is this a word, as roles, actions and purposes are?
#[must_use]
pub fn is_word(text: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=WORD_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// Writes the table alone, with its brackets: two tables are equal if these bytes are.
pub fn encode_grants(grants: &[GrantLine], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, grant) in grants.iter().enumerate() {
        push(out, if index == 0 { b"" } else { b"," });
        push_list(b"{\"who\":[", &grant.who, out);
        push_plain(b",\"role\":\"", &grant.role, out);
        push_list(b",\"logs\":[", &grant.logs, out);
        push_list(b",\"from\":[", &grant.from, out);
        out.push(b'}');
    }
    out.push(b']');
}

/// All but the closing brace, as of the other two.
pub(super) fn push_grants(by: &str, grants: &[GrantLine], out: &mut Vec<u8>) {
    push(out, b"{\"node\":\"grants\",\"by\":");
    string::push(by, out);
    push(out, b",\"grants\":");
    encode_grants(grants, out);
}

pub(super) fn push_networks(
    by: &str,
    networks: &[String],
    listeners: &[ListenerLine],
    out: &mut Vec<u8>,
) {
    push(out, b"{\"node\":\"networks\",\"by\":");
    string::push(by, out);
    push_list(b",\"networks\":[", networks, out);
    push(out, b",\"listeners\":[");
    for (index, listener) in listeners.iter().enumerate() {
        push(out, if index == 0 { b"" } else { b"," });
        push_plain(b"{\"purpose\":\"", &listener.purpose, out);
        push(out, b",\"listen\":");
        string::push(&listener.listen, out);
        push_list(b",\"allow_from\":[", &listener.allow_from, out);
        out.push(b'}');
    }
    out.push(b']');
}

impl Denied<'_> {
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        push_or_null(b"{\"node\":\"denied\",\"by\":", self.by.as_deref(), out);
        push_or_null(b",\"action\":", self.action.as_deref(), out);
        push_or_null(b",\"log\":", self.log.as_deref(), out);
        push_or_null(b",\"from\":", self.from.as_deref(), out);
        push(out, b",\"policy\":");
        match self.policy {
            Some(policy) => push_integer(policy, out),
            None => push(out, b"null"),
        }
        push(out, b",\"count\":");
        push_integer(self.count, out);
    }
}

fn push_or_null(opening: &[u8], text: Option<&str>, out: &mut Vec<u8>) {
    push(out, opening);
    match text {
        Some(text) => string::push(text, out),
        None => push(out, b"null"),
    }
}

pub(super) fn read_grants<'a>(cursor: &mut Cursor<'a>) -> Result<NodeEvent<'a>, Fault> {
    let by = string::read(cursor)?;
    let grants = each(cursor, b",\"grants\":[", |cursor| {
        Ok(GrantLine {
            who: reading::list(cursor, b"{\"who\":[")?,
            role: word(cursor, b",\"role\":\"")?,
            logs: reading::list(cursor, b",\"logs\":[")?,
            from: reading::list(cursor, b",\"from\":[")?,
        })
    })?;
    Ok(NodeEvent::Grants { by, grants })
}

pub(super) fn read_networks<'a>(cursor: &mut Cursor<'a>) -> Result<NodeEvent<'a>, Fault> {
    let by = string::read(cursor)?;
    let networks = reading::list(cursor, b",\"networks\":[")?;
    let listeners = each(cursor, b",\"listeners\":[", |cursor| {
        let purpose = word(cursor, b"{\"purpose\":\"")?;
        cursor.literal(b",\"listen\":", "listen")?;
        Ok(ListenerLine {
            purpose,
            listen: string::read(cursor)?.into_owned(),
            allow_from: reading::list(cursor, b",\"allow_from\":[")?,
        })
    })?;
    Ok(NodeEvent::Networks {
        by,
        networks,
        listeners,
    })
}

pub(super) fn read_denied<'a>(cursor: &mut Cursor<'a>) -> Result<Denied<'a>, Fault> {
    let by = text_or_null(cursor)?;
    cursor.literal(b",\"action\":", "action")?;
    let action = match cursor.has(b"null") {
        true => None,
        false => Some(Cow::Owned(word(cursor, b"\"")?)),
    };
    cursor.literal(b",\"log\":", "log")?;
    let log = text_or_null(cursor)?;
    cursor.literal(b",\"from\":", "from")?;
    let from = text_or_null(cursor)?;
    let policy = match cursor.has(b",\"policy\":null") {
        true => None,
        false => Some(cursor.integer(b",\"policy\":", "policy")?),
    };
    match cursor.integer(b",\"count\":", "count")? {
        0 => Err(cursor.fault("at least one request")),
        count => Ok(Denied {
            by,
            action,
            log,
            from,
            policy,
            count,
        }),
    }
}

/// Objects up to `]`; `read` leaves the closing brace. The event's own bound is the bound on their number.
fn each<'a, T>(
    cursor: &mut Cursor<'a>,
    opening: &[u8],
    read: impl Fn(&mut Cursor<'a>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    cursor.literal(opening, "a list")?;
    let mut all = Vec::new();
    while !cursor.has(b"]") {
        if !all.is_empty() {
            cursor.literal(b",", "a comma")?;
        }
        all.push(read(cursor)?);
        cursor.literal(b"}", "the closing brace of an element")?;
    }
    Ok(all)
}

fn word(cursor: &mut Cursor<'_>, opening: &[u8]) -> Result<String, Fault> {
    cursor.quoted(opening, "a word", |text| {
        let text = core::str::from_utf8(text).ok()?;
        is_word(text).then(|| String::from(text))
    })
}

fn text_or_null<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    match cursor.has(b"null") {
        true => Ok(None),
        false => string::read(cursor).map(Some),
    }
}

#[cfg(test)]
mod tests;
