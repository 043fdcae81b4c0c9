//! What Go makes from a seed, whole and damaged, read by both sides.
//!
//! What Go made we accept, and make the same from the same entries. Of damaged things one direction is absolute: what we accept, Go
//! accepts too. Where Go accepts and we refuse, the bytes must be of a sort that we are narrower about on purpose (`is_narrower`).

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::{self, Hash};
use indelible_proof::key::VerifierKey;
use indelible_proof::limits::NOTE_LINES_MAX;
use indelible_proof::note::{Note, Signed};
use indelible_proof::tile::{self, Level, Tile};
use indelible_proof::tree::{Frontier, Leaves, consistency, inclusion};
use serde_json::{Value, json};

use super::build::Programs;
use super::judge::{ask, bytes};
use crate::program;
use crate::random::Random;
use crate::tally::Tally;

/// Damaged copies of each note.
const NOTE_MUTANTS: u64 = 12;

/// The point that has no effect, as a signature writes it. Of the points of small order it is the one in the vectors.
const IDENTITY: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 1;
    point
};

/// Cases printed where something does not hold.
const PRINTED_MAX: usize = 5;

pub fn run(programs: &Programs, seed: u64, count: u64) -> Result<Tally> {
    let made = program::output(program::command(&programs.sumdb.to_string_lossy()).args([
        "make",
        &seed.to_string(),
        &count.to_string(),
    ]))?;
    let made: Vec<Value> = made
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let of =
        |kind: &str| -> Vec<&Value> { made.iter().filter(|made| made["kind"] == kind).collect() };
    let (notes, trees) = (of("note"), of("tree"));
    ensure!(!notes.is_empty() && !trees.is_empty(), "nothing made");
    let mut random = Random::new(seed);
    let mut tally = all_hold("notes made by Go are read", &notes, reads_note)?;
    tally.add(all_hold(
        "trees made by Go have our proofs and tiles",
        &trees,
        same_tree,
    )?);
    tally.add(damaged_notes(&programs.sumdb, &notes, &mut random)?);
    tally.add(damaged_proofs(&programs.sumdb, &trees, &mut random)?);
    Ok(tally)
}

fn all_hold(what: &str, made: &[&Value], holds: fn(&Value) -> Result<()>) -> Result<Tally> {
    let wrong: Vec<String> = made
        .iter()
        .filter_map(|made| holds(made).err())
        .map(|error| format!("{error:#}"))
        .collect();
    for error in wrong.iter().take(PRINTED_MAX) {
        println!("    {error}");
    }
    let what = format!("{what}: {}", made.len());
    Ok(super::held(&what, wrong.is_empty()))
}

fn of_base64(value: &Value) -> Result<Vec<u8>> {
    let text = value.as_str().context("base64")?;
    BASE64_STANDARD
        .decode(text)
        .map_err(|error| anyhow!("{error}: {text}"))
}

fn of_hex(value: &Value) -> Result<Hash> {
    Hash::from_hex(value.as_str().unwrap_or_default().as_bytes()).context("a hash")
}

fn hashes(value: &Value) -> Result<Vec<Hash>> {
    value
        .as_array()
        .context("hashes")?
        .iter()
        .map(of_hex)
        .collect()
}

fn number(value: &Value) -> Result<u64> {
    value.as_u64().context("a number")
}

fn reads_note(made: &Value) -> Result<()> {
    let bytes = of_base64(&made["note"])?;
    let note = Note::parse(&bytes)?;
    let checkpoint = Checkpoint::parse(note.text)?;
    ensure!(checkpoint.size == number(&made["size"])?, "size: {made}");
    ensure!(checkpoint.root == of_hex(&made["root"])?, "root: {made}");
    for vkey in made["vkeys"].as_array().context("vkeys")? {
        let key = VerifierKey::parse(vkey.as_str().context("vkey")?)?;
        ensure!(note.verify(&key) == Signed::Ok, "signature: {made}");
    }
    Ok(())
}

fn same_tree(made: &Value) -> Result<()> {
    let (size, root) = (number(&made["size"])?, of_hex(&made["root"])?);
    let entries = hashes(&made["entries"])?;
    let leaves: Vec<Hash> = entries.iter().map(hash::leaf).collect();
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    ensure!(frontier.root() == root, "root of {size}");
    for case in made["inclusion"].as_array().context("inclusion")? {
        let (index, proof) = (number(&case["index"])?, hashes(&case["proof"])?);
        let leaf = leaves.get(usize::try_from(index)?).context("index")?;
        ensure!(
            inclusion::verify(leaf, index, size, &proof, &root),
            "inclusion of {index} in {size}"
        );
        ensure!(
            inclusion::prove(&Leaves(&leaves), index, size)? == proof,
            "proof of {index} in {size}"
        );
    }
    for case in made["consistency"].as_array().context("consistency")? {
        let (old, proof) = (number(&case["old"])?, hashes(&case["proof"])?);
        let before = of_hex(&case["root"])?;
        ensure!(
            consistency::verify(old, &before, size, &root, &proof),
            "consistency of {old} with {size}"
        );
        ensure!(
            consistency::prove(&Leaves(&leaves), old, size)? == proof,
            "proof from {old} to {size}"
        );
    }
    same_tiles(made, size, leaves)
}

