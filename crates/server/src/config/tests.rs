use super::read::text_of;
use super::*;
use std::collections::BTreeSet;

const SMALL: &str = r#"store = "store"
[tls]
certificate = "tls/node.pem"
key = "tls/node.key"
client_ca = "tls/ca.pem"
[[listener]]
purpose = "ingest"
listen = "127.0.0.1:7443"
"#;

fn read(text: &str) -> Result<Config, Faults> {
    text_of(Path::new("/etc/indelible/indelible.toml"), text)
}

/// A file is refused with exactly these lines.
fn refused(text: &str, expected: &[&str]) {
    let faults = read(text).expect_err("a fault");
    let lines: Vec<String> = faults
        .lines()
        .map(|line| line.replace("/etc/indelible/indelible.toml", "F"))
        .collect();
    assert_eq!(lines, expected, "{text}");
}

#[test]
fn paths_are_relative_to_the_file_and_a_listener_without_files_has_those_of_tls() {
    let config = read(SMALL).expect("it holds together");
    assert_eq!(config.node().store, Path::new("/etc/indelible/store"));
    let listener = config.listeners().next().expect("one listener");
    let files = listener.files.expect("it speaks TLS");
    assert_eq!(files.certificate, Path::new("/etc/indelible/tls/node.pem"));
    assert_eq!(files.crl, None);
    assert_eq!(config.watched().len(), 3);
    let own = SMALL.to_owned() + "key = \"/run/node.key\"\n";
    let config = read(&own).expect("it holds together");
    let files = config
        .listeners()
        .next()
        .and_then(|listener| listener.files);
    assert_eq!(files.expect("TLS").key, Path::new("/run/node.key"));
}

#[test]
fn all_faults_are_found_at_once_each_with_its_line() {
    refused(
        r#"stroe = "x"
keys = 5
[networks]
internal = ["10.1.2.3/8"]
[[listener]]
purpose = "injest"
listen = "*:7443"
allow_form = []
[[listener]]
purpose = "health"
[[grant]]
who = ["*"]
rolle = "producer"
logs = ["app"]
[limits]
drain_seconds = "20"
"#,
        &[
            "F:1: no such setting: stroe; the nearest is store",
            "F:1: store is missing",
            "F:2: keys: invalid type: integer `5`, expected path string",
            "F:4: internal: '10.1.2.3/8' has bits behind its prefix: write 10.0.0.0/8",
            "F:6: purpose: unknown variant `injest`, expected one of `ingest`, `query`, `verify`, `health`, `admin`",
            "F:7: listen: '0.0.0.0:7443' would listen on every address, also on those that come later: write internal:7443 for the internal ones, or one address",
            "F:8: no such setting in [[listener]]: allow_form; the nearest is allow_from",
            "F:9: listen is missing in [[listener]]",
            "F:11: role is missing in [[grant]]",
            "F:13: no such setting in [[grant]]: rolle; the nearest is role",
            "F:16: drain_seconds: invalid type: string \"20\", expected u64",
        ],
    );
}

#[test]
fn what_holds_only_between_settings_is_checked_too() {
    refused(
        "store = \"s\"",
        &["F: no [[listener]]: nobody could reach the node"],
    );
    refused(
        r#"store = "s"
[limits]
drain_seconds = 0
events_per_second = 0
connections_per_principal = 12289
[[listener]]
purpose = "ingest"
listen = "127.0.0.1:7443"
certificate = "c"
[[listener]]
purpose = "health"
listen = "127.0.0.1:7443"
key = "k"
[[listener]]
purpose = "admin"
listen = "unix:/run/indelible/admin"
crl = "k"
[[listener]]
purpose = "health"
listen = "192.0.2.7:80"
[[grant]]
who = ["a*b"]
role = "reader"
logs = ["app"]
"#,
        &[
            "F:3: drain_seconds lies between 1 and 3600, and is 0",
            "F:4: events_per_second lies between 1 and 18446744073709551615, and is 0",
            "F:5: connections_per_principal lies between 1 and 12288, and is 12289",
            "F:6: a listener speaks TLS, and key, client_ca is not named here nor in [tls]",
            "F:12: 127.0.0.1:7443 is taken by the listener in line 6",
            "F:13: health speaks plain HTTP: take key away",
            "F:17: a Unix socket needs no TLS: take crl away",
            "F:20: 192.0.2.7:80 is a public address: write internal:80, or declare its network with [networks] internal = [\"192.0.2.7\"] if it is internal after all",
            "F:21: 'a*b' is no principal: write spiffe://DOMAIN/PATH, another URI, dns:NAME or unix:UID",
        ],
    );
}

