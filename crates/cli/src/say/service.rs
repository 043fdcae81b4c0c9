//! The same for what only a service meets: settings, listeners, reloads.

use super::{Failure, refused, warn, with_causes};
use crate::exit::Exit;
use indelible_server::config::Faults;
use indelible_server::http::Purpose;
use indelible_server::listen::BindError;
use indelible_server::run::{ReloadError, StartError};
use std::io;

/// A file of settings is refused: all that is wrong with it.
pub fn config(faults: &Faults) -> Failure {
    let mut lines = faults.lines();
    let mut failure = Failure::new(Exit::Configuration, lines.next().unwrap_or_default());
    failure.more = lines.collect();
    failure
}

/// A node does not start.
pub fn start(error: &StartError) -> Failure {
    match error {
        StartError::Config(faults) => config(faults),
        StartError::Grants(_) => Failure::new(Exit::Configuration, error.to_string()),
        StartError::Bind(error) => bind(error),
        StartError::Refused(refusal) => refused(refusal),
        StartError::System(_) => Failure::new(Exit::Trouble, with_causes(error)),
    }
}

fn bind(error: &BindError) -> Failure {
    let failure = Failure::new(Exit::Address, with_causes(error));
    let BindError::Socket { source, .. } = error else {
        return failure;
    };
    match source.kind() {
        io::ErrorKind::AddrInUse => failure.hint(
            "another process listens there: end it, or set another port under [[listener]] listen",
        ),
        io::ErrorKind::AddrNotAvailable => failure
            .hint("this machine has no such address: internal:PORT means all internal ones it has"),
        io::ErrorKind::PermissionDenied => {
            failure.hint("ports below 1024 need a capability: take a higher one")
        }
        _ => failure,
    }
}

/// A write failed while the node served.
pub fn broken(why: &str) -> Failure {
    Failure::new(Exit::FailedWrite, why)
        .hint("look at the disk, then start the node again; what was acknowledged is durable")
}

/// Settings that were read again are not in force.
pub fn reload(error: &ReloadError) {
    match error {
        ReloadError::Config(faults) => {
            for line in faults.lines() {
                warn(format_args!("not reloaded, all stays as it was: {line}"));
            }
        }
        _ => warn(format_args!("not reloaded, all stays as it was: {error}")),
    }
}

/// What a listener is for, in a word.
pub fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Ingest => "ingest",
        Purpose::Query => "query",
        Purpose::Verify => "verify",
        Purpose::Health => "health",
        Purpose::Admin => "admin",
    }
}
