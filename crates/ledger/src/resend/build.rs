//! Learns the keys of packs from the tags that lie in them.

use super::keys::SealedKeys;
use super::table;
use crate::books::{Books, PackPlace};
use crate::format::pack::{KEY_BYTES, Tag, key_at};
use crate::limits::{HORIZON_CLASSES, LEARN_KEYS};
use crate::view::ReadError;
use std::sync::Arc;

/// Bytes of tags read at once: a multiple of a tag's.
const CHUNK_TAGS: u64 = 64 << 10;

impl Books {
    /// Seals the keys of these packs, some packs at once: each time all that is young is written anew.
    pub(crate) fn learn_keys(
        &self,
        packs: &[Arc<PackPlace>],
        sealed: &SealedKeys,
    ) -> Result<(), ReadError> {
        let at_once = LEARN_KEYS.min(sealed.horizon().div_ceil(HORIZON_CLASSES));
        let mut packs = packs.iter().filter(|pack| pack.keys > 0).peekable();
        while let Some(pack) = packs.next() {
            let (mut last, mut keys) = (pack, pack.keys);
            let mut entries = Vec::new();
            self.tags(pack, &mut |tag| entries.push(table::entry(tag)))?;
            while let Some(next) = packs.next_if(|next| keys + next.keys <= at_once) {
                self.tags(next, &mut |tag| entries.push(table::entry(tag)))?;
                keys += next.keys;
                last = next;
            }
            sealed.seal(pack.first_batch..=last.last_batch, keys, entries);
            sealed.merge();
        }
        Ok(())
    }

    /// Every tag of a pack.
    fn tags(&self, pack: &PackPlace, see: &mut dyn FnMut(&Tag)) -> Result<(), ReadError> {
        let mut next = 0;
        while next < pack.keys {
            let count = CHUNK_TAGS.min(pack.keys - next);
            let length = usize::try_from(count * KEY_BYTES_U64).expect("a chunk is small");
            let offset = pack.keys_at + next * KEY_BYTES_U64;
            let bytes = self.store().read_at(&pack.ent, offset, length, false)?;
            let (tags, _) = bytes.as_chunks::<KEY_BYTES>();
            tags.iter().for_each(|bytes| see(&key_at(bytes).0));
            next += count;
        }
        Ok(())
    }
}

/// The same as a length in a file.
const KEY_BYTES_U64: u64 = 18;
