use super::*;
use alloc::format;
use alloc::string::{String, ToString as _};
use proptest::prelude::*;

const ORIGIN: &str = "acme.example/orders/00112233445566ff";

fn pin() -> Pin {
    Pin::new(Hash([0xAB; 32]), VerifierKey::ed25519(ORIGIN, [7; 32])).unwrap()
}

#[test]
fn a_pin_is_one_line() {
    let (pin, line) = (pin(), pin().to_string());
    assert_eq!(
        line,
        format!("indelible-pin-v1 {} {}", "ab".repeat(32), pin.key())
    );
    assert_eq!(Pin::parse(line.as_bytes()), Ok(pin.clone()));
    assert_eq!(Pin::parse(format!("{line}\n").as_bytes()), Ok(pin.clone()));
    assert_eq!((pin.origin(), pin.log_id()), (ORIGIN, Hash([0xAB; 32])));
}

#[test]
fn other_texts_are_no_pins() {
    let good = pin().to_string();
    let upper = "AB".repeat(32);
    for text in [
        String::new(),
        "\n".into(),
        format!("{good}\n\n"),
        format!("{good}\r\n"),
        format!("{good} "),
        format!(" {good}"),
        good.replace(' ', "  "),
        good.replace("-v1", "-v2"),
        good.replace(&"ab".repeat(32), &upper),
        good.replace("ab ", "a "),
    ] {
        assert_eq!(Pin::parse(text.as_bytes()), Err(PinError), "{text:?}");
    }
    assert_eq!(Pin::parse(b"\xFF"), Err(PinError));
}

#[test]
fn a_pin_names_a_log_and_a_key_that_can_be_checked() {
    assert_eq!(
        Pin::new(Hash::ZERO, VerifierKey::ed25519("acme.example", [7; 32])),
        None
    );
    let public = [7; 1_312];
    let raw = [&[6], public.as_slice()].concat();
    let id = crate::key::id_hex(crate::key::key_id(ORIGIN, KeyType::MlDsa44, &public));
    let key = format!("{ORIGIN}+{id}+{}", crate::strict_base64::encode(&raw));
    assert_eq!(
        Pin::new(Hash::ZERO, VerifierKey::parse(&key).unwrap()),
        None
    );
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_the_same(at: prop::sample::Index, byte: u8) {
        let mut line = pin().to_string().into_bytes();
        let at = at.index(line.len());
        line[at] = byte;
        if let Ok(pin) = Pin::parse(&line) {
            prop_assert_eq!(pin.to_string().into_bytes(), line);
        }
    }
}
