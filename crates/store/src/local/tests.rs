use std::path::Path;

use tempfile::TempDir;

use super::{CreateOptions, LocalStore, OpenOptions};
use crate::conformance::{self, Opener};

fn create_options(directory: &Path) -> CreateOptions {
    CreateOptions {
        origin: "example.org/node".to_owned(),
        store_id: *b"a store's own id",
        node_id: *b"its node's id...",
        created: "2026-01-02T03:04:05Z".to_owned(),
        tail_size: 64 << 10,
        keys: None,
        register: Some(directory.join("register")),
        accept_volatile: true,
        faults: None,
    }
}

/// Different at each call, and the same in each run.
fn random() -> super::Random {
    let mut state = 1_u8;
    Box::new(move |buffer| {
        for byte in buffer {
            state = state.wrapping_mul(5).wrapping_add(7);
            *byte = state;
        }
    })
}

fn open_options() -> OpenOptions {
    OpenOptions {
        moved: false,
        random: random(),
        faults: None,
    }
}

#[test]
fn a_local_directory_keeps_the_contract() {
    conformance::run(&|| -> Opener {
        let directory = TempDir::new().unwrap();
        LocalStore::create(
            &directory.path().join("store"),
            create_options(directory.path()),
        )
        .unwrap();
        Box::new(move || {
            Box::new(
                LocalStore::open_write(&directory.path().join("store"), open_options()).unwrap(),
            )
        })
    });
}
