//! The one file that says how a node is run: its settings, read and checked as a whole before anything takes effect.
//!
//! Owns the settings, their defaults and the places where a file gives them. A file with one fault is refused with all of its faults,
//! each with its line. Paths are relative to the file. It opens no socket and no store; of the disk it reads the file itself and, when
//! asked, what the certificates' paths lead to.

mod check;
mod fields;
mod read;
mod settings;
mod show;

pub use settings::{SETTINGS, Setting, reference};

use crate::grants::Grant;
use crate::http::Purpose;
use crate::limits::{DRAIN_MAX, PRINCIPAL_CONNECTIONS_MAX, SEAL_EVERY};
use crate::listen::Spec;
use crate::network::{Network, Networks};
use crate::tls;
use read::Table;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file of settings that was read and holds together.
#[derive(Clone, Debug)]
pub struct Config {
    path: PathBuf,
    node: Table<NodeTable>,
    networks: Table<NetworksTable>,
    tls: Table<TlsTable>,
    listeners: Vec<Table<ListenerTable>>,
    grants: Vec<Table<Grant>>,
    limits: Table<LimitsTable>,
}

/// What stands above all sections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeTable {
    /// Directory of the store.
    pub store: PathBuf,
    /// Directory of the node secret; none: where the store says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<PathBuf>,
    /// File with the passphrase of the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase_file: Option<PathBuf>,
}

/// `[networks]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworksTable {
    /// Networks beside [`Network::INTERNAL`] that count as internal.
    pub internal: Vec<Network>,
}

/// `[tls]`, and the same of one listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsTable {
    /// Certificate of the node and those that lead to a root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Roots of client certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
    /// Revocation lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl: Option<PathBuf>,
}

/// One `[[listener]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerTable {
    /// What it is for.
    pub purpose: Purpose,
    /// Where.
    pub listen: Spec,
    /// Networks it takes peers from.
    #[serde(default)]
    pub allow_from: Vec<Network>,
    /// As in `[tls]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// As in `[tls]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// As in `[tls]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
    /// As in `[tls]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl: Option<PathBuf>,
}

impl ListenerTable {
    /// Health says nothing that would need TLS, and probes don't speak it; who comes over a Unix socket is known by the kernel's word.
    fn has_tls(&self) -> bool {
        self.purpose != Purpose::Health && !matches!(self.listen, Spec::Unix(_))
    }
}

/// `[limits]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsTable {
    /// Seconds that what is under way may take once the node is told to stop.
    pub drain_seconds: u64,
    /// Minutes after which the tail is sealed, however short.
    pub seal_minutes: u64,
    /// Events that each principal may send in a second; none: as many as come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_per_second: Option<u64>,
    /// Connections that each principal may have open to each listener.
    pub connections_per_principal: usize,
}

impl Default for LimitsTable {
    fn default() -> LimitsTable {
        LimitsTable {
            drain_seconds: DRAIN_MAX.as_secs(),
            seal_minutes: SEAL_EVERY.as_secs() / 60,
            events_per_second: None,
            connections_per_principal: PRINCIPAL_CONNECTIONS_MAX,
        }
    }
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1; none: the file as a whole.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

/// All that is wrong with a file. Nothing of it is in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults {
    /// The file.
    pub path: PathBuf,
    /// At least one.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.lines().collect();
        f.write_str(&lines.join("\n"))
    }
}

impl Faults {
    /// One line each: `FILE:LINE: what`.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let path = self.path.display();
        self.faults.iter().map(move |fault| match fault.line {
            Some(line) => format!("{path}:{line}: {}", fault.what),
            None => format!("{path}: {}", fault.what),
        })
    }
}

/// A listener as it is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What it is for.
    pub purpose: Purpose,
    /// Where.
    pub listen: Spec,
    /// Networks it takes peers from; none: any that reach it.
    pub allow_from: Vec<Network>,
    /// Its files; none: it speaks without TLS.
    pub files: Option<tls::Files>,
}

impl Config {
    /// Reads a file, checks it as a whole, and what its paths to certificates lead to.
    ///
    /// # Errors
    /// [`Faults`]: all of them.
    pub fn load(path: &Path) -> Result<Config, Faults> {
        let config = Config::read(path)?;
        config.tls()?;
        Ok(config)
    }

