//! The first batch of a run, and the genesis of every log.
//!
//! The first batch says what an opening found and did: repairs, an accepted clock, a pack not yet named, the start; and it carries
//! the notes that an earlier run could not write any more.

use super::{Founding, OpenError, Settings};
use crate::books::Log;
use crate::commit::{Committer, Desk};
use crate::recover;
use crate::rotate::RecoverySet;
use crate::sequencer::Draft;
use indelible_proof::genesis::Genesis;
use indelible_proof::hash::Hash;
use indelible_proof::key_set::Recovery;
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::origin::Origin;
use indelible_proof::time::Time;
use std::sync::Arc;

/// What the first batch after an opening says.
pub(super) struct FirstBatch<'a> {
    pub(super) settings: &'a Settings,
    pub(super) founding: &'a Founding<'a>,
    pub(super) wall: Time,
    pub(super) last_time: Time,
    pub(super) founded: bool,
    pub(super) repairs: &'a [recover::Repair],
    /// A pack that was sealed and not yet named when the writer stopped.
    pub(super) unnamed: Option<(u64, u64, Hash)>,
    /// The configured register is missing.
    pub(super) without_register: bool,
}

impl FirstBatch<'_> {
    pub(super) fn write(&self, committer: &Arc<Committer>) -> Result<(), OpenError> {
        let mut desk = committer.desk();
        committer.take_disk()?;
        let mut draft = Draft::default();
        let now = committer.now(&mut desk, &mut draft);
        let node_log = Arc::clone(desk.node.log());
        if self.founded {
            found(
                committer,
                &mut desk,
                &mut draft,
                &node_log,
                self.founding,
                &self.settings.software,
                &self.settings.recovery.clone().unwrap_or_default(),
                None,
                now,
            );
        }
        for event in self.events(committer) {
            let prepared = desk.node.say(&event);
            desk.sequencer.add(&mut draft, &node_log, prepared, now);
        }
        if self.founded {
            committer.books.add_log(&node_log);
        }
        let notes = committer.notes_of_all_grown(&mut desk);
        committer
            .write_with(desk, draft, &notes)
            .map_err(OpenError::Refused)
    }

    /// Repairs first, then the clock, then the start.
    fn events(&self, committer: &Committer) -> Vec<NodeEvent<'_>> {
        let mut events: Vec<NodeEvent<'_>> =
            self.repairs.iter().map(recover::Repair::event).collect();
        if committer.books.store().describe().moved {
            events.push(NodeEvent::Moved {
                store: committer.books.store().describe().store_id,
            });
        }
        if let Some(by) = &self.settings.accept_register
            && self.without_register
        {
            events.push(NodeEvent::RegisterLost { by: by.into() });
        }
        if let Some(by) = &self.settings.accept_clock {
            events.push(NodeEvent::ClockAccept {
                wall: self.wall,
                last: self.last_time,
                by: by.into(),
            });
        }
        if let Some((first, last, ent)) = self.unnamed {
            events.push(NodeEvent::Pack { first, last, ent });
        }
        let info = committer.books.store().describe();
        events.push(NodeEvent::Start {
            software: self.settings.software.as_str().into(),
            volatile: info.volatile,
            register: info.register_configured,
            warnings: info.warnings.clone(),
        });
        events
    }
}

pub(super) fn new_log(
    index: usize,
    founding: &Founding<'_>,
    name: &str,
    incarnation: [u8; 8],
) -> Result<Arc<Log>, OpenError> {
    let incarnation: String = incarnation
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let origin = format!("{}/{name}/{incarnation}", founding.origin);
    if Origin::parse(&origin).is_none() {
        return Err(OpenError::BadName(origin));
    }
    let log = Log::new(index, origin);
    log.set_event_bytes_max(EVENT_BYTES_DEFAULT);
    Ok(Arc::new(log))
}

/// Orders record 0 of a log. The batch makes it true.
#[expect(
    clippy::too_many_arguments,
    reason = "a genesis names all of these; a struct of them would exist for this one call"
)]
pub(super) fn found(
    committer: &Committer,
    desk: &mut Desk,
    draft: &mut Draft,
    log: &Arc<Log>,
    founding: &Founding<'_>,
    software: &str,
    recovery: &RecoverySet,
    node_log: Option<Hash>,
    now: Time,
) {
    let info = committer.books.store().describe();
    let keys = committer.keys();
    let verifier = keys.log_key(log).verifier().to_string();
    let (node, store) = (crate::hex16(&info.node_id), crate::hex16(&info.store_id));
    let genesis = Genesis {
        origin: log.origin(),
        node_log,
        keys: vec![&verifier],
        recovery: Recovery {
            threshold: recovery.0,
            keys: recovery.1.iter().map(String::as_str).collect(),
        },
        batch_key: node_log.is_none().then(|| keys.batch_key.public()),
        node: &node,
        store: &store,
        event_bytes: u64::try_from(EVENT_BYTES_DEFAULT).expect("a limit fits 64 bits"),
        key_horizon: committer.resend.sealed.horizon(),
        creator: founding.creator,
        software,
    };
    let prepared = desk.node.genesis(log, &genesis);
    let recorded = desk.sequencer.add(draft, log, prepared, now);
    log.id_or(recorded.entry);
    if let Some(key) = genesis.batch_key {
        committer.batch_keys().name(0, key, false);
    }
}
