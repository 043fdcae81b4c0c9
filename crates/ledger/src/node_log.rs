//! What the node says of itself: the records of `_node` and the genesis records of all logs.
//!
//! Only this module makes kinds other than `event`. Their forms stand in `docs/spec/record.md` and `keys.md`.

use crate::books::Log;
use crate::caller::{Caller, Prepared};
use crate::clock::Alarm;
use indelible_proof::genesis::Genesis;
use indelible_proof::head::{Kind, Own, Shared};
use indelible_proof::key_event::KeyEvent;
use indelible_proof::node_event::NodeEvent;
use std::sync::Arc;

/// Prepares the node's own records.
pub(crate) struct NodeLog {
    log: Arc<Log>,
    caller: Caller,
    /// `node:<node id>`
    by: String,
}

impl NodeLog {
    pub(crate) fn new(log: Arc<Log>, caller: Caller, node: &[u8; 16]) -> NodeLog {
        NodeLog {
            log,
            caller,
            by: format!("node:{}", crate::hex16(node)),
        }
    }

    /// The log named `_node`.
    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// A record of `_node`.
    pub(crate) fn say(&mut self, event: &NodeEvent<'_>) -> Prepared {
        let log = Arc::clone(&self.log);
        self.say_in(&log, event)
    }

    /// A record of the log that it concerns.
    pub(crate) fn say_in(&mut self, log: &Arc<Log>, event: &NodeEvent<'_>) -> Prepared {
        let mut json = Vec::new();
        event.encode(&mut json);
        self.record(log, event.kind(), &json)
    }

    /// Record 0 of a log.
    pub(crate) fn genesis(&mut self, log: &Arc<Log>, genesis: &Genesis<'_>) -> Prepared {
        let mut json = Vec::new();
        genesis.encode(&mut json);
        self.record(log, Kind::Genesis, &json)
    }

    /// A record that gives a log its next keys.
    pub(crate) fn key(&mut self, log: &Arc<Log>, event: &KeyEvent<'_>) -> Prepared {
        let mut json = Vec::new();
        event.encode(&mut json);
        self.record(log, Kind::Key, &json)
    }

    /// A trouble of the clock.
    pub(crate) fn clock_alarm(&mut self, alarm: &Alarm) -> Prepared {
        match *alarm {
            Alarm::Ahead { wall, by_boot } => self.say(&NodeEvent::ClockAhead { wall, by_boot }),
            Alarm::Back { wall, last } => self.say(&NodeEvent::ClockBack { wall, last }),
        }
    }

    fn record(&mut self, log: &Arc<Log>, kind: Kind, json: &[u8]) -> Prepared {
        let shared = Shared {
            kind,
            by: &self.by,
            via: "node/self",
            from: None,
            cert: None,
            policy: None,
            format: None,
        };
        let own = Own {
            occurred: None,
            stream: None,
            key: None,
            psig: None,
        };
        self.caller
            .prepare_any(log.head_start(), &shared, &own, json, None)
            .expect("the node's own events obey the profile and its heads are short")
    }
}