    /// Reads a file and checks it as a whole, without a look at any other file.
    ///
    /// # Errors
    /// [`Faults`]: all of them.
    pub fn read(path: &Path) -> Result<Config, Faults> {
        read::file(path)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Store and keys.
    #[must_use]
    pub fn node(&self) -> &NodeTable {
        &self.node.value
    }

    /// Networks that were declared internal, beside those that always are.
    #[must_use]
    pub fn declared(&self) -> &[Network] {
        &self.networks.value.internal
    }

    /// All networks that count as internal.
    #[must_use]
    pub fn inside(&self) -> Networks {
        Networks::with(self.networks.value.internal.clone())
    }

    /// The listeners, in the file's order.
    pub fn listeners(&self) -> impl Iterator<Item = Listener> {
        self.listeners.iter().map(|listener| Listener {
            purpose: listener.value.purpose,
            listen: listener.value.listen.clone(),
            allow_from: listener.value.allow_from.clone(),
            files: self.files(&listener.value),
        })
    }

    /// The grants as they stand there.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        self.grants
            .iter()
            .map(|grant| grant.value.clone())
            .collect()
    }

    /// How long what is under way may take once the node is told to stop.
    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.limits.value.drain_seconds)
    }

    /// How often the tail is sealed, however short; none: only when it is long.
    #[must_use]
    pub fn seal_every(&self) -> Option<Duration> {
        let minutes = self.limits.value.seal_minutes;
        (minutes > 0).then(|| Duration::from_secs(minutes.saturating_mul(60)))
    }

    /// Events that each principal may send in a second; none: as many as come.
    #[must_use]
    pub fn events_per_second(&self) -> Option<u64> {
        self.limits.value.events_per_second
    }

    /// Connections that each principal may have open to each listener.
    #[must_use]
    pub fn connections_per_principal(&self) -> usize {
        self.limits.value.connections_per_principal
    }

    /// Sections of which another file says something else that only a start can put in force.
    #[must_use]
    pub fn fixed(&self, other: &Config) -> Vec<&'static str> {
        let shape = |config: &Config| -> Vec<_> {
            let each = config.listeners();
            each.map(|one| (one.purpose, one.listen, one.allow_from))
                .collect()
        };
        let tables = [
            (
                "store, keys or passphrase_file",
                self.node.value != other.node.value,
            ),
            ("[networks]", self.networks.value != other.networks.value),
            ("[[listener]]", shape(self) != shape(other)),
            ("[limits]", self.limits.value != other.limits.value),
        ];
        let changed = tables.into_iter().filter(|(_, is_other)| *is_other);
        changed.map(|(name, _)| name).collect()
    }

    /// The effective settings as a file, with where each comes from.
    #[must_use]
    pub fn show(&self) -> String {
        show::file(self)
    }

    /// What TLS is made of, for each listener.
    ///
    /// # Errors
    /// [`Faults`]: a certificate or key that can't be read, or does not fit the others.
    pub fn tls(&self) -> Result<Vec<Option<tls::Server>>, Faults> {
        let (mut made, mut faults) = (Vec::new(), Vec::new());
        for (listener, table) in self.listeners().zip(&self.listeners) {
            match listener.files.map(|files| tls::server(&files)).transpose() {
                Ok(tls) => made.push(tls),
                Err(error) => faults.push(Fault {
                    line: Some(table.line),
                    what: error.to_string(),
                }),
            }
        }
        // Listeners share files: what is wrong with one is said once.
        faults.dedup_by(|one, other| one.what == other.what);
        match faults.is_empty() {
            true => Ok(made),
            false => Err(self.faults(faults)),
        }
    }

    /// Files of TLS that are looked at from time to time, each once.
    #[must_use]
    pub fn watched(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self
            .listeners()
            .filter_map(|listener| listener.files)
            .flat_map(|files| {
                [files.certificate, files.key, files.client_ca]
                    .into_iter()
                    .chain(files.crl)
            })
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }

    fn faults(&self, faults: Vec<Fault>) -> Faults {
        Faults {
            path: self.path.clone(),
            faults,
        }
    }

    /// A listener's own files, and those of `[tls]` where it names none.
    fn files(&self, listener: &ListenerTable) -> Option<tls::Files> {
        if !listener.has_tls() {
            return None;
        }
        let shared = &self.tls.value;
        let of = |own: &Option<PathBuf>, shared: &Option<PathBuf>| {
            own.clone().or_else(|| shared.clone())
        };
        Some(tls::Files {
            certificate: of(&listener.certificate, &shared.certificate)?,
            key: of(&listener.key, &shared.key)?,
            client_ca: of(&listener.client_ca, &shared.client_ca)?,
            crl: of(&listener.crl, &shared.crl),
        })
    }
}

#[cfg(test)]
mod tests;
