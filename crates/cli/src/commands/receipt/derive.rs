//! A record's own receipt out of a batch receipt: nothing but the two files is needed (`docs/spec/batch-receipt.md`).

use crate::evidence::{RecordLines, named, read_up_to};
use crate::exit::Exit;
use crate::say::Failure;
use indelible_proof::batch_receipt::{BatchReceipt, DeriveError, derive};
use indelible_proof::hash::{self, Hash};
use indelible_proof::limits::RECEIPT_BYTES_MAX;
use indelible_proof::record::Record;
use std::path::Path;

/// The receipt of the record at `seq`.
pub fn receipt(batch: &Path, records: &Path, seq: u64) -> Result<String, Failure> {
    let bytes = read_up_to(batch, RECEIPT_BYTES_MAX)?;
    let receipt = BatchReceipt::parse(&bytes).map_err(|integrity| {
        Failure::usage(format!(
            "not a batch receipt: {}: {integrity}",
            named(batch)
        ))
    })?;
    let last = receipt.first + (receipt.count - 1);
    if !(receipt.first..=last).contains(&seq) {
        return Err(Failure::usage(format!(
            "record {seq} is none of this batch receipt: it has seq {} to {last}",
            receipt.first
        )));
    }
    let (entries, head) = heads(records, &receipt, seq)?;
    derive(&receipt, &entries, seq, &head).map_err(|error| {
        let text = match error {
            DeriveError::RootMismatch => {
                "the records given do not lead to the root that was signed".to_owned()
            }
            DeriveError::NotOfIt => error.to_string(),
        };
        Failure::new(Exit::Damaged, text)
            .hint("`indelible verify --receipt BATCH --record RECORDS` says what is wrong")
    })
}

/// All entries of the batch receipt, and the head at `seq`.
fn heads(
    records: &Path,
    receipt: &BatchReceipt<'_>,
    seq: u64,
) -> Result<(Vec<Hash>, Vec<u8>), Failure> {
    let (mut entries, mut wanted) = (Vec::new(), Vec::new());
    let mut lines = RecordLines::open(records)?;
    let mut next = receipt.first;
    while let Some(line) = lines.next()? {
        let record = Record::cut(line).filter(|_| next - receipt.first < receipt.count);
        let Some(record) = record else {
            return Err(wrong_records(records, receipt, next - receipt.first + 1));
        };
        if next == seq {
            wanted = record.head.to_vec();
        }
        entries.push(hash::entry(record.head));
        next += 1;
    }
    if next - receipt.first < receipt.count {
        return Err(wrong_records(records, receipt, next - receipt.first + 1));
    }
    Ok((entries, wanted))
}

fn wrong_records(records: &Path, receipt: &BatchReceipt<'_>, line: u64) -> Failure {
    Failure::usage(format!(
        "not the records of this batch receipt: {}, line {line}",
        named(records)
    ))
    .hint(format!(
        "it takes seq {} to {}, a record line each",
        receipt.first,
        receipt.first + (receipt.count - 1)
    ))
}
