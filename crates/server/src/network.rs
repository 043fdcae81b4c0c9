//! Networks as people write them: an address with a prefix length.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A block of addresses, or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor one with a prefix length.
    #[error("'{0}' is no network: write 10.1.0.0/16, fd00::/8 or an address")]
    BadForm(String),
    /// Bits behind the prefix are set: it is not clear which network is meant.
    #[error("'{0}' has bits behind its prefix: write {1}")]
    LooseBits(String, Network),
}

impl Network {
    /// Blocks that are never routed on the internet: RFC 1918, 6598, 3927, 4193, 4291, and loopback.
    pub const INTERNAL: [Network; 9] = [
        v4([10, 0, 0, 0], 8),
        v4([172, 16, 0, 0], 12),
        v4([192, 168, 0, 0], 16),
        v4([100, 64, 0, 0], 10),
        v4([169, 254, 0, 0], 16),
        v4([127, 0, 0, 0], 8),
        v6(0xFC00, 7),
        v6(0xFE80, 10),
        Network {
            base: IpAddr::V6(Ipv6Addr::LOCALHOST),
            prefix: 128,
        },
    ];

    /// Whether an address lies in it. An IPv4 address in IPv6 clothes is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (base, bits) = widened(self.base);
        let (address, of) = widened(address.to_canonical());
        bits == of && cut(address, bits, self.prefix) == cut(base, bits, self.prefix)
    }
}

/// Networks that count as inside: those that are never routed on the internet, loopback, and what the configuration declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// These besides [`Network::INTERNAL`].
    #[must_use]
    pub fn with(declared: Vec<Network>) -> Networks {
        Networks(declared)
    }

    /// Whether an address lies inside.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let mut all = Network::INTERNAL.iter().chain(&self.0);
        all.any(|network| network.contains(address))
    }
}

const fn v4(octets: [u8; 4], prefix: u8) -> Network {
    let [a, b, c, d] = octets;
    Network {
        base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        prefix,
    }
}

const fn v6(first: u16, prefix: u8) -> Network {
    Network {
        base: IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0)),
        prefix,
    }
}

/// An address as a number, and how many bits it has.
fn widened(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// The number without what stands behind the prefix.
fn cut(number: u128, bits: u8, prefix: u8) -> u128 {
    let behind = u32::from(bits - prefix.min(bits));
    number.checked_shr(behind).unwrap_or(0)
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let bad = || NetworkError::BadForm(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = address.parse().map_err(|_| bad())?;
        let (number, bits) = widened(base);
        let prefix = match prefix {
            None => bits,
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|prefix| *prefix <= bits)
                .ok_or_else(bad)?,
            Some(_) => return Err(bad()),
        };
        let behind = u32::from(bits - prefix);
        let whole = cut(number, bits, prefix).checked_shl(behind).unwrap_or(0);
        if whole == number {
            return Ok(Network { base, prefix });
        }
        let base = match base {
            IpAddr::V4(_) => u32::try_from(whole)
                .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)))
                .map_err(|_| bad())?,
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(whole)),
        };
        Err(NetworkError::LooseBits(
            text.to_owned(),
            Network { base, prefix },
        ))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Network, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> String {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect("a network")
    }

    #[test]
    fn an_address_lies_in_its_network_and_in_no_other() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.1.2", "11.0.0.0"),
            ("192.168.1.7", "192.168.1.7", "192.168.1.8"),
            ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("fc00::/7", "fd12::1", "fe80::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
        ] {
            let network = network(text);
            assert!(
                network.contains(inside.parse().expect("an address")),
                "{text} {inside}"
            );
            assert!(
                !network.contains(outside.parse().expect("an address")),
                "{text} {outside}"
            );
        }
    }

    #[test]
    fn what_is_no_network_is_refused_with_what_to_write() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "fc00::/129",
            "internal",
            "10.0.0.0/8/8",
        ] {
            assert!(
                matches!(text.parse::<Network>(), Err(NetworkError::BadForm(_))),
                "{text}"
            );
        }
        let error = "10.1.2.3/8".parse::<Network>().expect_err("loose bits");
        assert_eq!(
            error.to_string(),
            "'10.1.2.3/8' has bits behind its prefix: write 10.0.0.0/8"
        );
    }

    #[test]
    fn public_addresses_are_in_no_internal_network() {
        let internal = |text: &str| {
            let address = text.parse().expect("an address");
            Network::INTERNAL
                .iter()
                .any(|network| network.contains(address))
        };
        for text in [
            "10.0.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "100.127.0.1",
            "169.254.1.1",
            "127.0.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(internal(text), "{text}");
        }
        for text in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2001:db8::1",
            "::",
            "0.0.0.0",
        ] {
            assert!(!internal(text), "{text}");
        }
    }
}
