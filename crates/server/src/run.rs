//! A running node: the one place where everything is wired.
//!
//! Owns the threads, the listeners and the order of start, reload and stop. A start opens the sockets last, and accepts nobody before
//! what is in force was recorded. A reload comes into force as a whole or not at all, and ends no connection. A stop takes nobody any
//! more, lets what is under way finish, and closes the ledger when nothing holds it: what was acknowledged is durable, and nothing is
//! recorded that nobody was told of but by a request that was cut, which its sender can send again by its key.

mod signals;
mod watched;

use crate::config::{Config, Faults, Listener};
use crate::grants::{GrantError, Grants};
use crate::http::Purpose;
use crate::limits::{BLOCKING_THREADS_MAX, THREADS_END_MAX};
use crate::listen::{self, BindError, Bound, Door};
use crate::node::{Node, Randomness};
use crate::rate::Rates;
use crate::tls::Current;
use indelible_ledger::{Ledger, Refusal};
use rustls::ServerConfig;
use signals::Signals;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A certificate or key that can't be used.
    #[error(transparent)]
    Config(#[from] Faults),
    /// The grants can't be put in force.
    #[error(transparent)]
    Grants(#[from] GrantError),
    /// Nothing listens there.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// What is in force could not be recorded.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The system gives no threads, or no signals.
    #[error("the system gives no threads or signals")]
    System(#[from] io::Error),
}

/// Why what was in force stays so.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The file is refused.
    #[error(transparent)]
    Config(#[from] Faults),
    /// It changes what only a start can change.
    #[error("only a restart can change {}", .0.join(", "))]
    NeedsRestart(Vec<&'static str>),
    /// The grants can't be put in force.
    #[error(transparent)]
    Grants(#[from] GrantError),
    /// It could not be recorded.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Why a stop was not clean. What was acknowledged is durable all the same; the next start takes a little longer.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// A thread still reads the disk for somebody.
    #[error("a thread still waits for the disk")]
    Busy,
    /// The last batch could not be written.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What came of a clean stop.
#[derive(Debug)]
pub struct Stopped {
    /// Requests were cut because they took longer than they may.
    pub cut: bool,
    /// Why the register could not be written, if so.
    pub register: Option<String>,
}

/// What happens to a running node that whoever runs it is to know.
#[derive(Debug)]
pub enum Event {
    /// It is told to stop: by what.
    Stop(&'static str),
    /// It is told to read its configuration again.
    Reload,
    /// New certificates are in force.
    Renewed,
    /// New certificates were found and are not in force.
    NotRenewed(Faults),
    /// Something failed that stops nothing.
    Trouble(String),
    /// Nothing can be recorded any more: a write failed.
    Broken(Refusal),
}

/// A node that serves. To be ended by [`Running::stop`].
pub struct Running {
    /// Dropped last of all that uses it.
    runtime: Runtime,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    events: mpsc::Receiver<Event>,
    bound: Vec<(Purpose, String)>,
}

/// What a reload and the watch on certificates change.
struct Shared {
    node: Arc<Node>,
    doors: Vec<Arc<Door>>,
    /// Held by whoever changes something.
    config: Mutex<Config>,
}

impl Running {
    /// Starts a node by a configuration over an open ledger. `by`: who starts it, as records name them.
    ///
    /// # Errors
    /// [`StartError`]: nothing listens, and the ledger was dropped without a clean stop.
    pub fn start(
        config: Config,
        ledger: Ledger,
        random: Randomness,
        by: &str,
    ) -> Result<Running, StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .thread_name("indelible-port")
            .build()?;
        let inside = runtime.enter();
        let mut tls = config.tls()?;
        let node = Node::new(Arc::new(ledger), Grants::default(), random)
            .with_rates(Rates::new(config.events_per_second()));
        let node = Arc::new(node);
        // 1. What is to be in force is recorded, or nothing starts.
        put_in_force(&node, &config, by)?;
        let signals = Signals::new()?;
        let (stop, stopping) = watch::channel(false);
        // 2. All sockets are open before anybody is accepted at one.
        let mut opened = Vec::new();
        for (listener, tls) in config.listeners().zip(tls.drain(..)) {
            let bound = listener.listen.bind(&config.inside())?;
            opened.push((door(&node, &listener, tls), bound));
        }
        let (mut doors, mut bound) = (Vec::new(), Vec::new());
        for (door, sockets) in opened {
            let addresses = sockets.addresses();
            bound.extend(addresses.into_iter().map(|address| (door.purpose, address)));
            open(&door, sockets, &stopping);
            doors.push(door);
        }
        drop(inside);
        let shared = Arc::new(Shared {
            node,
            doors,
            config: Mutex::new(config),
        });
        let events = watched::begin(&runtime, &shared, signals, stopping);
        Ok(Running {
            runtime,
            shared,
            stop,
            events,
            bound,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn bound(&self) -> &[(Purpose, String)] {
        &self.bound
    }

    /// Waits for what happens next.
    pub fn next_event(&mut self) -> Event {
        let event = self.runtime.block_on(self.events.recv());
        event.unwrap_or(Event::Stop("nobody watches any more"))
    }

    /// Reads the configuration again and puts in force what it says.
    ///
    /// # Errors
    /// [`ReloadError`]: all stays as it was.
    pub fn reload(&self, by: &str) -> Result<(), ReloadError> {
        self.shared.reload(by)
    }

    /// Takes nobody any more, lets what is under way finish, and closes the ledger.
    ///
    /// # Errors
    /// [`StopError`].
    pub fn stop(self, reason: &str) -> Result<Stopped, StopError> {
        let drain = self.shared.config().drain();
        self.stop.send_replace(true);
        let finished = self
            .runtime
            .block_on(async { tokio::time::timeout(drain, self.stop.closed()).await });
        drop(self.events);
        // Whatever is left of connections ends here, and with it what it holds.
        self.runtime.shutdown_timeout(THREADS_END_MAX);
        let shared = Arc::into_inner(self.shared).ok_or(StopError::Busy)?;
        drop(shared.doors);
        let node = Arc::into_inner(shared.node).ok_or(StopError::Busy)?;
        let ledger = Arc::into_inner(node.ledger).ok_or(StopError::Busy)?;
        let register = ledger.close(reason)?;
        Ok(Stopped {
            cut: finished.is_err(),
            register,
        })
    }
}

impl Shared {
    fn config(&self) -> std::sync::MutexGuard<'_, Config> {
        self.config
            .lock()
            .expect("no thread panics while it changes what is in force")
    }

    fn reload(&self, by: &str) -> Result<(), ReloadError> {
        let mut config = self.config();
        let next = Config::read(config.path())?;
        let tls = next.tls()?;
        let fixed = config.fixed(&next);
        if !fixed.is_empty() {
            return Err(ReloadError::NeedsRestart(fixed));
        }
        match put_in_force(&self.node, &next, by) {
            Ok(()) => {}
            Err(StartError::Grants(error)) => return Err(error.into()),
            Err(StartError::Refused(refusal)) => return Err(refusal.into()),
            Err(_) => unreachable!("what is put in force are grants"),
        }
        self.replace(tls);
        *config = next;
        Ok(())
    }

    /// The same certificates and lists of the configuration in force, as they lie there now.
    fn renew(&self) -> Result<(), Faults> {
        let config = self.config();
        self.replace(config.tls()?);
        Ok(())
    }

    fn replace(&self, tls: Vec<Option<ServerConfig>>) {
        for (door, tls) in self.doors.iter().zip(tls) {
            if let (Some(door), Some(tls)) = (&door.tls, tls) {
                door.replace(tls);
            }
        }
    }

    /// Fingerprints of the files that may come anew.
    fn watched(&self) -> Vec<watched::Seen> {
        let paths = self.config().watched();
        paths
            .iter()
            .map(|path: &_| watched::Seen::of(Path::new(path)))
            .collect()
    }
}

/// Grants are recorded, then asked.
fn put_in_force(node: &Node, config: &Config, _by: &str) -> Result<(), StartError> {
    node.replace_grants(Grants::new(config.grants())?);
    Ok(())
}

fn door(node: &Arc<Node>, listener: &Listener, tls: Option<ServerConfig>) -> Arc<Door> {
    Arc::new(Door {
        purpose: listener.purpose,
        allow_from: listener.allow_from.clone(),
        tls: tls.map(Current::new),
        node: Arc::clone(node),
    })
}

fn open(door: &Arc<Door>, bound: Bound, stopping: &watch::Receiver<bool>) {
    for socket in bound.into_sockets() {
        tokio::spawn(listen::accept(Arc::clone(door), socket, stopping.clone()));
    }
}
