//! `indelible serve`: runs a node until it is told to stop.
//!
//! Owns what people and supervisors are told of a run: lines on standard error, readiness, the exit code that says why it ended. What
//! happens stands in `indelible_server::run`.

use crate::args::{StoreArg, WriteArgs};
use crate::exit::Exit;
use crate::node::{Writing, user};
use crate::random;
use crate::say::{self, Failure};
use crate::supervisor::Supervisor;
use clap::Args;
use indelible_ledger::Settings;
use indelible_server::config::Config;
use indelible_server::run::{Event, Running, StopError};
use std::path::PathBuf;

/// Run a node: listen, record, answer
///
/// Everything else stands in the file (docs/configuration.md). SIGHUP reads it again, SIGTERM and SIGINT stop cleanly; systemd is told when
/// the node is ready. The exit code says why it ended: `indelible explain 10` and the following.
#[derive(Args)]
pub struct ServeArgs {
    /// The file of settings
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The store was copied or moved here on purpose; this is recorded
    #[arg(long)]
    pub moved: bool,
    /// The register is lost, and you go on without what it remembered; this is recorded
    #[arg(long)]
    pub register_lost: bool,
}

/// Does it.
pub fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let supervisor = Supervisor::of_environment();
    let config = Config::load(&args.config).map_err(|faults| say::config(&faults))?;
    let running = start(config, args.moved, args.register_lost)?;
    say::tell("ready");
    supervisor.ready("records and answers");
    go_on(running, &supervisor)
}

/// Opens the store that a configuration names and begins to serve.
pub fn start(config: Config, moved: bool, register_lost: bool) -> Result<Running, Failure> {
    let node = config.node();
    let store = StoreArg::at(node.store.clone());
    let write = WriteArgs {
        keys: node.keys.clone(),
        passphrase_file: node.passphrase_file.clone(),
        moved,
        register_lost,
    };
    let writing =
        Writing::open_with(&store, &write, Settings::default()).map_err(Failure::when_serving)?;
    let random = Box::new(random::source);
    let running = Running::start(config, writing.ledger, random, &user());
    let running = running.map_err(|error| say::start(&error).when_serving())?;
    for (purpose, address) in running.bound() {
        say::tell(format_args!(
            "listening: {} {address}",
            say::purpose(*purpose)
        ));
    }
    Ok(running)
}

/// Until it is told to stop, or can't go on.
pub fn go_on(mut running: Running, supervisor: &Supervisor) -> Result<Exit, Failure> {
    loop {
        match running.next_event() {
            Event::Stop(why) => {
                supervisor.stopping();
                return stop(running, why);
            }
            Event::Reload => {
                supervisor.reloading();
                match running.reload(&user()) {
                    Ok(()) => say::tell("reloaded"),
                    Err(error) => say::reload(&error),
                }
                supervisor.ready("records and answers");
            }
            Event::Renewed => say::tell("new certificates or lists are in force"),
            Event::NotRenewed(faults) => faults
                .lines()
                .for_each(|line| say::warn(format_args!("certificates stay as they were: {line}"))),
            Event::Trouble(text) => say::warn(text),
            Event::Notice(text) => say::tell(text),
            Event::Broken(why) => {
                supervisor.stopping();
                // It says the same again, or that a thread waits for the broken disk.
                let _unclean = running.stop("a write failed");
                return Err(say::broken(&why));
            }
        }
    }
}

/// Stops cleanly, or says why not.
pub fn stop(running: Running, why: &str) -> Result<Exit, Failure> {
    match running.stop(why) {
        Ok(stopped) => {
            if stopped.cut {
                say::warn(
                    "requests took longer than drain_seconds and were cut: what was not acknowledged can be sent again",
                );
            }
            if let Some(trouble) = stopped.register {
                say::warn(format_args!("the register could not be written: {trouble}"));
            }
            say::tell(format_args!("stopped: {why}"));
            Ok(Exit::Done)
        }
        Err(StopError::Refused(refusal)) => Err(say::refused(&refusal).when_serving()),
        Err(error @ StopError::Busy) => Err(Failure::new(
            Exit::Trouble,
            format!("not stopped cleanly: {error}"),
        )
        .hint("what was acknowledged is durable; the next start takes a little longer")),
    }
}
