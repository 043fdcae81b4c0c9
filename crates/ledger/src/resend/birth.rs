//! When a key was made, if it says so. Pure.

/// The second in which a key was made, if it says: UUID version 7 and ULID begin with milliseconds since 1970. What follows `#`
/// is not looked at.
pub fn birth(key: &str) -> Option<u64> {
    let name = key.split('#').next()?;
    let milliseconds = uuid7(name.as_bytes()).or_else(|| ulid(name.as_bytes()))?;
    Some(milliseconds / 1_000)
}

fn uuid7(text: &[u8]) -> Option<u64> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let shape = text.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        14 => *byte == b'7',
        19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
        _ => byte.is_ascii_hexdigit(),
    });
    let digits = text[..8].iter().chain(&text[9..13]);
    let value = digits.fold(0, |value, byte| {
        value << 4 | u64::from(char::from(*byte).to_digit(16).unwrap_or(0))
    });
    shape.then_some(value)
}

fn ulid(text: &[u8]) -> Option<u64> {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let text: &[u8; 26] = text.try_into().ok()?;
    let mut time = 0_u64;
    for (at, byte) in text.iter().enumerate() {
        let letter = byte.to_ascii_uppercase();
        let digit = LETTERS.iter().position(|own| *own == letter)?;
        if at < 10 {
            time = time << 5 | u64::try_from(digit).expect("one of 32");
        }
    }
    // 26 letters hold 130 bits and a ULID 128: the first is at most 7.
    (text[0] <= b'7').then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_time_is_read_and_nothing_else_taken_for_one() {
        assert_eq!(
            birth("0190163d-8694-739b-aea5-966c26f8ad91"),
            Some(1_718_360_049)
        );
        assert_eq!(birth("01ARZ3NDEKTSV4RRFFQ69G5FAV#3"), Some(1_469_922_850));
        for text in [
            "",
            "order-41",
            "0190163d-8694-439b-aea5-966c26f8ad91",
            "0190163d-8694-739b-cea5-966c26f8ad91",
            "0190163d86947-39b-aea5-966c26f8ad911",
            "81ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FAU",
        ] {
            assert_eq!(birth(text), None, "{text}");
        }
    }
}
