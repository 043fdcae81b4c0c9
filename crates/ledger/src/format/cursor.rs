//! Reading and writing fixed fields and varints, without an index anywhere.

use super::FormatError;
use indelible_proof::hash::Hash;
use indelible_proof::time::Time;

const EARLY_END: &str = "the bytes end too early";

/// A place in bytes that only moves forward.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// An error at this place.
    pub(super) fn damaged(&self, what: &'static str) -> FormatError {
        FormatError::Damaged {
            offset: self.at,
            what,
        }
    }

    /// Refuses at this place unless `good`.
    pub(super) fn require(&self, good: bool, what: &'static str) -> Result<(), FormatError> {
        if good {
            Ok(())
        } else {
            Err(self.damaged(what))
        }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.damaged(EARLY_END))?;
        (self.rest, self.at) = (rest, self.at + length);
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], FormatError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.damaged(EARLY_END))?;
        (self.rest, self.at) = (rest, self.at + N);
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, FormatError> {
        let [byte] = *self.array()?;
        Ok(byte)
    }

    pub(super) fn u16_le(&mut self) -> Result<u16, FormatError> {
        self.array().copied().map(u16::from_le_bytes)
    }

    pub(super) fn u32_le(&mut self) -> Result<u32, FormatError> {
        self.array().copied().map(u32::from_le_bytes)
    }

    pub(super) fn u64_le(&mut self) -> Result<u64, FormatError> {
        self.array().copied().map(u64::from_le_bytes)
    }

    pub(super) fn u32_be(&mut self) -> Result<u32, FormatError> {
        self.array().copied().map(u32::from_be_bytes)
    }

    pub(super) fn u64_be(&mut self) -> Result<u64, FormatError> {
        self.array().copied().map(u64::from_be_bytes)
    }

    pub(super) fn hash(&mut self) -> Result<Hash, FormatError> {
        self.array().copied().map(Hash)
    }

    pub(super) fn time_le(&mut self) -> Result<Time, FormatError> {
        let start = *self;
        let (secs, nanos) = (self.u64_le()?, self.u32_le()?);
        Time::new(secs, nanos).ok_or_else(|| start.damaged("not a time"))
    }

    pub(super) fn time_be(&mut self) -> Result<Time, FormatError> {
        let start = *self;
        let (secs, nanos) = (self.u64_be()?, self.u32_be()?);
        Time::new(secs, nanos).ok_or_else(|| start.damaged("not a time"))
    }

    /// Bytes that a later version may use; this one writes zeros.
    pub(super) fn zeros<const N: usize>(&mut self) -> Result<(), FormatError> {
        let start = *self;
        start.require(*self.array::<N>()? == [0; N], "reserved bytes are not zero")
    }

    /// A length in memory.
    pub(super) fn len_le(&mut self) -> Result<usize, FormatError> {
        let start = *self;
        usize::try_from(self.u32_le()?).map_err(|_| start.damaged("a length beyond this machine"))
    }

    /// See [`Cursor::len_le`].
    pub(super) fn len_be(&mut self) -> Result<usize, FormatError> {
        let start = *self;
        usize::try_from(self.u32_be()?).map_err(|_| start.damaged("a length beyond this machine"))
    }

    /// LEB128 of at most `bytes_max` bytes in its shortest form.
    pub(super) fn varint(&mut self, bytes_max: u32) -> Result<u64, FormatError> {
        let start = *self;
        let mut value = 0_u64;
        for place in 0..bytes_max {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << (7 * place);
            start.require(shifted >> (7 * place) == bits, "a number beyond 64 bits")?;
            value |= shifted;
            if byte & 0x80 == 0 {
                start.require(byte != 0 || place == 0, "a number not in its shortest form")?;
                return Ok(value);
            }
        }
        Err(start.damaged("a number that is too long"))
    }

    /// The length of a string or event: a varint of at most 5 bytes.
    pub(super) fn varint_len(&mut self) -> Result<usize, FormatError> {
        let start = *self;
        usize::try_from(self.varint(LENGTH_VARINT_BYTES)?)
            .map_err(|_| start.damaged("a length beyond this machine"))
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), FormatError> {
        self.require(self.rest.is_empty(), "bytes are left over")
    }
}

const LENGTH_VARINT_BYTES: u32 = 5;

/// Appends LEB128 in its shortest form.
pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// The varint of a length in memory.
pub(super) fn put_length(length: usize, out: &mut Vec<u8>) {
    put_varint(
        u64::try_from(length).expect("a length in memory is below 2^64"),
        out,
    );
}

/// Appends seconds and nanoseconds, little-endian.
pub(super) fn put_time_le(time: Time, out: &mut Vec<u8>) {
    out.extend_from_slice(&time.secs().to_le_bytes());
    out.extend_from_slice(&time.nanos().to_le_bytes());
}

/// Fills a layout of fixed size field by field; the fields must fill it exactly.
pub(super) struct Layout<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Layout<N> {
    pub(super) fn new() -> Layout<N> {
        Layout {
            bytes: [0; N],
            at: 0,
        }
    }

    pub(super) fn put(mut self, field: &[u8]) -> Layout<N> {
        let end = self.at + field.len();
        self.bytes
            .get_mut(self.at..end)
            .expect("the fields fit their layout")
            .copy_from_slice(field);
        self.at = end;
        self
    }

    pub(super) fn zeros(mut self, count: usize) -> Layout<N> {
        self.at += count;
        self
    }

    /// CRC-32C of everything before it.
    pub(super) fn crc(self) -> Layout<N> {
        let crc = crc32c::crc32c(
            self.bytes
                .get(..self.at)
                .expect("the fields fit their layout"),
        );
        self.put(&crc.to_le_bytes())
    }

    pub(super) fn done(self) -> [u8; N] {
        assert_eq!(self.at, N, "the fields fill their layout");
        self.bytes
    }
}
