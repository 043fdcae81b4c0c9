//! The health listener, and listeners on socket files.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::{Bed, PRODUCER};
use indelible_server::grants::{Grants, Role};
use indelible_server::http::Purpose;
use indelible_server::listen::{BindError, Door, Spec, serve};
use indelible_server::network::Networks;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    let text = format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_alive_ready_and_figures_and_names_nobody() {
    let bed = Bed::new().await;
    let (_stop, stopped) = watch::channel(false);
    let spec: Spec = "127.0.0.1:0".parse().unwrap();
    let bound = spec.bind(&Networks::default()).unwrap();
    let address = bound.socket_addresses()[0];
    let door = Door::new(Purpose::Health, None, Arc::clone(&bed.node));
    tokio::spawn(serve(Arc::new(door), bound, stopped));
    let get = async |path: &str| {
        let stream = TcpStream::connect(address).await.unwrap();
        ask(stream, &format!("GET {path}")).await
    };
    assert!(get("/livez").await.ends_with("\r\n\r\nalive\n"));
    assert!(get("/readyz").await.starts_with("HTTP/1.1 200"));
    let mut client = bed.producer().await;
    for _ in 0..3 {
        let answer = client
            .post("payments", "{}", &[("idempotency-key", "k")])
            .await;
        assert!(answer.status.is_success());
    }
    assert_eq!(client.post("elsewhere", "{}", &[]).await.status, 403);
    let figures = get("/metrics").await;
    for line in [
        "indelible_up 1",
        "indelible_events_recorded_total 1",
        "indelible_events_again_total 2",
        "indelible_requests_total 4",
        "indelible_refusals_total{code=\"denied\"} 1",
        "indelible_refusals_total{code=\"full\"} 0",
        "indelible_connections_refused_total{reason=\"outside\"} 0",
        "indelible_request_bytes_held 0",
    ] {
        assert!(figures.lines().any(|one| one == line), "{line}: {figures}");
    }
    assert!(figures.contains("indelible_certificate_expiry_seconds{listener=\"ingest\"} "));
    for name in [
        "payments",
        "elsewhere",
        PRODUCER,
        "billing",
        bed::ORIGIN,
        "unix:",
    ] {
        assert!(!figures.contains(name), "{name}");
    }
    let (_, text) = figures.split_once("\r\n\r\n").unwrap();
    well_formed(text);
    are_all_documented(text);
    assert!(
        get("/v1/logs/payments/records")
            .await
            .starts_with("HTTP/1.1 404")
    );
    let stream = TcpStream::connect(address).await.unwrap();
    assert!(ask(stream, "POST /livez").await.starts_with("HTTP/1.1 405"));
    bed.node.is_to_stop();
    let ready = get("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(
        ready.ends_with("not ready: the node is stopping\n"),
        "{ready}"
    );
    assert!(
        get("/livez").await.starts_with("HTTP/1.1 200"),
        "alive until it ends"
    );
    drop(client);
    bed.end().await;
}

/// Each figure belongs to the family that was announced last, and is a number; a histogram grows to its count.
fn well_formed(text: &str) {
    let (mut family, mut kind, mut bucket) = (String::new(), "", 0.0);
    for line in text.lines() {
        if let Some(announced) = line.strip_prefix("# TYPE ") {
            let (name, is) = announced.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&is), "{line}");
            assert_eq!(name.ends_with("_total"), is == "counter", "{line}");
            name.clone_into(&mut family);
            (kind, bucket) = (is, 0.0);
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let name = name.split('{').next().unwrap();
            let value: f64 = value.parse().unwrap();
            let part = name.strip_prefix(family.as_str()).unwrap();
            match (kind, part) {
                ("histogram", "_bucket") => {
                    assert!(value >= bucket, "{line}");
                    bucket = value;
                }
                ("histogram", "_count") => assert!(value > 0.0 && value >= bucket, "{line}"),
                ("histogram", "_sum") => assert!(value > 0.0, "{line}"),
                _ => assert_eq!(part, "", "{line}"),
            }
        }
    }
}

/// The page for whoever sets up the watching has each family once, with its kind, its label and what it says of itself.
fn are_all_documented(text: &str) {
    let page = include_str!("../../../docs/metrics.md");
    let (table, _) = page.split_once("\n## ").unwrap();
    let rows: BTreeSet<String> = table
        .lines()
        .filter(|line| line.starts_with("| `indelible_"))
        .map(str::to_owned)
        .collect();
    let mut said = BTreeSet::new();
    let mut help = "";
    for line in text.lines() {
        if let Some((_, of)) = line
            .strip_prefix("# HELP ")
            .and_then(|it| it.split_once(' '))
        {
            help = of;
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|it| it.split_once(' '))
        {
            let labelled = format!("\n{name}{{");
            let label = text
                .split_once(&labelled)
                .and_then(|(_, rest)| rest.split_once('='));
            let label = label.map_or("–".to_owned(), |(label, _)| format!("`{label}`"));
            let row = format!("| `{name}` | {kind} | {label} | {help} |");
            // Of lists that nobody has given there is no figure, whose label could be seen.
            let listed = "| `indelible_revocation_lists_expiry_seconds` | gauge | `listener` |";
            said.insert(match name.contains("revocation") {
                true => format!("{listed} {help} |"),
                false => row,
            });
        }
    }
    assert_eq!(rows, said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_file_is_for_its_group_and_names_its_peer_by_the_kernels_word() {
    let bed = Bed::new().await;
    let uid = rustix::process::getuid().as_raw();
    let me = bed::grant(&format!("unix:{uid}"), Role::Producer, "payments");
    let (node, grants) = (Arc::clone(&bed.node), Grants::new(vec![me]).unwrap());
    let put = tokio::task::spawn_blocking(move || node.put_in_force(grants, "unix:0"));
    put.await.unwrap().unwrap();
    let path = bed.directory.path().join("ingest.sock");
    let spec: Spec = format!("unix:{}", path.display()).parse().unwrap();
    let inside = Networks::default();
    let bound = spec.bind(&inside).unwrap();
    assert_eq!(bound.addresses(), [spec.to_string()]);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert!(matches!(spec.bind(&inside), Err(BindError::Taken(_))));
    let (stop, stopped) = watch::channel(false);
    let door = Door::new(Purpose::Ingest, None, Arc::clone(&bed.node));
    let serving = tokio::spawn(serve(Arc::new(door), bound, stopped));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let request = "POST /v1/logs/payments/records HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 201"), "{said}");
    stop.send_replace(true);
    serving.await.unwrap().unwrap();
    // What is no socket is left alone; a socket that nobody listens on any more is replaced.
    std::fs::remove_file(&path).ok();
    std::fs::write(&path, "mine").unwrap();
    assert!(matches!(spec.bind(&inside), Err(BindError::NoSocket(_))));
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    std::fs::remove_file(&path).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    drop(spec.bind(&inside).unwrap());
    assert!(!path.exists());
    bed.end().await;
}

#[tokio::test]
async fn a_port_without_tls_is_for_health_alone() {
    let bed = Bed::new().await;
    let spec: Spec = "127.0.0.1:0".parse().unwrap();
    let bound = spec.bind(&Networks::default()).unwrap();
    let (_stop, stopped) = watch::channel(false);
    let door = Door::new(Purpose::Ingest, None, Arc::clone(&bed.node));
    let refused = serve(Arc::new(door), bound, stopped).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("127.0.0.1:0 has no certificate"),
        "{refused}"
    );
    bed.end().await;
}
