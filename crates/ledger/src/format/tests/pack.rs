use super::super::FormatError;
use super::super::pack::{
    ENT_HEADER_BYTES, EntView, NoteView, PackHeader, RecHeader, encode_ent, pack_names,
    parse_pack_name,
};
use super::*;

fn small_ent() -> (Vec<u8>, Hash) {
    encode_ent(&STORE, 9, 9, &filled(0xcc), &[small_run()])
}

fn small_rec() -> RecHeader {
    RecHeader {
        store: STORE,
        first: 9,
        last: 9,
        ent: small_ent().1,
        length: 128 + small_frame().len() as u64,
    }
}

/// Puts a right CRC over a changed header.
fn with_crc(mut bytes: Vec<u8>, covered: usize) -> Vec<u8> {
    let crc = crc32c::crc32c(&bytes[..covered]);
    bytes[covered..covered + 4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn refused(runs: &[RunData], why: &str) {
    let (bytes, _) = encode_ent(&STORE, 9, 9, &filled(0xcc), runs);
    match EntView::parse(&bytes, true) {
        Err(FormatError::Damaged { what, .. }) => assert_eq!(what, why),
        other => panic!("{why}: {other:?}"),
    }
}

/// A tag, a stream and three places.
const CLAIM_BYTES: usize = 18 + 34 + 6;

#[test]
fn a_pack_has_the_bytes_of_the_page() {
    let (bytes, digest) = small_ent();
    assert_eq!(hex(&bytes[..ENT_HEADER_BYTES]), golden::ENT);
    assert_eq!(digest.to_string(), golden::ENTDIGEST);
    assert_eq!(hash::sha256(&bytes).to_string(), golden::ENTFILE);
    assert_eq!(hex(&small_rec().encode()), golden::REC);
}

#[test]
fn a_pack_reads_back_what_was_put_in() {
    let (bytes, digest) = small_ent();
    let view = EntView::parse(&bytes, true).unwrap();
    assert_eq!(
        (view.header.first, view.header.last, view.header.last_digest),
        (9, 9, filled(0xcc))
    );
    assert_eq!(
        (
            view.header.store,
            view.header.digest(),
            view.header.is_read_only()
        ),
        (STORE, digest, false)
    );
    let data = small_run();
    assert_eq!(view.runs, [data.run]);
    let (_, part) = view.parts().next().unwrap();
    assert_eq!(part.entries, [[1; 32], [2; 32], [3; 32]].concat());
    assert_eq!((part.nodes, part.commit_bits), (&[][..], &[0b100][..]));
    assert_eq!(part.notes, [small_note(&bytes, false)]);
    assert_eq!(part.frames, data.frames);
    assert_eq!(
        RecHeader::decode_features(&small_rec().encode()),
        Ok((small_rec(), false))
    );
}

/// The one note of the small pack, where it lies: at the end, before what the run's records claim.
fn small_note(bytes: &[u8], hinge: bool) -> NoteView<'static> {
    NoteView {
        hinge,
        text: NOTE,
        at: (bytes.len() - CLAIM_BYTES - NOTE.len()) as u64,
    }
}

#[test]
fn a_hinge_is_marked_and_read_back_as_one() {
    let mut data = small_run();
    data.notes[0].hinge = true;
    let (bytes, _) = encode_ent(&STORE, 7, 9, &filled(0xcc), &[data]);
    let view = EntView::parse(&bytes, true).unwrap();
    let (_, part) = view.parts().next().unwrap();
    assert_eq!(part.notes, [small_note(&bytes, true)]);
}

/// A start reads the header and two sections only.
#[test]
fn header_and_runs_can_be_read_alone() {
    let (bytes, _) = small_ent();
    let header = PackHeader::decode(&bytes[..ENT_HEADER_BYTES]).unwrap();
    let section = |index: usize| {
        let section = &header.sections[index];
        &bytes[section.offset as usize..][..section.length as usize]
    };
    let runs = header.parse_runs(section(0)).unwrap();
    assert_eq!(runs, [small_run().run]);
    let note = small_note(&bytes, false);
    assert_eq!(header.parse_notes(section(5), &runs).unwrap(), [[note]]);
    assert!(header.parse_runs(&section(0)[1..]).is_err());
    assert!(header.parse_notes(&section(5)[..5], &runs).is_err());
    let streams = header.parse_streams(section(7), &runs).unwrap();
    assert_eq!((streams[0][0].src, streams[0][0].last()), ("a", 8));
    assert!(header.parse_streams(&section(7)[1..], &runs).is_err());
    let at = header.sections[5].offset as usize;
    assert_eq!(
        header.parse_notes(b"\0\0\x10\0", &runs),
        Err(FormatError::Damaged {
            offset: at + 4,
            what: "a note is too long"
        })
    );
}

#[test]
fn every_flip_in_a_pack_is_refused() {
    let (bytes, _) = small_ent();
    for (at, changed) in flips(&bytes) {
        assert!(EntView::parse(&changed, true).is_err(), "byte {at}");
    }
    for end in 0..bytes.len() {
        assert!(EntView::parse(&bytes[..end], true).is_err(), "cut at {end}");
    }
    assert!(EntView::parse(&[&bytes[..], b"\0"].concat(), true).is_err());
    let rec = small_rec().encode();
    for (at, changed) in flips(&rec) {
        assert!(RecHeader::decode(&changed).is_err(), "byte {at} of .rec");
    }
    assert!(RecHeader::decode(&rec[..127]).is_err());
}

#[test]
fn headers_changed_under_a_right_check_read_as_another_value() {
    let (bytes, digest) = small_ent();
    for (at, changed) in flips(&bytes[..576]) {
        let changed = with_crc([&changed, &[0; 4][..]].concat(), 576);
        if let Ok(header) = PackHeader::decode(&changed) {
            assert_eq!(header.encode()[..], changed[..], "byte {at}");
            assert_ne!(header.digest(), digest, "byte {at}");
        }
    }
    let rec = small_rec().encode();
    for (at, changed) in flips(&rec[..124]) {
        let changed = with_crc([&changed, &[0; 4][..]].concat(), 124);
        assert!(
            RecHeader::decode_features(&changed) != Ok((small_rec(), false)),
            "byte {at} of .rec"
        );
    }
}

#[test]
fn features_of_later_versions_are_refused_or_make_it_read_only() {
    let (bytes, _) = small_ent();
    let changed = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        PackHeader::decode(&with_crc(bytes, 576))
    };
    assert_eq!(changed(8, 2), Err(FormatError::Unsupported("pack version")));
    assert_eq!(
        changed(23, 0x80),
        Err(FormatError::Unsupported("pack features"))
    );
    let header = changed(24, 4).unwrap();
    assert!(header.is_read_only() && header.read_only_features == 4);
    let mut rec = small_rec().encode().to_vec();
    rec[31] = 1;
    assert_eq!(
        RecHeader::decode_features(&with_crc(rec, 124)),
        Ok((small_rec(), true))
    );
}

