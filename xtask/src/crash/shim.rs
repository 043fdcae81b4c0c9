//! The library that stands between the program and the kernel: building it, and starting the program behind it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::fate::Case;
use crate::program::{self, Scratch};
use crate::workspace::Workspace;

/// `shim.c`, compiled.
pub struct Shim {
    directory: Scratch,
}

/// A built shim, or why there is none.
pub enum Built {
    Shim(Shim),
    Missing(&'static str),
}

impl Shim {
    pub fn build(workspace: &Workspace) -> Result<Built> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Ok(Built::Missing(
                "faults at system calls: the shim is for Linux on x86-64",
            ));
        }
        if !program::works(program::command("cc").arg("--version")) {
            return Ok(Built::Missing(
                "faults at system calls: there is no C compiler (cc)",
            ));
        }
        let shim = Shim {
            directory: Scratch::new()?,
        };
        let built = program::passes(
            workspace
                .command("cc")
                .args([
                    "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
                ])
                .arg(shim.library())
                .arg("xtask/src/crash/shim.c"),
        )?;
        ensure!(built, "xtask/src/crash/shim.c could not be compiled");
        Ok(Built::Shim(shim))
    }

    fn library(&self) -> PathBuf {
        self.directory.path().join("shim.so")
    }

    /// Has the program watched below `root`. What it does is added to `log`.
    pub fn watch(&self, command: &mut Command, root: &Path, log: &Path) {
        command
            .env("LD_PRELOAD", self.library())
            .env("CRASH_ROOT", root)
            .env("CRASH_LOG", log);
    }

    /// Has one call of a watched program meet its fate.
    pub fn befall(command: &mut Command, case: &Case) {
        command
            .env("CRASH_CALL", &case.point.call)
            .env("CRASH_ROLE", &case.point.role)
            .env("CRASH_NTH", case.point.nth.to_string())
            .env("CRASH_FATE", case.fate.number());
    }

    /// Has the bytes of writes logged.
    pub fn with_bytes(command: &mut Command) {
        command.env("CRASH_BYTES", "1");
    }
}
