//! `indelible dev`: a node to try things with, gone when it ends.

use crate::commands::serve;
use crate::exit::Exit;
use crate::ground::{Ground, PARTIES, Plan};
use crate::output::Output;
use crate::random;
use crate::say::{self, Failure};
use crate::show::shell;
use crate::supervisor::Supervisor;
use clap::Args;
use indelible_server::config::Config;
use indelible_server::http::Purpose;
use indelible_server::run::Running;
use std::path::{Path, PathBuf};

/// Name of the node, the log and the days its certificates count. `.example` is nobody's (RFC 2606).
const ORIGIN: &str = "dev.example";
const LOG: &str = "app";
const DAYS: u32 = 1;

/// Run a node to try things with, on this machine alone, and remove it at the end
///
/// Makes a store, an authority, certificates that count for one day, a log `app` and grants, in a directory of its own; prints a curl line
/// that works and the environment for clients. Ctrl-C ends it, and nothing is left.
#[derive(Args)]
pub struct DevArgs {
    /// First of four ports, for ingest, query, verify and health [default: whatever is free]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65_532))]
    pub port: Option<u16>,
}

/// Removes what was made, however it ends.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            say::warn(format_args!(
                "{} stays behind: {}",
                self.0.display(),
                say::plain(&error)
            ));
        }
    }
}

/// Does it.
pub fn run(args: &DevArgs) -> Result<Exit, Failure> {
    let id: String = random::bytes::<4>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let directory = std::env::temp_dir().join(format!("indelible-dev-{id}"));
    let hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let plan = Plan {
        origin: ORIGIN,
        logs: &[LOG.to_owned()],
        hosts: &hosts,
        days: DAYS,
        port: args.port.unwrap_or(0),
        accept_volatile: true,
        tail_size: 8 << 20,
        register: None,
    };
    let temporary = Temporary(directory);
    let ground = Ground::make(&temporary.0, &plan)?;
    let config = Config::load(&ground.settings()).map_err(|faults| say::config(&faults))?;
    let running = serve::start(config, false, false)?;
    tell(&ground, &running)?;
    serve::go_on(running, &Supervisor::of_environment())
}

fn tell(ground: &Ground, running: &Running) -> Result<(), Failure> {
    let address = |wanted: Purpose| {
        let mut bound = running.bound().iter();
        let found = bound.find(|(purpose, _)| *purpose == wanted);
        found.map_or("", |(_, address)| address.as_str())
    };
    let mut out = Output::new();
    let style = out.style();
    let ingest = address(Purpose::Ingest);
    out.line(style.bold("a node to try things with; Ctrl-C ends it and removes all of it"))?;
    out.line(format_args!(
        "  record an event:\n{}",
        curl(ground, LOG, ingest)
    ))?;
    out.line("  the environment for clients:")?;
    let (ingest, query) = (
        format!("https://{ingest}"),
        format!("https://{}", address(Purpose::Query)),
    );
    let store = ("INDELIBLE_STORE", shell(ground.directory.join("store")));
    let producer = ground.environment("producer", "INDELIBLE_NODE", &ingest);
    for (name, value) in producer.into_iter().chain([store]) {
        out.line(format_args!("export {name}={value}"))?;
    }
    ground.environments(&ingest, &query)?;
    out.line("  for those who read, in a shell of their own:")?;
    out.line(format_args!(". {}", shell(ground.environment_of("reader"))))?;
    out.line("  where things are:")?;
    for (purpose, scheme) in [
        (Purpose::Query, "https"),
        (Purpose::Verify, "https"),
        (Purpose::Health, "http"),
    ] {
        out.line(format_args!(
            "{:<10}{scheme}://{}",
            say::purpose(purpose),
            address(purpose)
        ))?;
    }
    out.line(format_args!(
        "{:<10}{}",
        "settings",
        shell(ground.settings())
    ))?;
    for name in PARTIES {
        out.line(format_args!(
            "{name:<10}{}",
            shell(ground.tls(&format!("{name}.pem")))
        ))?;
    }
    out.flush()
}

/// A line that records an event, as it can be typed.
pub fn curl(ground: &Ground, log: &str, address: &str) -> String {
    let file = |path: PathBuf| shell(Path::new(&path));
    format!(
        "curl --cacert {} --cert {} --key {} https://{address}/v1/logs/{log}/records -H 'content-type: application/json' -d '{{\"actor\":\"ann\",\"action\":\"login\",\"outcome\":\"success\"}}'",
        file(ground.tls("ca.pem")),
        file(ground.tls("producer.pem")),
        file(ground.tls("producer.key")),
    )
}
