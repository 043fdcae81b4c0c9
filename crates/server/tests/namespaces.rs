//! A node between two networks, each a namespace of the kernel's: one inside, one outside. Needs root, for namespaces alone.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::Bed;
use indelible_server::http::Purpose;
use indelible_server::listen::{Door, Notice, Patience, Spec, serve};
use indelible_server::network::Networks;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

const PORT: u16 = 7_443;

/// Three namespaces, a node between two hosts, that go when the test ends.
struct Nets(Vec<String>);

impl Nets {
    /// None without the right to make them. `test` tells those of tests that run at once apart.
    fn new(test: &str) -> Option<Nets> {
        let id = format!("{}{test}", std::process::id());
        let nets = Nets(
            ["node", "in", "out"]
                .map(|name| format!("ind-{id}-{name}"))
                .into(),
        );
        if !rustix::process::geteuid().is_root()
            || !nets.0.iter().all(|net| ip(&["netns", "add", net]))
        {
            return None;
        }
        Some(nets)
    }

    fn link(&self, host: usize, near: &str, far: &str) {
        let (node, host) = (&self.0[0], &self.0[host]);
        assert!(ip(&[
            "-n", node, "link", "add", near, "type", "veth", "peer", "name", far, "netns", host
        ]));
        for (net, name) in [(node, near), (host, far)] {
            assert!(ip(&["-n", net, "link", "set", "lo", "up"]));
            assert!(ip(&["-n", net, "link", "set", name, "up"]));
        }
    }

    fn address(&self, net: usize, link: &str, address: &str) {
        assert!(ip(&[
            "-n",
            &self.0[net],
            "address",
            "add",
            address,
            "dev",
            link
        ]));
    }

    /// Runs this on a thread that lives in a namespace.
    fn within<T: Send>(&self, net: usize, work: impl FnOnce() -> T + Send) -> T {
        let path = format!("/run/netns/{}", self.0[net]);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let file = File::open(path).unwrap();
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                work()
            });
            thread.join().unwrap()
        })
    }
}

impl Drop for Nets {
    fn drop(&mut self) {
        for net in &self.0 {
            ip(&["netns", "delete", net]);
        }
    }
}

fn ip(arguments: &[&str]) -> bool {
    let made = Command::new("ip").args(arguments).output();
    made.is_ok_and(|made| made.status.success())
}

/// What a host hears that knocks: the first bytes of an answer, or why there is none.
fn knock(address: &str) -> Result<Vec<u8>, std::io::ErrorKind> {
    let address: SocketAddr = address.parse().unwrap();
    let limit = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, limit).map_err(|error| error.kind())?;
    stream.set_read_timeout(Some(limit)).unwrap();
    let request = b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).map_err(|error| error.kind())?;
    let mut heard = vec![0; 64];
    let length = stream.read(&mut heard).map_err(|error| error.kind())?;
    heard.truncate(length);
    Ok(heard)
}

/// What this thread's namespace has sent: IP packets, UDP datagrams, connections it began.
fn sent() -> BTreeMap<&'static str, u64> {
    let text = std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
    let of = |group: &str, name: &str| -> u64 {
        let mut lines = text.lines().filter(|line| line.starts_with(group));
        let names: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        let values: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        let place = names.iter().position(|one| *one == name).unwrap();
        values[place].parse().unwrap()
    };
    let text = std::fs::read_to_string("/proc/thread-self/net/snmp6").unwrap();
    let of_6 = |name: &str| -> u64 {
        let line = text
            .lines()
            .find(|line| line.split_whitespace().next() == Some(name));
        let value = line.unwrap().split_whitespace().nth(1);
        value.unwrap().parse().unwrap()
    };
    // What the kernel says to find its neighbours and its own addresses (RFC 4861) is not the node's.
    let by_the_kernel = of_6("Icmp6OutMsgs");
    BTreeMap::from([
        ("packets", of("Ip:", "OutRequests")),
        ("packets of IPv6", of_6("Ip6OutRequests") - by_the_kernel),
        (
            "datagrams",
            of("Udp:", "OutDatagrams") + of_6("Udp6OutDatagrams"),
        ),
        ("connections begun", of("Tcp:", "ActiveOpens")),
    ])
}

