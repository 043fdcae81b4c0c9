//! Taking sealed files away: what only the program that merges packs does, under a record, when others stand for them.
//!
//! Not part of [`Store`](crate::Store), so that whoever holds a store can't do it: one has to ask for it by this name.

use super::LocalStore;
use crate::{StoreError, names};

/// The right to retire sealed files of a store that is open for writing.
pub struct Retirer<'a> {
    store: &'a LocalStore,
}

impl<'a> Retirer<'a> {
    /// Takes it, for the one program whose task this is.
    #[must_use]
    pub fn new(store: &'a LocalStore) -> Retirer<'a> {
        Retirer { store }
    }

    /// Moves `sealed/…` out of the way and removes it. That it is out of the way is durable when this returns; a crash before that leaves it
    /// where it was, or in `build/`, which the next start empties.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for other names or without the right to write; [`StoreError::NotFound`]; [`StoreError::Io`].
    pub fn retire(&self, name: &str) -> Result<(), StoreError> {
        let store = self.store;
        store.check_writable()?;
        names::check(name, &["sealed/"])?;
        let path = store.root.join(name);
        if let Err(source) = path.symlink_metadata() {
            return Err(StoreError::reading(
                format!("look at {}", path.display()),
                source,
            ));
        }
        let away = format!("retired-{}-{}", store.next_build(), names::component(name));
        let away = store.root.join("build").join(away);
        if !store.disk.rename_new(&path, &away)? {
            return Err(StoreError::refused(
                "a retired file of that name lies in build/",
            ));
        }
        store.disk.sync_directory(&store.root.join("sealed"))?;
        store.disk.sync_directory(&store.root.join("build"))?;
        store.disk.remove(&away)?;
        store.disk.sync_directory(&store.root.join("build"))
    }
}
