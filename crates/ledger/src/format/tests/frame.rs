use super::super::FormatError;
use super::super::frame::{
    Content, FRAME_HEADER_BYTES, FrameBuilder, FrameScratch, FrameView, Record, put_raw,
};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use zstd::bulk::Compressor;

/// A record that owns what it is made of; without an event it has a digest.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    time: Time,
    shared: Vec<u8>,
    own: Vec<u8>,
    content: Result<([u8; 16], Vec<u8>), Hash>,
}

fn add(builder: &mut FrameBuilder, record: &Owned) {
    match &record.content {
        Ok((salt, event)) => builder.push(record.time, &record.shared, &record.own, salt, event),
        Err(digest) => builder.push_absent(record.time, &record.shared, &record.own, digest),
    }
}

fn decode(frame: &FrameView<'_>, scratch: &mut FrameScratch) -> Result<Vec<Owned>, FormatError> {
    let columns = frame.columns(scratch)?;
    let owned = columns.records().map(|record| Owned {
        time: record.time,
        shared: record.shared.to_vec(),
        own: record.own.to_vec(),
        content: match record.content {
            Content::Present { salt, event } => Ok((*salt, event.to_vec())),
            Content::Absent { digest } => Err(digest),
        },
    });
    Ok(owned.collect())
}

/// Decodes one whole frame and nothing after it.
fn decode_alone(bytes: &[u8]) -> Result<Vec<Owned>, FormatError> {
    let (frame, rest) = FrameView::parse(bytes)?;
    if !rest.is_empty() {
        return Err(FormatError::Damaged {
            offset: 0,
            what: "something follows",
        });
    }
    decode(&frame, &mut FrameScratch::default())
}

/// A frame around these columns whose header and check are right.
fn frame_of(codec: u8, count: u16, raw_len: u32, stored: &[u8]) -> Vec<u8> {
    let mut header = vec![codec, 0];
    header.extend_from_slice(&count.to_le_bytes());
    header.extend_from_slice(&raw_len.to_le_bytes());
    header.extend_from_slice(&(stored.len() as u32).to_le_bytes());
    header.extend_from_slice(&0_u64.to_le_bytes());
    let crc = crc32c::crc32c(&[&header, stored].concat());
    [&header, &crc.to_le_bytes()[..], stored].concat()
}

fn refused(bytes: &[u8], why: &str) {
    match decode_alone(bytes) {
        Err(FormatError::Damaged { what, .. }) => assert_eq!(what, why),
        other => panic!("{why}: {other:?}"),
    }
}

