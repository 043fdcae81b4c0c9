//! How `indelible-proof` reads what is no evidence by itself: one text, as `vectors/verdicts.py` writes it of `verify.py`.
//!
//! What a form says is told, not only whether it was taken: two readers that both accept and read different things disagree.

use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::event::EventReader;
use indelible_proof::genesis::Genesis;
use indelible_proof::head::{Head, HeadError};
use indelible_proof::key::{VerifierKey, id_hex};
use indelible_proof::key_event::KeyEvent;
use indelible_proof::key_set::KeySet;
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use indelible_proof::memory::Memory;
use indelible_proof::note::Note;
use indelible_proof::pin::Pin;
use indelible_proof::policy::Policy;
use indelible_proof::record::Record;
use indelible_proof::trust::{Required, Trust, TrustError};

const REFUSED: &str = "refused";
const MALFORMED: &str = "malformed";

/// The name of a form, and what reads it.
type Form = (&'static str, fn(&[u8]) -> String);

const FORMS: [Form; 12] = [
    ("event", event),
    ("head", head),
    ("line", line),
    ("note", note),
    ("vkey", vkey),
    ("pin", pin),
    ("genesis", genesis),
    ("key event of orders", |event| {
        key_event(event, "log.example.org/orders/00112233445566ff")
    }),
    ("key event of _node", |event| {
        key_event(event, "log.example.org/_node/00112233445566ff")
    }),
    ("policy", policy),
    ("trust file", trust),
    ("memory file", memory),
];

/// The form of this name, as it is kept.
pub fn named(name: &str) -> Option<&'static str> {
    let mut names = FORMS.iter().map(|(known, _)| *known);
    names.find(|known| *known == name)
}

/// What is read, or how it is refused.
pub fn read(name: &str, bytes: &[u8]) -> Option<String> {
    let mut forms = FORMS.iter();
    forms
        .find(|(known, _)| *known == name)
        .map(|(_, read)| read(bytes))
}

fn event(bytes: &[u8]) -> String {
    let read = EventReader::new(EVENT_BYTES_DEFAULT).check_stored(bytes);
    read.map_or(REFUSED, |()| "ok").to_owned()
}

fn head(bytes: &[u8]) -> String {
    match Head::parse(bytes) {
        Ok(head) => format!(
            "{} {} {} {} {} {} {}",
            head.shared.kind.as_str(),
            head.shared.by,
            head.shared.via,
            head.digest,
            head.seq,
            head.time,
            head.prev
        ),
        Err(HeadError::Unsupported) => "unsupported version".to_owned(),
        Err(HeadError::Invalid { .. }) => "invalid".to_owned(),
    }
}

fn line(bytes: &[u8]) -> String {
    let Some(record) = Record::cut(bytes) else {
        return MALFORMED.to_owned();
    };
    let (salt, event) = match record.content {
        Some(content) => (
            content.salt.len().to_string(),
            content.event.len().to_string(),
        ),
        None => ("none".to_owned(), "none".to_owned()),
    };
    format!("{} {salt} {event}", record.head.len())
}

fn note(bytes: &[u8]) -> String {
    let Ok(note) = Note::parse(bytes) else {
        return MALFORMED.to_owned();
    };
    let lines = note.signatures.iter();
    let mut parts: Vec<String> = lines
        .map(|line| {
            let (name, id) = (line.name, id_hex(line.key_id));
            format!("{name} {id} {}", line.signature.len())
        })
        .collect();
    parts.push(match Checkpoint::parse(note.text) {
        Ok(checkpoint) => format!(
            "checkpoint: {} {} {} {}",
            checkpoint.origin,
            checkpoint.size,
            checkpoint.root,
            note.ml_dsa_shaped_lines(checkpoint.origin)
        ),
        Err(_) => format!("checkpoint: {MALFORMED}"),
    });
    parts.join(", ")
}

fn key_text(key: &VerifierKey) -> String {
    let public: String = key
        .public()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let (name, number, id) = (key.name(), key.key_type().byte(), id_hex(key.id()));
    format!("{name} {number} {id} {public}")
}

fn vkey(bytes: &[u8]) -> String {
    let key = str::from_utf8(bytes)
        .ok()
        .and_then(|text| VerifierKey::parse(text).ok());
    key.map_or(REFUSED.to_owned(), |key| key_text(&key))
}

fn pin(bytes: &[u8]) -> String {
    let pin = Pin::parse(bytes);
    pin.map_or(REFUSED.to_owned(), |pin| {
        format!("{} {}", pin.log_id(), key_text(pin.key()))
    })
}

fn key_set_text(set: &KeySet) -> String {
    let texts = |keys: &[VerifierKey]| keys.iter().map(key_text).collect::<Vec<_>>().join(", ");
    let (keys, recovery) = (texts(&set.keys), texts(&set.recovery));
    format!("{keys}; {} of {recovery}", set.threshold)
}

fn genesis(bytes: &[u8]) -> String {
    let genesis = Genesis::parse(bytes);
    genesis.map_or(REFUSED.to_owned(), |genesis| {
        format!("{}: {}", genesis.origin, key_set_text(&genesis.key_set()))
    })
}

fn key_event(bytes: &[u8], origin: &str) -> String {
    let event = KeyEvent::parse(bytes, origin);
    event.map_or(REFUSED.to_owned(), |event| {
        let word = if event.is_recovery {
            "recovery"
        } else {
            "rotation"
        };
        format!("{word}: {}", key_set_text(&event.key_set()))
    })
}

fn policy(bytes: &[u8]) -> String {
    let policy = match Policy::parse(bytes) {
        Ok(policy) => policy,
        Err(error) => return format!("line {}", error.line),
    };
    let count = policy.witnesses.len();
    let those = |meets: &dyn Fn(usize) -> bool| -> String {
        let all = (0..count).filter(|one| meets(*one));
        let texts: Vec<String> = all.map(|one| one.to_string()).collect();
        format!("[{}]", texts.join(", "))
    };
    let none = if policy.is_met(|_| false) {
        "True"
    } else {
        "False"
    };
    format!(
        "{} logs, {count} witnesses, none: {none}, alone: {}, all but: {}",
        policy.logs.len(),
        those(&|one| policy.is_met(|other| other == one)),
        those(&|one| policy.is_met(|other| other != one))
    )
}

fn trust(bytes: &[u8]) -> String {
    match Trust::parse(bytes) {
        Ok(trust) => {
            let required = match trust.required {
                Required::Ed25519 => "ed25519",
                Required::MlDsa44 => "ml-dsa-44",
                Required::Both => "both",
            };
            let policy = if trust.policy.is_some() {
                "policy"
            } else {
                "no policy"
            };
            format!("{required} {policy}")
        }
        Err(TrustError::TooLarge) => "line 1".to_owned(),
        Err(TrustError::Line(line)) => format!("line {line}"),
        Err(TrustError::Unsupported) => "unsupported".to_owned(),
        Err(TrustError::Policy(_)) => "policy".to_owned(),
        Err(TrustError::OtherLog) => "other log".to_owned(),
    }
}

fn memory(bytes: &[u8]) -> String {
    let memory = match Memory::parse(bytes) {
        Ok(memory) => memory,
        Err(error) => return error.to_string(),
    };
    let notes = memory.notes().filter_map(|text| {
        let note = Note::parse(text.as_bytes()).ok()?;
        let checkpoint = Checkpoint::parse(note.text).ok()?;
        Some(format!("{} {}", checkpoint.origin, checkpoint.size))
    });
    notes.collect::<Vec<_>>().join(", ")
}
