//! The commands, one file each.

pub mod append;
pub mod clock;
pub mod completions;
pub mod config;
pub mod demo;
pub mod dev;
pub mod event;
pub mod explain;
pub mod export;
pub mod get;
pub mod init;
pub mod inspect;
pub mod key;
pub mod log;
pub mod man;
pub mod merge;
pub mod pin;
pub mod prove;
pub mod quickstart;
pub mod receipt;
pub mod seal;
pub mod serve;
pub mod status;
pub mod stream;
pub mod verify;
pub mod watch;
pub mod whoami;

use crate::args::{Cli, Command};
use crate::exit::Exit;
use crate::say::Failure;

/// Does what was asked for.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    let Cli { store, command } = cli;
    match command {
        Command::Init(args) => init::run(&store, &args),
        Command::Log(command) => log::run(&store, &command),
        Command::Append(args) => append::run(&store, &args),
        Command::Get(args) => get::run(&store, &args),
        Command::Watch(args) => watch::run(&store, &args),
        Command::Pin(args) => pin::run(&store, &args),
        Command::Receipt(args) => receipt::run(&store, &args),
        Command::Prove(args) => prove::run(&store, &args),
        Command::Export(args) => export::run(&store, &args),
        Command::Verify(args) => verify::run(&store, &args),
        Command::Explain(args) => explain::run(&store, &args),
        Command::Event(command) => event::run(&store, &command),
        Command::Merge(args) => merge::run(&store, &args),
        Command::Inspect(args) => inspect::run(&store, &args),
        Command::Status(args) => status::run(&store, &args),
        Command::Seal(args) => seal::run(&store, &args),
        Command::Key(command) => key::run(&store, &command),
        Command::Stream(command) => stream::run(&store, &command),
        Command::Clock(command) => clock::run(&store, &command),
        Command::Serve(args) => serve::run(&args),
        Command::Config(command) => config::run(&command),
        Command::Dev(args) => dev::run(&args),
        Command::Quickstart(args) => quickstart::run(&args),
        Command::Whoami(args) => whoami::run(&store, &args),
        Command::Demo(args) => demo::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&store, &args),
    }
}