#[test]
fn packs_that_no_writer_makes_are_refused() {
    let check = |change: &dyn Fn(&mut RunData), why: &str| {
        let mut data = small_run();
        change(&mut data);
        refused(&[data], why);
    };
    let order = "runs that are not in order";
    let crossing = "a run crosses a multiple of 65,536 or has no records";
    check(
        &|data| data.run.origin = "log.example.org/orders/0011223344556677/x".to_owned(),
        "not an origin",
    );
    check(&|data| data.run.origin.clear(), "not an origin");
    check(&|data| data.run.count = 0, crossing);
    check(&|data| data.run.count = 65_533, crossing);
    check(&|data| data.run.first = u64::MAX, crossing);
    check(&|data| data.run.first = 1 << 53, crossing);
    check(
        &|data| data.run.last_time = time(SECS, 4),
        "a run ends before it begins",
    );
    check(
        &|data| data.run.frames = 0,
        "more frames than records, or none",
    );
    check(
        &|data| data.run.frames = 4,
        "more frames than records, or none",
    );
    check(
        &|data| data.run.rec_at = 129,
        "a run's frames don't follow those before",
    );
    check(&|data| data.run.notes = 2, "the bytes end too early");
    check(&|data| data.run.notes = u32::MAX, "the bytes end too early");
    check(&|data| data.run.notes = 0, "bytes are left over");
    check(
        &|data| data.notes[0].text = vec![b'n'; (256 << 10) + 1],
        "a note is too long",
    );
    check(
        &|data| data.entries.push(filled(4)),
        "the sections don't fit the runs",
    );
    check(
        &|data| data.nodes.push(filled(4)),
        "the sections don't fit the runs",
    );
    check(
        &|data| data.commit_bits.push(0),
        "the sections don't fit the runs",
    );
    check(
        &|data| data.frames.clear(),
        "the sections don't fit the runs",
    );
    check(
        &|data| data.entries[2] = filled(4),
        "a run's last entry is another",
    );
    check(
        &|data| data.commit_bits[0] = 0b1000,
        "a commit bit without a record",
    );
    check(
        &|data| data.frames[0].offset = 129,
        "a frame does not continue the one before",
    );
    check(
        &|data| data.frames[0].first = 5,
        "a frame does not continue the one before",
    );
    check(
        &|data| data.frames[0].time = time(SECS, 6),
        "a frame does not continue the one before",
    );
    check(
        &|data| data.frames[0].count = 2,
        "the frames are not the run's records",
    );
    check(
        &|data| data.frames[0].length += 1,
        "the frames are not the run's records",
    );
    check(
        &|data| data.frames[0].length = 24,
        "a frame without columns",
    );
    check(
        &|data| data.frames[0].count = 257,
        "a frame without records or with too many",
    );
    check(
        &|data| data.frames[0].count = 253,
        "a frame crosses a multiple of 256",
    );
    let numbers = "more keys or numbers than records";
    check(&|data| data.run.keys = 4, numbers);
    check(&|data| data.run.places = 4, numbers);
    let fit = "the sections don't fit the runs";
    check(&|data| data.run.keys = 0, fit);
    check(&|data| data.run.streams_len = 33, fit);
    check(&|data| data.run.places = 2, fit);
    let tags = "key tags that are not in order";
    check(&|data| data.claims.keys[0].1 = 3, tags);
    let two = |data: &mut RunData, first, second| {
        data.claims.keys = vec![first, second];
        data.run.keys = 2;
    };
    check(&|data| two(data, ([9; 16], 0), ([8; 16], 1)), tags);
    check(&|data| two(data, ([9; 16], 1), ([9; 16], 1)), tags);
    let places = "places that are not in order";
    check(&|data| data.claims.streams[0].places = vec![2, 0], places);
    check(&|data| data.claims.streams[0].places = vec![0, 0], places);
    check(&|data| data.claims.streams[0].places = vec![0, 3], places);
    check(&|data| data.claims.records[0] = 3, places);
    let name = "not a principal or a stream's name";
    check(&|data| data.claims.streams[0].src = "%".to_owned(), name);
    check(
        &|data| data.claims.streams[0].by = "unix 1000".to_owned(),
        name,
    );
    let beyond = "numbers beyond what a head can say, or none";
    check(&|data| data.claims.streams[0].first = (1 << 53) - 1, beyond);
    check(&|data| data.claims.streams[0].epoch = 1 << 53, beyond);
    check(
        &|data| data.claims.streams[0].places.clear(),
        "the sections don't fit the runs",
    );
    refused(
        &[small_run(), small_run()],
        "a run's frames don't follow those before",
    );
    let mut again = small_run();
    again.run.rec_at += again.run.rec_len;
    refused(&[small_run(), again.clone()], order);
    again.run.log = filled(0xa9);
    refused(&[small_run(), again], order);
}

