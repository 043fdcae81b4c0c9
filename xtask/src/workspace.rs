//! Where things are: the repository, its files, what cargo knows of it, and the program once built.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::program;

/// The repository this program was built from.
pub struct Workspace {
    /// The repository's root; every path in a message is relative to it.
    pub root: PathBuf,
    /// What `cargo metadata` says, without dependencies of dependencies.
    pub metadata: Value,
}

impl Workspace {
    /// The repository around this crate's sources.
    pub fn find() -> Result<Workspace> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent directory")?
            .to_path_buf();
        let metadata = metadata_of(&root.join("Cargo.toml"))?;
        Ok(Workspace { root, metadata })
    }

    /// Where cargo puts what it builds.
    pub fn target(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(
            self.metadata["target_directory"]
                .as_str()
                .context("no target directory")?,
        ))
    }

    /// A program to be started in the root.
    pub fn command(&self, program: &str) -> Command {
        let mut command = program::command(program);
        command.current_dir(&self.root);
        command
    }

    /// The files that a commit of everything would have, whose names end in `ending`; sorted.
    pub fn files(&self, ending: &str) -> Result<Vec<String>> {
        let listed = program::output(self.command("git").args([
            "-c",
            "core.quotepath=off",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))?;
        let mut files: Vec<String> = listed
            .lines()
            .filter(|path| path.ends_with(ending) && self.has(path))
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// A file's text.
    pub fn read(&self, path: &str) -> Result<String> {
        std::fs::read_to_string(self.root.join(path)).with_context(|| path.to_owned())
    }

    /// Whether the repository has this file or directory.
    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Builds `indelible` as it is released, and gives the directory it is in.
    pub fn built_program(&self) -> Result<PathBuf> {
        let built = program::passes(self.command("cargo").args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "indelible-cli",
        ]))?;
        ensure!(built, "indelible could not be built");
        Ok(self.target()?.join("release"))
    }
}

/// What `cargo metadata` says about the packages of one workspace.
pub fn metadata_of(manifest: &Path) -> Result<Value> {
    let text = program::output(
        program::command("cargo")
            .args([
                "metadata",
                "--format-version=1",
                "--no-deps",
                "--manifest-path",
            ])
            .arg(manifest),
    )?;
    serde_json::from_str(&text).context("cargo metadata")
}
