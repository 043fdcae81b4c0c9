//! `indelible whoami`: who one is to a node, and what one may do there.

use crate::args::{StoreArg, from_environment};
use crate::exit::Exit;
use crate::output::{Output, one_line};
use crate::remote::{self, IdentityArgs};
use crate::say::{self, Failure};
use clap::Args;
use indelible_api::Whoami;
use indelible_api::whoami::{Granted, KnownLog};
use indelible_proof::pin::Pin;

/// Ask a node who you are to it, and what you may do
///
/// Any of its listeners answers but health. Nothing of the answer is signed: it is worth what the connection is worth.
#[derive(Args)]
pub struct WhoamiArgs {
    /// Ask this node, https://HOST:PORT of any listener; if not in INDELIBLE_NODE or INDELIBLE_QUERY
    #[arg(long, value_name = "URL")]
    pub node: Option<String>,
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// A log's pin, which is compared with what the node says; if not in INDELIBLE_PIN
    #[arg(long, value_name = "LINE")]
    pub pin: Option<String>,
    /// Print what the node answered, JSON
    #[arg(long)]
    pub json: bool,
}

/// Does it.
pub fn run(store: &StoreArg, args: &WhoamiArgs) -> Result<Exit, Failure> {
    let variables = ["INDELIBLE_NODE", "INDELIBLE_QUERY"];
    let node = remote::node(args.node.as_ref(), store, &variables)?;
    let node = node.ok_or_else(|| {
        Failure::usage("which node: --node is missing")
            .hint("name one of its listeners with --node URL, or set INDELIBLE_NODE")
    })?;
    let pin = pin(args)?;
    let client = args.identity.builder(&node)?.build();
    let client = client.map_err(|error| remote::setup(&error))?;
    let told = remote::block_on(async {
        let told = client.whoami().await;
        told.map_err(|error| remote::unread(&error))
    })?;
    let mut out = Output::new();
    if args.json {
        let text = serde_json::to_string(&told);
        out.line(text.expect("what was read from JSON can be written as such"))?;
    } else {
        for line in lines(&told) {
            out.line(one_line(line))?;
        }
    }
    out.flush()?;
    Ok(compared(&told, pin.as_ref()))
}

fn pin(args: &WhoamiArgs) -> Result<Option<Pin>, Failure> {
    let given = match (&args.pin, from_environment("INDELIBLE_PIN")) {
        (Some(pin), _) => pin.clone(),
        (None, Some(pin)) => pin.to_string_lossy().into_owned(),
        (None, None) => return Ok(None),
    };
    let pin = Pin::parse(given.as_bytes());
    let pin = pin.map_err(|error| Failure::usage(format!("not a pin: {error}")))?;
    Ok(Some(pin))
}

fn lines(told: &Whoami) -> Vec<String> {
    let mut lines = vec![told.principal.clone()];
    let from = told.address.as_deref();
    let seen = from.map_or_else(String::new, |address| format!("seen from {address} "));
    lines.push(format!(
        "{seen}by the {} listener of {}",
        told.listener, told.node
    ));
    if let Some(certificate) = &told.certificate {
        let ends = certificate.expires.as_deref();
        let ends = ends.map_or_else(String::new, |ends| format!(", until {ends}"));
        lines.push(format!("certificate {}{ends}", certificate.sha256));
    }
    if told.grants.is_empty() {
        lines.push("no grant speaks of you: nothing is allowed".to_owned());
    } else {
        lines.push(match told.policy {
            Some(seq) => format!("granted, by record {seq} of _node:"),
            None => "granted:".to_owned(),
        });
        lines.extend(told.grants.iter().map(granted));
    }
    if !told.elsewhere.is_empty() {
        lines.push("granted, but not from where you are:".to_owned());
        lines.extend(told.elsewhere.iter().map(granted));
    }
    if !told.logs.is_empty() {
        lines.push("logs:".to_owned());
        lines.extend(told.logs.iter().map(log));
    }
    lines
}

fn granted(grant: &Granted) -> String {
    let from = match grant.from.as_slice() {
        [] => String::new(),
        from => format!(", from {}", from.join(" ")),
    };
    let logs = match grant.logs.as_slice() {
        [] => String::new(),
        logs => format!(" of {}", logs.join(" ")),
    };
    format!("  {}{logs}{from}", grant.role)
}

fn log(log: &KnownLog) -> String {
    format!("  {}: {}", log.name, log.may.join(", "))
}

/// What the node says of the log, beside what is known of it.
fn compared(told: &Whoami, pin: Option<&Pin>) -> Exit {
    let Some(pin) = pin else { return Exit::Done };
    let Some(log) = told.logs.iter().find(|log| log.origin == pin.origin()) else {
        return Exit::Done;
    };
    if log.id != pin.log_id().to_string() {
        say::warn(format_args!(
            "the node names another log {} than your pin: its id is {}",
            log.name, log.id
        ));
        return Exit::Unverified;
    }
    let key = pin.key().to_string();
    if !log.vkeys.contains(&key) {
        say::warn(format_args!(
            "the keys of {} are others than your pin's",
            log.name
        ));
        say::hint(
            "that is as it should be if they were replaced: what is read is then verified by the walk from your pin to them",
        );
    }
    Exit::Done
}
