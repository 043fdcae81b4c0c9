//! What a caller is told when it is not told *recorded*.

use crate::verify::NotProven;
use indelible_api::Problem;
use indelible_proof::event::EventError;

/// Why something was not done, or is not known to be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log has no pin: what a node answered could not be verified. Nothing was sent.
    #[error("no pin is known for the log {0}: its receipts could not be verified")]
    NoPin(String),
    /// An event is none. Nothing was sent.
    #[error("event {index}: {error}")]
    Event {
        /// Which of several, from 0.
        index: usize,
        /// What is wrong with it.
        error: EventError,
    },
    /// The event has no key in the member that was named. It was not sent.
    #[error("{0}")]
    Key(String),
    /// No more lines are taken: the outcomes say why.
    #[error("no more lines are taken")]
    Ended,
    /// The node refused.
    #[error("{}", .problem.detail)]
    Refused {
        /// As it said it.
        problem: Box<Problem>,
        /// An earlier try of the same request got no answer.
        may_be_recorded: bool,
    },
    /// No answer came, as often as it was tried.
    #[error("no answer after {tries} tries: {why}; sent with {claim}")]
    GaveUp {
        /// What was in the way the last time.
        why: String,
        /// How often it was tried.
        tries: u32,
        /// Some of these tries may have reached the node.
        may_be_recorded: bool,
        /// Send it again with this.
        claim: String,
    },
    /// No answer to a question came, as often as it was asked.
    #[error("no answer after {tries} tries: {why}")]
    NoAnswer {
        /// What was in the way the last time.
        why: String,
        /// How often it was tried.
        tries: u32,
    },
    /// The range has more records than one receipt is for.
    #[error("one receipt is for at most {0} records")]
    TooMany(u64),
    /// There is no such record, by the node's word.
    #[error("no record {seq} in {log}: the node says that it has {size}")]
    NoSuchRecord {
        /// The log's name.
        log: String,
        /// The first of those that were asked for and are not there.
        seq: u64,
        /// How many the log has.
        size: u64,
    },
    /// The node answered, and the answer does not prove what it says.
    #[error("the node's answer is not proven: {0}")]
    NotProven(#[from] Box<NotProven>),
    /// What came can't be understood.
    #[error("the node's answer can't be understood: {0}")]
    Answer(String),
}

impl Error {
    /// Whether the event may be recorded all the same. Then it is sent again with the same key or number, or looked for.
    #[must_use]
    pub fn may_be_recorded(&self) -> bool {
        match self {
            Error::NoPin(_)
            | Error::Event { .. }
            | Error::Key(_)
            | Error::Ended
            | Error::NoAnswer { .. }
            | Error::TooMany(_)
            | Error::NoSuchRecord { .. } => false,
            Error::Refused {
                problem,
                may_be_recorded,
            } => *may_be_recorded || problem.resend == indelible_api::Resend::WithKey,
            Error::GaveUp {
                may_be_recorded, ..
            } => *may_be_recorded,
            Error::NotProven(_) | Error::Answer(_) => true,
        }
    }

    /// What the node said, if it refused.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Error::Refused { problem, .. } => Some(problem),
            _ => None,
        }
    }
}

impl From<NotProven> for Error {
    fn from(why: NotProven) -> Error {
        Error::NotProven(Box::new(why))
    }
}

/// Why there is no client: what the builder was given does not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The node's address.
    #[error("not the address of a node, https://HOST:PORT: {0}")]
    Url(String),
    /// Certificates or key were not named.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A file can't be read, or is not what it should be.
    #[error("{what}: {why}")]
    Pem {
        /// Which.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// Certificate and key don't fit together.
    #[error("certificate and key can't be used: {0}")]
    Identity(String),
    /// A pin line or trust file is none.
    #[error("not a pin: {0}")]
    Pin(String),
    /// Two pins of one log.
    #[error("two pins for the log {0}")]
    TwoPins(String),
    /// A key or stream name that can't be one.
    #[error(
        "a key or a stream's name has 1 to 128 characters, those that a head can't hold counted as three, and a key no #"
    )]
    Claim,
}
