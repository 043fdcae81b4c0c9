//! Who may do what: grants, and the one place where they are asked.
//!
//! A [`Permit`] exists only after a decision, and whatever acts for somebody takes one. Denied unless a grant says otherwise; no grant
//! takes anything away, so their order means nothing. Pure: principal, address, action, log and the listener's purpose in, decision out.
//! What is the node's own (`_node`) is meant by no pattern and by no role that works with producers' events.

mod pattern;

use crate::http::Purpose;
use crate::identity::Peer;
use crate::limits::{GRANTS_BYTES_MAX, GRANTS_MAX};
use crate::network::Network;
use indelible_ledger::Log;
use indelible_proof::node_event::access::{GrantLine, encode_grants};
pub(crate) use pattern::is_log_name;
use pattern::{Pattern, is_log_pattern, is_of_log};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
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
    /// All of them.
    pub const ALL: [Role; 4] = [Role::Producer, Role::Reader, Role::Auditor, Role::Operator];

    /// Whether the role allows it, in a log of producers' events.
    #[must_use]
    pub fn allows(self, action: Action) -> bool {
        match self {
            Role::Producer => matches!(action, Action::Append),
            Role::Reader => matches!(action, Action::Read | Action::ReadHeads | Action::Verify),
            Role::Auditor => matches!(action, Action::ReadHeads | Action::Verify),
            Role::Operator => matches!(action, Action::Operate),
        }
    }

    /// The same in `_node`. What the node says of itself is what auditors and operators need, and holds no producer's event.
    #[must_use]
    pub fn allows_of_node(self, action: Action) -> bool {
        match self {
            Role::Producer | Role::Reader => false,
            Role::Auditor => matches!(action, Action::Read | Action::ReadHeads | Action::Verify),
            Role::Operator => !matches!(action, Action::Append),
        }
    }

    /// As in configuration and record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Producer => "producer",
            Role::Reader => "reader",
            Role::Auditor => "auditor",
            Role::Operator => "operator",
        }
    }
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 5] = [
        Action::Append,
        Action::Read,
        Action::ReadHeads,
        Action::Verify,
        Action::Operate,
    ];

    /// As in records and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Append => "append",
            Action::Read => "read",
            Action::ReadHeads => "read-heads",
            Action::Verify => "verify",
            Action::Operate => "operate",
        }
    }
}

impl Purpose {
    /// Whether a listener for it serves such requests at all, whoever asks.
    #[must_use]
    pub fn serves(self, action: Action) -> bool {
        match self {
            Purpose::Ingest => matches!(action, Action::Append),
            Purpose::Query => matches!(action, Action::Read | Action::ReadHeads | Action::Verify),
            Purpose::Verify => matches!(action, Action::ReadHeads | Action::Verify),
            Purpose::Health => false,
            Purpose::Admin => matches!(action, Action::Operate),
        }
    }

    /// As in configuration and record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Ingest => "ingest",
            Purpose::Query => "query",
            Purpose::Verify => "verify",
            Purpose::Health => "health",
            Purpose::Admin => "admin",
        }
    }
}

/// One line of the table: who, as what, in which logs, from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Principals: exact, `*` for anybody, `dns:*.DOMAIN`, or the beginning of a URI that ends behind a whole authority, and `*`.
    pub who: Vec<String>,
    /// As what.
    pub role: Role,
    /// Names of logs: exact, or ending in `*`. An operator's may be none.
    pub logs: Vec<String>,
    /// Networks; none: from anywhere the listener takes peers from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Network>,
}

impl Grant {
    fn line(&self) -> GrantLine {
        GrantLine {
            who: self.who.clone(),
            role: self.role.as_str().to_owned(),
            logs: self.logs.clone(),
            from: self.from.iter().map(Network::to_string).collect(),
        }
    }

    fn allows(&self, action: Action, log: &str) -> bool {
        let by_role = match is_own(log) {
            true => self.role.allows_of_node(action),
            false => self.role.allows(action),
        };
        by_role && self.logs.iter().any(|pattern| is_of_log(pattern, log))
    }
}

/// Why a table can't be put in force. Nothing of it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// A grant for nobody, or for no log.
    #[error("grant {0} names no {1}")]
    Empty(usize, &'static str),
    /// A principal that no certificate could name, or a pattern of which nobody could say whom it means.
    #[error("grant {0}: '{1}' is no principal: {2}")]
    BadPrincipal(usize, String, &'static str),
    /// A name that no log can have.
    #[error("grant {0}: '{1}' is no name of a log, nor the beginning of one and *")]
    BadLog(usize, String),
    /// The node's own log, for a role that has nothing to do with it.
    #[error(
        "grant {0}: '{1}' is the node's own log: only auditors and operators read it, named exactly"
    )]
    OwnLog(usize, String),
    /// More than can be recorded as one table.
    #[error(
        "the grants are too many: at most {GRANTS_MAX}, and {GRANTS_BYTES_MAX} bytes as a record"
    )]
    TooMany,
}

