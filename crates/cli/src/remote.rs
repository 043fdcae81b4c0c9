//! A node over the network: which one, who one is to it, and by which pin it is believed.

use crate::args::{StoreArg, WriteArgs, from_environment};
use crate::exit::Exit;
use crate::say::Failure;
use clap::Args;
use indelible_api::{Code, Problem};
use indelible_client::{Client, Error, SetupError};
use std::path::PathBuf;

/// Which node, and with which certificate.
#[derive(Args, Clone, Default)]
pub struct RemoteArgs {
    /// Send to this node, https://HOST:PORT, instead of a store; if not in INDELIBLE_NODE
    #[arg(long, value_name = "URL", conflicts_with_all = ["keys", "passphrase_file", "moved", "register_lost"])]
    node: Option<String>,
    /// Roots that the node's certificate leads to, PEM; if not in INDELIBLE_CA
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Your certificate, PEM; if not in INDELIBLE_CERT
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its private key, PEM; if not in INDELIBLE_KEY
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The log's pin, by which the node's receipts are verified; if not in INDELIBLE_PIN
    #[arg(long, value_name = "LINE")]
    pin: Option<String>,
}

impl RemoteArgs {
    /// The node that is meant; none: a store is. What was typed counts before the environment, and there a node before a store, which
    /// the process that serves it has locked anyway.
    pub fn node(&self, store: &StoreArg, write: &WriteArgs) -> Result<Option<String>, Failure> {
        if store.is_typed() {
            return match self.node {
                Some(_) => {
                    Err(Failure::usage("both --node and --store are given")
                        .hint("name one of them"))
                }
                None => Ok(None),
            };
        }
        if self.node.is_some() {
            return Ok(self.node.clone());
        }
        // These say how a store is opened, so one is meant.
        if write.keys.is_some()
            || write.passphrase_file.is_some()
            || write.moved
            || write.register_lost
        {
            return Ok(None);
        }
        let named = from_environment("INDELIBLE_NODE");
        named.map(|node| text("INDELIBLE_NODE", node)).transpose()
    }

    /// A client of it.
    pub fn client(&self, node: &str) -> Result<Client, Failure> {
        let file = |given: &Option<PathBuf>, name, option| {
            let path = given
                .clone()
                .or_else(|| from_environment(name).map(PathBuf::from));
            path.ok_or_else(|| {
                Failure::usage(format!("{option} is missing"))
                    .hint(format!("name the file with {option} FILE, or set {name}"))
            })
        };
        let ca = file(&self.ca, "INDELIBLE_CA", "--ca")?;
        let cert = file(&self.cert, "INDELIBLE_CERT", "--cert")?;
        let key = file(&self.key, "INDELIBLE_KEY", "--key")?;
        let pin = match (&self.pin, from_environment("INDELIBLE_PIN")) {
            (Some(pin), _) => pin.clone(),
            (None, Some(pin)) => text("INDELIBLE_PIN", pin)?,
            (None, None) => {
                return Err(Failure::usage("the log's pin is missing: no receipt could be verified")
                    .hint("give the line that `indelible pin` prints with --pin LINE, or set INDELIBLE_PIN"));
            }
        };
        let built = Client::builder(node)
            .ca(ca)
            .identity(cert, key)
            .pin(pin)
            .build();
        built.map_err(|error| setup(&error))
    }
}

fn text(name: &str, value: std::ffi::OsString) -> Result<String, Failure> {
    value
        .into_string()
        .map_err(|_| Failure::usage(format!("{name} is not text")))
}

/// What was given makes no client.
pub fn setup(error: &SetupError) -> Failure {
    Failure::usage(error.to_string())
}

/// What a node refused, or what is not known of it.
pub fn failed(error: &Error) -> Failure {
    match error {
        Error::Refused { problem, .. } => refused(problem),
        Error::GaveUp { may_be_recorded: true, .. } => Failure::new(Exit::Trouble, error.to_string())
            .hint("what has no receipt may be recorded or not: with --key-field or --stream it can be sent again and is recorded once"),
        Error::GaveUp { .. } => Failure::new(Exit::Trouble, error.to_string()).hint("nothing of it reached the node"),
        Error::NotProven(_) | Error::Answer(_) => Failure::new(Exit::Damaged, error.to_string())
            .hint("keep what the node answered out of use, and find out who runs it: its receipt proves nothing"),
        Error::NoPin(log) => Failure::usage(error.to_string())
            .hint(format!("give the pin of that log: indelible pin --log {log}")),
        Error::NoAnswer { .. } | Error::NoSuchRecord { .. } | Error::TooMany(_) => {
            Failure::new(Exit::Trouble, error.to_string())
        }
        Error::Event { .. } | Error::Key(_) | Error::Ended => Failure::new(Exit::NotAllRecorded, error.to_string()),
    }
}

/// A refusal, in the node's words and with what to do.
fn refused(problem: &Problem) -> Failure {
    let failure = |exit| Failure::new(exit, problem.detail.clone());
    match problem.code {
        Code::Denied | Code::Unauthenticated => {
            failure(Exit::NotAllRecorded).hint("whoever operates the node grants it")
        }
        Code::Expected => match problem.expected {
            Some(place) => failure(Exit::NotAllRecorded).hint(format!(
                "the input must not begin behind it: --first-number {} in epoch {}",
                place.n, place.epoch
            )),
            None => failure(Exit::NotAllRecorded),
        },
        Code::Full | Code::RateLimited | Code::Stopped | Code::NoRoom => {
            failure(Exit::Trouble).hint("nothing of it is recorded: send it again later")
        }
        Code::Unknown | Code::Internal | Code::InFlight | Code::TooSlow => failure(Exit::Trouble)
            .hint("it may be recorded: send it again with the same key or number"),
        Code::Damaged => {
            failure(Exit::Trouble).hint("whoever operates the node runs indelible verify")
        }
        _ => failure(Exit::NotAllRecorded),
    }
}
