//! Starting other programs.
//!
//! They get no standard input, and not what cargo told *this* program about its own package, which would make the builds they
//! start differ from builds started by hand.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

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

/// How a program ended that was given so much time and no more.
pub struct Ended {
    /// Its exit status was 0; false too where it was stopped because its time was up.
    pub well: bool,
    /// What it printed, on both outputs, in order. Ends with a line of ours where it was stopped.
    pub printed: String,
}

/// Runs it in a process group of its own and ends the whole group after `limit`.
///
/// What it prints goes through a file, so that something it leaves running in the background can't keep us waiting.
pub fn within(command: &mut Command, limit: Duration) -> Result<Ended> {
    let scratch = Scratch::new()?;
    let path = scratch.path().join("printed");
    let file = File::create(&path).context("file for output")?;
    command
        .stdout(file.try_clone().context("file for output")?)
        .stderr(file)
        .process_group(0);
    let mut child = command
        .spawn()
        .with_context(|| format!("can't start {:?}", command.get_program()))?;
    let status = ended(&mut child, limit)?;
    works(Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]));
    if status.is_none() {
        child.wait()?;
    }
    let mut printed = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
    if status.is_none() {
        printed.push_str(&format!("\n(stopped after {} s)\n", limit.as_secs()));
    }
    Ok(Ended {
        well: status.is_some_and(|status| status.success()),
        printed,
    })
}

/// How a program ended; `None`: it still runs when its time is up.
///
/// A child's end can't be awaited with a limit in safe code, so it is asked for: often at first, for most are over at once.
pub fn ended(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let begin = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begin.elapsed() >= limit {
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = pause.saturating_mul(2).min(Duration::from_millis(10));
    }
}

/// `PATH` with a directory of ours in front.
pub fn path_with(first: &Path) -> Result<OsString> {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(first.to_path_buf()).chain(std::env::split_paths(&rest));
    std::env::join_paths(all).context("PATH")
}

/// A directory that is gone when this value is.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty directory under the system's place for temporary files.
    pub fn new() -> Result<Scratch> {
        Scratch::within(&std::env::temp_dir())
    }

    /// An empty directory in this one, or where temporary files are if this one isn't there.
    pub fn within(place: &Path) -> Result<Scratch> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = std::env::temp_dir();
        let place = if place.is_dir() { place } else { &temporary };
        let path = place.join(format!("indelible-xtask-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| path.display().to_string())?;
        Ok(Scratch(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed is left to the system's own cleaning.
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gets_its_time_and_no_more() {
        let shell = |script: &str, limit| {
            within(
                command("sh").args(["-c", script]),
                Duration::from_millis(limit),
            )
            .unwrap()
        };
        let ended = shell("echo a; echo b >&2; sleep 600 & exit 0", 60_000);
        assert_eq!((ended.well, ended.printed.as_str()), (true, "a\nb\n"));
        assert!(!shell("exit 3", 60_000).well);
        let stopped = shell("echo a; sleep 600", 100);
        assert_eq!(
            (stopped.well, stopped.printed.as_str()),
            (false, "a\n\n(stopped after 0 s)\n")
        );
    }

    #[test]
    fn a_scratch_directory_goes_with_its_value() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().to_path_buf();
        std::fs::write(path.join("x"), "y").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }
}
