use super::*;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::{format, vec::Vec};

const ORIGIN: &str = "acme.example/orders/00112233445566ff";
const NODE_ORIGIN: &str = "acme.example/_node/00112233445566ff";

/// A key of its own for each name.
fn key(name: &str) -> String {
    crate::key::VerifierKey::ed25519(name, crate::hash::sha256(name.as_bytes()).0).to_string()
}

fn text(event: &KeyEvent<'_>) -> String {
    let mut out = Vec::new();
    event.encode(&mut out);
    String::from_utf8(out).unwrap()
}

fn rotation<'a>(keys: Vec<&'a str>, recovery: Recovery<'a>) -> KeyEvent<'a> {
    KeyEvent {
        is_recovery: false,
        generation: 1,
        keys,
        recovery,
        batch_key: None,
    }
}

fn good(event: &KeyEvent<'_>, origin: &str) -> bool {
    let text = text(event);
    let parsed = KeyEvent::parse(text.as_bytes(), origin);
    assert!(parsed.is_none() || parsed.as_ref() == Some(event), "{text}");
    parsed.is_some()
}

#[test]
fn a_key_event_is_read_as_it_was_written() {
    let (ours, ada, bob) = (key(ORIGIN), key("ada"), key("bob"));
    let both = Recovery {
        threshold: 2,
        keys: vec![&ada, &bob],
    };
    assert!(good(&rotation(vec![&ours], Recovery::default()), ORIGIN));
    let recovery = KeyEvent {
        is_recovery: true,
        generation: 9,
        ..rotation(vec![&ours], both)
    };
    assert!(good(&recovery, ORIGIN));
    let node = key(NODE_ORIGIN);
    let of_node = KeyEvent {
        batch_key: Some([1; 32]),
        ..rotation(vec![&node], Recovery::default())
    };
    assert!(good(&of_node, NODE_ORIGIN));
    assert_eq!(recovery.key_set().threshold, 2);
}

#[test]
fn what_could_not_take_keys_over_is_no_key_event() {
    let (ours, ada) = (key(ORIGIN), key("ada"));
    let upper = key("Ada");
    let public = crate::key::VerifierKey::parse(&ada).unwrap();
    let public: [u8; 32] = public.public().try_into().unwrap();
    let same = crate::key::VerifierKey::ed25519("ada-again", public).to_string();
    let of = |threshold, keys| Recovery { threshold, keys };
    let bad = [
        rotation(vec![], Recovery::default()),
        rotation(vec![&ada], Recovery::default()),
        rotation(vec![&ours], of(1, vec![])),
        rotation(vec![&ours], of(0, vec![&ada])),
        rotation(vec![&ours], of(2, vec![&ada])),
        rotation(vec![&ours], of(1, vec![&ada, &ada])),
        rotation(vec![&ours], of(1, vec![&ours])),
        rotation(vec![&ours], of(1, vec![&upper])),
        rotation(vec![&ours], of(2, vec![&ada, &same])),
        rotation(vec![&ours], of(1, vec!["ada+00000000+AAAA"])),
        KeyEvent {
            generation: 0,
            ..rotation(vec![&ours], Recovery::default())
        },
        KeyEvent {
            batch_key: Some([1; 32]),
            ..rotation(vec![&ours], Recovery::default())
        },
    ];
    for event in &bad {
        assert!(!good(event, ORIGIN), "{}", text(event));
    }
    let nine: Vec<String> = (0..9).map(|number| key(&format!("r{number}"))).collect();
    let many = of(1, nine.iter().map(String::as_str).collect());
    assert!(!good(&rotation(vec![&ours], many), ORIGIN));
    let whole = text(&rotation(vec![&ours], Recovery::default()));
    for end in 0..whole.len() {
        assert!(KeyEvent::parse(&whole.as_bytes()[..end], ORIGIN).is_none());
    }
    let longer = format!("{whole} ");
    assert!(KeyEvent::parse(longer.as_bytes(), ORIGIN).is_none());
}