#[test]
fn a_file_that_is_no_toml_is_refused_where_it_breaks() {
    for (text, line) in [
        ("store = \n", 1),
        ("store = \"s\"\nstore = \"t\"\n", 2),
        ("[tls\n", 1),
        ("store = \"s\"\n\u{7}\n", 2),
    ] {
        let faults = read(text).expect_err("a fault");
        assert_eq!(faults.faults[0].line, Some(line), "{text}: {faults}");
    }
    refused(
        "store = \"s\"\ntls = 5\nlistener = \"x\"\ngrant = [5]\n",
        &[
            "F:2: tls is a section: write [tls] on a line of its own",
            "F:3: there may be several: write [[listener]] on a line of its own",
            "F:4: grant is a section: write [grant] on a line of its own",
        ],
    );
}

#[test]
fn a_section_of_another_name_is_no_setting() {
    refused(
        &(SMALL.to_owned() + "[[listner]]\n[quotas]\n"),
        &[
            "F:9: no such setting: listner; the nearest is listener",
            "F:10: no such setting: quotas; there are store, keys, passphrase_file, networks, tls, limits, listener, grant",
        ],
    );
}

/// Names of the fields of every section.
fn known() -> BTreeSet<(&'static str, &'static str)> {
    let of =
        |section, names: &'static [&'static str]| names.iter().map(move |name| (section, *name));
    of("", fields::of::<NodeTable>())
        .chain(of("networks", fields::of::<NetworksTable>()))
        .chain(of("tls", fields::of::<TlsTable>()))
        .chain(of("listener", fields::of::<ListenerTable>()))
        .chain(of("grant", fields::of::<Grant>()))
        .chain(of("limits", fields::of::<LimitsTable>()))
        .collect()
}

#[test]
fn every_setting_has_its_text_and_there_are_forty_at_most() {
    let said: BTreeSet<_> = SETTINGS
        .iter()
        .map(|setting| (setting.section, setting.name))
        .collect();
    assert_eq!(said, known());
    assert_eq!(said.len(), SETTINGS.len(), "none is said twice");
    assert!(said.len() <= 40, "{} settings", said.len());
}

#[test]
fn the_defaults_that_are_said_are_those_in_force() {
    let text = SMALL.to_owned() + "[[grant]]\nwho = [\"*\"]\nrole = \"reader\"\nlogs = [\"*\"]\n";
    let shown = read(&text).expect("it holds together").show();
    let shown: toml::Table = shown.parse().expect("what is shown is a file");
    for setting in SETTINGS {
        let section = shown.get(setting.section);
        let section = section.map(|section| section.get(0).unwrap_or(section));
        let value = match setting.section {
            "" => shown.get(setting.name),
            _ => section.and_then(|section| section.get(setting.name)),
        };
        match setting.default {
            settings::Default::Value(said) => {
                assert_eq!(
                    value.map(ToString::to_string).as_deref(),
                    Some(said),
                    "{setting:?}"
                );
            }
            settings::Default::Required => assert!(value.is_some(), "{setting:?}"),
            settings::Default::None(_) => {}
        }
    }
}

#[test]
fn what_is_shown_says_where_it_comes_from_and_reads_back_as_the_same() {
    let config = read(SMALL).expect("it holds together");
    let shown = config.show();
    for (start, end) in [
        ("store = ", "# line 1"),
        ("internal = []", "# default"),
        ("purpose = \"ingest\"", "# line 7"),
        ("crl", ""),
        ("seal_minutes = 60", "# default"),
    ] {
        let mut lines = shown.lines().filter(|line| line.starts_with(start));
        assert!(lines.all(|line| line.ends_with(end)), "{start}: {shown}");
    }
    assert!(shown.contains("# [tls], line 3"), "{shown}");
    let again = read(&shown).expect("what is shown is a file");
    assert!(again.listeners().eq(config.listeners()));
    assert_eq!(again.node(), config.node());
}

#[test]
fn the_page_of_settings_is_the_one_that_the_code_makes() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = std::fs::read_to_string(&page).expect("the page is there");
    let (before, _) = text
        .split_once("## Settings\n")
        .expect("a heading of that name");
    let (_, after) = text
        .split_once("<!-- end of settings -->\n")
        .expect("an end");
    let made = format!(
        "{before}## Settings\n{}\n<!-- end of settings -->\n{after}",
        reference()
    );
    if text != made && std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&page, &made).expect("the page can be written");
        return;
    }
    assert!(
        text == made,
        "UPDATE_PAGES=1 cargo test -p indelible-server --lib config writes it anew"
    );
}
