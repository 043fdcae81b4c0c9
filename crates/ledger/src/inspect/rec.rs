//! A `.rec` file: its header, then frame after frame.

use super::{Wrong, read_at, wide};
use crate::format::frame::{FRAME_HEADER_BYTES, FrameView, stored_len};
use crate::format::limits::RECORD_RAW_BYTES_MAX;
use crate::format::pack::{REC_HEADER_BYTES, RecHeader};
use std::io::{self, Read, Seek};

/// What a `.rec` file says of itself.
#[derive(Clone, Copy, Debug)]
pub struct RecSeen {
    /// The header, if it can be read.
    pub header: Option<RecHeader>,
    /// Bytes of the file.
    pub length: u64,
}

/// One frame.
pub struct FrameSeen<'a> {
    /// From the file's beginning.
    pub offset: u64,
    /// Its header was in order.
    pub frame: FrameView<'a>,
    /// Whether its check is right.
    pub sound: bool,
}

/// Goes over the whole file, as far as each frame says where the next begins.
///
/// # Errors
/// The source's.
pub fn rec(
    source: &mut (impl Read + Seek),
    begin: &mut dyn FnMut(&RecSeen),
    frame: &mut dyn FnMut(&FrameSeen<'_>),
    wrong: &mut dyn FnMut(Wrong),
) -> io::Result<()> {
    let length = source.seek(io::SeekFrom::End(0))?;
    let decoded = RecHeader::decode(&read_at(source, 0, REC_HEADER_BYTES)?);
    let header = decoded.as_ref().ok().copied();
    begin(&RecSeen { header, length });
    match decoded {
        Ok(header) if header.length != length => {
            let what = format!("the file has {length} bytes instead of {}", header.length);
            wrong(Wrong::new(96, what));
        }
        Ok(_) => {}
        Err(error) => {
            let fault = Wrong::from_format(error, 0);
            let unsupported = fault.unsupported;
            wrong(fault);
            if unsupported {
                return Ok(());
            }
        }
    }
    let mut at = wide(REC_HEADER_BYTES);
    while at < length {
        let fields = read_at(source, at, FRAME_HEADER_BYTES)?;
        let Some(stored) = stored_len(&fields).filter(|stored| *stored <= STORED_BYTES_MAX) else {
            wrong(Wrong::new(
                at,
                "not a frame; what follows can't be told apart",
            ));
            return Ok(());
        };
        let bytes = read_at(source, at, FRAME_HEADER_BYTES.saturating_add(stored))?;
        match FrameView::walk(&bytes) {
            Ok((view, _)) => {
                let sound = view.is_sound();
                frame(&FrameSeen {
                    offset: at,
                    frame: view,
                    sound,
                });
                if !sound {
                    wrong(Wrong::new(at, "a frame's check is wrong"));
                }
                at = at.saturating_add(wide(view.bytes().len()));
            }
            Err(error) => {
                let fault = Wrong::from_format(error, at);
                wrong(Wrong {
                    what: format!("{}; what follows can't be told apart", fault.what),
                    ..fault
                });
                return Ok(());
            }
        }
    }
    Ok(())
}

/// No writer stores a frame that compression made longer.
const STORED_BYTES_MAX: usize = RECORD_RAW_BYTES_MAX;
