//! The command line: which seeds, how many, how long; histories side by side, and the first that fails told so that it can be lived again.

use crate::history::{self, Ran};
use crate::tree;
use crate::world::Counts;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Of so many histories one is lived twice, and both must be the same to the byte.
const TWICE_IN: u64 = 16;
/// A history takes milliseconds; one that takes this long waits for something that never comes.
const HANGS_AFTER: Duration = Duration::from_secs(120);
/// Lines of the story that are shown of a failure.
const LINES_SHOWN: usize = 60;

/// What was asked for.
pub struct Asked {
    seed: u64,
    histories: u64,
    minutes: Option<u64>,
    story: bool,
}

impl Asked {
    pub fn parse(arguments: &[String]) -> Result<Asked, String> {
        let mut asked = Asked {
            seed: 1,
            histories: 1_000,
            minutes: None,
            story: false,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            if name == "--story" {
                asked.story = true;
                continue;
            }
            let value = rest.next().and_then(|value| value.parse().ok());
            let value = value.ok_or_else(|| format!("a whole number must follow {name}"))?;
            match name.as_str() {
                "--seed" => asked.seed = value,
                "--histories" => asked.histories = value,
                "--minutes" => asked.minutes = Some(value),
                _ => return Err(format!("no such option: {name}")),
            }
        }
        Ok(asked)
    }
}

/// What the workers share.
struct Work {
    next: AtomicU64,
    end: u64,
    until: Option<Instant>,
    sum: Mutex<Sum>,
}

#[derive(Default)]
struct Sum {
    histories: u64,
    twice: u64,
    counts: Counts,
    /// The smallest seed that failed.
    failed: Option<(u64, Ran)>,
    /// Which seeds are being lived, and since when.
    living: Vec<(u64, Instant)>,
}

pub fn run(asked: &Asked) -> ExitCode {
    let end = match asked.minutes {
        Some(_) => u64::MAX,
        None => asked.seed.saturating_add(asked.histories),
    };
    let until = asked
        .minutes
        .map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let work = Work {
        next: AtomicU64::new(asked.seed),
        end,
        until,
        sum: Mutex::default(),
    };
    let begun = Instant::now();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(|| work.live())).collect();
        while !workers.iter().all(|worker| worker.is_finished()) {
            std::thread::park_timeout(Duration::from_millis(200));
            work.watch();
        }
    });
    let sum = work
        .sum
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    report(&sum, asked, begun.elapsed())
}

impl Work {
    fn sum(&self) -> std::sync::MutexGuard<'_, Sum> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) {
        loop {
            let over = self.until.is_some_and(|until| Instant::now() >= until);
            let seed = self.next.fetch_add(1, Ordering::SeqCst);
            if over || seed >= self.end || self.sum().failed.is_some() {
                return;
            }
            self.sum().living.push((seed, Instant::now()));
            let mut ran = live_once(seed);
            let twice = seed.is_multiple_of(TWICE_IN) && ran.trouble.is_none();
            if twice {
                let again = live_once(seed);
                if again.disk != ran.disk || again.trace != ran.trace {
                    let apart = first_difference(&ran, &again);
                    ran.trouble = Some(format!("lived twice, it is not the same: {apart}"));
                }
            }
            let mut sum = self.sum();
            sum.living.retain(|(living, _)| *living != seed);
            sum.histories += 1;
            sum.twice += u64::from(twice);
            for (what, count) in &ran.counts {
                *sum.counts.entry(what).or_default() += count;
            }
            let smaller = sum.failed.as_ref().is_none_or(|(failed, _)| seed < *failed);
            if ran.trouble.is_some() && smaller {
                sum.failed = Some((seed, ran));
            }
        }
    }

    /// Whoever hangs is named: nothing else would end it.
    fn watch(&self) {
        let hung = |(_, since): &&(u64, Instant)| since.elapsed() > HANGS_AFTER;
        let seed = self.sum().living.iter().find(hung).map(|(seed, _)| *seed);
        if let Some(seed) = seed {
            println!("seed {seed} hangs\n    cargo xtask sim --seed {seed} --histories 1");
            std::process::exit(1);
        }
    }
}

/// A panic is a failure like others.
fn live_once(seed: u64) -> Ran {
    let lived = catch_unwind(AssertUnwindSafe(|| history::run(seed)));
    lived.unwrap_or_else(|panic| history::broken(format!("panic: {}", said(&*panic))))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

fn first_difference(one: &Ran, other: &Ran) -> String {
    let lines = |ran: &Ran| [&ran.story[..], &ran.disk].concat();
    let (one, other) = (lines(one), lines(other));
    match one.iter().zip(&other).find(|(one, other)| one != other) {
        Some((one, other)) => format!("'{one}' and '{other}'"),
        None => "other operations of the disk".to_owned(),
    }
}

fn report(sum: &Sum, asked: &Asked, took: Duration) -> ExitCode {
    if let Some((seed, ran)) = &sum.failed {
        let hidden = match asked.story {
            true => 0,
            false => ran.story.len().saturating_sub(LINES_SHOWN),
        };
        ran.story
            .iter()
            .skip(hidden)
            .for_each(|line| println!("  {line}"));
        let trouble = ran.trouble.as_deref().unwrap_or_default();
        println!("seed {seed}: {trouble}\n    cargo xtask sim --seed {seed} --histories 1 --story");
        println!("{} passed, 1 failed", sum.histories.saturating_sub(1));
        return ExitCode::FAILURE;
    }
    for (what, count) in &sum.counts {
        println!("{count:>10}  {what}");
    }
    println!(
        "{} histories from seed {} in {:.1} s, {} of them lived twice",
        sum.histories,
        asked.seed,
        took.as_secs_f64(),
        sum.twice
    );
    if asked.histories == 1 {
        let ran = live_once(asked.seed);
        if asked.story {
            ran.story.iter().for_each(|line| println!("  {line}"));
        }
        let disk = tree::sha256(&[ran.disk.join("\n").as_bytes()]);
        println!("disk {}\ntrace {}", tree::hex(&disk), tree::hex(&ran.trace));
    }
    println!("{} passed, 0 failed", sum.histories);
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_history_to_the_byte_and_another_is_another() {
        let [one, again, other] = [7, 7, 8].map(live_once);
        assert_eq!(one.trouble, None);
        assert_eq!((&one.disk, one.trace), (&again.disk, again.trace));
        assert_ne!(one.trace, other.trace);
    }

    #[test]
    fn options_are_whole_numbers_and_known() {
        let parse = |text: &str| {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            Asked::parse(&words)
        };
        let asked = parse("--seed 9 --minutes 60 --story").unwrap();
        assert_eq!(
            (asked.seed, asked.minutes, asked.story),
            (9, Some(60), true)
        );
        for wrong in ["--seed", "--seed x", "--bake 3", "9"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
