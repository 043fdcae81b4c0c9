//! Packs: any bytes, and any sections under the right digests and CRC.

#![no_main]

use indelible_fuzz::stored::{with_last_check, with_pack_checks};
use indelible_ledger::format::pack::{
    ClaimsData, ClaimsView, ENT_HEADER_BYTES, EntView, PackHeader, PackNote, REC_HEADER_BYTES,
    RecHeader, RunData, StreamData, encode_ent, pack_names, parse_pack_name,
};
use indelible_proof::hash::Hash;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    check(input);
    check(&with_pack_checks(input.to_vec()));
    check_rec(input);
    let mut rec = input.to_vec();
    if let Some(header) = rec.get_mut(..REC_HEADER_BYTES) {
        with_last_check(header);
        check_rec(&rec);
    }
    if let Ok(name) = str::from_utf8(input)
        && let Some((first, last, is_ent)) = parse_pack_name(name)
    {
        let (ent, rec) = pack_names(first, last);
        assert_eq!(name, if is_ent { ent } else { rec });
    }
});

/// What is accepted with its digests is what the writer makes of its parts.
fn check(bytes: &[u8]) {
    if let Ok(header) = PackHeader::decode(bytes) {
        assert_eq!(
            bytes[..ENT_HEADER_BYTES],
            header.encode(),
            "a header has one form"
        );
    }
    let Ok(ent) = EntView::parse(bytes, true) else {
        return;
    };
    let hashes = |bytes: &[u8]| {
        bytes
            .as_chunks()
            .0
            .iter()
            .map(|hash| Hash(*hash))
            .collect::<Vec<_>>()
    };
    let runs = ent.parts().map(|(run, view)| RunData {
        run: run.clone(),
        entries: hashes(view.entries),
        nodes: hashes(view.nodes),
        commit_bits: view.commit_bits.to_vec(),
        frames: view.frames.clone(),
        notes: view
            .notes
            .iter()
            .map(|note| PackNote {
                hinge: note.hinge,
                text: note.text.to_vec(),
            })
            .collect(),
        claims: claims(&view.claims),
    });
    let runs: Vec<RunData> = runs.collect();
    let PackHeader {
        store,
        first,
        last,
        last_digest,
        ..
    } = ent.header;
    let (written, digest) = encode_ent(&store, first, last, &last_digest, &runs);
    if !ent.header.is_read_only() {
        assert_eq!(written, bytes);
        assert_eq!(digest, ent.header.digest());
    }
}

/// What a run's records claim, to be written again.
fn claims(view: &ClaimsView<'_>) -> ClaimsData {
    let streams = view.numbers().map(|(row, places)| StreamData {
        by: row.by.to_owned(),
        src: row.src.to_owned(),
        epoch: row.epoch,
        first: row.first,
        places: places.collect(),
    });
    ClaimsData {
        keys: view.keys().collect(),
        streams: streams.collect(),
        records: view.records().collect(),
    }
}

fn check_rec(bytes: &[u8]) {
    if let Ok((header, later)) = RecHeader::decode_features(bytes) {
        assert!(
            later || bytes[..REC_HEADER_BYTES] == header.encode(),
            "a header has one form"
        );
    }
}
