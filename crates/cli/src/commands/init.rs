//! `indelible init`: makes a store, its node secret, and the node's own log.

use crate::args::{StoreArg, WriteArgs};
use crate::clock::SystemClock;
use crate::exit::Exit;
use crate::keys;
use crate::node::{self, Writing};
use crate::output::Output;
use crate::random;
use crate::say::{self, Failure};
use crate::show;
use clap::Args;
use indelible_ledger::clock::Clock as _;
use indelible_proof::limits::{LOG_NAME_BYTES_MAX, ORIGIN_BYTES_MAX};
use indelible_proof::origin::is_node_origin;
use indelible_store::limits::{BLOCK, TAIL_SIZE_MAX, TAIL_SIZE_MIN};
use indelible_store::{CreateOptions, LocalStore};
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
    let directory = store.directory()?;
    let directory = directory.as_path();
    check_origin(&args.origin)?;
    if directory.join("FORMAT").exists() {
        return Err(
            Failure::usage(format!("there is a store already: {}", directory.display())).hint(
                format!(
                    "create a log in it: indelible log create NAME --store {}",
                    directory.display()
                ),
            ),
        );
    }
    let keys_directory = args
        .keys
        .clone()
        .unwrap_or_else(|| node::default_keys(directory));
    if inside(&keys_directory, directory) {
        return Err(Failure::usage("the keys may not lie inside the store: a copy of the store would be a copy of the keys")
            .hint("name another directory with --keys DIR"));
    }
    keys::make(&keys_directory).map_err(|error| say::keys(&error))?;
    if let Err(failure) = create(directory, &keys_directory, args) {
        // Nothing was signed with the secret yet; left behind it would stand in the next attempt's way.
        if let Err(error) = keys::unmake(&keys_directory) {
            say::warn(format_args!(
                "{}: {}",
                keys_directory.display(),
                say::plain(&error)
            ));
        }
        return Err(failure);
    }
    let write = WriteArgs {
        keys: Some(keys_directory.clone()),
        moved: false,
    };
    let writing = Writing::open(store, &write)?;
    let warnings = writing.ledger.books().store().describe().warnings.clone();
    writing.close("initialised")?;
    warnings.iter().for_each(say::warn);
    report(directory, &keys_directory, args)
}

fn report(directory: &Path, keys: &Path, args: &InitArgs) -> Result<Exit, Failure> {
    let mut out = Output::new();
    out.line(format_args!(
        "made a store for {}",
        out.style().bold(&args.origin)
    ))?;
    out.line(format_args!("  store     {}", directory.display()))?;
    out.line(format_args!(
        "  keys      {}   keep a copy where only you can read it",
        keys.display()
    ))?;
    if let Some(register) = &args.register {
        out.line(format_args!("  register  {}", register.display()))?;
    }
    out.line(format_args!(
        "  tail      {} a file",
        show::bytes(args.tail_size)
    ))?;
    out.line(format_args!(
        "next: indelible log create NAME --store {}",
        directory.display()
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
    LocalStore::create(directory, options).map_err(|error| say::store(&error, directory))
}

fn check_origin(origin: &str) -> Result<(), Failure> {
    let length_max = ORIGIN_BYTES_MAX - ORIGIN_REST_MAX;
    if is_node_origin(origin) && origin.len() <= length_max {
        return Ok(());
    }
    Err(Failure::usage(format!("not an origin: '{origin}'"))
        .hint(format!("a lower-case DNS name, with or without /segments, no port, at most {length_max} characters: audit.acme.internal")))
}

/// Whether one path lies in or is another, as far as their text says.
fn inside(path: &Path, directory: &Path) -> bool {
    match (std::path::absolute(path), std::path::absolute(directory)) {
        (Ok(path), Ok(directory)) => path.starts_with(directory),
        _ => false,
    }
}

/// `64MiB`, `65536`.
fn parse_size(text: &str) -> Result<u64, String> {
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
