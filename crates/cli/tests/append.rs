//! What `append` promises: bad input loses nothing, receipts are true, a kill loses no event that was acknowledged.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::{Bed, sample};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};

/// Receipts as `--receipts` writes them; every line must be whole.
fn receipts(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Verifies a receipt with the record that the log holds, as a stranger would.
fn check_receipt(bed: &Bed, receipt: &Value, pin: &str) {
    let seq = receipt["seq"].as_u64().unwrap().to_string();
    bed.write("a.receipt", receipt["receipt"].as_str().unwrap());
    bed.write(
        "a.record",
        bed.ok(["get", "--log", "payments", "--seq", &seq]),
    );
    bed.ok([
        "verify",
        "--receipt",
        "a.receipt",
        "--record",
        "a.record",
        "--pin",
        pin,
    ]);
    let record = bed.read("a.record");
    let salt = receipt["salt"].as_str().unwrap();
    assert!(
        record.contains(&format!("\"salt\":\"{salt}\"")),
        "{record} {salt}"
    );
}

fn pin(bed: &Bed) -> String {
    bed.ok(["pin", "--log", "payments"]).trim().to_owned()
}

/// The input has a bad line at `bad`: everything before it is recorded, in order, with receipts, and nothing after it.
fn check_bad_line(events: &[Vec<u8>], bad: usize) {
    let bed = Bed::with_log();
    let mut lines = events.to_vec();
    lines.insert(bad - 1, b"{\"a\":1,\"a\":2}".to_vec());
    bed.write("events", lines.join(&b'\n'));
    let ended = bed.run([
        "append",
        "--log",
        "payments",
        "events",
        "--receipts",
        "receipts",
    ]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(
        ended.err.contains(&format!("line {bad}: two members")),
        "{ended:?}"
    );
    assert_eq!(
        bed.size("payments"),
        u64::try_from(bad).unwrap(),
        "genesis and all before the bad line"
    );
    let receipts = receipts(&bed.read("receipts"));
    let seqs: Vec<u64> = receipts
        .iter()
        .map(|receipt| receipt["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (1..u64::try_from(bad).unwrap()).collect::<Vec<_>>());
    let pin = pin(&bed);
    for receipt in receipts.first().iter().chain(&receipts.last()) {
        check_receipt(&bed, receipt, &pin);
    }
    let got = bed.ok(["get", "--log", "payments"]);
    let recorded = got
        .lines()
        .skip(1)
        .map(|line| line.split_once("\"event\":{").unwrap().1);
    for (recorded, sent) in recorded.zip(events) {
        assert_eq!(
            format!("{{{}", recorded.strip_suffix('}').unwrap()).as_bytes(),
            sent
        );
    }
}

#[test]
fn a_bad_line_ends_the_run_where_it_stands() {
    let cloudtrail = sample("cloudtrail");
    let events: Vec<Vec<u8>> = cloudtrail
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    for bad in [1, 2, 255, 1_000, events.len() + 1] {
        check_bad_line(&events, bad);
    }
}

#[test]
fn lines_in_many_chunks_keep_their_order() {
    let bed = Bed::with_log();
    let lines: Vec<String> = (1..=40_000)
        .map(|number| format!("{{\"n\":{number},\"pad\":\"{}\"}}", "x".repeat(number % 97)))
        .collect();
    let ended = bed.run_with(["append", "--log", "payments"], lines.join("\n").as_bytes());
    assert_eq!(ended.code, 0, "{ended:?}");
    let got = bed.ok(["get", "--log", "payments", "--from", "1"]);
    assert_eq!(got.lines().count(), lines.len());
    for (line, sent) in got.lines().zip(&lines) {
        assert!(
            line.ends_with(&format!("\"event\":{sent}}}")),
            "{line} {sent}"
        );
    }
}

#[test]
fn a_line_that_no_event_may_have_is_passed_over_without_being_kept() {
    let bed = Bed::with_log();
    let mut input = b"{\"n\":1}\n".to_vec();
    input.resize(input.len() + (65 << 20), b' ');
    input.extend_from_slice(b"\n{\"n\":2}\n");
    let ended = bed.run_with(["append", "--log", "payments", "--keep-going"], &input);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(
        ended.err.contains("line 2: longer than 64 MiB"),
        "{ended:?}"
    );
    assert_eq!(bed.size("payments"), 3);
}

#[test]
fn receipts_are_added_to_a_file_and_a_broken_line_is_ended() {
    let bed = Bed::with_log();
    bed.write("receipts", "{\"seq\":cut off");
    let ended = bed.run_with(
        ["append", "--log", "payments", "--receipts", "receipts"],
        b"{}",
    );
    assert_eq!(ended.code, 0, "{ended:?}");
    let text = bed.read("receipts");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("{\"seq\":cut off"));
    assert_eq!(receipts(lines.next().unwrap())[0]["seq"], 1);
    assert_eq!(lines.next(), None);
}

#[test]
fn receipts_that_cannot_be_written_stop_the_run_and_are_missed() {
    let bed = Bed::with_log();
    let lines = "{\"n\":1}\n".repeat(50_000);
    let ended = bed.run_with(
        ["append", "--log", "payments", "--receipts", "/dev/full"],
        lines.as_bytes(),
    );
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(ended.err.contains("receipts can't be written"), "{ended:?}");
    let ended = bed.run([
        "append",
        "--log",
        "payments",
        "--receipts",
        "no/such/directory",
    ]);
    assert_eq!(ended.code, 2, "{ended:?}");
}

/// An `append` that is fed by hand and prints receipts as events become durable.
struct Live {
    child: Child,
    stdin: ChildStdin,
    receipts: BufReader<std::process::ChildStdout>,
}

impl Live {
    fn start(bed: &Bed) -> Live {
        let mut command = bed.command(["append", "--log", "payments", "--receipts", "-"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Live {
            child,
            stdin,
            receipts: BufReader::new(stdout),
        }
    }

    fn send(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    fn receipt(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.receipts.read_line(&mut line).unwrap();
        // What a kill cut off was not given to anybody.
        line.strip_suffix('\n')
            .map(|line| serde_json::from_str(line).unwrap())
    }
}

#[test]
fn a_receipt_comes_while_the_input_stays_open() {
    let bed = Bed::with_log();
    let mut live = Live::start(&bed);
    for number in 1..=3 {
        live.send(&format!("{{\"n\":{number}}}"));
        assert_eq!(live.receipt().unwrap()["seq"], number);
    }
    drop(live.stdin);
    assert!(live.child.wait().unwrap().success());
}

#[test]
fn every_receipt_printed_before_a_kill_is_in_the_log() {
    let bed = Bed::with_log();
    for round in 0..3 {
        let before = bed.size("payments");
        let mut live = Live::start(&bed);
        let mut stdin = live.stdin;
        let feeder = std::thread::spawn(move || {
            let mut number = 0_u64;
            // Ends when the reader of the pipe was killed.
            while writeln!(stdin, "{{\"round\":{round},\"n\":{number}}}").is_ok() {
                number += 1;
            }
        });
        let mut printed = Vec::new();
        for _ in 0..2_000 * (round + 1) {
            let mut line = String::new();
            live.receipts.read_line(&mut line).unwrap();
            printed.push(line);
        }
        live.child.kill().unwrap();
        live.child.wait().unwrap();
        feeder.join().unwrap();
        printed.extend(
            live.receipts
                .lines()
                .map_while(Result::ok)
                .map(|line| format!("{line}\n")),
        );
        let printed: Vec<Value> = printed
            .iter()
            .filter_map(|line| serde_json::from_str(line.strip_suffix('\n')?).ok())
            .collect();

        let pin = pin(&bed);
        assert!(bed.size("payments") >= before + u64::try_from(printed.len()).unwrap());
        let got = bed.ok(["get", "--log", "payments", "--from", &before.to_string()]);
        for (receipt, record) in printed.iter().zip(got.lines()) {
            let salt = receipt["salt"].as_str().unwrap();
            assert!(
                record.contains(&format!("\"salt\":\"{salt}\"")),
                "{receipt} {record}"
            );
        }
        // Opened again by a writer; receipts given before the kill still hold.
        assert_eq!(bed.run_with(["append", "--log", "payments"], b"{}").code, 0);
        check_receipt(&bed, &printed[0], &pin);
        check_receipt(&bed, printed.last().unwrap(), &pin);
        bed.ok(["verify"]);
    }
}

#[test]
fn an_export_that_leaves_records_out_says_what_to_do() {
    let bed = Bed::with_log();
    // A checkpoint is published within a second: a kill may come too late to prevent it.
    let left_out = (0..5).find_map(|round| {
        let mut live = Live::start(&bed);
        live.send("{\"n\":1}");
        live.receipt().unwrap();
        live.child.kill().unwrap();
        live.child.wait().unwrap();
        let out = format!("export-{round}");
        let ended = bed.run(["export", "--log", "payments", "--out", &out]);
        assert_eq!(ended.code, 0, "{ended:?}");
        ended
            .err
            .contains("left out: 1 newer record")
            .then_some(ended.err)
    });
    let said = left_out.unwrap();
    assert!(
        said.contains("\nhint: a running writer publishes one within a second; after a crash `indelible seal` does\n"),
        "{said}"
    );
}

#[test]
fn while_one_writes_another_is_refused_and_readers_work() {
    let bed = Bed::with_log();
    let mut live = Live::start(&bed);
    live.send("{\"n\":1}");
    live.receipt().unwrap();
    for arguments in [
        vec!["append", "--log", "payments"],
        vec!["log", "create", "refunds"],
        vec!["seal"],
    ] {
        let ended = bed.run(&arguments);
        assert_eq!(ended.code, 5, "{ended:?}");
        assert!(
            ended
                .err
                .starts_with("error: another process is writing to this store: store\nhint: "),
            "{ended:?}"
        );
    }
    assert_eq!(bed.size("payments"), 2);
    assert!(
        bed.ok(["get", "--log", "payments", "--seq", "1"])
            .contains("{\"n\":1}")
    );
    bed.ok(["verify"]);
    live.send("{\"n\":2}");
    assert_eq!(live.receipt().unwrap()["seq"], 2);
    drop(live.stdin);
    assert!(live.child.wait().unwrap().success());
    bed.ok(["seal"]);
}

#[test]
fn equal_events_have_nothing_in_common_for_who_holds_only_heads() {
    let bed = Bed::with_log();
    let event = b"{\"ok\":true}\n".repeat(2);
    let ended = bed.run_with(["append", "--log", "payments"], &event);
    assert_eq!(ended.code, 0, "{ended:?}");
    let part = |line: &str, name: &str| {
        let from = line.split(&format!("\"{name}\":\"")).nth(1).unwrap();
        from.split('"').next().unwrap().to_owned()
    };
    let records = bed.ok(["get", "--log", "payments", "--from", "1"]);
    let records: Vec<&str> = records.lines().collect();
    for name in ["salt", "digest"] {
        assert_ne!(part(records[0], name), part(records[1], name));
    }
    let heads = bed.ok(["export", "--log", "payments", "--from", "1", "--heads"]);
    for record in records {
        assert!(heads.contains(&part(record, "digest")));
        assert!(!heads.contains(&part(record, "salt")));
    }
    assert!(!heads.contains("\"ok\":true"));
}
