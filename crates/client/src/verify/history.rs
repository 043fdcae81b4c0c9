//! What the node of a log has shown so far: the newest head that was believed, and the keys that the log has had since the pin.
//!
//! Owns both for as long as the client lives. Nothing gets in that was not judged before, and a head never gives way to a smaller one.

use super::{NotProven, Verifier};
use indelible_proof::hash::Hash;
use indelible_proof::pin::Pin;
use indelible_proof::prove::TreeHead;
use indelible_proof::verdict::{Authenticity, Consistency, Integrity};
use indelible_proof::verify::{ExportVerifier, Known, Report, WalkFile};
use std::sync::{Arc, Mutex, MutexGuard};

/// A signed head that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) head: TreeHead,
    pub(crate) note: Arc<str>,
}

/// See the module.
pub(crate) struct History {
    walk: Mutex<Option<Arc<WalkFile>>>,
    newest: Mutex<Option<Seen>>,
    /// Held while a head is put in its place, so that each is held against the newest.
    placing: tokio::sync::Mutex<()>,
}

impl History {
    pub(super) fn new(walk: Option<WalkFile>) -> History {
        History {
            walk: Mutex::new(walk.map(Arc::new)),
            newest: Mutex::default(),
            placing: tokio::sync::Mutex::default(),
        }
    }

    fn lock_walk(&self) -> MutexGuard<'_, Option<Arc<WalkFile>>> {
        let locked = self.walk.lock();
        locked.expect("no thread panics while it looks at a walk")
    }

    fn lock_newest(&self) -> MutexGuard<'_, Option<Seen>> {
        let locked = self.newest.lock();
        locked.expect("no thread panics while it looks at a head")
    }

    pub(super) fn walk(&self) -> Option<Arc<WalkFile>> {
        self.lock_walk().clone()
    }

    pub(crate) async fn placing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.placing.lock().await
    }

    /// The newest head.
    pub(crate) fn newest(&self) -> Option<Seen> {
        self.lock_newest().clone()
    }

    /// Keeps a head that was shown to lead on from the newest.
    pub(crate) fn learn(&self, seen: Seen) {
        let mut newest = self.lock_newest();
        let is_newer = |old: &Seen| old.head.size < seen.head.size;
        if newest.as_ref().is_none_or(is_newer) {
            *newest = Some(seen);
        }
    }

    /// Keeps a walk that leads from the pin to later keys than the one before. `false`: it says nothing new.
    ///
    /// # Errors
    /// [`NotProven::Walk`].
    pub(super) fn learn_walk(&self, pin: &Pin, bytes: &[u8]) -> Result<bool, NotProven> {
        let wrong = |why: &str| NotProven::Walk(why.to_owned());
        let file = WalkFile::read(bytes).map_err(|error| NotProven::Walk(error.to_string()))?;
        if !file.is_good() {
            return Err(wrong("a step of it is not proven"));
        }
        // Good, and of another log or of keys among which the pinned one never was: as to this pin it says nothing.
        if !file.walk().is_of(pin) {
            return Ok(false);
        }
        let hinges = |file: &WalkFile| -> Vec<(u64, Hash)> {
            let sets = file.walk().sets().iter();
            sets.map(|set| (set.hinge, set.root)).collect()
        };
        let mut kept = self.lock_walk();
        if let Some(old) = kept.as_deref() {
            let (old, new) = (hinges(old), hinges(&file));
            if old.iter().zip(&new).any(|(old, new)| old != new) {
                return Err(wrong("it is another than the one that was shown before"));
            }
            if new.len() <= old.len() {
                return Ok(false);
            }
        }
        *kept = Some(Arc::new(file));
        Ok(true)
    }
}

impl Verifier {
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Judges by the pin and the walk of now.
    pub(crate) fn report(&self, judge: impl FnOnce(Known<'_>) -> Report) -> Report {
        let walk = self.history.walk();
        judge(Known {
            pin: Some(&self.pin),
            walk: walk.as_deref(),
        })
    }

    /// A verifier of an export; `watched` is a size whose root is wanted too.
    pub(crate) fn export(&self, watched: Option<u64>) -> ExportVerifier {
        let walk = self.history.walk();
        let verifier = ExportVerifier::new(Known {
            pin: Some(&self.pin),
            walk: walk.as_deref(),
        });
        match watched {
            Some(size) => verifier.watching(size),
            None => verifier,
        }
    }

    /// Keeps a walk that the node gave.
    ///
    /// # Errors
    /// [`NotProven::Walk`]: it leads nowhere.
    pub(crate) fn learn_walk(&self, bytes: &[u8]) -> Result<bool, NotProven> {
        self.history.learn_walk(&self.pin, bytes)
    }

    /// The head that a report rests on, if all in the report is proven.
    ///
    /// # Errors
    /// [`NotProven`]: what is not.
    pub(crate) fn seen(&self, report: &Report) -> Result<Seen, NotProven> {
        let (verdict, checked) = (&report.verdict, &report.checked);
        if let Some(origin) = checked
            .origin
            .as_ref()
            .filter(|origin| **origin != self.pin.origin())
        {
            return Err(NotProven::OtherLog(origin.clone()));
        }
        match &verdict.integrity {
            Integrity::Ok => {}
            other => return Err(NotProven::Integrity(other.clone())),
        }
        if let Consistency::Fork { one, other } = &verdict.consistency {
            return Err(NotProven::Fork {
                one: one.clone(),
                other: other.clone(),
                proof: None,
            });
        }
        match verdict.authenticity {
            Authenticity::Ok | Authenticity::OkNotYetPostQuantum => {}
            other => return Err(NotProven::Authenticity(other)),
        }
        let head = checked.checkpoint.zip(checked.note.as_deref());
        let ((size, root), note) =
            head.ok_or_else(|| NotProven::Malformed("it names no checkpoint".to_owned()))?;
        Ok(Seen {
            head: TreeHead { size, root },
            note: note.into(),
        })
    }
}
