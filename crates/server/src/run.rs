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
use crate::listen::{self, BindError, Door, DoorError, Notice, Patience};
use crate::node::{Node, Randomness};
use crate::policy::Listening;
use crate::rate::Rates;
use crate::tls::{self, Current};
use indelible_ledger::{Ledger, Refusal};
use signals::Signals;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Events that wait for whoever runs the node.
const EVENTS_WAITING: usize = 64;

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
    /// Something changed by itself, as it should.
    Notice(String),
    /// Something failed that stops nothing.
    Trouble(String),
    /// Nothing can be recorded any more: a write failed. Why.
    Broken(String),
}

/// A node that serves. To be ended by [`Running::stop`].
pub struct Running {
    /// Dropped last of all that uses it.
    runtime: Runtime,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    /// One for each listener; ends once its connections have.
    serving: JoinSet<Result<(), DoorError>>,
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
        let tls = config.tls()?;
        let node = Node::new(Arc::new(ledger), Grants::default(), random)
            .with_rates(Rates::new(config.events_per_second()));
        let node = Arc::new(node);
        // 1. What is to be in force is recorded, or nothing starts.
        put_in_force(&node, &config, by)?;
        let signals = Signals::new()?;
        let (stop, stopping) = watch::channel(false);
        // 2. All sockets are open before anybody is accepted at one.
        let (tell, events) = mpsc::channel(EVENTS_WAITING);
        let mut opened = Vec::new();
        for (listener, tls) in config.listeners().zip(tls) {
            let bound = listener.listen.bind(&config.inside())?;
            let door = door(&node, listener, tls, &config, tell.clone());
            opened.push((door, bound));
        }
        let (mut doors, mut bound, mut serving) = (Vec::new(), Vec::new(), JoinSet::new());
        for (door, sockets) in opened {
            let addresses = sockets.addresses().into_iter();
            bound.extend(addresses.map(|address| (door.purpose, address)));
            serving.spawn(listen::serve(Arc::clone(&door), sockets, stopping.clone()));
            doors.push(door);
        }
        drop(inside);
        let config = Mutex::new(config);
        let shared = Arc::new(Shared {
            node,
            doors,
            config,
        });
        let to_reload = Arc::downgrade(&shared);
        shared.node.when_told_to_reload(Box::new(move |by| {
            let shared = to_reload.upgrade().ok_or("the node is stopping")?;
            shared.reload(by).map_err(|error| error.to_string())
        }));
        watched::begin(&runtime, &shared, signals, &stopping, tell);
        Ok(Running {
            runtime,
            shared,
            stop,
            serving,
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
    pub fn stop(mut self, reason: &str) -> Result<Stopped, StopError> {
        let drain = self.shared.config().drain();
        let begun = Instant::now();
        self.shared.node.is_to_stop();
        self.stop.send_replace(true);
        self.shared.node.reads.end_watches();
        // Each listener waits for its connections, for as long as it may.
        self.runtime
            .block_on(async { while self.serving.join_next().await.is_some() {} });
        let cut = begun.elapsed() >= drain;
        drop(self.events);
        let denials = self.shared.node.end_denials();
        // Whatever is left of connections ends here, and with it what it holds.
        self.runtime.shutdown_timeout(THREADS_END_MAX);
        let shared = Arc::into_inner(self.shared).ok_or(StopError::Busy)?;
        drop(shared.doors);
        let node = Arc::into_inner(shared.node).ok_or(StopError::Busy)?;
        let ledger = Arc::into_inner(node.ledger).ok_or(StopError::Busy)?;
        let register = ledger.close(reason)?;
        denials?;
        Ok(Stopped { cut, register })
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

    fn replace(&self, tls: Vec<Option<tls::Server>>) {
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

/// Networks, listeners and grants are recorded; then the grants are asked.
fn put_in_force(node: &Node, config: &Config, by: &str) -> Result<(), StartError> {
    let grants = Grants::new(config.grants())?;
    let listeners: Vec<Listener> = config.listeners().collect();
    let places: Vec<String> = listeners
        .iter()
        .map(|listener| listener.listen.to_string())
        .collect();
    let listening: Vec<Listening<'_>> = listeners
        .iter()
        .zip(&places)
        .map(|(listener, listen)| Listening {
            purpose: listener.purpose,
            listen,
            allow_from: &listener.allow_from,
        })
        .collect();
    node.declare(config.declared(), &listening, by)?;
    node.put_in_force(grants, by)?;
    Ok(())
}

/// A listener that tells whoever runs the node what an operator should hear.
fn door(
    node: &Arc<Node>,
    listener: Listener,
    tls: Option<tls::Server>,
    config: &Config,
    tell: mpsc::Sender<Event>,
) -> Arc<Door> {
    let tls = tls.map(|tls| Arc::new(Current::new(tls)));
    let mut door = Door::new(listener.purpose, tls, Arc::clone(node));
    door.allow_from = listener.allow_from;
    door.patience = Patience {
        drain: config.drain(),
        ..Patience::default()
    };
    door.bounds.principal = config.connections_per_principal();
    let spec = listener.listen;
    door.tell = Box::new(move |notice| {
        let text = format!("{spec}: {notice}");
        let event = match notice {
            Notice::Opened(_) | Notice::Closed(_) => Event::Notice(text),
            _ => Event::Trouble(text),
        };
        // Where so much happens that nobody keeps up, the rest of it would not be read either.
        let _unread = tell.try_send(event);
    });
    Arc::new(door)
}
