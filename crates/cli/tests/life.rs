//! A log's whole life with real events: recorded, sealed, read, proven, exported, verified twice; and what is in the way.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;
mod old;

use bed::{Bed, Ended, axes, sample, second_verifier};
use old::old_store;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// Both verifiers on the same files: the same axes, the same exit code.
fn verify_twice(bed: &Bed, ours: &[&str], theirs: &[&str], code: i32) -> Ended {
    let first = bed.run([&["verify"], ours].concat());
    assert_eq!(first.code, code, "{first:?}");
    if let Some(second) = second_verifier(bed, theirs) {
        assert_eq!(second.code, code, "{second:?}");
        assert_eq!(axes(&first.out), axes(&second.out));
        let ours = bed.run([&["verify", "--json"], ours].concat()).out;
        let theirs = second_verifier(bed, &[&["--json"], theirs].concat());
        same_members(&ours, &theirs.unwrap().out);
    }
    first
}

/// What both verifiers promise to print as JSON (`docs/spec/verdicts.md`).
fn same_members(ours: &str, theirs: &str) {
    let read = |text: &str| -> serde_json::Value {
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(text).unwrap()
    };
    let (ours, theirs) = (read(ours), read(theirs));
    assert!(ours["exit"].is_u64(), "{ours}");
    for name in [
        "exit",
        "integrity",
        "authenticity",
        "consistency",
        "witnesses",
        "completeness",
    ] {
        assert_eq!(ours[name], theirs[name], "{name}");
        assert!(name == "exit" || ours[name].is_string(), "{ours}");
    }
}

