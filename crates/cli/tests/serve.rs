//! `indelible serve` as people run it: a process on loopback, its settings, its signals, its end.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;
mod running;

use bed::Bed;
use running::{Node, append, bed, change, runtime};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const BINARY: &str = env!("CARGO_BIN_EXE_indelible");

/// Events of the log, by how often each stands there.
fn events(bed: &Bed) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    let lines = bed.ok([
        "get",
        "--log",
        "app",
        "--from",
        "1",
        "--store",
        "node/store",
    ]);
    for line in lines.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        *found.entry(record["event"]["id"].to_string()).or_default() += 1;
    }
    found
}

#[test]
fn a_stop_under_load_loses_nothing_and_doubles_nothing() {
    let bed = bed();
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..2 {
        let node = Node::start(&bed);
        let client = node.client(&bed, "producer");
        let runtime = runtime();
        let enough = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..8)
            .map(|sender| {
                let (client, enough) = (client.clone(), Arc::clone(&enough));
                runtime.spawn(async move {
                    let mut told = Vec::new();
                    for number in 0.. {
                        let id = format!("{round}-{sender}-{number}");
                        let event = format!("{{\"id\":\"{id}\"}}");
                        match client.append("app", event.as_bytes()).await {
                            Ok(_) => told.push(format!("\"{id}\"")),
                            Err(_) => break,
                        }
                        if told.len() == 20 {
                            enough.store(true, Ordering::Release);
                        }
                    }
                    told
                })
            })
            .collect();
        while !enough.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        node.stop();
        for sender in senders {
            acknowledged.extend(runtime.block_on(sender).unwrap());
        }
    }
    let found = events(&bed);
    assert!(acknowledged.len() >= 40);
    for id in &acknowledged {
        assert_eq!(found.get(id), Some(&1), "{id}");
    }
    assert!(found.values().all(|times| *times == 1), "{found:?}");
    bed.ok(["verify", "--store", "node/store"]);
}

#[test]
fn grants_come_into_force_by_sighup_and_a_file_with_faults_changes_nothing() {
    let bed = bed();
    let mut node = Node::start(&bed);
    let reader = node.client(&bed, "reader");
    assert!(append(&reader, "{\"id\":1}").is_err());
    change(&bed, |text| {
        text.replace("role = \"reader\"", "role = \"producer\"")
    });
    node.signal(Signal::HUP);
    node.until("reloaded");
    append(&reader, "{\"id\":2}").unwrap();
    let sound = bed.read("node/indelible.toml");
    bed.write(
        "node/indelible.toml",
        sound.replace("role = \"producer\"", "rolle = \"producer\""),
    );
    node.signal(Signal::HUP);
    let said = node.until("warning: not reloaded, all stays as it was: ");
    assert!(said.contains("indelible.toml:"), "{said}");
    append(&reader, "{\"id\":3}").unwrap();
    bed.write(
        "node/indelible.toml",
        format!("{sound}[limits]\nseal_minutes = 5\n"),
    );
    node.signal(Signal::HUP);
    node.until("warning: not reloaded, all stays as it was: only a restart can change [limits]");
    append(&reader, "{\"id\":4}").unwrap();
    node.stop();
}

#[test]
fn a_new_certificate_comes_into_force_by_itself_and_a_bad_one_does_not() {
    let bed = bed();
    let mut node = Node::start(&bed);
    let producer = node.client(&bed, "producer");
    append(&producer, "{\"id\":1}").unwrap();
    bed.ok(["quickstart", "other", "--accept-volatile"]);
    // As cert-manager does it: what is named is a link, and the link is put onto another.
    let put = |from: &str, name: &str| {
        let next = bed.path("node/tls/next");
        std::os::unix::fs::symlink(bed.path(from), &next).unwrap();
        std::fs::rename(&next, bed.path("node/tls").join(name)).unwrap();
    };
    put("other/indelible.toml", "node.pem");
    node.until("warning: certificates stay as they were: ");
    append(&node.client(&bed, "producer"), "{\"id\":2}").unwrap();
    put("other/tls/node.key", "node.key");
    put("other/tls/node.pem", "node.pem");
    node.until("new certificates or lists are in force");
    // Who trusts the authority of before alone is not taken in, and who is connected goes on.
    assert!(append(&node.client(&bed, "producer"), "{\"id\":3}").is_err());
    node.stop();
}

