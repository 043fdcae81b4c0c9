//! The peer: PostgreSQL with an audit table whose rows are chained, durable settings, over mutual TLS, on the same machine and disk.
//!
//! Its own load generator, pgbench, sends the same events. Where PostgreSQL is not installed the rows are left out and a line says so.

use super::load::{Batch, Load};
use crate::disk::Latency;
use crate::events::Events;
use anyhow::{Context as _, bail};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
};
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Who runs the server: it refuses to run as root.
const USER: &str = "postgres";
const SCHEMA: &str = include_str!("postgres.sql");

/// A server with an empty audit table.
pub struct Postgres {
    directory: TempDir,
    bin: PathBuf,
    port: u16,
}

/// Where its programs lie, if they do.
pub fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut bins: Vec<PathBuf> = versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file() && bin.join("pgbench").is_file())
        .collect();
    bins.sort();
    bins.pop()
}

impl Postgres {
    /// Starts one under `dir`.
    pub fn start(bin: PathBuf, dir: &Path) -> anyhow::Result<Postgres> {
        // The port is free now; between this and its use nobody else here opens one.
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let directory = TempDir::with_prefix_in("bench-postgres-", std::path::absolute(dir)?)?;
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755))?;
        let postgres = Postgres {
            directory,
            bin,
            port,
        };
        postgres.certificates()?;
        let data = postgres.path("data");
        postgres.run(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                USER,
                "--auth=trust",
                "-E",
                "UTF8",
                "--no-sync",
            ],
        )?;
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{0}'\nssl = on\nssl_cert_file = '{0}/node.pem'\n\
             ssl_key_file = '{0}/node.key'\nssl_ca_file = '{0}/ca.pem'\nssl_min_protocol_version = 'TLSv1.3'\nfsync = on\nsynchronous_commit = on\n\
             full_page_writes = on\nshared_buffers = 256MB\nmax_wal_size = 4GB\nmax_connections = 1100\n",
            postgres.directory.path().display()
        );
        std::fs::write(
            postgres.directory.path().join("data/postgresql.auto.conf"),
            settings,
        )?;
        let hba = "local all all trust\nhostssl all all 127.0.0.1/32 trust clientcert=verify-ca\n";
        std::fs::write(postgres.directory.path().join("data/pg_hba.conf"), hba)?;
        postgres.run(
            "pg_ctl",
            &["-D", &data, "-w", "-l", &postgres.path("log"), "start"],
        )?;
        std::fs::write(postgres.directory.path().join("schema.sql"), SCHEMA)?;
        let (socket, port) = (postgres.path(""), port.to_string());
        postgres.run(
            "psql",
            &[
                "-h",
                &socket,
                "-p",
                &port,
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-f",
                &postgres.path("schema.sql"),
                USER,
            ],
        )?;
        Ok(postgres)
    }

    /// Sends for so long. Gives events a second and how long a transaction took.
    pub fn run_load(
        &self,
        events: &Events,
        load: Load,
        length: Duration,
    ) -> anyhow::Result<(f64, Latency)> {
        let Load {
            clients,
            batch: Batch(batch),
        } = load;
        let script = self.directory.path().join("script.sql");
        std::fs::write(&script, statement(events, batch)?)?;
        let port = self.port.to_string();
        let (clients, seconds) = (clients.to_string(), length.as_secs().to_string());
        let log = self.path("transactions");
        let arguments = [
            "-n",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-c",
            &clients,
            "-j",
            "2",
            "-T",
            &seconds,
            "-l",
            "--log-prefix",
            &log,
            "-f",
            &self.path("script.sql"),
            USER,
        ];
        let said = self.run("pgbench", &arguments)?;
        let rate = said
            .lines()
            .find_map(|line| line.strip_prefix("tps = "))
            .and_then(|rest| rest.split_whitespace().next())
            .with_context(|| format!("pgbench said: {said}"))?;
        let rate: f64 = rate.parse()?;
        #[expect(clippy::as_conversions, reason = "a count for a table")]
        let events = batch as f64;
        Ok((rate * events, self.latency()?))
    }

    /// What the transactions took, from pgbench's log: client, number, microseconds, …
    fn latency(&self) -> anyhow::Result<Latency> {
        let mut durations = Vec::new();
        for entry in std::fs::read_dir(self.directory.path())? {
            let entry = entry?;
            if !entry
                .file_name()
                .to_string_lossy()
                .starts_with("transactions")
            {
                continue;
            }
            let text = std::fs::read_to_string(entry.path())?;
            let micros = text
                .lines()
                .filter_map(|line| line.split(' ').nth(2)?.parse().ok());
            durations.extend(micros.map(Duration::from_micros));
            std::fs::remove_file(entry.path())?;
        }
        Ok(Latency::of(durations))
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn certificates(&self) -> anyhow::Result<()> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        std::fs::write(self.path("ca.pem"), issuer.pem())?;
        for name in ["node", "client"] {
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
            // OpenSSL takes a certificate for self-signed whose name is its issuer's.
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
            let certificate = params.signed_by(&key, &issuer)?;
            std::fs::write(self.path(&format!("{name}.pem")), certificate.pem())?;
            let path = self.path(&format!("{name}.key"));
            std::fs::write(&path, key.serialize_pem())?;
            std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        }
        let (user, group) = ids()?;
        for name in [
            "",
            "ca.pem",
            "node.pem",
            "node.key",
            "client.pem",
            "client.key",
        ] {
            chown(self.path(name), Some(user), Some(group))?;
        }
        Ok(())
    }

    /// Runs one of its programs as its user.
    fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let (user, group) = ids()?;
        let output = Command::new(self.bin.join(program))
            .args(arguments)
            .uid(user)
            .gid(group)
            .current_dir(self.directory.path())
            .env("PGUSER", USER)
            .env("PGSSLMODE", "verify-ca")
            .env("PGSSLROOTCERT", self.path("ca.pem"))
            .env("PGSSLCERT", self.path("client.pem"))
            .env("PGSSLKEY", self.path("client.key"))
            .stdin(Stdio::null())
            .stderr(if program == "pg_ctl" {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(if program == "pg_ctl" {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .output()
            .with_context(|| format!("run {program}"))?;
        if !output.status.success() {
            bail!("{program}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stopped = self.run(
            "pg_ctl",
            &["-D", &self.path("data"), "-m", "immediate", "-w", "stop"],
        );
        if let Err(error) = stopped {
            eprintln!("warning: {error:#}");
        }
    }
}

/// One transaction of so many events.
fn statement(events: &Events, batch: usize) -> anyhow::Result<String> {
    let mut list = Vec::new();
    for index in 0..batch {
        let event = events
            .events
            .get(index % events.events.len())
            .context("there are events")?;
        let text = std::str::from_utf8(event)?;
        list.push(format!("'{}'::jsonb", text.replace('\'', "''")));
    }
    Ok(format!(
        "SELECT audit_append(ARRAY[{}]);\n",
        list.join(",\n")
    ))
}

fn ids() -> anyhow::Result<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd")?;
    let line = users
        .lines()
        .find(|line| line.starts_with(&format!("{USER}:")));
    let fields: Vec<&str> = line
        .with_context(|| format!("there is no user {USER}"))?
        .split(':')
        .collect();
    Ok((
        fields.get(2).context("uid")?.parse()?,
        fields.get(3).context("gid")?.parse()?,
    ))
}
