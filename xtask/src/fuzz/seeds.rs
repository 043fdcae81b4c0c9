//! What fuzzing begins with: inputs of the vectors, what the store's and the ledger's writers write, and what earlier runs found
//! (`fuzz/found`, if it is there).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::program;
use crate::vectors::{edited_base64, input, of_base64, part, read};
use crate::workspace::Workspace;

/// Those that begin also with what the writers write: compressed frames, a short tail file, every event of a node; or with examples of
/// what comes over the wire.
const WRITTEN: [&str; 12] = [
    "array",
    "batch",
    "certificate",
    "frame",
    "http1",
    "http2",
    "member",
    "node_event",
    "pack",
    "query",
    "tail",
    "watch",
];

/// Vector file, list in it, target, and the member of a case that is its input.
const MEMBERS: [(&str, &str, &str, &str); 27] = [
    ("event", "cases", "event", "input"),
    ("head", "cases", "head", "head"),
    ("record", "lines", "head", "line"),
    ("note", "cases", "note", "note"),
    ("keys", "vkeys", "note", "vkey"),
    ("keys", "origins", "node_event", "origin"),
    ("keys", "genesis", "node_event", "event"),
    ("keys", "key_events", "node_event", "event"),
    ("keys", "node_secrets", "secret", "file"),
    ("keys", "recovery_keys", "secret", "file"),
    ("keys", "pins", "trust", "pin"),
    ("batch", "cases", "batch", "batch"),
    ("pack", "registers", "batch", "register"),
    ("tail", "formats", "tail", "format"),
    ("pack", "registers", "tail", "register"),
    ("walk", "walks", "walk", "walk"),
    ("receipt", "cases", "receipt", "receipt"),
    ("walk", "receipts", "receipt", "receipt"),
    ("batch_receipt", "cases", "batch_receipt", "batch_receipt"),
    ("prove", "cases", "prove", "proof"),
    ("policy", "cases", "trust", "policy"),
    ("trust", "cases", "trust", "trust"),
    ("memory", "cases", "trust", "memory"),
    ("export", "cases", "export", "export"),
    ("walk", "exports", "export", "export"),
    ("tile", "paths", "tile", "path"),
    ("tile", "readings", "tile", "bundle"),
];

