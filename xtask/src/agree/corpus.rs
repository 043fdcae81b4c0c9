//! The files of the fuzz corpora, given to both verifiers.
//!
//! A corpus has what a fuzzer kept because it reached something new in our decoders: the inputs of the vectors, and what was made of
//! them. Here the same files go to `verify.py`, alone and beside what the vectors have for them, as evidence where they are evidence and
//! as single forms where they are not. A bounded share of each corpus is taken, the same one every time for the same files; `--all`
//! takes everything. Not while a fuzzer runs: it removes files for which it has shorter ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use indelible_proof::hash;
use indelible_proof::policy::Policy;
use serde_json::{Value, json};

use super::{compare, indexed, ours};
use crate::fuzz::seeds;
use crate::program::Scratch;
use crate::tally::Tally;
use crate::vectors::{self, input, part};
use crate::workspace::Workspace;

/// Files of a corpus that the tests take, of evidence: with all that stands beside them some thousands of verdicts, half a minute.
const EVIDENCE_MAX: usize = 150;

/// And of forms, which are read in no time.
const FORMS_MAX: usize = 4_000;

/// Pins that are tried on evidence of their log. The vectors have more, each for a case or two of its own.
const PINS: usize = 5;

/// Cases of the vectors beside which a walk file, trust file or memory is tried.
const CASES: usize = 4;

