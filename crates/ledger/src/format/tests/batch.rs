use super::super::FormatError;
use super::super::batch::{
    BatchView, HEADER_BYTES, Part, ROW_BYTES, header_digest, signed_message,
};
use super::super::frame::FrameScratch;
use super::super::register::Register;
use super::*;
use proptest::prelude::*;

/// Reads a batch and everything in it.
fn read(bytes: &[u8]) -> Result<(), FormatError> {
    let batch = BatchView::parse(bytes)?;
    let mut scratch = FrameScratch::default();
    for part in batch.parts() {
        for frame in part.frames() {
            frame?.1.columns(&mut scratch)?;
        }
    }
    Ok(())
}

fn refused(bytes: &[u8], why: &str) {
    match read(bytes) {
        Err(FormatError::Damaged { what, .. }) => assert_eq!(what, why),
        other => panic!("{why}: {other:?}"),
    }
}

/// A batch of these rows, its header made to fit.
fn batch_of(rows: &[Row], payload: &[u8]) -> Vec<u8> {
    let header = BatchHeader {
        rows: rows.len() as u32,
        rows_root: rows_root(rows),
        ..small_header()
    };
    let row_bytes: Vec<u8> = rows.iter().flat_map(Row::encode).collect();
    [
        &header.encode()[..],
        &[7; 64],
        &row_bytes,
        &small_notes(),
        payload,
    ]
    .concat()
}

fn frame_at(first: u64) -> Vec<u8> {
    let mut out = Vec::new();
    small_builder().finish_raw(first, &mut out);
    out
}

#[test]
fn a_batch_has_the_bytes_of_the_page() {
    let header = small_header().encode();
    assert_eq!(hex(&header), golden::HEADER);
    assert_eq!(hex(&small_row().encode()), golden::ROW);
    assert_eq!(header_digest(&header).to_string(), golden::DIGEST);
    assert_eq!(
        hash::sha256(&signed_message(&header)).to_string(),
        golden::DIGEST
    );
    assert_eq!(hash::sha256(&small_batch()).to_string(), golden::BATCH);
    let rows = [
        small_row(),
        Row {
            log: filled(0xab),
            first: 0,
            count: 1,
            root: filled(0xbb),
        },
    ];
    let third = Row {
        log: filled(1),
        first: 255,
        count: 1,
        root: filled(0xbb),
    };
    assert_eq!(
        rows_root(&[rows[0], rows[1], third]).to_string(),
        golden::ROWS3
    );
    assert_eq!(rows_root(&[]), hash::empty_root());
}

#[test]
fn a_batch_says_where_its_records_lie() {
    let bytes = small_batch();
    let batch = BatchView::parse(&bytes).unwrap();
    assert_eq!(batch.header, small_header());
    assert_eq!(batch.signature, &[7; 64]);
    assert_eq!(batch.digest().to_string(), golden::DIGEST);
    assert_eq!(batch.notes().collect::<Vec<_>>(), [NOTE]);
    let parts: Vec<Part<'_>> = batch.parts().collect();
    assert_eq!(parts.len(), 1);
    let part = parts[0];
    assert_eq!((part.row, part.row.size()), (small_row(), 7));
    assert_eq!(part.entries, &bytes[part.entries_at as usize..][..96]);
    assert_eq!(part.frames_bytes, &bytes[part.frames_at as usize..]);
    let frames: Vec<_> = part.frames().collect::<Result<_, _>>().unwrap();
    assert_eq!(frames.len(), 1);
    assert_eq!(
        (frames[0].0, frames[0].1.first_seq(), frames[0].1.records()),
        (part.frames_at, 4, 3)
    );
}

#[test]
fn every_flip_in_a_batch_but_its_signature_and_entries_is_refused_or_seen_in_its_digest() {
    let good = small_batch();
    let digest = BatchView::parse(&good).unwrap().digest();
    let signature = HEADER_BYTES..HEADER_BYTES + 64;
    let entries_at = HEADER_BYTES + 64 + ROW_BYTES + 11;
    for (at, changed) in flips(&good) {
        if signature.contains(&at) || (entries_at..entries_at + 96).contains(&at) {
            continue; // the key and the row's root say that
        }
        let same = read(&changed).is_ok() && BatchView::parse(&changed).unwrap().digest() == digest;
        assert!(!same, "byte {at}");
    }
    for end in 0..good.len() {
        assert!(read(&good[..end]).is_err(), "cut at {end}");
    }
    refused(&[&good[..], b"\0"].concat(), "bytes are left over");
}

#[test]
fn every_flip_in_a_header_or_row_is_refused_or_read_as_another_value() {
    let (header, row) = (small_header(), small_row());
    for (at, changed) in flips(&header.encode()) {
        assert!(
            BatchHeader::decode(&changed) != Ok(header),
            "header byte {at}"
        );
        if let Ok(other) = BatchHeader::decode(&changed) {
            assert_eq!(other.encode()[..], changed[..]);
        }
    }
    for (at, changed) in flips(&row.encode()) {
        let changed = changed.try_into().unwrap();
        assert!(Row::decode(&changed) != Ok(row), "row byte {at}");
        if let Ok(other) = Row::decode(&changed) {
            assert_eq!(other.encode(), changed);
        }
    }
}

#[test]
fn a_later_version_is_named_as_such() {
    let mut header = small_header().encode();
    header[11] = 2;
    assert_eq!(
        BatchHeader::decode(&header),
        Err(FormatError::Unsupported("batch version"))
    );
}

