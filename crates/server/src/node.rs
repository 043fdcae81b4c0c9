//! What all listeners of a node share.

use crate::counters::Counters;
use crate::denials::Denying;
use crate::grants::Grants;
use crate::http::Purpose;
use crate::intake::{Callers, Room};
use crate::rate::Rates;
use crate::reads::Reads;
use crate::tls::Current;
use indelible_ledger::{Ledger, Random};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock, Weak};
use tokio::sync::watch;

/// Gives a source of random bytes for each caller.
pub type Randomness = Box<dyn Fn() -> Random + Send + Sync>;

/// Reads the configuration again and puts in force what it says; for whom. Gives what is wrong, if it is not in force. May wait for
/// the disk.
pub type Reload = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// A running node: its ledger, and who may do what.
pub struct Node {
    /// The engine. Closed by whoever opened it.
    pub ledger: Arc<Ledger>,
    /// Reading.
    pub reads: Arc<Reads>,
    /// Replaced as a whole.
    grants: RwLock<Arc<Grants>>,
    /// Held by whoever puts something in force.
    pub(crate) setting: Mutex<()>,
    /// What was denied and is not said yet.
    pub(crate) denying: Denying,
    /// How its configuration is read again, if it has one.
    pub(crate) reload: OnceLock<Reload>,
    /// Told when they are.
    regranted: watch::Sender<()>,
    /// Scratch space for events, handed from request to request.
    pub(crate) callers: Callers,
    /// Bytes of requests that are held.
    pub(crate) room: Room,
    /// Events that principals may send.
    pub(crate) rates: Rates,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// Certificates in force, by what their listeners are for.
    shown: Mutex<Vec<(Purpose, Weak<Current>)>>,
    /// It was told to stop.
    stopping: AtomicBool,
}

impl Node {
    /// A node over an open ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, grants: Grants, random: Randomness) -> Node {
        Node {
            reads: Arc::new(Reads::new(Arc::clone(ledger.books()))),
            ledger,
            regranted: watch::Sender::new(()),
            grants: RwLock::new(Arc::new(grants)),
            setting: Mutex::default(),
            denying: Denying::default(),
            reload: OnceLock::new(),
            callers: Callers::new(random),
            room: Room::default(),
            rates: Rates::default(),
            counters: Arc::default(),
            shown: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// With a rate for each principal.
    #[must_use]
    pub fn with_rates(mut self, rates: Rates) -> Node {
        self.rates = rates;
        self
    }

    /// The grants in force.
    ///
    /// # Panics
    /// Never in a running process.
    #[must_use]
    pub fn grants(&self) -> Arc<Grants> {
        let grants = self.grants.read();
        Arc::clone(&grants.expect("no thread panics while it replaces the grants"))
    }

    /// How `POST /v1/reload` reads the configuration again. What is said first stays.
    pub fn when_told_to_reload(&self, reload: Reload) {
        let _first_stays = self.reload.set(reload);
    }

    /// From the next request on these, which are recorded: [`Node::put_in_force`].
    pub(crate) fn replace_grants(&self, grants: Grants) {
        let now = self.grants.write();
        *now.expect("no thread panics while it replaces the grants") = Arc::new(grants);
        self.regranted.send_replace(());
    }

    /// Told when the grants in force are replaced.
    pub(crate) fn grants_changed(&self) -> watch::Receiver<()> {
        self.regranted.subscribe()
    }

    /// From now on it is not ready for what is new.
    pub fn is_to_stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether it was told to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The certificate of a listener is to be watched.
    pub(crate) fn show_tls(&self, purpose: Purpose, tls: &Arc<Current>) {
        let shown = self.shown.lock();
        let mut shown = shown.expect("no thread panics while it names a certificate");
        shown.retain(|(_, tls)| tls.strong_count() > 0);
        shown.push((purpose, Arc::downgrade(tls)));
    }

    /// Certificates in force.
    pub(crate) fn shown_tls(&self) -> Vec<(Purpose, Arc<Current>)> {
        let shown = self.shown.lock();
        let shown = shown.expect("no thread panics while it names a certificate");
        let there = shown.iter();
        there
            .filter_map(|(purpose, tls)| Some((*purpose, tls.upgrade()?)))
            .collect()
    }
}