fn records(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<Owned>> {
    let nanos = prop_oneof![4 => 0_u64..100_000, 1 => 0..u64::MAX / 1_000];
    let content = prop_oneof![
        4 => (any::<[u8; 16]>(), vec(any::<u8>(), 0..300)).prop_map(Ok),
        1 => any::<[u8; 32]>().prop_map(|digest| Err(Hash(digest))),
    ];
    let shared = prop_oneof![3 => 0_u16..3, 1 => 0_u16..400]
        .prop_map(|which| vec![b's'; usize::from(which)]);
    vec((nanos, shared, vec(any::<u8>(), 0..60), content), count).prop_map(|parts| {
        let mut now = time(SECS, 0);
        parts
            .into_iter()
            .map(|(nanos, shared, own, content)| {
                now = now.plus_nanos(u128::from(nanos)).unwrap();
                Owned {
                    time: now,
                    shared,
                    own,
                    content,
                }
            })
            .collect()
    })
}

#[test]
fn a_frame_has_the_bytes_of_the_page() {
    assert_eq!(hex(&small_frame()), golden::FRAME);
    assert_eq!(
        small_builder().raw_len(),
        small_frame().len() - FRAME_HEADER_BYTES
    );
}

#[test]
fn every_flip_in_a_frame_is_refused() {
    let good = small_frame();
    let mut packed = Vec::new();
    FrameView::parse(&good)
        .unwrap()
        .0
        .recompress(&mut Compressor::new(1).unwrap(), &mut packed);
    assert!(packed.len() < good.len(), "the frame was worth compressing");
    for frame in [good, packed] {
        for (at, changed) in flips(&frame) {
            assert!(
                FrameView::parse(&changed).is_err(),
                "byte {at} of {}",
                frame.len()
            );
        }
        for end in 0..frame.len() {
            assert!(FrameView::parse(&frame[..end]).is_err(), "cut at {end}");
        }
    }
}

/// The CRC stands for accidents only: who can write files can compute it. What is decoded must then differ.
#[test]
fn flips_under_a_right_check_change_what_is_read() {
    let good = small_frame();
    let columns = &good[FRAME_HEADER_BYTES..];
    let meant = decode_alone(&good).unwrap();
    for (at, changed) in flips(columns) {
        let read = decode_alone(&frame_of(0, 3, changed.len() as u32, &changed));
        assert!(read.as_ref() != Ok(&meant), "byte {at}");
    }
    for end in 0..columns.len() {
        assert!(
            decode_alone(&frame_of(0, 3, end as u32, &columns[..end])).is_err(),
            "cut at {end}"
        );
    }
    let longer = [columns, b"\0"].concat();
    refused(
        &frame_of(0, 3, longer.len() as u32, &longer),
        "bytes are left over",
    );
}

#[test]
fn only_the_one_form_of_columns_is_read() {
    let first_time = [&SECS.to_le_bytes()[..], &5_u32.to_le_bytes()].concat();
    let check = |count: u16, parts: &[&[u8]], why: &str| {
        let columns = [&first_time, &parts.concat()[..]].concat();
        refused(&frame_of(0, count, columns.len() as u32, &columns), why);
    };
    let tail: &[u8] = &[&[0, 1, 0][..], &[9; 16]].concat();
    let good = [&first_time, &b"\x01\x01s"[..], tail].concat();
    assert_eq!(
        decode_alone(&frame_of(0, 1, good.len() as u32, &good))
            .unwrap()
            .len(),
        1
    );
    check(
        1,
        &[b"\x81\x00\x01s", tail],
        "a number not in its shortest form",
    );
    check(1, &[b"\x00", tail], "a table of shared strings without use");
    check(
        1,
        &[b"\x02\x01s\x01t\x00", tail],
        "a table of shared strings without use",
    );
    check(
        1,
        &[b"\x01\xff\xff\xff\xff\xff\x01s", tail],
        "a number that is too long",
    );
    check(
        1,
        &[b"\x01\x80\x80\x80\x80\x10s", tail],
        "the bytes end too early",
    );
    check(
        1,
        &[b"\x01\x01s\x00\x03\x00", &[9; 16]],
        "a presence bit without a record",
    );
    let two: &[u8] = &[&[0, 0, 3, 0, 0][..], &[9; 32]].concat();
    check(
        2,
        &[b"\x07\x02\x01s\x01s\x00\x01", two],
        "a shared string that stands twice",
    );
    check(
        2,
        &[b"\x07\x02\x01s\x01t\x00\x00", two],
        "a shared string that no record has",
    );
    check(
        2,
        &[b"\x07\x02\x01s\x01t\x00\x02", two],
        "no such shared string",
    );
    check(
        2,
        &[b"\x87\x00\x01\x01s", two],
        "a number not in its shortest form",
    );
    check(
        2,
        &[&[0xff; 9], b"\x02\x01\x01s", two],
        "a number beyond 64 bits",
    );
    check(
        2,
        &[&[0xff; 10], b"\x01\x01\x01s", two],
        "a number beyond 64 bits",
    );
    check(
        2,
        &[&[0x80; 10], b"\x01\x01\x01s", two],
        "a number that is too long",
    );
    let bad_time = [&u64::MAX.to_le_bytes()[..], &[0; 4], &good[12..]].concat();
    refused(
        &frame_of(0, 1, bad_time.len() as u32, &bad_time),
        "not a time",
    );
}

#[test]
fn headers_that_no_writer_makes_are_refused() {
    let refused = |bytes: Vec<u8>, why: &str| refused(&bytes, why);
    refused(frame_of(2, 1, 4, b"abcd"), "unknown codec");
    refused(
        frame_of(0, 0, 4, b"abcd"),
        "a frame crosses a multiple of 256 or has no records",
    );
    refused(
        frame_of(0, 257, 4, b"abcd"),
        "a frame crosses a multiple of 256 or has no records",
    );
    refused(frame_of(0, 1, 5, b"abcd"), "a raw frame with two lengths");
    refused(
        frame_of(1, 2, (256 << 10) + 1, b"abcd"),
        "a frame is too long",
    );
    refused(
        frame_of(1, 1, (17 << 20) + 1, b"abcd"),
        "a frame is too long",
    );
    refused(frame_of(1, 1, u32::MAX, b"abcd"), "a frame is too long");
    refused(frame_of(1, 1, 4, b"abcd"), "not one zstd frame");
    let packed = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).unwrap();
    refused(
        frame_of(1, 1, 100, &packed(b"abcd")),
        "not as long as its header says",
    );
    refused(frame_of(1, 1, 3, &packed(b"abcd")), "zstd can't read it");
    let two = [packed(b"ab"), packed(b"cd")].concat();
    refused(frame_of(1, 1, 4, &two), "not one zstd frame");
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0][..], &packed(b"abcd")].concat();
    refused(frame_of(1, 1, 4, &skippable), "not one zstd frame");
}

