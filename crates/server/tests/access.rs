//! Who may do what over the wire: grants in force are recorded, heads name them, denials are recorded, whoami and admin answer.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;

use bed::{Answer, Bed, Client, PRODUCER, grant};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use indelible_api::status::{SealedNow, Status};
use indelible_api::{Code, Whoami};
use indelible_proof::head::Head;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::pin::Pin;
use indelible_server::Node;
use indelible_server::grants::{Grant, Grants, Role};
use indelible_server::http::Purpose;
use indelible_server::network::Network;
use indelible_server::policy::Listening;
use rustls_pki_types::ServerName;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const OPERATOR: &str = "spiffe://example.org/operator";
const EVENT: &str = r#"{"order":1}"#;

/// What `_node` says, from record `first` on, of who may do what.
fn said(node: &Node, first: u64) -> Vec<String> {
    let books = node.ledger.books();
    let log = books.node_log();
    let records = (first..log.size()).map(|seq| books.record(&log, seq).unwrap());
    let events = records.map(|stored| stored.content.unwrap().1);
    let of_access = |event: &Vec<u8>| {
        matches!(
            NodeEvent::parse(event),
            Some(NodeEvent::Grants { .. } | NodeEvent::Networks { .. } | NodeEvent::Denied(_))
        )
    };
    let events = events.filter(of_access);
    events
        .map(|event| String::from_utf8(event).unwrap())
        .collect()
}

/// The records that heads of the log name as what they were allowed by.
fn policies(bed: &Bed) -> Vec<Option<u64>> {
    let books = bed.node.ledger.books();
    let records = (1..bed.log.size()).map(|seq| books.record(&bed.log, seq).unwrap());
    let heads = records.map(|stored| stored.head);
    heads
        .map(|head| Head::parse(&head).unwrap().shared.policy)
        .collect()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn put(bed: &Bed, grants: Vec<Grant>, by: &'static str) -> (u64, bool) {
    let (node, grants) = (Arc::clone(&bed.node), Grants::new(grants).unwrap());
    let in_force = blocking(move || node.put_in_force(grants, by))
        .await
        .unwrap();
    (in_force.seq, in_force.is_new)
}

fn producer() -> Grant {
    grant(PRODUCER, Role::Producer, "payments")
}

/// A client of another listener of the same node.
async fn client_of(bed: &Bed, purpose: Purpose, uri: &str) -> Client {
    let address = bed.listen(purpose).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(bed.authority.client(uri));
    let stream = connector.connect(name, stream).await.unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    Client::One(sender)
}

async fn ask(client: &mut Client, method: &str, path: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("https://localhost{path}"))
        .body(Full::new(Bytes::new()))
        .unwrap();
    client.send(request).await
}

