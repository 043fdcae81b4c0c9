//! `indelible man`: manual pages, made from the same definition as `--help`, so that they can't say anything else.

use crate::args::{self, StoreArg};
use crate::exit::{self, Exit};
use crate::output::{self, Output};
use crate::say::{self, Failure};
use clap::Args;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::io;
use std::path::{Path, PathBuf};

/// Print the manual page of a command, or write all of them
///
/// To read one: indelible man verify | man -l -. To install them: indelible man --dir /usr/local/share/man/man1.
#[derive(Args)]
pub struct ManArgs {
    /// The command, in one or two words [default: indelible itself]
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write the page of every command into this directory, which must be there
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Does it.
pub fn run(_: &StoreArg, args: &ManArgs) -> Result<Exit, Failure> {
    let root = definition();
    if let Some(directory) = &args.dir {
        return write_all(&root, directory);
    }
    let mut here = &root;
    for word in &args.command {
        here = here.find_subcommand(word).ok_or_else(|| {
            Failure::usage(format!("no such command: {}", args.command.join(" ")))
                .hint("indelible --help shows what there is")
        })?;
    }
    let mut out = Output::new();
    out.bytes(&page(here)?)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// The definition, each command knowing its whole name.
fn definition() -> clap::Command {
    let mut root = args::command().disable_help_subcommand(true);
    root.build();
    root
}

fn write_all(root: &clap::Command, directory: &Path) -> Result<Exit, Failure> {
    let mut out = Output::new();
    for command in all(root) {
        let path = directory.join(format!("{}.1", name(command)));
        std::fs::write(&path, page(command)?).map_err(|error| say::file(&path, &error))?;
        out.line(path.display())?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// A command and all below it.
fn all(command: &clap::Command) -> Vec<&clap::Command> {
    let below = command.get_subcommands().flat_map(all);
    std::iter::once(command).chain(below).collect()
}

/// As man pages are named: `indelible-log-create`.
fn name(command: &clap::Command) -> String {
    command
        .get_display_name()
        .unwrap_or(command.get_name())
        .to_owned()
}

/// A page in roff. Exit codes stand on each, from their one table.
fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let title = name(command).to_uppercase();
    let man = Man::new(command.clone())
        .title(title)
        .section("1")
        .manual("indelible");
    let mut bytes = Vec::new();
    render(&man, command, &mut bytes).map_err(|error| output::failed(&error))?;
    Ok(bytes)
}

fn render(man: &Man, command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    let mut rest = Roff::new();
    rest.control("SH", ["EXIT STATUS"]);
    for (_, code, what) in exit::TABLE {
        rest.control("TP", []);
        rest.text([bold(code.to_string())]);
        rest.text([roman(what)]);
    }
    rest.control("PP", []);
    rest.text([roman(
        "indelible explain says more of each code, verdict and error.",
    )]);
    rest.control("SH", ["ENVIRONMENT"]);
    for (name, what) in [
        ("INDELIBLE_STORE", "the store, where --store names none"),
        (
            "INDELIBLE_NODE",
            "the node that append sends to: its ingest listener",
        ),
        (
            "INDELIBLE_QUERY",
            "the node that get, receipt, export, watch and verify ask: its query listener",
        ),
        (
            "INDELIBLE_CA, INDELIBLE_CERT, INDELIBLE_KEY",
            "the roots of the node's certificate, your own and its key",
        ),
        ("INDELIBLE_PIN", "the pin, where none is given with --pin"),
        ("NO_COLOR", "if set, nothing is coloured"),
    ] {
        rest.control("TP", []);
        rest.text([bold(name)]);
        rest.text([roman(what)]);
    }
    rest.to_writer(page)
}