#[test]
fn batches_that_no_writer_makes_are_refused() {
    let entries = |count: usize| vec![5; count * 32];
    let row = |log: u8, first: u64, count: u32| Row {
        log: filled(log),
        first,
        count,
        root: filled(0xbb),
    };
    refused(
        &batch_of(&[row(1, 4, 3), row(1, 7, 3)], &[]),
        "a log has two rows",
    );
    refused(&batch_of(&[row(1, 4, 65_537)], &[]), "too many records");
    refused(
        &batch_of(&[row(1, 0, 3)], &[entries(3), frame_at(0)].concat()),
        "a log's id is not its first entry",
    );
    refused(
        &batch_of(&[row(1, 3, 3)], &[entries(3), frame_at(4)].concat()),
        "a frame does not continue the one before",
    );
    refused(
        &batch_of(&[row(1, 4, 2)], &[entries(2), frame_at(4)].concat()),
        "a frame holds more records than its row",
    );
    refused(
        &batch_of(&[row(1, 4, 4)], &[entries(4), frame_at(4)].concat()),
        "the bytes end too early",
    );
    assert_eq!(
        read(&batch_of(
            &[row(5, 0, 3)],
            &[entries(3), frame_at(0)].concat()
        )),
        Ok(())
    );
    let two = [
        entries(3),
        frame_at(4),
        entries(6),
        frame_at(1),
        frame_at(4),
    ]
    .concat();
    assert_eq!(read(&batch_of(&[row(2, 4, 3), row(1, 1, 6)], &two)), Ok(()));
    assert!(read(&batch_of(&[row(2, 4, 3), row(3, 1, 7)], &two)).is_err());
    let mark = BatchHeader {
        mark: true,
        ..small_header()
    }
    .encode();
    assert!(matches!(
        BatchHeader::decode(&mark),
        Err(FormatError::Damaged {
            what: "a mark with rows",
            ..
        })
    ));
    let many = BatchHeader {
        rows: 4_097,
        ..small_header()
    }
    .encode();
    assert!(matches!(
        BatchHeader::decode(&many),
        Err(FormatError::Damaged {
            what: "too many rows",
            ..
        })
    ));
    let orphan = BatchHeader {
        number: 0,
        ..small_header()
    }
    .encode();
    assert!(BatchHeader::decode(&orphan).is_err());
}

#[test]
fn notes_must_fill_their_section() {
    let check = |notes: &[u8]| {
        let header = BatchHeader {
            mark: true,
            rows: 0,
            rows_root: rows_root(&[]),
            notes_len: notes.len() as u32,
            notes_sha: hash::sha256(notes),
            ..small_header()
        };
        BatchView::parse(&[&header.encode()[..], &[7; 64], notes].concat())
            .map(|batch| batch.notes().count())
    };
    assert_eq!(check(b""), Ok(0));
    assert_eq!(check(b"\0\0\0\x01a\0\0\0\x02bc"), Ok(2));
    assert!(check(b"\0\0\0\x01a\0\0\0\x02b").is_err());
    assert!(check(b"\0\0\0\x01a\0\0").is_err());
    assert!(check(&[0xff; 8]).is_err());
}

#[test]
fn a_frame_damaged_in_a_batch_is_named_by_its_place() {
    let mut bytes = small_batch();
    let at = BatchView::parse(&bytes)
        .unwrap()
        .parts()
        .next()
        .unwrap()
        .frames_at as usize;
    *bytes.last_mut().unwrap() ^= 1;
    let batch = BatchView::parse(&bytes).unwrap();
    let frames: Vec<_> = batch
        .parts()
        .next()
        .unwrap()
        .frames()
        .map(|frame| frame.map(|_| ()))
        .collect();
    assert_eq!(
        frames,
        [Err(FormatError::Damaged {
            offset: at + 20,
            what: "a frame's check is wrong"
        })]
    );
}

#[test]
fn the_register_remembers_a_header_and_its_signature() {
    let bytes = Register::encode(&small_header().encode(), &[7; 64]);
    let register = Register::decode(&bytes).unwrap();
    assert_eq!(
        (register.header, register.signature),
        (small_header(), [7; 64])
    );
    assert_eq!(
        (
            register.bytes.as_slice(),
            register.digest().to_string().as_str()
        ),
        (&bytes[..], golden::DIGEST)
    );
    assert!(Register::decode(&bytes[..247]).is_err());
    assert!(Register::decode(&[&bytes[..], b"\0"].concat()).is_err());
    assert!(Register::decode(b"").is_err());
}

proptest! {
    #[test]
    fn headers_and_rows_read_back(
        ids in any::<[[u8; 16]; 2]>(),
        hashes in any::<[[u8; 32]; 4]>(),
        number in 1_u64..,
        epoch in any::<u64>(),
        (rows, notes_len) in (0_u32..=4_096, any::<u32>()),
        (secs, nanos) in (946_684_800_u64..253_402_300_800, 0_u32..1_000_000_000),
        (first, count) in (0_u64..1 << 52, 1_u32..),
    ) {
        let [store, writer] = ids;
        let [prev, rows_root, notes_sha, log] = hashes.map(Hash);
        let time = time(secs, nanos);
        let header = BatchHeader { mark: rows == 0, store, number, epoch, writer, rows, notes_len, prev, rows_root, notes_sha, time };
        prop_assert_eq!(BatchHeader::decode(&header.encode()), Ok(header));
        let row = Row { log, first, count, root: prev };
        prop_assert_eq!(Row::decode(&row.encode()), Ok(row));
    }
}
