//! `indelible prove`: prints what the log was before, as a file that verifies offline (`docs/spec/prove.md`). Needs no secret.

use crate::args::StoreArg;
use crate::commands::receipt::note_over;
use crate::exit::Exit;
use crate::node::Reading;
use crate::output::Output;
use crate::say::Failure;
use crate::show;
use clap::Args;
use indelible_ledger::{Log, ReadError, SignedNote};
use indelible_proof::head::Head;
use indelible_proof::prove::{TreeHead, encode_consistency, encode_head_at};
use indelible_proof::time::Time;
use indelible_proof::verdict::Integrity;
use indelible_proof::verify::verify_proof;

/// Prove that a log has only grown, or what it held at a time
///
/// With --from-size: that the log of that size is the beginning of the log of --to-size, with both roots. With --at: the size and
/// root of the log at that time by its own clock, with the two records beside that border. Both lead to the newest published
/// checkpoint; `verify --proof` checks them offline.
#[derive(Args)]
pub struct ProveArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    pub log: String,

    /// The smaller size, a number of records
    #[arg(long, value_name = "SIZE", required_unless_present = "at")]
    pub from_size: Option<u64>,

    /// The larger size [default: that of the newest published checkpoint]
    #[arg(long, value_name = "SIZE", requires = "from_size")]
    pub to_size: Option<u64>,

    /// A time, such as 2026-11-23T10:00:00Z, with up to nine decimals
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from_size", "to_size"])]
    pub at: Option<String>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &ProveArgs) -> Result<Exit, Failure> {
    let at = args.at.as_deref().map(read_time).transpose()?;
    let reading = Reading::open(store)?;
    let log = reading.log(&args.log)?;
    let prover = Prover {
        reading: &reading,
        log: &log,
    };
    let text = match (at, args.from_size) {
        (Some(time), _) => prover.head_at(&time)?,
        (None, Some(from)) => prover.consistency(from, args.to_size)?,
        (None, None) => return Err(Failure::usage("--from-size or --at is missing")),
    };
    // No proof leaves before it was checked: what was read of the tree may not be what the log signed.
    if verify_proof(text.as_bytes(), None).verdict.integrity != Integrity::Ok {
        let what = "damaged: the stored tree does not lead to the signed root";
        return Err(
            Failure::new(Exit::Damaged, format!("{what}: {}", log.name()))
                .hint("to see all that is damaged: indelible verify"),
        );
    }
    let mut out = Output::new();
    out.bytes(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

/// A time as people write it: seconds, or seconds with some of their decimals.
fn read_time(text: &str) -> Result<Time, Failure> {
    let read = || {
        let (seconds, decimals) = match text.strip_suffix('Z')?.split_once('.') {
            Some((seconds, decimals)) => (seconds, decimals),
            None => (text.strip_suffix('Z')?, "0"),
        };
        let good = (1..=9).contains(&decimals.len());
        Time::parse(format!("{seconds}.{decimals:0<9}Z").as_bytes()).filter(|_| good)
    };
    read().ok_or_else(|| {
        Failure::usage(format!("not a time: {text}"))
            .hint("in UTC, from 2000 to 9999: 2026-11-23T10:00:00Z")
    })
}

struct Prover<'a> {
    reading: &'a Reading,
    log: &'a Log,
}

impl Prover<'_> {
    fn consistency(&self, from: u64, to: Option<u64>) -> Result<String, Failure> {
        if from == 0 {
            return Err(
                Failure::usage("a log of size 0 says nothing of what follows")
                    .hint("--from-size is 1 at least"),
            );
        }
        let to = match to {
            Some(to) => to,
            None => note_over(self.log, from)?.size,
        };
        if to < from {
            return Err(Failure::usage(format!(
                "--from-size {from} is larger than --to-size {to}"
            )));
        }
        if to > self.log.size() {
            return Err(Failure::usage(format!(
                "{} has {}, not {to}",
                self.log.name(),
                show::counted(self.log.size(), "record")
            )));
        }
        let note = note_over(self.log, to)?;
        let books = &self.reading.books;
        Ok(encode_consistency(
            &self.tree_head(from)?,
            &self.tree_head(to)?,
            &self.read(books.consistency(self.log, from, to))?,
            &self.read(books.consistency(self.log, to, note.size))?,
            &note.text,
        ))
    }

    fn head_at(&self, time: &Time) -> Result<String, Failure> {
        let note = note_over(self.log, 1)?;
        let size = self.size_at(time, &note)?;
        let first = size.saturating_sub(1);
        let before = match size {
            0 => None,
            _ => Some(self.head(first)?),
        };
        let after = match size < note.size {
            true => Some(self.head(size)?),
            false => None,
        };
        let count = [&before, &after].into_iter().flatten().map(|_| 1).sum();
        let books = &self.reading.books;
        let (left, right) = self.read(books.subtree(self.log, first, count, note.size))?;
        Ok(encode_head_at(
            time,
            &self.tree_head(size)?,
            before.as_deref(),
            after.as_deref(),
            &[left, right].concat(),
            &note.text,
        ))
    }

    /// How many of the signed records are not later. Times rise from record to record, so this looks at a few dozen of them.
    fn size_at(&self, time: &Time, note: &SignedNote) -> Result<u64, Failure> {
        let (mut low, mut high) = (0, note.size);
        while low < high {
            let middle = low + (high - low) / 2;
            let head = self.head(middle)?;
            let Ok(head) = Head::parse(&head) else {
                return Err(Failure::new(
                    Exit::Damaged,
                    format!("record {middle} of {} has no valid head", self.log.name()),
                ));
            };
            match head.time <= *time {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(low)
    }

    fn head(&self, seq: u64) -> Result<Vec<u8>, Failure> {
        let stored = self.read(self.reading.books.record(self.log, seq))?;
        Ok(stored.head)
    }

    fn tree_head(&self, size: u64) -> Result<TreeHead, Failure> {
        let root = self.read(self.reading.books.root_at(self.log, size))?;
        Ok(TreeHead { size, root })
    }

    fn read<T>(&self, result: Result<T, ReadError>) -> Result<T, Failure> {
        result.map_err(|error| self.reading.failed(&error))
    }
}
