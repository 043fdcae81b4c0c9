//! Runs the transcripts in `tests/transcripts` and compares what people see.
//!
//! A transcript is text; lines indented by two spaces are commands and what they print, all else is commentary:
//!
//! ```text
//!   $ indelible get --log payments --seq 9
//!   ! error: no record 9 in payments: it has 1, seq 0 to 0
//!   [2]
//! ```
//!
//! First standard output, then standard error with `! ` before each line, then the exit code unless it is 0. Each file has its own
//! directory, in which `sh` runs the commands with `indelible` on the path and `INDELIBLE_STORE=store`. What differs from run to run
//! is replaced by names in braces (`normal`). `UPDATE_TRANSCRIPTS=1 cargo test -p indelible-cli --test transcripts` writes the files
//! anew; read the difference before you keep it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::Bed;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn what_people_see_is_as_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let failed: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = paths
            .iter()
            .map(|path| scope.spawn(|| check(path)))
            .collect();
        runs.into_iter()
            .filter_map(|run| run.join().unwrap())
            .collect()
    });
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

/// Runs one file. `Some`: where it first differs.
fn check(path: &Path) -> Option<String> {
    let expected = std::fs::read_to_string(path).unwrap();
    let actual = play(&expected);
    if actual == expected {
        return None;
    }
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        std::fs::write(path, actual).unwrap();
        return None;
    }
    let place = expected
        .lines()
        .zip(actual.lines())
        .position(|(one, other)| one != other);
    let place = place.unwrap_or(expected.lines().count().min(actual.lines().count()));
    let show = |text: &str| {
        let lines: Vec<&str> = text
            .lines()
            .skip(place.saturating_sub(4))
            .take(12)
            .collect();
        lines.join("\n")
    };
    let name = path.file_name().unwrap().to_string_lossy();
    let (expected, actual) = (show(&expected), show(&actual));
    Some(format!(
        "{name}, line {}\n--- expected\n{expected}\n--- actual\n{actual}",
        place + 1
    ))
}

