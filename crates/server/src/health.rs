//! The health listener: is the process alive, can it commit, and figures. Plain HTTP, for whoever may reach it.
//!
//! Answers from memory alone: a probe never waits for the disk or looks at the clock for its verdict, and a disk that hangs kills no
//! process that still drains. No answer holds a name of a principal or a log.

use crate::body::Body;
use crate::http::{refusal, text};
use crate::node::Node;
use crate::tls::Expiry;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use indelible_api::{Code, Problem};
use indelible_ledger::{COMMIT_CLASSES, CommitFigures};
use std::fmt::{Display, Write as _};
use std::time::SystemTime;

/// Answers one request.
pub(crate) fn answer<B>(node: &Node, request: &Request<B>) -> Response<Body> {
    let mut response = match request.uri().path() {
        "/livez" => text(StatusCode::OK, "alive\n".to_owned()),
        "/readyz" => readiness(node),
        "/metrics" => metrics(node),
        path => {
            let what = format!("no such path on this listener: {path}: /livez, /readyz, /metrics");
            return refusal(&Problem::new(Code::NotFound, what));
        }
    };
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = refusal(&Problem::new(Code::MethodNotAllowed, "GET, HEAD"));
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let fields = response.headers_mut();
    fields.insert("cache-control", HeaderValue::from_static("no-store"));
    response
}

/// Why nothing can be committed; empty: it can.
fn troubles(node: &Node) -> Vec<&'static str> {
    let mut troubles = Vec::new();
    if node.is_stopping() {
        troubles.push("not ready: the node is stopping");
    } else if node.ledger.stopped().is_some() {
        troubles.push("not ready: a write failed and nothing is recorded any more: see the node's log, restart it");
    }
    if node.ledger.room_trouble().is_some() {
        troubles.push("not ready: the disk has no room for more");
    }
    troubles
}

/// What can wait, and should not wait long.
fn remarks(node: &Node) -> Vec<String> {
    let now = SystemTime::now();
    let mut remarks = Vec::new();
    for (purpose, tls) in node.shown_tls() {
        let purpose = purpose.word();
        match tls.validity().expiry(now) {
            Expiry::Fine => {}
            Expiry::Soon => remarks.push(format!("the certificate of {purpose} expires soon")),
            Expiry::Expired => remarks.push(format!("the certificate of {purpose} has expired")),
        }
    }
    if node.ledger.register_trouble().is_some() {
        remarks.push("the register can't be written".to_owned());
    }
    if node.ledger.sealing_trouble().is_some() {
        remarks.push("sealing fails".to_owned());
    }
    remarks
}

fn readiness(node: &Node) -> Response<Body> {
    let troubles = troubles(node);
    let (status, first) = match troubles.is_empty() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, ""),
    };
    let mut said = first.to_owned();
    for line in troubles {
        said.push_str(line);
        said.push('\n');
    }
    for line in remarks(node) {
        said.push_str(&line);
        said.push('\n');
    }
    text(status, said)
}

/// The text format of Prometheus, version 0.0.4.
struct Figures(String);

impl Figures {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string never fails.
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        writeln!(self.0, "{name} {value}").ok();
    }

    fn labelled<V: Display>(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        label: &str,
        values: impl IntoIterator<Item = (String, V)>,
    ) {
        self.family(name, kind, help);
        for (of, value) in values {
            writeln!(self.0, "{name}{{{label}=\"{of}\"}} {value}").ok();
        }
    }
}

fn metrics(node: &Node) -> Response<Body> {
    let mut figures = Figures(String::with_capacity(8 << 10));
    node_figures(&mut figures, node);
    request_figures(&mut figures, node);
    commit_figures(&mut figures, &node.ledger.commit_figures());
    connection_figures(&mut figures, node);
    certificate_figures(&mut figures, node);
    let mut response = text(StatusCode::OK, figures.0);
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    response
}

