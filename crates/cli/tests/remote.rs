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

/// Somebody of the node, by the variables that it wrote for them.
fn variables_of(dev: &Dev, who: &str) -> HashMap<String, String> {
    let certificate = Path::new(&dev.variables["INDELIBLE_CERT"]);
    let directory = certificate.parent().unwrap().parent().unwrap();
    let text = std::fs::read_to_string(directory.join(format!("{who}.env"))).unwrap();
    let lines = text.lines().map(|line| {
        let (name, value) = line
            .strip_prefix("export ")
            .unwrap()
            .split_once('=')
            .unwrap();
        (name.to_owned(), value.trim_matches('\'').to_owned())
    });
    lines.collect()
}

fn indelible(variables: &HashMap<String, String>, directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    for name in ["NODE", "QUERY", "STORE", "CA", "CERT", "KEY", "PIN"] {
        command.env_remove(format!("INDELIBLE_{name}"));
    }
    command
        .args(arguments)
        .envs(variables)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// A node with records 1 to 300; the variables of its reader, and those of whoever reads its store.
fn with_records(dev: &Dev, directory: &Path) -> (HashMap<String, String>, HashMap<String, String>) {
    let lines: String = (0..300).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let (code, _, err) = said(&dev.append(directory, &[], &lines));
    assert_eq!(code, Some(0), "{err}");
    let name = "INDELIBLE_STORE";
    let store = HashMap::from([(name.to_owned(), dev.variables[name].clone())]);
    (variables_of(dev, "reader"), store)
}

#[test]
fn a_node_is_read_as_a_store_is_with_the_same_output() {
    let dev = Dev::start();
    let bed = tempfile::tempdir().unwrap();
    let (reader, store) = with_records(&dev, bed.path());
    let node = |arguments: &[&str]| said(&indelible(&reader, bed.path(), arguments));
    let local = |arguments: &[&str]| said(&indelible(&store, bed.path(), arguments));
    for arguments in [
        &["get", "--log", "app"][..],
        &["get", "--log", "app", "--seq", "7"],
        &["get", "--log", "app", "--seq", "7", "--heads"],
        &["get", "--log", "app", "--from", "250", "--to", "299"],
        &["receipt", "--log", "app", "--seq", "7"],
        &["receipt", "--log", "app", "--from", "7", "--to", "299"],
        &["export", "--log", "app", "--to", "20"],
    ] {
        let (code, out, err) = node(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {err}");
        assert!(!out.is_empty() && err.is_empty(), "{arguments:?}: {err}");
        // The node has sealed nothing and goes on, so all of it is there for the store's reader too.
        assert_eq!((code, out, err), local(arguments), "{arguments:?}");
    }
    let (code, out, err) = node(&["export", "--log", "app", "--out", "app.export"]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{err}");
    assert!(err.starts_with("wrote 301 records of app, "), "{err}");
    let (code, out, _) = node(&["verify", "--export", "app.export"]);
    assert_eq!(code, Some(0), "{out}");
    let (code, out, err) = node(&["watch", "--log", "app", "--from", "299", "--to", "300"]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(out, local(&["get", "--log", "app", "--from", "299"]).1);

    let (code, out, err) = node(&["verify", "--log", "app", "--remember", "memory"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.starts_with("verified: https://127.0.0.1:"), "{out}");
    assert!(
        out.contains("completeness: population complete(0…300)"),
        "{out}"
    );
    let (code, out, _) = node(&["verify", "--remember", "memory", "--json"]);
    assert_eq!(code, Some(0), "{out}");
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["consistency"], "ok", "{out}");
    // What was made by another store of the same name is another log.
    let old = std::fs::read_to_string(bed.path().join("app.export")).unwrap();
    assert!(old.contains("\"count\":301"));
}

#[test]
fn records_of_a_time_are_read_from_a_node_as_from_a_store() {
    let dev = Dev::start();
    let bed = tempfile::tempdir().unwrap();
    let (reader, store) = with_records(&dev, bed.path());
    let node = |arguments: &[&str]| said(&indelible(&reader, bed.path(), arguments));
    let local = |arguments: &[&str]| said(&indelible(&store, bed.path(), arguments));
    let time = |seq: &str| {
        let (_, line, _) = local(&["get", "--log", "app", "--seq", seq, "--heads"]);
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        line["head"]["time"].as_str().unwrap().to_owned()
    };
    let (early, late) = (time("100"), time("200"));
    let future = "9999-12-31T00:00:00+01:00";
    for command in ["get", "export", "receipt"] {
        let by = |all: [&[&str]; 2], arguments: [&str; 4]| {
            let given = arguments.iter().filter(|text| !text.is_empty()).copied();
            let arguments: Vec<&str> = all.concat().into_iter().chain(given).collect();
            (node(&arguments), local(&arguments))
        };
        let all = [&[command, "--log", "app"][..], &[]];
        let (from, to) = by(all, ["--from", "100", "--to", "199"]);
        assert_eq!((from.0, from.2.as_str()), (Some(0), ""), "{command}");
        assert_eq!(from, to);
        let timed = by(all, ["--after", &early, "--before", &late]);
        assert_eq!(timed, (from.clone(), from), "{command}");
        let since = by(all, ["--after", &late, "", ""]);
        assert_eq!(since, by(all, ["--from", "200", "", ""]), "{command}");
        let until = by(all, ["--before", &early, "--from", "7"]);
        assert_eq!(until, by(all, ["--from", "7", "--to", "99"]), "{command}");
        let whole = by(all, ["--before", future, "--from", "0"]);
        assert_eq!(whole, by(all, ["--from", "0", "", ""]), "{command}");
        // Where nothing was recorded there is nothing to print, and nothing to prove.
        for nothing in [
            ["--after", future, "", ""],
            ["--before", "2020-01-01T00:00:00Z", "", ""],
            ["--after", &late, "--before", &early],
        ] {
            let (at_node, in_store) = by(all, nothing);
            assert_eq!(at_node, in_store, "{command}");
            let (code, out, err) = at_node;
            assert!(out.is_empty(), "{command}: {out}");
            match command {
                "get" => assert_eq!((code, err.as_str()), (Some(0), "")),
                _ => {
                    assert_eq!(code, Some(2));
                    assert!(
                        err.contains("no record of app was made in that time"),
                        "{err}"
                    );
                }
            }
        }
        let (at_node, in_store) = by(all, ["--after", "yesterday", "", ""]);
        assert_eq!(at_node, in_store);
        assert!(
            at_node
                .2
                .starts_with("error: not a time: yesterday\nhint: ")
        );
    }
}

#[test]
fn each_sees_what_it_may_and_is_told_what_it_may_not() {
    let dev = Dev::start();
    let bed = tempfile::tempdir().unwrap();
    dev.append(bed.path(), &[], "{\"n\":1}\n");
    let auditor = variables_of(&dev, "auditor");
    let (code, out, err) = said(&indelible(
        &auditor,
        bed.path(),
        &["get", "--log", "app", "--seq", "1"],
    ));
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(
        err.contains("hint: with --heads you see who and when"),
        "{err}"
    );
    for arguments in [
        &["get", "--log", "app", "--heads"][..],
        &["receipt", "--log", "app", "--seq", "1"],
        &["verify", "--log", "app", "--heads"],
        &[
            "watch", "--log", "app", "--heads", "--from", "0", "--to", "1",
        ],
    ] {
        let (code, out, err) = said(&indelible(&auditor, bed.path(), arguments));
        assert_eq!(code, Some(0), "{arguments:?}: {out}{err}");
    }
    // A producer writes, and reads nothing; and its listener is for nothing else.
    let mut producer = variables_of(&dev, "producer");
    let node = producer["INDELIBLE_NODE"].clone();
    let (code, _, err) = said(&indelible(
        &producer,
        bed.path(),
        &["get", "--log", "app", "--node", &node],
    ));
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("or set INDELIBLE_QUERY"), "{err}");
    producer.insert(
        "INDELIBLE_QUERY".to_owned(),
        auditor["INDELIBLE_QUERY"].clone(),
    );
    let (code, _, err) = said(&indelible(&producer, bed.path(), &["get", "--log", "app"]));
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("producer may not read app"), "{err}");
    // Without a pin nothing is believed, and so nothing is asked.
    let mut unpinned = auditor.clone();
    unpinned.remove("INDELIBLE_PIN");
    let (code, _, err) = said(&indelible(
        &unpinned,
        bed.path(),
        &["get", "--log", "app", "--heads"],
    ));
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("pin is missing"), "{err}");
    let (code, _, err) = said(&indelible(
        &HashMap::new(),
        bed.path(),
        &["watch", "--log", "app"],
    ));
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("set INDELIBLE_QUERY"), "{err}");
}

