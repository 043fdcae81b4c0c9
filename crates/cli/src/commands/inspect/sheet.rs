//! What is found, printed as it is found: as text for people or as one JSON object, both from the same values.
//!
//! Owns the bound on what is shown: of each list the first twenty, of what is wrong the first fifty, unless all is asked for. Holds
//! nothing but what is wrong, and of that a bounded number.

use super::InspectArgs;
use crate::exit::Exit;
use crate::output::{Output, Style, one_line};
use crate::say::Failure;
use crate::show;
use indelible_proof::hash::Hash;
use indelible_proof::time::Time;
use std::path::Path;

/// One value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text from the file or of ours: escaped either way.
    Text(String),
    /// A digest or id in hex: whole as a fact and as JSON, its beginning in a line of many fields.
    Digest(String),
    /// A place or number, as it stands.
    Number(u64),
    /// How many.
    Count(u64),
    /// Yes or no.
    Flag(bool),
    /// Things of one kind, each with its fields.
    List(Vec<Item>),
}

/// Named values, in the order in which they are shown.
pub type Item = Vec<(&'static str, Value)>;

/// Items of a list that are shown.
const SHOWN: usize = 20;
/// Faults that are shown.
const FAULTS_SHOWN: usize = 50;
/// Faults that are held at all; more of them tell nobody anything.
const FAULTS_HELD: usize = 10_000;

/// The answer in the making.
pub struct Sheet {
    out: Output,
    style: Style,
    json: bool,
    pub all: bool,
    /// Whether records are shown with their events.
    pub events: bool,
    faults: Vec<(u64, String)>,
    faults_counted: u64,
    unsupported: bool,
    /// Items of the open list, and how many of them were shown.
    listed: (u64, usize),
}

impl Sheet {
    /// Says what is looked at.
    pub fn begin(path: &Path, kind: &str, args: &InspectArgs) -> Result<Sheet, Failure> {
        let out = Output::new();
        let style = out.style();
        let mut sheet = Sheet {
            out,
            style,
            json: args.json,
            all: args.all,
            events: args.events,
            faults: Vec::new(),
            faults_counted: 0,
            unsupported: false,
            listed: (0, 0),
        };
        let name = match path.as_os_str() == "-" {
            true => "standard input".to_owned(),
            false => path.display().to_string(),
        };
        if sheet.json {
            let (name, kind) = (show::json(&name), show::json(kind));
            sheet.raw(&format!("{{\"file\":{name},\"kind\":{kind}"))?;
        } else {
            let line = format!("{}: {}", sheet.style.bold(kind), one_line(name));
            sheet.out.line(line)?;
        }
        Ok(sheet)
    }

    fn raw(&mut self, text: &str) -> Result<(), Failure> {
        self.out.bytes(text.as_bytes())
    }

    /// One value of the file as a whole.
    pub fn fact(&mut self, name: &'static str, value: impl Into<Value>) -> Result<(), Failure> {
        let value = value.into();
        if self.json {
            let text = format!(",\"{name}\":{}", value.json(self.shown()));
            return self.raw(&text);
        }
        match value {
            Value::List(items) => {
                self.out.line(format!("  {}:", spoken(name)))?;
                let shown = self.shown();
                lines(&items, shown, 4, &mut |line| self.out.line(line))
            }
            value => self
                .out
                .line(format!("  {}: {}", spoken(name), value.text())),
        }
    }

    fn shown(&self) -> usize {
        if self.all { usize::MAX } else { SHOWN }
    }

    /// Begins a list whose items come one by one.
    pub fn begin_list(&mut self, name: &'static str) -> Result<(), Failure> {
        self.listed = (0, 0);
        match self.json {
            true => self.raw(&format!(",\"{name}\":[")),
            false => self.out.line(format!("{}:", spoken(name))),
        }
    }

    /// An item of the open list.
    pub fn item(&mut self, item: impl FnOnce() -> Item) -> Result<(), Failure> {
        self.listed.0 += 1;
        if self.listed.1 >= self.shown() {
            return Ok(());
        }
        self.listed.1 += 1;
        let item = item();
        if self.json {
            let comma = if self.listed.1 > 1 { "," } else { "" };
            let text = format!("{comma}{}", json_item(&item, self.shown()));
            return self.raw(&text);
        }
        let shown = self.shown();
        lines(&[item], shown, 2, &mut |line| self.out.line(line))
    }

    /// An item that is a name and a value from the file itself.
    pub fn pair(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        if self.json {
            return self.item(|| vec![("name", name.into()), ("value", value.into())]);
        }
        self.listed = (self.listed.0 + 1, self.listed.1 + 1);
        self.out
            .line(format!("  {}: {}", one_line(name), one_line(value)))
    }

    /// Ends it, and says how many there were.
    pub fn end_list(&mut self, counted: &'static str) -> Result<(), Failure> {
        let (all, shown) = self.listed;
        let left_out = all - u64::try_from(shown).unwrap_or(all);
        if self.json {
            return self.raw(&format!("],\"{counted}\":{all}"));
        }
        if all == 0 {
            self.out.line("  none")?;
        }
        if left_out > 0 {
            let more = show::count(left_out);
            self.out
                .line(format!("  and {more} more (--all shows them)"))?;
        }
        Ok(())
    }

    /// Something that breaks the form, and where it begins in the file.
    pub fn wrong(&mut self, at: u64, what: impl Into<String>) {
        self.faults_counted += 1;
        if self.faults.len() < FAULTS_HELD {
            self.faults.push((at, what.into()));
        }
    }

    /// A newer version wrote it.
    pub fn unsupported(&mut self, at: u64, what: impl Into<String>) {
        self.unsupported = true;
        let what = what.into();
        let what = match what.starts_with("unsupported") {
            true => what,
            false => format!("unsupported {what}"),
        };
        self.wrong(
            at,
            format!("{what}; use the version that wrote it, or a newer one"),
        );
    }

    /// The last lines: what is wrong, and how far this answer reaches.
    pub fn finish(mut self) -> Result<Exit, Failure> {
        let only_newer = self.unsupported && self.faults_counted == 1;
        let (form, exit) = match (only_newer, self.faults_counted) {
            (true, _) => ("unsupported version", Exit::Unverified),
            (false, 0) => ("in order", Exit::Done),
            (false, _) => ("broken", Exit::Damaged),
        };
        let shown = if self.all { FAULTS_HELD } else { FAULTS_SHOWN };
        let faults: Vec<(u64, String)> = self.faults.iter().take(shown).cloned().collect();
        let printed = match self.json {
            true => self.finish_json(form, exit, &faults),
            false => self.finish_text(form, exit, &faults),
        };
        match printed.and_then(|()| self.out.flush()) {
            Err(failure) if failure.exit() != Exit::PipeClosed => Err(failure),
            // Whoever reads may have had enough; the answer stands.
            _ => Ok(exit),
        }
    }

    fn finish_json(
        &mut self,
        form: &str,
        exit: Exit,
        faults: &[(u64, String)],
    ) -> Result<(), Failure> {
        let wrong: Vec<String> = faults
            .iter()
            .map(|(at, what)| format!("{{\"at\":{at},\"what\":{}}}", show::json(what)))
            .collect();
        let (wrong, counted) = (wrong.join(","), self.faults_counted);
        let code = exit.code();
        self.raw(&format!(
            ",\"wrong\":[{wrong}],\"wrong_count\":{counted},\"form\":\"{form}\",\"exit\":{code}}}\n"
        ))
    }

    fn finish_text(
        &mut self,
        form: &str,
        exit: Exit,
        faults: &[(u64, String)],
    ) -> Result<(), Failure> {
        if !faults.is_empty() {
            self.out.line("wrong:")?;
        }
        for (at, what) in faults {
            self.out.line(format!("  at {at}: {}", one_line(what)))?;
        }
        let held = u64::try_from(faults.len()).unwrap_or(u64::MAX);
        if self.faults_counted > held {
            let more = show::count(self.faults_counted - held);
            self.out.line(format!("  and {more} more"))?;
        }
        let form = match exit {
            Exit::Done => self.style.good(form),
            Exit::Unverified => self.style.doubtful(form),
            _ => self.style.bad(form),
        };
        self.out.line(format!("form: {form}"))?;
        self.out.line(
            "not judged: whether this is what was recorded and who signed it: indelible verify",
        )
    }
}

/// A name as people read it.
fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

/// An item takes one line, what is below it further ones.
fn lines(
    items: &[Item],
    shown: usize,
    indent: usize,
    print: &mut dyn FnMut(String) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let margin = " ".repeat(indent);
    for item in items.iter().take(shown) {
        let flat: Vec<String> = item
            .iter()
            .filter(|(_, value)| !matches!(value, Value::List(_)))
            .map(|(name, value)| format!("{} {}", spoken(name), value.short()))
            .collect();
        print(format!("{margin}{}", flat.join(", ")))?;
        for (name, value) in item {
            if let Value::List(below) = value {
                if !below.is_empty() {
                    print(format!("{margin}  {}:", spoken(name)))?;
                }
                lines(below, shown, indent + 4, print)?;
            }
        }
    }
    if items.len() > shown {
        print(format!(
            "{margin}and {} more (--all shows them)",
            items.len() - shown
        ))?;
    }
    Ok(())
}

fn json_item(item: &Item, shown: usize) -> String {
    let members: Vec<String> = item
        .iter()
        .map(|(name, value)| format!("\"{name}\":{}", value.json(shown)))
        .collect();
    format!("{{{}}}", members.join(","))
}

impl Value {
    fn short(&self) -> String {
        match self {
            Value::Digest(hex) => format!("{}…", hex.get(..12).unwrap_or(hex)),
            value => value.text(),
        }
    }

    fn text(&self) -> String {
        match self {
            Value::Text(text) | Value::Digest(text) => one_line(text),
            Value::Number(number) => number.to_string(),
            Value::Count(number) => show::count(*number),
            Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Value::List(items) => items.len().to_string(),
        }
    }

    fn json(&self, shown: usize) -> String {
        match self {
            Value::Text(text) | Value::Digest(text) => show::json(text),
            Value::Number(number) | Value::Count(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::List(items) => {
                let items: Vec<String> = items
                    .iter()
                    .take(shown)
                    .map(|item| json_item(item, shown))
                    .collect();
                format!("[{}]", items.join(","))
            }
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Flag(flag)
    }
}

impl From<Hash> for Value {
    fn from(hash: Hash) -> Value {
        Value::Digest(hash.to_string())
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Value {
        Value::Text(time.to_string())
    }
}

/// Whether a check came out right.
pub fn checked(right: bool) -> Value {
    Value::from(if right { "right" } else { "wrong" })
}

/// How many, from a length in memory.
pub fn count(length: usize) -> Value {
    Value::Count(u64::try_from(length).unwrap_or(u64::MAX))
}
