//! HTTP/2 as attackers write it, over real TLS with a certificate that counts: the connection ends, what it held is bounded, and others go
//! on meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;
mod frames;

use bed::Bed;
use frames::{
    ACK, CONTINUATION, Came, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS,
    INITIAL_WINDOW_SIZE, PING, PRIORITY, REFUSED_STREAM, RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE,
    fields, frame, head, remembered,
};
use indelible_server::limits::{CONTROL_FRAMES_MAX, RESETS_MAX, STREAMS_MAX};
use std::time::Duration;

const EVENT: &str = r#"{"action":"payment.approve","amount":12}"#;
const RECORDS: &str = "/v1/logs/payments/records";
/// What a flood may make the process grow by, the test's own client and its tasks among it.
const GROWTH_MAX: u64 = 64 << 20;

/// Bytes of memory of this process; none where the system does not say.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4_096)
}

/// Held by each test: they measure the memory of one process.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Numbers of streams that a client opens.
fn streams() -> impl Iterator<Item = u32> {
    (0..).map(|number| number * 2 + 1)
}

/// Sends a flood without end beside a client that works: it is cut, memory stays, and the client never notices. Gives what came back.
async fn check(
    bed: &Bed,
    name: &str,
    begin: Vec<u8>,
    pieces: impl Iterator<Item = Vec<u8>> + Send + 'static,
) -> Vec<Came> {
    let mut other = bed.producer().await;
    assert_eq!(other.post("payments", EVENT, &[]).await.status, 201);
    let open = bed.node.counters.open.now();
    let before = resident();
    let mut raw = Raw::connect(bed, &[]).await;
    assert!(raw.send(&begin).await, "{name}");
    // Far more than anything needs that is to be cut.
    let flood = tokio::spawn(raw.flood(pieces.take(200_000)));
    while !flood.is_finished() {
        assert_eq!(
            other.post("payments", EVENT, &[]).await.status,
            201,
            "{name}"
        );
    }
    let (sent, came) = flood.await.unwrap();
    let grown = resident()
        .zip(before)
        .map(|(now, before)| now.saturating_sub(before));
    assert!(
        grown.is_none_or(|grown| grown < GROWTH_MAX),
        "{name}: {grown:?} bytes more after {sent} sent"
    );
    assert!(sent < 8 << 20, "{name}: not cut after {sent} bytes");
    bed.counted(|counters| counters.open.now() == open).await;
    assert_eq!(other.post("payments", EVENT, &[]).await.status, 201);
    came
}

