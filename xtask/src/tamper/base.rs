//! The store that is tampered with, and what others hold of it. Built once, through the command line alone.
//!
//! Two logs; two packs, a rotation of the keys between them; a tail of several files that ends with a mark; a register. Beside it: the
//! store as it was before the rotation, a thief's copy of that with another history, a clone that was written to, a store of another
//! node, and one made anew under the same origin. What is held elsewhere: a pin from the first day, receipts, a memory, a walk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::program;
use crate::workspace::Workspace;

/// The record sealed long ago that rows about old records touch; `OLD` in `xtask/tamper/sealed.py`.
pub const OLD: u64 = 5;

/// The last record of `payments`: genesis, 361 events, and the `key` record between them.
pub const NEWEST: u64 = 362;

/// Stores that are made, at most, until one has its three logs in order, as one in six has.
const TRIES: u32 = 200;

/// The base and how to make copies of it.
pub struct Base {
    program: PathBuf,
    /// Everything below is deleted with it, unless the caller keeps it.
    directory: PathBuf,
    attack: PathBuf,
    verifier: PathBuf,
    /// The pin that was handed out on the first day.
    pub pin: String,
}

/// What a program that was run to its end printed.
pub struct Ran {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: String,
}

impl Base {
    /// Makes everything below `directory`, which is empty or does not exist.
    pub fn build(workspace: &Workspace, program: &Path, directory: &Path) -> Result<Base> {
        let mut base = Base {
            program: program.to_owned(),
            directory: directory.to_owned(),
            attack: workspace.root.join("xtask/tamper/attack.py"),
            verifier: workspace.root.join("verify.py"),
            pin: String::new(),
        };
        for below in ["cases", "base/held", "base/records", "base/register"] {
            fs::create_dir_all(directory.join(below)).with_context(|| below.to_owned())?;
        }
        base.first_days()?;
        base.rotation()?;
        base.go_on()?;
        base.others()?;
        base.hold()?;
        Ok(base)
    }

    /// Where the base lies.
    pub fn path(&self) -> PathBuf {
        self.directory.join("base")
    }

    /// Genesis, 300 keyed events, a stream, the first pack; then the copy that is later called the old one.
    fn first_days(&mut self) -> Result<()> {
        self.make("", "audit.acme.internal", &["_node", "orders", "payments"])?;
        let pin = self.indelible("", &["pin", "--log", "payments"])?;
        self.pin = String::from_utf8(pin)?.trim_end().to_owned();
        let receipts = self.path().join("held/receipts");
        let keyed = ["--key-field", "id", "--receipts", text(&receipts)?];
        self.append("", "payments", &orders("o", 1, 300), &keyed)?;
        let receipt = receipt_of(&fs::read_to_string(&receipts)?, OLD)?;
        fs::write(self.path().join("held/old.receipt"), receipt)?;
        self.append("", "orders", &orders("s", 1, 20), &["--stream", "till-1"])?;
        self.indelible("", &["seal"])?;
        self.export("", "held/old.export")?;
        self.copied("", "old")
    }

    /// Ten more events, then new keys; meanwhile a thief writes on with the old ones in a copy of his own.
    fn rotation(&self) -> Result<()> {
        self.append("", "payments", &orders("o", 301, 310), &[])?;
        self.copied("old", "thief")?;
        self.bound("thief")?;
        self.append("thief", "payments", &orders("t", 301, 305), &[])?;
        self.export("thief", "thief/before.export")?;
        self.append("thief", "payments", &orders("t", 306, 340), &[])?;
        self.export("thief", "thief/after.export")?;
        self.indelible("", &["key", "rotate"])?;
        self.append("", "payments", &orders("o", 311, 350), &[])?;
        self.append("", "orders", &orders("s", 21, 30), &[])?;
        self.indelible("", &["seal"])?;
        self.export("", "held/week.export")
    }

    /// The tail: one event a batch, three of them large, so that it takes more than one file.
    fn go_on(&self) -> Result<()> {
        for number in 351..=353 {
            self.append("", "payments", &orders("o", number, number), &[])?;
        }
        for number in 354..=356 {
            self.append("", "payments", &large(number), &[])?;
        }
        for number in 357..=358 {
            self.append("", "payments", &orders("o", number, number), &[])?;
        }
        self.copied("", "clone")?;
        self.bound("clone")?;
        self.append("clone", "payments", &orders("c", 359, 362), &[])?;
        let receipts = self.path().join("held/newest");
        for number in 359..=361 {
            let kept = ["--receipts", text(&receipts)?];
            self.append("", "payments", &orders("o", number, number), &kept)?;
        }
        let receipt = receipt_of(&fs::read_to_string(&receipts)?, NEWEST)?;
        fs::write(self.path().join("held/newest.receipt"), receipt)?;
        Ok(())
    }

    /// A store of another node, and one that a wiped node was given anew.
    fn others(&self) -> Result<()> {
        self.make("other", "audit.other.internal", &["_node", "payments"])?;
        self.append("other", "payments", &orders("x", 1, 50), &[])?;
        self.indelible("other", &["seal"])?;
        self.make("anew", "audit.acme.internal", &["_node", "payments"])?;
        self.append("anew", "payments", &orders("o", 1, 5), &[])
    }

