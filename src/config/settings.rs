//! The board-wide keys: where each stands, what it takes, which field it fills.

use super::{
    Settings,
    schema::{self, Rule, Value},
};
use std::path::PathBuf;

/// One key of one board-wide table.
pub(super) struct Row {
    pub(super) table: &'static str,
    pub(super) key: &'static str,
    pub(super) rule: Rule,
    pub(super) apply: fn(&mut Settings, Value),
}

macro_rules! rows {
    ($($table:literal $key:literal $rule:expr, $kind:ident($value:ident) => $field:ident = $into:expr;)*) => {
        &[$(Row {
            table: $table,
            key: $key,
            rule: $rule,
            apply: |settings, value| if let Value::$kind($value) = value { settings.$field = $into },
        },)*]
    };
}

const COLORS: Rule = Rule::Choice(&["auto", "truecolor", "256", "16", "none"]);
const ASCII: Rule = Rule::Choice(&["auto", "always", "never"]);

/// Every board-wide key, but those of `[keys]`.
pub(super) const ROWS: &[Row] = rows! {
    "board" "interval" schema::INTERVAL, Span(v) => interval = v;
    "board" "timeout" schema::TIMEOUT, Span(v) => timeout = v;
    "board" "attempts" schema::ATTEMPTS, Count(v) => attempts = small(v);
    "board" "failures_to_open" schema::THRESHOLD, Count(v) => failures_to_open = small(v);
    "board" "successes_to_close" schema::THRESHOLD, Count(v) => successes_to_close = small(v);
    "board" "concurrency" Rule::Count { min: 1, max: 1024 }, Count(v) => concurrency = small(v) as usize;
    "board" "per_host" Rule::Count { min: 1, max: 256 }, Count(v) => per_host = small(v) as usize;
    "board" "refresh" schema::REFRESH, Span(v) => refresh = v;
    "ui" "theme" Rule::Name { example: "lamp" }, Text(v) => theme = v;
    "ui" "color" COLORS, Text(v) => color = v;
    "ui" "ascii" ASCII, Text(v) => ascii = v;
    "ui" "mouse" Rule::Flag, Flag(v) => mouse = v;
    "ui" "view" Rule::Choice(&["table", "cards"]), Text(v) => view = v;
    "network" "proxy" Rule::Proxy, Text(v) => proxy = v;
    "network" "ca_file" Rule::File, Text(v) => ca_file = (!v.is_empty()).then(|| PathBuf::from(v));
    "history" "raw" schema::KEEP_RAW, Span(v) => keep_raw = v;
    "history" "minutes" schema::KEEP_MINUTES, Span(v) => keep_minutes = v;
    "history" "hours" schema::KEEP_HOURS, Span(v) => keep_hours = v;
};

/// The tables of [`ROWS`].
pub(super) const TABLES: [&str; 4] = ["board", "ui", "network", "history"];

// The rules bound every count far below this.
pub(super) fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

pub(super) fn find(table: &str, key: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.table == table && row.key == key)
}

pub(super) fn keys(table: &str) -> impl Iterator<Item = &'static str> {
    ROWS.iter().filter(move |row| row.table == table).map(|row| row.key)
}

/// What is wrong with a key that no row has, and what was probably meant.
pub(super) fn unknown_key(table: &str, key: &str) -> String {
    let shown = name_or_nothing(key);
    if let Some(meant) = super::suggest::nearest(key, keys(table)) {
        format!("unknown key{shown} in [{table}]; did you mean '{meant}'?")
    } else if let Some(row) = ROWS.iter().find(|row| row.key == key) {
        format!("unknown key{shown} in [{table}]; it belongs under [{}]", row.table)
    } else {
        let known: Vec<_> = keys(table).collect();
        format!("unknown key{shown} in [{table}]; known are {}", known.join(", "))
    }
}

/// ` 'name'`, unless the name is so long or odd that it may be a pasted secret.
pub(super) fn name_or_nothing(name: &str) -> String {
    if (1..=32).contains(&name.len()) && schema::is_plain(name, 32) { format!(" '{name}'") } else { String::new() }
}

/// Contradictions between settings that are each well-formed.
pub(super) fn contradictions(settings: &Settings) -> Vec<(&'static str, &'static str, String)> {
    let mut found = Vec::new();
    if let Some(message) = timeout_too_long(settings.timeout, settings.interval) {
        found.push(("board", "timeout", message));
    }
    if settings.keep_minutes < settings.keep_raw {
        found.push(("history", "minutes", "minutes must be kept at least as long as raw".to_owned()));
    }
    if settings.keep_hours < settings.keep_minutes {
        found.push(("history", "hours", "hours must be kept at least as long as minutes".to_owned()));
    }
    found
}

/// A check that may last ten intervals would be late for ever.
pub(super) fn timeout_too_long(timeout: std::time::Duration, interval: std::time::Duration) -> Option<String> {
    (timeout >= interval * 10).then(|| {
        format!(
            "timeout must be shorter than ten intervals; write a timeout under {} or a longer interval",
            super::duration::text(interval * 10)
        )
    })
}
