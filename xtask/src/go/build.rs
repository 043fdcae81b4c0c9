//! Builds the programs under `interop/` with the Go toolchain there is.
//!
//! Modules, compiled packages and, where the toolchain is too old for a program, a newer toolchain come through Go's own proxy and are
//! checked against `go.sum`; all of it lies under the target directory. What can't be fetched is skipped, and nothing else: a program
//! that does not build, or a module that is not what `go.sum` says, is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::program;
use crate::workspace::Workspace;

/// The longest of them takes a minute with empty caches.
const BUILD_MAX: Duration = Duration::from_secs(300);

/// What Go says when a module or toolchain is out of reach; anything else is a fault of ours or of theirs.
const OUT_OF_REACH: [&str; 9] = [
    "dial tcp",
    "no such host",
    "i/o timeout",
    "TLS handshake timeout",
    "connection refused",
    "proxyconnect",
    "module lookup disabled by GOPROXY=off",
    "toolchain not available",
    "unknown directive: toolchain",
];

/// Where each program was built.
pub struct Programs {
    pub sumdb: PathBuf,
    pub torchwood: PathBuf,
    pub fsck: PathBuf,
}

pub enum Built {
    Programs(Programs),
    /// Why they could not be had.
    Missing(String),
}

pub fn all(workspace: &Workspace) -> Result<Built> {
    if !program::works(workspace.command("go").arg("version")) {
        return Ok(Built::Missing(
            "programs in Go on our notes, proofs and tiles: there is no go".to_owned(),
        ));
    }
    let target = workspace.target()?.join("interop");
    let mut built = Vec::new();
    for (name, package) in [
        ("sumdb", "."),
        ("torchwood", "."),
        ("fsck", "github.com/transparency-dev/tessera/cmd/fsck"),
    ] {
        let path = target.join("bin").join(name);
        let ended = program::within(
            go(workspace, &target, name)
                .args(["build", "-o"])
                .arg(&path)
                .arg(package),
            BUILD_MAX,
        )?;
        if !ended.well && is_out_of_reach(&ended.printed) {
            let line = ended.printed.lines().last().unwrap_or_default();
            return Ok(Built::Missing(format!(
                "programs in Go on our notes, proofs and tiles: {name} can't be fetched: {line}"
            )));
        }
        if !ended.well {
            bail!("interop/{name} does not build:\n{}", ended.printed.trim());
        }
        built.push(path);
    }
    let [sumdb, torchwood, fsck] =
        <[PathBuf; 3]>::try_from(built).expect("one path for each of three programs");
    Ok(Built::Programs(Programs {
        sumdb,
        torchwood,
        fsck,
    }))
}

/// The Go command in a program's module, with everything it keeps under `target`.
fn go(workspace: &Workspace, target: &Path, module: &str) -> Command {
    let mut go = workspace.command("go");
    go.current_dir(workspace.root.join("interop").join(module))
        .env("GOPATH", target.join("path"))
        .env("GOMODCACHE", target.join("modules"))
        .env("GOCACHE", target.join("cache"))
        // What `cargo clean` removes must be writable; a build must not change go.mod or look at git.
        .env(
            "GOFLAGS",
            "-modcacherw -mod=readonly -trimpath -buildvcs=false",
        )
        // The go.mod of a program says which toolchain it needs.
        .env("GOTOOLCHAIN", "auto")
        .env("GOWORK", "off")
        .env("CGO_ENABLED", "0");
    go
}

fn is_out_of_reach(printed: &str) -> bool {
    let wrong = [
        "checksum mismatch",
        "SECURITY ERROR",
        "missing go.sum entry",
    ];
    !wrong.iter().any(|word| printed.contains(word))
        && OUT_OF_REACH.iter().any(|word| printed.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_out_of_reach_is_skipped() {
        for (printed, skipped) in [
            (
                "go: golang.org/x/mod@v0.42.0: Get \"https://p/\": dial tcp: lookup p: no such host",
                true,
            ),
            (
                "go: golang.org/x/mod@v0.42.0: module lookup disabled by GOPROXY=off",
                true,
            ),
            (
                "go: download go1.27.3 for linux/amd64: toolchain not available",
                true,
            ),
            ("main.go:3:1: syntax error: unexpected name", false),
            ("go: updates to go.mod needed", false),
            (
                "verifying golang.org/x/mod@v0.42.0: checksum mismatch\n dial tcp",
                false,
            ),
            ("missing go.sum entry for module", false),
            ("", false),
        ] {
            assert_eq!(is_out_of_reach(printed), skipped, "{printed}");
        }
    }
}
