//! Verifies what a node shows: it has to prove all records of a log, and nothing is kept of them.

use super::VerifyArgs;
use super::file::{describe, unchecked_of};
use super::report::Report;
use super::trust::Trusted;
use crate::args::StoreArg;
use crate::remote;
use crate::say::{self, Failure};
use indelible_client::Selection;
use indelible_proof::origin::Origin;
use std::path::Path;
use std::time::Instant;

/// The node that is meant, unless a file or a store is.
pub fn node(store: &StoreArg, args: &VerifyArgs) -> Result<Option<String>, Failure> {
    let is_of_file = args.receipt.is_some()
        || args.export.is_some()
        || args.proof.is_some()
        || args.tiles.is_some()
        || args.fork.is_some();
    let node = match is_of_file || args.record_verdict {
        true => None,
        false => args.query.node(store)?,
    };
    if node.is_none() && args.query.is_typed() {
        return Err(Failure::usage(
            "--node has a node prove its records, and something else is named to be verified",
        )
        .hint("name one of them"));
    }
    if node.is_none() && args.heads {
        return Err(Failure::usage("--heads goes with a node alone")
            .hint("a file or a store is verified as far as it goes"));
    }
    Ok(node)
}

/// Does it.
pub fn verify(node: &str, args: &VerifyArgs, trusted: &mut Trusted) -> Result<Report, Failure> {
    let Some(pin) = trusted.pin().cloned() else {
        return Err(remote::no_pin());
    };
    let log = match (&args.log, Origin::parse(pin.origin())) {
        (Some(log), _) => log.clone(),
        (None, Some(origin)) => origin.log().to_owned(),
        (None, None) => return Err(remote::no_pin()),
    };
    let mut builder = args.query.builder(node)?.pin(pin.to_string());
    if let Some(path) = &args.walk {
        let walk = std::fs::read(path).map_err(|error| say::file(path, &error))?;
        builder = builder.walk(walk);
    }
    let client = builder.build().map_err(|error| remote::setup(&error))?;
    let selection = match args.heads {
        true => Selection::all().heads(),
        false => Selection::all(),
    };
    let began = Instant::now();
    let judged = remote::block_on(async {
        let judged = client
            .verify(&log, selection, trusted.remembered_size())
            .await;
        judged.map_err(|error| remote::unread(&error))
    })?;
    let unchecked = unchecked_of(&judged);
    let place = format!("{node}/v1/logs/{log}");
    describe(
        "node",
        Path::new(&place),
        judged,
        trusted,
        unchecked,
        began.elapsed(),
    )
}
