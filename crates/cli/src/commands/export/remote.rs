//! An export from a node: judged while it comes, and named only when all of it is proven.

use super::{ExportArgs, Sink, say_written, write_failed};
use crate::exit::Exit;
use crate::remote;
use crate::say::{self, Failure};
use indelible_client::Export;

/// Does it.
pub fn run(node: &str, args: &ExportArgs) -> Result<Exit, Failure> {
    if args.tiles.is_some() || args.as_found {
        let what = if args.tiles.is_some() {
            "--tiles"
        } else {
            "--as-found"
        };
        return Err(Failure::usage(format!("{what} reads a store, and a node is named")).hint(
            "name the store with --store DIR; the tiles of a node are read at its verify listener, with any HTTP client",
        ));
    }
    let client = args.query.client(node, args.pin.as_ref())?;
    remote::block_on(async {
        let range = args.range.located_at(&client, &args.log).await?;
        let range = range.ok_or_else(|| say::no_record_then(&args.log))?;
        let selection = range.selection(args.heads)?;
        let export = client.export(&args.log, selection).await;
        let mut export = export.map_err(|error| remote::unread(&error))?;
        let mut sink = Sink::open(args.out.as_deref())?;
        match write(args, &mut export, &mut sink).await {
            Ok(()) => sink.keep()?,
            Err(failure) => {
                sink.discard();
                return Err(failure);
            }
        }
        let range = export.report().and_then(|report| report.checked.range);
        let (first, last) = range.unwrap_or_default();
        say_written(args, first, last);
        Ok(Exit::Done)
    })
}

async fn write(args: &ExportArgs, export: &mut Export, sink: &mut Sink) -> Result<(), Failure> {
    loop {
        match export.next().await {
            Ok(Some(bytes)) => sink
                .bytes(&bytes)
                .map_err(|error| write_failed(args, &error))?,
            Ok(None) => return Ok(()),
            Err(error) => return Err(remote::unread(&error)),
        }
    }
}
