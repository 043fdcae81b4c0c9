//! What reading needs of the node: read views, a bound on how much of it goes on, and threads that may wait for the disk.
//!
//! Nothing here and nothing that uses it writes, signs or knows the ledger: [`Books`] are all it has, so that it can move to a process
//! of its own. A thread is held while a piece is read, never while a reader takes its time.

use crate::limits::{
    FLOWS_MAX, PRINCIPAL_FLOWS_MAX, PRINCIPAL_WATCHES_MAX, READS_AT_ONCE, RETRY_AFTER_SECONDS,
    WATCHES_MAX,
};
use crate::problem;
use indelible_api::{Code, Problem};
use indelible_ledger::{Books, ReadError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::{Semaphore, watch};

/// Reading, for all listeners.
pub struct Reads {
    books: Arc<Books>,
    turns: Arc<Semaphore>,
    flows: Arc<Places>,
    watches: Arc<Places>,
    ended: watch::Sender<bool>,
}

impl Reads {
    /// Over what is durable.
    #[must_use]
    pub fn new(books: Arc<Books>) -> Reads {
        Reads {
            books,
            turns: Arc::new(Semaphore::new(READS_AT_ONCE)),
            flows: Places::new("answers that flow", FLOWS_MAX, PRINCIPAL_FLOWS_MAX),
            watches: Places::new("watches", WATCHES_MAX, PRINCIPAL_WATCHES_MAX),
            ended: watch::Sender::new(false),
        }
    }

    /// What is durable.
    #[must_use]
    pub fn books(&self) -> &Arc<Books> {
        &self.books
    }

    /// Ends all watches: the node is about to stop, and they would wait for ever.
    pub fn end_watches(&self) {
        self.ended.send_replace(true);
    }

    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// A place for an answer that flows.
    pub(crate) fn flow(&self, principal: &str) -> Result<Place, Problem> {
        self.flows.take(principal)
    }

    /// A place for a watch.
    pub(crate) fn watch(&self, principal: &str) -> Result<Place, Problem> {
        self.watches.take(principal)
    }

    /// Reads on a thread that may wait, when it is this one's turn.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Books) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Problem> {
        self.run(|books| work(books).map_err(|error| problem::of_read(&error)))
            .await
    }

    /// The same for work that makes its own refusals.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Books) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let gone = || Problem::new(Code::Stopped, "the node is stopping");
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| gone())?;
        let books = Arc::clone(&self.books);
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&books);
            drop(turn);
            done
        });
        match done.await {
            Ok(done) => done,
            Err(error) if error.is_panic() => {
                Err(Problem::new(Code::Internal, "reading met a fault"))
            }
            Err(_) => Err(gone()),
        }
    }
}

/// Places of one sort, of all and of each principal.
struct Places {
    what: &'static str,
    most: usize,
    most_of_one: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<String, usize>,
}

/// A place, given back when it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    principal: String,
}

impl Places {
    fn new(what: &'static str, most: usize, most_of_one: usize) -> Arc<Places> {
        Arc::new(Places {
            what,
            most,
            most_of_one,
            taken: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken
            .lock()
            .expect("no thread panics while it counts places")
    }

    fn take(self: &Arc<Places>, principal: &str) -> Result<Place, Problem> {
        let mut taken = self.lock();
        let of = taken.of.get(principal).copied().unwrap_or(0);
        let (whose, count) = match (of >= self.most_of_one, taken.all >= self.most) {
            (true, _) => (principal, of),
            (_, true) => ("the node", taken.all),
            (false, false) => {
                taken.all += 1;
                *taken.of.entry(principal.to_owned()).or_default() += 1;
                return Ok(Place {
                    places: Arc::clone(self),
                    principal: principal.to_owned(),
                });
            }
        };
        let what = format!("{whose} has {count} {} already", self.what);
        Err(Problem::new(Code::Full, what).after(RETRY_AFTER_SECONDS))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        if let Some(of) = taken.of.get_mut(&self.principal) {
            *of -= 1;
            if *of == 0 {
                taken.of.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_and_one_principal_does_not_take_all() {
        let places = Places::new("places", 3, 2);
        let first = places.take("a").expect("there is room");
        let _second = places.take("a").expect("there is room");
        let refused = places.take("a").map(drop).expect_err("a has two");
        assert_eq!(refused.code, Code::Full);
        let _third = places.take("b").expect("there is room for b");
        assert!(places.take("c").is_err(), "all three are taken");
        drop(first);
        places.take("c").expect("one was given back");
        assert_eq!(places.lock().of.len(), 2);
    }
}
