//! `indelible key new-secret`: a secret in a file of its own, for services that get theirs as credentials.

use crate::exit::Exit;
use crate::keys::{self, Passphrase};
use crate::say::{self, Failure};
use clap::Args;
use std::path::PathBuf;

/// Make a node secret in a file of its own
///
/// For a service that gets its secret from systemd: hand this one in beside the old one, as the credential indelible-node-secret-next, and
/// the next start replaces all keys. Elsewhere `init` and `key rotate` make secrets by themselves.
#[derive(Args)]
pub struct SecretArgs {
    /// One more than the generation that signs, which `key show` says
    #[arg(long, value_name = "N")]
    pub generation: u64,
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Seal it under the passphrase in this file's first line
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// Does it.
pub fn run(args: &SecretArgs) -> Result<Exit, Failure> {
    let passphrase = Passphrase {
        file: args.passphrase_file.clone(),
    };
    let made = passphrase.for_sealing().and_then(|sealing| {
        let sealing = sealing.as_ref().map(|passphrase| passphrase.as_str());
        keys::make_apart(&args.out, args.generation, sealing)
    });
    made.map(|()| Exit::Done).map_err(|error| say::keys(&error))
}