fn same_tiles(made: &Value, size: u64, leaves: Vec<Hash>) -> Result<()> {
    let mut levels = vec![leaves];
    while let Some(above) = levels.last().map(|below| {
        below
            .chunks(256)
            .map_while(tile::root)
            .collect::<Vec<Hash>>()
    }) && !above.is_empty()
    {
        levels.push(above);
    }
    let mut theirs = made["tiles"].as_array().context("tiles")?.iter();
    for tile in Tile::since(0, size) {
        let Level::Hashes(level) = tile.level() else {
            continue;
        };
        let of_level = levels.get(usize::try_from(level)?).context("a level")?;
        let places = usize::try_from(tile.places().start)?..usize::try_from(tile.places().end)?;
        let bytes = tile::encode_hashes(of_level.get(places).context("places")?);
        let theirs = theirs.next().context("a tile that Go has not")?;
        ensure!(
            theirs["path"] == tile.path(),
            "{} and {}",
            theirs["path"],
            tile.path()
        );
        ensure!(
            of_base64(&theirs["bytes"])? == bytes,
            "bytes of {}",
            tile.path()
        );
    }
    ensure!(theirs.next().is_none(), "a tile that only Go has");
    Ok(())
}

/// Both judge each; what both say of how many is printed, so that a change of the mutations shows.
fn damaged_notes(sumdb: &Path, notes: &[&Value], random: &mut Random) -> Result<Tally> {
    let (mut mutants, mut cases) = (Vec::new(), Vec::new());
    for made in notes {
        let (whole, vkeys) = (
            of_base64(&made["note"])?,
            made["vkeys"].as_array().context("vkeys")?,
        );
        for _ in 0..NOTE_MUTANTS {
            let note = damaged(&whole, random);
            let vkey = &vkeys[random.below(vkeys.len())];
            cases.push(json!({"kind": "note", "note": bytes(&note), "vkey": vkey}));
            mutants.push((note, VerifierKey::parse(vkey.as_str().context("vkey")?)?));
        }
    }
    let answers = ask(sumdb, &cases)?;
    let (mut wrong, mut accepted, mut narrower) = (0_usize, 0_usize, 0_usize);
    for ((note, key), there) in mutants.iter().zip(&answers) {
        let here = judged(note, key);
        accepted = accepted.saturating_add(usize::from(here == "ok"));
        // Go stops at the first wrong signature and sees no form after it: refused is refused.
        let refused = ["malformed", "invalid"];
        if here == there || refused.contains(&here) && refused.contains(&there.as_str()) {
            continue;
        }
        if here == "malformed" && is_narrower(note) {
            narrower = narrower.saturating_add(1);
            continue;
        }
        wrong = wrong.saturating_add(1);
        if wrong <= PRINTED_MAX {
            println!(
                "    {here} here, {there} there: {}",
                String::from_utf8_lossy(note).escape_debug()
            );
        }
    }
    let what = format!(
        "damaged notes are judged alike: {}, {accepted} still good, {narrower} that only we refuse",
        mutants.len()
    );
    Ok(super::held(&what, wrong == 0 && accepted > 0))
}

/// The word that the Go program uses.
pub fn judged(note: &[u8], key: &VerifierKey) -> &'static str {
    match Note::parse(note).map(|note| note.verify(key)) {
        Err(_) => "malformed",
        Ok(Signed::Ok) => "ok",
        Ok(Signed::NoLine) => "no line",
        Ok(Signed::Invalid) => "invalid",
    }
}

/// What the rows for notes in `interop/README.md` say in general: a key that signs twice, base64 with stray bits, more lines than we
/// take, a signature whose point is of small order.
pub fn is_narrower(note: &[u8]) -> bool {
    let text = String::from_utf8_lossy(note);
    let Some((_, lines)) = text.rsplit_once("\n\n") else {
        return false;
    };
    let mut seen = Vec::new();
    if lines.lines().count() > NOTE_LINES_MAX {
        return true;
    }
    for line in lines.lines() {
        let (name, base64) = line.rsplit_once(' ').unwrap_or_default();
        let Ok(bytes) = BASE64_STANDARD.decode(base64) else {
            return true;
        };
        let key = (
            name.to_owned(),
            bytes.iter().copied().take(4).collect::<Vec<u8>>(),
        );
        if seen.contains(&key) || bytes.get(4..36) == Some(&IDENTITY) {
            return true;
        }
        seen.push(key);
    }
    false
}

