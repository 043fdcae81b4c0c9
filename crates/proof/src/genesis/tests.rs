use super::*;
use crate::strict_base64;
use alloc::format;
use alloc::string::String;
use alloc::vec;

const ORIGIN: &str = "acme.example/orders/00112233445566ff";
const NODE_ORIGIN: &str = "acme.example/_node/00112233445566ff";
const HEX: &str = "000102030405060708090a0b0c0d0e0f";

/// A verifier key of any type and length whose key id fits.
fn key(origin: &str, kind: u8, public: &[u8]) -> String {
    let raw = [&[kind], public].concat();
    let id = crate::hash::sha256(&[origin.as_bytes(), b"\n", &raw].concat());
    let id: String = id.hex()[..8]
        .iter()
        .map(|digit| char::from(*digit))
        .collect();
    format!("{origin}+{id}+{}", strict_base64::encode(&raw))
}

/// The public key of RFC 8032 §7.1, test 1.
fn ed25519(origin: &str) -> String {
    let public =
        Hash::from_hex(b"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
            .unwrap();
    key(origin, 1, &public.0)
}

fn of_log(key: &str) -> Genesis<'_> {
    Genesis {
        origin: ORIGIN,
        node_log: Some(Hash([0xab; 32])),
        keys: vec![key],
        recovery: Recovery::default(),
        batch_key: None,
        node: HEX,
        store: HEX,
        event_bytes: 1_048_576,
        key_horizon: 0,
        creator: "an operator",
        software: "indelible 0.1.0",
    }
}

fn of_node(key: &str) -> Genesis<'_> {
    Genesis {
        origin: NODE_ORIGIN,
        node_log: None,
        batch_key: Some([7; 32]),
        ..of_log(key)
    }
}

fn text(genesis: &Genesis<'_>) -> String {
    let mut out = Vec::new();
    genesis.encode(&mut out);
    String::from_utf8(out).unwrap()
}

fn check(genesis: &Genesis<'_>, good: bool) {
    let text = text(genesis);
    assert_eq!(
        Genesis::parse(text.as_bytes()),
        good.then(|| genesis.clone()),
        "{text}"
    );
}

#[test]
fn a_genesis_has_the_bytes_of_the_page() {
    let key = ed25519(ORIGIN);
    let expected = format!(
        "{{\"genesis\":1,\"origin\":\"{ORIGIN}\",\"node_log\":\"{}\",\"keys\":[\"{key}\"],\
         \"recovery\":{{\"threshold\":0,\"keys\":[]}},\"batch_key\":null,\"node\":\"{HEX}\",\"store\":\"{HEX}\",\
         \"limits\":{{\"event_bytes\":1048576}},\"retention\":null,\"key_horizon\":0,\
         \"clock\":{{\"ahead_ms\":1000,\"drift_ppm\":500,\"start_days\":30}},\"witness_policy\":null,\"predecessor\":null,\
         \"creator\":\"an operator\",\"software\":\"indelible 0.1.0\"}}",
        "ab".repeat(32)
    );
    assert_eq!(text(&of_log(&key)), expected);
    crate::event::EventReader::new(4_096)
        .check_stored(expected.as_bytes())
        .unwrap();
}

#[test]
fn a_genesis_reads_back() {
    check(&of_log(&ed25519(ORIGIN)), true);
    check(&of_node(&ed25519(NODE_ORIGIN)), true);
}

#[test]
fn only_the_nodes_own_log_names_a_batch_key_and_no_node_log() {
    let (key, node_key) = (ed25519(ORIGIN), ed25519(NODE_ORIGIN));
    check(
        &Genesis {
            node_log: None,
            ..of_log(&key)
        },
        false,
    );
    check(
        &Genesis {
            batch_key: Some([7; 32]),
            ..of_log(&key)
        },
        false,
    );
    check(
        &Genesis {
            node_log: Some(Hash::ZERO),
            ..of_node(&node_key)
        },
        false,
    );
    check(
        &Genesis {
            batch_key: None,
            ..of_node(&node_key)
        },
        false,
    );
}

#[test]
fn keys_are_of_the_origin_and_one_can_be_checked() {
    let own = ed25519(ORIGIN);
    let foreign = ed25519(NODE_ORIGIN);
    let post_quantum = key(ORIGIN, 6, &[9; 1_312]);
    let unknown = key(ORIGIN, 2, &[9; 32]);
    let wrong_id = format!("{ORIGIN}+00000000{}", &own[ORIGIN.len() + 9..]);
    check(
        &Genesis {
            keys: vec![&own, &post_quantum],
            ..of_log(&own)
        },
        true,
    );
    check(
        &Genesis {
            keys: vec![&own; 8],
            ..of_log(&own)
        },
        true,
    );
    check(
        &Genesis {
            keys: vec![&own; 9],
            ..of_log(&own)
        },
        false,
    );
    for keys in [
        vec![],
        vec![post_quantum.as_str()],
        vec![&own, &foreign],
        vec![&own, &unknown],
        vec![wrong_id.as_str()],
    ] {
        check(
            &Genesis {
                keys,
                ..of_log(&own)
            },
            false,
        );
    }
}

#[test]
fn values_have_their_form() {
    let key = ed25519(ORIGIN);
    check(
        &Genesis {
            origin: "acme.example/orders",
            ..of_log(&key)
        },
        false,
    );
    check(
        &Genesis {
            node: "00",
            ..of_log(&key)
        },
        false,
    );
    check(
        &Genesis {
            store: "000102030405060708090A0B0C0D0E0F",
            ..of_log(&key)
        },
        false,
    );
    check(
        &Genesis {
            event_bytes: 1 << 53,
            key_horizon: 0,
            ..of_log(&key)
        },
        false,
    );
    check(
        &Genesis {
            creator: "a \"quote\"",
            ..of_log(&key)
        },
        false,
    );
    check(
        &Genesis {
            creator: "é",
            ..of_log(&key)
        },
        false,
    );
    check(
        &Genesis {
            software: "",
            ..of_log(&key)
        },
        true,
    );
}

#[test]
fn a_changed_byte_is_refused_or_means_another_genesis() {
    let key = ed25519(NODE_ORIGIN);
    let bytes = text(&of_node(&key)).into_bytes();
    for at in 0..bytes.len() {
        for flip in [1, 2, 4, 8, 16, 32, 64, 128] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            if let Some(genesis) = Genesis::parse(&changed) {
                assert_eq!(text(&genesis).into_bytes(), changed);
            }
        }
        assert_eq!(Genesis::parse(&bytes[..at]), None);
    }
}
