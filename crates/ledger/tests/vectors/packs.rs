//! Packs alone, together and swapped, and registers.

use crate::records::{Records, grown, hashes};
use crate::{Word, base64_of, file, hash, length, list, number, refusal, require, store_id, text};
use indelible_ledger::format::batch::{HEADER_BYTES, SIGNATURE_BYTES, signed_message};
use indelible_ledger::format::frame::FrameView;
use indelible_ledger::format::pack::{
    EntView, Places, REC_HEADER_BYTES, RecHeader, Run, RunView, parse_pack_name,
};
use indelible_ledger::format::register::Register;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::{self, Hash};
use indelible_proof::head::{Head, Kind};
use indelible_proof::key::{VerifierKey, verify_ed25519};
use indelible_proof::note::{Note, Signed};
use indelible_proof::tree::Frontier;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// The files of a case: name in `sealed/` and bytes.
pub fn files(file: &Value, case: &Value) -> Vec<(String, Vec<u8>)> {
    let bases: HashMap<&str, Vec<u8>> = list(file, "bases")
        .iter()
        .map(|base| (text(&base["name"]), base64_of(&base["b64"])))
        .collect();
    let made = list(case, "files").iter().map(|shown| {
        let mut bytes = bases[text(&shown["base"])].clone();
        for edit in list(shown, "edits").iter().rev() {
            let start = length(&edit[0]);
            bytes.splice(start..start + length(&edit[1]), base64_of(&edit[2]));
        }
        (format!("sealed/{}", text(&shown["name"])), bytes)
    });
    made.collect()
}

#[test]
fn each_pack_is_read_or_refused_as_the_page_says() {
    let file = file("pack");
    let keys: HashMap<Hash, VerifierKey> = list(&file, "keys")
        .iter()
        .map(|key| {
            (
                hash(&key["id"]),
                VerifierKey::parse(text(&key["vkey"])).unwrap(),
            )
        })
        .collect();
    for case in list(&file, "cases") {
        let files = files(&file, case);
        let read = judge(&files, store_id(&file), &keys);
        match refusal(case) {
            Some(word) => assert_eq!(read, Err(word), "{}", case["name"]),
            None => assert_eq!(read, Ok(case["expect"].clone()), "{}", case["name"]),
        }
    }
}

fn judge(
    files: &[(String, Vec<u8>)],
    store: [u8; 16],
    keys: &HashMap<Hash, VerifierKey>,
) -> Result<Value, Word> {
    let (name, bytes) = &files[0];
    let ent = EntView::parse(bytes, true)?;
    let header = &ent.header;
    let (first, last, _) = parse_pack_name(name).unwrap();
    require(header.store == store, Word::Misplaced)?;
    require(
        (header.first, header.last) == (first, last),
        Word::Misplaced,
    )?;
    let mut runs = Vec::new();
    let mut seen: HashMap<Hash, Frontier> = HashMap::new();
    for (at, (run, view)) in ent.parts().enumerate() {
        let closing = ent.runs.get(at + 1).is_none_or(|next| next.log != run.log);
        runs.push(run_said(run, view, closing, &keys[&run.log])?);
        seen.insert(run.log, run.frontier_after.clone());
    }
    let mut read_only = header.is_read_only();
    if let Some((name, bytes)) = files.get(1) {
        let (rec, features) = RecHeader::decode_features(bytes)?;
        read_only |= features;
        let (first, last, _) = parse_pack_name(name).unwrap();
        let of_this = rec.store == store
            && (rec.first, rec.last) == (first, last)
            && (first, last) == (header.first, header.last)
            && rec.ent == header.digest();
        require(of_this, Word::Misplaced)?;
        require(u64::try_from(bytes.len()) == Ok(rec.length), Word::Damaged)?;
        let mut rest = &bytes[REC_HEADER_BYTES..];
        for ((run, view), said) in ent.parts().zip(&mut runs) {
            said["lines_sha256"] = json!(crate::hex(&records(run, view, &mut rest)?.0));
        }
        require(rest.is_empty(), Word::Damaged)?;
    }
    Ok(json!({
        "first": first, "last": last, "digest": crate::hex(&header.digest().0),
        "last_header": crate::hex(&header.last_digest.0), "read_only": read_only, "runs": runs,
    }))
}

