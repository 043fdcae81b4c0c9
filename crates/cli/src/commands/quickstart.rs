//! `indelible quickstart DIR`: a node to keep, with everything it needs to run on this machine.

use crate::exit::Exit;
use crate::ground::{Ground, PARTIES, Plan};
use crate::output::Output;
use crate::say::{self, Failure};
use crate::show::shell;
use clap::Args;
use std::path::{Path, PathBuf};

/// Days that its certificates count: time enough to see whether one wants to keep it, and short enough that nobody relies on them.
const DAYS: u32 = 90;

/// Make a node to keep: store, keys, certificates, settings
///
/// Certificates count for 90 days and come from an authority made here; its key lies beside them, and belongs on another machine once
/// others are to connect.
#[derive(Args)]
pub struct QuickstartArgs {
    /// Directory to make; if it is there, it has to be empty
    pub dir: PathBuf,
    /// Public name of the node, a DNS name with or without /segments; it can't be changed later
    #[arg(long, value_name = "NAME", default_value = "node.internal")]
    pub origin: String,
    /// Name of a log to make; may be repeated
    #[arg(long, value_name = "NAME", default_value = "app")]
    pub log: Vec<String>,
    /// Name or address by which clients reach the node, besides localhost and 127.0.0.1; may be repeated
    #[arg(long, value_name = "HOST")]
    pub host: Vec<String>,
    /// First of four ports, for ingest, query, verify and health
    #[arg(long, value_name = "PORT", default_value_t = 7443, value_parser = clap::value_parser!(u16).range(1..=65_532))]
    pub port: u16,
    /// File of the register, which remembers how far the store is; put it on another disk or host, so that whoever puts back an older
    /// copy of the store can't put back that too. Without this it lies in DIR, and guards the store alone
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,
    /// Accept a file system in memory, which a reboot empties; this is recorded
    #[arg(long)]
    pub accept_volatile: bool,
    /// Length of a tail file; two are prepared
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = crate::commands::init::parse_size)]
    pub tail_size: u64,
}

/// Does it.
pub fn run(args: &QuickstartArgs) -> Result<Exit, Failure> {
    check_empty(&args.dir)?;
    let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    hosts.extend(args.host.iter().cloned());
    let plan = Plan {
        origin: &args.origin,
        logs: &args.log,
        hosts: &hosts,
        days: DAYS,
        port: args.port,
        accept_volatile: args.accept_volatile,
        tail_size: args.tail_size,
        register: args.register.as_deref(),
    };
    let ground = Ground::make(&args.dir, &plan)?;
    report(&ground, args)
}

fn check_empty(directory: &Path) -> Result<(), Failure> {
    let mut names = match std::fs::read_dir(directory) {
        Ok(names) => names,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(say::file(directory, &error)),
    };
    match names.next() {
        None => Ok(()),
        Some(_) => Err(Failure::usage(format!(
            "the directory is not empty: {}",
            directory.display()
        ))
        .hint("name one that isn't there yet: nothing that is there is ever replaced")),
    }
}

fn report(ground: &Ground, args: &QuickstartArgs) -> Result<Exit, Failure> {
    let at_port = |port: u16| format!("https://127.0.0.1:{port}");
    ground.environments(&at_port(args.port), &at_port(args.port.saturating_add(1)))?;
    let mut out = Output::new();
    let at = |name: &str| shell(args.dir.join(name));
    out.line(format_args!(
        "made a node for {}",
        out.style().bold(&args.origin)
    ))?;
    for (what, name) in [
        ("settings", "indelible.toml"),
        ("store", "store"),
        ("node secret", "keys"),
        ("authority", "tls/ca.pem"),
    ] {
        out.line(format_args!("  {what:<13}{}", at(name)))?;
    }
    for name in PARTIES {
        let principal = format!("spiffe://{}/{name}", args.origin);
        out.line(format_args!(
            "  {name:<13}{}   {principal}",
            at(&format!("tls/{name}.pem"))
        ))?;
    }
    for log in &args.log {
        out.line(format_args!(
            "  {:<13}{}   give it to whoever verifies",
            "pin",
            at(&format!("{log}.pin"))
        ))?;
    }
    let (register, remark) = match &args.register {
        Some(elsewhere) => (shell(elsewhere), ""),
        None => (
            at("register"),
            "   on another disk it would guard more: --register FILE",
        ),
    };
    out.line(format_args!("  {:<13}{register}{remark}", "register"))?;
    out.line(format_args!(
        "certificates end in {DAYS} days; keep copies of keys and tls where only you can read them"
    ))?;
    out.line("next:")?;
    out.line(format_args!(
        "  indelible serve --config {}",
        shell(ground.settings())
    ))?;
    out.line(format_args!(
        "  {}",
        super::dev::curl(ground, &args.log[0], &format!("127.0.0.1:{}", args.port))
    ))?;
    out.line(format_args!(
        "  . {}; indelible get --log {}",
        shell(ground.environment_of("reader")),
        args.log[0]
    ))?;
    out.line(format_args!("  indelible verify --store {}", at("store")))?;
    out.flush()?;
    Ok(Exit::Done)
}
