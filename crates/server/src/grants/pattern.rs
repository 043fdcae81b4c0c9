//! Whom and which logs a grant means: exact names, and the few patterns of which everybody can say what they mean.
//!
//! A URI's beginning must hold its whole authority, so that `spiffe://acme/*` can't be written as `spiffe://acme*`, which would mean
//! `spiffe://acme.attacker/` too; names of hosts are read from their end, so `*` stands at their beginning.

use crate::identity;
use indelible_proof::limits::LOG_NAME_BYTES_MAX;

/// Principals that a grant means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// This one.
    Exactly(String),
    /// Everybody whose name begins so.
    Beginning(String),
    /// Every host below a domain: `.DOMAIN`.
    HostsBelow(String),
}

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// What to write instead.
    pub(super) fn parse(text: &str) -> Result<Pattern, &'static str> {
        let Some(start) = text.strip_suffix('*') else {
            return match text.strip_prefix("dns:*.") {
                Some(domain) if identity::is_host(domain) && is_lower(domain) => {
                    Ok(Pattern::HostsBelow(format!(".{domain}")))
                }
                Some(_) => Err("after dns:*. stands a domain in lower case"),
                None => exactly(text),
            };
        };
        if start.contains('*') {
            return Err("* stands once, at its end, or first in a name of hosts (dns:*.DOMAIN)");
        }
        if start.is_empty() || start == "dns:" || start == "unix:" {
            return Ok(Pattern::Beginning(start.to_owned()));
        }
        let Some((scheme, rest)) = start.split_once(':') else {
            return Err("before * stands more of it: spiffe://DOMAIN/, dns:, unix:, or nothing");
        };
        match (scheme, rest.strip_prefix("//")) {
            ("dns", _) => Err("hosts are dns:NAME, dns:*.DOMAIN or dns:*"),
            ("unix", _) => Err("users are unix:UID or unix:*"),
            ("node", _) => Err("no peer is a node"),
            (_, Some(rest)) if !rest.contains('/') || rest.starts_with('/') => {
                Err("before * stands the whole authority and a /: spiffe://DOMAIN/*")
            }
            _ if is_uri(&format!("{start}x")) => Ok(Pattern::Beginning(start.to_owned())),
            _ => Err("no certificate's name begins so; % is written %25"),
        }
    }

    /// Whether it means this principal.
    pub(super) fn means(&self, principal: &str) -> bool {
        match self {
            Pattern::Exactly(name) => name == principal,
            Pattern::Beginning(start) => principal.starts_with(start),
            Pattern::HostsBelow(domain) => principal
                .strip_prefix("dns:")
                .and_then(|host| host.strip_suffix(domain.as_str()))
                .is_some_and(|below| !below.is_empty()),
        }
    }
}

/// A principal that a peer can have.
fn exactly(name: &str) -> Result<Pattern, &'static str> {
    let Some((scheme, rest)) = name.split_once(':') else {
        return Err("write spiffe://DOMAIN/PATH, another URI, dns:NAME or unix:UID");
    };
    let good = match scheme {
        "dns" if !is_lower(rest) => return Err("names of hosts are in lower case"),
        "dns" => identity::is_host(rest),
        "unix" => rest.parse::<u32>().is_ok_and(|uid| uid.to_string() == rest),
        "node" => return Err("no peer is a node"),
        _ => is_uri(name),
    };
    match good {
        true => Ok(Pattern::Exactly(name.to_owned())),
        false => Err("no certificate and no Unix peer has this name; % is written %25"),
    }
}

/// A URI as it stands in heads, where `%` is written `%25`.
fn is_uri(name: &str) -> bool {
    identity::of_uri(&name.replace("%25", "%")).as_deref() == Ok(name)
}

fn is_lower(name: &str) -> bool {
    !name.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether a pattern of logs, which is one, means this log. What is the node's own is meant by its name alone.
pub(super) fn is_of_log(pattern: &str, log: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => log.starts_with(start) && !super::is_own(log),
        None => pattern == log,
    }
}

/// The name of a log, or the beginning of one and `*`.
pub(super) fn is_log_pattern(pattern: &str) -> bool {
    let start = pattern.strip_suffix('*').unwrap_or(pattern);
    pattern == "*" || is_log_name(start)
}

/// Has this the form of a log's name? The beginning of one has it too.
pub(crate) fn is_log_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let rest = bytes.all(|byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
    });
    first && rest && name.len() <= LOG_NAME_BYTES_MAX
}