#[test]
fn a_run_is_continued_by_the_next_of_its_log() {
    let first = small_run();
    let mut next = small_run();
    next.run.first = 7;
    next.run.first_time = first.run.last_time;
    next.run.prev_entry = first.run.last_entry;
    next.run.frontier_first = first.run.frontier_after.clone();
    next.run.frontier_after = Frontier::from_parts(10, vec![filled(1), filled(2)]).unwrap();
    next.run.rec_at += first.run.rec_len;
    let at = next.run.rec_at;
    next.frames[0] = FrameRow {
        offset: at,
        first: 7,
        time: first.run.last_time,
        ..next.frames[0]
    };
    let runs = [first, next];
    let (bytes, _) = encode_ent(&STORE, 9, 9, &filled(0xcc), &runs);
    assert_eq!(
        EntView::parse(&bytes, true).unwrap().runs,
        [runs[0].run.clone(), runs[1].run.clone()]
    );
    for (what, change) in [
        ("seq", &(|run: &mut Run| run.first = 8) as &dyn Fn(&mut Run)),
        ("entry", &|run| run.prev_entry = filled(8)),
        ("origin", &|run| {
            run.origin = ORIGIN.replace("orders", "others")
        }),
        ("frontier", &|run| {
            run.frontier_first = Frontier::from_parts(7, vec![filled(1); 3]).unwrap()
        }),
        ("time", &|run| run.first_time = time(SECS, 0)),
    ] {
        let mut runs = runs.clone();
        change(&mut runs[1].run);
        let (bytes, _) = encode_ent(&STORE, 9, 9, &filled(0xcc), &runs);
        assert!(EntView::parse(&bytes, true).is_err(), "{what}");
    }
}

/// A run of 1,000 records from seq 200 on holds the aligned blocks 1 to 3 (256 to 1,023) wholly.
#[test]
fn a_run_stores_the_nodes_of_blocks_wholly_inside() {
    let blocks = |first: u64, count: u32| {
        Run {
            first,
            count,
            ..small_run().run
        }
        .blocks()
    };
    assert_eq!(blocks(200, 1_000), 1..4);
    assert_eq!(blocks(0, 256), 0..1);
    assert_eq!(blocks(1, 256), 1..1);
    assert_eq!(blocks(257, 3), 2..2);
    assert_eq!(blocks(65_280, 256), 255..256);
}

#[test]
fn names_are_twelve_digits_each() {
    assert_eq!(
        pack_names(0, 41),
        (
            "sealed/000000000000-000000000041.ent".to_owned(),
            "sealed/000000000000-000000000041.rec".to_owned()
        )
    );
    assert_eq!(
        parse_pack_name("sealed/000000000000-000000000041.ent"),
        Some((0, 41, true))
    );
    assert_eq!(
        parse_pack_name("sealed/000000000007-000000000007.rec"),
        Some((7, 7, false))
    );
    for name in [
        "000000000000-000000000041.ent",
        "sealed/00000000000-000000000041.ent",
        "sealed/0000000000000-000000000041.ent",
        "sealed/+00000000000-000000000041.ent",
        "sealed/000000000042-000000000041.ent",
        "sealed/000000000000-000000000041.tmp",
        "sealed/000000000000-000000000041",
        "sealed/000000000000_000000000041.ent",
        "sealed/0000000000é-000000000041.ent",
        "sealed/",
        "",
    ] {
        assert_eq!(parse_pack_name(name), None, "{name}");
    }
}
