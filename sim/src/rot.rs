//! Bytes that rot under a running ledger. It may say that it can't read them; it must not hand out others, take what was sent before for new,
//! or seal what is no longer what was committed. When the bytes are back, so is everything.

use crate::callers::BY;
use crate::injury::Injury;
use crate::layout::{Layout, is_in, is_tail};
use crate::model::{Judged, event, must};
use crate::reading::record_of;
use crate::snapshot::Snapshot;
use crate::world::{World, log_of, short, text};
use indelible_ledger::Refusal;
use indelible_proof::head::Own;

/// Records that are read while bytes are rotten.
const READS: u64 = 12;
/// Keys that are sent again meanwhile.
const RESENDS: u64 = 4;

impl World {
    pub fn rot(&mut self) -> Judged {
        self.old_reader = None;
        self.disk.unplan();
        self.disk.free_room();
        if self.disk.is_hurt() || self.disk.is_short() {
            // Housekeeping was struck and the next caller will hear of it: what the ledger refuses from here on says nothing about rot.
            return Ok(());
        }
        let files = Snapshot::take(&self.site()).map_err(text)?;
        let layout = Layout::read(&files, &self.register());
        let rotting: Vec<_> = files
            .files()
            .iter()
            .enumerate()
            .filter(|(_, file)| is_in(file, "sealed") || is_tail(file))
            .collect();
        let Some((index, file)) = self.dice.pick(&rotting).copied() else {
            return Ok(());
        };
        let slots: Vec<_> = layout
            .slots
            .iter()
            .filter(|slot| slot.file == index)
            .collect();
        let slot = self.dice.pick(&slots).copied();
        if is_tail(file) && slot.is_none() {
            return Ok(());
        }
        let within = slot.map_or(0..file.bytes.len(), |slot| slot.range.clone());
        let Some(injury) = Injury::of_bytes(&mut self.dice, file, within).map_err(text)? else {
            return Ok(());
        };
        let path = short(&self.site(), &file.path);
        self.tell(format!(
            "rot: {}, bytes {} to {} of {path}",
            injury.way, injury.range.start, injury.range.end
        ));
        self.count("rotten bytes under a running ledger", 1);
        self.read_beside_rot()?;
        self.send_again_beside_rot()?;
        let unsealed = slot.is_some_and(|slot| !layout.is_sealed(slot.number));
        if self.dice.one_in(2) {
            self.seal_beside_rot(unsealed)?;
        }
        injury.heal().map_err(text)?;
        if self.dice.one_in(2) {
            self.tell("the rot is healed and the tail sealed");
            self.ledger()?
                .seal()
                .map_err(|error| format!("healed, and not sealed: {error}"))?;
        }
        Ok(())
    }

    fn read_beside_rot(&mut self) -> Judged {
        let ledger = self.ledger()?;
        let books = ledger.books();
        for log in books.logs() {
            for _ in 0..READS {
                let seq = self.dice.roll(log.size());
                let told = self.model().told(log.name(), seq);
                match (books.record(&log, seq), told) {
                    (Ok(stored), Some(told)) => must(record_of(stored)? == told, || {
                        format!("{} {seq}: rot is read back as a record", log.name())
                    })?,
                    (Err(_), _) => self.count("records that could not be read", 1),
                    (Ok(_), None) => {}
                }
            }
        }
        Ok(())
    }

    fn send_again_beside_rot(&mut self) -> Judged {
        for (log, key, number, seq) in self.some_known_keys(RESENDS) {
            let ledger = self.ledger()?;
            let log = log_of(&ledger, &log)?;
            let random = self.dice.random();
            let own = Own {
                key: Some(&key),
                ..Own::default()
            };
            let mut caller = match ledger.caller(&log, random) {
                Ok(caller) => caller,
                Err(_) => continue,
            };
            let prepared = caller
                .prepare(&log, &BY, &own, &event(number))
                .map_err(text)?;
            match ledger.append(&log, prepared) {
                Ok(recorded) => must(recorded.again && recorded.seq == seq, || {
                    format!(
                        "{key} is record {seq}, and beside rot it becomes {}",
                        recorded.seq
                    )
                })?,
                Err(Refusal::Unreadable { .. } | Refusal::NoLook(_) | Refusal::Full) => {}
                Err(refusal) => {
                    return Err(format!(
                        "{key}, sent again beside rot, is refused: {refusal}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// What rots in the tail is not sealed.
    fn seal_beside_rot(&mut self, unsealed: bool) -> Judged {
        match self.ledger()?.seal() {
            Ok(_) => must(!unsealed, || "a rotten batch was sealed".to_owned()),
            Err(error) => {
                self.tell(format!("  not sealed: {error}"));
                self.count("sealings refused for rot", 1);
                Ok(())
            }
        }
    }
}