#[test]
fn a_builder_ends_a_frame_at_256_and_at_its_bytes() {
    let mut builder = FrameBuilder::new();
    assert!(builder.takes(256, 16 << 20), "one record of any size");
    builder.push(time(SECS, 0), b"s", b"", &[0; 16], &[b'x'; 100 << 10]);
    assert!(!builder.takes(256, 10));
    assert!(builder.takes(257, 100 << 10));
    assert!(!builder.takes(257, 200 << 10));
    assert!(!builder.takes(257, usize::MAX));
}

#[test]
fn a_frame_of_256_records_with_as_many_shared_strings_reads_back() {
    let mut builder = FrameBuilder::new();
    let mut meant = Vec::new();
    for place in 0..256_u32 {
        let content = if place % 7 == 0 {
            Err(filled(7))
        } else {
            Ok(([1; 16], place.to_string().into_bytes()))
        };
        let shared = format!("by {place}").into_bytes();
        meant.push(Owned {
            time: time(SECS, place),
            shared,
            own: Vec::new(),
            content,
        });
        assert!(builder.takes(512 + u64::from(place), 3));
        add(&mut builder, &meant[place as usize]);
    }
    let (raw_len, mut out) = (builder.raw_len(), Vec::new());
    builder.finish_raw(512, &mut out);
    assert_eq!(out.len(), FRAME_HEADER_BYTES + raw_len);
    assert_eq!(decode_alone(&out).unwrap(), meant);
}

#[test]
fn a_record_of_the_largest_size_is_a_frame_of_its_own() {
    let event = vec![b'x'; 16 << 20];
    let mut builder = FrameBuilder::new();
    builder.push(time(SECS, 0), SHARED[0], b"", &[0; 16], &event);
    let mut out = Vec::new();
    builder.finish_zstd(5, &mut Compressor::new(1).unwrap(), &mut out);
    assert!(out.len() < 1 << 20, "it was compressed");
    assert_eq!(decode_alone(&out).unwrap()[0].content, Ok(([0; 16], event)));
}

proptest! {
    #[test]
    fn what_was_pushed_is_read_back(records in records(1..=256), first in 0_u64..1 << 40) {
        let (mut builder, mut compressor) = (FrameBuilder::new(), Compressor::new(1).unwrap());
        let (mut scratch, mut raw, mut packed) = (FrameScratch::default(), b"before".to_vec(), b"before".to_vec());
        let (mut begun, mut seq) = (first, first);
        for record in &records {
            let weight = record.own.len() + record.content.as_ref().map_or(32, |(_, event)| event.len());
            if !builder.takes(seq, weight) {
                builder.finish_raw(begun, &mut raw);
                begun = seq;
            }
            add(&mut builder, record);
            seq += 1;
        }
        builder.finish_raw(begun, &mut raw);
        let (mut rest, mut read, mut next) = (&raw[6..], Vec::new(), first);
        while !rest.is_empty() {
            let (frame, after) = FrameView::parse(rest).unwrap();
            prop_assert_eq!(frame.first_seq(), next);
            next += frame.records();
            read.extend(decode(&frame, &mut scratch).unwrap());
            frame.recompress(&mut compressor, &mut packed);
            rest = after;
        }
        prop_assert_eq!(&read, &records);
        let (mut rest, mut again) = (&packed[6..], Vec::new());
        while !rest.is_empty() {
            let (frame, after) = FrameView::parse(rest).unwrap();
            again.extend(decode(&frame, &mut scratch).unwrap());
            rest = after;
        }
        prop_assert_eq!(&again, &records);
        prop_assert!(packed.len() <= raw.len());
    }

    #[test]
    fn a_record_alone_is_the_same_frame_with_a_builder_and_without(records in records(1..=1), seq in 0_u64..1 << 40) {
        let (mut builder, mut built, mut put) = (FrameBuilder::new(), b"before".to_vec(), b"before".to_vec());
        for Owned { time, shared, own, content } in &records {
            let content = match content {
                Ok((salt, event)) => Content::Present { salt, event },
                Err(digest) => Content::Absent { digest: *digest },
            };
            let record = Record { time: *time, shared, own, content };
            builder.add(&record);
            put_raw(seq, &record, &mut put);
        }
        builder.finish_raw(seq, &mut built);
        prop_assert_eq!(put, built);
    }

    #[test]
    fn compressing_at_once_or_later_gives_the_same_frame(records in records(1..=100)) {
        let mut compressor = Compressor::new(1).unwrap();
        let (mut builder, mut raw, mut later, mut at_once) = (FrameBuilder::new(), Vec::new(), Vec::new(), Vec::new());
        records.iter().for_each(|record| add(&mut builder, record));
        builder.finish_raw(0, &mut raw);
        FrameView::parse(&raw).unwrap().0.recompress(&mut compressor, &mut later);
        records.iter().for_each(|record| add(&mut builder, record));
        builder.finish_zstd(0, &mut compressor, &mut at_once);
        prop_assert_eq!(later, at_once);
    }
}
