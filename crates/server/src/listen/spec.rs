//! Addresses of listeners as people write them.
//!
//! Pure: what is written becomes a [`Spec`], and which addresses of this machine that means is decided from a list that is given. No
//! form stands for *everywhere*: a wildcard and a public address that nobody declared are refused with what to write instead.

use crate::network::Networks;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Spec {
    /// `internal:PORT`: each address of this machine that lies inside, and loopback.
    Internal(u16),
    /// `IP:PORT` or `[IPv6]:PORT`.
    Address(SocketAddr),
    /// `iface:NAME:PORT`: each address of this interface that lies inside.
    Interface(String, u16),
    /// `unix:PATH`.
    Unix(PathBuf),
}

/// Why a text is no address of a listener, or one that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// None of the forms.
    #[error(
        "'{0}' is no address of a listener: write internal:PORT, IP:PORT, [IPv6]:PORT, iface:NAME:PORT or unix:/PATH"
    )]
    BadForm(String),
    /// No port, or none that can be.
    #[error("'{0}' has no port between 1 and 65535")]
    BadPort(String),
    /// A path that depends on where the node is started.
    #[error("'{0}' has no absolute path: write unix:/PATH")]
    RelativePath(String),
    /// All addresses at once.
    #[error(
        "'{0}' would listen on every address, also on those that come later: write internal:{port} for the internal ones, or one address",
        port = .0.port()
    )]
    Wildcard(SocketAddr),
    /// A public address.
    #[error(
        "{0} is a public address: write internal:{port}, or declare its network with [networks] internal = [\"{ip}\"] if it is internal after all",
        port = .0.port(),
        ip = .0.ip()
    )]
    Public(SocketAddr),
}

/// An address of this machine and the interface that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Name of the interface.
    pub interface: String,
    /// The address; its port is 0, and a link-local one has its scope.
    pub address: SocketAddr,
}

impl Spec {
    /// Whether it may be listened on at all, whatever this machine's addresses are.
    ///
    /// # Errors
    /// A wildcard, or a public address outside the declared networks.
    pub fn check(&self, inside: &Networks) -> Result<(), SpecError> {
        match self {
            Spec::Address(address) if address.ip().to_canonical().is_unspecified() => {
                Err(SpecError::Wildcard(*address))
            }
            Spec::Address(address) if !inside.contains(address.ip()) => {
                Err(SpecError::Public(*address))
            }
            _ => Ok(()),
        }
    }

