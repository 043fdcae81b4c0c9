//! Listeners on socket files of a node as people run it: who comes is whom the kernel says.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;
mod running;

use bed::Bed;
use running::{Node, bed, change};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Nobody's number.
const NOBODY: u32 = 65_534;

/// A node with an admin listener on a socket file, for the user who runs this. The directory's name is short, as a socket's has to be.
fn node_at(socket: &Path) -> (Bed, Node) {
    let bed = bed();
    let me = rustix::process::getuid().as_raw();
    change(&bed, |text| {
        format!(
            "{text}[[listener]]\npurpose = \"admin\"\nlisten = \"unix:{}\"\n\n[[grant]]\nwho = [\"unix:{me}\"]\nrole = \"operator\"\nlogs = []\n",
            socket.display()
        )
    });
    let node = Node::start(&bed);
    assert!(node.all.contains("listening: admin unix:"), "{}", node.all);
    (bed, node)
}

/// Status and body.
fn ask(socket: &Path, request: &str) -> (u16, serde_json::Value) {
    let mut stream = UnixStream::connect(socket).unwrap();
    let text =
        format!("{request} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let json = serde_json::from_str(body);
    (
        status,
        json.unwrap_or_else(|error| panic!("{error}: {said}")),
    )
}

#[test]
fn an_operator_on_a_socket_file_is_known_by_number_and_operates_the_node() {
    let me = format!("unix:{}", rustix::process::getuid().as_raw());
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("admin");
    let (bed, mut node) = node_at(&socket);
    let (status, who) = ask(&socket, "GET /v1/whoami");
    assert_eq!(
        (status, &who["principal"]),
        (200, &me.clone().into()),
        "{who}"
    );
    assert_eq!(who["listener"], "admin", "{who}");
    assert!(
        who["address"].is_null() && who["certificate"].is_null(),
        "{who}"
    );
    let (status, state) = ask(&socket, "GET /v1/status");
    assert_eq!((status, &state["node"]), (200, &"node.internal".into()));
    let policy = state["policy"].as_u64().unwrap();
    assert_eq!(ask(&socket, "POST /v1/seal").0, 200);
    // What it serves is operation, whoever asks.
    assert_eq!(ask(&socket, "GET /v1/logs/app/records/0").0, 404);
    assert_eq!(ask(&socket, "POST /v1/logs/app/records").0, 404);
    // A table that it puts in force names it.
    change(&bed, |text| {
        text.replacen("role = \"reader\"", "role = \"auditor\"", 1)
    });
    let (status, reloaded) = ask(&socket, "POST /v1/reload");
    assert_eq!(status, 200, "{reloaded}");
    assert!(reloaded["policy"].as_u64().unwrap() > policy);
    // Without a grant for it, it is denied at once, and what it asked for is not done.
    change(&bed, |text| {
        text.replace(&format!("who = [\"{me}\"]"), "who = [\"unix:77777\"]")
    });
    node.signal(rustix::process::Signal::HUP);
    node.until("reloaded");
    for request in ["GET /v1/status", "POST /v1/reload", "POST /v1/seal"] {
        let (status, problem) = ask(&socket, request);
        assert_eq!(
            (status, &problem["code"]),
            (403, &"denied".into()),
            "{problem}"
        );
    }
    assert_eq!(ask(&socket, "GET /v1/whoami").0, 200);
    node.stop();
    assert!(!socket.exists());
    let said = bed.ok(["get", "--log", "_node", "--store", "node/store"]);
    let by: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("\"grants\""))
        .collect();
    assert_eq!(by.len(), 3, "{by:?}");
    assert!(
        by.iter()
            .all(|line| line.contains(&format!("\"by\":\"{me}\""))),
        "{by:?}"
    );
    assert!(said.contains("\"denied\""), "{said}");
}

#[test]
fn another_user_is_kept_out_by_the_file_and_where_it_gets_in_by_the_grants() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let open = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode));
    open(place.path(), 0o755).unwrap();
    let socket = place.path().join("admin");
    let (bed, node) = node_at(&socket);
    let ask = |path: &str| {
        let mut command = Command::new("curl");
        command
            .args(["-sS", "--unix-socket"])
            .arg(&socket)
            .arg(format!("http://node{path}"))
            .current_dir("/")
            .uid(NOBODY)
            .gid(NOBODY);
        command.output().ok()
    };
    let Some(kept_out) = ask("/v1/whoami") else {
        println!("skipped: needs curl");
        return;
    };
    // 7: could not connect.
    assert_eq!(kept_out.status.code(), Some(7), "{kept_out:?}");
    open(&socket, 0o666).unwrap();
    let answer = |path: &str| -> serde_json::Value {
        let told = ask(path).unwrap();
        serde_json::from_slice(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"))
    };
    let who = answer("/v1/whoami");
    assert_eq!(who["principal"], format!("unix:{NOBODY}"), "{who}");
    assert_eq!(who["grants"], serde_json::json!([]), "{who}");
    let denied = answer("/v1/status");
    assert_eq!(
        (&denied["status"], &denied["code"]),
        (&403.into(), &"denied".into()),
        "{denied}"
    );
    assert!(
        denied["detail"]
            .as_str()
            .unwrap()
            .contains(&format!("unix:{NOBODY}")),
        "{denied}"
    );
    node.stop();
    let said = bed.ok(["get", "--log", "_node", "--store", "node/store"]);
    let denied = said
        .lines()
        .find(|line| line.contains("\"denied\""))
        .unwrap();
    assert!(denied.contains(&format!("unix:{NOBODY}")), "{denied}");
}
