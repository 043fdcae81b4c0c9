//! Sockets of a listener: opened, and kept in step with the addresses of this machine.
//!
//! Owns the sockets. An address that comes gets one, one that goes loses its own; what is open is never closed because a look at the
//! addresses failed.

use super::spec::{Local, Spec, SpecError};
use crate::limits::BACKLOG;
use crate::network::Networks;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

/// Why nothing listens there.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// It may not.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The system refuses.
    #[error("cannot listen on {address}")]
    Socket {
        /// Where.
        address: String,
        /// What it says.
        source: io::Error,
    },
    /// The machine's addresses can't be read.
    #[error("cannot read the addresses of this machine")]
    Addresses(#[source] io::Error),
    /// The interface has no address that may be listened on.
    #[error(
        "{0} has no address inside the internal and declared networks: declare its network with [networks] internal = [\"…\"] if it is internal after all"
    )]
    Nothing(Spec),
    /// Another process listens there.
    #[error("another process listens on {path}", path = .0.display())]
    Taken(PathBuf),
    /// Something else stands there.
    #[error("{path} is no socket, and stays as it is", path = .0.display())]
    NoSocket(PathBuf),
}

/// The open sockets of a listener.
#[derive(Debug)]
pub struct Bound {
    spec: Spec,
    inside: Networks,
    pub(super) sockets: BTreeMap<SocketAddr, Arc<TcpListener>>,
    pub(super) unix: Option<(UnixListener, UnixFile)>,
}

/// A look at the addresses: what changed, and what could not be opened.
#[derive(Debug, Default)]
pub struct Change {
    /// Addresses that have a socket now.
    pub opened: Vec<SocketAddr>,
    /// Addresses whose socket is gone.
    pub closed: Vec<SocketAddr>,
    /// Addresses that should have a socket and have none.
    pub failed: Vec<(SocketAddr, io::Error)>,
}

impl Spec {
    /// Opens its sockets. To be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`BindError`]; then none is open.
    pub fn bind(&self, inside: &Networks) -> Result<Bound, BindError> {
        self.check(inside)?;
        let mut bound = Bound {
            spec: self.clone(),
            inside: inside.clone(),
            sockets: BTreeMap::new(),
            unix: None,
        };
        if let Spec::Unix(path) = self {
            bound.unix = Some(unix(path)?);
            return Ok(bound);
        }
        let change = bound.look().map_err(BindError::Addresses)?;
        if let Some((address, source)) = change.failed.into_iter().next() {
            let address = address.to_string();
            return Err(BindError::Socket { address, source });
        }
        match bound.sockets.is_empty() {
            true => Err(BindError::Nothing(self.clone())),
            false => Ok(bound),
        }
    }
}

impl Bound {
    /// As it was written.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The networks that count as inside.
    #[must_use]
    pub fn inside(&self) -> &Networks {
        &self.inside
    }

    /// Where it listens now, in order, with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let unix = self.unix.iter().map(|_| self.spec.to_string());
        let open = self.socket_addresses();
        open.iter().map(ToString::to_string).chain(unix).collect()
    }

    /// The same of sockets with an address.
    #[must_use]
    pub fn socket_addresses(&self) -> Vec<SocketAddr> {
        let sockets = self.sockets.values();
        sockets
            .filter_map(|socket| socket.local_addr().ok())
            .collect()
    }

    /// Brings the sockets in step with the machine's addresses.
    ///
    /// # Errors
    /// The addresses can't be read; all stays as it was.
    pub fn look(&mut self) -> io::Result<Change> {
        let locals = match self.spec.follows() {
            true => locals()?,
            false => Vec::new(),
        };
        let wanted = self.spec.addresses(&self.inside, &locals);
        let mut change = Change::default();
        self.sockets.retain(|address, _| {
            let stays = wanted.contains(address);
            if !stays {
                change.closed.push(*address);
            }
            stays
        });
        for address in wanted {
            if self.sockets.contains_key(&address) {
                continue;
            }
            match tcp(address) {
                Ok(socket) => {
                    self.sockets.insert(address, Arc::new(socket));
                    change.opened.push(address);
                }
                // It went between the look and the attempt, or is not usable yet (IPv6 looks for duplicates first): the next look
                // finds out.
                Err(error)
                    if self.spec.follows() && error.kind() == io::ErrorKind::AddrNotAvailable => {}
                Err(error) => change.failed.push((address, error)),
            }
        }
        Ok(change)
    }
}

/// The addresses of this machine, of interfaces that are up.
///
/// # Errors
/// The system does not tell.
pub fn locals() -> io::Result<Vec<Local>> {
    use nix::ifaddrs::getifaddrs;
    use nix::net::if_::InterfaceFlags;
    let found = getifaddrs()?.filter(|one| one.flags.contains(InterfaceFlags::IFF_UP));
    let found = found.filter_map(|one| {
        let address = one.address?;
        let v4 = address
            .as_sockaddr_in()
            .map(|address| SocketAddr::from((address.ip(), 0)));
        let v6 = address.as_sockaddr_in6().map(|address| {
            std::net::SocketAddrV6::new(address.ip(), 0, 0, address.scope_id()).into()
        });
        Some(Local {
            interface: one.interface_name,
            address: v4.or(v6)?,
        })
    });
    Ok(found.collect())
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A node that starts again finds connections of the one before still closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A socket file that goes when its listener goes.
#[derive(Debug)]
pub(super) struct UnixFile(PathBuf);

impl Drop for UnixFile {
    fn drop(&mut self) {
        // Nobody is left to tell; a stale file is replaced at the next start.
        std::fs::remove_file(&self.0).ok();
    }
}

/// Opens a socket file that its owner and group may use. One that nobody listens on any more is replaced, and nothing else is.
fn unix(path: &Path) -> Result<(UnixListener, UnixFile), BindError> {
    let failed = |source| BindError::Socket {
        address: format!("unix:{}", path.display()),
        source,
    };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(BindError::NoSocket(path.to_owned()));
        }
        Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
            Ok(_) => return Err(BindError::Taken(path.to_owned())),
        },
    }
    // Made under another name and closed to all but the owner, then named: nobody connects before the mode is right.
    let mut hidden = path.as_os_str().to_owned();
    hidden.push(".new");
    let hidden = PathBuf::from(hidden);
    std::fs::remove_file(&hidden)
        .or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })
        .map_err(failed)?;
    let listener = UnixListener::bind(&hidden).map_err(failed)?;
    let mode = std::fs::Permissions::from_mode(0o660);
    std::fs::set_permissions(&hidden, mode)
        .and_then(|()| std::fs::rename(&hidden, path))
        .map_err(failed)?;
    Ok((listener, UnixFile(path.to_owned())))
}
