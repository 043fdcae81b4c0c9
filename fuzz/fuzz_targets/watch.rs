//! A client reads from a watch what WHATWG HTML, 9.2 reads from it, or says that it is no event.

#![no_main]

use bytes::Bytes;
use events::{Event, Events, NoEvent};
use indelible_api::Problem;
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/client/src/reading/events.rs"]
mod events;

fuzz_target!(|input: &[u8]| {
    let mut events = Events::default();
    let mut other = Other::default();
    for line in input.split(|byte| *byte == b'\n') {
        let came = events.take(&Bytes::copy_from_slice(line));
        if let Some(expected) = other.take(line) {
            assert_eq!(came, expected, "{other:?}");
        }
        if let Ok(Some(Event::Record(seq, data))) = came {
            assert!(!data.contains(&b'\n'));
            written(seq, &data);
        }
    }
});

/// What a node writes for a record, and for its last word, reads back as that.
fn written(seq: u64, data: &Bytes) {
    let mut events = Events::default();
    let text = [format!("id: {seq}\ndata: ").as_bytes(), data].concat();
    let lines = text
        .split(|byte| *byte == b'\n')
        .map(Bytes::copy_from_slice);
    for line in lines {
        assert_eq!(events.take(&line), Ok(None));
    }
    let event = events.take(&Bytes::new());
    assert_eq!(event, Ok(Some(Event::Record(seq, data.clone()))));
}

/// The fields of an event as the standard has them.
#[derive(Debug, Default)]
struct Other {
    id: Option<Vec<u8>>,
    sort: Vec<u8>,
    data: Option<Vec<u8>>,
    /// A field was written as no node writes it: what is read then is not compared.
    is_odd: bool,
}

impl Other {
    /// What a line should give, where the standard and a node's own form agree.
    fn take(&mut self, line: &[u8]) -> Option<Result<Option<Event>, NoEvent>> {
        if line.is_empty() {
            let this = std::mem::take(self);
            return (!this.is_odd).then(|| this.event());
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or_default();
        let bare = value.strip_prefix(b" ");
        let known = matches!(name, b"id" | b"event" | b"data");
        // A node puts a space there, gives each field once, and writes no other line ends than LF.
        self.is_odd |= known && bare.is_none() || line.contains(&b'\r');
        let value = bare.unwrap_or(value).to_vec();
        match name {
            b"id" => self.is_odd |= self.id.replace(value).is_some(),
            b"data" => self.is_odd |= self.data.replace(value).is_some(),
            b"event" => self.sort = value,
            _ => {}
        }
        Some(Ok(None))
    }

    fn event(self) -> Result<Option<Event>, NoEvent> {
        let Some(data) = self.data else {
            return Ok(None);
        };
        if self.sort == b"problem" {
            let problem = serde_json::from_slice::<Problem>(&data).map_err(|_| NoEvent)?;
            return Ok(Some(Event::Problem(Box::new(problem))));
        }
        let id = self.id.and_then(|id| String::from_utf8(id).ok());
        let seq = id.and_then(|id| id.parse().ok()).ok_or(NoEvent)?;
        Ok(Some(Event::Record(seq, data.into())))
    }
}
