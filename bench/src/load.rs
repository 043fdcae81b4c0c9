//! Callers: how many events are in flight, and how long each waits until it is durable.

use crate::disk::Latency;
use crate::events::Events;
use crate::store::random;
use anyhow::anyhow;
use indelible_ledger::{Ledger, Log, Ticket};
use indelible_proof::head::{Kind, Own, Shared};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Who writes, over what: a service over mutual TLS.
pub const BY: Shared<'static> = Shared {
    kind: Kind::Event,
    by: "spiffe://acme/payments",
    via: "ingest/http",
    from: None,
    cert: None,
    policy: None,
    format: None,
};

/// One in this many events has its latency taken, so that the clock costs nothing.
const SAMPLE: u64 = 16;

/// What a load did.
pub struct Done {
    pub events: u64,
    pub seconds: f64,
    pub latency: Latency,
}

/// Appends for so long with `in_flight` events on their way at any time, from `threads` threads.
pub fn run(
    ledger: &Ledger,
    log: &Arc<Log>,
    events: &Events,
    in_flight: usize,
    threads: usize,
    length: Duration,
) -> anyhow::Result<Done> {
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let results: Vec<anyhow::Result<(u64, Vec<Duration>)>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|thread| {
                let stop = &stop;
                scope.spawn(move || match in_flight / threads {
                    0 | 1 => one_by_one(ledger, log, events, thread, stop),
                    window => windowed(ledger, log, events, thread, window, stop),
                })
            })
            .collect();
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
        handles
            .into_iter()
            .map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|_| Err(anyhow!("a caller panicked")))
            })
            .collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    let (mut count, mut durations) = (0, Vec::new());
    for result in results {
        let (events, mut taken) = result?;
        count += events;
        durations.append(&mut taken);
    }
    Ok(Done {
        events: count,
        seconds,
        latency: Latency::of(durations),
    })
}

/// Each event is waited for before the next is brought.
fn one_by_one(
    ledger: &Ledger,
    log: &Arc<Log>,
    events: &Events,
    thread: usize,
    stop: &AtomicBool,
) -> anyhow::Result<(u64, Vec<Duration>)> {
    let mut caller = ledger.caller(log, random())?;
    let (mut count, mut durations) = (0_u64, Vec::new());
    let mut next = events.events.iter().cycle().skip(thread * 37);
    while !stop.load(Ordering::Relaxed) {
        let event = next.next().ok_or_else(|| anyhow!("no events"))?;
        let start = Instant::now();
        let prepared = caller.prepare(log, &BY, &Own::default(), event)?;
        ledger.append(log, prepared)?;
        durations.push(start.elapsed());
        count += 1;
    }
    Ok((count, durations))
}

/// A window of events is on its way; the oldest is waited for when it is full.
fn windowed(
    ledger: &Ledger,
    log: &Arc<Log>,
    events: &Events,
    thread: usize,
    window: usize,
    stop: &AtomicBool,
) -> anyhow::Result<(u64, Vec<Duration>)> {
    let mut caller = ledger.caller(log, random())?;
    let (mut count, mut durations) = (0_u64, Vec::new());
    let mut next = events.events.iter().cycle().skip(thread * 37);
    let mut waiting: VecDeque<(Ticket, Option<Instant>)> = VecDeque::with_capacity(window);
    let mut settle = |(ticket, start): (Ticket, Option<Instant>)| -> anyhow::Result<()> {
        ticket.wait()?;
        durations.extend(start.map(|start| start.elapsed()));
        Ok(())
    };
    while !stop.load(Ordering::Relaxed) {
        let event = next.next().ok_or_else(|| anyhow!("no events"))?;
        let start = (count % SAMPLE == 0).then(Instant::now);
        let prepared = caller.prepare(log, &BY, &Own::default(), event)?;
        waiting.push_back((ledger.submit(log, prepared)?, start));
        count += 1;
        if waiting.len() >= window
            && let Some(oldest) = waiting.pop_front()
        {
            settle(oldest)?;
        }
    }
    waiting.into_iter().try_for_each(settle)?;
    Ok((count, durations))
}

/// So many events, one after the other, each waited for.
pub fn count(
    ledger: &Ledger,
    log: &Arc<Log>,
    events: &Events,
    times: usize,
) -> anyhow::Result<Latency> {
    let mut caller = ledger.caller(log, random())?;
    let mut durations = Vec::with_capacity(times);
    for event in events.events.iter().cycle().take(times) {
        let start = Instant::now();
        let prepared = caller.prepare(log, &BY, &Own::default(), event)?;
        ledger.append(log, prepared)?;
        durations.push(start.elapsed());
    }
    Ok(Latency::of(durations))
}

/// Appends until the log has so many records.
pub fn fill(ledger: &Ledger, log: &Arc<Log>, events: &Events, size: u64) -> anyhow::Result<()> {
    let mut caller = ledger.caller(log, random())?;
    let mut waiting = VecDeque::new();
    for event in events
        .events
        .iter()
        .cycle()
        .take(usize::try_from(size.saturating_sub(log.size()))?)
    {
        let prepared = caller.prepare(log, &BY, &Own::default(), event)?;
        waiting.push_back(ledger.submit(log, prepared)?);
        if waiting.len() >= 10_000
            && let Some(oldest) = waiting.pop_front()
        {
            oldest.wait()?;
        }
    }
    waiting
        .into_iter()
        .try_for_each(|ticket| ticket.wait().map(|_| ()))?;
    Ok(())
}
