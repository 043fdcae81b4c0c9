//! The node that is measured: this program again, in a process of its own.

use super::certificates::PRODUCER;
use crate::store::{open_at, random};
use anyhow::Context as _;
use indelible_ledger::{Founding, Settings};
use indelible_proof::pin::Pin;
use indelible_server::Node;
use indelible_server::grants::{Grant, Grants, Role};
use indelible_server::http::Purpose;
use indelible_server::listen::{self, Door, Spec};
use indelible_server::network::Networks;
use indelible_server::tls::{self, Current, Files};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tokio::sync::watch;

/// Says which store to serve.
const STORE: &str = "INDELIBLE_BENCH_SERVE";
/// Bytes of tail beyond which commits wait for sealing; not set: they never do.
const TAIL: &str = "INDELIBLE_BENCH_TAIL";

/// A node that runs until its input ends.
pub struct Child {
    process: std::process::Child,
    pub address: SocketAddr,
    /// The line by which its log is known.
    pub pin: Pin,
}

impl Child {
    pub fn start(store: &Path, tail_bytes_max: Option<u64>) -> anyhow::Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        if let Some(bytes) = tail_bytes_max {
            command.env(TAIL, bytes.to_string());
        }
        let mut process = command
            .env(STORE, store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().context("its output")?;
        let mut lines = BufReader::new(output).lines();
        let mut line = || {
            let line = lines.next().context("the node said nothing")?;
            line.map_err(anyhow::Error::from)
        };
        let address = line()?.parse()?;
        let pin = Pin::parse(line()?.as_bytes()).map_err(|_| anyhow::anyhow!("no pin"))?;
        Ok(Child {
            process,
            address,
            pin,
        })
    }

    /// Processor time it has taken.
    pub fn busy_seconds(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let ticks: f64 = fields.get(11).context("user time")?.parse::<f64>()?
            + fields.get(12).context("system time")?.parse::<f64>()?;
        Ok(ticks / 100.0)
    }

    /// The most memory it held.
    pub fn memory_mb(&self) -> anyhow::Result<f64> {
        self.status_mb("VmHWM:")
    }

    /// The memory it holds.
    pub fn memory_now_mb(&self) -> anyhow::Result<f64> {
        self.status_mb("VmRSS:")
    }

    fn status_mb(&self, field: &'static str) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kibibytes = line
            .and_then(|line| line.split_whitespace().next())
            .context(field)?;
        Ok(kibibytes.parse::<f64>()? * 1_024.0 / 1e6)
    }

    pub fn stop(mut self) -> anyhow::Result<()> {
        drop(self.process.stdin.take());
        anyhow::ensure!(self.process.wait()?.success(), "the node ended badly");
        Ok(())
    }
}

/// Serves, if this process was started for it.
pub fn part() -> Option<anyhow::Result<()>> {
    let store = PathBuf::from(std::env::var_os(STORE)?);
    Some(serve(&store))
}

fn serve(store: &Path) -> anyhow::Result<()> {
    let tail_bytes_max = match std::env::var(TAIL) {
        Ok(bytes) => Some(bytes.parse()?),
        Err(_) => None,
    };
    let settings = Settings {
        tail_bytes_max,
        ..Settings::default()
    };
    let ledger = open_at(store, settings)?;
    let founding = Founding {
        origin: "audit.bench.example",
        creator: "unix:0",
    };
    let log = ledger.create_log("payments", &founding, [7; 8])?;
    let keys = ledger.books().keys(&log)?;
    let key = keys.keys.first().context("a log has a key")?.clone();
    let pin = format!("indelible-pin-v1 {} {key}", log.id());
    let grants = Grants::new(vec![Grant {
        who: vec![PRODUCER.to_owned()],
        role: Role::Producer,
        logs: vec!["payments".to_owned()],
        from: Vec::new(),
    }])?;
    let ledger = Arc::new(ledger);
    let beside = store.parent().context("a store lies in a directory")?;
    let files = Files {
        certificate: beside.join("node.pem"),
        key: beside.join("node.key"),
        client_ca: beside.join("ca.pem"),
        crl: None,
    };
    let node = Arc::new(Node::new(Arc::clone(&ledger), grants, Box::new(random)));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let bound = "127.0.0.1:0".parse::<Spec>()?.bind(&Networks::default())?;
        for address in bound.addresses() {
            println!("{address}\n{pin}");
        }
        let (stop, stopped) = watch::channel(false);
        let tls = Current::new(tls::server(&files)?);
        let door = Door::new(Purpose::Ingest, Some(Arc::new(tls)), node);
        let serving = tokio::spawn(listen::serve(Arc::new(door), bound, stopped));
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        stop.send_replace(true);
        serving.await??;
        anyhow::Ok(())
    })?;
    drop(runtime);
    let ledger = Arc::into_inner(ledger).context("something still holds the ledger")?;
    ledger.close("bench")?;
    Ok(())
}
