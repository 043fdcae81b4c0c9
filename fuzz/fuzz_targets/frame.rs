//! Frames: any bytes, and any columns under the right CRC.

#![no_main]

use indelible_fuzz::stored::with_frame_check;
use indelible_ledger::format::frame::{Content, FrameBuilder, FrameScratch, FrameView};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    check(input);
    check(&with_frame_check(input.to_vec()));
});

/// What is accepted raw is what the builder writes for its records; what is compressed holds the same as its raw form.
fn check(bytes: &[u8]) {
    let Ok((frame, rest)) = FrameView::parse(bytes) else {
        return;
    };
    assert_eq!([frame.bytes(), rest].concat(), bytes);
    let mut scratch = FrameScratch::default();
    let Ok(columns) = frame.columns(&mut scratch) else {
        return;
    };
    assert_eq!(u64::try_from(columns.records().len()), Ok(frame.records()));
    let mut builder = FrameBuilder::new();
    for record in columns.records() {
        match record.content {
            Content::Present { salt, event } => {
                builder.push(record.time, record.shared, record.own, salt, event)
            }
            Content::Absent { digest } => {
                builder.push_absent(record.time, record.shared, record.own, &digest)
            }
        }
    }
    let mut raw = Vec::new();
    builder.finish_raw(frame.first_seq(), &mut raw);
    let (again, _) = FrameView::parse(&raw).expect("the builder's frames are read");
    let mut scratch = FrameScratch::default();
    let other = again.columns(&mut scratch).expect("so are their columns");
    assert!(columns.records().eq(other.records()));
}
