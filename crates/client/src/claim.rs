//! What makes an event safe to send again: a key of its own, or its number in a stream.

use crate::error::SetupError;
use indelible_api::header;
use indelible_api::occurred::occurred;
use indelible_proof::head::{self, Own};
use indelible_proof::limits::KEY_PART_END;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a request claims for its events. A node records none of them twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A key. Event number *i* of an array or of lines carries `KEY#i`.
    Key(String),
    /// A number in the producer's own stream, without gaps from 0; the events after the first have the numbers after it.
    Stream {
        /// The stream's name, percent-encoded.
        src: String,
        /// Its epoch.
        epoch: u64,
        /// Number of the first event.
        n: u64,
    },
    /// Nothing. Then a request is sent again only where the node said that it recorded nothing, and a node that answers an event with
    /// the receipt of an equal one from before can't be told from an honest one.
    None,
}

impl Claim {
    /// A key that was never used: a UUID of version 7, which says when it was made, so that a node finds it however old it is.
    #[must_use]
    pub fn fresh() -> Claim {
        Claim::Key(uuid())
    }

    /// A key of one's own: whatever in it can't stand in a head is percent-encoded.
    ///
    /// # Errors
    /// [`SetupError::Claim`]: it is empty, too long, or has a `#`.
    pub fn key(key: &str) -> Result<Claim, SetupError> {
        let encoded = encoded(key);
        let good = head::is_key(&encoded) && !encoded.contains('#');
        good.then_some(Claim::Key(encoded)).ok_or(SetupError::Claim)
    }

    /// A place in a stream of that name; what can't stand in a head is percent-encoded.
    ///
    /// # Errors
    /// [`SetupError::Claim`]: the name is empty or too long.
    pub fn stream(name: &str, epoch: u64, n: u64) -> Result<Claim, SetupError> {
        let src = encoded(name);
        let good = head::is_source(&src);
        good.then_some(Claim::Stream { src, epoch, n })
            .ok_or(SetupError::Claim)
    }

    /// Whether what it is sent with may be sent again although nobody knows what became of it.
    #[must_use]
    pub fn is_some(&self) -> bool {
        *self != Claim::None
    }

    /// The header field that says it, for a request whose first event is number `first`.
    pub(crate) fn field(&self, first: u64) -> Option<(&'static str, String)> {
        match self {
            Claim::Key(key) => Some((header::IDEMPOTENCY_KEY, key.clone())),
            Claim::Stream { src, epoch, n } => {
                let stream = head::Stream {
                    src,
                    epoch: *epoch,
                    n: n.saturating_add(first),
                };
                Some((header::STREAM, header::stream_text(&stream)))
            }
            Claim::None => None,
        }
    }

    /// The claim under which line `number` is sent, and its number there. A key is for [`KEY_PART_END`] lines; those after them have
    /// `KEY.1`, then `KEY.2` and so on, and sent again they have the same.
    pub(crate) fn for_line(&self, number: u64) -> (Claim, u64) {
        let (block, index) = (number / KEY_PART_END, number % KEY_PART_END);
        match self {
            Claim::Key(key) if block > 0 => (Claim::Key(format!("{key}.{block}")), index),
            Claim::Key(_) => (self.clone(), index),
            _ => (self.clone(), number),
        }
    }

    /// The number of the first line after this one that goes under another claim.
    pub(crate) fn next_claim(&self, number: u64) -> u64 {
        match self {
            Claim::Key(_) => (number / KEY_PART_END + 1) * KEY_PART_END,
            _ => u64::MAX,
        }
    }

    /// The key of event number `index` of several.
    pub(crate) fn key_of(&self, index: usize) -> Option<String> {
        match self {
            Claim::Key(key) => Some(header::key_of(key, index)),
            _ => None,
        }
    }

    /// What the head of event number `index` has to say, given the key that it carries.
    pub(crate) fn own<'a>(&'a self, key: Option<&'a str>, index: usize, event: &[u8]) -> Own<'a> {
        let further = u64::try_from(index).unwrap_or(u64::MAX);
        let stream = match self {
            Claim::Stream { src, epoch, n } => Some(head::Stream {
                src,
                epoch: *epoch,
                n: n.saturating_add(further),
            }),
            _ => None,
        };
        Own {
            occurred: occurred(event),
            stream,
            key,
            psig: None,
        }
    }

    /// As it is said in an error.
    pub(crate) fn text(&self) -> String {
        match self {
            Claim::Key(key) => format!("key {key}"),
            Claim::Stream { src, epoch, n } => format!("stream {src}, epoch {epoch}, number {n}"),
            Claim::None => "neither key nor number".to_owned(),
        }
    }
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    head::percent_encode(text.as_bytes(), &mut out);
    out
}

/// A UUID of version 7 (RFC 9562): milliseconds since 1970, and 74 random bits.
fn uuid() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = now.map_or(0, |now| now.as_millis());
    let [.., a, b, c, d, e, f] = millis.to_be_bytes();
    let mut bytes = [0; 16];
    crate::retry::random(&mut bytes);
    bytes[..6].copy_from_slice(&[a, b, c, d, e, f]);
    bytes[6] = bytes[6] & 0x0F | 0x70;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&place) {
            text.push('-');
        }
        let pair = indelible_proof::hash::HEX_PAIRS[usize::from(*byte)];
        text.extend(pair.map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_key_is_a_uuid_of_version_7_and_none_comes_twice() {
        let Claim::Key(key) = Claim::fresh() else {
            panic!()
        };
        let other = Claim::fresh();
        assert_ne!(Claim::Key(key.clone()), other);
        let parts: Vec<usize> = key.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&key[14..15], "7");
        assert!("89ab".contains(&key[19..20]), "{key}");
        assert_eq!(header::key(&key), Ok(key.as_str()));
    }

    #[test]
    fn lines_beyond_what_a_key_is_for_go_under_the_next_one_and_each_time_the_same() {
        let key = Claim::key("a").unwrap();
        let next = |block: u64| Claim::Key(format!("a.{block}"));
        for (number, claim, index) in [
            (0, key.clone(), 0),
            (KEY_PART_END - 1, key.clone(), KEY_PART_END - 1),
            (KEY_PART_END, next(1), 0),
            (3 * KEY_PART_END + 7, next(3), 7),
        ] {
            assert_eq!(key.for_line(number), (claim, index));
        }
        assert_eq!(key.next_claim(0), KEY_PART_END);
        assert_eq!(key.next_claim(KEY_PART_END), 2 * KEY_PART_END);
        let stream = Claim::stream("s", 0, 0).unwrap();
        assert_eq!(stream.for_line(70_000), (stream.clone(), 70_000));
        assert_eq!(stream.next_claim(70_000), u64::MAX);
    }

    #[test]
    fn what_can_not_stand_in_a_head_is_encoded_and_a_number_sign_is_refused() {
        assert_eq!(Claim::key("a b"), Ok(Claim::Key("a%20b".to_owned())));
        assert_eq!(Claim::key("a#1"), Err(SetupError::Claim));
        assert_eq!(Claim::key(""), Err(SetupError::Claim));
        assert_eq!(Claim::stream("", 0, 0), Err(SetupError::Claim));
        let stream = Claim::stream("bill ing", 1, 4).unwrap();
        let (name, value) = stream.field(3).unwrap();
        assert_eq!(
            (name, value.as_str()),
            ("indelible-stream", "bill%20ing; epoch=1; n=7")
        );
    }
}
