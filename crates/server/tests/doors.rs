//! Connections: who is let in, who is turned away and how, and what becomes of those that hang on.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::{Authority, Bed, Client, PRODUCER};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use indelible_api::Code;
use indelible_server::listen::{Door, Notice, Patience};
use rustls_pki_types::ServerName;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const EVENT: &str = r#"{"action":"payment.approve","amount":12}"#;

/// Short waits, so that a test sees their end.
fn impatient(door: &mut Door) {
    door.patience = Patience {
        silence: Duration::from_millis(400),
        head: Duration::from_millis(1_600),
        stall: Duration::from_millis(800),
        ..Patience::default()
    };
}

async fn behind(change: impl FnOnce(&mut Door)) -> Bed {
    Bed::behind(change).await
}

/// Sends these bytes over TLS and gives all that comes back until the end.
async fn raw(bed: &Bed, bytes: &[u8]) -> String {
    let mut stream = bed.connect(bed.authority.client(PRODUCER)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    rest(&mut stream).await
}

async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    // A connection may end with a reset once all was said.
    while let Ok(length @ 1..) = stream.read(&mut piece).await {
        all.extend_from_slice(&piece[..length]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Sends the head of a request and waits until the node wants its body.
async fn begin(stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin)) {
    let fields = format!(
        "expect: 100-continue\r\ncontent-length: {}\r\n",
        EVENT.len()
    );
    stream.write_all(&post(&fields, "")).await.unwrap();
    stream.flush().await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
}

fn post(fields: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /v1/logs/payments/records HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{fields}\r\n{body}"
    )
    .into_bytes()
}

#[tokio::test]
async fn key_exchange_is_hybrid_and_the_protocol_is_1_3() {
    let bed = Bed::new().await;
    let stream = bed.connect(bed.authority.client(PRODUCER)).await.unwrap();
    let session = stream.get_ref().1;
    let group = session.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    assert_eq!(
        session.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3)
    );
    drop(stream);
    bed.end().await;
}

#[tokio::test]
async fn plain_http_to_a_tls_port_is_answered_in_words_and_the_operator_hears_of_it_once() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    let bed = behind(|door| {
        door.tell = Box::new(move |notice: &Notice| hear.lock().unwrap().push(notice.to_string()));
    })
    .await;
    for request in [
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(bed.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let said = rest(&mut stream).await;
        assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
        assert!(
            said.contains("this port speaks TLS 1.3 with client certificates"),
            "{said}"
        );
        assert!(said.contains("mesh sidecar"), "{said}");
    }
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(
        heard[0].starts_with("127.0.0.1 spoke plain HTTP"),
        "{heard:?}"
    );
    assert_eq!(bed.node.counters.plaintext.now(), 2);
    // What is neither is not answered at all.
    let mut stream = TcpStream::connect(bed.address).await.unwrap();
    stream.write_all(&[0x80, 0x2e, 1, 3]).await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    bed.end().await;
}

#[tokio::test]
async fn a_peer_from_another_network_gets_not_one_byte() {
    let bed = behind(|door| door.allow_from = vec!["10.0.0.0/8".parse().unwrap()]).await;
    let mut stream = TcpStream::connect(bed.address).await.unwrap();
    let mut byte = [0];
    let ended = match stream.read(&mut byte).await {
        Ok(0) => true,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        Ok(_) => false,
    };
    assert!(ended);
    let refused = bed.connect(bed.authority.client(PRODUCER)).await;
    assert!(refused.is_err());
    assert_eq!(bed.node.counters.outside.now(), 2);
    assert_eq!(bed.node.counters.accepted.now(), 0);
    bed.end().await;
}

