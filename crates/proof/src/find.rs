//! Finds one byte in many: the end of a line, of a head, of a string.

/// Bytes that are compared at once; the compiler makes vector code of it. Strings of a head are about as long.
const BLOCK_BYTES: usize = 32;

/// The place of the first `byte`.
pub(crate) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
    let is_without =
        |block: &&[u8; BLOCK_BYTES]| !block.iter().fold(false, |found, at| found | (*at == byte));
    let passed = blocks.iter().take_while(is_without).count();
    let block = blocks.get(passed).map_or(rest, |block| block.as_slice());
    let place = block.iter().position(|at| *at == byte)?;
    passed.checked_mul(BLOCK_BYTES)?.checked_add(place)
}

/// The bytes up to the first `byte` and with it, and what follows.
pub(crate) fn split_after(byte: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(find(byte, bytes)?.checked_add(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_of_equal_bytes_is_found(bytes in prop::collection::vec(0_u8..40, 0..200), byte in 0_u8..40) {
            prop_assert_eq!(find(byte, &bytes), bytes.iter().position(|at| *at == byte));
            match split_after(byte, &bytes) {
                Some((taken, rest)) => {
                    prop_assert_eq!(taken.iter().position(|at| *at == byte), Some(taken.len() - 1));
                    let both: Vec<u8> = [taken, rest].concat();
                    prop_assert_eq!(both, bytes);
                }
                None => prop_assert!(!bytes.contains(&byte)),
            }
        }
    }
}