/// The grants in force.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    grants: Vec<Grant>,
    /// Which of them name a principal exactly.
    named: HashMap<String, Vec<usize>>,
    /// Which of them mean principals by a pattern.
    meant: Vec<(Pattern, usize)>,
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

/// A decision that somebody may operate the node as a whole. Only [`Grants`] makes one.
#[derive(Clone, Debug)]
pub struct Operation(());

impl Grants {
    /// A table, if it is one as a whole.
    ///
    /// # Errors
    /// [`GrantError`], counted from 1.
    pub fn new(grants: Vec<Grant>) -> Result<Grants, GrantError> {
        if grants.len() > GRANTS_MAX {
            return Err(GrantError::TooMany);
        }
        let (mut named, mut meant) = (HashMap::<String, Vec<usize>>::new(), Vec::new());
        for (index, grant) in grants.iter().enumerate() {
            check(index + 1, grant)?;
            for who in &grant.who {
                let pattern = Pattern::parse(who)
                    .map_err(|why| GrantError::BadPrincipal(index + 1, who.clone(), why))?;
                match pattern {
                    Pattern::Exactly(name) => named.entry(name).or_default().push(index),
                    other => meant.push((other, index)),
                }
            }
        }
        let grants = Grants {
            grants,
            named,
            meant,
            policy: None,
        };
        match grants.encoded().len() <= GRANTS_BYTES_MAX {
            true => Ok(grants),
            false => Err(GrantError::TooMany),
        }
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

    /// The table as it is recorded.
    #[must_use]
    pub fn lines(&self) -> Vec<GrantLine> {
        self.grants.iter().map(Grant::line).collect()
    }

    /// The table's bytes in its record: two tables are the same if these are.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_grants(&self.lines(), &mut bytes);
        bytes
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
        self.here(peer).any(|grant| grant.allows(action, log))
    }

    /// May this peer operate the node?
    #[must_use]
    pub fn operation(&self, peer: &Peer) -> Option<Operation> {
        let mut here = self.here(peer);
        here.any(|grant| grant.role.allows(Action::Operate))
            .then_some(Operation(()))
    }

    /// The grants that speak of this peer, in the table's order: from where it is, and from elsewhere.
    #[must_use]
    pub fn of(&self, peer: &Peer) -> (Vec<&Grant>, Vec<&Grant>) {
        let mut numbers: Vec<usize> = self.numbers(&peer.principal).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let of = numbers
            .into_iter()
            .filter_map(|number| self.grants.get(number));
        of.partition(|grant| is_from(&grant.from, peer.address))
    }

    /// The grants that speak of this peer from where it is; one may come twice.
    fn here(&self, peer: &Peer) -> impl Iterator<Item = &Grant> {
        let (numbers, address) = (self.numbers(&peer.principal), peer.address);
        numbers
            .filter_map(|number| self.grants.get(number))
            .filter(move |grant| is_from(&grant.from, address))
    }

    fn numbers(&self, principal: &str) -> impl Iterator<Item = usize> {
        let named = self.named.get(principal).into_iter().flatten().copied();
        let means =
            move |(pattern, number): &(Pattern, usize)| pattern.means(principal).then_some(*number);
        named.chain(self.meant.iter().filter_map(means))
    }
}

/// What a grant says of logs, and that it says something.
fn check(number: usize, grant: &Grant) -> Result<(), GrantError> {
    if grant.who.is_empty() {
        return Err(GrantError::Empty(number, "principal"));
    }
    if grant.logs.is_empty() && grant.role != Role::Operator {
        return Err(GrantError::Empty(number, "log"));
    }
    for log in &grant.logs {
        if !is_log_pattern(log) {
            return Err(GrantError::BadLog(number, log.clone()));
        }
        let reads_own = matches!(grant.role, Role::Auditor | Role::Operator);
        if is_own(log) && (!reads_own || log.ends_with('*')) {
            return Err(GrantError::OwnLog(number, log.clone()));
        }
    }
    Ok(())
}

/// Is a log, or the beginning of one, the node's own?
fn is_own(log: &str) -> bool {
    log.starts_with('_')
}

/// Without networks from anywhere; a peer without an address sits on this very machine and comes from none of them.
fn is_from(networks: &[Network], address: Option<IpAddr>) -> bool {
    let within = |address| networks.iter().any(|network| network.contains(address));
    networks.is_empty() || address.is_some_and(within)
}

#[cfg(test)]
mod tests;