/// What the `.ent` says of one run, everything that can be hashed hashed.
fn run_said(
    run: &Run,
    view: &RunView<'_>,
    closing: bool,
    key: &VerifierKey,
) -> Result<Value, Word> {
    let entries = hashes(view.entries);
    let mut tree = run.frontier_first.clone();
    let mut roots = HashMap::new();
    for entry in &entries {
        tree.push(hash::leaf(entry));
        roots.insert(tree.size(), tree.root());
    }
    require(
        tree == run.frontier_after && tree.root() == run.root,
        Word::Damaged,
    )?;
    let nodes = hashes(view.nodes);
    for (block, node) in run.blocks().zip(&nodes) {
        let start = usize::try_from(block * 256 - run.first).unwrap();
        let root = grown(Frontier::new(), &entries[start..start + 256]).root();
        require(root == *node, Word::Damaged)?;
    }
    let bits = |at: &u64| view.commit_bits[usize::try_from(at / 8).unwrap()] & 1 << (at % 8) != 0;
    let commits: Vec<u64> = (0..u64::from(run.count))
        .filter(bits)
        .map(|at| run.first + at + 1)
        .collect();
    let mut sizes = Vec::new();
    for note in &view.notes {
        sizes.push(note_size(note.text, run, &roots, key)?);
    }
    let ascending = sizes.is_sorted_by(|left, right| left < right);
    require(
        ascending && (!closing || sizes.last() == Some(&run.end())),
        Word::Damaged,
    )?;
    let frames: Vec<_> = view
        .frames
        .iter()
        .map(|row| json!([row.offset, row.length, row.count, row.first]))
        .collect();
    let claims = &view.claims;
    let seqs = |places: Places<'_>| -> Vec<u64> {
        places.map(|place| run.first + u64::from(place)).collect()
    };
    let keys: Vec<_> = claims
        .keys()
        .map(|(tag, place)| json!([crate::hex(&tag), run.first + u64::from(place)]))
        .collect();
    let streams: Vec<_> = claims
        .numbers()
        .map(|(row, places)| json!([row.by, row.src, row.epoch, row.first, seqs(places)]))
        .collect();
    let stream_records = seqs(claims.records());
    Ok(json!({
        "origin": run.origin, "log": crate::hex(&run.log.0), "first": run.first, "count": run.count,
        "time": String::from_utf8_lossy(&run.first_time.text()), "last_time": String::from_utf8_lossy(&run.last_time.text()),
        "before": crate::hex(&run.prev_entry.0), "last": crate::hex(&run.last_entry.0), "root": crate::hex(&run.root.0),
        "nodes": nodes.iter().map(|node| crate::hex(&node.0)).collect::<Vec<_>>(), "commits": commits, "notes": sizes,
        "entries_sha256": crate::hex(&hash::sha256(view.entries).0), "frames": frames,
        "keys": keys, "streams": streams, "stream_records": stream_records,
    }))
}

fn note_size(
    note: &[u8],
    run: &Run,
    roots: &HashMap<u64, Hash>,
    key: &VerifierKey,
) -> Result<u64, Word> {
    let note = Note::parse(note).map_err(|_| Word::Damaged)?;
    let checkpoint = Checkpoint::parse(note.text).map_err(|_| Word::Damaged)?;
    let fits =
        checkpoint.origin == run.origin && roots.get(&checkpoint.size) == Some(&checkpoint.root);
    require(fits, Word::Damaged)?;
    require(note.verify(key) == Signed::Ok, Word::Forged)?;
    Ok(checkpoint.size)
}

/// Digest of the record lines of a run, whose frames `rest` begins with.
fn records(run: &Run, view: &RunView<'_>, rest: &mut &[u8]) -> Result<Hash, Word> {
    let mut records = Records::new(&run.origin, run.first, run.prev_entry);
    for row in &view.frames {
        let (frame, after) = FrameView::parse(rest)?;
        let said = usize::try_from(row.length) == Ok(frame.bytes().len())
            && frame.records() == u64::from(row.count);
        require(said, Word::Damaged)?;
        let seen = records.times.len();
        records.frame(&frame)?;
        require(records.times[seen] == row.time, Word::Damaged)?;
        *rest = after;
    }
    let held =
        records.entries == hashes(view.entries) && records.times.last() == Some(&run.last_time);
    require(held, Word::Damaged)?;
    let claimed = claimed(run, &records.heads) == said_claims(view);
    require(claimed, Word::Damaged)?;
    Ok(records.lines())
}

