//! What this machine is, and how much memory this process holds.

use std::process::Command;

/// One line for the head of a table: commit, processor, cores, kernel, file system.
pub fn describe(dir: &std::path::Path) -> String {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .output()
            .ok()
            .filter(|output| output.status.success());
        output.map_or_else(
            || "?".to_owned(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    let commit = run("git", &["rev-parse", "--short", "HEAD"]);
    let dirty = if run("git", &["status", "--porcelain"]).is_empty() {
        ""
    } else {
        ", changed"
    };
    let cpu = read_field("/proc/cpuinfo", "model name");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let system = run("stat", &["-f", "-c", "%T", &dir.display().to_string()]);
    format!(
        "commit {commit}{dirty}; {cpu}, {cores} cores; Linux {}; {system}",
        kernel.trim()
    )
}

fn read_field(path: &str, name: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':'))
        .map_or_else(|| "?".to_owned(), |(_, value)| value.trim().to_owned())
}

/// Resident memory of this process in MB: now, and the most there ever was.
pub fn memory_mb() -> (f64, f64) {
    let field = |name: &str| {
        let text = read_field("/proc/self/status", name);
        text.split_whitespace()
            .next()
            .and_then(|kib| kib.parse::<f64>().ok())
            .map_or(0.0, |kib| kib * 1024.0 / 1e6)
    };
    (field("VmRSS"), field("VmHWM"))
}

/// Processor seconds this process used so far, user and system.
pub fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit_once(") ").map_or("", |(_, after)| after);
    let ticks: f64 = after
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

/// The same, to the nanosecond.
pub fn process_seconds() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::time::Duration::try_from(now).map_or(0.0, |time| time.as_secs_f64())
}

/// Processor seconds of this thread: what others do on the machine does not count.
pub fn thread_seconds() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::try_from(now).map_or(0.0, |time| time.as_secs_f64())
}
