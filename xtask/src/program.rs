//! Starting other programs.
//!
//! They get no standard input, and not what cargo told *this* program about its own package, which would make the builds they
//! start differ from builds started by hand.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// A program found in `PATH`.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs it with our output as its output; whether it ended with 0.
pub fn passes(command: &mut Command) -> Result<bool> {
    let status = command
        .status()
        .with_context(|| format!("can't start {:?}", command.get_program()))?;
    Ok(status.success())
}

/// What it prints on standard output; an error if it does not end with 0.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("can't start {:?}", command.get_program()))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).with_context(|| format!("output of {command:?}"))
}

/// Whether it can be started and ends with 0; what it prints is lost.
pub fn works(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