#[test]
fn both_verifiers_take_batch_receipts_proofs_and_trust_files() {
    let bed = Bed::with_log();
    let ended = bed.run_with(["append", "--log", "payments"], b"{}\n{}\n{}\n");
    assert_eq!(ended.code, 0, "{ended:?}");
    let range = ["--log", "payments", "--from", "1", "--to", "3"];
    bed.write("batch", bed.ok([&["receipt"], &range[..]].concat()));
    bed.write("records", bed.ok([&["get"], &range[..]].concat()));
    bed.write("export", bed.ok(["export", "--log", "payments"]));
    let proof = bed.ok(["prove", "--log", "payments", "--from-size", "2"]);
    bed.write("proof", proof);
    let at = ["prove", "--log", "payments", "--at", "2001-01-01T00:00:00Z"];
    bed.write("at", bed.ok(at));
    let pin = bed.ok(["pin", "--log", "payments"]);
    bed.write(
        "trust",
        format!("indelible-trust-v1\n{pin}signatures ed25519\n"),
    );
    bed.write(
        "both",
        format!("indelible-trust-v1\n{pin}signatures both\n"),
    );
    for (trust, code) in [("trust", 0), ("both", 3)] {
        let with = |evidence: &[&'static str]| [evidence, &["--trust", trust]].concat();
        let batch = with(&["--receipt", "batch", "--record", "records"]);
        verify_twice(&bed, &batch, &with(&["batch", "records"]), code);
        for (flag, file) in [
            ("--proof", "proof"),
            ("--proof", "at"),
            ("--export", "export"),
        ] {
            verify_twice(&bed, &with(&[flag, file]), &with(&[file]), code);
        }
    }
    let pin = pin.trim();
    let ours = ["--receipt", "batch", "--pin", pin];
    verify_twice(&bed, &ours, &["batch", "--pin", pin], 3);
}

#[test]
fn the_second_verifier_explains_itself_and_reads_standard_input() {
    let bed = Bed::with_log();
    bed.write("export", bed.ok(["export", "--log", "payments"]));
    let Some(help) = second_verifier(&bed, &["--help"]) else {
        return;
    };
    assert_eq!(help.code, 0, "{help:?}");
    assert!(
        help.out.contains("python3 verify.py [OPTIONS] EXPORT") && help.err.is_empty(),
        "{help:?}"
    );
    let missing = second_verifier(&bed, &["nothing"]).unwrap();
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(
        missing
            .err
            .starts_with("verify.py: nothing: no such file or directory\n"),
        "{missing:?}"
    );
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../verify.py");
    let mut python = std::process::Command::new("python3");
    python.arg(script).arg("-");
    python.stdin(std::fs::File::open(bed.path("export")).unwrap());
    let piped = Ended::from(python.output().unwrap());
    assert_eq!(piped.code, 3, "{piped:?}");
    assert!(piped.out.starts_with("integrity: ok\n"), "{piped:?}");
}

#[test]
fn real_events_come_back_as_they_were_sent() {
    let bed = Bed::with_log();
    for name in ["cloudtrail", "kubernetes", "github"] {
        bed.write(name, sample(name));
        bed.ok(["append", "--log", "payments", name]);
        bed.ok(["seal"]);
    }
    let sent = ["cloudtrail", "kubernetes", "github"]
        .map(|name| bed.read(name))
        .concat();
    let got = bed.ok(["get", "--log", "payments", "--from", "1"]);
    assert_eq!(got.lines().count(), sent.lines().count());
    for (got, sent) in got.lines().zip(sent.lines()) {
        let event = got
            .split_once(",\"event\":{\"")
            .map(|(_, event)| event.strip_suffix('}').unwrap());
        // The samples have no white space outside strings but in a few lines, which are compared as JSON.
        if event.map(|event| format!("{{\"{event}")).as_deref() != Some(sent) {
            let record: serde_json::Value = serde_json::from_str(got).unwrap();
            let sent: serde_json::Value = serde_json::from_str(sent).unwrap();
            assert_eq!(record["event"], sent);
        }
    }
    let pin = bed.ok(["pin", "--log", "payments"]).trim().to_owned();
    bed.ok(["export", "--log", "payments", "--out", "all"]);
    verify_twice(
        &bed,
        &["--export", "all", "--pin", &pin],
        &["--pin", &pin, "all"],
        0,
    );
    verify_twice(&bed, &["--export", "all"], &["all"], 3);
    for (from, to) in [(0, 0), (255, 256), (788, 1_600), (3_001, 3_001)] {
        let (from, to) = (from.to_string(), to.to_string());
        for heads in [&[][..], &["--heads"]] {
            let part = bed.ok([
                &["export", "--log", "payments", "--from", &from, "--to", &to],
                heads,
            ]
            .concat());
            bed.write("part", part);
            verify_twice(
                &bed,
                &["--export", "part", "--pin", &pin],
                &["--pin", &pin, "part"],
                0,
            );
        }
    }
    for seq in ["0", "1", "1500", "3001"] {
        bed.write(
            "receipt",
            bed.ok(["receipt", "--log", "payments", "--seq", seq]),
        );
        bed.write("record", bed.ok(["get", "--log", "payments", "--seq", seq]));
        let ours = ["--receipt", "receipt", "--record", "record", "--pin", &pin];
        verify_twice(&bed, &ours, &["--pin", &pin, "receipt", "record"], 0);
    }
    bed.ok(["verify"]);
    bed.ok(["verify", "--log", "payments", "--pin", &pin]);
}

#[test]
fn a_changed_export_is_named_by_both_verifiers() {
    let bed = Bed::with_log();
    bed.write("events", sample("github"));
    bed.ok(["append", "--log", "payments", "events"]);
    let pin = bed.ok(["pin", "--log", "payments"]).trim().to_owned();
    let export = bed.ok(["export", "--log", "payments"]);
    let place = export.find("\"seq\":7,").unwrap();
    let event = place + export[place..].find("\"event\":{\"").unwrap() + 10;
    let head = place + export[place..].find("\"time\":\"2").unwrap() + 9;
    for (at, named) in [
        (event, "integrity: event altered(7)"),
        (head, "integrity: head altered(7)"),
    ] {
        let mut changed = export.clone().into_bytes();
        changed[at] ^= 1;
        bed.write("changed", changed);
        let ended = verify_twice(
            &bed,
            &["--export", "changed", "--pin", &pin],
            &["--pin", &pin, "changed"],
            1,
        );
        assert_eq!(axes(&ended.out)[0], named);
    }
}

#[test]
fn an_output_that_nobody_reads_ends_the_command_quietly() {
    let bed = Bed::with_log();
    bed.write("events", sample("cloudtrail"));
    bed.ok(["append", "--log", "payments", "events"]);
    for arguments in [
        vec!["get", "--log", "payments"],
        vec!["export", "--log", "payments"],
    ] {
        let mut command = bed.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        drop(stdout);
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(141));
        assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
    }
}

