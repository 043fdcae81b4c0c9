//! What goes on beside the requests: signals, files that come anew, sealing by the clock, and whether anything can be recorded still.

use super::signals::Signals;
use super::{Event, Shared};
use crate::limits::WATCH_EVERY;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

/// What a file looked like, through symbolic links: another target is another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen(Option<[i128; 5]>);

impl Seen {
    pub(super) fn of(path: &Path) -> Seen {
        let found = std::fs::metadata(path).ok();
        Seen(found.map(|found| {
            [
                found.dev().into(),
                found.ino().into(),
                found.size().into(),
                found.mtime().into(),
                found.mtime_nsec().into(),
            ]
        }))
    }
}

/// Begins to watch; ends when the node stops.
pub(super) fn begin(
    runtime: &Runtime,
    shared: &Arc<Shared>,
    mut signals: Signals,
    stopping: &watch::Receiver<bool>,
    tell: mpsc::Sender<Event>,
) {
    let of_signals = tell.clone();
    runtime.spawn(async move {
        // Ends when nobody listens any more.
        while of_signals.send(signals.next().await).await.is_ok() {}
    });
    let seal_every = shared.config().seal_every();
    if let Some(every) = seal_every {
        let task = seal(Arc::downgrade(shared), every, tell.clone());
        runtime.spawn(until(stopping.clone(), task));
    }
    let task = files(Arc::downgrade(shared), tell.clone());
    runtime.spawn(until(stopping.clone(), task));
    let task = health(Arc::downgrade(shared), tell);
    runtime.spawn(until(stopping.clone(), task));
}

async fn until(mut stopping: watch::Receiver<bool>, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}

/// Looks at certificates, keys and lists, and has them taken up where one is another than before.
async fn files(shared: Weak<Shared>, tell: mpsc::Sender<Event>) {
    let mut seen = None;
    let mut ticks = interval(WATCH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let before = seen.take();
        let looked = tokio::task::spawn_blocking(move || {
            // The look comes first: what changes after it is seen by the next.
            let now = shared.watched();
            let is_new = before.is_some_and(|before| before != now);
            (now, is_new.then(|| shared.renew()))
        });
        let Ok((now, renewed)) = looked.await else {
            return;
        };
        seen = Some(now);
        let event = match renewed {
            None => continue,
            Some(Ok(())) => Event::Renewed,
            Some(Err(faults)) => Event::NotRenewed(faults),
        };
        if tell.send(event).await.is_err() {
            return;
        }
    }
}

/// Seals by the clock.
async fn seal(shared: Weak<Shared>, every: Duration, tell: mpsc::Sender<Event>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let sealed = tokio::task::spawn_blocking(move || shared.node.ledger.seal());
        if let Ok(Err(error)) = sealed.await {
            let text = format!("sealing failed: {error}");
            if tell.send(Event::Trouble(text)).await.is_err() {
                return;
            }
        }
    }
}

/// Says when nothing can be recorded any more, once; and each new trouble that stops nothing yet.
async fn health(shared: Weak<Shared>, tell: mpsc::Sender<Event>) {
    let mut before: [Option<String>; 3] = [None, None, None];
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let ledger = Arc::clone(&shared.node.ledger);
        drop(shared);
        if let Some(why) = ledger.stopped() {
            // Nobody to tell is nobody who runs it.
            let _untold = tell.send(Event::Broken(why)).await;
            return;
        }
        let now = [
            ledger
                .sealing_trouble()
                .map(|why| format!("sealing fails: {why}")),
            ledger
                .register_trouble()
                .map(|why| format!("the register can't be written: {why}")),
            ledger
                .room_trouble()
                .map(|why| format!("the disk has no room for the next tail file: {why}")),
        ];
        drop(ledger);
        for (now, before) in now.iter().zip(&before) {
            if let Some(text) = now.as_ref().filter(|_| now != before)
                && tell.send(Event::Trouble(text.clone())).await.is_err()
            {
                return;
            }
        }
        before = now;
    }
}
