//! What systemd is told of a service: ready, reloading, stopping (sd_notify(3)). Without a socket to tell, nothing.

use crate::args::from_environment;
use rustix::time::{ClockId, clock_gettime};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixDatagram;

/// Whoever started this process and wants to know.
pub struct Supervisor(Option<UnixDatagram>);

impl Supervisor {
    /// The one that the environment names.
    pub fn of_environment() -> Supervisor {
        Supervisor(from_environment("NOTIFY_SOCKET").and_then(|name| {
            let socket = UnixDatagram::unbound().ok()?;
            let connected = match name.as_bytes().strip_prefix(b"@") {
                Some(name) => in_no_directory(&socket, name),
                None => socket.connect(&name),
            };
            connected.ok().map(|()| socket)
        }))
    }

    /// It takes requests.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// It reads its settings again; `ready` follows. systemd wants to know when, so as not to mistake an earlier `ready` for it.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// It ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Whoever does not read it has lost interest; the node serves all the same.
    fn tell(&self, text: &str) {
        if let Some(socket) = &self.0 {
            let _unread = socket.send(text.as_bytes());
        }
    }
}

/// Linux has names for sockets that lie in no directory.
#[cfg(target_os = "linux")]
fn in_no_directory(socket: &UnixDatagram, name: &[u8]) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt as _;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    socket.connect_addr(&address)
}

#[cfg(not(target_os = "linux"))]
fn in_no_directory(_: &UnixDatagram, _: &[u8]) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
