//! A store that tells a test of each batch before it is written, holds it up on request, and says when the writer has come to rest.

use indelible_ledger::format::batch::BatchHeader;
use indelible_store::{Outcome, Put, SlotScan, Store, StoreError, StoreInfo, Ticket, WriterId};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Longer than anything here takes on a busy machine; only a hanging test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Called with the header of a batch just before it is submitted.
type BeforeSubmit = Box<dyn FnMut(&BatchHeader) + Send>;

#[derive(Default)]
struct State {
    before_submit: Option<BeforeSubmit>,
    after_list: Option<Box<dyn FnOnce() + Send>>,
    /// While it is set, `wait` does not return.
    held: bool,
    /// While it is set, nobody can look how much room there is.
    unreadable: bool,
    /// Batches that wait for the disk because of it.
    holding: u64,
    /// Number of the last batch that was durable, and whether it was a mark.
    last: Option<(u64, bool)>,
    /// Number of the batch the register holds.
    registered: Option<u64>,
}

pub struct Hooked {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
    changed: Condvar,
    submitted: Mutex<Option<BatchHeader>>,
}

impl Hooked {
    pub fn new(inner: Arc<dyn Store>) -> Arc<Hooked> {
        Arc::new(Hooked {
            inner,
            state: Mutex::default(),
            changed: Condvar::new(),
            submitted: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn before_submit(&self, hook: impl FnMut(&BatchHeader) + Send + 'static) {
        self.state().before_submit = Some(Box::new(hook));
    }

    /// Once, when names were listed and before anybody is told of them.
    pub fn after_list(&self, hook: impl FnOnce() + Send + 'static) {
        self.state().after_list = Some(Box::new(hook));
    }

    /// From now on the disk does not answer.
    pub fn hold(&self) {
        self.state().held = true;
    }

    /// Whether directories can't be read.
    pub fn unreadable(&self, unreadable: bool) {
        self.state().unreadable = unreadable;
    }

    /// The disk answers again.
    pub fn release_hold(&self) {
        self.state().held = false;
        self.changed.notify_all();
    }

    /// Waits until a batch waits for the disk.
    pub fn wait_held(&self) {
        self.wait_for("no batch came to be held", |state| state.holding > 0);
    }

    /// Waits until the last batch is a mark and the register knows it: from here on nothing is written without being asked.
    pub fn wait_quiet(&self) {
        self.wait_for("the writer does not come to rest", |state| {
            state
                .last
                .is_some_and(|(number, mark)| mark && state.registered == Some(number))
        });
    }

    fn wait_for(&self, trouble: &str, done: impl Fn(&State) -> bool) {
        let (_state, timeout) = self
            .changed
            .wait_timeout_while(self.state(), PATIENCE, |state| !done(state))
            .unwrap();
        assert!(!timeout.timed_out(), "{trouble}");
    }
}

impl Store for Hooked {
    fn describe(&self) -> &StoreInfo {
        self.inner.describe()
    }

    fn acquire(&self, writer: WriterId) -> Result<(), StoreError> {
        self.inner.acquire(writer)
    }

    fn bind(&self) -> Result<(), StoreError> {
        self.inner.bind()
    }

    fn writer_active(&self) -> Result<bool, StoreError> {
        self.inner.writer_active()
    }

    fn first_slot(&self) -> Result<Option<u64>, StoreError> {
        self.inner.first_slot()
    }

    fn slots(&self, from: u64) -> Result<Box<dyn SlotScan + '_>, StoreError> {
        self.inner.slots(from)
    }

    fn read_slot(&self, number: u64, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        self.inner.read_slot(number, offset, length)
    }

    fn open_tail(&self, last: Option<u64>) -> Result<(), StoreError> {
        self.inner.open_tail(last)
    }

    fn submit(&self, slot: u64, parts: &[&[u8]]) -> Result<Ticket, StoreError> {
        let header = BatchHeader::decode(&parts.concat()).unwrap();
        let hook = self.state().before_submit.take();
        if let Some(mut hook) = hook {
            hook(&header);
            self.state().before_submit.get_or_insert(hook);
        }
        *self.submitted.lock().unwrap() = Some(header);
        self.inner.submit(slot, parts)
    }

    fn wait(&self, ticket: Ticket) -> Outcome {
        let header = self.submitted.lock().unwrap().take().unwrap();
        let mut state = self.state();
        state.holding += 1;
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| state.held).unwrap();
        state.holding -= 1;
        drop(state);
        let outcome = self.inner.wait(ticket);
        if matches!(outcome, Outcome::Durable) {
            self.state().last = Some((header.number, header.mark));
            self.changed.notify_all();
        }
        outcome
    }

    fn prepare_next(&self, length: u64) -> Result<(), StoreError> {
        self.inner.prepare_next(length)
    }

    fn room(&self) -> Result<u64, StoreError> {
        if self.state().unreadable {
            let source = std::io::Error::from_raw_os_error(24);
            let doing = "list the tail".to_owned();
            return Err(StoreError::Io { doing, source });
        }
        self.inner.room()
    }

    fn quarantine_slot(&self, number: u64) -> Result<String, StoreError> {
        self.inner.quarantine_slot(number)
    }

    fn quarantine_object(&self, name: &str) -> Result<String, StoreError> {
        self.inner.quarantine_object(name)
    }

    fn release(&self, below: u64) -> Result<(), StoreError> {
        self.inner.release(below)
    }

    fn put_new(
        &self,
        name: &str,
        parts: &[&[u8]],
        retain_until: Option<u64>,
    ) -> Result<Put, StoreError> {
        self.inner.put_new(name, parts, retain_until)
    }

    fn put_pair(&self, pair: [(&str, &[&[u8]]); 2]) -> Result<[Put; 2], StoreError> {
        self.inner.put_pair(pair)
    }

    fn read_at(
        &self,
        name: &str,
        offset: u64,
        length: usize,
        fresh: bool,
    ) -> Result<Vec<u8>, StoreError> {
        self.inner.read_at(name, offset, length, fresh)
    }

    fn size_of(&self, name: &str) -> Result<u64, StoreError> {
        self.inner.size_of(name)
    }

    fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let names = self.inner.list(prefix, after, limit);
        let hook = self.state().after_list.take();
        hook.into_iter().for_each(|hook| hook());
        names
    }

    fn extend(&self, name: &str, retain_until: u64) -> Result<(), StoreError> {
        self.inner.extend(name, retain_until)
    }

    fn put_derived(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.inner.put_derived(name, bytes)
    }

    fn register_read(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.register_read()
    }

    fn register_swap(&self, expected: Option<&[u8]>, new: &[u8]) -> Result<(), StoreError> {
        self.inner.register_swap(expected, new)?;
        let number = BatchHeader::decode(new).unwrap().number;
        self.state().registered = Some(number);
        self.changed.notify_all();
        Ok(())
    }
}