#[tokio::test]
async fn a_table_is_recorded_before_it_decides_and_heads_name_its_record() {
    let bed = Bed::new().await;
    let start = bed.node.ledger.books().node_log().size();
    let mut client = bed.producer().await;
    let (first, is_new) = put(&bed, vec![producer()], "unix:1000").await;
    assert!(is_new);
    assert_eq!(
        client.post("payments", EVENT, &[]).await.status,
        StatusCode::CREATED
    );

    // The same once more is no news, whoever sets it.
    assert_eq!(put(&bed, vec![producer()], "unix:0").await, (first, false));
    let wider = vec![producer(), grant("dns:*", Role::Reader, "*")];
    let (second, is_new) = put(&bed, wider.clone(), OPERATOR).await;
    assert!(is_new && second > first);
    assert_eq!(
        client.post("payments", EVENT, &[]).await.status,
        StatusCode::CREATED
    );
    assert_eq!(policies(&bed), [Some(first), Some(second)]);

    // What was in force before is another table than what is.
    let (third, is_new) = put(&bed, vec![producer()], "unix:1000").await;
    assert!(is_new && third > second);
    let table =
        format!(r#"{{"who":["{PRODUCER}"],"role":"producer","logs":["payments"],"from":[]}}"#);
    let reader = r#"{"who":["dns:*"],"role":"reader","logs":["*"],"from":[]}"#;
    let one = format!(r#"{{"node":"grants","by":"unix:1000","grants":[{table}]}}"#);
    let two = format!(r#"{{"node":"grants","by":"{OPERATOR}","grants":[{table},{reader}]}}"#);
    assert_eq!(said(&bed.node, start), [one.clone(), two, one]);

    // Nobody is left.
    put(&bed, vec![], "unix:1000").await;
    let denied = client.post("payments", EVENT, &[]).await;
    assert_eq!(denied.problem().code, Code::Denied);
}

#[tokio::test]
async fn a_start_with_the_table_in_force_records_nothing_and_with_another_does() {
    let bed = Bed::new().await;
    let networks: Vec<Network> = vec!["192.0.2.0/24".parse().unwrap()];
    let declare = |node: Arc<Node>, listen: &'static str| {
        let networks = networks.clone();
        blocking(move || {
            let listening = Listening {
                purpose: Purpose::Ingest,
                listen,
                allow_from: &networks,
            };
            node.declare(&networks, &[listening], "unix:1000").unwrap()
        })
    };
    let again = || {
        let ledger = Arc::clone(&bed.node.ledger);
        Arc::new(Node::new(ledger, Grants::default(), Box::new(bed::random)))
    };
    let (seq, _) = put(&bed, vec![producer()], "unix:1000").await;
    let declared = declare(Arc::clone(&bed.node), "internal:7443").await;
    assert!(declared.is_new);
    // Enough between to be behind more than one step back.
    for _ in 0..1_100 {
        let denied = indelible_proof::node_event::access::Denied {
            by: None,
            action: None,
            log: None,
            from: None,
            policy: None,
            count: 1,
        };
        bed.node.ledger.say(&NodeEvent::Denied(denied)).unwrap();
    }
    let node = again();
    let same = Grants::new(vec![producer()]).unwrap();
    let in_force = blocking(move || {
        let in_force = node.put_in_force(same, "unix:1000").unwrap();
        (in_force, node.grants().policy())
    })
    .await;
    assert_eq!((in_force.0.seq, in_force.0.is_new), (seq, false));
    assert_eq!(in_force.1, Some(seq));
    assert_eq!(
        declare(again(), "internal:7443").await,
        indelible_server::policy::InForce {
            seq: declared.seq,
            is_new: false
        }
    );
    let moved = declare(again(), "internal:7444").await;
    assert!(moved.is_new);
    assert_eq!(
        said(&bed.node, moved.seq),
        [
            r#"{"node":"networks","by":"unix:1000","networks":["192.0.2.0/24"],"listeners":[{"purpose":"ingest","listen":"internal:7444","allow_from":["192.0.2.0/24"]}]}"#
        ]
    );
    let node = again();
    let other = Grants::new(vec![]).unwrap();
    let in_force = blocking(move || node.put_in_force(other, "unix:1000").unwrap()).await;
    assert!(in_force.is_new && in_force.seq > moved.seq);
}

#[tokio::test]
async fn what_can_not_be_recorded_is_not_in_force() {
    let bed = Bed::new().await;
    let (seq, _) = put(&bed, vec![producer()], "unix:1000").await;
    let bytes = "x".repeat(1 << 20);
    let wider = Grants::new(vec![producer(), grant("dns:*", Role::Producer, "*")]).unwrap();
    let node = Arc::clone(&bed.node);
    let refused = blocking(move || node.put_in_force(wider, &bytes)).await;
    assert!(refused.is_err());
    assert_eq!(bed.node.grants().policy(), Some(seq));
    assert_eq!(bed.node.grants().table(), [producer()]);
}

#[tokio::test]
async fn what_is_denied_is_recorded_once_at_once_and_counted_after_that() {
    let bed = Bed::new().await;
    let (policy, _) = put(&bed, vec![producer()], "unix:1000").await;
    let mut stranger = bed.client("spiffe://example.org/stranger").await;
    for _ in 0..5 {
        let denied = stranger.post("payments", EVENT, &[]).await;
        assert_eq!(denied.problem().code, Code::Denied);
    }
    // Whether a log is there is not told.
    for log in ["none", "nine", "_node"] {
        let denied = stranger.post(log, EVENT, &[]).await;
        assert_eq!(denied.problem().code, Code::Denied, "{log}");
    }
    let mut producer = bed.producer().await;
    let denied = producer.post("_node", EVENT, &[]).await;
    assert_eq!(denied.problem().code, Code::Denied);
    assert_eq!(bed.log.size(), 1);

    let node = Arc::clone(&bed.node);
    blocking(move || node.end_denials()).await.unwrap();
    let mut records = said(&bed.node, policy + 1);
    records.sort();
    let text = |by: &str, log: &str, count: u64| {
        format!(
            r#"{{"node":"denied","by":"{by}","action":"append","log":"{log}","from":"127.0.0.1","policy":{policy},"count":{count}}}"#
        )
    };
    let other = "spiffe://example.org/stranger";
    let mut expected = vec![
        text(other, "payments", 1),
        text(other, "payments", 4),
        text(other, "none", 1),
        text(other, "nine", 1),
        text(other, "_node", 1),
        text(PRODUCER, "_node", 1),
    ];
    expected.sort();
    assert_eq!(records, expected);
}

#[tokio::test]
async fn whoever_is_known_is_told_who_they_are_and_what_they_may_do() {
    let bed = Bed::new().await;
    let mut elsewhere = grant(PRODUCER, Role::Reader, "*");
    elsewhere.from = vec!["192.0.2.0/24".parse().unwrap()];
    let auditor = grant(PRODUCER, Role::Auditor, "_node");
    let (policy, _) = put(&bed, vec![producer(), elsewhere, auditor], "unix:0").await;
    let mut client = bed.producer().await;
    let told: Whoami = ask(&mut client, "GET", "/v1/whoami").await.json();
    assert_eq!(told.principal, PRODUCER);
    assert_eq!(told.address.as_deref(), Some("127.0.0.1"));
    assert_eq!(
        (told.listener.as_str(), told.node.as_str()),
        ("ingest", bed::ORIGIN)
    );
    assert_eq!(told.policy, Some(policy));
    let certificate = told.certificate.unwrap();
    assert_eq!(certificate.sha256.len(), 64);
    assert!(certificate.expires.unwrap().ends_with(".000000000Z"));
    let roles = |granted: &[indelible_api::whoami::Granted]| -> Vec<String> {
        granted.iter().map(|granted| granted.role.clone()).collect()
    };
    assert_eq!(roles(&told.grants), ["producer", "auditor"]);
    assert_eq!(roles(&told.elsewhere), ["reader"]);
    assert_eq!(told.elsewhere[0].from, ["192.0.2.0/24"]);
    let [node, log] = &told.logs[..] else {
        panic!("{:?}", told.logs)
    };
    assert_eq!(node.name, "_node");
    assert_eq!(node.may, ["read", "read-heads", "verify"]);
    assert_eq!(
        (log.name.as_str(), log.may.as_slice()),
        ("payments", &["append".to_owned()][..])
    );
    assert_eq!(log.origin, bed.log.origin());
    let pin = Pin::parse(log.pin.as_deref().unwrap().as_bytes()).unwrap();
    assert_eq!(pin.log_id(), bed.log.id());
    assert!(log.pin.as_deref().unwrap().ends_with(&log.vkeys[0]));

    for purpose in [Purpose::Query, Purpose::Verify, Purpose::Admin] {
        let mut stranger = client_of(&bed, purpose, "spiffe://example.org/stranger").await;
        let told: Whoami = ask(&mut stranger, "GET", "/v1/whoami").await.json();
        assert_eq!(told.listener, purpose.as_str());
        assert_eq!(
            (told.grants, told.elsewhere, told.logs),
            (vec![], vec![], vec![])
        );
    }
    let refused = ask(&mut client, "POST", "/v1/whoami").await;
    assert_eq!(refused.problem().code, Code::MethodNotAllowed);
}

#[tokio::test]
async fn an_operator_operates_on_the_admin_listener_and_nobody_else_or_elsewhere() {
    let bed = Bed::new().await;
    let mut operator = grant(OPERATOR, Role::Operator, "*");
    operator.logs.clear();
    put(&bed, vec![producer(), operator], "unix:1000").await;
    let mut admin = client_of(&bed, Purpose::Admin, OPERATOR).await;
    bed.producer().await.post("payments", EVENT, &[]).await;
    let status: Status = ask(&mut admin, "GET", "/v1/status").await.json();
    assert_eq!(status.policy, bed.node.grants().policy());
    assert_eq!(status.node, bed::ORIGIN);
    assert!(status.tail_bytes > 0 && status.troubles.is_empty());
    let (size, root) = bed.log.head();
    let log = status
        .logs
        .iter()
        .find(|log| log.name == "payments")
        .unwrap();
    assert_eq!((log.size, log.root.clone()), (size, root.to_string()));

    let sealed: SealedNow = ask(&mut admin, "POST", "/v1/seal").await.json();
    assert_eq!(sealed.packs, 1);

    let refused = ask(&mut admin, "POST", "/v1/reload").await;
    assert_eq!(refused.problem().code, Code::NotFound);
    let node = Arc::downgrade(&bed.node);
    bed.node.when_told_to_reload(Box::new(move |by| {
        let node = node.upgrade().unwrap();
        let less = Grants::new(vec![grant(OPERATOR, Role::Operator, "*")]).unwrap();
        let in_force = node.put_in_force(less, by);
        in_force.map(|_| ()).map_err(|refusal| refusal.to_string())
    }));
    let reloaded = ask(&mut admin, "POST", "/v1/reload").await;
    assert_eq!(reloaded.status, StatusCode::OK, "{reloaded:?}");
    let policy = bed.node.grants().policy().unwrap();
    assert!(
        said(&bed.node, policy)[0].starts_with(&format!(r#"{{"node":"grants","by":"{OPERATOR}""#))
    );

    let mut other = client_of(&bed, Purpose::Admin, PRODUCER).await;
    let mut wrong = client_of(&bed, Purpose::Query, OPERATOR).await;
    for (method, path) in [
        ("GET", "/v1/status"),
        ("POST", "/v1/seal"),
        ("POST", "/v1/reload"),
    ] {
        let denied = ask(&mut other, method, path).await;
        assert_eq!(denied.problem().code, Code::Denied, "{path}");
        let denied = ask(&mut wrong, method, path).await;
        assert_eq!(denied.problem().code, Code::NotFound, "{path}");
        let refused = ask(&mut admin, "DELETE", path).await;
        assert_eq!(refused.problem().code, Code::MethodNotAllowed, "{path}");
    }
}