/// The transcript as it is now.
fn play(transcript: &str) -> String {
    let bed = Bed::empty();
    let mut out = String::new();
    let mut is_output = false;
    for line in transcript.lines() {
        if let Some(command) = line.strip_prefix("  $ ") {
            out.push_str(line);
            out.push('\n');
            out.push_str(&run(&bed, command));
            is_output = true;
        } else if !is_output || !line.starts_with("  ") {
            is_output = false;
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

fn run(bed: &Bed, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_indelible")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(bed.directory());
    shell
        .env("PATH", path)
        .env("INDELIBLE_STORE", "store")
        .env("LC_ALL", "C");
    shell
        .env_remove("INDELIBLE_PIN")
        .env_remove("INDELIBLE_NODE")
        .env_remove("INDELIBLE_QUERY")
        .env_remove("NO_COLOR")
        .env("COLUMNS", "100");
    let ended = bed::Ended::from(shell.output().unwrap());
    let mut out = String::new();
    for line in normal(&ended.out, bed.directory()).lines() {
        out.push_str(format!("  {line}").trim_end());
        out.push('\n');
    }
    for line in normal(&ended.err, bed.directory()).lines() {
        out.push_str(format!("  ! {line}").trim_end());
        out.push('\n');
    }
    if ended.code != 0 {
        out.push_str(&format!("  [{}]\n", ended.code));
    }
    out
}

/// Replaces what differs from run to run.
fn normal(text: &str, directory: &Path) -> String {
    let text = text.replace(&directory.display().to_string(), "{dir}");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let is_inside = out.ends_with(|before: char| before.is_ascii_alphanumeric());
        let found = if is_inside { None } else { changing(rest) };
        match found {
            Some((length, name)) => {
                if name == "{size}" {
                    out.truncate(out.trim_end_matches(' ').len());
                    out.push(' ');
                }
                out.push_str(name);
                rest = &rest[length..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out.replace("( {size}", "({size}")
}

/// Something at the beginning that changes: its length and what to call it.
fn changing(text: &str) -> Option<(usize, &'static str)> {
    for (key, name) in [
        ("\"milliseconds\":", "\"milliseconds\":{n}"),
        ("\"batches\":", "\"batches\":{n}"),
        ("\"signatures\":", "\"signatures\":{n}"),
        ("\"bytes_read\":", "\"bytes_read\":{n}"),
        ("\"bytes_hashed\":", "\"bytes_hashed\":{n}"),
        ("\"next\":", "\"next\":{n}"),
        ("\"batch\":", "\"batch\":{n}"),
        ("batches ", "batches {n}"),
        ("the next is ", "the next is {n}"),
        ("holds batch ", "holds batch {n}"),
    ] {
        let rest = text
            .strip_prefix(key)
            .filter(|rest| rest.starts_with(|char: char| char.is_ascii_digit()));
        if let Some(rest) = rest {
            let digits = rest
                .find(|char: char| !char.is_ascii_digit())
                .unwrap_or(rest.len());
            let range = rest[digits..].strip_prefix(" to ").map_or(0, |last| {
                4 + last
                    .find(|char: char| !char.is_ascii_digit())
                    .unwrap_or(last.len())
            });
            return Some((key.len() + digits + range, name));
        }
    }
    let run = |allowed: fn(char) -> bool| text.find(|char| !allowed(char)).unwrap_or(text.len());
    let hex = run(|char| matches!(char, '0'..='9' | 'a'..='f'));
    let word = run(|char| char.is_ascii_alphanumeric());
    if hex == word && text[hex..].starts_with('…') && hex == 12 {
        return Some((hex + '…'.len_utf8(), "{short}"));
    }
    if hex == 12
        && text[..hex].bytes().all(|byte| byte.is_ascii_digit())
        && text[12..].starts_with('-')
    {
        return Some((25, "{pack}"));
    }
    let digest = match hex {
        64 => Some("{hex64}"),
        32 => Some("{hex32}"),
        16 => Some("{hex16}"),
        _ => None,
    };
    if let Some(name) = digest.filter(|_| hex == word) {
        return Some((hex, name));
    }
    if let Some(place) = text
        .strip_prefix("rec")
        .map(|rest| rest.trim_start_matches([',', ' ', 'a', 't']))
    {
        let digits = place
            .find(|char: char| !char.is_ascii_digit())
            .unwrap_or(place.len());
        let length = text.len() - place.len() + digits;
        return (digits > 0).then_some((
            length,
            if text[3..].starts_with(',') {
                "rec, {offset}"
            } else {
                "rec at {offset}"
            },
        ));
    }
    let bytes = text.as_bytes();
    let is_time = bytes.len() >= 20
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b'T'
        && bytes[..4].iter().all(u8::is_ascii_digit);
    if is_time {
        return text.find('Z').map(|end| (end + 1, "{time}"));
    }
    if let Some(key) = text.strip_prefix('+') {
        let id = key.find('+').filter(|id| *id == 8)?;
        let end = key
            .find(|char: char| char.is_whitespace() || char == '"')
            .unwrap_or(key.len());
        return Some((1 + end.max(id), "+{key}"));
    }
    if let Some(user) = text.strip_prefix("unix:") {
        return Some((
            "unix:".len() + user.find(|char: char| !char.is_ascii_digit())?,
            "unix:{uid}",
        ));
    }
    let number = run(|char| matches!(char, '0'..='9' | ',' | '.'));
    let unit = text.get(number..).filter(|_| number > 0)?;
    let named = [
        (" events/s", "{rate} events/s"),
        (" GB/s", "{rate} GB/s"),
        (" s,", "{secs} s,"),
        (" KiB", "{size}"),
        (" MiB", "{size}"),
        (" GiB", "{size}"),
        (" batches", "{n} batches"),
        (" batch ", "{n} batches "),
        (" signatures", "{n} signatures"),
    ];
    if let Some((end, name)) = named.iter().find(|(end, _)| unit.starts_with(end)) {
        return Some((number + end.len(), name));
    }
    let is_bytes = unit.starts_with(" B\n") || unit.starts_with(" B,") || unit.starts_with(" B ");
    is_bytes.then_some((number + 2, "{size}"))
}
