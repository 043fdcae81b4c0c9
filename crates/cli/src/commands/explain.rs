//! `indelible explain`: what an exit code, a verdict or a refusal means, and what to do now.

use crate::args::StoreArg;
use crate::exit::Exit;
use crate::explain::{ALL_ON, Entry, On, find, table};
use crate::output::Output;
use crate::say::Failure;
use clap::Args;

/// Say what an exit code, a verdict or an error means, and what to do now
///
/// Takes a number, a text as it was printed, or the beginning of one: indelible explain 3, indelible explain "event altered(41)",
/// indelible explain another process. Alone it lists all there are.
#[derive(Args)]
pub struct ExplainArgs {
    /// An exit code, or a text of a verdict or an error
    #[arg(value_name = "TEXT")]
    pub text: Vec<String>,
}

/// Entries that are printed whole; of more than these only the texts.
const WHOLE: usize = 6;

/// Does it.
pub fn run(_: &StoreArg, args: &ExplainArgs) -> Result<Exit, Failure> {
    let mut out = Output::new();
    if args.text.is_empty() {
        list(&mut out, &table().collect::<Vec<_>>())?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    let text = args.text.join(" ");
    let found = find(&text);
    match found.len() {
        0 => {
            return Err(
                Failure::usage(format!("no such code, verdict or error: {text}"))
                    .hint("indelible explain lists them all"),
            );
        }
        1..=WHOLE => {
            for (place, entry) in found.iter().enumerate() {
                if place > 0 {
                    out.line("")?;
                }
                show(&mut out, entry)?;
            }
        }
        _ => list(&mut out, &found)?,
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn list(out: &mut Output, entries: &[&Entry]) -> Result<(), Failure> {
    for on in ALL_ON {
        let mut titled = false;
        for entry in entries.iter().filter(|entry| entry.on == on) {
            if !titled {
                out.line(format!("{}:", on.name()))?;
                titled = true;
            }
            match on {
                On::ExitCode => out.line(format!("  {:<5}{}", entry.says, entry.means))?,
                _ => out.line(format!("  {}", entry.says))?,
            }
        }
    }
    Ok(())
}

fn show(out: &mut Output, entry: &Entry) -> Result<(), Failure> {
    let style = out.style();
    let title = match entry.on {
        On::ExitCode => format!("exit code {}", entry.says),
        On::Rule => format!("log fault(SEQ, {})", entry.says),
        on => format!("{}: {}", on.name(), entry.says),
    };
    out.line(style.bold(title))?;
    out.line(format!("  means: {}", entry.means))?;
    if entry.on != On::ExitCode {
        out.line(format!("  exit code: {}", entry.exit))?;
    }
    if !entry.causes.is_empty() {
        out.line("  can come from:")?;
    }
    for cause in entry.causes {
        out.line(format!("    - {cause}"))?;
    }
    out.line("  do now:")?;
    for (place, step) in entry.now.iter().enumerate() {
        out.line(format!("    {}. {step}", place + 1))?;
    }
    Ok(())
}
