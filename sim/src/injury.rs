//! One injury to one file: what somebody with access to the disk, or the disk itself, does to bytes.

use crate::dice::Dice;
use crate::disk::SECTOR;
use crate::snapshot::{Kept, put_file};
use std::fs;
use std::io;
use std::ops::Range;

/// A file with other bytes than it had.
pub struct Injury {
    pub way: &'static str,
    pub file: Kept,
    /// The bytes that are not what they were; for a file that was cut, those that are gone.
    pub range: Range<usize>,
    /// What stands there now. `None`: the file is gone.
    now: Option<Vec<u8>>,
}

impl Injury {
    /// Changes bytes within a range of a file. `None`: the dice chose something that changes nothing.
    pub fn of_bytes(
        dice: &mut Dice,
        file: &Kept,
        within: Range<usize>,
    ) -> io::Result<Option<Injury>> {
        let mut now = file.bytes.clone();
        let length = within.len();
        let at = within.start + dice.index(length);
        let sector = usize::try_from(SECTOR).unwrap_or(usize::MAX);
        let start = (at - at % sector).max(within.start);
        let end = (at - at % sector + sector).min(within.end);
        let way = match dice.roll(5) {
            0..=1 => {
                now[at] ^= 1 << dice.roll(8);
                "flipped bit"
            }
            2 => {
                now[start..end].fill(0);
                "sector of zeros"
            }
            3 => {
                dice.fill(&mut now[start..end]);
                "sector of garbage"
            }
            _ => {
                let from = within.start + dice.index(length - (end - start) + 1);
                now.copy_within(from..from + (end - start), start);
                "misplaced sector"
            }
        };
        let differs = |index: &usize| now[*index] != file.bytes[*index];
        let (Some(first), Some(last)) = (within.clone().find(differs), within.rev().find(differs))
        else {
            return Ok(None);
        };
        let injury = Injury {
            way,
            file: file.clone(),
            range: first..last + 1,
            now: Some(now),
        };
        injury.apply().map(|()| Some(injury))
    }

    /// Cuts the file's end off, or takes the file away. `FORMAT` is bound to its inode, so it is cut only: put back, it would be a copy.
    pub fn of_file(dice: &mut Dice, file: &Kept) -> io::Result<Injury> {
        let length = file.bytes.len();
        let must_stay = file.path.ends_with("FORMAT");
        let cut = (length > 0 && (must_stay || dice.one_in(2))).then(|| dice.index(length));
        let injury = Injury {
            way: if cut.is_some() {
                "cut file"
            } else {
                "deleted file"
            },
            file: file.clone(),
            range: cut.unwrap_or(0)..length,
            now: cut.map(|cut| file.bytes[..cut].to_vec()),
        };
        injury.apply().map(|()| injury)
    }

    fn apply(&self) -> io::Result<()> {
        match &self.now {
            Some(bytes) => put_file(&Kept {
                bytes: bytes.clone(),
                ..self.file.clone()
            }),
            None => fs::remove_file(&self.file.path),
        }
    }

    /// Puts the bytes back where the injured ones still stand: whoever ran meanwhile may have done with the file.
    pub fn heal(&self) -> io::Result<()> {
        let there = fs::read(&self.file.path).unwrap_or_default();
        let now = self.now.as_deref().unwrap_or_default();
        let same = there.len() == now.len()
            && there.get(self.range.clone()) == now.get(self.range.clone());
        if !same {
            return Ok(());
        }
        let mut healed = there;
        if let (Some(bytes), Some(good)) = (
            healed.get_mut(self.range.clone()),
            self.file.bytes.get(self.range.clone()),
        ) {
            bytes.copy_from_slice(good);
        }
        put_file(&Kept {
            bytes: healed,
            ..self.file.clone()
        })
    }
}
