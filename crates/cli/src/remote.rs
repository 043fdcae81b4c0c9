//! A node over the network: which one, who one is to it, and by which pin it is believed.

use crate::args::{StoreArg, WriteArgs, from_environment};
use crate::exit::Exit;
use crate::say::Failure;
use clap::Args;
use indelible_api::{Code, Problem};
use indelible_client::{Builder, Client, Error, NotProven, SetupError};
use std::future::Future;
use std::path::PathBuf;

/// By which certificate, and by whose.
#[derive(Args, Clone, Default)]
pub struct IdentityArgs {
    /// Roots that the node's certificate leads to, PEM; if not in INDELIBLE_CA
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Your certificate, PEM; if not in INDELIBLE_CERT
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its private key, PEM; if not in INDELIBLE_KEY
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl IdentityArgs {
    /// What a client of that node begins with.
    pub fn builder(&self, node: &str) -> Result<Builder, Failure> {
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
        Ok(Client::builder(node).ca(ca).identity(cert, key))
    }
}

/// The node that events are sent to.
#[derive(Args, Clone, Default)]
pub struct RemoteArgs {
    /// Send to this node, https://HOST:PORT, instead of a store; if not in INDELIBLE_NODE
    #[arg(long, value_name = "URL", conflicts_with_all = ["keys", "passphrase_file", "moved", "register_lost"])]
    node: Option<String>,
    #[command(flatten)]
    identity: IdentityArgs,
    /// The log's pin, by which the node's receipts are verified; if not in INDELIBLE_PIN
    #[arg(long, value_name = "LINE")]
    pin: Option<String>,
}

impl RemoteArgs {
    /// The node that is meant; none: a store is. What was typed counts before the environment, and there a node before a store, which
    /// the process that serves it has locked anyway.
    pub fn node(&self, store: &StoreArg, write: &WriteArgs) -> Result<Option<String>, Failure> {
        // These say how a store is opened, so one is meant.
        let is_of_store = write.keys.is_some()
            || write.passphrase_file.is_some()
            || write.moved
            || write.register_lost;
        match is_of_store && self.node.is_none() {
            true => Ok(None),
            false => node(self.node.as_ref(), store, &["INDELIBLE_NODE"]),
        }
    }

    /// A client of it.
    pub fn client(&self, node: &str) -> Result<Client, Failure> {
        let pin = pin(self.pin.as_ref())?;
        let built = self.identity.builder(node)?.pin(pin).build();
        built.map_err(|error| setup(&error))
    }
}

/// The node that is read from.
#[derive(Args, Clone, Default)]
pub struct QueryArgs {
    /// Ask this node, https://HOST:PORT of its query listener, instead of a store; if not in INDELIBLE_QUERY
    #[arg(long, value_name = "URL")]
    node: Option<String>,
    #[command(flatten)]
    identity: IdentityArgs,
}

impl QueryArgs {
    /// As for [`RemoteArgs::node`].
    pub fn node(&self, store: &StoreArg) -> Result<Option<String>, Failure> {
        node(self.node.as_ref(), store, &["INDELIBLE_QUERY"])
    }

    /// Whether one was named on the command line.
    pub fn is_typed(&self) -> bool {
        self.node.is_some()
    }

    /// What a client of it begins with.
    pub fn builder(&self, node: &str) -> Result<Builder, Failure> {
        self.identity.builder(node)
    }

