//! `doctor --bundle`: what somebody who is to help needs to know, fit to be pasted in public: no secret, no address, no
//! name of the user's.

use super::{Answer, Exit, Out, world};
use crate::{
    config::{Config, Paths},
    model::text::sanitize,
    providers::Registry,
};
use std::{collections::BTreeMap, path::PathBuf};

/// Lines of the log.
const LINES: usize = 40;

pub(super) fn run(config: Option<PathBuf>, out: &mut Out) -> Answer {
    let paths = world::paths(config)?;
    let mut text =
        format!("lampboard {} on {} {}\n", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    for name in ["TERM", "COLORTERM", "LANG", "LC_ALL", "NO_COLOR", "TMUX"] {
        // Whether tmux is there is of use; its socket's path is not.
        let value = std::env::var(name).ok().map(|v| if name == "TMUX" { "set".to_owned() } else { sanitize(&v, 60) });
        text.push_str(&format!("{name}={}\n", value.unwrap_or_else(|| "-".to_owned())));
    }
    let status = world::vault(&paths).status();
    text.push_str(&format!(
        "vault: exists {}, opened by {}, locked {}, entries {}\n",
        status.exists,
        status.method.map_or("nothing", crate::secrets::Method::label),
        status.locked,
        status.entries.map_or_else(|| "?".to_owned(), |n| n.to_string())
    ));
    let (registry, problems) = Registry::load(Some(&paths.providers), None);
    text.push_str(&format!("definitions: {}, complaints: {}\n", registry.iter().count(), problems.len()));
    text.push_str(&configuration(&paths));
    text.push_str(&log(&paths));
    if out.json {
        out.value(&serde_json::json!({ "bundle": text }))?;
    } else {
        out.text(&text)?;
    }
    Ok(Exit::Good)
}

/// How many integrations of which provider, and which kinds of references: nothing of what they say.
fn configuration(paths: &Paths) -> String {
    let config = match Config::load(&paths.config).and_then(|c| c.with_env(world::env_layer())) {
        Ok(config) => config,
        Err(diagnostics) => {
            let places = diagnostics.iter().map(|d| format!("{}:{}", d.line, d.column)).collect::<Vec<_>>();
            return format!("configuration: wrong at {}\n", places.join(", "));
        }
    };
    let mut providers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut schemes: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &config.entries {
        *providers.entry(&entry.integration.provider).or_default() += 1;
        for value in entry.integration.fields.values() {
            if let crate::model::FieldValue::Text(text) = value
                && let Ok(reference) = text.parse::<crate::model::SecretRef>()
            {
                let scheme = reference.to_string().split(':').next().unwrap_or_default().to_owned();
                *schemes.entry(scheme).or_default() += 1;
            }
        }
    }
    let listed = |all: Vec<String>| if all.is_empty() { "none".to_owned() } else { all.join(", ") };
    let settings = &config.settings;
    format!(
        "integrations: {}\nreferences: {}\ninterval {:?}, timeout {:?}, concurrency {}, theme {}, color {}, ascii {}, proxy {}\n",
        listed(providers.iter().map(|(p, n)| format!("{n} {}", sanitize(p, 64))).collect()),
        listed(schemes.iter().map(|(s, n)| format!("{n} {s}")).collect()),
        settings.interval,
        settings.timeout,
        settings.concurrency,
        sanitize(&settings.theme, 64),
        settings.color,
        settings.ascii,
        if settings.proxy.contains("://") { "a URL" } else { &settings.proxy }
    )
}

/// The latest lines of the log, without what stands in quotes or looks like an address or a path.
fn log(paths: &Paths) -> String {
    let Ok(bytes) = std::fs::read(&paths.log) else { return "log: none\n".to_owned() };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::from("log:\n");
    for line in &lines[lines.len().saturating_sub(LINES)..] {
        out.push_str(&redacted(line));
        out.push('\n');
    }
    out
}

fn redacted(line: &str) -> String {
    let words = sanitize(line, 400);
    let mut quoted = false;
    let mut kept = Vec::new();
    for word in words.split(' ') {
        let quotes = word.matches(['\'', '"']).count();
        let named = ["integration=", "entry=", "host="].iter().any(|n| word.starts_with(n));
        if quoted || quotes > 0 || named || word.contains(['/', '@']) || word.matches('.').count() > 1 {
            kept.push("…");
        } else {
            kept.push(word);
        }
        quoted ^= quotes % 2 == 1;
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn names_addresses_and_paths_are_left_out() {
        let line = "WARN lampboard::monitor: integration=acme-prod 'db.acme.example did not' answer at 10.0.0.7 in /home/ada/x \"a b\" ok";
        assert_eq!(redacted(line), "WARN lampboard::monitor: … … … … answer at … in … … … ok");
    }
}
