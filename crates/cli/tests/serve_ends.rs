//! Why a node that serves ends by itself, or does not begin, where the machine is at fault: its clock, and a disk that takes no write.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;
mod old;
mod running;

use indelible_client::Claim;
use old::old_store;
use running::{Node, append, bed, change, runtime};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::process::{Command, Stdio};

#[test]
fn a_clock_that_needs_a_decision_has_a_code_of_its_own_and_the_decision_lets_it_start() {
    let bed = bed();
    old_store(&bed);
    change(&bed, |text| {
        text.replace(
            "store = \"store\"",
            "store = \"../store\"\nkeys = \"../store.keys\"",
        )
    });
    let ended = bed.run(["serve", "--config", "node/indelible.toml"]);
    assert_eq!(ended.code, 12, "{ended:?}");
    assert!(
        ended
            .err
            .contains("hint: if the wall clock is right: indelible clock accept --store "),
        "{ended:?}"
    );
    assert!(!ended.err.contains("listening: "), "{ended:?}");
    bed.ok(["clock", "accept"]);
    Node::start(&bed).stop();
}

#[test]
fn a_write_that_fails_ends_the_node_with_a_code_of_its_own_and_nothing_acknowledged_is_lost() {
    let bed = bed();
    // A file may grow no further than a limit of the kernel's, and the signal that says so is not heard: writes fail, with EFBIG.
    let program = env!("CARGO_BIN_EXE_indelible");
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "trap '' XFSZ; exec \"$0\" serve --config node/indelible.toml",
            program,
        ])
        .current_dir(bed.directory())
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let mut node = Node::of(command.spawn().unwrap());
    let client = node.client(&bed, "producer");
    assert_eq!(append(&client, "{\"id\":1}").unwrap(), 1);
    let limit = Rlimit {
        current: Some(512),
        maximum: None,
    };
    prlimit(Some(Pid::from_child(&node.child)), Resource::Fsize, limit).unwrap();
    let claim = Claim::key("second").unwrap();
    let told = runtime().block_on(client.append_as("app", "{\"id\":2}", &claim));
    // What fails first is the event's write, or one that the node does by itself just before: then the event comes too late for any.
    let told = told.unwrap_err();
    let said = node.until("error: ");
    assert!(said.contains("File too large"), "{said}");
    assert!(!told.to_string().contains("store/"), "{told}");
    node.until(
        "hint: look at the disk, then start the node again; what was acknowledged is durable",
    );
    assert_eq!(
        node.child.wait().unwrap().code(),
        Some(15),
        "{said}{}",
        node.all
    );
    // Nothing is wrong with the disk any more.
    let node = Node::start(&bed);
    let client = node.client(&bed, "producer");
    let recorded = runtime()
        .block_on(client.append_as("app", "{\"id\":2}", &claim))
        .unwrap();
    assert_eq!(recorded.seq, 2);
    assert!(told.may_be_recorded() || !recorded.again, "{told}");
    assert_eq!(append(&client, "{\"id\":3}").unwrap(), 3);
    node.stop();
    bed.ok(["verify", "--store", "node/store"]);
}