#[test]
fn whoami_says_who_one_is_from_where_and_what_one_may_do() {
    let dev = Dev::start();
    let bed = tempfile::tempdir().unwrap();
    for (who, listener, may) in [
        ("producer", "ingest", "append"),
        ("reader", "query", "read, read-heads, verify"),
        ("auditor", "query", "read-heads, verify"),
    ] {
        let variables = variables_of(&dev, who);
        let (code, out, err) = said(&indelible(&variables, bed.path(), &["whoami"]));
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], format!("spiffe://dev.example/{who}"));
        let seen = format!("seen from 127.0.0.1 by the {listener} listener of dev.example");
        assert_eq!(lines[1], seen);
        assert!(
            lines[2].starts_with("certificate ") && lines[2].contains(", until 20"),
            "{out}"
        );
        assert!(lines[3].starts_with("granted, by record "), "{out}");
        assert_eq!(lines[4], format!("  {who} of app"));
        assert_eq!(lines[5..], ["logs:", &format!("  app: {may}")]);
        let (code, out, _) = said(&indelible(&variables, bed.path(), &["whoami", "--json"]));
        assert_eq!(code, Some(0));
        let told: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(told["principal"], format!("spiffe://dev.example/{who}"));
    }
    // A pin that is not of this log.
    let mut reader = variables_of(&dev, "reader");
    let pin = reader["INDELIBLE_PIN"].replacen("indelible-pin-v1 ", "", 1);
    let other = format!(
        "indelible-pin-v1 {}{}",
        if pin.starts_with('0') { '1' } else { '0' },
        &pin[1..]
    );
    reader.insert("INDELIBLE_PIN".to_owned(), other);
    let (code, _, err) = said(&indelible(&reader, bed.path(), &["whoami"]));
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("another log app than your pin"), "{err}");
    // Under such a pin an export is of another log, and so is not verified.
    let (code, out, err) = said(&indelible(&reader, bed.path(), &["verify"]));
    assert_ne!(code, Some(0), "{out}{err}");
}

