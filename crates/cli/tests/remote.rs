//! `indelible append --node`: the same output and receipts as with a store, from a node that `indelible dev` runs.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_indelible");

/// A node to try things with, and the environment that it prints.
struct Dev {
    child: Child,
    variables: HashMap<String, String>,
}

impl Dev {
    fn start() -> Dev {
        let mut child = Command::new(BINARY)
            .arg("dev")
            .env_remove("INDELIBLE_STORE")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut variables = HashMap::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((name, value)) = line
                .strip_prefix("export ")
                .and_then(|line| line.split_once('='))
            {
                variables.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            }
            if line.starts_with("operator") {
                break;
            }
        }
        assert!(variables.contains_key("INDELIBLE_PIN"), "{variables:?}");
        Dev { child, variables }
    }

    fn append(&self, directory: &Path, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(BINARY)
            .args(["append", "--log", "app"])
            .args(arguments)
            .envs(&self.variables)
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // What is refused at once reads nothing.
        let written = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        assert!(written.is_ok() || !output.status.success());
        output
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // As Ctrl-C does, so that it leaves nothing behind.
        let id = self.child.id().to_string();
        drop(Command::new("kill").args(["-INT", &id]).status());
        drop(self.child.wait());
    }
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn lines_go_to_a_node_and_their_receipts_into_the_file() {
    let dev = Dev::start();
    let bed = tempfile::tempdir().unwrap();
    let input = "{\"n\": 1}\n\n{\"n\": 2}\n";
    let (code, out, err) = said(&dev.append(bed.path(), &["--receipts", "r"], input));
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(
        out.starts_with("recorded 2 events in app: seq 1 to 2 ("),
        "{out}"
    );
    assert!(out.contains("\nhead: "), "{out}");
    let receipts = std::fs::read_to_string(bed.path().join("r")).unwrap();
    assert_eq!(receipts.lines().count(), 2);
    // What stands in the file proves itself with the pin, without the node.
    let line: serde_json::Value = serde_json::from_str(receipts.lines().next().unwrap()).unwrap();
    std::fs::write(bed.path().join("one"), line["receipt"].as_str().unwrap()).unwrap();
    let verified = Command::new(BINARY)
        .args([
            "verify",
            "--receipt",
            "one",
            "--pin",
            &dev.variables["INDELIBLE_PIN"],
        ])
        .current_dir(bed.path())
        .output()
        .unwrap();
    assert_eq!(verified.status.code(), Some(0), "{:?}", said(&verified));
}

#[test]
fn what_is_sent_again_with_a_key_or_as_a_stream_is_recorded_once() {
    let dev = Dev::start();
    let bed = tempfile::tempdir().unwrap();
    let input = "{\"id\":\"a\"}\n{\"id\":\"b\"}\n";
    for arguments in [&["--key-field", "id"][..], &["--stream", "billing"]] {
        let (code, out, err) = said(&dev.append(bed.path(), arguments, input));
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(out.starts_with("recorded 2 events in app: "), "{out}");
        let (code, out, err) = said(&dev.append(bed.path(), arguments, input));
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(
            out.contains("2 events were recorded before, and not again"),
            "{out}"
        );
    }
    let (code, _, err) = said(&dev.append(
        bed.path(),
        &["--key-field", "id"],
        "{\"id\":\"a\",\"x\":1}\n",
    ));
    assert_eq!(code, Some(4), "{err}");
    assert!(err.contains("from line 1 on: "), "{err}");
    let gap = ["--stream", "billing", "--first-number", "9"];
    let (code, _, err) = said(&dev.append(bed.path(), &gap, "{}\n"));
    assert_eq!(code, Some(4), "{err}");
    assert!(err.contains("--first-number 2 in epoch 0"), "{err}");
}

#[test]
fn what_stands_in_the_way_is_said_with_what_to_do() {
    let dev = Dev::start();
    let bed = tempfile::tempdir().unwrap();
    let (code, out, err) = said(&dev.append(bed.path(), &[], "{}\n{\n{}\n"));
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(out.starts_with("recorded 1 event in app: "), "{out}");
    assert!(err.contains("line 2: "), "{err}");
    let (code, out, err) = said(&dev.append(bed.path(), &["--keep-going"], "{\n{}\n"));
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(out.starts_with("recorded 1 event in app: "), "{out}");
    let other = "indelible-pin-v1 0000";
    let (code, _, err) = said(&dev.append(bed.path(), &["--pin", other], "{}\n"));
    assert_eq!(code, Some(2), "{err}");
    let (code, _, err) = said(&dev.append(bed.path(), &["--ca", "nowhere.pem"], "{}\n"));
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("nowhere.pem"), "{err}");
    let (code, _, err) = said(&dev.append(
        bed.path(),
        &["--store", "s", "--node", "https://a:1"],
        "{}\n",
    ));
    assert_eq!(code, Some(2), "{err}");
    // A certificate that is granted nothing.
    let certificates = Path::new(&dev.variables["INDELIBLE_CERT"])
        .parent()
        .unwrap()
        .to_owned();
    let path = |name: &str| certificates.join(name).to_string_lossy().into_owned();
    let (cert, key) = (path("reader.pem"), path("reader.key"));
    let (code, _, err) = said(&dev.append(bed.path(), &["--cert", &cert, "--key", &key], "{}\n"));
    assert_eq!(code, Some(4), "{err}");
    assert!(err.contains("may not append to app"), "{err}");
}
