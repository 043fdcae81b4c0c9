//! A store that nobody wrote for long.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use crate::bed::Bed;
use indelible_ledger::clock::Clock;
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{Ledger, Settings};
use indelible_proof::time::Time;
use indelible_store::{CreateOptions, LocalStore, OpenOptions};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

/// A clock that stands two months ago.
struct LongAgo;

impl Clock for LongAgo {
    fn wall(&self) -> Option<Time> {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        Time::new(now.as_secs() - 60 * 86_400, 0)
    }
    fn boot_nanos(&self) -> u64 {
        0
    }
}

/// A store that was last written two months ago.
pub fn old_store(bed: &Bed) {
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(bed.path("store.keys"))
        .unwrap();
    let mut file = std::fs::OpenOptions::new();
    let file = file
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(bed.path("store.keys/node-secret"));
    std::io::Write::write_all(
        &mut file.unwrap(),
        NodeSecret::new([7; 32]).file_text().as_bytes(),
    )
    .unwrap();
    let options = CreateOptions {
        origin: "old.example".to_owned(),
        store_id: [1; 16],
        node_id: [2; 16],
        created: "long ago".to_owned(),
        tail_size: 64 << 10,
        keys: None,
        register: None,
        accept_volatile: true,
        faults: None,
    };
    LocalStore::create(&bed.path("store"), options).unwrap();
    let random = || -> indelible_ledger::Random { Box::new(|bytes| bytes.fill(3)) };
    let options = OpenOptions {
        moved: false,
        random: random(),
        faults: None,
    };
    let store = LocalStore::open_write(&bed.path("store"), options).unwrap();
    let secret = NodeSecret::new([7; 32]);
    let ledger = Ledger::open(
        Arc::new(store),
        secret,
        Arc::new(LongAgo),
        random(),
        Settings::default(),
        "unix:0",
    )
    .unwrap();
    ledger.close("long ago").unwrap();
}
