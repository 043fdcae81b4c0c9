//! Numbers: kept as text, judged by RFC 8259 §6, by length, and by whether any reader could hold them.

use super::Reason;
use crate::limits::NUMBER_BYTES_MAX;

/// May this byte stand in a number? The longest run of such bytes is judged as one.
#[inline]
pub(super) fn is_part(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

/// What is wrong with a run of such bytes: first its grammar, then its length, then its range.
pub(super) fn fault(run: &[u8]) -> Option<Reason> {
    if !is_number(run) {
        Some(Reason::BadNumber)
    } else if run.len() > NUMBER_BYTES_MAX {
        Some(Reason::NumberTooLong)
    } else if is_out_of_range(run) {
        Some(Reason::NumberOutOfRange)
    } else {
        None
    }
}

/// `[ minus ] int [ frac ] [ exp ]`
fn is_number(run: &[u8]) -> bool {
    let run = run.strip_prefix(b"-").unwrap_or(run);
    let Some(rest) = integer(run) else {
        return false;
    };
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => digits(fraction),
        None => Some(rest),
    };
    match rest {
        Some([b'e' | b'E', exponent @ ..]) => {
            let unsigned = exponent
                .strip_prefix(b"+")
                .or_else(|| exponent.strip_prefix(b"-"))
                .unwrap_or(exponent);
            digits(unsigned).is_some_and(<[u8]>::is_empty)
        }
        Some(rest) => rest.is_empty(),
        None => false,
    }
}

/// What follows a zero, or digits that don't begin with one.
fn integer(run: &[u8]) -> Option<&[u8]> {
    match run {
        [b'0', rest @ ..] => Some(rest),
        _ => digits(run),
    }
}

/// What follows one or more digits.
fn digits(run: &[u8]) -> Option<&[u8]> {
    let length = run.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 { None } else { run.get(length..) }
}

/// Is the nearest binary64 infinite? Without an exponent 128 bytes can't reach 1.8 × 10^308.
fn is_out_of_range(run: &[u8]) -> bool {
    run.iter().any(|byte| matches!(byte, b'e' | b'E'))
        && !core::str::from_utf8(run)
            .is_ok_and(|text| text.parse::<f64>().is_ok_and(f64::is_finite))
}