/// Vector file, list in it, target, and what makes inputs of a case: those that are not one member.
type Made = (&'static str, &'static str, &'static str, Maker);
type Maker = fn(&Value, &Value) -> Result<Vec<Vec<u8>>>;

const MADE: [Made; 3] = [
    ("fork", "cases", "fork", forks),
    ("pack", "cases", "pack", packs),
    ("pack", "covers", "pack", names),
];

/// The longest `.ent` of the vectors. Longer seeds make every run slow and show nothing that shorter ones don't.
const SEED_BYTES_MAX: usize = 20 << 10;

/// Puts into the corpus what the target begins with, and says where that is.
pub fn write(workspace: &Workspace, target: &str) -> Result<PathBuf> {
    let corpus = write_shown(workspace, target)?;
    if WRITTEN.contains(&target) {
        let mut seeds = workspace.command("cargo");
        seeds.args([
            "run",
            "--quiet",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--example",
            "seeds",
            "--",
        ]);
        ensure!(
            program::passes(seeds.arg(corpus.parent().context("a corpus lies in a folder")?))?,
            "the seeds can't be written"
        );
    }
    Ok(corpus)
}

/// The same without what has to be built first.
pub fn write_shown(workspace: &Workspace, target: &str) -> Result<PathBuf> {
    let corpus = workspace.root.join("fuzz/corpus").join(target);
    std::fs::create_dir_all(&corpus).with_context(|| corpus.display().to_string())?;
    for (name, bytes) in shown(workspace, target)? {
        let path = corpus.join(name);
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
    }
    Ok(corpus)
}

/// Name and bytes of each input of the vectors.
fn shown(workspace: &Workspace, target: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let mut seeds: Vec<(String, Vec<u8>)> = Vec::new();
    let mut put = |from: &str, inputs: Vec<Vec<u8>>| {
        let numbered = inputs.into_iter().enumerate();
        let short = numbered.filter(|(_, bytes)| bytes.len() <= SEED_BYTES_MAX);
        seeds.extend(short.map(|(number, bytes)| (format!("{from}-{number}"), bytes)));
    };
    for (file, list, _, member) in MEMBERS.into_iter().filter(|(_, _, of, _)| *of == target) {
        let vectors = read(workspace, file)?;
        let cases = vectors[list].as_array().context("no cases")?;
        // A case without the member shows something else, or takes its input from another list.
        let inputs = cases.iter().flat_map(|case| input(cases, case, member));
        put(&format!("{file}-{list}"), inputs.collect());
    }
    for (file, list, _, make) in MADE.into_iter().filter(|(_, _, of, _)| *of == target) {
        let vectors = read(workspace, file)?;
        let cases = vectors[list].as_array().context("no cases")?;
        let inputs: Vec<Vec<Vec<u8>>> = cases
            .iter()
            .map(|case| make(&vectors, case))
            .collect::<Result<_>>()?;
        put(&format!("{file}-{list}"), inputs.concat());
    }
    Ok(seeds)
}

/// Two notes and, where there is one, the proof, as the target parts them.
fn forks(_: &Value, case: &Value) -> Result<Vec<Vec<u8>>> {
    let mut parts = vec![part(case, "one")?, part(case, "other")?];
    parts.extend(part(case, "proof").ok());
    Ok(vec![parts.join(&b"\n\n"[..])])
}

/// The files of a pack, each a changed base.
fn packs(vectors: &Value, case: &Value) -> Result<Vec<Vec<u8>>> {
    let files = case["files"].as_array().context("files")?;
    let bases = vectors["bases"].as_array().context("bases")?;
    let file = |file: &Value| {
        let base = bases.iter().find(|base| base["name"] == file["base"]);
        let base = base.and_then(|base| base["b64"].as_str());
        edited_base64(of_base64(base.context("base")?)?, &file["edits"])
    };
    files.iter().map(file).collect()
}

/// Names in `sealed/`.
fn names(_: &Value, case: &Value) -> Result<Vec<Vec<u8>>> {
    let names = case["names"].as_array().context("names")?;
    let texts = names.iter().filter_map(Value::as_str);
    Ok(texts.map(|name| name.as_bytes().to_vec()).collect())
}

/// Whether anything is known that a target begins with.
#[cfg(test)]
pub fn are_known(target: &str) -> bool {
    WRITTEN.contains(&target)
        || MEMBERS.iter().any(|(_, _, of, _)| *of == target)
        || MADE.iter().any(|(_, _, of, _)| *of == target)
}

/// The files of a corpus, by name.
pub fn files(corpus: &Path) -> Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(corpus).with_context(|| corpus.display().to_string())?;
    let mut files = Vec::new();
    for entry in listed {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_of_inputs_in_the_vectors_gives_seeds() {
        let workspace = Workspace::find().unwrap();
        let of: Vec<&str> = MEMBERS.iter().map(|(_, _, of, _)| *of).collect();
        let of: std::collections::BTreeSet<&str> = of
            .into_iter()
            .chain(MADE.iter().map(|made| made.2))
            .collect();
        let names: Vec<String> = of
            .iter()
            .flat_map(|target| shown(&workspace, target).unwrap())
            .map(|(name, _)| name)
            .collect();
        let lists = MEMBERS.iter().map(|(file, list, ..)| (file, list));
        for (file, list) in lists.chain(MADE.iter().map(|(file, list, ..)| (file, list))) {
            let from = format!("{file}-{list}-");
            assert!(names.iter().any(|name| name.starts_with(&from)), "{from}");
        }
    }

    #[test]
    fn a_fork_is_parted_as_the_target_parts_it() {
        let case = serde_json::json!({"one": "a\n", "other": "b\n", "proof": "c\n"});
        assert_eq!(
            forks(&Value::Null, &case).unwrap(),
            [b"a\n\n\nb\n\n\nc\n".to_vec()]
        );
    }
}