fn calmed(came: &[Came]) -> bool {
    came.iter()
        .any(|came| came.kind == GOAWAY && came.code() == ENHANCE_YOUR_CALM)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let many = streams().map(|stream| {
        let mut bytes = frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            stream,
            &head("GET", "/v1/whoami"),
        );
        bytes.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        bytes
    });
    let came = check(&bed, "rapid reset", Vec::new(), many).await;
    assert!(
        calmed(&came) || bed.node.counters.flood.now() == 1,
        "{came:?}"
    );
    let answered = came.iter().filter(|came| came.kind == HEADERS).count();
    assert!(answered <= usize::try_from(RESETS_MAX).unwrap());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_that_are_taken_back_at_once_record_each_event_once_or_not_at_all() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let before = bed.log.size();
    let many = streams().map(|stream| {
        let mut bytes = frame(HEADERS, END_HEADERS, stream, &head("POST", RECORDS));
        bytes.extend(frame(DATA, END_STREAM, stream, EVENT.as_bytes()));
        bytes.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        bytes
    });
    let mut raw = Raw::connect(&bed, &[]).await;
    assert!(raw.send(&[]).await);
    let (_, came) = raw.flood(many.take(200_000)).await;
    assert!(calmed(&came) || bed.node.counters.flood.now() == 1);
    let mut other = bed.producer().await;
    let answer = other.post("payments", EVENT, &[]).await;
    let recorded: indelible_api::Single = answer.json();
    assert_eq!(recorded.seq + 1, bed.log.size(), "nothing comes after it");
    assert!(bed.log.size() - before <= u64::from(RESETS_MAX) + 2);
    drop(other);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_of_fields_that_never_ends_ends_the_connection() {
    let _alone = ALONE.lock().await;
    for (name, piece) in [
        ("long pieces", fields(&[("x", &"a".repeat(16_000))])),
        ("pieces of a byte", vec![0]),
        ("empty pieces", Vec::new()),
    ] {
        let bed = Bed::new().await;
        let begin = frame(HEADERS, 0, 1, &head("POST", RECORDS));
        let more = std::iter::repeat_with(move || frame(CONTINUATION, 0, 1, &piece));
        let came = check(&bed, name, begin, more).await;
        assert!(!came.iter().any(|came| came.kind == HEADERS), "{name}");
        bed.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_ask_for_work_and_carry_nothing_end_the_connection() {
    let _alone = ALONE.lock().await;
    let setting = [0, 4, 0, 1, 0, 0];
    for (name, one) in [
        ("pings", frame(PING, 0, 0, &[7; 8])),
        ("settings", frame(SETTINGS, 0, 0, &setting)),
        ("empty settings", frame(SETTINGS, 0, 0, &[])),
        ("priorities", frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 9])),
        ("empty data", frame(DATA, 0, 1, &[])),
    ] {
        let bed = Bed::new().await;
        let begin = frame(HEADERS, END_HEADERS, 1, &head("POST", RECORDS));
        let flood = std::iter::repeat(one);
        let came = check(&bed, name, begin, flood).await;
        let answers = came.iter().filter(|came| came.flags == ACK).count();
        assert!(
            answers <= usize::try_from(CONTROL_FRAMES_MAX).unwrap() + 1,
            "{name}"
        );
        assert!(
            calmed(&came) || bed.node.counters.flood.now() == 1,
            "{name}: {:?}",
            came.last()
        );
        bed.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_what_a_connection_may_have_are_refused_and_a_flood_of_them_ends_it() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let mut raw = Raw::connect(&bed, &[]).await;
    let most = usize::try_from(STREAMS_MAX).unwrap();
    // Begun and not ended.
    for stream in streams().take(most + 1) {
        let bytes = frame(HEADERS, END_HEADERS, stream, &head("POST", RECORDS));
        assert!(raw.send(&bytes).await);
    }
    let refused = loop {
        let came = raw.next().await.unwrap();
        if came.kind == RST_STREAM {
            break came;
        }
    };
    assert_eq!(refused.code(), REFUSED_STREAM);
    assert_eq!(refused.stream, STREAMS_MAX * 2 + 1);
    // The first of those that it may have goes on.
    assert!(
        raw.send(&frame(DATA, END_STREAM, 1, EVENT.as_bytes()))
            .await
    );
    let answered = loop {
        let came = raw.next().await.unwrap();
        if came.kind == HEADERS {
            break came;
        }
    };
    assert_eq!(answered.stream, 1);
    drop(raw);
    let many = streams().map(|stream| frame(HEADERS, END_HEADERS, stream, &head("POST", RECORDS)));
    check(&bed, "streams", Vec::new(), many).await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_a_table_makes_large_are_refused_before_they_are() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    // A little too large is refused alone.
    let mut raw = Raw::connect(&bed, &[]).await;
    let mut begin = head("GET", "/v1/whoami");
    begin.extend(remembered("x", &"a".repeat(3_900)));
    let begin = frame(HEADERS, END_HEADERS | END_STREAM, 1, &begin);
    assert!(raw.send(&begin).await);
    let named = |times: usize, stream: u32| {
        let mut fields = head("GET", "/v1/whoami");
        fields.extend(vec![0xbe; times]);
        frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields)
    };
    assert!(raw.send(&named(5, 3)).await);
    // `:status` and `431`, in the code of RFC 7541 App. B.
    let refused = loop {
        let came = raw.next().await.unwrap();
        if came.kind == HEADERS && came.stream == 3 {
            break came;
        }
    };
    assert_eq!(refused.payload, [0x48, 0x83, 0x69, 0x90, 0xff]);
    drop(raw);
    // Each byte names those 3,900 again: 60 MB in one frame.
    let large = move |stream| named(15_000, stream);
    let came = check(&bed, "table", begin, streams().skip(1).map(large)).await;
    assert!(calmed(&came), "{came:?}");
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_heads_of_requests_whose_bodies_do_not_come_are_not_kept() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let before = resident();
    let mut long = head("POST", RECORDS);
    long.extend(fields(&[("x", &"a".repeat(15_000))]));
    let most = usize::try_from(STREAMS_MAX).unwrap();
    let mut all = Vec::new();
    // 24 connections that have as many requests as they may: 92 MB of heads.
    for _ in 0..24 {
        let mut raw = Raw::connect(&bed, &[]).await;
        for stream in streams().take(most) {
            let long = frame(HEADERS, END_HEADERS, stream, &long);
            assert!(raw.send(&long).await);
        }
        all.push(raw);
    }
    // Each of them is read: the last one is answered once its body comes.
    for raw in &mut all {
        let last = frame(DATA, END_STREAM, STREAMS_MAX * 2 - 1, EVENT.as_bytes());
        assert!(raw.send(&last).await);
        while raw.next().await.unwrap().kind != HEADERS {}
    }
    let grown = resident()
        .zip(before)
        .map(|(now, before)| now.saturating_sub(before));
    assert!(grown.is_none_or(|grown| grown < GROWTH_MAX), "{grown:?}");
    drop(all);
    // A path that is long is none, and is not kept either.
    let mut other = bed.producer().await;
    let path = format!("payments{}", "x".repeat(4_000));
    let answer = other.post(&path, EVENT, &[]).await;
    assert_eq!(answer.status, 404);
    bed.end().await;
}

