//! Watches and exports over the network: nothing lost, nothing twice, nothing that is not proven, whatever breaks and whoever lies.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;
mod liar;
mod reading;
mod wire;

use indelible_api::Code;
use indelible_client::{Client, Error, NotProven, Protocol, Record, Selection};
use indelible_proof::export::Content;
use indelible_proof::verdict::{Completeness, Integrity};
use indelible_proof::verify::verify_export;
use indelible_server::grants::{Grants, Role};
use liar::{Liar, with};
use reading::{Library, READER, append, put_in_force};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wire::Wire;

const IN_TIME: Duration = Duration::from_secs(20);

fn client_at(library: &Library, port: u16, protocol: Protocol) -> Client {
    let builder = library
        .builder(READER, port, &library.pin())
        .protocol(protocol)
        .connections(1)
        .patience(Duration::from_secs(3));
    builder.build().unwrap()
}

fn client(library: &Library) -> Client {
    client_at(library, library.query.port(), Protocol::Http2)
}

fn text(records: &[Record]) -> Vec<u8> {
    let lines = records.iter().map(|record| &record.line[..]);
    lines.flat_map(|line| [line, b"\n"].concat()).collect()
}

fn why(error: Error) -> NotProven {
    match error {
        Error::NotProven(why) => *why,
        other => panic!("{other:?}"),
    }
}

