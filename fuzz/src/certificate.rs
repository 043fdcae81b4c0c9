//! A certificate with given subject alternative names, otherwise as it should be, but for its signature: whoever reads names here checks none.

/// `ENCODED`: the names as the extension holds them, from the tag of their sequence on.
#[must_use]
pub fn around(encoded: &[u8]) -> Vec<u8> {
    const ED25519: [u8; 3] = [0x2b, 0x65, 0x70];
    const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
    let algorithm = der(0x30, &[&der(0x06, &[&ED25519])]);
    let key = der(0x30, &[&algorithm, &der(0x03, &[&[0; 33]])]);
    let validity = der(
        0x30,
        &[
            &der(0x17, &[b"260101000000Z"]),
            &der(0x17, &[b"270101000000Z"]),
        ],
    );
    let extension = der(
        0x30,
        &[&der(0x06, &[&SUBJECT_ALT_NAME]), &der(0x04, &[encoded])],
    );
    let signed = der(
        0x30,
        &[
            &der(0xa0, &[&der(0x02, &[&[2]])]),
            &der(0x02, &[&[1]]),
            &algorithm,
            &der(0x30, &[]),
            &validity,
            &der(0x30, &[]),
            &key,
            &der(0xa3, &[&der(0x30, &[&extension])]),
        ],
    );
    der(0x30, &[&signed, &algorithm, &der(0x03, &[&[0; 65]])])
}

/// What [`around`] says until when it holds, in seconds since 1970.
pub const NOT_AFTER: u64 = 1_798_761_600;

/// Tag, length and content (X.690 §8.1, §10.1).
#[must_use]
pub fn der(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = content.len().to_be_bytes();
    let start = length.iter().position(|byte| *byte != 0);
    let length = &length[start.unwrap_or(length.len() - 1)..];
    let mut out = vec![tag];
    if length[0] >= 0x80 || length.len() > 1 {
        out.push(0x80 | u8::try_from(length.len()).expect("at most eight"));
    }
    out.extend_from_slice(length);
    out.extend(content);
    out
}