    /// The addresses that it means now, in order. None for a path.
    #[must_use]
    pub fn addresses(&self, inside: &Networks, locals: &[Local]) -> Vec<SocketAddr> {
        let of = |port: u16, wanted: &dyn Fn(&Local) -> bool| {
            let found = locals.iter().filter(|local| wanted(local));
            let mut found: Vec<SocketAddr> = found
                .map(|local| local.address)
                .filter(|address| inside.contains(address.ip()))
                .map(|mut address| {
                    address.set_port(port);
                    address
                })
                .collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        match self {
            Spec::Internal(port) => of(*port, &|_| true),
            Spec::Interface(name, port) => of(*port, &|local| local.interface == *name),
            Spec::Address(address) => vec![*address],
            Spec::Unix(_) => Vec::new(),
        }
    }

    /// Whether what it means changes with the addresses of this machine.
    #[must_use]
    pub fn follows(&self) -> bool {
        matches!(self, Spec::Internal(_) | Spec::Interface(..))
    }
}

fn port(digits: &str, whole: &str) -> Result<u16, SpecError> {
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let port = digits.parse().ok().filter(|port| plain && *port != 0);
    port.ok_or_else(|| SpecError::BadPort(whole.to_owned()))
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Spec, SpecError> {
        let bad = || SpecError::BadForm(text.to_owned());
        if let Some(digits) = text.strip_prefix("internal:") {
            return Ok(Spec::Internal(port(digits, text)?));
        }
        if let Some(rest) = text.strip_prefix("iface:") {
            let (name, digits) = rest.rsplit_once(':').ok_or_else(bad)?;
            let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
            if name.is_empty() || !name.bytes().all(plain) {
                return Err(bad());
            }
            return Ok(Spec::Interface(name.to_owned(), port(digits, text)?));
        }
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return match path.is_absolute() && path.file_name().is_some() {
                true => Ok(Spec::Unix(path)),
                false => Err(SpecError::RelativePath(text.to_owned())),
            };
        }
        if let Some(Ok(port)) = text
            .strip_prefix("*:")
            .or(text.strip_prefix(':'))
            .map(str::parse::<u16>)
        {
            return Err(SpecError::Wildcard(
                (IpAddr::from([0, 0, 0, 0]), port).into(),
            ));
        }
        text.parse().map(Spec::Address).map_err(|_| bad())
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spec::Internal(port) => write!(f, "internal:{port}"),
            Spec::Address(address) => write!(f, "{address}"),
            Spec::Interface(name, port) => write!(f, "iface:{name}:{port}"),
            Spec::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl TryFrom<String> for Spec {
    type Error = SpecError;

    fn try_from(text: String) -> Result<Spec, SpecError> {
        text.parse()
    }
}

impl From<Spec> for String {
    fn from(spec: Spec) -> String {
        spec.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back_as_it_was_written() {
        for text in [
            "internal:7443",
            "10.0.0.1:7443",
            "127.0.0.1:0",
            "[::1]:7443",
            "[fe80::1%3]:7443",
            "iface:eth0:7443",
            "iface:eth0:1:7443",
            "unix:/run/indelible/admin.sock",
        ] {
            let spec: Spec = text.parse().expect("a listener");
            assert_eq!(spec.to_string(), text);
            let json = serde_json::to_string(&spec).expect("it has a text");
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Spec>(&json).ok(), Some(spec));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_forms_that_are() {
        for text in [
            "",
            "7443",
            "localhost:7443",
            "10.0.0.1",
            "::1:7443",
            "iface:eth0",
            "iface::7443",
            "iface:a/b:1",
            "tcp:1",
        ] {
            let error = text.parse::<Spec>().expect_err(text);
            assert_eq!(error, SpecError::BadForm(text.to_owned()));
        }
        for text in [
            "internal:",
            "internal:0",
            "internal:+1",
            "internal:65536",
            "iface:eth0:0",
        ] {
            let error = text.parse::<Spec>().expect_err(text);
            assert_eq!(error, SpecError::BadPort(text.to_owned()));
        }
        for text in ["unix:", "unix:run/x.sock", "unix:/"] {
            let error = text.parse::<Spec>().expect_err(text);
            assert_eq!(error, SpecError::RelativePath(text.to_owned()));
        }
    }

    #[test]
    fn a_wildcard_and_an_undeclared_public_address_are_refused_with_what_to_write() {
        let none = Networks::default();
        for text in [
            "0.0.0.0:7443",
            "[::]:7443",
            "[::ffff:0.0.0.0]:7443",
            "*:7443",
            ":7443",
        ] {
            let checked = text.parse::<Spec>().and_then(|spec| spec.check(&none));
            let said = checked.expect_err(text).to_string();
            assert!(said.contains("write internal:7443"), "{said}");
        }
        let public: Spec = "192.0.2.7:7443".parse().expect("a listener");
        assert_eq!(
            public.check(&none).expect_err("public").to_string(),
            "192.0.2.7:7443 is a public address: write internal:7443, or declare its network with [networks] internal = [\"192.0.2.7\"] if it is internal after all"
        );
        let declared = Networks::with(vec!["192.0.2.0/24".parse().expect("a network")]);
        assert_eq!(public.check(&declared), Ok(()));
        let everywhere = Networks::with(vec!["0.0.0.0/0".parse().expect("a network")]);
        let wildcard: Spec = "0.0.0.0:7443".parse().expect("a listener");
        assert!(wildcard.check(&everywhere).is_err());
    }

    #[test]
    fn internal_means_the_addresses_inside_and_no_other() {
        let local = |interface: &str, address: &str| Local {
            interface: interface.to_owned(),
            address: address.parse().expect("an address"),
        };
        let locals = [
            local("lo", "127.0.0.1:0"),
            local("lo", "[::1]:0"),
            local("eth0", "10.0.0.5:0"),
            local("eth0", "10.0.0.5:0"),
            local("eth0", "[fe80::1%2]:0"),
            local("eth0", "203.0.113.9:0"),
            local("eth1", "[2001:db8::1]:0"),
        ];
        let texts = |text: &str, inside: &Networks| -> Vec<String> {
            let spec: Spec = text.parse().expect("a listener");
            let found = spec.addresses(inside, &locals);
            found.iter().map(ToString::to_string).collect()
        };
        let none = Networks::default();
        assert_eq!(
            texts("internal:9", &none),
            ["10.0.0.5:9", "127.0.0.1:9", "[::1]:9", "[fe80::1%2]:9"]
        );
        assert_eq!(
            texts("iface:eth0:9", &none),
            ["10.0.0.5:9", "[fe80::1%2]:9"]
        );
        assert_eq!(texts("iface:eth1:9", &none), [""; 0]);
        let declared = Networks::with(vec!["2001:db8::/32".parse().expect("a network")]);
        assert_eq!(texts("iface:eth1:9", &declared), ["[2001:db8::1]:9"]);
    }
}
