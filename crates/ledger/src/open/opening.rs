//! The steps of an opening: what was found, which secret signs from here on, and the first batch.

use super::first_batch::{FirstBatch, new_log};
use super::{Founding, Ledger, OpenError, Secrets, Settings};
use crate::books::{Books, Log, NODE_LOG};
use crate::caller::{Caller, Random};
use crate::clock::{Clock, ClockRule};
use crate::commit::{Committer, Desk, LastBatch, SigningKeys, TailRoom};
use crate::keeper::{self, spawn};
use crate::limits::{HORIZON_KEYS, SEAL_BYTES};
use crate::node_log::NodeLog;
use crate::queue::Queue;
use crate::recover::{self, RecoverError, Recovered};
use crate::resend::Resend;
use crate::rotate::{Handing, RecoverySet, RotateError, Rotated, Rotation};
use crate::seal::Sealer;
use crate::sequencer::{Edge, Sequencer, Start};
use crate::signer::NodeSecret;
use indelible_proof::hash::Hash;
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use indelible_proof::time::Time;
use indelible_store::Store;
use std::sync::{Arc, Mutex};

/// A store as an opening found it, locked for this writer; nothing of it was changed.
pub(super) struct Found {
    store: Arc<dyn Store>,
    pub(super) recovered: Recovered,
    random: Random,
    writer: [u8; 16],
    wall: Time,
    /// The register it had is missing, and an operator goes on.
    without_register: bool,
}

/// The same with what was broken set aside.
struct Taken {
    store: Arc<dyn Store>,
    recovered: Recovered,
    repairs: Vec<recover::Repair>,
    unnamed: Option<(u64, u64, Hash)>,
    random: Random,
    writer: [u8; 16],
    wall: Time,
    without_register: bool,
}

impl Found {
    pub(super) fn read(
        store: Arc<dyn Store>,
        clock: &dyn Clock,
        mut random: Random,
        settings: &Settings,
    ) -> Result<Found, OpenError> {
        let mut writer = [0; 16];
        random(&mut writer);
        store.acquire(writer)?;
        let recovered = recover::recover(Arc::clone(&store), true)?;
        let without_register =
            store.describe().register_configured && recovered.lacks_its_register();
        if without_register && settings.accept_register.is_none() {
            return Err(OpenError::RegisterMissing);
        }
        let wall = clock.wall().ok_or(OpenError::NoTime)?;
        if settings.accept_clock.is_none()
            && let Some(last) = recovered.last_time()
        {
            ClockRule::check_start(last, wall)?;
        }
        if let Some(file) = recovered.read_only {
            let what = "it has things that this version would not keep".to_owned();
            return Err(RecoverError::Unsupported { file, what }.into());
        }
        Ok(Found {
            store,
            recovered,
            random,
            writer,
            wall,
            without_register,
        })
    }

    /// The guard is passed and the keys fit. Only now a copy becomes the store, and only now anything is written.
    fn take_over(self) -> Result<Taken, OpenError> {
        let (store, recovered) = (self.store, self.recovered);
        store.bind()?;
        let (mut recovered, unnamed, aside) = recover::confirm_last_pack(&store, recovered)?;
        let repairs = recover::repair(&*store, &recovered, aside)?;
        store.open_tail(recovered.next.checked_sub(1))?;
        // Only now is the last batch durable whatever came of the flush that an earlier start waited for.
        if !self.without_register {
            begin_register(&*store, &mut recovered);
        }
        Ok(Taken {
            store,
            recovered,
            repairs,
            unnamed,
            random: self.random,
            writer: self.writer,
            wall: self.wall,
            without_register: self.without_register,
        })
    }

    /// Logs whose `key` record waits for its hinge.
    fn open_hinges(&self) -> usize {
        let logs = self.recovered.books.logs();
        let open = logs.iter().filter(|log| log.read().open_hinge.is_some());
        open.count()
    }
}

/// Which secret signs from here on, and what is left to do with another.
pub(super) enum Signing {
    /// Nothing is left.
    By(NodeSecret),
    /// The first signs; then the logs get the keys of the second.
    Then(NodeSecret, NodeSecret),
    /// The first signs; the hinges that are open need the second, the old one, too.
    Finish(NodeSecret, NodeSecret),
}