#[test]
fn what_a_pin_does_not_prove_is_never_printed() {
    let (dev, other) = (Dev::start(), Dev::start());
    let bed = tempfile::tempdir().unwrap();
    dev.append(bed.path(), &[], "{\"n\":1}\n");
    let mut reader = variables_of(&dev, "reader");
    let theirs = variables_of(&other, "reader");
    let asked = |variables: &HashMap<String, String>, arguments: &[&str]| {
        let (code, out, err) = said(&indelible(variables, bed.path(), arguments));
        assert_eq!((code, out.as_str()), (Some(3), ""), "{arguments:?}: {err}");
        assert!(
            err.starts_with("error: the node's answer is not proven: "),
            "{err}"
        );
        err
    };
    // The pin of another node's log of this name, and that log's key under this one's name.
    let own = reader["INDELIBLE_PIN"].clone();
    let own: Vec<&str> = own.split(' ').collect();
    let origin = own[2].split('+').next().unwrap();
    let secret = indelible_proof::key::VerifierKey::ed25519(origin, [3; 32]);
    for (pin, why) in [
        (
            theirs["INDELIBLE_PIN"].clone(),
            "which is not the pinned one",
        ),
        (format!("{} {} {secret}", own[0], own[1]), "unknown key"),
    ] {
        reader.insert("INDELIBLE_PIN".to_owned(), pin);
        for arguments in [
            &["get", "--log", "app", "--seq", "1"][..],
            &["get", "--log", "app"],
            &["receipt", "--log", "app", "--seq", "1"],
            &["receipt", "--log", "app", "--from", "0", "--to", "1"],
            &["watch", "--log", "app", "--from", "0"],
        ] {
            let err = asked(&reader, arguments);
            assert!(err.contains(why), "{err}");
        }
        let (code, _, err) = said(&indelible(
            &reader,
            bed.path(),
            &["export", "--log", "app", "--out", "export"],
        ));
        assert_ne!(code, Some(0), "{err}");
        assert_eq!(std::fs::read_dir(bed.path()).unwrap().count(), 0);
        let (code, out, _) = said(&indelible(&reader, bed.path(), &["verify"]));
        assert!(
            matches!(code, Some(1 | 3)) && !out.starts_with("verified"),
            "{out}"
        );
    }
}