#[test]
fn quickstart_writes_for_each_who_connects_where_and_as_whom() {
    let bed = Bed::empty();
    let made = bed.ok(["quickstart", "node", "--accept-volatile", "--port", "9000"]);
    for (who, variable) in [
        ("producer", "INDELIBLE_NODE=https://127.0.0.1:9000"),
        ("reader", "INDELIBLE_QUERY=https://127.0.0.1:9001"),
        ("auditor", "INDELIBLE_QUERY=https://127.0.0.1:9001"),
    ] {
        let text = bed.read(&format!("node/{who}.env"));
        assert!(text.starts_with(&format!("export {variable}\n")), "{text}");
        let pin = bed.read("node/app.pin");
        assert!(
            text.contains(&format!("INDELIBLE_PIN='{}'\n", pin.trim_end())),
            "{text}"
        );
        for name in ["ca.pem", &format!("{who}.pem"), &format!("{who}.key")] {
            let file = bed.path("node/tls").join(name);
            assert!(
                text.contains(&format!("={}\n", file.display())),
                "{name}: {text}"
            );
        }
    }
    assert!(
        format!("{made:?}").contains("reader.env; indelible get --log app"),
        "{made:?}"
    );
}

#[test]
fn the_line_that_dev_prints_works_as_it_stands_and_nothing_is_left() {
    let bed = Bed::empty();
    let mut command = bed.command(["dev"]);
    command
        .env("TMPDIR", bed.directory())
        .env_remove("INDELIBLE_STORE");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut all, mut curl) = (String::new(), String::new());
    while !all.contains("operator  ") {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "{all}");
        if line.starts_with("curl ") {
            curl = line.trim_end().to_owned();
        }
        all.push_str(&line);
    }
    match std::process::Command::new("sh")
        .args(["-c", &format!("{curl} -sS")])
        .output()
    {
        Ok(told) if told.status.code() != Some(127) => {
            let told = String::from_utf8(told.stdout).unwrap();
            let answer: serde_json::Value = serde_json::from_str(&told).unwrap();
            assert_eq!(answer["seq"], 1, "{told}");
        }
        _ => eprintln!("not tried: there is no curl here"),
    }
    for name in [
        "INDELIBLE_NODE=https://127.0.0.1:",
        "INDELIBLE_CA=",
        "INDELIBLE_CERT=",
        "INDELIBLE_KEY=",
        "INDELIBLE_PIN='indelible-pin-v1 ",
    ] {
        assert!(all.contains(&format!("export {name}")), "{name}: {all}");
    }
    // Who reads is somebody else, at another listener.
    let reader = all.lines().find(|line| line.starts_with(". ")).unwrap();
    let script = format!("{reader}; {BINARY} whoami && {BINARY} get --log app --seq 0");
    let told = std::process::Command::new("sh")
        .args(["-c", &script])
        .output();
    let told = String::from_utf8(told.unwrap().stdout).unwrap();
    assert!(told.starts_with("spiffe://dev.example/reader\n"), "{told}");
    assert!(told.contains("\n{\"head\":{\"indelible\":1,"), "{told}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read_dir(bed.directory()).unwrap().count(), 0);
}

