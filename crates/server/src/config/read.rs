//! From the text of a file to settings: every fault is found before any is reported.

use super::{
    Config, Fault, Faults, LimitsTable, ListenerTable, NetworksTable, NodeTable, TlsTable, fields,
};
use crate::grants::Grant;
use crate::limits::{CONFIG_BYTES_MAX, CONFIG_FAULTS_MAX};
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A section with where it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Table<T> {
    pub(super) value: T,
    /// Line of its header, or of the file's beginning.
    pub(super) line: usize,
    pub(super) places: Places,
}

/// The lines of a section's settings; those that are not there have their default.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    of: BTreeMap<String, usize>,
    header: usize,
}

impl Places {
    /// Line of a setting, or of its section.
    pub(super) fn line(&self, name: &str) -> usize {
        self.given(name).unwrap_or(self.header)
    }

    /// Line of a setting that the file gives.
    pub(super) fn given(&self, name: &str) -> Option<usize> {
        self.of.get(name).copied()
    }

    /// Those of these names that the file gives.
    pub(super) fn of<'n>(&self, names: &[&'n str]) -> impl Iterator<Item = (&'n str, usize)> {
        names
            .iter()
            .filter_map(|name| Some((*name, self.given(name)?)))
    }
}

/// Sections by the way they are written.
const SINGLE: [&str; 3] = ["networks", "tls", "limits"];
const MANY: [&str; 2] = ["listener", "grant"];

/// Reads a file.
pub(super) fn file(path: &Path) -> Result<Config, Faults> {
    let fault = |what: String| Faults {
        path: path.to_owned(),
        faults: vec![Fault { line: None, what }],
    };
    let size = std::fs::metadata(path).map_err(|error| fault(plain(&error)))?;
    if !size.is_file() {
        return Err(fault("not a file".to_owned()));
    }
    if size.len() > CONFIG_BYTES_MAX {
        return Err(fault(format!(
            "the file has more than {CONFIG_BYTES_MAX} bytes"
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| fault(plain(&error)))?;
    let text = String::from_utf8(bytes).map_err(|_| fault("the file is not UTF-8".to_owned()))?;
    text_of(path, &text)
}

/// What the system says, without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or(&text)
        .to_lowercase()
}

/// Reads a text that stands in a file of this name.
pub(super) fn text_of(path: &Path, text: &str) -> Result<Config, Faults> {
    let mut reader = Reader {
        text,
        faults: Vec::new(),
    };
    let config = reader.config(path);
    let mut faults = reader.faults;
    if let Some(config) = config {
        config.check(&mut faults);
        if faults.is_empty() {
            return Ok(config);
        }
    }
    faults.sort_by_key(|fault| fault.line);
    faults.truncate(CONFIG_FAULTS_MAX);
    Err(Faults {
        path: path.to_owned(),
        faults,
    })
}

struct Reader<'t> {
    text: &'t str,
    faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    /// The settings, as far as they could be read: what could not stands among the faults. None: the text is no TOML.
    fn config(&mut self, path: &Path) -> Option<Config> {
        let (whole, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let at = error.span().map(|span| span.start);
            self.fault(at, error.message().replace('\n', ", "));
        }
        if !errors.is_empty() {
            return None;
        }
        let mut single: BTreeMap<&str, Spanned<DeTable<'t>>> = BTreeMap::new();
        let mut many: BTreeMap<&str, Vec<Spanned<DeTable<'t>>>> = BTreeMap::new();
        let mut top = DeTable::new();
        for (key, value) in whole.into_inner() {
            let name = key.get_ref().to_string();
            if let Some(section) = SINGLE.into_iter().find(|section| *section == name) {
                single.extend(self.table(section, value).map(|table| (section, table)));
            } else if let Some(section) = MANY.into_iter().find(|section| *section == name) {
                let tables = self.tables(section, value);
                many.insert(section, tables);
            } else {
                top.insert(key, value);
            }
        }
        let base = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut one = |name| single.remove(name);
        let (networks, tls, limits) = (one("networks"), one("tls"), one("limits"));
        let node: Option<Table<NodeTable>> = self.section(Spanned::new(0..0, top), "");
        let networks = self.optional::<NetworksTable>(networks, "networks");
        let tls = self.optional::<TlsTable>(tls, "tls");
        let limits = self.optional::<LimitsTable>(limits, "limits");
        let listeners = self.all::<ListenerTable>(many.remove("listener"), "listener");
        let grants = self.all::<Grant>(many.remove("grant"), "grant");
        let mut config = Config {
            path: path.to_owned(),
            node: node.unwrap_or_default(),
            networks: networks.unwrap_or_default(),
            tls: tls.unwrap_or_default(),
            listeners,
            grants,
            limits: limits.unwrap_or_default(),
        };
        config.resolve(&base);
        Some(config)
    }

    fn table(&mut self, name: &str, value: Spanned<DeValue<'t>>) -> Option<Spanned<DeTable<'t>>> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Some(Spanned::new(span, table)),
            _ => {
                self.fault(
                    Some(span.start),
                    format!("{name} is a section: write [{name}] on a line of its own"),
                );
                None
            }
        }
    }

    fn tables(&mut self, name: &str, value: Spanned<DeValue<'t>>) -> Vec<Spanned<DeTable<'t>>> {
        let span = value.span();
        let DeValue::Array(array) = value.into_inner() else {
            self.fault(
                Some(span.start),
                format!("there may be several: write [[{name}]] on a line of its own"),
            );
            return Vec::new();
        };
        let each = array
            .into_iter()
            .filter_map(|value| self.table(name, value));
        each.collect()
    }

    fn all<T: DeserializeOwned>(
        &mut self,
        tables: Option<Vec<Spanned<DeTable<'t>>>>,
        name: &str,
    ) -> Vec<Table<T>> {
        let tables = tables.unwrap_or_default().into_iter();
        tables
            .filter_map(|table| self.section(table, name))
            .collect()
    }

    fn optional<T: DeserializeOwned + Default>(
        &mut self,
        table: Option<Spanned<DeTable<'t>>>,
        name: &str,
    ) -> Option<Table<T>> {
        match table {
            Some(table) => self.section(table, name),
            None => Some(Table::default()),
        }
    }

    /// One section. serde stops at its first fault: what it stumbled over is taken away, and it is asked again.
    fn section<T: DeserializeOwned>(
        &mut self,
        mut table: Spanned<DeTable<'t>>,
        name: &str,
    ) -> Option<Table<T>> {
        let line = self.line(table.span().start);
        let mut sound = self.keep_known(&mut table, fields::of::<T>(), name);
        let places = Places {
            of: table
                .get_ref()
                .iter()
                .map(|(key, _)| (key.get_ref().to_string(), self.line(key.span().start)))
                .collect(),
            header: line,
        };
        let mut taken: Vec<String> = Vec::new();
        loop {
            let error = match T::deserialize(table.clone().into_deserializer()) {
                Ok(value) => {
                    return sound.then_some(Table {
                        value,
                        line,
                        places,
                    });
                }
                Err(error) => error,
            };
            sound = false;
            let at = error.span().map_or(table.span().start, |span| span.start);
            let guilty = table
                .get_ref()
                .iter()
                .find(|(_, value)| value.span().contains(&at))
                .map(|(key, _)| key.get_ref().to_string());
            let Some(guilty) = guilty else {
                let what = error.message();
                if !taken
                    .iter()
                    .any(|name| what == format!("missing field `{name}`"))
                {
                    self.fault(Some(table.span().start), lacks(what, name));
                }
                return None;
            };
            self.fault(Some(at), format!("{guilty}: {}", error.message()));
            let rest = std::mem::take(table.get_mut()).into_iter();
            *table.get_mut() = rest
                .filter(|(key, _)| key.get_ref() != guilty.as_str())
                .collect();
            taken.push(guilty);
        }
    }

    /// Takes away what no setting is called; whether there was nothing such.
    fn keep_known(
        &mut self,
        table: &mut Spanned<DeTable<'t>>,
        known: &[&str],
        section: &str,
    ) -> bool {
        let mut unknown = Vec::new();
        for (key, value) in std::mem::take(table.get_mut()) {
            if known.contains(&&**key.get_ref()) {
                table.get_mut().insert(key, value);
            } else {
                unknown.push((key.get_ref().to_string(), key.span().start));
            }
        }
        let sections: &[&str] = if section.is_empty() {
            &["networks", "tls", "limits", "listener", "grant"]
        } else {
            &[]
        };
        for (key, at) in &unknown {
            let names = known.iter().chain(sections).copied();
            let what = format!(
                "no such setting{}: {key}; {}",
                within(section),
                instead(key, names)
            );
            self.fault(Some(*at), what);
        }
        unknown.is_empty()
    }

    fn fault(&mut self, at: Option<usize>, what: String) {
        let line = at.map(|at| self.line(at));
        self.faults.push(Fault { line, what });
    }

    /// Number of the line that a byte lies in.
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }
}

