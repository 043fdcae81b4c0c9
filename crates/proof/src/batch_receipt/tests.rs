use super::*;
use crate::note::sign_line;
use crate::tree::Leaves;
use alloc::format;
use proptest::prelude::*;

const ORIGIN: &str = "log.example.org/orders/00112233445566ff";

fn head(seq: u64) -> Vec<u8> {
    format!("head {seq}").into_bytes()
}

/// A tree whose heads are not valid ones: the form does not look.
fn entries(size: u64) -> Vec<Hash> {
    (0..size).map(|seq| hash::entry(&head(seq))).collect()
}

fn note(size: u64, root: Hash) -> String {
    let checkpoint = Checkpoint {
        origin: ORIGIN,
        size,
        root,
    };
    let mut note = checkpoint.encode();
    note.push('\n');
    sign_line(ORIGIN, [1, 2, 3, 4], b"signature", &mut note);
    note
}

/// Every record of the range has the receipt that the whole tree gives.
fn check(first: u64, count: u64, size: u64) {
    let entries = entries(size);
    let leaves: Vec<Hash> = entries.iter().map(hash::leaf).collect();
    let tree = Leaves(&leaves);
    let note = note(size, tree.root(0, size).unwrap());
    let (left, right) = subtree::prove(&tree, first, count, size).unwrap();
    let text = encode(first, count, &left, &right, &note);
    let batch = BatchReceipt::parse(text.as_bytes()).unwrap();
    assert_eq!((batch.first, batch.count), (first, count));
    assert!(batch.fits_its_tree());
    let place = |seq: u64| usize::try_from(seq).unwrap();
    let mine = &entries[place(first)..place(first + count)];
    for seq in first..first + count {
        let proof = inclusion::prove(&tree, seq, size).unwrap();
        assert_eq!(
            derive(&batch, mine, seq, &head(seq)),
            Ok(receipt::encode(&head(seq), seq, &proof, &note)),
            "{seq} of {first} + {count} in {size}"
        );
    }
    assert_eq!(
        derive(&batch, mine, first + count, &head(first + count)),
        Err(DeriveError::NotOfIt)
    );
    assert_eq!(
        derive(&batch, mine, first, &head(first + 1)),
        Err(DeriveError::RootMismatch)
    );
    let mut altered = mine.to_vec();
    altered[0] = Hash([7; 32]);
    if count > 1 {
        assert_eq!(
            derive(&batch, &altered, first + 1, &head(first + 1)),
            Err(DeriveError::RootMismatch)
        );
    }
    // The proof of a record is made of the others' entries. Its own must be right in the list all the same.
    assert_eq!(
        derive(&batch, &altered, first, &head(first)),
        Err(DeriveError::RootMismatch)
    );
    let more = [mine, &[Hash([7; 32])]].concat();
    assert_eq!(
        derive(&batch, &more, first, &head(first)),
        Err(DeriveError::RootMismatch)
    );
}

#[test]
fn a_record_of_a_batch_has_the_receipt_that_the_log_gives() {
    for size in 1..20 {
        for first in 0..size {
            for count in 1..=size - first {
                check(first, count, size);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn so_has_a_record_of_a_batch_at_any_place(size in 1_u64..700, a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let first = u64::try_from(a.index(usize::try_from(size).unwrap())).unwrap();
        let count = 1 + u64::try_from(b.index(usize::try_from(size - first).unwrap())).unwrap();
        check(first, count.min(40), size);
    }

    #[test]
    fn no_bytes_stop_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = BatchReceipt::parse(&bytes).is_ok();
        let text = [b"indelible-batch-receipt-v1\nfirst 0\ncount 1\n", &bytes[..]].concat();
        prop_assert!(BatchReceipt::parse(&text).is_err());
    }
}

#[test]
fn a_later_version_is_told_from_rubbish() {
    let read = |text: &str| BatchReceipt::parse(text.as_bytes()).err();
    assert_eq!(
        read("indelible-batch-receipt-v2\n"),
        Some(Integrity::UnsupportedVersion)
    );
    for text in [
        "",
        "indelible-batch-receipt",
        "indelible-batch-receipt-v\n",
        "indelible-batch-receipt-v00\n",
        "indelible-batch-receipt-v1",
    ] {
        assert_eq!(
            read(text),
            Some(Integrity::Malformed(Part::Line(1))),
            "{text}"
        );
    }
}
