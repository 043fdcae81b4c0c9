//! The project's own chores, each a command of `cargo xtask`.
//!
//! Owns what has to hold for a change to be taken: `test` runs all of it, and CI runs nothing else. May depend on every other
//! crate; nothing depends on it.

use std::process::ExitCode;

use anyhow::Result;

use tally::Tally;
use workspace::Workspace;

mod agree;
mod bench;
mod crash;
mod fuzz;
mod go;
mod mutants;
mod program;
mod promises;
mod random;
mod readme;
mod sim;
mod tally;
mod tamper;
mod test;
mod tidy;
mod vectors;
mod wire;
mod workspace;

/// A command: its name, its arguments, one line for people, and what runs it.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&Workspace, &[String]) -> Result<Tally>,
}

const COMMANDS: [Command; 13] = [
    Command {
        name: "test",
        arguments: "[STEP…]",
        about: "everything a change has to pass, or some of its steps, up to the first failure",
        run: test::run,
    },
    Command {
        name: "tidy",
        arguments: "",
        about: "the house rules that a program can keep",
        run: tidy::run,
    },
    Command {
        name: "readme",
        arguments: "[PAGE…]",
        about: "the console blocks of README.md and docs, run and compared",
        run: readme::run,
    },
    Command {
        name: "promises",
        arguments: "[--beyond-tests]",
        about: "the commands of docs/promises.md, each of which shows a promise",
        run: promises::run,
    },
    Command {
        name: "agree",
        arguments: "[--seed N] [--count N] | --corpus [--all] [TARGET…]",
        about: "verify.py and the product on the same evidence, whole, damaged and found by fuzzing",
        run: agree::run,
    },
    Command {
        name: "go",
        arguments: "[--seed N] [--count N] | --corpus [--all]",
        about: "programs that others wrote in Go on our notes, proofs, receipts and tiles, and we on theirs",
        run: go::run,
    },
    Command {
        name: "wire",
        arguments: "[--seed N]",
        about: "schemathesis on a node: everything its OpenAPI document allows and forbids",
        run: wire::run,
    },
    Command {
        name: "tamper",
        arguments: "[--check] [--keep DIR] [ROW…]",
        about: "what is done to a store, and who notices: docs/tamper-matrix.md, written or compared",
        run: tamper::run,
    },
    Command {
        name: "crash",
        arguments: "[--quick] [--cases N] [--seed N] [--only SCENE]",
        about: "faults and kills at every file call of the program, and power losses; writes docs/crash-evidence.md",
        run: crash::run,
    },
    Command {
        name: "bench",
        arguments: "engine|start|resend|logs [OPTION…]",
        about: "durable events a second, start-up and the like, beside what the machine can do; without a name it lists its options",
        run: bench::run,
    },
    Command {
        name: "fuzz",
        arguments: "[--seconds N] [TARGET…]",
        about: "each decoder for a minute, or so many seconds, beginning with the vectors",
        run: fuzz::run,
    },
    Command {
        name: "mutants",
        arguments: "[FILE…]",
        about: "a test has to notice each change of proof, commit, recovery and sealing: docs/mutants.md",
        run: mutants::run,
    },
    Command {
        name: "sim",
        arguments: "[--seed N] [--histories N] [--minutes N]",
        about: "histories on a simulated disk, from their seeds, judged by an independent model",
        run: sim::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        help();
        return ExitCode::from(2);
    };
    if ["--help", "-h", "help"].contains(&name.as_str()) {
        help();
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("no such command: {name}\nhint: cargo xtask --help lists them");
        return ExitCode::from(2);
    };
    if rest.iter().any(|argument| argument == "--help") {
        println!(
            "cargo xtask {} {}\n\n{}",
            command.name, command.arguments, command.about
        );
        return ExitCode::SUCCESS;
    }
    match Workspace::find().and_then(|workspace| (command.run)(&workspace, rest)) {
        Ok(tally) => tally.finish(),
        Err(error) => {
            eprintln!("cargo xtask {name}: {error:#}");
            Tally::broken().finish()
        }
    }
}

fn help() {
    println!("cargo xtask COMMAND\n");
    for Command {
        name,
        arguments,
        about,
        ..
    } in &COMMANDS
    {
        let usage = format!("{name} {arguments}");
        println!("  {usage:<34} {about}");
    }
}