/// One change, of a sort that a reader of notes might overlook.
fn damaged(whole: &[u8], random: &mut Random) -> Vec<u8> {
    let mut note = whole.to_vec();
    let at = random.below(note.len());
    let odd = *b"\n\n +=A\r\t0/\xe2\x00";
    match random.below(8) {
        0 => note[at] ^= 1 << random.below(8),
        1 => note[at] = odd[random.below(odd.len())],
        2 => note.insert(at, odd[random.below(odd.len())]),
        3 => drop(note.remove(at)),
        4 => note.truncate(at),
        sort => lines_changed(&mut note, sort, random),
    }
    note
}

/// A line twice, out of its place, or its last characters changed.
fn lines_changed(note: &mut Vec<u8>, sort: usize, random: &mut Random) {
    let text = String::from_utf8_lossy(note).into_owned();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let at = random.below(lines.len());
    match sort {
        5 => lines.insert(random.below(lines.len()), lines[at].clone()),
        6 => {
            let line = lines.remove(at);
            lines.insert(random.below(lines.len().saturating_add(1)), line);
        }
        // Stray bits: another letter before the padding of the last signature.
        _ => {
            if let Some(place) = lines
                .last()
                .and_then(|line| line.find('='))
                .and_then(|place| place.checked_sub(1))
            {
                let last = lines.len().saturating_sub(1);
                let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
                let letter = char::from(letters[random.below(letters.len())]);
                lines[last].replace_range(place..=place, &letter.to_string());
            }
        }
    }
    *note = lines.concat().into_bytes();
}

/// Proofs with one thing changed: both refuse or both accept.
fn damaged_proofs(sumdb: &Path, trees: &[&Value], random: &mut Random) -> Result<Tally> {
    let (mut cases, mut here) = (Vec::new(), Vec::new());
    for made in trees {
        let (size, root) = (number(&made["size"])?, of_hex(&made["root"])?);
        let entries = hashes(&made["entries"])?;
        for case in made["inclusion"].as_array().context("inclusion")? {
            let (mut index, mut size) = (number(&case["index"])?, size);
            let leaf = hash::leaf(entries.get(usize::try_from(index)?).context("index")?);
            let proof = changed(hashes(&case["proof"])?, &mut index, &mut size, random);
            cases.push(json!({"kind": "inclusion", "index": index, "size": size, "leaf": leaf.to_string(), "root": root.to_string(), "proof": texts(&proof)}));
            here.push(inclusion::verify(&leaf, index, size, &proof, &root));
        }
        for case in made["consistency"].as_array().context("consistency")? {
            let (mut old, mut size) = (number(&case["old"])?, size);
            let before = of_hex(&case["root"])?;
            let proof = changed(hashes(&case["proof"])?, &mut old, &mut size, random);
            // A tree without leaves is a matter of the table.
            let old = old.max(1);
            cases.push(json!({"kind": "consistency", "old": old, "size": size, "from": before.to_string(), "root": root.to_string(), "proof": texts(&proof)}));
            here.push(consistency::verify(old, &before, size, &root, &proof));
        }
    }
    let answers = ask(sumdb, &cases)?;
    let alike = |(here, there): &(&bool, &String)| **here == (*there == "ok");
    let pairs = here.iter().zip(&answers);
    let wrong = pairs.clone().filter(|pair| !alike(pair)).count();
    for (case, _) in cases
        .iter()
        .zip(pairs)
        .filter(|(_, pair)| !alike(pair))
        .take(PRINTED_MAX)
    {
        println!("    {case}");
    }
    let good = here.iter().filter(|here| **here).count();
    let what = format!(
        "damaged proofs are judged alike: {}, {good} still good",
        cases.len()
    );
    Ok(super::held(&what, wrong == 0 && good > 0))
}

pub fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(ToString::to_string).collect()
}

fn changed(
    mut proof: Vec<Hash>,
    index: &mut u64,
    size: &mut u64,
    random: &mut Random,
) -> Vec<Hash> {
    let at = random.below(proof.len());
    match random.below(8) {
        0 => *index = index.saturating_add(1),
        1 => *index = index.saturating_sub(1),
        2 => *size = size.saturating_add(1),
        3 => *size = size.saturating_sub(1).max(1),
        4 => proof.insert(at, Hash([7; 32])),
        5 if !proof.is_empty() => drop(proof.remove(at)),
        6 if !proof.is_empty() => proof[at].0[random.below(32)] ^= 1,
        _ => {}
    }
    proof
}
