//! The effective settings as a file that could be read again, each with where it comes from.

use super::read::Table;
use super::settings::Default;
use super::{Config, SETTINGS};
use serde::Serialize;
use toml::Value;

/// Characters before a comment, where the setting is not longer.
const COMMENT_AT: usize = 48;

pub(super) fn file(config: &Config) -> String {
    let mut out = format!("# the settings in force by {}\n", config.path.display());
    section(&mut out, "", "", &config.node);
    section(&mut out, "networks", "[networks]", &config.networks);
    section(&mut out, "tls", "[tls]", &config.tls);
    for (listener, table) in config.listeners().zip(&config.listeners) {
        section(&mut out, "listener", "[[listener]]", table);
        let files = listener.files.iter().flat_map(|files| {
            [
                ("certificate", Some(&files.certificate)),
                ("key", Some(&files.key)),
                ("client_ca", Some(&files.client_ca)),
                ("crl", files.crl.as_ref()),
            ]
        });
        let shared = files.filter(|(name, _)| table.places.given(name).is_none());
        for (name, path) in shared.filter_map(|(name, path)| Some((name, path?))) {
            let value = Value::String(path.display().to_string());
            let from = format!("[tls], line {}", config.tls.places.line(name));
            line(&mut out, name, &value.to_string(), &from);
        }
    }
    for grant in &config.grants {
        section(&mut out, "grant", "[[grant]]", grant);
    }
    section(&mut out, "limits", "[limits]", &config.limits);
    out
}

fn section<T: Serialize>(out: &mut String, section: &str, header: &str, table: &Table<T>) {
    let values = toml::Table::try_from(&table.value).unwrap_or_default();
    if !header.is_empty() {
        out.push_str(&format!("\n{header}\n"));
    }
    let settings = SETTINGS.iter().filter(|setting| setting.section == section);
    for setting in settings {
        let (given, value) = (table.places.given(setting.name), values.get(setting.name));
        let from = given.map_or_else(|| "default".to_owned(), |line| format!("line {line}"));
        match (value, setting.default) {
            (Some(value), _) => line(out, setting.name, &value.to_string(), &from),
            (None, Default::Value(value)) => line(out, setting.name, value, &from),
            (None, _) => {}
        }
    }
}

fn line(out: &mut String, name: &str, value: &str, from: &str) {
    let text = format!("{name} = {value}");
    out.push_str(&format!("{text:COMMENT_AT$} # {from}\n"));
}
