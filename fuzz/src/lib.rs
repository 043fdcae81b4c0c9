//! What the fuzz targets share.

use indelible_proof::hash;
use indelible_proof::pin::Pin;

pub mod certificate;
pub mod stored;

/// The log that most of the vectors are of. Its key is public, but no input that the fuzzer makes can be signed with it.
pub fn pin() -> Pin {
    const LINE: &[u8] = b"indelible-pin-v1 ffc83bc017a18625244c1017eaf0bb16622b1a79614f982745055a67a4b2c99e \
        log.example.org/orders/00112233445566ff+7e017747+AVQmMu7tESF3jwfR60kqMFjrlhbIQri518O+3KV1fXtY";
    Pin::parse(LINE).expect("a pin")
}

/// Before the note of an export or a walk file.
const CHECKPOINT: &[u8] = b"{\"checkpoint\":\"";
/// Their last line.
const END: &[u8] = b"{\"end\":1,\"sha256\":\"";

/// A file of lines with the digest of its last line made right.
pub fn with_digest(file: &[u8]) -> Vec<u8> {
    let Some(at) = place_of(END, file) else {
        return file.to_vec();
    };
    let body = &file[..at];
    let digest = hash::sha256(body).to_string();
    [body, END, digest.as_bytes(), b"\"}\n"].concat()
}

/// Where the checkpoint of such a file begins: behind it are lines of keys that nobody asked about.
pub fn checkpoint_at(file: &[u8]) -> usize {
    place_of(CHECKPOINT, file).expect("what is accepted has a checkpoint")
}

/// Whether this byte lies in a signature line of a note that stands in JSON: the line may be of a key that nobody asked about.
pub fn is_in_signature(file: &[u8], at: usize) -> bool {
    const LINE: &[u8] = b"\\n";
    const SIGNATURE: &[u8] = b"\\n\xe2\x80\x94 ";
    let before = &file[..at];
    let line = place_of(LINE, before).map(|begin| &file[begin..]);
    line.is_some_and(|line| line.starts_with(SIGNATURE))
}

/// Where it stands last.
fn place_of(text: &[u8], file: &[u8]) -> Option<usize> {
    file.windows(text.len()).rposition(|window| window == text)
}