#[test]
fn an_error_that_nobody_reads_keeps_its_exit_code() {
    let bed = Bed::with_log();
    for (arguments, code) in [
        (vec!["get", "--log", "none"], 2),
        (vec!["append", "--log", "payments", "bad"], 4),
    ] {
        bed.write("bad", "{}\nbad\n");
        let mut command = bed.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}

#[test]
fn every_shell_gets_its_completions() {
    let bed = Bed::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(
            bed.ok(["completions", shell]).contains("keep-going"),
            "{shell}"
        );
    }
}

#[test]
fn the_demo_ends_well_and_leaves_a_store_that_verifies() {
    let bed = Bed::empty();
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../verify.py");
    std::fs::copy(script, bed.path("verify.py")).unwrap();
    let told = bed.ok(["demo"]);
    assert!(told.contains("integrity: unreadable(sealed/"), "{told}");
    let verifiers = 1 + usize::from(second_verifier(&bed, &["--help"]).is_some());
    assert_eq!(
        told.matches("integrity: event altered(788)").count(),
        verifiers,
        "{told}"
    );
    assert!(!told.contains('\u{1b}'), "no colours where nobody watches");
    for shown in [
        "$ indelible serve --config node/indelible.toml &",
        "recorded 1,500 events in cloudtrail: seq 1 to 1,500",
        "recorded 101 events in github: seq 1 to 101",
        "spiffe://demo.example/auditor may not append to github",
        "spiffe://demo.example/reader",
        "completeness: population complete(0…1500)",
        "stopped: SIGTERM",
        "> 788.record",
        "> 788.receipt",
    ] {
        assert!(told.contains(shown), "{shown}: {told}");
    }
    assert!(!told.contains("IS NOT"), "{told}");
    if told.contains("Check the chain") {
        assert_eq!(told.matches("…  = ").count(), 3, "{told}");
    }
    let ended = bed.ok(["verify", "--store", "indelible-demo/node/store"]);
    assert!(ended.starts_with("verified: "), "{ended}");
    assert!(
        bed.run(["demo", "--dir", "indelible-demo"])
            .err
            .starts_with("error: indelible-demo exists already")
    );
    assert!(bed.ok(["demo"]).contains("indelible-demo-2"));
}

#[test]
fn after_two_months_an_operator_decides_about_the_clock() {
    let bed = Bed::empty();
    old_store(&bed);
    let refused = bed.run(["log", "create", "payments"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(
        refused
            .err
            .contains("hint: if the wall clock is right: indelible clock accept --store store"),
        "{refused:?}"
    );
    let accepted = bed.ok(["clock", "accept"]);
    assert!(accepted.starts_with("accepted 20"), "{accepted}");
    assert!(
        bed.ok(["get", "--log", "_node"])
            .contains("{\"clock\":\"accept\"")
    );
    bed.ok(["log", "create", "payments"]);
    bed.ok(["verify"]);
    assert!(bed.ok(["clock", "accept"]).starts_with("nothing to accept"));
}

#[test]
fn a_store_put_back_from_a_copy_is_found_out_by_the_register() {
    let bed = Bed::empty();
    bed.ok([
        "init",
        "--origin",
        "audit.acme.internal",
        "--tail-size",
        "64KiB",
        "--register",
        "register",
    ]);
    bed.ok(["log", "create", "payments"]);
    let tail = bed.path("store/tail/000000000000");
    let old = std::fs::read(&tail).unwrap();
    assert_eq!(
        bed.run_with(["append", "--log", "payments"], b"{\"n\":1}")
            .code,
        0
    );
    std::fs::write(&tail, old).unwrap();
    for arguments in [vec!["log", "create", "refunds"], vec!["log", "list"]] {
        let ended = bed.run(arguments);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(
            ended.err.contains("which the register remembers"),
            "{ended:?}"
        );
    }
    let ended = bed.run(["verify"]);
    assert_eq!(ended.code, 1, "{ended:?}");
}