/// A target, how many files of its corpus the tests take, and what is asked about each.
type Subject = (&'static str, usize, Ask);
type Ask = fn(&mut Asked, &Path, &[u8]) -> Result<()>;

const SUBJECTS: [Subject; 11] = [
    ("event", FORMS_MAX, |asked, file, _| {
        asked.forms(&["event"], file)
    }),
    ("head", FORMS_MAX, |asked, file, _| {
        asked.forms(&["head", "line"], file)
    }),
    ("node_event", FORMS_MAX, |asked, file, _| {
        asked.forms(
            &["genesis", "key event of orders", "key event of _node"],
            file,
        )
    }),
    ("note", FORMS_MAX, |asked, file, _| {
        asked.forms(&["note", "vkey"], file)
    }),
    ("receipt", EVIDENCE_MAX, Asked::receipt),
    ("batch_receipt", EVIDENCE_MAX, Asked::batch_receipt),
    ("prove", EVIDENCE_MAX, |asked, file, bytes| {
        asked.under_pins("prove", file, bytes, &json!({}))
    }),
    ("export", EVIDENCE_MAX, Asked::export),
    ("walk", EVIDENCE_MAX, Asked::walk),
    ("fork", EVIDENCE_MAX, Asked::fork),
    ("trust", EVIDENCE_MAX, Asked::trust),
];

/// What is asked: the index that both verifiers read.
struct Asked {
    folder: PathBuf,
    /// For the files made here.
    made: usize,
    index: Vec<Value>,
    pins: Vec<String>,
    beside: Beside,
}

/// What the vectors have beside evidence.
struct Beside {
    records: BTreeMap<&'static str, PathBuf>,
    /// Entries of an index, to which a walk file, a trust file or a memory is added.
    walks: Vec<Value>,
    trusts: Vec<Value>,
    memories: Vec<Value>,
}

/// All subjects, or those named.
pub fn run(workspace: &Workspace, names: &[String], all: bool) -> Result<Tally> {
    let is_known = |name: &&String| SUBJECTS.iter().any(|(target, ..)| target == name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        bail!("verify.py reads nothing of a corpus {unknown}");
    }
    let is_named = |target: &str| names.is_empty() || names.iter().any(|name| name == target);
    let mut tally = Tally::default();
    for (target, most, ask) in SUBJECTS.into_iter().filter(|(target, ..)| is_named(target)) {
        let corpus = seeds::write_shown(workspace, target)?;
        let files = seeds::files(&corpus)?;
        let most = if all { usize::MAX } else { most };
        let step = files.len().div_ceil(most).max(1);
        let scratch = Scratch::new()?;
        let mut asked = Asked::new(workspace, scratch.path())?;
        let mut count = 0_usize;
        for file in files.iter().step_by(step) {
            let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
            ask(&mut asked, file, &bytes)?;
            count = count.saturating_add(1);
        }
        let what = format!(
            "{} questions about {count} of {} files of the corpus {target}",
            asked.index.len(),
            files.len()
        );
        asked.write()?;
        tally.add(compare(&what, &indexed(workspace, scratch.path())?, ours)?);
    }
    Ok(tally)
}

impl Asked {
    fn new(workspace: &Workspace, folder: &Path) -> Result<Asked> {
        Ok(Asked {
            folder: folder.to_owned(),
            made: 0,
            index: Vec::new(),
            pins: pins(workspace)?,
            beside: Beside::read(workspace, folder)?,
        })
    }

    fn write(&self) -> Result<()> {
        let lines: String = self
            .index
            .iter()
            .map(|entry| format!("{entry}\n"))
            .collect();
        std::fs::write(self.folder.join("index.jsonl"), lines).context("index.jsonl")
    }

    /// A file of our own making.
    fn make(&mut self, bytes: &[u8]) -> Result<PathBuf> {
        self.made = self.made.saturating_add(1);
        let path = self.folder.join(format!("made-{}", self.made));
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    fn ask(&mut self, kind: &str, file: &Path, beside: &Value) {
        let mut entry = beside.clone();
        entry["kind"] = json!(kind);
        entry["file"] = json!(file);
        self.index.push(entry);
    }

    fn forms(&mut self, names: &[&str], file: &Path) -> Result<()> {
        let none = json!({});
        names.iter().for_each(|name| self.ask(name, file, &none));
        Ok(())
    }

    /// Without a pin, and under each of a log that the file names.
    fn under_pins(&mut self, kind: &str, file: &Path, bytes: &[u8], beside: &Value) -> Result<()> {
        self.ask(kind, file, beside);
        for pin in self.pins.clone() {
            if contains(bytes, origin_of(&pin)) {
                let mut with_pin = beside.clone();
                with_pin["pin"] = json!(pin);
                self.ask(kind, file, &with_pin);
            }
        }
        Ok(())
    }

    fn receipt(&mut self, file: &Path, bytes: &[u8]) -> Result<()> {
        self.beside_record("receipt", file, bytes)
    }

    fn batch_receipt(&mut self, file: &Path, bytes: &[u8]) -> Result<()> {
        self.beside_record("batch_receipt", file, bytes)
    }

    fn beside_record(&mut self, kind: &'static str, file: &Path, bytes: &[u8]) -> Result<()> {
        self.under_pins(kind, file, bytes, &json!({}))?;
        let pin = self.pins.first().context("no pins")?.clone();
        let record = self.beside.records.get(kind).context("no record")?.clone();
        self.ask(kind, file, &json!({"pin": pin, "record": record}));
        Ok(())
    }

    fn export(&mut self, file: &Path, bytes: &[u8]) -> Result<()> {
        self.under_pins("export", file, bytes, &json!({}))?;
        let mended = with_digest(bytes);
        if mended != bytes {
            let file = self.make(&mended)?;
            self.under_pins("export", &file, &mended, &json!({}))?;
        }
        Ok(())
    }

    /// A walk file beside receipts and an export that are good beside one.
    fn walk(&mut self, file: &Path, bytes: &[u8]) -> Result<()> {
        let mut files = vec![file.to_owned()];
        let mended = with_digest(bytes);
        if mended != bytes {
            files.push(self.make(&mended)?);
        }
        for file in files {
            self.each_beside("walk", &file, |beside| &beside.walks);
        }
        Ok(())
    }

    fn each_beside(&mut self, part: &str, file: &Path, of: fn(&Beside) -> &Vec<Value>) {
        for mut entry in of(&self.beside).clone() {
            entry[part] = json!(file);
            self.index.push(entry);
        }
    }

    /// Two notes and perhaps a proof, parted as the target parts them.
    fn fork(&mut self, _: &Path, bytes: &[u8]) -> Result<()> {
        const BETWEEN: &[u8] = b"\n\n\n";
        let cut = |bytes: &[u8]| -> (Vec<u8>, Option<Vec<u8>>) {
            let at = bytes
                .windows(BETWEEN.len())
                .position(|window| window == BETWEEN);
            let Some((note, rest)) = at.and_then(|at| bytes.split_at_checked(at.saturating_add(1)))
            else {
                return (bytes.to_vec(), None);
            };
            (note.to_vec(), rest.get(2..).map(<[u8]>::to_vec))
        };
        let (one, rest) = cut(bytes);
        let (other, proof) = rest.map_or((one.clone(), None), |rest| cut(&rest));
        let one = self.make(&one)?;
        let mut beside = json!({"other": self.make(&other)?});
        if let Some(proof) = proof {
            beside["proof"] = json!(self.make(&proof)?);
        }
        self.under_pins("fork", &one, bytes, &beside)
    }

    /// Policies, pins, trust files and memories; the last two, and trust files made of policies, also beside evidence.
    fn trust(&mut self, file: &Path, bytes: &[u8]) -> Result<()> {
        self.forms(&["policy", "pin", "trust file", "memory file"], file)?;
        if bytes.starts_with(b"indelible-trust-v") {
            self.each_beside("trust", file, |beside| &beside.trusts);
        }
        if bytes.starts_with(b"indelible-memory-v") {
            self.each_beside("memory", file, |beside| &beside.memories);
        }
        if Policy::parse(bytes).is_ok() {
            let pin = self.pins.first().context("no pins")?;
            let start = format!("indelible-trust-v1\n{pin}\nsignatures ed25519\n\n");
            let file = self.make(&[start.as_bytes(), bytes].concat())?;
            self.forms(&["trust file"], &file)?;
            self.each_beside("trust", &file, |beside| &beside.trusts);
        }
        Ok(())
    }
}

impl Beside {
    fn read(workspace: &Workspace, folder: &Path) -> Result<Beside> {
        let mut files = Files { folder, count: 0 };
        let mut records = BTreeMap::new();
        for kind in ["receipt", "batch_receipt"] {
            let vectors = vectors::read(workspace, kind)?;
            let cases = vectors["cases"].as_array().context("no cases")?;
            let good = cases.iter().filter(|case| case["expect"]["exit"] == 0);
            let record = good.filter_map(|case| part(case, "record").ok()).next();
            records.insert(kind, files.put(&record.context("no record")?)?);
        }
        let walk = vectors::read(workspace, "walk")?;
        let mut walks = Vec::new();
        for (list, kind, count) in [
            ("receipts", "receipt", CASES),
            ("exports", "export", CASES / 2),
        ] {
            let cases = walk[list].as_array().context("no cases")?;
            let good = cases.iter().filter(|case| case["expect"]["exit"] == 0);
            for case in spread(good.collect(), count) {
                walks.push(files.entry(case, kind, &input(cases, case, kind)?)?);
            }
        }
        Ok(Beside {
            records,
            walks,
            trusts: files.shown(&vectors::read(workspace, "trust")?)?,
            memories: files.shown(&vectors::read(workspace, "memory")?)?,
        })
    }
}

/// Files written for an index.
struct Files<'a> {
    folder: &'a Path,
    count: usize,
}

impl Files<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<PathBuf> {
        self.count = self.count.saturating_add(1);
        let path = self.folder.join(format!("beside-{}", self.count));
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    /// An entry for a case's evidence, with its pin, record and walk file.
    fn entry(&mut self, case: &Value, kind: &str, bytes: &[u8]) -> Result<Value> {
        let mut entry = json!({"kind": kind, "file": self.put(bytes)?});
        if case["pin"].is_string() {
            entry["pin"] = case["pin"].clone();
        }
        Ok(entry)
    }

    /// Some of the cases that name their kind.
    fn shown(&mut self, vectors: &Value) -> Result<Vec<Value>> {
        let cases = vectors["cases"].as_array().context("no cases")?;
        let shown = cases.iter().filter(|case| case["refuse"].is_null());
        let entries = spread(shown.collect(), CASES).into_iter().map(|case| {
            let kind = match case["kind"].as_str().context("kind")? {
                "proof" => "prove",
                kind => kind,
            };
            self.entry(case, kind, &part(case, "evidence")?)
        });
        entries.collect()
    }
}

/// So many of the items, from all over the list.
fn spread<T>(items: Vec<T>, count: usize) -> Vec<T> {
    let step = items.len().div_ceil(count).max(1);
    items.into_iter().step_by(step).collect()
}

/// The pins that most cases have, the commonest first.
fn pins(workspace: &Workspace) -> Result<Vec<String>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in [
        "receipt",
        "export",
        "batch_receipt",
        "prove",
        "fork",
        "memory",
    ] {
        let vectors = vectors::read(workspace, name)?;
        let cases = vectors["cases"].as_array().context("no cases")?;
        for pin in cases.iter().filter_map(|case| case["pin"].as_str()) {
            let count = counts.entry(pin.trim_end().to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }
    let mut pins: Vec<(usize, String)> = counts
        .into_iter()
        .map(|(pin, count)| (count, pin))
        .collect();
    pins.sort_by(|left, right| right.cmp(left));
    ensure!(pins.len() >= PINS, "the vectors have {} pins", pins.len());
    Ok(pins.into_iter().take(PINS).map(|(_, pin)| pin).collect())
}

fn origin_of(pin: &str) -> &[u8] {
    let key = pin.rsplit(' ').next().unwrap_or_default();
    key.split('+').next().unwrap_or_default().as_bytes()
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// A file of lines with the digest of its last line made right, as the targets do it.
fn with_digest(file: &[u8]) -> Vec<u8> {
    const END: &[u8] = b"{\"end\":1,\"sha256\":\"";
    let at = file.windows(END.len()).rposition(|window| window == END);
    let Some(body) = at.and_then(|at| file.get(..at)) else {
        return file.to_vec();
    };
    let digest = hash::sha256(body).to_string();
    [body, END, digest.as_bytes(), b"\"}\n"].concat()
}