/// Asks for many long answers.
async fn ask(raw: &mut Raw, answers: usize) {
    for stream in streams().take(answers) {
        let head = head("GET", "/v1/openapi.json");
        assert!(
            raw.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &head))
                .await
        );
    }
}

fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_opens_no_window_for_its_answers_or_one_byte_by_byte_is_cut() {
    let _alone = ALONE.lock().await;
    let bed = Bed::behind(|door| door.patience.take = Duration::from_millis(300)).await;
    let mut other = bed.producer_http2().await;
    for byte_by_byte in [false, true] {
        let cut = bed.node.counters.stalled.now();
        let mut raw = Raw::connect(&bed, &[(INITIAL_WINDOW_SIZE, 0)]).await;
        ask(&mut raw, 200).await;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tokio::select! {
                came = raw.next() => if came.is_none() {
                    break;
                },
                _ = tick.tick(), if byte_by_byte => {
                    raw.send(&window(1, 1)).await;
                }
            }
        }
        bed.counted(|counters| counters.stalled.now() == cut + 1)
            .await;
        assert_eq!(other.post("payments", EVENT, &[]).await.status, 201);
    }
    drop(other);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_its_answer_in_small_steps_gets_all_of_it_and_rests_as_long_as_it_likes()
 {
    let _alone = ALONE.lock().await;
    let bed = Bed::behind(|door| door.patience.take = Duration::from_secs(1)).await;
    let mut raw = Raw::connect(&bed, &[(INITIAL_WINDOW_SIZE, 8_000)]).await;
    ask(&mut raw, 1).await;
    let mut taken = 0;
    loop {
        let came = raw.next().await.unwrap();
        if came.kind != DATA {
            continue;
        }
        taken += came.payload.len();
        if came.flags & END_STREAM != 0 {
            break;
        }
        let more = u32::try_from(came.payload.len()).unwrap();
        assert!(raw.send(&window(1, more)).await);
        assert!(raw.send(&window(0, more)).await);
    }
    assert!(taken > 10_000);
    // What was taken waits no more, however long the connection rests.
    let since = std::time::Instant::now();
    let mut other = bed.producer().await;
    while since.elapsed() < Duration::from_millis(1_200) {
        assert_eq!(other.post("payments", EVENT, &[]).await.status, 201);
    }
    assert_eq!(bed.node.counters.stalled.now(), 0);
    drop((raw, other));
    bed.end().await;
}