#[test]
fn a_host_outside_gets_not_one_byte_one_inside_is_served_and_nothing_is_sent_unasked() {
    let Some(nets) = Nets::new("a") else {
        println!("skipped: needs root");
        return;
    };
    nets.link(1, "inside", "up0");
    nets.link(2, "outside", "up0");
    nets.address(0, "inside", "10.77.0.1/24");
    nets.address(1, "up0", "10.77.0.2/24");
    // A public network (RFC 5737), and a way from there to the node's inner address.
    nets.address(0, "outside", "203.0.113.1/24");
    nets.address(2, "up0", "203.0.113.2/24");
    assert!(ip(&[
        "-n",
        &nets.0[2],
        "route",
        "add",
        "10.77.0.0/24",
        "via",
        "203.0.113.1"
    ]));
    nets.within(0, || between(&nets));
}

/// The node's side, on a thread in its namespace.
fn between(nets: &Nets) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = runtime.unwrap();
    runtime.block_on(async {
        let bed = Bed::new().await;
        let spec: Spec = format!("internal:{PORT}").parse().unwrap();
        let bound = spec.bind(&Networks::default()).unwrap();
        let open = bound.addresses();
        assert!(open.contains(&format!("10.77.0.1:{PORT}")), "{open:?}");
        assert!(open.contains(&format!("127.0.0.1:{PORT}")), "{open:?}");
        assert!(
            !open.iter().any(|address| address.starts_with("203.")),
            "{open:?}"
        );
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let mut door = Door::new(Purpose::Health, None, Arc::clone(&bed.node));
        door.patience = Patience {
            addresses: Duration::from_millis(20),
            ..Patience::default()
        };
        door.tell = Box::new(move |notice: &Notice| heard.lock().unwrap().push(notice.to_string()));
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve(Arc::new(door), bound, stopped));

        // Nobody asked yet: nothing was sent, however often it looked at its addresses.
        let before = sent();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(sent(), before);
        assert_eq!((before["datagrams"], before["connections begun"]), (0, 0));

        let asked = |net: usize, address: &'static str| {
            tokio::task::block_in_place(|| nets.within(net, || knock(address)))
        };
        let served = asked(1, "10.77.0.1:7443").unwrap();
        assert!(served.starts_with(b"HTTP/1.1 200"), "{served:?}");
        // Its public address has no socket; its inner one, reached from outside, says nothing.
        assert_eq!(
            asked(2, "203.0.113.1:7443"),
            Err(std::io::ErrorKind::ConnectionRefused)
        );
        let outside = asked(2, "10.77.0.1:7443");
        assert!(
            !matches!(&outside, Ok(heard) if !heard.is_empty()),
            "{outside:?}"
        );
        assert_eq!(bed.node.counters.outside.now(), 1);

        // An address that comes gets a socket, and one that goes loses its own.
        let told = async |text: &str| {
            while !said.lock().unwrap().iter().any(|one| one.starts_with(text)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        nets.address(0, "inside", "10.77.0.9/24");
        told("listens on 10.77.0.9:7443").await;
        assert!(
            asked(1, "10.77.0.9:7443")
                .unwrap()
                .starts_with(b"HTTP/1.1 200")
        );
        let node = &nets.0[0];
        assert!(ip(&[
            "-n",
            node,
            "address",
            "delete",
            "10.77.0.9/24",
            "dev",
            "inside"
        ]));
        told("listens no more on 10.77.0.9:7443").await;
        nets.address(0, "inside", "10.77.0.9/32");
        told("listens on 10.77.0.9:7443").await;
        assert!(
            asked(1, "10.77.0.1:7443")
                .unwrap()
                .starts_with(b"HTTP/1.1 200")
        );
        assert_eq!(
            sent()["connections begun"],
            0,
            "it begins no connection of its own"
        );
        stop.send_replace(true);
        serving.await.unwrap().unwrap();
        bed.end().await;
    });
}

