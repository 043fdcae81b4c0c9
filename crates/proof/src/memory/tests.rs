use super::*;
use crate::note::sign_line;
use alloc::vec;
use ed25519_dalek::{Signer as _, SigningKey};

const ORIGIN: &str = "log.example.org/orders/00112233445566ff";

fn key(number: u8) -> VerifierKey {
    let secret = SigningKey::from_bytes(&[number; 32]);
    VerifierKey::ed25519(ORIGIN, secret.verifying_key().to_bytes())
}

/// The checkpoint of a size, with a root made of one byte.
fn note(signer: u8, size: u64, root: u8) -> String {
    let checkpoint = Checkpoint {
        origin: ORIGIN,
        size,
        root: Hash([root; 32]),
    };
    let mut note = checkpoint.encode();
    let signature = SigningKey::from_bytes(&[signer; 32]).sign(note.as_bytes());
    note.push('\n');
    sign_line(ORIGIN, key(signer).id(), &signature.to_bytes(), &mut note);
    note
}

fn head(size: u64, root: u8) -> TreeHead {
    TreeHead {
        size,
        root: Hash([root; 32]),
    }
}

/// Remembers size 5 with root 1, and looks at another checkpoint.
fn compare(new: &str, begins_with: &[TreeHead], is_current: bool) -> Compared {
    let mut memory = Memory::default();
    assert!(memory.learn(&note(7, 5, 1)));
    let memory = Memory::parse(&memory.encode()).unwrap();
    memory.compare(&Seen {
        keys: &[key(7)],
        note: new,
        begins_with,
        is_current,
    })
}

#[test]
fn the_same_history_is_consistent() {
    for (new, heads) in [
        (note(7, 5, 1), vec![]),
        (note(7, 9, 2), vec![head(5, 1)]),
        (note(7, 9, 2), vec![head(4, 3), head(5, 1)]),
    ] {
        assert_eq!(compare(&new, &heads, true), plain(Consistency::Ok));
    }
}

#[test]
fn two_histories_are_a_fork_and_both_notes_are_kept() {
    let one = note(7, 5, 1);
    for (other, heads, at_old) in [
        (note(7, 5, 2), vec![], None),
        (note(7, 9, 2), vec![head(5, 3)], Some(head(5, 3))),
    ] {
        let compared = compare(&other, &heads, true);
        let (one, other) = (one.clone(), other);
        assert_eq!(compared.consistency, Consistency::Fork { one, other });
        assert_eq!(compared.other, at_old);
    }
}

#[test]
fn a_tree_that_nobody_signed_is_no_fork() {
    // The newer file leads to another tree of the remembered size than was signed, and its own checkpoint is smaller.
    let compared = compare(&note(7, 4, 9), &[head(5, 3)], true);
    let newer = note(7, 5, 1);
    assert_eq!(compared, plain(Consistency::Rollback { newer }));
}

#[test]
fn who_is_not_told_whether_it_is_consistent_is_told_why() {
    let why = |new: &str, is_current| compare(new, &[], is_current).why.unwrap_or_default();
    assert!(why(&note(7, 4, 9), false).starts_with("it is older than what is remembered"));
    assert!(why(&note(7, 9, 9), false).starts_with("it does not show the tree"));
    assert!(why(&note(7, 9, 9), true).starts_with("it does not show the tree"));
    assert_eq!(compare(&note(7, 5, 1), &[], false).why, None);
}

#[test]
fn a_memory_is_read_up_to_its_largest_size() {
    let bytes = |length: usize| {
        let mut bytes = b"indelible-memory-v1\n".to_vec();
        bytes.resize(length, b'x');
        bytes
    };
    for length in [MEMORY_BYTES_MAX - 1, MEMORY_BYTES_MAX] {
        assert_eq!(Memory::parse(&bytes(length)), Err(MemoryError::Line(2)));
    }
    for length in [MEMORY_BYTES_MAX + 1, MEMORY_BYTES_MAX + 2] {
        assert_eq!(Memory::parse(&bytes(length)), Err(MemoryError::TooLarge));
    }
}

#[test]
fn a_smaller_tree_is_a_step_back_where_the_newest_was_due() {
    let newer = note(7, 5, 1);
    let old = note(7, 4, 9);
    let rollback = Consistency::Rollback { newer };
    assert_eq!(compare(&old, &[], true).consistency, rollback);
    let receipt = compare(&old, &[], false);
    assert_eq!(receipt.consistency, Consistency::UncheckedThoughAsked);
}

#[test]
fn what_can_not_be_compared_is_not_consistent() {
    let compared = compare(&note(7, 9, 2), &[head(4, 1)], true);
    assert_eq!(compared.consistency, Consistency::UncheckedThoughAsked);
    assert!(compared.why.is_some());
    // Remembered under a key that is not the one trusted now.
    let mut memory = Memory::default();
    memory.learn(&note(8, 5, 1));
    let seen = Seen {
        keys: &[key(7)],
        note: &note(7, 5, 2),
        begins_with: &[],
        is_current: true,
    };
    let compared = memory.compare(&seen);
    assert_eq!(compared.consistency, Consistency::UncheckedThoughAsked);
    assert_eq!(
        Memory::default().compare(&seen).consistency,
        Consistency::Unchecked
    );
}

#[test]
fn only_a_larger_tree_is_learnt() {
    let mut memory = Memory::default();
    assert!(memory.learn(&note(7, 5, 1)) && memory.learn(&note(7, 6, 2)));
    assert!(!memory.learn(&note(7, 6, 3)) && !memory.learn(&note(7, 5, 1)) && !memory.learn("x"));
    assert_eq!((memory.head(ORIGIN), memory.logs()), (Some(head(6, 2)), 1));
    assert_eq!(Memory::default().logs(), 0);
}

#[test]
fn a_memory_has_one_form() {
    let mut memory = Memory::default();
    memory.learn(&note(7, 5, 1));
    let bytes = memory.encode();
    assert_eq!(Memory::parse(&bytes), Ok(memory));
    let empty = b"indelible-memory-v1\n";
    assert_eq!(Memory::parse(empty), Ok(Memory::default()));
    let line = &bytes[empty.len()..];
    for (number, wrong) in [
        (1, Vec::new()),
        (1, b"indelible-memory-v2\n".to_vec()),
        (2, bytes[..bytes.len() - 1].to_vec()),
        (2, [empty, &b"\n"[..]].concat()),
        (3, [&bytes[..], line].concat()),
        (3, [&bytes[..], b"x\n"].concat()),
    ] {
        assert_eq!(Memory::parse(&wrong), Err(MemoryError::Line(number)));
    }
}