/// Somebody who records so many events, some at a time.
fn writer(library: &Arc<Library>, end: u64) -> tokio::task::JoinHandle<()> {
    let library = Arc::clone(library);
    tokio::task::spawn_blocking(move || {
        for batch in (1..).map(|n| n * 7 % 23 + 1) {
            let left = usize::try_from(end - library.log().size()).unwrap();
            if left == 0 {
                return;
            }
            append(&library.bed, left.min(batch), 5);
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_breaks_again_and_again_hands_out_every_record_once() {
    const END: u64 = 1_500;
    for protocol in [Protocol::Http2, Protocol::Http1] {
        let library = Arc::new(Library::new().await);
        let wire = Wire::to(library.query).await;
        let client = client_at(&library, wire.port(), protocol);
        let mut watch = client
            .watch("payments", Some(0), Content::All)
            .await
            .unwrap();
        let writing = writer(&library, END);
        let mut taken = Vec::new();
        while taken.len() < usize::try_from(END).unwrap() {
            // A wait that is given up loses nothing.
            let next = tokio::time::timeout(Duration::from_millis(50), watch.next());
            let Ok(next) = next.await else { continue };
            taken.push(next.unwrap());
            assert_eq!(watch.next_seq(), u64::try_from(taken.len()).unwrap());
            if taken.len() % 211 == 0 {
                wire.cut();
            }
        }
        writing.await.unwrap();
        assert_eq!(text(&taken), library.lines(0..END, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_begins_with_what_comes_next_and_shows_heads_where_they_are_asked_for() {
    let library = Library::new().await;
    library.append(10);
    let client = client(&library);
    let mut watch = client
        .watch("payments", None, Content::Heads)
        .await
        .unwrap();
    library.append(3);
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.push(watch.next().await.unwrap());
    }
    assert_eq!(text(&taken), library.lines(11..14, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_with_a_reason_when_it_is_denied_gone_or_out_of_reach() {
    let library = Arc::new(Library::new().await);
    library.append(10);
    let wire = Wire::to(library.query).await;
    let client = client_at(&library, wire.port(), Protocol::Http2);
    let mut beyond = client
        .watch("payments", Some(12), Content::All)
        .await
        .unwrap();
    let told = beyond.next().await.unwrap_err();
    assert_eq!(told.problem().unwrap().code, Code::NotFound, "{told}");

    let heard = Arc::<Mutex<Vec<String>>>::default();
    let mut watch = client
        .watch("payments", Some(10), Content::All)
        .await
        .unwrap()
        .telling({
            let heard = Arc::clone(&heard);
            move |why| heard.lock().unwrap().push(why.to_owned())
        });
    watch.next().await.unwrap();
    assert!(heard.lock().unwrap().is_empty());
    wire.shut();
    let told = watch.next().await.unwrap_err();
    assert!(
        matches!(told, Error::NoAnswer { tries: 2.., .. }),
        "{told:?}"
    );
    // Whoever waits for it hears once that it is tried again, and why.
    assert_eq!(heard.lock().unwrap().len(), 1, "{heard:?}");
    assert!(heard.lock().unwrap()[0].contains("localhost"), "{heard:?}");
    // Back again, it goes on.
    wire.open(library.query);
    library.append(1);
    assert_eq!(watch.next().await.unwrap().seq, 11);
    let nobody = Grants::new(vec![bed::grant("dns:nobody", Role::Reader, "payments")]);
    put_in_force(&library.bed, nobody.unwrap()).await;
    let told = watch.next().await.unwrap_err();
    assert_eq!(told.problem().unwrap().code, Code::Denied, "{told}");
}

fn events(lines: &[u8], first: u64) -> Vec<u8> {
    let lines = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let mut events = b": hello\n\n".to_vec();
    for (seq, line) in (first..).zip(lines) {
        events.extend_from_slice(format!("id: {seq}\ndata: ").as_bytes());
        events.extend_from_slice(line);
        events.extend_from_slice(b"\n\n");
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_hands_out_nothing_that_a_lying_node_makes_up_leaves_out_or_says_twice() {
    let library = Arc::new(Library::new().await);
    library.append(20);
    let liar = Liar::before(&library).await;
    let client = client_at(&library, liar.port(), Protocol::Http2);
    let lines = |seqs: std::ops::Range<u64>| library.lines(seqs, false);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();

    let altered = text(events(&lines(5..15), 5)).replacen("\"n\":5", "\"n\":7", 1);
    let skipped = [events(&lines(5..8), 5), events(&lines(9..12), 9)].concat();
    let renumbered = events(&[lines(5..8), lines(9..12)].concat(), 5);
    let twice = [events(&lines(5..8), 5), events(&lines(7..12), 7)].concat();
    for (what, body) in [
        ("altered", altered.into_bytes()),
        ("skipped", skipped),
        ("renumbered", renumbered),
        ("twice", twice),
    ] {
        liar.says_instead("watch", body);
        let mut watch = client
            .watch("payments", Some(5), Content::All)
            .await
            .unwrap();
        let told = tokio::time::timeout(IN_TIME, async {
            let mut count = 0;
            loop {
                match watch.next().await {
                    Ok(record) => {
                        assert_eq!(record.seq, 5 + count, "{what}");
                        count += 1;
                    }
                    Err(error) => return (count, why(error)),
                }
            }
        });
        let (count, told) = told.await.unwrap();
        let is_told = matches!(
            told,
            NotProven::Integrity(_) | NotProven::OtherRecord { .. }
        );
        assert!(is_told && count <= 3, "{what} {count}: {told:?}");
        // It goes on where it stood once the truth is told.
        liar.says_instead("watch", events(&lines(5 + count..21), 5 + count));
        for seq in 5 + count..21 {
            let record = tokio::time::timeout(IN_TIME, watch.next()).await.unwrap();
            assert_eq!(record.unwrap().seq, seq, "{what}");
        }
    }
}

/// All of an export that is handed out, and why it ended.
async fn taken(client: &Client, selection: Selection) -> (Vec<u8>, Option<Error>) {
    let mut export = match client.export("payments", selection).await {
        Ok(export) => export,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut bytes = Vec::new();
    loop {
        match export.next().await {
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => {
                assert!(export.report().is_some());
                return (bytes, None);
            }
            Err(error) => return (bytes, Some(error)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_whole_and_proven_before_its_end_is_handed_out() {
    let library = Library::new().await;
    library.append(3_000);
    let pin = library.pin();
    for protocol in [Protocol::Http2, Protocol::Http1] {
        let client = client_at(&library, library.query.port(), protocol);
        // Until a checkpoint covers all of it.
        client.receipt("payments", 3_000).await.unwrap();
        for (selection, first, last) in [
            (Selection::all(), 0, 3_000),
            (Selection::all().from(255).to(513), 255, 513),
            (Selection::all().heads().to(3), 0, 3),
        ] {
            let (bytes, ended) = taken(&client, selection).await;
            assert!(ended.is_none(), "{ended:?}");
            let report = verify_export(&bytes, Some(&pin));
            assert_eq!(report.verdict.exit_code(), 0, "{report:?}");
            assert_eq!(report.checked.range, Some((first, last)));
            let verified = client.verify("payments", selection, None).await.unwrap();
            assert_eq!(verified.verdict, report.verdict);
        }
        let (_, told) = taken(&client, Selection::all().from(3_001)).await;
        assert_eq!(told.unwrap().problem().unwrap().code, Code::BadRequest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_without_an_end_ends_where_its_checkpoint_does_while_the_log_grows() {
    const SIZES: usize = 3;
    const END: u64 = 1_000_000;
    let library = Arc::new(Library::new().await);
    // It grows until this is dropped: a checkpoint comes every second, however fast the log is written.
    let wanted = Arc::new(());
    let writing = tokio::task::spawn_blocking({
        let (library, wanted) = (Arc::clone(&library), Arc::downgrade(&wanted));
        move || {
            while wanted.strong_count() > 0 && library.log().size() < END {
                append(&library.bed, 40, 10);
            }
        }
    });
    let client = client(&library);
    let mut sizes = std::collections::BTreeSet::new();
    while sizes.len() < SIZES {
        assert!(!writing.is_finished(), "exports of {sizes:?}");
        let (bytes, ended) = taken(&client, Selection::all().heads()).await;
        assert!(ended.is_none(), "{ended:?}");
        let checked = verify_export(&bytes, Some(&library.pin())).checked;
        let (size, _) = checked.checkpoint.unwrap();
        assert_eq!(checked.range, Some((0, size - 1)));
        sizes.insert(size);
    }
    drop(wanted);
    writing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_export_that_is_not_proven_the_end_is_never_handed_out() {
    let library = Arc::new(Library::new().await);
    library.append(40);
    let liar = Liar::before(&library).await;
    let client = client_at(&library, liar.port(), Protocol::Http2);
    client.receipt("payments", 40).await.unwrap();
    let (whole, ended) = taken(&client, Selection::all()).await;
    assert!(ended.is_none());
    let (heads, _) = taken(&client, Selection::all().heads()).await;
    let (less, _) = taken(&client, Selection::all().to(30)).await;
    let refused = |bytes: Vec<u8>| {
        let (liar, client, whole) = (&liar, &client, &whole);
        async move {
            let sent = bytes.clone();
            liar.says(move |path, answer| match path.contains("export") {
                true => with(answer, bytes.clone()),
                false => answer,
            });
            let (handed, told) = taken(client, Selection::all().to(40)).await;
            assert!(sent.starts_with(&handed) && handed.len() < whole.len());
            assert!(!handed.windows(7).any(|bytes| bytes == b"{\"end\":"));
            why(told.unwrap())
        }
    };
    // Cut after every line, though in order by HTTP.
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for count in 0..lines.len() {
        let told = refused(lines[..count].concat()).await;
        assert!(
            matches!(told, NotProven::Integrity(Integrity::Malformed(_))),
            "{count}: {told:?}"
        );
    }
    let altered = String::from_utf8(whole.clone())
        .unwrap()
        .replacen("\"n\":5", "\"n\":6", 1);
    let digest = |text: &str| {
        // As somebody makes it who knows the form.
        let at = text.rfind("{\"end\"").unwrap();
        let hash = indelible_proof::hash::sha256(&text.as_bytes()[..at]);
        format!("{}{{\"end\":1,\"sha256\":\"{hash}\"}}\n", &text[..at])
    };
    let told = refused(digest(&altered).into_bytes()).await;
    assert!(
        matches!(told, NotProven::Integrity(Integrity::EventAltered(_))),
        "{told:?}"
    );
    assert_eq!(refused(heads).await, NotProven::OtherContent(0));
    let told = refused(less).await;
    assert!(
        matches!(told, NotProven::OtherRecord { due: 0, .. }),
        "{told:?}"
    );
    let told = client.verify("payments", Selection::all(), None).await;
    let told = why(told.map(drop).unwrap_err());
    assert!(matches!(told, NotProven::OtherRecord { due: 0, .. }));
    // What is in it and wrong is the verdict's to say.
    let kept = digest(&altered);
    liar.says(move |_, answer| with(answer, kept.clone()));
    let report = client
        .verify("payments", Selection::all(), None)
        .await
        .unwrap();
    assert_eq!(report.verdict.exit_code(), 1, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_before_is_a_rollback_once_more_was_shown() {
    let library = Arc::new(Library::new().await);
    library.append(40);
    let liar = Liar::before(&library).await;
    let client = client_at(&library, liar.port(), Protocol::Http2);
    client.receipt("payments", 40).await.unwrap();
    let (old, _) = taken(&client, Selection::all()).await;
    library.append(40);
    client.receipt("payments", 70).await.unwrap();
    liar.says(move |path, answer| match path.contains("export") {
        true => with(answer, old.clone()),
        false => answer,
    });
    let (_, told) = taken(&client, Selection::all()).await;
    assert!(matches!(
        why(told.unwrap()),
        NotProven::Rollback {
            size: 81,
            shown: 41,
            ..
        }
    ));
    let told = client
        .verify("payments", Selection::all(), None)
        .await
        .unwrap_err();
    assert!(matches!(
        why(told),
        NotProven::Rollback {
            size: 81,
            shown: 41,
            ..
        }
    ));
    // Records that were watched, and are not there any more.
    let mut watch = client
        .watch("payments", Some(81), Content::All)
        .await
        .unwrap();
    liar.refuses("watch", Code::NotFound);
    let told = watch.next().await.unwrap_err();
    assert!(matches!(
        why(told),
        NotProven::Rollback {
            size: 81,
            shown: 80,
            ..
        }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_breaks_off_says_so_and_shows_a_root_that_is_asked_for() {
    let library = Arc::new(Library::new().await);
    library.append_in(40_000, 4_000);
    let wire = Wire::to(library.query).await;
    let client = client_at(&library, wire.port(), Protocol::Http2);
    client.receipt("payments", 40_000).await.unwrap();
    let mut export = client.export("payments", Selection::all()).await.unwrap();
    export.next().await.unwrap();
    wire.cut();
    let told = loop {
        match export.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it was cut"),
            Err(error) => break error,
        }
    };
    assert!(matches!(told, Error::NoAnswer { .. }), "{told:?}");
    assert!(export.next().await.unwrap_or(None).is_none());
    let report = client
        .verify("payments", Selection::all().to(9), Some(5))
        .await
        .unwrap();
    assert_eq!(
        report.verdict.completeness,
        Completeness::Population { first: 0, last: 9 }
    );
    assert_eq!(report.checked.tree_heads.len(), 1);
}
