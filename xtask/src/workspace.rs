//! Where the repository is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::program;

/// The repository this program was built from.
pub struct Workspace {
    /// The repository's root; every path in a message is relative to it.
    pub root: PathBuf,
}

impl Workspace {
    /// The repository around this crate's sources.
    pub fn find() -> Result<Workspace> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent directory")?
            .to_path_buf();
        Ok(Workspace { root })
    }

    /// A program to be started in the root.
    pub fn command(&self, program: &str) -> Command {
        let mut command = program::command(program);
        command.current_dir(&self.root);
        command
    }
}