impl Signing {
    pub(super) fn choose(secrets: Secrets, found: &Found) -> Result<Signing, OpenError> {
        let store = found.store.describe().store_id;
        let in_force = found.recovered.batch_keys.newest();
        let fits = |secret: &NodeSecret| {
            in_force.is_none_or(|key| key == secret.batch_key(&store).public())
        };
        match secrets {
            Secrets::One(secret) if !fits(&secret) => Err(OpenError::WrongKeys),
            Secrets::One(secret) => match found.open_hinges() {
                0 => check_logs(&found.recovered.books, &secret).map(|()| Signing::By(secret)),
                open => Err(OpenError::OpenHinge(open)),
            },
            Secrets::Rotating { old, next } if fits(&old) => Ok(Signing::Then(old, next)),
            Secrets::Rotating { old, next } if fits(&next) => Ok(Signing::Finish(next, old)),
            Secrets::Rotating { .. } => Err(OpenError::WrongKeys),
        }
    }
}

/// A rotation that stopped halfway leaves logs whose keys are the next secret's: those that changed hands in the tail are looked at.
fn check_logs(books: &Books, secret: &NodeSecret) -> Result<(), OpenError> {
    for log in books.logs() {
        let unsealed = log.read().last_hinge() > log.read().tail_first;
        if unsealed
            && !books
                .keys(&log)?
                .set
                .keys
                .contains(secret.log_key(log.origin()).verifier())
        {
            return Err(OpenError::WrongKeys);
        }
    }
    Ok(())
}

/// What an opening was given, so that its steps stay short.
pub(super) struct Opening<'a> {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Settings,
    pub(super) creator: &'a str,
}

/// An opening that may write.
pub(super) struct Begun {
    pub(super) committer: Arc<Committer>,
    repairs: Vec<recover::Repair>,
    unnamed: Option<(u64, u64, Hash)>,
    founded: bool,
    wall: Time,
    last_time: Time,
    last_sealed: Option<u64>,
    without_register: bool,
}

impl Begun {
    /// Brings all logs to the keys that sign here, before anything else is written.
    pub(super) fn hand_over(
        &self,
        handing: Handing<'_>,
        recovery: Option<&RecoverySet>,
    ) -> Result<Rotated, RotateError> {
        let keys = self.committer.keys();
        let rotation = Rotation {
            committer: &self.committer,
            next: &keys.secret,
            handing,
            recovery,
        };
        rotation.run(&mut self.committer.desk())
    }
}

impl Opening<'_> {
    pub(super) fn start(self, found: Found, signing: Signing) -> Result<Ledger, OpenError> {
        match signing {
            Signing::By(secret) => {
                let begun = self.prepare(found, secret)?;
                self.go_on(begun)
            }
            Signing::Then(old, next) => {
                let begun = self.prepare(found, old)?;
                let ledger = self.go_on(begun)?;
                ledger.rotate(next, None)?;
                Ok(ledger)
            }
            Signing::Finish(next, old) => {
                let begun = self.prepare(found, next)?;
                begun.hand_over(Handing::Old(&old), None)?;
                self.go_on(begun)
            }
        }
    }

    /// The writing half, going on where the store ends.
    pub(super) fn prepare(&self, found: Found, secret: NodeSecret) -> Result<Begun, OpenError> {
        let Taken {
            store,
            mut recovered,
            repairs,
            unnamed,
            mut random,
            writer,
            wall,
            without_register,
        } = found.take_over()?;
        let info = store.describe().clone();
        let founded = recovered.next == 0;
        let node_log = match founded {
            true => self.new_node_log(&recovered, &info.origin, &mut random)?,
            false => recovered.books.node_log(),
        };
        let last_time = recovered.time.unwrap_or(wall);
        let last_sealed = recovered.last_sealed;
        let resend = self.resend(&mut recovered)?;
        let start = Start {
            store: info.store_id,
            writer,
            epoch: recovered.epoch + 1,
            next: recovered.next,
            prev: recovered.prev,
            time: last_time,
        };
        let caller = Caller::new(EVENT_BYTES_DEFAULT, random);
        let mut desk = Desk::new(
            sequencer(start, &recovered.books),
            ClockRule::after(last_time),
            NodeLog::new(node_log, caller, &info.node_id),
        );
        recovered.unnoted.iter().for_each(|log| desk.has_grown(log));
        let last = LastBatch {
            number: recovered.next.saturating_sub(1),
            signed_header: recovered.signed_header,
            at_boot: self.clock.boot_nanos(),
        };
        let committer = Committer::new(
            Arc::new(recovered.books),
            Arc::clone(&self.clock),
            SigningKeys::new(secret, &info.store_id),
            recovered.batch_keys,
            desk,
            last,
            TailRoom::new(recovered.tail_bytes, self.settings.tail_bytes_max),
            Queue::new(self.settings.queue_wait, self.settings.threads),
            recovered.register,
            resend,
        );
        Ok(Begun {
            committer: Arc::new(committer),
            repairs,
            unnamed,
            founded,
            wall,
            last_time,
            last_sealed,
            without_register,
        })
    }

    /// The log named `_node` of a store that has none yet.
    fn new_node_log(
        &self,
        recovered: &Recovered,
        origin: &str,
        random: &mut Random,
    ) -> Result<Arc<Log>, OpenError> {
        let mut incarnation = [0; 8];
        random(&mut incarnation);
        let index = recovered.books.next_index();
        let log = new_log(index, &self.founding(origin), NODE_LOG, incarnation)?;
        Ok(log)
    }

    /// What is known of streams and keys: from the packs, or what a clean stop left of them, and the tail.
    fn resend(&self, recovered: &mut Recovered) -> Result<Resend, OpenError> {
        let known = std::mem::take(&mut recovered.known);
        let horizon = self.horizon(recovered)?;
        Resend::load(&recovered.books, known, horizon)
            .map_err(|error| recover::unread("sealed", error).into())
    }

    /// The newest keys that are exact whatever they look like: what the node's genesis says, for a store that has one.
    fn horizon(&self, recovered: &Recovered) -> Result<u64, OpenError> {
        let asked = self.settings.key_horizon;
        if recovered.next == 0 {
            return Ok(asked.unwrap_or(HORIZON_KEYS));
        }
        let stated = recovered.books.key_horizon(&recovered.books.node_log())?;
        match asked {
            Some(asked) if asked != stated => Err(OpenError::OtherHorizon { stated, asked }),
            _ => Ok(stated),
        }
    }

    fn founding<'f>(&'f self, origin: &'f str) -> Founding<'f> {
        Founding {
            origin,
            creator: self.creator,
        }
    }

    /// Writes the first batch and begins to work.
    pub(super) fn go_on(self, begun: Begun) -> Result<Ledger, OpenError> {
        let origin = begun.committer.books.store().describe().origin.clone();
        let first = FirstBatch {
            settings: &self.settings,
            founding: &self.founding(&origin),
            wall: begun.wall,
            last_time: begun.last_time,
            founded: begun.founded,
            repairs: &begun.repairs,
            unnamed: begun.unnamed,
            without_register: begun.without_register,
        };
        first.write(&begun.committer)?;
        let Opening { settings, .. } = self;
        let (committer, repairs) = (begun.committer, begun.repairs);
        Ok(run(committer, begun.last_sealed, settings, repairs))
    }
}