fn within(section: &str) -> String {
    match section {
        "" => String::new(),
        name if MANY.contains(&name) => format!(" in [[{name}]]"),
        name => format!(" in [{name}]"),
    }
}

/// serde's sentence about a setting that is not there, in ours.
fn lacks(what: &str, section: &str) -> String {
    let name = what
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'));
    match (name, section) {
        (None, _) => what.to_owned(),
        (Some(name), "") => format!("{name} is missing"),
        (Some(name), _) => format!("{name} is missing{}", within(section)),
    }
}

/// The name that was probably meant, or all there are.
fn instead<'n>(key: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    let nearest = names
        .clone()
        .map(|name| (distance(key, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 3);
    match nearest {
        Some((_, name)) => format!("the nearest is {name}"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    }
}

/// Letters to insert, take away, replace or exchange with their neighbour (Damerau and Levenshtein, without overlap).
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().take(64).collect();
    let other: Vec<char> = other.chars().take(64).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

impl Config {
    /// Paths are relative to the file.
    fn resolve(&mut self, base: &Path) {
        let node = &mut self.node.value;
        let tls = &mut self.tls.value;
        let mut paths = vec![&mut node.store];
        paths.extend(node.keys.iter_mut().chain(&mut node.passphrase_file));
        let shared = [
            &mut tls.certificate,
            &mut tls.key,
            &mut tls.client_ca,
            &mut tls.crl,
        ];
        paths.extend(shared.into_iter().flatten());
        for listener in &mut self.listeners {
            let own = &mut listener.value;
            let own = [
                &mut own.certificate,
                &mut own.key,
                &mut own.client_ca,
                &mut own.crl,
            ];
            paths.extend(own.into_iter().flatten());
        }
        for path in paths {
            let whole: PathBuf = base.join(&path);
            *path = whole;
        }
    }
}
