//! `indelible status`: how a node stands, at a glance. Reads only, beside a running writer too, and needs no secret.
//!
//! What it takes is what opening the store for reading takes: packs' headers, the unsealed tail, and the node's own log. It proves
//! nothing: `verify` does.

mod access;

use crate::args::StoreArg;
use crate::clock::SystemClock;
use crate::exit::Exit;
use crate::keys;
use crate::node::{self, Stopped};
use crate::output::{Output, one_line};
use crate::say::{self, Failure};
use crate::show;
use clap::Args;
use indelible_ledger::clock::Clock as _;
use indelible_ledger::format::register::Register;
use indelible_ledger::recover::{self, Recovered};
use indelible_proof::head::Head;
use indelible_proof::node_event::{NodeEvent, Verified};
use indelible_proof::time::Time;
use indelible_proof::verdict::AXES;
use indelible_store::{LocalStore, Store, StoreError};
use std::path::Path;
use std::sync::Arc;

/// Names that are looked through for a tail file kept ready.
const LISTED_MAX: usize = 10_000;

/// Files of quarantine that are looked for; more would only be counted longer.
const QUARANTINE_MAX: usize = 10_000;

/// Show how a node stands: logs, tail, packs, repairs, register, keys, clock
///
/// Looks, and proves nothing: what is sealed is not re-hashed. `indelible verify` proves, and has its newest recorded verdict shown here
/// (--record-verdict).
#[derive(Args)]
pub struct StatusArgs {
    /// Answer as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// One thing there is to say: its name, and its text for people and for programs.
struct Fact {
    name: &'static str,
    text: String,
    json: String,
}

impl Fact {
    fn new(name: &'static str, text: impl Into<String>, json: impl Into<String>) -> Fact {
        Fact {
            name,
            text: text.into(),
            json: json.into(),
        }
    }
}

/// Does it.
pub fn run(store: &StoreArg, args: &StatusArgs) -> Result<Exit, Failure> {
    let directory = store.directory()?;
    let local =
        LocalStore::open_read(&directory).map_err(|error| say::store(&error, &directory))?;
    let local: Arc<dyn Store> = Arc::new(local);
    let recovered =
        recover::read(Arc::clone(&local)).map_err(|error| say::recover(&error, &directory))?;
    let facts = facts(&directory, &*local, &recovered)?;
    let mut out = Output::new();
    if args.json {
        let members: Vec<String> = facts
            .iter()
            .map(|fact| format!("\"{}\":{}", fact.name, fact.json))
            .collect();
        out.line(format_args!("{{{}}}", members.join(",")))?;
    } else {
        for fact in &facts {
            for line in fact.text.lines() {
                out.line(format_args!("{:<12}{}", fact.name, one_line(line)))?;
            }
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn facts(directory: &Path, store: &dyn Store, recovered: &Recovered) -> Result<Vec<Fact>, Failure> {
    let info = store.describe();
    let failed = |error: StoreError| say::store(&error, directory);
    let is_active = store.writer_active().map_err(failed)?;
    let writer = if is_active { "at work" } else { "none" };
    let mut facts = vec![
        text("store", &directory.display().to_string()),
        text("origin", &info.origin),
        Fact::new("writer", writer, is_active.to_string()),
        logs(recovered),
        tail(recovered),
        room(directory, store, info.tail_size),
        packs(recovered),
        quarantine(store, recovered).map_err(failed)?,
    ];
    facts.extend(said_by_the_node(directory, recovered)?);
    facts.push(register(store, recovered));
    let secret = info
        .keys
        .clone()
        .unwrap_or_else(|| node::default_keys(directory));
    facts.push(keys_directory(&secret));
    facts.push(clock(recovered));
    let warnings: Vec<String> = info.warnings.iter().map(|text| show::json(text)).collect();
    facts.push(Fact::new(
        "warnings",
        info.warnings.join("\n"),
        format!("[{}]", warnings.join(",")),
    ));
    Ok(facts)
}

fn text(name: &'static str, value: &str) -> Fact {
    Fact::new(name, value, show::json(value))
}

fn logs(recovered: &Recovered) -> Fact {
    let (mut lines, mut members) = (Vec::new(), Vec::new());
    let mut logs = recovered.books.logs();
    logs.sort_by(|one, other| one.name().cmp(other.name()));
    for log in logs {
        let (size, root) = log.head();
        let signed = log.note().map_or(0, |note| note.size);
        let last = log.times().map(|(_, last)| last);
        lines.push(format!(
            "{}  {}, root {}, last {}{}",
            log.name(),
            show::counted(size, "record"),
            show::short(&root),
            last.map_or_else(|| "never".to_owned(), show::to_second),
            if signed == size {
                String::new()
            } else {
                format!(", signed up to {}", show::count(signed))
            }
        ));
        members.push(format!(
            "{{\"name\":{},\"origin\":{},\"size\":{size},\"root\":\"{root}\",\"signed\":{signed},\"last\":{}}}",
            show::json(log.name()),
            show::json(log.origin()),
            last.map_or_else(|| "null".to_owned(), |last| show::json(&last.to_string()))
        ));
    }
    Fact::new("logs", lines.join("\n"), format!("[{}]", members.join(",")))
}

fn tail(recovered: &Recovered) -> Fact {
    let (batches, bytes) = (recovered.tail_batches(), recovered.tail_bytes());
    let torn = recovered.torn.as_ref().map(|torn| torn.number);
    let mut line = format!(
        "{}, {}; the next is {}",
        show::counted(batches, "batch"),
        show::bytes(bytes),
        recovered.next
    );
    if let Some(number) = torn {
        line.push_str(&format!("; batch {number} is torn or being written"));
    }
    let torn = torn.map_or_else(|| "null".to_owned(), |number| number.to_string());
    let json = format!(
        "{{\"batches\":{batches},\"bytes\":{bytes},\"next\":{},\"torn\":{torn}}}",
        recovered.next
    );
    Fact::new("tail", line, json)
}

/// What the disk has left, beside what a tail file takes.
fn room(directory: &Path, store: &dyn Store, tail_size: u64) -> Fact {
    let free = rustix::fs::statvfs(directory)
        .ok()
        .map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    let spare = store.list("", None, LISTED_MAX).is_ok_and(|names| {
        names
            .iter()
            .any(|(name, _)| name.starts_with("build/spare-"))
    });
    let is_short = free.is_some_and(|free| free < tail_size) && !spare;
    let mut line = free.map_or_else(
        || "unknown".to_owned(),
        |free| format!("{} free on its disk", show::bytes(free)),
    );
    if is_short {
        line.push_str(&format!(
            ": less than the next tail file takes, {}",
            show::bytes(tail_size)
        ));
    }
    let json = format!(
        "{{\"free\":{},\"tail_file\":{tail_size},\"short\":{is_short}}}",
        free.map_or_else(|| "null".to_owned(), |free| free.to_string())
    );
    Fact::new("room", line, json)
}

fn packs(recovered: &Recovered) -> Fact {
    let packs = recovered.packs();
    Fact::new("packs", show::count(packs), packs.to_string())
}

fn quarantine(store: &dyn Store, recovered: &Recovered) -> Result<Fact, StoreError> {
    let names = store.list("quarantine/", None, QUARANTINE_MAX)?;
    let orphans = recovered.orphans.len();
    let files = u64::try_from(names.len()).unwrap_or(u64::MAX);
    let mut line = match files {
        0 => "nothing".to_owned(),
        files => show::counted(files, "file"),
    };
    if orphans > 0 {
        line.push_str(&format!(
            "; {orphans} of an interrupted sealing to be set aside"
        ));
    }
    let json = format!("{{\"files\":{files},\"orphans\":{orphans}}}");
    Ok(Fact::new("quarantine", line, json))
}

/// What `_node` says of starts and repairs, and of who may do what.
fn said_by_the_node(directory: &Path, recovered: &Recovered) -> Result<Vec<Fact>, Failure> {
    let log = recovered.books.node_log();
    let (mut starts, mut repairs, mut last) = (0_u64, 0_u64, "none");
    let mut verified = None;
    let (mut access, mut seq) = (access::Access::default(), 0);
    let read = recovered
        .books
        .records::<Stopped>(&log, 0..log.size(), &mut |stored| {
            let event = stored.content.as_ref();
            let event = event.and_then(|(_, event)| NodeEvent::parse(event));
            if let Some(event) = &event {
                let time = Head::parse(&stored.head).ok().map(|head| head.time);
                access.take(seq, time, event);
            }
            seq += 1;
            match event {
                Some(NodeEvent::Start { .. }) => {
                    (starts, last) = (starts + 1, "running or crashed")
                }
                Some(NodeEvent::Stop { .. }) => last = "stopped",
                Some(NodeEvent::RepairTorn { .. } | NodeEvent::RepairOrphan { .. }) => repairs += 1,
                Some(NodeEvent::Verified(said)) => {
                    let time = Head::parse(&stored.head).ok().map(|head| head.time);
                    verified = time.map(|time| self::verified(time, &said));
                }
                _ => {}
            }
            Ok(())
        });
    match read {
        Ok(()) => {}
        Err(Stopped::Output(failure)) => return Err(failure),
        Err(Stopped::Read(error)) => return Err(say::read(&error, directory)),
    }
    let [grants, listeners] = access.facts();
    Ok(vec![
        verified.unwrap_or_else(never_verified),
        grants,
        listeners,
        Fact::new("repairs", show::count(repairs), repairs.to_string()),
        Fact::new(
            "runs",
            format!("{}, the last {last}", show::count(starts)),
            format!("{{\"starts\":{starts},\"last\":{}}}", show::json(last)),
        ),
    ])
}

/// The newest verdict that was recorded.
fn verified(time: Time, said: &Verified<'_>) -> Fact {
    let axes = AXES.iter().zip(&said.axes);
    let word = match said.exit {
        0 => "verified",
        1 => "damaged or forged",
        _ => "not proven",
    };
    let up_to = match said.batches.checked_sub(1) {
        Some(last) => format!("up to batch {last}"),
        None => "no batch".to_owned(),
    };
    let mut lines = vec![format!(
        "{} by {}: {word}, {}",
        show::to_second(time),
        said.by,
        up_to
    )];
    if said.exit != 0 {
        lines.extend(axes.clone().map(|(name, text)| format!("{name}: {text}")));
    }
    let members: Vec<String> = axes
        .map(|(name, text)| format!("{}:{}", show::json(name), show::json(text)))
        .collect();
    let json = format!(
        "{{\"time\":{},\"by\":{},\"batches\":{},\"exit\":{},{}}}",
        show::json(&time.to_string()),
        show::json(&said.by),
        said.batches,
        said.exit,
        members.join(",")
    );
    Fact::new("verified", lines.join("\n"), json)
}

fn never_verified() -> Fact {
    Fact::new(
        "verified",
        "no verdict recorded (verify --record-verdict)",
        "null",
    )
}

fn register(store: &dyn Store, recovered: &Recovered) -> Fact {
    let info = store.describe();
    let path = info
        .register
        .as_deref()
        .map(|path| path.display().to_string());
    let newest = recovered.next.checked_sub(1);
    let (state, holds) = match store.register_read() {
        _ if !info.register_configured => ("none configured", None),
        Ok(None) => ("missing", None),
        Ok(Some(bytes)) => match Register::decode(&bytes) {
            Ok(register) if register.header.store != info.store_id => ("of another store", None),
            Ok(register) => match Some(register.header.number) {
                number if number == newest => ("current", number),
                number if number < newest => ("behind", number),
                number => ("ahead: the store is an old copy", number),
            },
            Err(_) => ("damaged", None),
        },
        Err(_) => ("unreadable", None),
    };
    let mut line = state.to_owned();
    if let Some(number) = holds {
        line.push_str(&format!(", holds batch {number}"));
    }
    if let Some(path) = &path {
        line.push_str(&format!("  {path}"));
    }
    let json = format!(
        "{{\"state\":{},\"batch\":{},\"path\":{}}}",
        show::json(state),
        holds.map_or_else(|| "null".to_owned(), |number| number.to_string()),
        path.map_or_else(|| "null".to_owned(), |path| show::json(&path))
    );
    Fact::new("register", line, json)
}

fn keys_directory(secret: &Path) -> Fact {
    let state = keys::state(secret);
    Fact::new(
        "keys",
        format!("{state}  {}", secret.display()),
        format!(
            "{{\"state\":{},\"path\":{}}}",
            show::json(state),
            show::json(&secret.display().to_string())
        ),
    )
}

/// The wall clock beside the newest record.
fn clock(recovered: &Recovered) -> Fact {
    let (now, last) = (SystemClock.wall(), recovered.last_time());
    let line = match (now, last) {
        (None, _) => "shows a time that can't be recorded".to_owned(),
        (Some(_), None) => "nothing recorded yet".to_owned(),
        (Some(now), Some(last)) if now.secs().abs_diff(last.secs()) < 60 => {
            "within a minute of the newest batch".to_owned()
        }
        (Some(now), Some(last)) if now >= last => {
            format!("{} s after the newest batch", now.secs() - last.secs())
        }
        (Some(now), Some(last)) => {
            format!(
                "{} s before the newest batch: it was set back",
                last.secs() - now.secs()
            )
        }
    };
    let json = |time: Option<Time>| {
        time.map_or_else(|| "null".to_owned(), |time| show::json(&time.to_string()))
    };
    let json = format!("{{\"now\":{},\"last\":{}}}", json(now), json(last));
    Fact::new("clock", line, json)
}
