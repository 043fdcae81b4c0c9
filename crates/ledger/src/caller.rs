//! What happens to an event before it is ordered, on the thread of whoever brings it: judge the JSON, salt, digest, and hash all of
//! the head that is known already.
//!
//! The sequencer then hashes only the last blocks of the head. Knows nothing of order, time or disk.

use crate::books::Log;
use crate::resend::keys::SealedKeys;
use crate::resend::streams::Place;
use crate::resend::tag::{StreamId, Tagger, stream_id};
use crate::resend::{Claim, KeyClaim};
use indelible_proof::event::{EventError, EventReader};
use indelible_proof::hash::{self, HEX_PAIRS, Hash};
use indelible_proof::head::{self, Kind, Own, Shared, Stream};
use indelible_proof::limits::{HEAD_BYTES_MAX, INTEGER_MAX};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Room the end of a head takes at most: `"seq":16 digits,"time":"30","prev":"64"}`.
const HEAD_END_MAX: usize = 144;
/// Random bytes fetched at once, so that 16 of them cost nanoseconds instead of a system call.
const RANDOM_BLOCK: usize = 4_096;

/// A source of random bytes that no one can guess. Called for salts, incarnations and writer ids.
pub type Random = Box<dyn FnMut(&mut [u8]) + Send>;

/// The caller's error: why an event was not accepted. Nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The event is not what `docs/spec/event.md` asks for: fix it.
    #[error("{0}")]
    Event(#[from] EventError),
    /// The head would be longer than 4,096 bytes: shorten principal, key or stream name.
    #[error("the head would have more than {HEAD_BYTES_MAX} bytes")]
    HeadTooLong,
    /// The stream's name, the number or the key has not its form: 1 to 128 characters, percent-encoded.
    #[error("its stream, number or key has not the form that a head asks for")]
    Claim,
}

/// An event that is ready to be ordered.
pub struct Prepared {
    /// The head up to and with the comma after `digest`.
    pub(crate) head: Vec<u8>,
    pub(crate) shared: std::ops::Range<usize>,
    pub(crate) own: std::ops::Range<usize>,
    /// SHA-256 of `head`, to be continued with the rest.
    pub(crate) state: Sha256,
    pub(crate) salt: [u8; 16],
    pub(crate) event: Box<[u8]>,
    /// The number and the key it claims, if any.
    pub(crate) claim: Option<Box<Claim>>,
}

impl Prepared {
    /// Bytes this record takes in a frame, about: what the queue and the batch count.
    #[must_use]
    pub(crate) fn weight(&self) -> usize {
        self.event.len() + self.own.len() + self.shared.len() + 80
    }

    /// The salt as the text that is hashed and handed out.
    #[must_use]
    pub fn salt_text(&self) -> [u8; 32] {
        salt_text(&self.salt)
    }

    /// The event as it will be stored.
    #[must_use]
    pub fn event(&self) -> &[u8] {
        &self.event
    }
}

/// The 32 hex characters of a salt.
#[must_use]
pub fn salt_text(salt: &[u8; 16]) -> [u8; 32] {
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(salt) {
        pair.copy_from_slice(&HEX_PAIRS[usize::from(*byte)]);
    }
    text
}

/// Prepares events; one for each thread that brings some. Owns the parser's scratch space and a block of random bytes.
pub struct Caller {
    reader: EventReader,
    random: Random,
    block: Box<[u8; RANDOM_BLOCK]>,
    used: usize,
    minified: Vec<u8>,
    claims: Claims,
    begun: Begun,
    /// Where keys will be looked for, of a node that records.
    keys: Option<Arc<SealedKeys>>,
}

/// SHA-256 of what a head begins with: the log and the shared fields. Most events of a caller have both in common.
#[derive(Default)]
struct Begun {
    begin: Vec<u8>,
    state: Sha256,
}

impl Begun {
    fn hashed(&mut self, begin: &[u8]) -> Sha256 {
        if self.begin != begin {
            begin.clone_into(&mut self.begin);
            self.state = Sha256::new_with_prefix(begin);
        }
        self.state.clone()
    }
}

/// Makes claims. Most events of a caller are of one log and one principal.
#[derive(Default)]
struct Claims {
    of: Option<(Hash, String, Tagger)>,
    stream: Option<(String, StreamId)>,
}

