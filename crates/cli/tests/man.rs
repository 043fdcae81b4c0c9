//! Manual pages: one for each command, saying what `--help` says.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::Bed;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// The flags that a command's help lists.
fn flags(help: &str) -> BTreeSet<String> {
    let lines = help.lines().map(str::trim_start);
    let lines = lines.filter(|line| line.starts_with('-'));
    lines
        .flat_map(|line| line.split([' ', ',', '=']))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
        .collect()
}

/// The pages that `--dir` writes, as name and text.
fn pages(bed: &Bed) -> Vec<(String, String)> {
    std::fs::create_dir(bed.path("man")).unwrap();
    let told = bed.ok(["man", "--dir", "man"]);
    let mut pages: Vec<(String, String)> = bed
        .path("man")
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| (name.clone(), bed.read(&format!("man/{name}"))))
        .collect();
    pages.sort();
    assert_eq!(told.lines().count(), pages.len(), "{told}");
    pages
}

#[test]
fn there_is_a_page_for_every_command_with_every_flag_of_its_help() {
    let bed = Bed::empty();
    let pages = pages(&bed);
    let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "indelible.1",
        "indelible-verify.1",
        "indelible-log-create.1",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let first_page = bed.ok(["--help"]);
    let groups = first_page.lines().filter(|line| {
        line.starts_with("  ")
            && line
                .trim_start()
                .starts_with(|letter: char| letter.is_ascii_lowercase())
    });
    let mut commands = 0;
    for line in groups {
        let words: Vec<&str> = line.split("  ").filter(|part| !part.is_empty()).collect();
        let command: Vec<&str> = words[0].trim().split(' ').collect();
        let page = format!("indelible-{}.1", command.join("-"));
        let (_, text) = pages
            .iter()
            .find(|(name, _)| *name == page)
            .unwrap_or_else(|| panic!("{page}: {names:?}"));
        let help = bed.ok([&command[..], &["--help"]].concat());
        for flag in flags(&help) {
            let as_roff = flag.replace('-', "\\-");
            assert!(text.contains(&as_roff), "{page} has no {flag}");
        }
        assert!(text.contains(".SH \"EXIT STATUS\""), "{text}");
        commands += 1;
    }
    assert!(commands >= 14, "{first_page}");
}

#[test]
fn one_page_is_printed_and_an_unknown_command_is_refused() {
    let bed = Bed::empty();
    let pages = pages(&bed);
    let verify = pages
        .iter()
        .find(|(name, _)| name == "indelible-verify.1")
        .unwrap();
    assert_eq!(bed.ok(["man", "verify"]), verify.1);
    let refused = bed.run(["man", "nonsense"]);
    assert_eq!(refused.code, 2, "{refused:?}");
}

#[test]
fn groff_finds_nothing_to_complain_about() {
    let bed = Bed::empty();
    for (name, _) in pages(&bed) {
        let checked = Command::new("groff")
            .args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"])
            .arg(bed.path("man").join(&name))
            .stdin(Stdio::null())
            .output();
        let Ok(checked) = checked else {
            eprintln!("not checked with groff, which is not there");
            return;
        };
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(
            checked.status.success() && said.is_empty(),
            "{name}: {said}"
        );
    }
}