/// Listeners with TLS answer plain text with a sentence: to those inside.
#[test]
fn no_listener_says_a_byte_to_a_host_outside_by_ipv4_or_ipv6_and_each_serves_one_inside() {
    let Some(nets) = Nets::new("b") else {
        println!("skipped: needs root");
        return;
    };
    nets.link(1, "inside", "up0");
    nets.link(2, "outside", "up0");
    for (net, link, address) in [
        (0, "inside", "10.77.0.1/24"),
        (1, "up0", "10.77.0.2/24"),
        (0, "outside", "203.0.113.1/24"),
        (2, "up0", "203.0.113.2/24"),
    ] {
        nets.address(net, link, address);
    }
    // fd00::/8 is internal; 2001:db8::/32 is for documents, and public here.
    for (net, link, address) in [
        (0, "inside", "fd77::1/64"),
        (1, "up0", "fd77::2/64"),
        (0, "outside", "2001:db8:77::1/64"),
        (2, "up0", "2001:db8:77::2/64"),
    ] {
        let net = &nets.0[net];
        assert!(ip(&[
            "-n", net, "-6", "address", "add", address, "dev", link, "nodad"
        ]));
    }
    let out = &nets.0[2];
    assert!(ip(&[
        "-n",
        out,
        "route",
        "add",
        "10.77.0.0/24",
        "via",
        "203.0.113.1"
    ]));
    assert!(ip(&[
        "-n",
        out,
        "-6",
        "route",
        "add",
        "fd77::/64",
        "via",
        "2001:db8:77::1"
    ]));
    nets.within(0, || all_listeners(&nets));
}

/// The node's side of it.
fn all_listeners(nets: &Nets) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let bed = Bed::new().await;
        let purposes = [
            Purpose::Ingest,
            Purpose::Query,
            Purpose::Verify,
            Purpose::Health,
            Purpose::Admin,
        ];
        let mut serving = Vec::new();
        for (purpose, port) in purposes.into_iter().zip(PORT..) {
            let spec: Spec = format!("internal:{port}").parse().unwrap();
            let bound = spec.bind(&Networks::default()).unwrap();
            let open = bound.addresses();
            for address in ["10.77.0.1", "[fd77::1]", "127.0.0.1", "[::1]"] {
                assert!(open.contains(&format!("{address}:{port}")), "{open:?}");
            }
            let is_public =
                |address: &String| address.contains("203.") || address.contains("2001:");
            assert!(!open.iter().any(is_public), "{open:?}");
            let tls = (purpose != Purpose::Health).then(|| Arc::clone(&bed.tls));
            let mut door = Door::new(purpose, tls, Arc::clone(&bed.node));
            door.patience.addresses = Duration::from_millis(20);
            serving.push(tokio::spawn(serve(
                Arc::new(door),
                bound,
                bed.stop.subscribe(),
            )));
        }
        // Nobody asked yet: whatever else is in it, a node with all its listeners sends nothing.
        let before = sent();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(sent(), before);
        assert_eq!((before["datagrams"], before["connections begun"]), (0, 0));
        let asked = |net: usize, address: &str| {
            tokio::task::block_in_place(|| nets.within(net, || knock(address)))
        };
        let mut outside = 0;
        for (purpose, port) in purposes.into_iter().zip(PORT..) {
            for address in ["10.77.0.1", "[fd77::1]"] {
                let address = format!("{address}:{port}");
                let heard = asked(1, &address).unwrap();
                let begins: &[u8] = match purpose {
                    Purpose::Health => b"HTTP/1.1 200",
                    _ => b"HTTP/1.1 400",
                };
                assert!(
                    heard.starts_with(begins),
                    "{purpose:?} at {address}: {heard:?}"
                );
                let heard = asked(2, &address);
                let nothing = !matches!(&heard, Ok(heard) if !heard.is_empty());
                assert!(nothing, "{purpose:?} at {address}: {heard:?}");
                outside += 1;
                assert_eq!(
                    bed.node.counters.outside.now(),
                    outside,
                    "{purpose:?} at {address}"
                );
            }
            for address in ["203.0.113.1", "[2001:db8:77::1]"] {
                let heard = asked(2, &format!("{address}:{port}"));
                assert_eq!(
                    heard,
                    Err(std::io::ErrorKind::ConnectionRefused),
                    "{purpose:?}"
                );
            }
        }
        assert_eq!(
            sent()["connections begun"],
            0,
            "it begins no connection of its own"
        );
        assert_eq!(sent()["datagrams"], 0);
        bed.stop.send_replace(true);
        for serving in serving {
            serving.await.unwrap().unwrap();
        }
        bed.end().await;
    });
}