impl Claims {
    fn claim(&mut self, log: &Log, by: &str, own: &Own<'_>) -> Option<Box<Claim>> {
        if own.stream.is_none() && own.key.is_none() {
            return None;
        }
        let id = log.id();
        if self.of.as_ref().is_none_or(|of| of.0 != id || of.1 != by) {
            self.of = Some((id, by.to_owned(), Tagger::new(&id, by)));
            self.stream = None;
        }
        let tagger = self.of.as_ref().map(|(_, _, tagger)| tagger)?;
        let key = own.key.map(|key| KeyClaim {
            tag: tagger.tag(key),
            looked: None,
            of_array: key.contains('#'),
        });
        let stream = own.stream.map(|stream| {
            let Stream { src, epoch, n } = stream;
            if self.stream.as_ref().is_none_or(|known| known.0 != src) {
                self.stream = Some((src.to_owned(), stream_id(&id, by, src)));
            }
            let known = self.stream.as_ref().expect("it was set just now");
            (known.1, Place { epoch, n })
        });
        Some(Box::new(Claim { stream, key }))
    }
}

impl Caller {
    /// `event_bytes_max` is the log's limit on a minified event.
    #[must_use]
    pub fn new(event_bytes_max: usize, random: Random) -> Caller {
        Caller {
            reader: EventReader::new(event_bytes_max),
            random,
            block: Box::new([0; RANDOM_BLOCK]),
            used: RANDOM_BLOCK,
            minified: Vec::new(),
            claims: Claims::default(),
            begun: Begun::default(),
            keys: None,
        }
    }

    /// Bytes a minified event may have.
    #[must_use]
    pub fn event_bytes_max(&self) -> usize {
        self.reader.limit()
    }

    /// For a node that will look for claimed keys among these.
    pub(crate) fn with_keys(mut self, keys: &Arc<SealedKeys>) -> Caller {
        self.keys = Some(Arc::clone(keys));
        self
    }

    /// Judges an event from outside and prepares it. Its kind is `event`, whatever it says of itself.
    ///
    /// # Errors
    /// [`PrepareError`]; nothing is recorded.
    pub fn prepare(
        &mut self,
        log: &Arc<Log>,
        shared: &Shared<'_>,
        own: &Own<'_>,
        event: &[u8],
    ) -> Result<Prepared, PrepareError> {
        assert!(
            shared.kind == Kind::Event,
            "whatever comes from outside is an event"
        );
        let claimed = own.stream.is_none_or(|stream| {
            head::is_source(stream.src) && stream.epoch.max(stream.n) <= INTEGER_MAX
        }) && own.key.is_none_or(head::is_key);
        if !claimed {
            return Err(PrepareError::Claim);
        }
        let claim = self.claims.claim(log, shared.by, own);
        // While the event is judged and hashed, memory brings what the look for the key needs.
        if let (Some(keys), Some(key)) = (&self.keys, claim.as_ref().and_then(|claim| claim.key)) {
            keys.ask_ahead(&key.tag);
        }
        self.prepare_any(log.head_start(), shared, own, event, claim)
    }

    /// The same for the node's own records.
    pub(crate) fn prepare_any(
        &mut self,
        head_start: &[u8],
        shared: &Shared<'_>,
        own: &Own<'_>,
        event: &[u8],
        claim: Option<Box<Claim>>,
    ) -> Result<Prepared, PrepareError> {
        self.minified.clear();
        self.reader.minify(event, &mut self.minified)?;
        let salt = self.salt();
        let digest = hash::digest(&salt_text(&salt), &self.minified);
        let mut head = Vec::with_capacity(head_start.len() + 256 + HEAD_END_MAX);
        head.extend_from_slice(head_start);
        shared.encode(&mut head);
        let shared_end = head.len();
        own.encode(&mut head);
        let own_end = head.len();
        head::encode_digest(&digest, &mut head);
        if head.len() + HEAD_END_MAX > HEAD_BYTES_MAX {
            return Err(PrepareError::HeadTooLong);
        }
        let (begin, rest) = head.split_at(shared_end);
        let state = self.begun.hashed(begin).chain_update(rest);
        Ok(Prepared {
            shared: head_start.len()..shared_end,
            own: shared_end..own_end,
            head,
            state,
            salt,
            event: self.minified.as_slice().into(),
            claim,
        })
    }

    /// 16 fresh random bytes, each used once.
    fn salt(&mut self) -> [u8; 16] {
        if self.used == RANDOM_BLOCK {
            (self.random)(&mut self.block[..]);
            self.used = 0;
        }
        let mut salt = [0; 16];
        salt.copy_from_slice(&self.block[self.used..self.used + 16]);
        self.block[self.used..self.used + 16].fill(0);
        self.used += 16;
        salt
    }
}

/// What became of a record: enough to build its head again and prove it.
#[derive(Debug)]
pub struct Recorded {
    /// Position in its log.
    pub seq: u64,
    /// SHA-256 of the head.
    pub entry: Hash,
    /// The whole head.
    pub head: Vec<u8>,
    /// The salt, without which an event can't be tied to its head.
    pub salt: [u8; 16],
    /// It was recorded before: the event was sent again, and this is the original.
    pub again: bool,
}