/// A register that the first run had no time to write is written before the second run's first batch: a later run that misses it knows
/// that it was lost. If it can't be written now, that run will ask its operator.
fn begin_register(store: &dyn Store, recovered: &mut Recovered) {
    let is_due = store.describe().register_configured
        && recovered.register.is_none()
        && !recovered.signed_header.is_empty();
    if !is_due {
        return;
    }
    let header = &recovered.signed_header;
    let swapped = store.register_swap(None, header);
    // What was reported lost may have gone through. Not known, it would later be taken for what another writer has set.
    let holds = || matches!(store.register_read(), Ok(Some(held)) if held == *header);
    if swapped.is_ok() || holds() {
        recovered.register = Some(header.clone());
    }
}

/// A sequencer that knows where each log ends.
fn sequencer(start: Start, books: &Books) -> Sequencer {
    let mut sequencer = Sequencer::new(start);
    for log in books.logs() {
        let state = log.read();
        let edge = Edge {
            last_entry: state.last_entry,
            last_time: state.last_time,
            frontier: state.frontier.clone(),
        };
        sequencer.know(&log, edge);
    }
    sequencer
}

fn run(
    committer: Arc<Committer>,
    last_sealed: Option<u64>,
    settings: Settings,
    repairs: Vec<recover::Repair>,
) -> Ledger {
    let seal_bytes = settings.seal_bytes.unwrap_or(SEAL_BYTES);
    let sealer = Sealer::new(Arc::clone(&committer), last_sealed, seal_bytes);
    let sealer = Arc::new(sealer);
    let mut threads = Vec::new();
    let background = settings.background_sealing && settings.threads;
    if settings.threads {
        for name in ["commit-0", "commit-1"] {
            let committer = Arc::clone(&committer);
            threads.push(spawn(name, move || committer.drive()));
        }
        let (committer, sealer) = (Arc::clone(&committer), Arc::clone(&sealer));
        threads.push(spawn("keeper", move || {
            keeper::keep(&committer, &sealer, background)
        }));
    }
    if background {
        let sealer = Arc::clone(&sealer);
        threads.push(spawn("sealer", move || sealer.run()));
    }
    Ledger {
        committer,
        sealer,
        threads,
        software: settings.software,
        background_sealing: background,
        founding: Mutex::default(),
        repairs,
    }
}