#[tokio::test]
async fn silence_inside_a_request_cuts_the_connection_and_rest_between_two_does_not() {
    let bed = behind(impatient).await;
    let resting = bed.connect(bed.authority.client(PRODUCER)).await.unwrap();
    let mut used = bed.producer().await;
    assert_eq!(used.post("payments", EVENT, &[]).await.status, 201);
    // Three at once: nothing after half a request line, half a head, half a body.
    let half = post(&format!("content-length: {}\r\n", EVENT.len()), &EVENT[..7]);
    let said = tokio::join!(
        raw(&bed, b"POST /v1/lo"),
        raw(&bed, b"POST / HTTP/1.1\r\nhost: localhost\r\n"),
        raw(&bed, &half)
    );
    assert_eq!((said.0.as_str(), said.1.as_str()), ("", ""));
    assert!(
        said.2.is_empty() || said.2.starts_with("HTTP/1.1 408"),
        "{}",
        said.2
    );
    assert_eq!(bed.node.counters.silent.now(), 3);
    // By now the others have rested for longer than anyone may be silent.
    assert_eq!(used.post("payments", EVENT, &[]).await.status, 201);
    let mut stream = resting;
    let fields = format!("connection: close\r\ncontent-length: {}\r\n", EVENT.len());
    stream.write_all(&post(&fields, EVENT)).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 201"));
    drop(used);
    bed.end().await;
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_does_not_come_for_ever() {
    let bed = behind(impatient).await;
    let mut stream = bed.connect(bed.authority.client(PRODUCER)).await.unwrap();
    let mut tick = tokio::time::interval(Duration::from_millis(40));
    let begun = std::time::Instant::now();
    let mut byte = [0];
    loop {
        tokio::select! {
            read = stream.read(&mut byte) => {
                assert!(!matches!(read, Ok(1..)), "{read:?}");
                break;
            }
            _ = tick.tick() => {
                if stream.write_all(b"a").await.is_err() || stream.flush().await.is_err() {
                    break;
                }
            }
        }
    }
    assert!(begun.elapsed() >= Duration::from_millis(1_400));
    assert_eq!(bed.node.counters.silent.now(), 1);
    bed.end().await;
}

#[tokio::test]
async fn silence_inside_an_http_2_frame_cuts_the_connection_and_a_resting_one_stays() {
    let bed = behind(impatient).await;
    let mut resting = bed.producer_http2().await;
    assert_eq!(resting.post("payments", EVENT, &[]).await.status, 201);
    let mut config = rustls::ClientConfig::clone(&bed.authority.client(PRODUCER));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut stream = bed.connect(Arc::new(config)).await.unwrap();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    // A frame of header fields that says it is longer than it gets.
    bytes.extend([0, 0, 100, 1, 4, 0, 0, 0, 1, 0x82]);
    stream.write_all(&bytes).await.unwrap();
    rest(&mut stream).await;
    assert_eq!(bed.node.counters.silent.now(), 1);
    assert_eq!(resting.post("payments", EVENT, &[]).await.status, 201);
    drop(resting);
    bed.end().await;
}

#[tokio::test]
async fn a_flood_of_http_2_pings_ends_the_connection() {
    let bed = Bed::new().await;
    let mut config = rustls::ClientConfig::clone(&bed.authority.client(PRODUCER));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = bed.connect(Arc::new(config)).await.unwrap();
    let (mut read, mut write) = tokio::io::split(stream);
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    for _ in 0..10_100 {
        bytes.extend([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
    let writing = tokio::spawn(async move {
        // The connection may end before all is sent.
        write.write_all(&bytes).await.ok();
        write.flush().await.ok();
        write
    });
    rest(&mut read).await;
    assert_eq!(bed.node.counters.flood.now(), 1);
    drop(writing.await.unwrap());
    bed.end().await;
}

#[tokio::test]
async fn an_old_connection_is_asked_to_end_and_its_request_is_finished() {
    let bed = behind(|door| {
        door.patience.age = Duration::from_millis(800);
    })
    .await;
    // HTTP/1.1 at rest: closed, without a word.
    let mut resting = bed.connect(bed.authority.client(PRODUCER)).await.unwrap();
    assert_eq!(rest(&mut resting).await, "");
    // HTTP/1.1 with a request under way: answered, with `connection: close`.
    let mut busy = bed.connect(bed.authority.client(PRODUCER)).await.unwrap();
    begin(&mut busy).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    busy.write_all(EVENT.as_bytes()).await.unwrap();
    let said = rest(&mut busy).await;
    assert!(said.starts_with("HTTP/1.1 201"), "{said}");
    assert!(said.contains("connection: close"), "{said}");
    // HTTP/2: told with GOAWAY, which ends the client's connection without an error.
    let mut config = rustls::ClientConfig::clone(&bed.authority.client(PRODUCER));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = bed.connect(Arc::new(config)).await.unwrap();
    let (sender, connection) =
        http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let mut client = Client::Two(sender);
    let ended = tokio::spawn(connection);
    assert_eq!(client.post("payments", EVENT, &[]).await.status, 201);
    assert!(ended.await.unwrap().is_ok());
    bed.end().await;
}

#[tokio::test]
async fn a_head_beyond_the_bounds_is_refused_with_431() {
    let bed = Bed::new().await;
    let long = format!("x: {}\r\ncontent-length: 2\r\n", "a".repeat(20 << 10));
    let many: String = (0..120).map(|number| format!("x{number}: a\r\n")).collect();
    for fields in [long, many] {
        let said = raw(&bed, &post(&fields, "{}")).await;
        assert!(said.starts_with("HTTP/1.1 431"), "{said}");
    }
    let mut client = bed.producer_http2().await;
    let value = "a".repeat(20 << 10);
    let answer = client.post("payments", EVENT, &[("x", &value)]).await;
    assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(client.post("payments", EVENT, &[]).await.status, 201);
    drop(client);
    bed.end().await;
}

#[tokio::test]
async fn a_request_that_two_readers_could_cut_differently_is_refused_and_nothing_behind_it_is_read()
{
    let bed = Bed::new().await;
    let smuggled =
        String::from_utf8(post(&format!("content-length: {}\r\n", EVENT.len()), EVENT)).unwrap();
    for fields in [
        "content-length: 2\r\ncontent-length: 2\r\n",
        "content-length: 2\r\ncontent-length: 3\r\n",
        "content-length: 2, 2\r\n",
        "content-length: 2\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 2\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "content-length: +2\r\n",
        "content-length: 2\r\nx: a\r\n b\r\n",
        "content-length: 2\nx: a\r\n",
        "x: a\rcontent-length: 2\r\n",
    ] {
        let mut bytes = post(fields, "{}");
        bytes.extend_from_slice(smuggled.as_bytes());
        let said = raw(&bed, &bytes).await;
        assert!(said.starts_with("HTTP/1.1 400"), "{fields:?}: {said}");
        assert_eq!(said.matches("HTTP/1.1").count(), 1, "{fields:?}: {said}");
    }
    let mut bytes = post("transfer-encoding: chunked\r\n", "2\n{}\r\n0\r\n\r\n");
    bytes.extend_from_slice(smuggled.as_bytes());
    assert!(!raw(&bed, &bytes).await.contains(" 201 "));
    assert_eq!(bed.log.size(), 1, "only the log's first record");
    // The same client may go on, well written, on one connection.
    let mut bytes = smuggled.clone().into_bytes();
    bytes.extend(post(
        "connection: close\r\ntransfer-encoding: chunked\r\n",
        &format!("{:x}\r\n{EVENT}\r\n0\r\n\r\n", EVENT.len()),
    ));
    assert_eq!(raw(&bed, &bytes).await.matches("HTTP/1.1 201").count(), 2);
    bed.end().await;
}

#[tokio::test]
async fn a_reload_of_certificates_and_trust_drops_no_connection() {
    let bed = Bed::new().await;
    let mut before = bed.producer().await;
    assert_eq!(before.post("payments", EVENT, &[]).await.status, 201);
    // From now on another authority is trusted.
    let other = Authority::new();
    std::fs::write(&bed.files.client_ca, other.pem()).unwrap();
    bed.tls
        .replace(indelible_server::tls::server(&bed.files).unwrap());
    assert_eq!(before.post("payments", EVENT, &[]).await.status, 201);
    let said = bed.try_post(bed.authority.client(PRODUCER)).await;
    assert!(said.is_err(), "{said:?}");
    let of_other = bed.trusting(&other, PRODUCER);
    assert_eq!(bed.try_post(of_other).await.unwrap(), 201);
    // What is wrong is refused as a whole, and what is in force stays.
    std::fs::write(&bed.files.key, "nothing").unwrap();
    assert!(indelible_server::tls::server(&bed.files).is_err());
    assert_eq!(
        bed.try_post(bed.trusting(&other, PRODUCER)).await.unwrap(),
        201
    );
    drop(before);
    bed.end().await;
}

#[tokio::test]
async fn stopping_lets_a_request_under_way_finish_and_takes_no_new_one() {
    let bed = Bed::new().await;
    let mut busy = bed.connect(bed.authority.client(PRODUCER)).await.unwrap();
    begin(&mut busy).await;
    let mut resting = bed.connect(bed.authority.client(PRODUCER)).await.unwrap();
    bed.counted(|counters| counters.open.now() == 2).await;
    let address = bed.address;
    bed.stop.send_replace(true);
    assert_eq!(rest(&mut resting).await, "");
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    busy.write_all(EVENT.as_bytes()).await.unwrap();
    let said = rest(&mut busy).await;
    assert!(said.starts_with("HTTP/1.1 201"), "{said}");
    bed.end().await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_an_answer_is_cut() {
    let bed = behind(impatient).await;
    let mut stream = bed.connect(bed.authority.client(PRODUCER)).await.unwrap();
    let request = post("content-length: 1\r\n", "x");
    // Refusals are answered as long as anyone takes them.
    let sent =
        async { while stream.write_all(&request).await.is_ok() && stream.flush().await.is_ok() {} };
    sent.await;
    bed.counted(|counters| counters.stalled.now() + counters.silent.now() == 1)
        .await;
    drop(stream);
    bed.end().await;
}

#[tokio::test]
async fn a_server_name_does_not_matter_and_an_unknown_path_is_a_problem() {
    let bed = Bed::new().await;
    let stream = TcpStream::connect(bed.address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(bed.authority.client(PRODUCER));
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = connector.connect(name, stream).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::get("/nowhere")
        .header("host", "x")
        .body(Full::<Bytes>::default());
    let response = sender.send_request(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 404);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem: indelible_api::Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem.code, Code::NotFound);
    let refusals: Vec<_> = bed
        .node
        .counters
        .refusals()
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(refusals, [(Code::NotFound, 1)]);
    drop(sender);
    bed.end().await;
}
