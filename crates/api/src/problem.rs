//! Refusals on the wire: problem details for HTTP APIs, RFC 9457.
//!
//! Each has a code that never changes its meaning, and says whether sending again is safe.

use serde::{Deserialize, Serialize};

/// What a refusal is. The status code of HTTP follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The request can't be understood: fix it.
    BadRequest,
    /// The event is not what `event.md` asks for: fix it.
    BadEvent,
    /// The body, or one event of it, is longer than allowed.
    TooLarge,
    /// More events than are recorded together.
    TooMany,
    /// Nobody was authenticated.
    Unauthenticated,
    /// No grant allows it.
    Denied,
    /// There is nothing of that name, or it is not to be seen by whoever asks.
    NotFound,
    /// The path takes other methods.
    MethodNotAllowed,
    /// The body has a media type that is not read here.
    UnsupportedMediaType,
    /// The key or number belongs to another event.
    Conflict,
    /// The stream goes on with another number.
    Expected,
    /// The stream was handed on to another principal.
    Handed,
    /// A part of it is being recorded by another request.
    InFlight,
    /// It was recorded before; its content is gone, so it was not compared.
    NotCompared,
    /// There was no room for it: too much is on its way.
    Full,
    /// The disk has no room.
    NoRoom,
    /// The principal sends more than it may.
    RateLimited,
    /// The node is stopping, or has stopped.
    Stopped,
    /// No published checkpoint covers it yet.
    NotYet,
    /// What is stored and is needed for it can't be read.
    Damaged,
    /// It may be recorded, or not: the commit broke, or took too long.
    Unknown,
    /// The node met a fault of its own.
    Internal,
    /// The request came too slowly.
    TooSlow,
}

/// Whether to send a request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resend {
    /// It would be refused again: change it first.
    No,
    /// Nothing was recorded: send it again, later.
    Safe,
    /// It may be recorded: send it again with the same key or number, and with none look first.
    WithKey,
}

impl Code {
    /// All of them, for documents and tests.
    pub const ALL: [Code; 23] = [
        Code::BadRequest,
        Code::BadEvent,
        Code::TooLarge,
        Code::TooMany,
        Code::Unauthenticated,
        Code::Denied,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::UnsupportedMediaType,
        Code::Conflict,
        Code::Expected,
        Code::Handed,
        Code::InFlight,
        Code::NotCompared,
        Code::Full,
        Code::NoRoom,
        Code::RateLimited,
        Code::Stopped,
        Code::NotYet,
        Code::Damaged,
        Code::Unknown,
        Code::Internal,
        Code::TooSlow,
    ];

    /// Status, title, and whether to send again.
    #[must_use]
    pub fn meaning(self) -> (u16, &'static str, Resend) {
        match self {
            Code::BadRequest => (400, "the request can't be understood", Resend::No),
            Code::BadEvent => (422, "not an event that can be recorded", Resend::No),
            Code::TooLarge => (413, "longer than allowed", Resend::No),
            Code::TooMany => (413, "more than is recorded together", Resend::No),
            Code::Unauthenticated => (401, "nobody was authenticated", Resend::No),
            Code::Denied => (403, "no grant allows it", Resend::No),
            Code::NotFound => (404, "there is no such thing here", Resend::No),
            Code::MethodNotAllowed => (405, "the path takes other methods", Resend::No),
            Code::UnsupportedMediaType => (415, "the media type is not read here", Resend::No),
            Code::Conflict => (
                409,
                "the key or number belongs to another event",
                Resend::No,
            ),
            Code::Expected => (409, "the stream goes on with another number", Resend::No),
            Code::Handed => (409, "the stream was handed on", Resend::No),
            Code::InFlight => (
                409,
                "a part of it is being recorded at this moment",
                Resend::WithKey,
            ),
            Code::NotCompared => (409, "recorded before, and not compared", Resend::No),
            Code::Full => (429, "too much is on its way", Resend::Safe),
            Code::NoRoom => (507, "the disk has no room", Resend::Safe),
            Code::RateLimited => (429, "more than this principal may send", Resend::Safe),
            Code::Stopped => (503, "the node is stopping", Resend::Safe),
            Code::NotYet => (503, "no checkpoint covers it yet", Resend::Safe),
            Code::Damaged => (500, "what is stored can't be read", Resend::No),
            Code::Unknown => (
                500,
                "it is not known whether it is recorded",
                Resend::WithKey,
            ),
            Code::Internal => (500, "a fault of the node", Resend::WithKey),
            Code::TooSlow => (408, "the request came too slowly", Resend::WithKey),
        }
    }

    /// Its word, as it stands in `code` and at the end of `type`.
    #[must_use]
    pub fn word(self) -> String {
        let quoted = serde_json::to_string(&self)
            .expect("shapes of ours have text keys and no failing parts");
        quoted.trim_matches('"').to_owned()
    }
}

/// A refusal as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A path of the node that explains it: `/v1/problems/full`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is, the same each time.
    pub title: String,
    /// The status code.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The word of its code.
    pub code: Code,
    /// Whether to send again.
    pub resend: Resend,
    /// Seconds to wait before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The event of an array or the line that it is about, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// The record that has the key or number, or the number that is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Where the stream goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// Where a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Its epoch.
    pub epoch: u64,
    /// The next number of it.
    pub n: u64,
}

impl Problem {
    /// A refusal of this kind, about this.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        let (status, title, resend) = code.meaning();
        Problem {
            kind: format!("/v1/problems/{}", code.word()),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            code,
            resend,
            retry_after: None,
            index: None,
            seq: None,
            expected: None,
        }
    }

    /// It is about this event of several.
    #[must_use]
    pub fn at(mut self, index: usize) -> Problem {
        self.index = Some(index);
        self
    }

    /// When to try again.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Problem {
        self.retry_after = Some(seconds);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_word_of_its_own_and_reads_back() {
        let mut words: Vec<String> = Code::ALL.iter().map(|code| code.word()).collect();
        for (code, word) in Code::ALL.iter().zip(&words) {
            let read: Result<Code, _> = serde_json::from_str(&format!("\"{word}\""));
            assert_eq!(read.ok(), Some(*code));
        }
        words.sort();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
    }

    #[test]
    fn a_refusal_that_is_safe_to_repeat_has_a_status_that_clients_repeat() {
        for code in Code::ALL {
            let (status, _, resend) = code.meaning();
            assert_eq!(
                resend == Resend::Safe,
                [429, 503, 507].contains(&status),
                "{code:?}"
            );
        }
    }
}
