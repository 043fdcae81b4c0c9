//! Appending over the network: lines over one request, each told once its receipt is verified.
//!
//! One thread reads lines off the belt and hands them to the client, which bounds what is on the way; outcomes come in order.

use super::answers::Recorded;
use super::belt::{Bad, Belt, Lines, Stop, is_blank};
use super::input::Input;
use super::progress::Progress;
use super::receipts::{self, Receipts};
use super::{AppendArgs, say_recorded, unrecorded};
use crate::exit::Exit;
use crate::remote;
use crate::say::Failure;
use crate::show;
use indelible_client::{Claim, Client, Error, LineReceipts, LineSender};
use indelible_proof::receipt::Receipt;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// A line on its way: its number in the input, and its bytes.
type Sent = (u64, usize);

/// What became of the input.
struct Done {
    recorded: Recorded,
    receipts: std::io::Result<()>,
    failed: Option<(u64, Error)>,
    /// The receipt of the last event.
    last: Option<String>,
}

/// Does it.
pub fn run(node: &str, args: &AppendArgs) -> Result<Exit, Failure> {
    let client = args.remote.client(node)?;
    let input = Input::open(&args.input, args.one)?;
    if let Some(path) = &args.receipts {
        receipts::check(path, input.identity())?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime =
        runtime.map_err(|error| Failure::new(Exit::Trouble, format!("no threads: {error}")))?;
    let receipts = Receipts::open(args.receipts.as_deref())?;
    let belt = Arc::new(Belt::new(args.keep_going));
    let progress = Progress::new(input.length());
    let began = Instant::now();
    let done = runtime.block_on(async {
        let (sender, outcomes) = begin(&client, args)?;
        let (lines, sent) = mpsc::unbounded_channel();
        input.start(Arc::clone(&belt));
        let feeding = {
            let (belt, here) = (Arc::clone(&belt), Handle::current());
            std::thread::spawn(move || feed(&belt, sender, &lines, &here))
        };
        let done = take(args, &belt, outcomes, sent, receipts, &progress).await;
        // It ends with the belt or with the client's half of the lines, and both have ended.
        drop(feeding.join());
        Ok(done)
    })?;
    progress.finish();
    let head = done.last.as_deref().and_then(head);
    say_recorded(
        &args.log,
        &done.recorded,
        head.as_deref(),
        began.elapsed(),
        args,
    )?;
    done.receipts
        .map_err(|error| super::receipts_failed(&error, &done.recorded, args))?;
    if let Some((line, error)) = done.failed {
        return Err(remote::failed(&error).before(format!("from line {line} on: ")));
    }
    let (bad, stop) = belt.outcome();
    unrecorded(bad, stop, &done.recorded, args).map(|()| Exit::Done)
}

fn begin(client: &Client, args: &AppendArgs) -> Result<(LineSender, LineReceipts), Failure> {
    let begun = match (&args.key_field, &args.stream) {
        (Some(member), _) => client.lines_keyed_by(&args.log, member),
        (None, Some(stream)) => {
            let claim = Claim::stream(stream, args.epoch, args.first_number);
            client.lines(&args.log, claim.map_err(|error| remote::setup(&error))?)
        }
        (None, None) => client.lines(&args.log, Claim::fresh()),
    };
    begun.map_err(|error| remote::failed(&error))
}

/// Hands over line by line, until there are no more or nobody takes them.
fn feed(belt: &Belt, mut sender: LineSender, sent: &mpsc::UnboundedSender<Sent>, here: &Handle) {
    while let Some(chunk) = belt.take() {
        let mut bad = Vec::new();
        let lines = chunk.lines.each().unwrap_or_else(|| {
            bad.push(Bad {
                line: chunk.first_line,
                what: super::workers::too_long(),
            });
            Vec::new()
        });
        let is_one = matches!(chunk.lines, Lines::One(_));
        for (line, event) in (chunk.first_line..).zip(lines) {
            if !is_one && is_blank(event) {
                continue;
            }
            match here.block_on(sender.send(event)) {
                Ok(_) => drop(sent.send((line, event.len()))),
                Err(Error::Event { error, .. }) => bad.push(Bad {
                    line,
                    what: crate::say::event(&error.into()),
                }),
                Err(Error::Key(what)) => bad.push(Bad { line, what }),
                Err(_) => return,
            }
            if !bad.is_empty() && !belt.keeps_going() {
                break;
            }
        }
        belt.pass(bad);
    }
}

/// Takes outcomes until there are no more, writes receipts, and counts.
async fn take(
    args: &AppendArgs,
    belt: &Belt,
    mut outcomes: LineReceipts,
    mut sent: mpsc::UnboundedReceiver<Sent>,
    mut receipts: Receipts,
    progress: &Progress,
) -> Done {
    let mut done = Done {
        recorded: Recorded::default(),
        receipts: Ok(()),
        failed: None,
        last: None,
    };
    loop {
        let line = match outcomes.try_next() {
            Some(line) => line,
            None => {
                // Whoever reads receipts may wait for those that were written.
                if done.receipts.is_ok() {
                    done.receipts = receipts.flush();
                }
                match outcomes.next().await {
                    Some(line) => line,
                    None => break,
                }
            }
        };
        let (number, bytes) = sent.recv().await.unwrap_or_default();
        match line.outcome {
            Ok(one) => {
                done.recorded.add(one.seq, one.again, bytes);
                let receipt = one.receipt();
                if done.receipts.is_ok() {
                    let salt = one.salt.text();
                    done.receipts =
                        receipts.write_line(one.seq, &one.entry, salt, &receipt, one.again);
                }
                done.last = Some(receipt);
                if done.receipts.is_err() {
                    belt.stop(Stop::NoReceipts);
                }
            }
            Err(error) if args.keep_going && error.problem().is_some() => belt.found(Bad {
                line: number,
                what: error.to_string(),
            }),
            Err(error) => {
                done.failed.get_or_insert((number, error));
                belt.stop(Stop::NoReceipts);
            }
        }
        progress.at(&done.recorded);
    }
    if done.receipts.is_ok() {
        done.receipts = receipts.finish();
    }
    done
}

/// What the log signed last, as far as we were told.
fn head(receipt: &str) -> Option<String> {
    let receipt = Receipt::parse(receipt.as_bytes()).ok()?;
    let (size, root) = (receipt.checkpoint.size, receipt.checkpoint.root);
    Some(format!(
        "head: {}, root {root}",
        show::counted(size, "record")
    ))
}
