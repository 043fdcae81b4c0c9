//! `indelible init`: makes a store, its node secret, and the node's own log.

use crate::args::{StoreArg, WriteArgs};
use crate::clock::SystemClock;
use crate::exit::Exit;
use crate::keys::{self, Passphrase};
use crate::node::{self, Writing};
use crate::output::{Output, one_line};
use crate::random;
use crate::say::{self, Failure};
use crate::show;
use crate::target::is_inside;
use clap::Args;
use indelible_ledger::clock::Clock as _;
use indelible_ledger::{RecoverySet, RotateError, Settings, is_recovery_set};
use indelible_proof::limits::{LOG_NAME_BYTES_MAX, ORIGIN_BYTES_MAX};
use indelible_proof::origin::is_node_origin;
use indelible_store::limits::{BLOCK, TAIL_SIZE_MAX, TAIL_SIZE_MIN};
use indelible_store::{CreateOptions, LocalStore, StoreError};
use rustix::fs::{Access, access};
use std::io;
use std::path::{Path, PathBuf};

/// What a log's origin adds to the node's: a slash, the name, a slash, 16 hex digits.
const ORIGIN_REST_MAX: usize = 1 + LOG_NAME_BYTES_MAX + 1 + 16;

/// Make a store and its keys
///
/// The origin is the node's public name, like a DNS name; it stands in every record and can't be changed. The node secret goes
/// into a directory beside the store: whoever has it can sign in the node's name, and without it nothing more can be recorded.
#[derive(Args)]
pub struct InitArgs {
    /// Public name of the node, a DNS name with or without /segments: audit.acme.internal
    #[arg(long, value_name = "NAME")]
    pub origin: String,
    /// Directory for the node secret [default: DIR.keys]
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Seal the secret under the passphrase in this file's first line: whoever writes to the store must give it
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Someone who may give the node new keys when its secret is lost or stolen: what `key new-recovery` prints; up to eight times
    #[arg(long = "recovery", value_name = "VKEY")]
    pub recovery: Vec<String>,
    /// How many of them must agree [default: all]
    #[arg(long, value_name = "N", requires = "recovery")]
    pub recovery_threshold: Option<u64>,
    /// File, best on another disk, that remembers the newest batch: it shows when an old copy of the store is put back
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,
    /// Accept a file system in memory, which a reboot empties; this is recorded
    #[arg(long)]
    pub accept_volatile: bool,
    /// Length of a tail file, 64KiB to 1GiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = parse_size)]
    pub tail_size: u64,
}

/// Does it.
pub fn run(store: &StoreArg, args: &InitArgs) -> Result<Exit, Failure> {
    let keys_directory = make(store, args)?;
    report(&store.directory()?, &keys_directory, args)
}

/// Makes it, and says where the keys lie.
pub fn make(store: &StoreArg, args: &InitArgs) -> Result<PathBuf, Failure> {
    let directory = store.directory()?;
    let directory = directory.as_path();
    check_origin(&args.origin)?;
    check_directory(directory)?;
    let keys_directory = args
        .keys
        .clone()
        .unwrap_or_else(|| node::default_keys(directory));
    if is_inside(&keys_directory, directory) {
        return Err(Failure::usage("the keys may not lie inside the store: a copy of the store would be a copy of the keys")
            .hint("name another directory with --keys DIR"));
    }
    check_parent(&keys_directory)?;
    if let Some(register) = &args.register {
        check_register(register, directory)?;
    }
    let is_new = !directory.exists();
    let recovery = recovery_set(&args.recovery, args.recovery_threshold)?;
    let passphrase = Passphrase {
        file: args.passphrase_file.clone(),
    };
    let sealing = passphrase
        .for_sealing()
        .map_err(|error| say::keys(&error))?;
    let sealing = sealing.as_deref().map(String::as_str);
    keys::make(&keys_directory, sealing).map_err(|error| say::keys(&error))?;
    create(directory, &keys_directory, args)
        .map_err(|failure| take_back(failure, directory, &keys_directory, is_new))?;
    keys::take_into_use(&keys_directory).map_err(|error| say::keys(&error))?;
    let write = WriteArgs {
        keys: Some(keys_directory.clone()),
        passphrase_file: args.passphrase_file.clone(),
        moved: false,
        register_lost: false,
    };
    let settings = Settings {
        background_sealing: false,
        recovery,
        ..Settings::default()
    };
    let writing = Writing::open_with(store, &write, settings)?;
    let warnings = writing.ledger.books().store().describe().warnings.clone();
    writing.close("initialised")?;
    warnings.iter().for_each(say::warn);
    Ok(keys_directory)
}

/// Leaves nothing of a store that could not be made, unless it is one already.
fn take_back(failure: Failure, directory: &Path, keys: &Path, is_new: bool) -> Failure {
    if node::has_format(directory) {
        // It failed where the store was there already: without its secret nothing could ever be recorded in it.
        return failure.hint(format!(
            "the store and its keys are there, but may not outlive a power loss: {}",
            show::shell(directory)
        ));
    }
    // Nothing was signed with the secret yet.
    if let Err(error) = keys::unmake(keys) {
        say::warn(format_args!("{}: {}", keys.display(), say::plain(&error)));
    }
    // What else than nothing lies in it then is there already, and none of ours.
    if is_new
        && directory.exists()
        && let Err(error) = std::fs::remove_dir(directory)
    {
        say::warn(format_args!(
            "{}: {}",
            directory.display(),
            say::plain(&error)
        ));
    }
    failure
}

