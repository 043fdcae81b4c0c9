//! Who may do what and where the node listens, as `_node` said last: what is in force, or was when the node last ran.

use super::Fact;
use crate::show;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::node_event::access::ListenerLine;
use indelible_proof::time::Time;

/// What was set: by whom, when, in which record of `_node`.
struct Set {
    seq: u64,
    time: Option<Time>,
    by: String,
}

impl Set {
    fn text(&self) -> String {
        let time = self.time.map(show::to_second).unwrap_or_default();
        format!("record {} of _node, {time} by {}", self.seq, self.by)
    }

    fn members(&self) -> String {
        let time = self
            .time
            .map_or_else(|| "null".to_owned(), |time| show::json(&time.to_string()));
        format!(
            "\"record\":{},\"time\":{time},\"by\":{}",
            self.seq,
            show::json(&self.by)
        )
    }
}

/// The newest of each, while `_node` is read from its beginning.
#[derive(Default)]
pub(super) struct Access {
    grants: Option<(Set, u64)>,
    networks: Option<(Set, Vec<String>, Vec<ListenerLine>)>,
}

impl Access {
    /// Takes in what a record says.
    pub(super) fn take(&mut self, seq: u64, time: Option<Time>, event: &NodeEvent<'_>) {
        let set = |by: &str| Set {
            seq,
            time,
            by: by.to_owned(),
        };
        match event {
            NodeEvent::Grants { by, grants } => {
                let count = u64::try_from(grants.len()).unwrap_or(u64::MAX);
                self.grants = Some((set(by), count));
            }
            NodeEvent::Networks {
                by,
                networks,
                listeners,
            } => self.networks = Some((set(by), networks.clone(), listeners.clone())),
            _ => {}
        }
    }

    /// Two lines of a status.
    pub(super) fn facts(self) -> [Fact; 2] {
        [grants(self.grants), listeners(self.networks)]
    }
}

fn grants(grants: Option<(Set, u64)>) -> Fact {
    match grants {
        None => Fact::new("grants", "none were ever in force", "null"),
        Some((set, count)) => Fact::new(
            "grants",
            format!("{}: {}", show::count(count), set.text()),
            format!("{{\"count\":{count},{}}}", set.members()),
        ),
    }
}

fn listeners(networks: Option<(Set, Vec<String>, Vec<ListenerLine>)>) -> Fact {
    let Some((set, networks, listeners)) = networks else {
        return Fact::new("listeners", "it never listened", "null");
    };
    let mut lines = vec![set.text()];
    for one in &listeners {
        let mut line = format!("{} {}", one.purpose, one.listen);
        if !one.allow_from.is_empty() {
            line.push_str(&format!(", for {}", one.allow_from.join(", ")));
        }
        lines.push(line);
    }
    if !networks.is_empty() {
        lines.push(format!("internal, too: {}", networks.join(", ")));
    }
    let list = |texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| show::json(text)).collect();
        texts.join(",")
    };
    let open: Vec<String> = listeners
        .iter()
        .map(|one| {
            format!(
                "{{\"purpose\":{},\"listen\":{},\"allow_from\":[{}]}}",
                show::json(&one.purpose),
                show::json(&one.listen),
                list(&one.allow_from)
            )
        })
        .collect();
    let json = format!(
        "{{{},\"networks\":[{}],\"listeners\":[{}]}}",
        set.members(),
        list(&networks),
        open.join(",")
    );
    Fact::new("listeners", lines.join("\n"), json)
}
