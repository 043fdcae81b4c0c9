//! What is appended: synthetic events of 450 bytes, and real CloudTrail events where the data set is there.

use anyhow::Context as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A kind of event to measure with.
pub struct Events {
    pub name: &'static str,
    pub events: Vec<Vec<u8>>,
}

impl Events {
    /// Mean length in bytes.
    pub fn mean_len(&self) -> usize {
        self.events.iter().map(Vec::len).sum::<usize>() / self.events.len()
    }
}

/// 4,096 different events of exactly 450 bytes, of the shape services write.
pub fn synthetic() -> Events {
    let actions = [
        "order.create",
        "order.refund",
        "user.login",
        "user.role.grant",
        "invoice.read",
        "report.export",
    ];
    let events = (0..4096_u64).map(|number| {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let action = actions[usize::try_from(mixed >> 40).unwrap_or(0) % actions.len()];
        let start = format!(
            r#"{{"actor":{{"id":"user-{:05}","type":"employee","session":"{mixed:016x}"}},"action":"{action}","target":{{"type":"order","id":"ord_{:012x}"}},"outcome":"{}","source":{{"ip":"10.{}.{}.{}","agent":"payments/2.{}.1 (linux; amd64)"}},"trace":"{:032x}","reason":""#,
            mixed % 90_000,
            mixed & 0xffff_ffff_ffff,
            if mixed % 17 == 0 { "denied" } else { "allowed" },
            mixed >> 8 & 255,
            mixed >> 16 & 255,
            mixed >> 24 & 255,
            mixed % 10,
            u128::from(mixed) << 31,
        );
        let mut event = start.into_bytes();
        let words = b"customer asked for the change by phone, ticket attached, second person confirmed and the amount was checked ";
        let room = 450_usize.saturating_sub(event.len() + 2);
        event.extend(words.iter().cycle().skip(usize::try_from(number % 7).unwrap_or(0)).take(room));
        event.extend_from_slice(b"\"}");
        event
    });
    Events {
        name: "450 B",
        events: events.collect(),
    }
}

/// 4,096 different events of some 120 bytes: what a store of very many records is filled with.
pub fn small() -> Events {
    let events = (0..4096_u64).map(|number| {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let event = format!(
            r#"{{"actor":"user-{:05}","action":"invoice.read","target":"inv_{:012x}","outcome":"allowed","ip":"10.{}.{}.{}"}}"#,
            mixed % 90_000,
            mixed & 0xffff_ffff_ffff,
            mixed >> 8 & 255,
            mixed >> 16 & 255,
            mixed >> 24 & 255,
        );
        event.into_bytes()
    });
    Events {
        name: "small",
        events: events.collect(),
    }
}

/// The CloudTrail data set, if it lies beside the project.
pub fn cloudtrail() -> anyhow::Result<Option<Events>> {
    let path = Path::new("../shared/data/cloudtrail.jsonl.gz");
    if !path.exists() {
        println!(
            "skipped: CloudTrail events ({} is not there)",
            path.display()
        );
        return Ok(None);
    }
    let output = Command::new("gzip")
        .arg("-dc")
        .arg(path)
        .stdout(Stdio::piped())
        .output()
        .context("run gzip")?;
    let events: Vec<Vec<u8>> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    anyhow::ensure!(!events.is_empty(), "no events in {}", path.display());
    Ok(Some(Events {
        name: "CloudTrail",
        events,
    }))
}