    /// A client of it that goes by this pin.
    pub fn client(&self, node: &str, given: Option<&String>) -> Result<Client, Failure> {
        let pin = pin(given)?;
        let built = self.builder(node)?.pin(pin).build();
        built.map_err(|error| setup(&error))
    }
}

/// What was typed, or what the first of these variables says; none: a store is meant.
pub fn node(
    typed: Option<&String>,
    store: &StoreArg,
    variables: &[&str],
) -> Result<Option<String>, Failure> {
    match (typed, store.is_typed()) {
        (Some(_), true) => {
            Err(Failure::usage("both --node and --store are given").hint("name one of them"))
        }
        (Some(node), false) => Ok(Some(node.clone())),
        (None, true) => Ok(None),
        (None, false) => {
            let mut set = variables.iter();
            let set = set.find_map(|name| Some((name, from_environment(name)?)));
            set.map(|(name, node)| text(name, node)).transpose()
        }
    }
}

/// The pin that was typed, or that of the environment.
fn pin(given: Option<&String>) -> Result<String, Failure> {
    match (given, from_environment("INDELIBLE_PIN")) {
        (Some(pin), _) => Ok(pin.clone()),
        (None, Some(pin)) => text("INDELIBLE_PIN", pin),
        (None, None) => Err(no_pin()),
    }
}

/// Without one nothing is believed.
pub fn no_pin() -> Failure {
    Failure::usage("the log's pin is missing: nothing that a node says could be verified")
        .hint("give the line that `indelible pin` prints with --pin LINE, or set INDELIBLE_PIN")
}

/// Runs a client to its end. Connections are driven by threads of their own, so that one who prints slowly loses none.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime =
        runtime.map_err(|error| Failure::new(Exit::Trouble, format!("no threads: {error}")))?;
    runtime.block_on(work)
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
        Error::NoAnswer { .. } | Error::NoSuchRecord { .. } | Error::TooMany(_) => unread(error),
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

/// The same for what began with record `first` and has come as far as `next`.
pub fn unread_from(error: &Error, first: Option<u64>, next: u64) -> Failure {
    let failure = unread(error);
    match next > first.unwrap_or(0) {
        true => failure.before(format!("from record {next} on: ")),
        false => failure,
    }
}

/// Why nothing was read, or what of it is not proven.
pub fn unread(error: &Error) -> Failure {
    let failure = |exit| Failure::new(exit, error.to_string());
    match error {
        Error::Refused { problem, .. } => unanswered(problem),
        Error::NoAnswer { .. } => failure(Exit::Trouble),
        Error::NotProven(why) => not_proven(why, failure(exit_of(why))),
        Error::Answer(_) => failure(Exit::Damaged).hint(NOTHING_TO_BELIEVE),
        Error::NoPin(log) => failure(Exit::Usage).hint(format!(
            "give the pin of that log: indelible pin --log {log}"
        )),
        _ => failure(Exit::Usage),
    }
}

const NOTHING_TO_BELIEVE: &str = "keep what the node answered out of use, and find out who runs it";

const OTHER_LISTENER: &str =
    "name the node's query listener with --node URL, or set INDELIBLE_QUERY";

/// As the verdict on it would end.
fn exit_of(why: &NotProven) -> Exit {
    match why {
        NotProven::Integrity(value) => Exit::of_verdict(value.exit_code()),
        NotProven::Authenticity(value) => Exit::of_verdict(value.exit_code()),
        // As a verdict has it: signed by no key that is known.
        NotProven::OtherLog(_) => Exit::Unverified,
        _ => Exit::Damaged,
    }
}

fn not_proven(why: &NotProven, failure: Failure) -> Failure {
    match why {
        NotProven::Fork { one, other, proof } => {
            let parts = [
                ("one", Some(one)),
                ("other", Some(other)),
                ("proof", proof.as_ref()),
            ];
            for (name, text) in parts {
                if let Some(text) = text {
                    crate::say::evidence(name, text);
                }
            }
            failure.hint("the notes above prove it to anybody: keep each in a file, and run indelible verify --fork ONE OTHER")
        }
        NotProven::Rollback { newer, .. } => {
            crate::say::evidence("what it signed before", newer);
            failure.hint("keep the note above: the node signed it, and now denies it")
        }
        NotProven::OtherLog(_) => {
            failure.hint("compare the pin with whoever gave it to you: the node may have another log of that name")
        }
        _ => failure.hint(NOTHING_TO_BELIEVE),
    }
}

/// A refusal of a question.
fn unanswered(problem: &Problem) -> Failure {
    let failure = |exit| Failure::new(exit, problem.detail.clone());
    match problem.code {
        Code::Denied if problem.detail.contains("?heads") => {
            failure(Exit::Usage).hint("with --heads you see who and when, not what")
        }
        Code::Denied | Code::Unauthenticated => failure(Exit::Usage)
            .hint("whoever operates the node grants it; indelible whoami says what you may do"),
        Code::MethodNotAllowed => {
            Failure::usage("that listener takes events, and is not read from").hint(OTHER_LISTENER)
        }
        Code::NotFound if problem.detail.starts_with("no such path") => {
            failure(Exit::Usage).hint(OTHER_LISTENER)
        }
        Code::Damaged => {
            failure(Exit::Damaged).hint("whoever operates the node runs indelible verify")
        }
        Code::NotYet => failure(Exit::Unverified).hint(crate::commands::receipt::COVERED_BY),
        Code::Full | Code::RateLimited | Code::Stopped | Code::Internal | Code::TooSlow => {
            failure(Exit::Trouble).hint("ask again later")
        }
        _ => failure(Exit::Usage),
    }
}