fn node_figures(figures: &mut Figures, node: &Node) {
    let (counters, ledger) = (&node.counters, &node.ledger);
    let records: u64 = ledger.books().logs().iter().map(|log| log.size()).sum();
    for (name, kind, help, value) in [
        (
            "indelible_up",
            "gauge",
            "1 while events of any size can be committed.",
            u64::from(troubles(node).is_empty()),
        ),
        (
            "indelible_events_recorded_total",
            "counter",
            "Events recorded since the start.",
            counters.events.now(),
        ),
        (
            "indelible_events_again_total",
            "counter",
            "Events sent again that were recorded before.",
            counters.again.now(),
        ),
        (
            "indelible_requests_total",
            "counter",
            "Requests answered, refusals among them.",
            counters.requests.now(),
        ),
        (
            "indelible_records",
            "gauge",
            "Records in all logs, the node's own among them.",
            records,
        ),
        (
            "indelible_tail_bytes",
            "gauge",
            "Bytes of the tail that are not sealed yet.",
            ledger.tail_bytes(),
        ),
        (
            "indelible_register_ok",
            "gauge",
            "0 while the register can't be written.",
            u64::from(ledger.register_trouble().is_none()),
        ),
        (
            "indelible_sealing_ok",
            "gauge",
            "0 while sealing fails.",
            u64::from(ledger.sealing_trouble().is_none()),
        ),
    ] {
        figures.one(name, kind, help, value);
    }
}

fn commit_figures(figures: &mut Figures, commits: &CommitFigures) {
    let name = "indelible_commit_duration_seconds";
    figures.family(
        name,
        "histogram",
        "How long batches took to be written and synced, the node's own among them.",
    );
    let bounds = COMMIT_CLASSES
        .iter()
        .map(|most| most.as_secs_f64().to_string());
    let mut upto = 0;
    for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(commits.classes) {
        upto += count;
        writeln!(figures.0, "{name}_bucket{{le=\"{bound}\"}} {upto}").ok();
    }
    let taken = commits.taken.as_secs_f64();
    writeln!(figures.0, "{name}_sum {taken}\n{name}_count {upto}").ok();
    figures.one(
        "indelible_committed_records_total",
        "counter",
        "Records of batches made durable since the start, the node's own among them.",
        commits.records,
    );
    figures.one(
        "indelible_committed_bytes_total",
        "counter",
        "Bytes of batches made durable since the start.",
        commits.bytes,
    );
}

fn request_figures(figures: &mut Figures, node: &Node) {
    figures.one(
        "indelible_request_bytes_held",
        "gauge",
        "Bytes of request bodies that are held now.",
        node.room.bytes(),
    );
    figures.labelled(
        (
            "indelible_refusals_total",
            "counter",
            "Requests refused, by the code of the problem.",
        ),
        "code",
        node.counters
            .refusals()
            .map(|(code, count)| (code.word(), count)),
    );
}

fn connection_figures(figures: &mut Figures, node: &Node) {
    let counters = &node.counters;
    figures.one(
        "indelible_connections",
        "gauge",
        "Connections open now.",
        counters.open.now(),
    );
    figures.one(
        "indelible_connections_accepted_total",
        "counter",
        "Connections let in.",
        counters.accepted.now(),
    );
    let turned_away = [
        ("outside", &counters.outside),
        ("no-place", &counters.no_place),
        ("handshake", &counters.handshakes_failed),
        ("plaintext", &counters.plaintext),
        ("principal", &counters.refused),
        ("too-many", &counters.crowded),
        ("handshakes", &counters.knocking),
    ];
    figures.labelled(
        (
            "indelible_connections_refused_total",
            "counter",
            "Connections turned away, by reason.",
        ),
        "reason",
        turned_away.map(|(reason, count)| (reason.to_owned(), count.now())),
    );
    let cut = [
        ("silent", &counters.silent),
        ("stalled", &counters.stalled),
        ("overdue", &counters.overdue),
        ("framing", &counters.framing),
        ("flood", &counters.flood),
    ];
    figures.labelled(
        (
            "indelible_connections_cut_total",
            "counter",
            "Connections ended by the node, by reason.",
        ),
        "reason",
        cut.map(|(reason, count)| (reason.to_owned(), count.now())),
    );
}

fn certificate_figures(figures: &mut Figures, node: &Node) {
    let now = SystemTime::now();
    let shown: Vec<_> = node
        .shown_tls()
        .into_iter()
        .map(|(purpose, tls)| (purpose.word().to_owned(), tls.validity()))
        .collect();
    figures.labelled(
        (
            "indelible_certificate_expiry_seconds",
            "gauge",
            "Seconds until a listener's certificate expires.",
        ),
        "listener",
        shown
            .iter()
            .map(|(purpose, validity)| (purpose.clone(), validity.seconds_left(now))),
    );
    let lists = shown.iter().filter_map(|(purpose, validity)| {
        Some((purpose.clone(), validity.lists_seconds_left(now)?))
    });
    figures.labelled(
        (
            "indelible_revocation_lists_expiry_seconds",
            "gauge",
            "Seconds until revocation lists should be replaced.",
        ),
        "listener",
        lists,
    );
}
