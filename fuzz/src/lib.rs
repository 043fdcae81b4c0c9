//! What the fuzz targets share.

use indelible_proof::pin::Pin;

pub mod stored;

/// The log that most of the vectors are of. Its key is public, but no input that the fuzzer makes can be signed with it.
pub fn pin() -> Pin {
    const LINE: &[u8] = b"indelible-pin-v1 282015b96c321fd88d02a1f5a2b3fd6d35febe25b4280de0fb669665f0994db0 \
        log.example.org/orders/00112233445566ff+7e017747+AVQmMu7tESF3jwfR60kqMFjrlhbIQri518O+3KV1fXtY";
    Pin::parse(LINE).expect("a pin")
}
