//! Receipts from a node: each verified by the pin before it is printed.

use super::{ReceiptArgs, another, check_count};
use crate::evidence::read_up_to;
use crate::remote;
use crate::say::{self, Failure};
use indelible_client::{Client, Error};
use indelible_proof::limits::RECEIPT_BYTES_MAX;
use indelible_proof::origin::Origin;
use indelible_proof::receipt::Receipt;
use std::path::Path;

/// The receipt that was asked for.
pub fn text(node: &str, args: &ReceiptArgs) -> Result<String, Failure> {
    let client = args.query.client(node, args.pin.as_ref())?;
    remote::block_on(async {
        match (&args.log, args.seq, &args.refresh) {
            (_, _, Some(path)) => again(&client, path).await,
            (Some(log), Some(seq), None) => said(client.receipt(log, seq).await),
            (Some(log), None, None) => {
                let range = args.range.located_at(&client, log).await?;
                let range = range.ok_or_else(|| say::no_record_then(log))?;
                let selection = range.selection(true)?;
                if let Some(last) = range.to {
                    check_count(last - range.from.unwrap_or(0) + 1)?;
                }
                said(client.batch_receipt(log, selection).await)
            }
            (None, ..) => Err(Failure::usage("which log: --log is missing")),
        }
    })
}

fn said(receipt: Result<String, Error>) -> Result<String, Failure> {
    receipt.map_err(|error| remote::unread(&error))
}

/// The receipt of the record that an older one is of.
async fn again(client: &Client, path: &Path) -> Result<String, Failure> {
    let at = path.display();
    let bytes = read_up_to(path, RECEIPT_BYTES_MAX)?;
    let old = Receipt::parse(&bytes)
        .map_err(|part| Failure::usage(format!("not a receipt: {part}: {at}")))?;
    let origin = Origin::parse(old.checkpoint.origin);
    let origin = origin.ok_or_else(|| Failure::usage(format!("a receipt of no log: {at}")))?;
    let log = origin.log();
    if client
        .pin(log)
        .is_none_or(|pin| pin.origin() != origin.as_str())
    {
        let what = format!(
            "a receipt of another log than the pin's, {}: {at}",
            origin.as_str()
        );
        return Err(Failure::usage(what));
    }
    let text = said(client.receipt(log, old.index).await)?;
    let new = Receipt::parse(text.as_bytes());
    match new.is_ok_and(|new| new.head == old.head) {
        true => Ok(text),
        false => Err(another(old.index, log)),
    }
}
