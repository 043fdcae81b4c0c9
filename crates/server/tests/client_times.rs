//! Records of a time over the network: the client finds where it lies in the log, and a node that says another place is found out.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;
mod liar;
mod reading;

use bed::Answer;
use indelible_api::header;
use indelible_client::{Border, Client, Error, NotProven, Record, Selection};
use indelible_proof::time::Time;
use liar::{Liar, with};
use reading::{Library, READER};
use std::sync::Arc;
use std::time::Duration;

const LAST: u64 = 300;

fn client(library: &Library, port: u16) -> Client {
    let builder = library.builder(READER, port, &library.pin());
    builder.patience(Duration::from_secs(3)).build().unwrap()
}

async fn heads(client: &Client) -> Vec<Record> {
    let mut records = client
        .records("payments", Selection::all().heads())
        .unwrap();
    let mut all = Vec::new();
    while let Some(record) = records.next().await.unwrap() {
        all.push(record);
    }
    all
}

/// A nanosecond later.
fn after(time: Time) -> Time {
    match time.nanos() {
        999_999_999 => Time::new(time.secs() + 1, 0),
        nanos => Time::new(time.secs(), nanos + 1),
    }
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_record_at_a_time_is_found_to_the_nanosecond() {
    let library = Library::new().await;
    library.append(usize::try_from(LAST).unwrap());
    let client = client(&library, library.query.port());
    let all = heads(&client).await;
    assert_eq!(all.len(), usize::try_from(LAST).unwrap() + 1);
    let border = async |time| {
        let Border { first, is_there } = client.border("payments", time).await.unwrap();
        (first, is_there)
    };
    let early = Time::new(946_684_800, 0).unwrap();
    assert_eq!(border(early).await, (0, true));
    for record in [&all[0], &all[1], &all[100], &all[299]] {
        assert_eq!(border(record.time).await, (record.seq, true));
        assert_eq!(border(after(record.time)).await, (record.seq + 1, true));
    }
    let last = all.last().unwrap();
    assert_eq!(border(last.time).await, (LAST, true));
    assert_eq!(border(after(last.time)).await, (LAST + 1, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_names_another_record_or_none_is_found_out() {
    let library = Arc::new(Library::new().await);
    library.append(usize::try_from(LAST).unwrap());
    let honest = client(&library, library.query.port());
    let all = heads(&honest).await;
    let time = all[100].time;
    let mut reader = library.reader().await;
    let mut at = async |seq: u64| {
        let path = format!("/v1/logs/payments/records?from={seq}&count=1&heads");
        reader.get(&path).await
    };
    let liar = Liar::before(&library).await;
    let client = client(&library, liar.port());
    let told = async |lie: Answer| {
        liar.says(move |path, answer| match path.contains("after=") {
            true => Answer {
                status: lie.status,
                headers: lie.headers.clone(),
                body: lie.body.clone(),
            },
            false => answer,
        });
        match client.border("payments", time).await {
            Ok(found) => Ok(found),
            Err(Error::NotProven(why)) => Err(*why),
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(
        told(at(100).await).await,
        Ok(Border {
            first: 100,
            is_there: true
        })
    );
    // Earlier ones would be too many, later ones would hide some.
    for seq in [0, 1, 99] {
        assert_eq!(told(at(seq).await).await, Err(NotProven::OtherTime(seq)));
    }
    for seq in [101, 102, LAST] {
        assert_eq!(
            told(at(seq).await).await,
            Err(NotProven::OtherTime(seq - 1))
        );
    }
    // That there is none yet.
    let none = at(LAST + 1).await;
    assert!(none.body.is_empty());
    assert_eq!(told(none).await, Err(NotProven::OtherTime(LAST)));
    // Places that no node names.
    let mut odd = with(at(LAST).await, "");
    odd.headers.insert(header::NEXT, "7".parse().unwrap());
    assert!(matches!(told(odd).await, Err(NotProven::Malformed(_))));
    let mut odd = at(3).await;
    odd.headers.insert(header::NEXT, "0".parse().unwrap());
    assert!(matches!(told(odd).await, Err(NotProven::Malformed(_))));
    // A log that is shorter than it was.
    let mut set_back = at(20).await;
    set_back.headers.insert(header::SIZE, "21".parse().unwrap());
    let told = told(set_back).await;
    assert!(matches!(told, Err(NotProven::Rollback { .. })), "{told:?}");
}
