//! Batches: any bytes, and any bytes under a header that commits to them.

#![no_main]

use indelible_fuzz::stored::with_batch_digests;
use indelible_ledger::format::batch::{BatchView, HEADER_BYTES, ROW_BYTES, SIGNATURE_BYTES};
use indelible_ledger::format::register::Register;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    check(input);
    check(&with_batch_digests(input.to_vec()));
    if let Ok(register) = Register::decode(input) {
        assert_eq!(
            Register::encode(&register.header.encode(), &register.signature),
            input
        );
    }
});

/// What is accepted is, put together again from its parts, the same bytes.
fn check(bytes: &[u8]) {
    let Ok(batch) = BatchView::parse(bytes) else {
        return;
    };
    let mut written = batch.header.encode().to_vec();
    written.extend_from_slice(batch.signature);
    batch
        .parts()
        .for_each(|part| written.extend_from_slice(&part.row.encode()));
    for note in batch.notes() {
        written.extend_from_slice(
            &u32::try_from(note.len())
                .expect("a note is short")
                .to_be_bytes(),
        );
        written.extend_from_slice(note);
    }
    let rows = batch.parts().count();
    let notes: usize = batch.notes().map(|note| note.len() + 4).sum();
    assert_eq!(
        written.len(),
        HEADER_BYTES + SIGNATURE_BYTES + rows * ROW_BYTES + notes
    );
    for part in batch.parts() {
        assert_eq!(usize::try_from(part.entries_at), Ok(written.len()));
        written.extend_from_slice(part.entries);
        assert_eq!(usize::try_from(part.frames_at), Ok(written.len()));
        written.extend_from_slice(part.frames_bytes);
        let mut next = part.row.first;
        for frame in part.frames() {
            let Ok((_, frame)) = frame else {
                next = part.row.size();
                break;
            };
            assert_eq!(frame.first_seq(), next);
            next += frame.records();
        }
        assert_eq!(next, part.row.size(), "frames hold what the row says");
    }
    assert_eq!(written, bytes);
}
