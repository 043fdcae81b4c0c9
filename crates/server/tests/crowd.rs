//! Many connections of one: of a principal, of an address, and of those who are refused.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::{Bed, Client, PRODUCER, grant};
use indelible_api::{Code, Resend};
use indelible_server::grants::{Grants, Role};
use indelible_server::http::Purpose;
use indelible_server::listen::{Door, Notice, Spec, serve};
use indelible_server::network::Networks;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const EVENT: &str = r#"{"action":"payment.approve","amount":12}"#;
const OTHER: &str = "spiffe://example.org/refunds";

/// Whether it is closed; waits until it is or a byte comes.
async fn is_cut(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> bool {
    match stream.read(&mut [0]).await {
        Ok(read) => read == 0,
        Err(error) => {
            [io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof].contains(&error.kind())
        }
    }
}

/// Lets another principal write, too.
async fn let_in(bed: &Bed, who: &str) {
    let grants = [PRODUCER, who].map(|who| grant(who, Role::Producer, "payments"));
    let (node, grants) = (Arc::clone(&bed.node), Grants::new(grants.into()).unwrap());
    let put = tokio::task::spawn_blocking(move || node.put_in_force(grants, "unix:0"));
    put.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_with_too_many_connections_is_told_so_and_all_others_go_on() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    let bed = Bed::behind(|door| {
        door.bounds.principal = 3;
        door.tell = Box::new(move |notice: &Notice| hear.lock().unwrap().push(notice.to_string()));
    })
    .await;
    let_in(&bed, OTHER).await;
    let mut three = Vec::new();
    for _ in 0..3 {
        let mut client = bed.producer().await;
        assert_eq!(client.post("payments", EVENT, &[]).await.status, 201);
        three.push(client);
    }
    for client in [bed.producer().await, bed.producer_http2().await] {
        let mut beyond: Client = client;
        let answer = beyond.post("payments", EVENT, &[]).await;
        let problem = answer.problem();
        assert_eq!((problem.status, problem.code), (429, Code::RateLimited));
        assert_eq!(problem.resend, Resend::Safe);
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!(
            problem.detail,
            format!(
                "nothing was done: {PRODUCER} has 3 connections to this listener and may have no more: use those, or end some"
            )
        );
    }
    // What it has goes on, and so does somebody else.
    for client in &mut three {
        assert_eq!(client.post("payments", EVENT, &[]).await.status, 201);
    }
    let mut other = bed.client(OTHER).await;
    assert_eq!(other.post("payments", EVENT, &[]).await.status, 201);
    assert_eq!(bed.node.counters.crowded.now(), 2);
    assert_eq!(bed.node.counters.refused.now(), 0);
    let said = heard.lock().unwrap().clone();
    assert_eq!(
        said,
        [format!(
            "{PRODUCER} has 3 connections and may have no more: those that it opens beyond are refused"
        )],
        "once, however often it tries"
    );
    // One that ends leaves its place.
    let before = bed.node.counters.open.now();
    drop(three.pop());
    bed.counted(|counters| counters.open.now() < before).await;
    let mut again = bed.producer().await;
    assert_eq!(again.post("payments", EVENT, &[]).await.status, 201);
    assert_eq!(bed.log.size(), 1 + 8);
    drop((three, other, again));
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_bound_that_say_nothing_hold_no_places() {
    let bed = Bed::behind(|door| {
        door.bounds.principal = 1;
        door.bounds.refused = 4;
        // Long enough that the one that may stay outlives the knocking of all others.
        door.patience.age = std::time::Duration::from_secs(3);
    })
    .await;
    let mut streams = Vec::new();
    for _ in 0..40 {
        streams.push(bed.connect(bed.authority.client(PRODUCER)).await.unwrap());
    }
    bed.counted(|counters| counters.crowded.now() >= 39).await;
    assert!(bed.node.counters.open.now() <= 1 + 4);
    for stream in &mut streams {
        assert!(is_cut(stream).await);
    }
    bed.counted(|counters| counters.open.now() == 0).await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_leaves_its_handshakes_undone_is_cut_before_it_has_all_places() {
    let bed = Bed::behind(|door| door.bounds.handshakes = 5).await;
    let mut undone = Vec::new();
    for _ in 0..5 {
        undone.push(TcpStream::connect(bed.address).await.unwrap());
    }
    // Accepted in the order in which they came.
    let mut beyond = TcpStream::connect(bed.address).await.unwrap();
    assert!(is_cut(&mut beyond).await);
    assert_eq!(bed.node.counters.knocking.now(), 1);
    drop(undone.pop());
    bed.counted(|counters| counters.handshakes_failed.now() == 1)
        .await;
    let mut client = bed.producer().await;
    assert_eq!(client.post("payments", EVENT, &[]).await.status, 201);
    let mut more = bed.producer().await;
    assert_eq!(
        more.post("payments", EVENT, &[]).await.status,
        201,
        "a handshake that is done counts no more"
    );
    drop((client, more, undone));
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_can_t_keep_probes_of_another_from_the_health_listener() {
    let bed = Bed::new().await;
    let spec: Spec = "127.0.0.1:0".parse().unwrap();
    let bound = spec.bind(&Networks::default()).unwrap();
    let address = bound.socket_addresses()[0];
    let mut door = Door::new(Purpose::Health, None, Arc::clone(&bed.node));
    door.bounds.health = 3;
    tokio::spawn(serve(Arc::new(door), bound, bed.stop.subscribe()));
    let from = async |host: &str| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{host}:0").parse().unwrap()).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        stream
            .write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        (stream, String::from_utf8(first.into()).unwrap())
    };
    let mut held = Vec::new();
    for _ in 0..3 {
        let (stream, said) = from("127.0.0.1").await;
        assert_eq!(said, "HTTP/1.1 200");
        held.push(stream);
    }
    let (_, said) = from("127.0.0.1").await;
    assert_eq!(said, "HTTP/1.1 429");
    #[cfg(target_os = "linux")]
    {
        // All of 127.0.0.0/8 is this machine, there.
        let (_, said) = from("127.0.0.2").await;
        assert_eq!(said, "HTTP/1.1 200");
    }
    drop(held);
    bed.end().await;
}
