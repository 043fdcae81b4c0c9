//! What the fuzz targets share.

use indelible_proof::pin::Pin;

pub mod stored;

/// The log that most of the vectors are of. Its key is public, but no input that the fuzzer makes can be signed with it.
pub fn pin() -> Pin {
    const LINE: &[u8] = b"indelible-pin-v1 ffc83bc017a18625244c1017eaf0bb16622b1a79614f982745055a67a4b2c99e \
        log.example.org/orders/00112233445566ff+7e017747+AVQmMu7tESF3jwfR60kqMFjrlhbIQri518O+3KV1fXtY";
    Pin::parse(LINE).expect("a pin")
}
