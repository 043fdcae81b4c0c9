//! What each setting is, for people: the text from which `docs/configuration.md` is made and against which the code is tested.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Section; empty: above all of them.
    pub section: &'static str,
    /// Name in it.
    pub name: &'static str,
    /// What is written there.
    pub form: &'static str,
    /// What stands for it where it is not given.
    pub default: Default,
    /// What it does.
    pub text: &'static str,
}

/// What stands for a setting that is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// It has to be given.
    Required,
    /// Nothing, and what that means.
    None(&'static str),
    /// This, as TOML.
    Value(&'static str),
}

const NETWORKS: &str = "networks, such as `[\"10.1.0.0/16\", \"fd00::/8\"]`";

const fn setting(
    section: &'static str,
    name: &'static str,
    form: &'static str,
    default: Default,
    text: &'static str,
) -> Setting {
    Setting {
        section,
        name,
        form,
        default,
        text,
    }
}

/// All of them, in the order of a file.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    setting("", "store", "path", Default::Required,
        "Directory of the store, made by `indelible init`."),
    setting("", "keys", "path", Default::None("where `init` put it"),
        "Directory of the node secret."),
    setting("", "passphrase_file", "path", Default::None("the credential `indelible-passphrase`, or a terminal"),
        "File whose first line is the passphrase of the secret, if it has one."),
    setting("networks", "internal", NETWORKS, Default::Value("[]"),
        "Networks that count as internal beside those that always do: RFC 1918, 100.64.0.0/10, fc00::/7, link-local and loopback."),
    setting("tls", "certificate", "path", Default::None("each listener names its own"),
        "PEM: the node's certificate, then those that lead from it to a root."),
    setting("tls", "key", "path", Default::None("each listener names its own"),
        "PEM: the private key of the certificate."),
    setting("tls", "client_ca", "path", Default::None("each listener names its own"),
        "PEM: the roots that client certificates have to lead to."),
    setting("tls", "crl", "path", Default::None("nothing is revoked"),
        "PEM: revocation lists of those who issue client certificates."),
    setting("listener", "purpose", "`\"ingest\"`, `\"query\"`, `\"verify\"`, `\"health\"` or `\"admin\"`", Default::Required,
        "What the listener serves; it serves nothing else."),
    setting("listener", "listen", "`\"internal:PORT\"`, `\"IP:PORT\"`, `\"iface:NAME:PORT\"` or `\"unix:/PATH\"`", Default::Required,
        "Where it listens: on each internal address and loopback; on one; on the internal ones of an interface; on a socket file."),
    setting("listener", "allow_from", NETWORKS, Default::Value("[]"),
        "Networks it takes peers from; all others are cut off before a handshake. Empty: whoever reaches it."),
    setting("listener", "certificate", "path", Default::None("that of `[tls]`"),
        "As in `[tls]`, for this listener."),
    setting("listener", "key", "path", Default::None("that of `[tls]`"),
        "As in `[tls]`, for this listener."),
    setting("listener", "client_ca", "path", Default::None("that of `[tls]`"),
        "As in `[tls]`, for this listener."),
    setting("listener", "crl", "path", Default::None("that of `[tls]`"),
        "As in `[tls]`, for this listener."),
    setting("grant", "who", "principals: `\"spiffe://DOMAIN/PATH\"`, `\"spiffe://DOMAIN/*\"`, `\"dns:NAME\"`, `\"dns:*.DOMAIN\"`, `\"unix:UID\"`, another URI, `\"*\"`", Default::Required,
        "Whom it is for."),
    setting("grant", "role", "`\"producer\"`, `\"reader\"`, `\"auditor\"` or `\"operator\"`", Default::Required,
        "What they may do: append; read records; verify and read heads; operate the node."),
    setting("grant", "logs", "names of logs, or the beginning of one and `*`", Default::Required,
        "In which logs. `*` alone means all but those of the node itself."),
    setting("grant", "from", NETWORKS, Default::Value("[]"),
        "From where. Empty: from wherever the listener takes peers."),
    setting("limits", "drain_seconds", "seconds, 1 to 3600", Default::Value("20"),
        "How long requests that are under way may take once the node is told to stop; then they are cut, and what was not acknowledged can be sent again."),
    setting("limits", "seal_minutes", "minutes, 0 to 10080", Default::Value("60"),
        "How often the tail is sealed, however short it is. It is sealed before that when it is long; 0: only then."),
    setting("limits", "events_per_second", "events, 1 or more", Default::None("as many as come"),
        "How many events each principal may send in a second; what is more is refused with the time after which to come again."),
    setting("limits", "connections_per_principal", "connections, 1 to 12288", Default::Value("12288"),
        "How many connections each principal may have open to each listener; those beyond are refused, and the others of the principal and all of everybody else go on. A listener has 16,384 places."),
];

/// The reference of all settings, as it stands in `docs/configuration.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::new();
    let mut section = None;
    for setting in SETTINGS {
        if section != Some(setting.section) {
            section = Some(setting.section);
            let title = match setting.section {
                "" => "### Above all sections".to_owned(),
                name @ ("listener" | "grant") => format!("### `[[{name}]]`, any number of them"),
                name => format!("### `[{name}]`"),
            };
            page.push_str(&format!(
                "\n{title}\n\n| setting | what is written | default | what it does |\n| --- | --- | --- | --- |\n"
            ));
        }
        let default = match setting.default {
            Default::Required => "– (has to be given)".to_owned(),
            Default::None(what) => what.to_owned(),
            Default::Value(value) => format!("`{value}`"),
        };
        page.push_str(&format!(
            "| `{}` | {} | {default} | {} |\n",
            setting.name, setting.form, setting.text
        ));
    }
    page
}
