//! `verify --record-verdict`: what the verification of the whole store came to, as a record of `_node`.
//!
//! Written by the node's own writer, so it takes the keys and the lock that writing takes; without the option `verify` opens nothing for
//! writing. Nobody who only sends events can make such a record: its kind is the node's, and its log is `_node`.

use super::VerifyArgs;
use super::report::Report;
use crate::args::StoreArg;
use crate::exit::Exit;
use crate::node::{self, Writing};
use crate::say::{self, Failure};

/// Options for writing mean nothing where nothing is written.
pub fn check(args: &VerifyArgs) -> Result<(), Failure> {
    let write = &args.write;
    let is_given = write.moved
        || write.register_lost
        || write.keys.is_some()
        || write.passphrase_file.is_some();
    match is_given && !args.record_verdict {
        true => Err(Failure::usage(
            "verify writes nothing to the store, so it takes no keys and no decisions",
        )
        .hint("to have the verdict recorded in _node: --record-verdict")),
        false => Ok(()),
    }
}

/// Has the verdict recorded. Where it is bad already, trouble with recording it changes nothing of the exit code.
pub fn write(store: &StoreArg, args: &VerifyArgs, report: &Report) -> Result<(), Failure> {
    let recorded = recorded(store, args, report);
    match recorded {
        Err(failure) if Exit::of_verdict(report.verdict.exit_code()) != Exit::Done => {
            say::warn("the verdict could not be recorded in _node");
            failure.print();
            Ok(())
        }
        other => other,
    }
}

fn recorded(store: &StoreArg, args: &VerifyArgs, report: &Report) -> Result<(), Failure> {
    let batches = report
        .batches
        .ok_or_else(|| Failure::new(Exit::Damaged, "there is nothing that could record it"))?;
    let writing = Writing::open(store, &args.write)?;
    let recorded = writing
        .ledger
        .record_verdict(&node::user(), batches, &report.verdict)
        .map_err(|refusal| say::refused(&refusal));
    let closed = writing.close("verdict recorded");
    let seq = recorded?.seq;
    closed?;
    say::tell(format_args!("recorded in _node: record {seq}"));
    Ok(())
}
