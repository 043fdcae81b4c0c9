//! A node made from nothing, in one directory: store, node secret, certificate authority, certificates, a log, and the file of settings.
//!
//! What `dev` throws away and `quickstart` keeps is made here, the same way. Owns the layout of the directory.

use crate::args::{StoreArg, WriteArgs};
use crate::authority::{Authority, AuthorityError};
use crate::commands::init::{self, InitArgs};
use crate::node::{Writing, user};
use crate::random;
use crate::say::{self, Failure};
use crate::show::shell;
use indelible_ledger::{Founding, NewLog, Settings};
use indelible_proof::pin::Pin;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Who gets a certificate: its name and what it may do.
pub const PARTIES: [&str; 4] = ["producer", "reader", "auditor", "operator"];

/// What is to be made.
pub struct Plan<'a> {
    /// Public name of the node.
    pub origin: &'a str,
    /// Names of the logs; one at least.
    pub logs: &'a [String],
    /// Hosts by which the node is reached.
    pub hosts: &'a [String],
    /// How long certificates count.
    pub days: u32,
    /// First port of four, for ingest, query, verify and health; 0: whatever is free.
    pub port: u16,
    /// May the store lie in memory?
    pub accept_volatile: bool,
    /// Length of a tail file.
    pub tail_size: u64,
    /// Where the register is to lie; none: beside the store.
    pub register: Option<&'a Path>,
}

/// What was made.
pub struct Ground {
    /// All of it lies here.
    pub directory: PathBuf,
    /// By which the first log is known.
    pub pin: Pin,
}

impl Ground {
    /// Makes it in a directory that is empty or not there.
    pub fn make(directory: &Path, plan: &Plan<'_>) -> Result<Ground, Failure> {
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700);
        for path in [directory.to_owned(), directory.join("tls")] {
            private
                .create(&path)
                .map_err(|error| say::file(&path, &error))?;
        }
        let tls = directory.join("tls");
        certificates(&tls, plan).map_err(|error| match error {
            AuthorityError::Name(error) => {
                Failure::usage(format!("no certificate for that name: {error}"))
            }
            AuthorityError::Io(path, error) => say::file(&path, &error),
        })?;
        let ground = |pin| Ground {
            directory: directory.to_owned(),
            pin,
        };
        let pins = store(directory, plan)?;
        let write = |name: &str, text: String| {
            let path = directory.join(name);
            std::fs::write(&path, text).map_err(|error| say::file(&path, &error))
        };
        write("indelible.toml", settings(plan))?;
        for (log, pin) in plan.logs.iter().zip(&pins) {
            write(&format!("{log}.pin"), format!("{pin}\n"))?;
        }
        let first = pins.into_iter().next().expect("there is one log at least");
        Ok(ground(first))
    }

    /// Writes for each who connects a file of variables that a shell reads: where the listener is that they use, and who they are to it.
    pub fn environments(&self, ingest: &str, query: &str) -> Result<(), Failure> {
        for (name, variable, url) in [
            ("producer", "INDELIBLE_NODE", ingest),
            ("reader", "INDELIBLE_QUERY", query),
            ("auditor", "INDELIBLE_QUERY", query),
        ] {
            let mut text = String::new();
            for (name, value) in self.environment(name, variable, url) {
                text.push_str(&format!("export {name}={value}\n"));
            }
            let path = self.environment_of(name);
            std::fs::write(&path, text).map_err(|error| say::file(&path, &error))?;
        }
        Ok(())
    }

    /// The variables of one of them, with values as a shell takes them.
    pub fn environment(
        &self,
        name: &str,
        variable: &'static str,
        url: &str,
    ) -> Vec<(&'static str, String)> {
        // They are read from wherever somebody works.
        let file = |name: &str| {
            let path = self.tls(name);
            shell(std::path::absolute(&path).unwrap_or(path))
        };
        vec![
            (variable, url.to_owned()),
            ("INDELIBLE_CA", file("ca.pem")),
            ("INDELIBLE_CERT", file(&format!("{name}.pem"))),
            ("INDELIBLE_KEY", file(&format!("{name}.key"))),
            ("INDELIBLE_PIN", format!("'{}'", self.pin)),
        ]
    }

    /// The file of variables for one of them.
    pub fn environment_of(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.env"))
    }

    /// The file of settings.
    pub fn settings(&self) -> PathBuf {
        self.directory.join("indelible.toml")
    }

    /// A file of certificates and keys.
    pub fn tls(&self, name: &str) -> PathBuf {
        self.directory.join("tls").join(name)
    }
}

