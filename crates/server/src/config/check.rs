//! What can only be said of a file once all of it is read. Looks at nothing else.

use super::{Config, Fault, ListenerTable};
use crate::grants::Grants;
use crate::http::Purpose;
use crate::limits::{DRAIN_SECONDS_MAX, PRINCIPAL_CONNECTIONS_MAX, SEAL_MINUTES_MAX};
use crate::listen::Spec;

impl Config {
    /// Adds what is wrong to what was found in reading. What would only follow from that is not looked for.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        if faults.is_empty() {
            if self.listeners.is_empty() {
                faults.push(Fault {
                    line: None,
                    what: "no [[listener]]: nobody could reach the node".to_owned(),
                });
            }
            self.check_tls(faults);
        }
        self.check_addresses(faults);
        self.check_limits(faults);
        for grant in &self.grants {
            if let Err(error) = Grants::new(vec![grant.value.clone()]) {
                let what = error.to_string();
                let what = what.strip_prefix("grant 1: ").unwrap_or(&what);
                faults.push(at(grant.line, what.replace("grant 1", "the grant")));
            }
        }
    }

    fn check_addresses(&self, faults: &mut Vec<Fault>) {
        let inside = self.inside();
        for (number, listener) in self.listeners.iter().enumerate() {
            let (listen, line) = (&listener.value.listen, listener.places.line("listen"));
            if let Err(error) = listen.check(&inside) {
                faults.push(at(line, error.to_string()));
            }
            let any_port = matches!(listen, Spec::Address(address) if address.port() == 0);
            let mut before = self.listeners.iter().take(number);
            let twice = before.find(|other| other.value.listen == *listen && !any_port);
            if let Some(other) = twice {
                let what = format!("{listen} is taken by the listener in line {}", other.line);
                faults.push(at(line, what));
            }
        }
    }

    fn check_tls(&self, faults: &mut Vec<Fault>) {
        for listener in &self.listeners {
            let value = &listener.value;
            if value.has_tls() && self.files(value).is_none() {
                let missing = self.missing(value).join(", ");
                let what =
                    format!("a listener speaks TLS, and {missing} is not named here nor in [tls]");
                faults.push(at(listener.line, what));
            }
            let why = match value.purpose {
                Purpose::Health => "health speaks plain HTTP",
                _ => "a Unix socket needs no TLS",
            };
            let given = listener
                .places
                .of(&["certificate", "key", "client_ca", "crl"]);
            for (name, line) in given.filter(|_| !value.has_tls()) {
                faults.push(at(line, format!("{why}: take {name} away")));
            }
        }
    }

    /// Names of files that TLS needs and nobody names.
    fn missing(&self, listener: &ListenerTable) -> Vec<&'static str> {
        let shared = &self.tls.value;
        [
            ("certificate", &listener.certificate, &shared.certificate),
            ("key", &listener.key, &shared.key),
            ("client_ca", &listener.client_ca, &shared.client_ca),
        ]
        .into_iter()
        .filter(|(_, own, shared)| own.is_none() && shared.is_none())
        .map(|(name, ..)| name)
        .collect()
    }

    fn check_limits(&self, faults: &mut Vec<Fault>) {
        let limits = &self.limits.value;
        let mut within = |name: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                let what = format!("{name} lies between {least} and {most}, and is {value}");
                faults.push(at(self.limits.places.line(name), what));
            }
        };
        within("drain_seconds", limits.drain_seconds, 1, DRAIN_SECONDS_MAX);
        within("seal_minutes", limits.seal_minutes, 0, SEAL_MINUTES_MAX);
        within(
            "events_per_second",
            limits.events_per_second.unwrap_or(1),
            1,
            u64::MAX,
        );
        let most = u64::try_from(PRINCIPAL_CONNECTIONS_MAX).unwrap_or(u64::MAX);
        let connections = u64::try_from(limits.connections_per_principal).unwrap_or(u64::MAX);
        within("connections_per_principal", connections, 1, most);
    }
}

fn at(line: usize, what: String) -> Fault {
    Fault {
        line: Some(line),
        what,
    }
}
