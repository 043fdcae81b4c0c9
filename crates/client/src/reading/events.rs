//! Server-Sent Events (WHATWG HTML, 9.2), as a node writes them: a record under its seq, or the problem that ended the watch.

use bytes::Bytes;
use indelible_api::Problem;

/// What one event says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A line of an export, of the record at this seq.
    Record(u64, Bytes),
    /// Nothing comes after it.
    Problem(Box<Problem>),
}

/// Lines that are no event of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoEvent;

/// The event whose lines are coming.
#[derive(Debug, Default)]
pub(super) struct Events {
    id: Option<u64>,
    data: Option<Bytes>,
    is_problem: bool,
}

impl Events {
    /// Takes a line, without its end. The event, when that was its last: an empty line.
    pub(super) fn take(&mut self, line: &Bytes) -> Result<Option<Event>, NoEvent> {
        if line.is_empty() {
            return std::mem::take(self).event();
        }
        let of = |name: &[u8]| line.starts_with(name).then(|| line.slice(name.len()..));
        if let Some(data) = of(b"data: ") {
            self.data = Some(data);
        } else if let Some(id) = of(b"id: ") {
            self.id = std::str::from_utf8(&id).ok().and_then(|id| id.parse().ok());
        } else if let Some(sort) = of(b"event: ") {
            self.is_problem = sort == "problem";
        }
        Ok(None)
    }

    /// What all its lines say; nothing where they were comments.
    fn event(self) -> Result<Option<Event>, NoEvent> {
        let Some(data) = self.data else {
            return Ok(None);
        };
        let event = match self.is_problem {
            true => serde_json::from_slice(&data).ok().map(Event::Problem),
            false => self.id.map(|id| Event::Record(id, data)),
        };
        event.map(Some).ok_or(NoEvent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indelible_api::Code;

    /// What the lines of this text say, in their order.
    fn read(text: &str) -> Result<Vec<Event>, NoEvent> {
        let mut events = Events::default();
        let lines = text
            .split_terminator('\n')
            .map(|line| Bytes::from(line.to_owned()));
        lines
            .filter_map(|line| events.take(&line).transpose())
            .collect()
    }

    #[test]
    fn a_record_comes_with_its_seq_and_comments_are_nothing() {
        let record = |seq, line: &'static str| Event::Record(seq, Bytes::from(line));
        assert_eq!(read("id: 7\ndata: {}\n\n"), Ok(vec![record(7, "{}")]));
        assert_eq!(
            read(":\n\nid: 7\n:\ndata: a\n\n\n: x\n\ndata: b: c\nid: 8\n\n"),
            Ok(vec![record(7, "a"), record(8, "b: c")])
        );
        assert_eq!(read("id: 7\ndata: {}\n"), Ok(vec![]), "it has not ended");
        assert_eq!(read("id: 7\n\n"), Ok(vec![]));
    }

    #[test]
    fn a_problem_is_read_and_does_not_reach_into_the_next_event() {
        let problem = Problem::new(Code::Denied, "no longer");
        let text = serde_json::to_string(&problem).expect("it is JSON");
        let events = read(&format!(
            "event: problem\ndata: {text}\n\nid: 1\ndata: {text}\n\n"
        ));
        assert_eq!(
            events,
            Ok(vec![
                Event::Problem(Box::new(problem)),
                Event::Record(1, text.into())
            ])
        );
    }

    #[test]
    fn a_record_without_a_seq_and_a_problem_that_is_none_are_no_events() {
        for text in [
            "data: {}\n\n",
            "id: 1\ndata: a\n\ndata: b\n\n",
            "id: x\ndata: {}\n\n",
            "id: 18446744073709551616\ndata: {}\n\n",
            "event: problem\ndata: {}\n\n",
            "event: problem\nid: 1\ndata: x\n\n",
        ] {
            assert_eq!(read(text), Err(NoEvent), "{text:?}");
        }
    }
}