fn certificates(directory: &Path, plan: &Plan<'_>) -> Result<(), AuthorityError> {
    let authority = Authority::new(directory, plan.origin, plan.days)?;
    authority.node(plan.hosts)?;
    for name in PARTIES {
        authority.client(plan.origin, name)?;
    }
    Ok(())
}

/// The store with its logs. Gives the pin of each.
fn store(directory: &Path, plan: &Plan<'_>) -> Result<Vec<Pin>, Failure> {
    let store = StoreArg::at(directory.join("store"));
    let keys = directory.join("keys");
    let args = InitArgs {
        origin: plan.origin.to_owned(),
        keys: Some(keys),
        passphrase_file: None,
        recovery: Vec::new(),
        recovery_threshold: None,
        register: Some(match plan.register {
            Some(elsewhere) => elsewhere.to_owned(),
            None => directory.join("register"),
        }),
        accept_volatile: plan.accept_volatile,
        tail_size: plan.tail_size,
    };
    init::make(&store, &args)?;
    let settings = Settings {
        background_sealing: false,
        ..Settings::default()
    };
    let writing = Writing::open_with(&store, &WriteArgs::default(), settings)?;
    let founding = Founding {
        origin: plan.origin,
        creator: &user(),
    };
    let new: Vec<NewLog<'_>> = plan
        .logs
        .iter()
        .map(|name| NewLog {
            name,
            incarnation: random::bytes(),
        })
        .collect();
    let created = writing.ledger.create_logs(&new, &founding);
    let logs = created.map_err(|error| say::open(&error, &writing.directory))?;
    let mut pins = Vec::with_capacity(logs.len());
    for log in &logs {
        let keys = writing.ledger.books().keys(log);
        let keys = keys.map_err(|error| say::read(&error, &writing.directory))?;
        let mut keys = keys.set.keys.into_iter();
        let pin = keys.find_map(|key| Pin::new(log.id(), key));
        pins.push(pin.expect("a log that was just made has a key"));
    }
    writing.close("logs created")?;
    Ok(pins)
}

/// The file of settings.
fn settings(plan: &Plan<'_>) -> String {
    let origin = plan.origin;
    let port = |number: u16| match plan.port {
        0 => 0,
        first => first.saturating_add(number),
    };
    let mut text = format!(
        r#"# A node of indelible. docs/configuration.md says what each setting does; indelible config check FILE looks for mistakes.
# Paths are relative to this file.
store = "store"

# Who connects shows a certificate that leads to client_ca. These end in {days} days; put others in their place before, from
# where yours come from: the files are looked at every two seconds, and no connection is dropped.
[tls]
certificate = "tls/node.pem"
key = "tls/node.key"
client_ca = "tls/ca.pem"

# Only this machine gets in as it stands here. internal:PORT listens on the internal addresses of this machine; allow_from then says
# which networks may come, and the certificate has to name the host.
"#,
        days = plan.days
    );
    for (number, purpose, what) in [
        (0, "ingest", "Events come in."),
        (1, "query", "Records are read."),
        (2, "verify", "Checkpoints, tiles and proofs: no content."),
        (3, "health", "/livez, /readyz and /metrics, plain HTTP."),
    ] {
        let port = port(number);
        text.push_str(&format!(
            "# {what}\n[[listener]]\npurpose = \"{purpose}\"\nlisten = \"127.0.0.1:{port}\"\n\n"
        ));
    }
    text.push_str("# Who may do what. What no grant allows is denied, and the denial recorded.\n");
    let own: Vec<String> = plan.logs.iter().map(|log| format!("\"{log}\"")).collect();
    for name in PARTIES {
        let logs = match name {
            "operator" => "\"*\"".to_owned(),
            _ => own.join(", "),
        };
        text.push_str(&format!(
            "[[grant]]\nwho = [\"spiffe://{origin}/{name}\"]\nrole = \"{name}\"\nlogs = [{logs}]\n\n"
        ));
    }
    text
}