    /// What leaves the machine.
    fn hold(&self) -> Result<()> {
        let walk = self.indelible("", &["key", "walk", "--log", "payments"])?;
        fs::write(self.path().join("held/walk"), walk)?;
        let memory = self.path().join("held/memory");
        let looked = ["verify", "--pin", &self.pin, "--remember", text(&memory)?];
        self.indelible("", &looked)?;
        for log in ["payments", "orders", "_node"] {
            let records = self.indelible("", &["get", "--log", log])?;
            fs::write(self.path().join("records").join(log), records)?;
        }
        Ok(())
    }

    /// A store with its logs. A pack has its runs in the order of their log ids, which are random, and what is found first is named
    /// first: stores are made until one has them in the order of `logs`, so that the page is the same every time.
    fn make(&self, name: &str, origin: &str, logs: &[&str]) -> Result<()> {
        for _ in 0..TRIES {
            self.make_once(name, origin, logs)?;
            let mut ids = Vec::new();
            for log in logs {
                ids.push(self.indelible(name, &["pin", "--log", log])?);
            }
            if ids.is_sorted() {
                return Ok(());
            }
            for part in ["store", "keys", "register"] {
                fs::remove_dir_all(self.path().join(name).join(part))?;
            }
        }
        anyhow::bail!("no store of {TRIES} has its logs in order")
    }

    fn make_once(&self, name: &str, origin: &str, logs: &[&str]) -> Result<()> {
        let register = self.path().join(name).join("register");
        fs::create_dir_all(&register)?;
        let register = register.join("r");
        let how = ["--register", text(&register)?, "--tail-size", "64KiB"];
        let keys = self.path().join(name).join("keys");
        let init = ["init", "--origin", origin, "--keys", text(&keys)?];
        self.indelible(name, &[&init[..], &how].concat())?;
        for log in logs.iter().filter(|log| **log != "_node") {
            self.indelible(name, &["log", "create", log])?;
        }
        Ok(())
    }

    fn append(&self, name: &str, log: &str, events: &str, more: &[&str]) -> Result<()> {
        let path = self.path().join("events");
        fs::write(&path, events)?;
        let append = ["append", "--log", log, text(&path)?];
        self.indelible(name, &[&append[..], more].concat())?;
        Ok(())
    }

    fn export(&self, name: &str, out: &str) -> Result<()> {
        let out = self.path().join(out);
        self.indelible(name, &["export", "--log", "payments", "--out", text(&out)?])?;
        Ok(())
    }

    fn copied(&self, from: &str, to: &str) -> Result<()> {
        for part in ["store", "keys", "register"] {
            copy(
                &self.path().join(from).join(part),
                &self.path().join(to).join(part),
            )?;
        }
        Ok(())
    }

    /// Makes a copy look as if it had been made where it lies.
    fn bound(&self, name: &str) -> Result<()> {
        self.attacked("bind", &self.path().join(name))
    }

    /// Edits a copy.
    pub fn attacked(&self, row: &str, case: &Path) -> Result<()> {
        let mut python = program::command("python3");
        python.arg(&self.attack).arg(row).arg(case).arg(self.path());
        python
            .env("INDELIBLE", &self.program)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        program::output(&mut python).map(drop)
    }

    /// A copy of the base for one row.
    pub fn case(&self, row: &str) -> Result<PathBuf> {
        let case = self.directory.join("cases").join(row);
        for part in ["store", "keys", "register"] {
            copy(&self.path().join(part), &case.join(part))?;
        }
        fs::copy(self.path().join("held/memory"), case.join("memory"))?;
        Ok(case)
    }

    /// The product on one of the base's stores; it has to end well.
    fn indelible(&self, name: &str, arguments: &[&str]) -> Result<Vec<u8>> {
        let store = self.path().join(name).join("store");
        let ran = self.run(&[arguments, &["--store", text(&store)?]].concat())?;
        ensure!(
            ran.code == 0,
            "indelible {}: {}",
            arguments.join(" "),
            ran.err
        );
        Ok(ran.out)
    }

    /// The product, however it ends.
    pub fn run(&self, arguments: &[&str]) -> Result<Ran> {
        ran(program::command(text(&self.program)?).args(arguments))
    }

    /// The second verifier.
    pub fn second(&self, arguments: &[&str]) -> Result<Ran> {
        ran(program::command("python3")
            .arg(&self.verifier)
            .args(arguments))
    }
}

fn ran(command: &mut std::process::Command) -> Result<Ran> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("can't start {:?}", command.get_program()))?;
    Ok(Ran {
        code: output.status.code().unwrap_or(-1),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A path as an argument.
pub fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not UTF-8")
}

/// Events `first` to `last`, a line each.
fn orders(id: &str, first: u64, last: u64) -> String {
    let line =
        |number| format!("{{\"id\":\"{id}-{number}\",\"order\":{number},\"amount\":\"1.00\"}}\n");
    (first..=last).map(line).collect()
}

/// An event of 40,000 characters that compress badly: a linear congruential sequence, the same every time.
fn large(number: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = number;
    let letters = (0..40_000).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(state >> 58).unwrap_or_default();
        char::from(*LETTERS.get(place).unwrap_or(&b'A'))
    });
    let noise: String = letters.collect();
    format!("{{\"order\":{number},\"noise\":\"{noise}\"}}\n")
}

/// The receipt in the line of a record, as `append --receipts` writes them.
fn receipt_of(lines: &str, seq: u64) -> Result<String> {
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line)?;
        if line["seq"] == seq {
            let receipt = line["receipt"].as_str().context("no receipt")?;
            return Ok(receipt.to_owned());
        }
    }
    anyhow::bail!("no receipt of {seq}")
}

/// A directory with all that is in it, each file with its mode.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