#[test]
fn systemd_is_told_when_the_node_is_ready_and_when_it_stops() {
    let bed = bed();
    let socket = UnixDatagram::bind(bed.path("notify")).unwrap();
    let mut command = bed.command(["serve", "--config", "node/indelible.toml"]);
    command
        .env_remove("INDELIBLE_STORE")
        .env("NOTIFY_SOCKET", bed.path("notify"));
    let mut node = Node::of(command.stderr(Stdio::piped()).spawn().unwrap());
    let told = || {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    assert!(told().starts_with("READY=1\n"));
    node.signal(Signal::HUP);
    node.until("reloaded");
    assert!(told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert!(told().starts_with("READY=1\n"));
    node.stop();
    assert_eq!(told(), "STOPPING=1");
}

#[test]
fn each_refusal_to_start_has_its_exit_code() {
    let bed = bed();
    let serve = || bed.run(["serve", "--config", "node/indelible.toml"]);
    let ended = |expected: i32, said: &str| {
        let ended = serve();
        assert_eq!(ended.code, expected, "{ended:?}");
        assert!(ended.err.contains(said), "{ended:?}");
    };
    let sound = bed.read("node/indelible.toml");
    bed.write("node/indelible.toml", sound.replace("[tls]", "[tsl]"));
    ended(10, "no such setting: tsl; the nearest is tls");
    bed.write(
        "node/indelible.toml",
        sound.replace("tls/node.key", "tls/none.key"),
    );
    ended(10, "tls/none.key: ");
    bed.write("node/indelible.toml", format!("keys = \"none\"\n{sound}"));
    ended(11, "no node secret: ");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap();
    bed.write(
        "node/indelible.toml",
        sound.replacen("127.0.0.1:0", &port.to_string(), 1),
    );
    ended(14, "another process listens there");
    bed.write("node/indelible.toml", &sound);
    let node = Node::start(&bed);
    ended(16, "another process is writing to this store");
    node.stop();
    std::fs::remove_file(bed.path("node/store/FORMAT")).unwrap();
    ended(1, "damaged: ");
}

#[test]
fn an_older_copy_put_back_is_refused_with_a_code_of_its_own() {
    let bed = bed();
    bed.ok([
        "init",
        "--store",
        "guarded",
        "--origin",
        "a.internal",
        "--register",
        "register",
        "--tail-size",
        "64KiB",
    ]);
    change(&bed, |text| {
        text.replace("store = \"store\"", "store = \"../guarded\"")
    });
    bed.ok(["log", "create", "payments", "--store", "guarded"]);
    let tail = bed.path("guarded/tail/000000000000");
    let old = std::fs::read(&tail).unwrap();
    bed.ok(["log", "create", "refunds", "--store", "guarded"]);
    std::fs::write(&tail, old).unwrap();
    let ended = bed.run(["serve", "--config", "node/indelible.toml"]);
    assert_eq!(ended.code, 13, "{ended:?}");
    std::fs::rename(bed.path("register"), bed.path("gone")).unwrap();
    let ended = bed.run(["serve", "--config", "node/indelible.toml"]);
    assert_eq!(ended.code, 13, "{ended:?}");
}

#[test]
fn what_quickstart_makes_is_closed_to_others_and_nothing_is_replaced() {
    let bed = Bed::empty();
    bed.ok(["quickstart", "node", "--accept-volatile"]);
    let mode = |name: &str| bed.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("node"), 0o700);
    for name in ["ca", "node", "producer", "reader", "auditor", "operator"] {
        assert_eq!(mode(&format!("node/tls/{name}.key")), 0o600, "{name}");
    }
    let before = bed.read("node/tls/ca.key");
    let ended = bed.run(["quickstart", "node"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert_eq!(
        ended.err,
        "error: the directory is not empty: node\nhint: name one that isn't there yet: nothing that is there is ever replaced\n"
    );
    assert_eq!(bed.read("node/tls/ca.key"), before);
}

#[test]
fn what_quickstart_makes_has_a_register_and_an_older_copy_of_its_store_is_refused() {
    let bed = bed();
    let tail = bed.path("node/store/tail/000000000000");
    let node = Node::start(&bed);
    assert!(!node.all.contains("warning: "), "{}", node.all);
    node.stop();
    let older = std::fs::read(&tail).unwrap();
    let node = Node::start(&bed);
    append(&node.client(&bed, "producer"), "{\"id\":1}").unwrap();
    node.stop();
    std::fs::write(&tail, older).unwrap();
    let ended = bed.run(["serve", "--config", "node/indelible.toml"]);
    assert_eq!(ended.code, 13, "{ended:?}");
    // Elsewhere, if it is told where.
    let made = bed.ok([
        "quickstart",
        "other",
        "--accept-volatile",
        "--register",
        "elsewhere",
    ]);
    assert!(made.contains("  register     elsewhere\n"), "{made}");
    assert!(bed.path("elsewhere").exists() && !bed.path("other/register").exists());
}

#[test]
fn a_status_shows_what_is_in_force_where_the_node_listens_and_who_said_so() {
    let bed = bed();
    change(&bed, |text| {
        text.replacen(
            "listen = \"127.0.0.1:0\"",
            "listen = \"127.0.0.1:0\"\nallow_from = [\"127.0.0.0/8\"]",
            1,
        )
    });
    let status = || bed.ok(["status", "--store", "node/store"]);
    let before = status();
    assert!(
        before.contains("grants      none were ever in force\n"),
        "{before}"
    );
    assert!(
        before.contains("listeners   it never listened\n"),
        "{before}"
    );
    let mut node = Node::start(&bed);
    change(&bed, |text| {
        format!("{text}[[grant]]\nwho = [\"unix:9\"]\nrole = \"auditor\"\nlogs = [\"_node\"]\n")
    });
    node.signal(Signal::HUP);
    node.until("reloaded");
    let me = format!(" by unix:{}", rustix::process::getuid().as_raw());
    let said = status();
    let line = |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(
        line("grants").starts_with("grants      5: record "),
        "{said}"
    );
    assert!(
        line("grants").ends_with(&me) && line("listeners").ends_with(&me),
        "{said}"
    );
    assert!(
        said.contains("listeners   ingest 127.0.0.1:0, for 127.0.0.0/8\n"),
        "{said}"
    );
    assert!(said.contains("listeners   health 127.0.0.1:0\n"), "{said}");
    node.stop();
    let json: serde_json::Value =
        serde_json::from_str(&bed.ok(["status", "--json", "--store", "node/store"])).unwrap();
    assert_eq!(json["grants"]["count"], 5, "{json}");
    assert_eq!(
        json["listeners"]["listeners"][0]["purpose"], "ingest",
        "{json}"
    );
    assert_eq!(json["register"]["state"], "current", "{json}");
}