/// Tags with places, numbers of streams with places, places of records of kind `stream`.
type Claims = (
    Vec<(Vec<u8>, u16)>,
    BTreeMap<(String, String, u64), Vec<(u64, u16)>>,
    Vec<u16>,
);

fn said_claims(view: &RunView<'_>) -> Claims {
    let claims = &view.claims;
    let keys = claims.keys().map(|(tag, place)| (tag.to_vec(), place));
    let streams = claims.numbers().map(|(row, places)| {
        let name = (row.by.to_owned(), row.src.to_owned(), row.epoch);
        (name, (row.first..).zip(places).collect())
    });
    (
        keys.collect(),
        streams.collect(),
        claims.records().collect(),
    )
}

/// What the heads claim, by the page.
fn claimed(run: &Run, heads: &[String]) -> Claims {
    let (mut keys, mut streams, mut records) = Claims::default();
    for (head, place) in heads.iter().zip(0..) {
        let head = Head::parse(head.as_bytes()).unwrap();
        if let Some(key) = head.own.key {
            let mut tagged = b"indelible key tag v1\n".to_vec();
            tagged.extend_from_slice(&run.log.0);
            for part in [head.shared.by, key] {
                tagged.extend_from_slice(&u32::try_from(part.len()).unwrap().to_be_bytes());
                tagged.extend_from_slice(part.as_bytes());
            }
            keys.push((hash::sha256(&tagged).0[..16].to_vec(), place));
        }
        if let Some(stream) = head.own.stream {
            let name = (
                head.shared.by.to_owned(),
                stream.src.to_owned(),
                stream.epoch,
            );
            let numbers: &mut Vec<(u64, u16)> = streams.entry(name).or_default();
            numbers.push((stream.n, place));
        }
        if head.shared.kind == Kind::Stream {
            records.push(place);
        }
    }
    keys.sort();
    (keys, streams, records)
}

#[test]
fn each_register_holds_a_batch_header_or_is_refused() {
    let file = file("pack");
    let key = hash(&file["batch_key"]);
    for case in list(&file, "registers") {
        let read = register(&base64_of(&case["register_b64"]), store_id(&file), &key);
        match refusal(case) {
            Some(word) => assert_eq!(read.err(), Some(word), "{}", case["name"]),
            None => {
                let register = read.unwrap();
                assert_eq!(register.header.number, number(&case["expect"]["number"]));
                assert_eq!(register.digest(), hash(&case["expect"]["digest"]));
            }
        }
    }
}

/// The content of a register file whose frame is taken off by hand here; the store's own reader is tested with the store.
fn register(file: &[u8], store: [u8; 16], key: &Hash) -> Result<Register, Word> {
    let (covered, crc) = file.split_last_chunk().ok_or(Word::Damaged)?;
    let mut fields = [0; 32];
    fields.copy_from_slice(covered.get(..32).ok_or(Word::Damaged)?);
    let stored = u32::try_from(covered.len() - 32).unwrap().to_le_bytes();
    let framed = fields.starts_with(b"INDLREGI") && crc32c(covered).to_le_bytes() == *crc;
    require(framed, Word::Damaged)?;
    let known = fields[8..12] == [1, 0, 0, 0] && fields[16..24] == [0; 8];
    require(known, Word::Unsupported)?;
    require(fields[12..16] == stored, Word::Damaged)?;
    let register = Register::decode(&covered[32..])?;
    require(register.header.store == store, Word::Misplaced)?;
    let header = register.bytes.first_chunk::<HEADER_BYTES>().unwrap();
    assert_eq!(register.signature.len(), SIGNATURE_BYTES);
    require(
        verify_ed25519(&key.0, &signed_message(header), &register.signature),
        Word::Forged,
    )?;
    Ok(register)
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    })
}
