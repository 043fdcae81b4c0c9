//! What a node records of itself while it serves, verified by both verifiers: as it is, and with a bit of it turned.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;
mod running;

use bed::{Bed, second_verifier};
use running::{Node, append, bed};
use std::os::unix::fs::PermissionsExt;

/// How a record of each sort begins, and what in it is changed: for another text of the same form.
const SORTS: [(&str, &str); 3] = [
    ("{\"node\":\"grants\",", "spiffe://node.internal/producer"),
    ("{\"node\":\"networks\",", "127.0.0.1:0"),
    ("{\"node\":\"denied\",", "spiffe://node.internal/reader"),
];

/// Where in these bytes a part of such a record stands.
fn place(bytes: &[u8], (begins, part): (&str, &str)) -> usize {
    let find = |from: usize, text: &str| {
        let found = bytes[from..]
            .windows(text.len())
            .position(|some| some == text.as_bytes());
        from + found.unwrap_or_else(|| panic!("not there: {text}"))
    };
    // The last byte: the name stays one, the address too.
    find(find(0, begins), part) + part.len() - 1
}

fn verified(bed: &Bed, pin: &str) -> [i32; 3] {
    let export = bed.run(["verify", "--export", "export", "--pin", pin]);
    let store = bed.run(["verify", "--store", "node/store", "--pin", pin]);
    let codes = [export.code, store.code];
    let Some(second) = second_verifier(bed, &["--pin", pin, "export"]) else {
        return [codes[0], codes[1], codes[0]];
    };
    assert_eq!(bed::axes(&export.out), bed::axes(&second.out));
    [codes[0], codes[1], second.code]
}

#[test]
fn records_of_grants_networks_and_denials_verify_and_a_bit_turned_in_one_is_found() {
    let bed = bed();
    let node = Node::start(&bed);
    assert!(append(&node.client(&bed, "reader"), "{\"id\":1}").is_err());
    node.stop();
    let of_node = ["--log", "_node", "--store", "node/store"];
    let pin = bed.ok([&["pin"], &of_node[..]].concat()).trim().to_owned();
    let export = bed.ok([&["export"], &of_node[..]].concat());
    bed.write("export", &export);
    assert_eq!(verified(&bed, &pin), [0, 0, 0]);
    let tail = bed.path("node/store/tail/000000000000");
    let whole = std::fs::read(&tail).unwrap();
    std::fs::set_permissions(&tail, PermissionsExt::from_mode(0o600)).unwrap();
    for sort in SORTS {
        let mut changed = export.clone().into_bytes();
        changed[place(export.as_bytes(), sort)] ^= 1;
        bed.write("export", &changed);
        let mut changed = whole.clone();
        changed[place(&whole, sort)] ^= 1;
        std::fs::write(&tail, changed).unwrap();
        assert_eq!(verified(&bed, &pin), [1, 1, 1], "{sort:?}");
        let said = bed.run(["verify", "--export", "export", "--pin", &pin]);
        assert!(said.out.contains("integrity: event altered("), "{said:?}");
        bed.write("export", &export);
        std::fs::write(&tail, &whole).unwrap();
    }
    assert_eq!(verified(&bed, &pin), [0, 0, 0]);
}
