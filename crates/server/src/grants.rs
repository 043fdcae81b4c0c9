//! Who may do what: grants, and the one place where they are asked.
//!
//! A [`Permit`] exists only after a decision, and whatever acts for somebody takes one. Denied unless a grant says otherwise. Pure:
//! principal, role, log, purpose of the listener and address in, decision out.

use crate::identity::Peer;
use crate::network::Network;
use indelible_ledger::Log;
use indelible_proof::head::is_principal;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;

/// What somebody may be to a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Appends, and gets the receipts of what it appended.
    Producer,
    /// Reads records with their content.
    Reader,
    /// Verifies everything, and reads heads: who and when, not what.
    Auditor,
    /// Operates the node; reads no content and deletes nothing.
    Operator,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Record an event.
    Append,
    /// Read records with their content.
    Read,
    /// Read heads: who and when.
    ReadHeads,
    /// Checkpoints, tiles and proofs: digests only.
    Verify,
    /// State of the node, reload, seal.
    Operate,
}

impl Role {
    /// Whether the role allows it.
    #[must_use]
    pub fn allows(self, action: Action) -> bool {
        match self {
            Role::Producer => matches!(action, Action::Append),
            Role::Reader => matches!(action, Action::Read | Action::ReadHeads | Action::Verify),
            Role::Auditor => matches!(action, Action::ReadHeads | Action::Verify),
            Role::Operator => matches!(action, Action::Operate),
        }
    }
}

/// One line of the table: who, as what, in which logs, from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Principals: exact, or ending in `*`, which stands for anything.
    pub who: Vec<String>,
    /// As what.
    pub role: Role,
    /// Names of logs: exact, or ending in `*`.
    pub logs: Vec<String>,
    /// Networks; none: from anywhere the listener takes peers from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Network>,
}

/// Why a table can't be put in force. Nothing of it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// A grant for nobody, or for no log.
    #[error("grant {0} names no {1}")]
    Empty(usize, &'static str),
    /// A principal that no certificate could name.
    #[error(
        "grant {0}: '{1}' is no principal: spiffe://…, dns:NAME, unix:UID, another URI, or the beginning of one and *"
    )]
    BadPrincipal(usize, String),
    /// A name that no log can have.
    #[error("grant {0}: '{1}' is no name of a log, nor the beginning of one and *")]
    BadLog(usize, String),
}

/// The grants in force.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    grants: Vec<Grant>,
    /// The record of `_node` that holds them.
    policy: Option<u64>,
}

/// A decision in somebody's favour. Only [`Grants`] makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    log: Arc<Log>,
    action: Action,
    policy: Option<u64>,
}

impl Permit {
    /// The log it is about.
    #[must_use]
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// What is allowed.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// The record of `_node` by which it is.
    #[must_use]
    pub fn policy(&self) -> Option<u64> {
        self.policy
    }
}

impl Grants {
    /// A table, if it is one as a whole.
    ///
    /// # Errors
    /// [`GrantError`], counted from 1.
    pub fn new(grants: Vec<Grant>) -> Result<Grants, GrantError> {
        for (number, grant) in (1..).zip(&grants) {
            if grant.who.is_empty() {
                return Err(GrantError::Empty(number, "principal"));
            }
            if grant.logs.is_empty() {
                return Err(GrantError::Empty(number, "log"));
            }
            let principal = |who: &&String| !is_pattern(who, is_principal);
            if let Some(who) = grant.who.iter().find(principal) {
                return Err(GrantError::BadPrincipal(number, who.clone()));
            }
            let log = |log: &&String| !is_pattern(log, is_log_start);
            if let Some(log) = grant.logs.iter().find(log) {
                return Err(GrantError::BadLog(number, log.clone()));
            }
        }
        Ok(Grants {
            grants,
            policy: None,
        })
    }

    /// Says which record of `_node` holds them.
    #[must_use]
    pub fn recorded(mut self, policy: u64) -> Grants {
        self.policy = Some(policy);
        self
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &[Grant] {
        &self.grants
    }

    /// The record of `_node` that holds them.
    #[must_use]
    pub fn policy(&self) -> Option<u64> {
        self.policy
    }

    /// May this peer do this to this log?
    #[must_use]
    pub fn decide(&self, peer: &Peer, action: Action, log: &Arc<Log>) -> Option<Permit> {
        self.allows(peer, action, log.name()).then(|| Permit {
            log: Arc::clone(log),
            action,
            policy: self.policy,
        })
    }

    /// The same for a log that need not exist: whoever may not ask is not told whether it does.
    #[must_use]
    pub fn allows(&self, peer: &Peer, action: Action, log: &str) -> bool {
        let mut of = self.of(peer);
        of.any(|grant| {
            grant.role.allows(action) && grant.logs.iter().any(|name| is_like(name, log))
        })
    }

    /// The grants that speak of this peer, from where it is.
    pub fn of(&self, peer: &Peer) -> impl Iterator<Item = &Grant> {
        let (principal, address) = (peer.principal.clone(), peer.address);
        self.grants.iter().filter(move |grant| {
            grant.who.iter().any(|who| is_like(who, &principal)) && is_from(&grant.from, address)
        })
    }
}

/// Without networks from anywhere; a peer without an address sits on this very machine and comes from none of them.
fn is_from(networks: &[Network], address: Option<IpAddr>) -> bool {
    let within = |address| networks.iter().any(|network| network.contains(address));
    networks.is_empty() || address.is_some_and(within)
}

fn is_like(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        // What is the node's own is never meant by a pattern, only by its name.
        Some("") => !name.starts_with('_'),
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

fn is_pattern(text: &str, is_plain: impl Fn(&str) -> bool) -> bool {
    let start = text.strip_suffix('*').unwrap_or(text);
    !start.contains('*') && (is_plain(start) || start.is_empty() && text == "*")
}

/// The beginning of a log's name.
fn is_log_start(start: &str) -> bool {
    let mut bytes = start.bytes();
    let first = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let rest = bytes.all(|byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
    });
    first && rest && start.len() <= 63
}
