//! Makes the filter of some packs from the tags that lie in them.

use super::filter::Filter;
use super::keys::{Group, parts_of, split};
use crate::books::{Books, PackPlace};
use crate::format::pack::{KEY_BYTES, Tag, key_at};
use crate::view::ReadError;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Bytes of tags read at once: a multiple of a tag's.
const CHUNK_TAGS: u64 = 64 << 10;
/// Parts filled in one pass over the tags. More passes for less memory: half a million members of a part take 4 MB.
const PARTS_AT_ONCE: usize = 4;

impl Books {
    /// The filter over the packs that hold any of these batches, which have so many keys together. What else a merged pack holds is
    /// in it too: that costs a little memory, and a look.
    pub(crate) fn key_filter(
        &self,
        batches: RangeInclusive<u64>,
        keys: u64,
    ) -> Result<Group, ReadError> {
        let packs: Vec<Arc<PackPlace>> = {
            let all = self.packs();
            let within = all.iter().filter(|pack| {
                pack.keys > 0
                    && pack.first_batch <= *batches.end()
                    && *batches.start() <= pack.last_batch
            });
            within.cloned().collect()
        };
        let count = parts_of(keys);
        let mut parts = Vec::with_capacity(count);
        while parts.len() < count {
            let from = parts.len();
            let to = count.min(from + PARTS_AT_ONCE);
            let mut members = vec![Vec::new(); to - from];
            for pack in &packs {
                self.tags(pack, &mut |tag| {
                    let (part, member) = split(tag, count);
                    if let Some(own) = part.checked_sub(from).and_then(|at| members.get_mut(at)) {
                        own.push(member);
                    }
                })?;
            }
            for mut own in members {
                parts.push(Filter::build(&mut own));
            }
        }
        Ok(Group {
            batches,
            keys,
            parts,
        })
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