/// The recovery keys that were named, if any.
pub fn recovery_set(
    keys: &[String],
    threshold: Option<u64>,
) -> Result<Option<RecoverySet>, Failure> {
    if keys.is_empty() {
        return Ok(None);
    }
    let all = u64::try_from(keys.len()).unwrap_or(u64::MAX);
    let set: RecoverySet = (threshold.unwrap_or(all), keys.to_vec());
    if is_recovery_set(set.0, &set.1) && set.0 > 0 {
        return Ok(Some(set));
    }
    Err(say::rotate(&RotateError::BadRecovery, Path::new("")))
}

fn report(directory: &Path, keys: &Path, args: &InitArgs) -> Result<Exit, Failure> {
    let mut out = Output::new();
    out.line(format_args!(
        "made a store for {}",
        out.style().bold(&args.origin)
    ))?;
    out.line(format_args!(
        "  store     {}",
        one_line(directory.display())
    ))?;
    out.line(format_args!(
        "  keys      {}   keep a copy where only you can read it",
        one_line(keys.display())
    ))?;
    if let Some(register) = &args.register {
        out.line(format_args!("  register  {}", one_line(register.display())))?;
    }
    out.line(format_args!(
        "  tail      {} a file",
        show::bytes(args.tail_size)
    ))?;
    out.line(format_args!(
        "next: indelible log create NAME --store {}",
        show::shell(directory)
    ))?;
    out.flush()?;
    Ok(Exit::Done)
}

fn create(directory: &Path, keys: &Path, args: &InitArgs) -> Result<(), Failure> {
    let now = SystemClock
        .wall()
        .ok_or_else(|| say::open(&indelible_ledger::OpenError::NoTime, directory))?;
    let options = CreateOptions {
        origin: args.origin.clone(),
        store_id: random::bytes(),
        node_id: random::bytes(),
        created: show::to_second(now),
        tail_size: args.tail_size,
        keys: Some(keys.to_owned()),
        register: args.register.clone(),
        accept_volatile: args.accept_volatile,
        faults: None,
    };
    LocalStore::create(directory, options).map_err(|error| say::create(&error, directory))
}

fn check_origin(origin: &str) -> Result<(), Failure> {
    let length_max = ORIGIN_BYTES_MAX - ORIGIN_REST_MAX;
    if is_node_origin(origin) && origin.len() <= length_max {
        return Ok(());
    }
    Err(Failure::usage(format!("not an origin: '{origin}'"))
        .hint(format!("a lower-case DNS name, with or without /segments, no port, at most {length_max} characters: audit.acme.internal")))
}

/// A directory in which a store can be made, as far as that can be said before anything is.
fn check_directory(directory: &Path) -> Result<(), Failure> {
    if node::has_format(directory) {
        return Err(
            Failure::usage(format!("there is a store already: {}", directory.display())).hint(
                format!(
                    "create a log in it: indelible log create NAME --store {}",
                    show::shell(directory)
                ),
            ),
        );
    }
    if node::has_records(directory) {
        return Err(say::store(&StoreError::NotFound, directory));
    }
    if directory.exists() && !directory.is_dir() {
        return Err(
            Failure::usage(format!("not a directory: {}", directory.display()))
                .hint("name another with --store DIR"),
        );
    }
    check_parent(directory)
}

/// The register is made by the first batch. What lies there already remembers something else, which may still be needed.
fn check_register(register: &Path, directory: &Path) -> Result<(), Failure> {
    let at = register.display();
    if is_inside(register, directory) {
        return Err(Failure::usage(format!(
            "the register lies inside the store, where it guards nothing: {at}"
        ))
        .hint("name a file elsewhere, best on another disk"));
    }
    if register.is_dir() {
        return Err(Failure::usage(format!(
            "the register is a file, and this is a directory: {at}"
        ))
        .hint("name a file in it that isn't there yet"));
    }
    if register.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!(
            "there is something already where the register should be: {at}"
        ))
        .hint("it may be another store's register: name a file that isn't there yet"));
    }
    check_parent(register)
}

/// What is to be made is there, or the directory that it is to be made in is and can be written to.
fn check_parent(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    let absolute = std::path::absolute(path).map_err(|error| say::file(path, &error))?;
    let Some(parent) = absolute.parent() else {
        return Ok(());
    };
    let at = parent.display();
    match parent.metadata() {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(Failure::usage(format!("not a directory: {at}"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::usage(format!("no such directory: {at}"))
                .hint(format!("make it first: mkdir -p {}", show::shell(parent))));
        }
        Err(error) => return Err(say::file(parent, &error)),
    }
    access(parent, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| say::file(parent, &error.into()))
}

/// `64MiB`, `65536`.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let split = text
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let scale = match unit.trim() {
        "" | "B" => 1,
        "KiB" | "K" | "k" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        _ => return Err("a size is a number and KiB, MiB or GiB".to_owned()),
    };
    let size = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(scale));
    match size {
        Some(size)
            if (TAIL_SIZE_MIN..=TAIL_SIZE_MAX).contains(&size) && size.is_multiple_of(BLOCK) =>
        {
            Ok(size)
        }
        _ => Err("64KiB to 1GiB, in steps of 4KiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_unit_and_kept_in_bounds() {
        assert_eq!(parse_size("64MiB"), Ok(64 << 20));
        assert_eq!(parse_size("65536"), Ok(65_536));
        assert_eq!(parse_size("1 GiB"), Ok(1 << 30));
        for wrong in [
            "",
            "MiB",
            "64MB",
            "63KiB",
            "2GiB",
            "65537",
            "-1",
            "99999999999999999999",
            "18446744073709551615GiB",
        ] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
