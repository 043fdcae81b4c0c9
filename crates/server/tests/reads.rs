//! Reading over mutual TLS: who sees what, and that it is what the store holds and what verifiers accept.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;
mod reading;

use bed::Answer;
use hyper::{Method, StatusCode};
use indelible_api::Code;
use indelible_ledger::{Export, ExportOptions, Side};
use indelible_proof::export::Content;
use indelible_proof::head::Head;
use indelible_proof::pin::Pin;
use indelible_proof::time::Time;
use indelible_proof::verdict::{Authenticity, Integrity};
use indelible_proof::verify::{
    BatchReceiptVerifier, Report, WalkFile, verify_export, verify_proof, verify_receipt,
};
use reading::{AUDITOR, Library, OPERATOR, READER, Reader};
use std::sync::Arc;

fn assert_good(report: &Report) {
    assert_eq!(report.verdict.integrity, Integrity::Ok, "{report:?}");
    assert!(
        matches!(
            report.verdict.authenticity,
            Authenticity::Ok | Authenticity::OkNotYetPostQuantum
        ),
        "{report:?}"
    );
}

fn number(answer: &Answer, name: &str) -> u64 {
    answer.headers[name].to_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_sees_what_it_may_and_nobody_is_handed_less_than_was_asked_for() {
    let library = Library::new().await;
    library.append(300);
    const QUERY: [(&str, bool, bool); 12] = [
        // Path, with content a reader, and a heads-only reader.
        ("records/5", true, false),
        ("records/5?heads", true, true),
        ("records?from=0&to=9", true, false),
        ("records?from=0&to=9&heads", true, true),
        ("records/5/receipt", true, true),
        ("receipt?from=0&to=9", true, true),
        ("export", true, false),
        ("export?heads", true, true),
        ("proof?at=2030-01-01T00:00:00Z", true, true),
        ("proof?from=1&to=9", true, true),
        ("proof?seq=5", true, true),
        ("walk", true, true),
    ];
    const VERIFY: [&str; 6] = [
        "checkpoint",
        "tile/0/000",
        "tile/entries/000",
        "proof?from=1&to=9",
        "walk",
        "pin",
    ];
    for (who, content, heads) in [
        (READER, true, true),
        (AUDITOR, false, true),
        (OPERATOR, false, false),
        (bed::PRODUCER, false, false),
        ("spiffe://example.org/nobody", false, false),
    ] {
        let mut query = Reader(library.client(who, library.query).await);
        for (path, _, heads_do) in QUERY {
            let answer = query.get(&format!("/v1/logs/payments/{path}")).await;
            let may = if heads_do { heads } else { content };
            match may {
                true => assert_eq!(answer.status, 200, "{who} {path}: {answer:?}"),
                false => assert_eq!(answer.problem().code, Code::Denied, "{who} {path}"),
            }
        }
        // A log that is not there is denied like one that is.
        let answer = query.get("/v1/logs/nothing/records/5").await;
        assert_eq!(answer.problem().code, Code::Denied, "{who}");
        // No pattern means the node's own log.
        let answer = query.get("/v1/logs/_node/records/0?heads").await;
        assert_eq!(answer.problem().code, Code::Denied, "{who}");
        let seen: serde_json::Value = query.get("/v1/logs").await.json();
        let names: Vec<&str> = seen["logs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|log| log["name"].as_str().unwrap())
            .collect();
        assert_eq!(names == ["payments"], heads, "{who}: {seen}");

        let mut verify = Reader(library.client(who, library.verify).await);
        for path in VERIFY {
            let answer = verify.get(&format!("/v1/logs/payments/{path}")).await;
            match heads {
                true => assert_eq!(answer.status, 200, "{who} {path}: {answer:?}"),
                false => assert_eq!(answer.problem().code, Code::Denied, "{who} {path}"),
            }
        }
        // The verify listener has no content, for nobody.
        for path in [
            "records/5",
            "records?heads",
            "export",
            "watch",
            "records/5/receipt",
        ] {
            let answer = verify.get(&format!("/v1/logs/payments/{path}")).await;
            assert_eq!(answer.problem().code, Code::NotFound, "{who} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_ranges_are_the_bytes_that_are_hashed() {
    let library = Library::new().await;
    library.append(900);
    library.bed.node.ledger.seal().unwrap();
    library.append(300); // 1 to 900 lie in a pack, the rest in the tail.
    let mut reader = library.reader().await;
    for seq in [0, 1, 255, 256, 900, 901, 1_200] {
        let path = format!("/v1/logs/payments/records/{seq}");
        let mut line = reader.text(&path).await;
        line.push('\n');
        assert_eq!(line.as_bytes(), library.lines(seq..seq + 1, false));
        let head = reader.get(&format!("{path}?heads")).await;
        assert_eq!(
            [&head.body[..], b"\n"].concat(),
            library.lines(seq..seq + 1, true)
        );
        assert_eq!(head.headers["content-type"], "application/json");
        assert_eq!(head.headers["cache-control"], "no-store");
        let tag = head.headers["etag"].to_str().unwrap().to_owned();
        let again = reader
            .ask(
                Method::GET,
                &format!("{path}?heads"),
                &[("if-none-match", &tag)],
            )
            .await;
        assert_eq!(
            (again.status, again.body.len()),
            (StatusCode::NOT_MODIFIED, 0)
        );
        // What was seen of the head says nothing of the record.
        let whole = reader
            .ask(Method::GET, &path, &[("if-none-match", &tag)])
            .await;
        assert_eq!(whole.status, 200);
    }
    for (query, seqs) in [
        ("", 0..1_201),
        ("?from=0&to=0", 0..1),
        ("?from=250&to=260", 250..261),
        ("?from=890&count=20", 890..910),
        ("?from=1190&count=100", 1_190..1_201),
        ("?count=3", 0..3),
        ("?count=0", 0..0),
        ("?from=1201", 1_201..1_201),
    ] {
        for heads in [false, true] {
            let flag = match (heads, query) {
                (false, _) => "",
                (true, "") => "?heads",
                (true, _) => "&heads",
            };
            let path = format!("/v1/logs/payments/records{query}{flag}");
            let answer = reader.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            assert_eq!(answer.headers["content-type"], "application/x-ndjson");
            assert_eq!(number(&answer, "indelible-next"), seqs.end, "{path}");
            assert_eq!(number(&answer, "indelible-size"), 1_201, "{path}");
            assert!(answer.body == library.lines(seqs.clone(), heads), "{path}");
            let head = reader.ask(Method::HEAD, &path, &[]).await;
            assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
            assert_eq!(number(&head, "indelible-next"), seqs.end, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_found_by_the_time_at_which_they_were_recorded() {
    let library = Library::new().await;
    for _ in 0..3 {
        library.append_in(700, 7);
        library.bed.node.ledger.seal().unwrap();
    }
    library.append_in(200, 1);
    let size = library.log().size();
    let heads = library.lines(0..size, true);
    let times: Vec<Time> = heads
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| Head::parse(&line[8..line.len() - 1]).unwrap().time)
        .collect();
    assert_eq!(times.len(), usize::try_from(size).unwrap());
    let books = library.books();
    let mut asked: Vec<Time> = [
        0,
        1,
        255,
        256,
        257,
        700,
        701,
        2_099,
        2_100,
        2_101,
        times.len() - 1,
    ]
    .into_iter()
    .flat_map(|place| {
        let time = times[place];
        let before = Time::new(time.secs(), time.nanos().saturating_sub(1));
        [Some(time), before, time.plus_nanos(1)]
            .into_iter()
            .flatten()
    })
    .collect();
    asked.push(Time::new(times[0].secs() - 1, 0).unwrap());
    asked.push(Time::new(times[0].secs() + 1_000_000, 0).unwrap());
    let count = |early: &dyn Fn(&Time) -> bool| {
        u64::try_from(times.iter().filter(|time| early(time)).count()).unwrap()
    };
    for time in &asked {
        let before = books
            .size_at(library.log(), time, Side::Before, size)
            .unwrap();
        assert_eq!(before, count(&|other| other < time), "{time}");
        let upto = books
            .size_at(library.log(), time, Side::UpTo, size)
            .unwrap();
        assert_eq!(upto, count(&|other| other <= time), "{time}");
    }
    let mut reader = library.reader().await;
    for (after, before) in [
        (3, 6),
        (6, 12),
        (12, 12),
        (12, 3),
        (18, 27),
        (33, 34),
        (30, 31),
    ] {
        let (after, before) = (asked[after], asked[before]);
        let first = count(&|time| *time < after);
        let end = count(&|time| *time < before).max(first);
        let path = format!("/v1/logs/payments/records?after={after}&before={before}");
        let answer = reader.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(answer.body == library.lines(first..end, false), "{path}");
        assert_eq!(number(&answer, "indelible-next"), end);
        // What stands at the border comes with the later part, and nothing twice.
        let rest = reader
            .get(&format!("/v1/logs/payments/records?after={before}"))
            .await;
        assert!(rest.body == library.lines(count(&|time| *time < before)..size, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_proofs_walk_and_pin_verify_and_are_what_the_store_gives() {
    let library = Library::new().await;
    library.append(600);
    library.bed.node.ledger.seal().unwrap();
    library.append(77);
    let (log, books) = (Arc::clone(library.log()), Arc::clone(library.books()));
    let mut auditor = library.auditor().await;
    let line = auditor.text("/v1/logs/payments/pin").await;
    let pin = Pin::parse(line.as_bytes()).unwrap();
    assert_eq!(pin, library.pin());
    let mut reader = library.reader().await;
    for seq in [0, 5, 600, 677] {
        let receipt = reader
            .text(&format!("/v1/logs/payments/records/{seq}/receipt"))
            .await;
        let record = reader
            .text(&format!("/v1/logs/payments/records/{seq}"))
            .await;
        assert_good(&verify_receipt(
            receipt.as_bytes(),
            Some(&pin),
            Some(record.as_bytes()),
        ));
        let head = books.record(&log, seq).unwrap().head;
        assert_eq!(
            receipt,
            books
                .receipt(&log, seq, &head, &log.note().unwrap())
                .unwrap()
        );
        // Without the head it says that there is an entry, and no more.
        let bare = auditor
            .text(&format!("/v1/logs/payments/proof?seq={seq}"))
            .await;
        let without = receipt.lines().filter(|line| !line.starts_with("extra "));
        assert_eq!(
            bare.lines().collect::<Vec<_>>(),
            without.collect::<Vec<_>>()
        );
    }
    for (from, to) in [(0, 0), (3, 700), (250, 260), (599, 602)] {
        let to = u64::min(to, 677);
        let receipt = reader
            .text(&format!("/v1/logs/payments/receipt?from={from}&to={to}"))
            .await;
        let mut verifier = BatchReceiptVerifier::new(receipt.as_bytes(), Some(&pin));
        let lines = reader
            .text(&format!(
                "/v1/logs/payments/records?from={from}&to={to}&heads"
            ))
            .await;
        lines
            .lines()
            .for_each(|line| verifier.take(line.as_bytes()));
        assert_good(&verifier.finish(true));
    }
    for (from, to) in [(1, 1), (1, 678), (256, 600), (600, 601)] {
        let proof = auditor
            .text(&format!("/v1/logs/payments/proof?from={from}&to={to}"))
            .await;
        assert_good(&verify_proof(proof.as_bytes(), Some(&pin)));
        let note = log.note().unwrap();
        assert_eq!(
            proof,
            books.consistency_text(&log, from, to, &note).unwrap()
        );
    }
    // The hashes that lead to an earlier size, for whoever kept that checkpoint.
    let hashes = auditor.text("/v1/logs/payments/proof?seq=5&size=600").await;
    assert_eq!(
        hashes.lines().count(),
        books.inclusion(&log, 5, 600).unwrap().len() + 1
    );
    let at = reader
        .text("/v1/logs/payments/proof?at=2030-01-01T00:00:00Z")
        .await;
    assert_good(&verify_proof(at.as_bytes(), Some(&pin)));
    let walk = auditor.text("/v1/logs/payments/walk").await;
    let walk = WalkFile::read(walk.as_bytes()).unwrap();
    assert!(walk.is_good() && walk.walk().is_of(&pin));
    // A record made just now is covered as soon as a checkpoint is: the answer waits for it.
    library.append(1);
    let fresh = reader.text("/v1/logs/payments/records/678/receipt").await;
    assert_good(&verify_receipt(fresh.as_bytes(), Some(&pin), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_over_the_network_is_the_export_of_the_command_line() {
    let library = Library::new().await;
    library.append(3_000);
    library.bed.node.ledger.seal().unwrap();
    library.append(500);
    let mut reader = library.reader().await;
    // All records are covered.
    reader.text("/v1/logs/payments/records/3500/receipt").await;
    let note = library.log().note().unwrap();
    assert_eq!(note.size, 3_501);
    for (query, seqs, heads) in [
        ("", 0..3_501, false),
        ("?heads", 0..3_501, true),
        ("?from=255&to=256", 255..257, false),
        ("?from=2999&count=3&heads", 2_999..3_002, true),
        (
            "?after=2001-01-01T00:00:00Z&before=2090-01-01T00:00:00%2B00:00",
            0..3_501,
            false,
        ),
    ] {
        let answer = reader
            .get(&format!("/v1/logs/payments/export{query}"))
            .await;
        assert_eq!(answer.status, 200, "{query}");
        let report = verify_export(&answer.body, Some(&library.pin()));
        assert_good(&report);
        let (mut file, mut lines) = (Vec::new(), Vec::new());
        let options = ExportOptions {
            heads,
            ..ExportOptions::default()
        };
        let log = Arc::clone(library.log());
        let mut export = Export::new(log, Arc::clone(&note), seqs, options);
        while !export.is_whole() {
            lines.clear();
            export.step(library.books(), &mut lines).unwrap();
            file.extend_from_slice(&lines);
        }
        assert!(file == answer.body, "{query}");
        let content = if heads { Content::Heads } else { Content::All };
        let first = answer.body.split(|byte| *byte == b'\n').next().unwrap();
        let header = indelible_proof::export::Header::parse(first).unwrap();
        assert_eq!(header.content, content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_with_what_to_do() {
    let library = Library::new().await;
    library.append(9);
    let mut reader = library.reader().await;
    for (path, code, says) in [
        ("records/10", Code::NotFound, "it has 10"),
        ("records/9007199254740991", Code::NotFound, "it has 10"),
        (
            "records/9007199254740992",
            Code::BadRequest,
            "decimal number",
        ),
        (
            "records/18446744073709551616",
            Code::BadRequest,
            "decimal number",
        ),
        ("records/05", Code::BadRequest, "decimal number"),
        ("records/-1", Code::BadRequest, "decimal number"),
        ("records/%35", Code::BadRequest, "decimal number"),
        ("records/", Code::BadRequest, "decimal number"),
        ("records/5/", Code::NotFound, "no such path"),
        ("records/5?head", Code::BadRequest, "it takes heads"),
        ("records/5?heads=no", Code::BadRequest, "without a value"),
        ("records?from=11", Code::NotFound, "no record 11"),
        ("records?from=0&to=10", Code::NotFound, "no record 10"),
        ("records?from=5&to=4", Code::BadRequest, "after to"),
        ("records?from=5&from=6", Code::BadRequest, "twice"),
        ("records?to=5&count=1", Code::BadRequest, "exclude"),
        (
            "records?from=1&after=2026-01-01T00:00:00Z",
            Code::BadRequest,
            "exclude",
        ),
        ("records?after=yesterday", Code::BadRequest, "write 2026"),
        ("records/10/receipt", Code::NotFound, "has 10 records"),
        ("receipt?from=3&count=0", Code::BadRequest, "empty"),
        ("export?from=10", Code::BadRequest, "empty"),
        ("proof", Code::BadRequest, "at is missing"),
        ("watch?from=11", Code::NotFound, "not the log"),
        ("watch?from=x", Code::BadRequest, "decimal number"),
        ("../payments/records/5", Code::NotFound, "no such path"),
        ("%2e%2e/payments/records/5", Code::NotFound, "no such path"),
    ] {
        let path = format!("/v1/logs/payments/{path}");
        let problem = reader.get(&path).await.problem();
        assert_eq!(problem.code, code, "{path}: {problem:?}");
        assert!(problem.detail.contains(says), "{path}: {problem:?}");
    }
    for path in [
        "/v1/logs/%70ayments/records/5",
        "/v1/logs/PAYMENTS/records/5",
        "/v1/logs/../records/5",
        "/v1/logs/payments%2Frecords/records/5",
    ] {
        assert_eq!(
            reader.get(path).await.problem().code,
            Code::Denied,
            "{path}"
        );
    }
    for path in [
        "//v1/logs",
        "/v1//logs/payments/records/5",
        "/v1/logs/payments//records",
        "/etc/passwd",
        "/",
        "/v2/logs",
    ] {
        assert_eq!(
            reader.get(path).await.problem().code,
            Code::NotFound,
            "{path}"
        );
    }
    let mut auditor = library.auditor().await;
    for (path, code) in [
        ("proof", Code::BadRequest),
        ("proof?from=0", Code::BadRequest),
        ("proof?from=5&to=4", Code::BadRequest),
        ("proof?from=5&to=11", Code::NotFound),
        ("proof?from=5&seq=4", Code::BadRequest),
        ("proof?seq=10", Code::NotFound),
        ("proof?seq=5&size=5", Code::BadRequest),
        ("proof?seq=5&size=11", Code::NotFound),
        ("checkpoint?x", Code::BadRequest),
        ("tile/0/000", Code::NotFound),
        ("tile/0/000.p/11", Code::NotFound),
        ("tile/0/000.p/0", Code::NotFound),
        ("tile/0/000.p/010", Code::NotFound),
        ("tile/0/0", Code::NotFound),
        ("tile/00/000.p/9", Code::NotFound),
        ("tile/0/x000/000.p/9", Code::NotFound),
        ("tile/0/../0/000.p/9", Code::NotFound),
        ("tile/0/%30%30%30.p/9", Code::NotFound),
        ("tile/entries/../../pin", Code::NotFound),
        ("tile/1/000.p/1", Code::NotFound),
        ("tile/63/000.p/1", Code::NotFound),
        ("tile", Code::NotFound),
    ] {
        let path = format!("/v1/logs/payments/{path}");
        let problem = auditor.get(&path).await.problem();
        assert_eq!(problem.code, code, "{path}: {problem:?}");
    }
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
    ] {
        let answer = reader
            .ask(method.clone(), "/v1/logs/payments/records", &[])
            .await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.headers["allow"], "GET, HEAD");
    }
    // HEAD says what GET would.
    for path in [
        "/v1/logs",
        "/v1/logs/payments",
        "/v1/logs/payments/records/5",
    ] {
        let (get, head) = (
            reader.get(path).await,
            reader.ask(Method::HEAD, path, &[]).await,
        );
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(
            head.headers["content-length"],
            get.body.len().to_string(),
            "{path}"
        );
    }
}
