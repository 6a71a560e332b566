//! `config.toml`: its schema, defaults and layers (environment over file over default).

use super::{
    Diagnostic,
    diagnostic::Source,
    integration,
    schema::{self, Raw},
    settings, suggest,
};
use crate::model::Integration;
use std::{
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A larger file is refused: it is not a configuration.
const MAX_BYTES: u64 = 16 << 20;
/// More complaints than this help nobody.
const MAX_COMPLAINTS: usize = 200;

/// Board-wide settings (`[board]`, `[ui]`, `[network]`, `[history]`, `[keys]`).
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Default time between checks (300 s, floor 5 s).
    pub interval: Duration,
    /// Default total time of one attempt (30 s).
    pub timeout: Duration,
    /// Default attempts in one check (3).
    pub attempts: u32,
    /// Default failures that open an incident (2).
    pub failures_to_open: u32,
    /// Default successes that close it (1).
    pub successes_to_close: u32,
    /// Checks at once (64).
    pub concurrency: usize,
    /// Checks at once to one host (4).
    pub per_host: usize,
    /// How often the board's derived figures are refreshed (30 s).
    pub refresh: Duration,
    /// `system`, `none` or a proxy URL.
    pub proxy: String,
    /// More roots, PEM.
    pub ca_file: Option<PathBuf>,
    /// Theme name (`lamp`).
    pub theme: String,
    /// `auto`, `truecolor`, `256`, `16`, `none`.
    pub color: String,
    /// Force ASCII symbols: `auto`, `always`, `never`.
    pub ascii: String,
    /// Mouse capture (false).
    pub mouse: bool,
    /// Overview as `cards` or `table` (`table`).
    pub view: String,
    /// Key chord to action name, the user's remaps.
    pub keys: Vec<(String, String)>,
    /// Raw rows kept (48 h).
    pub keep_raw: Duration,
    /// Minute roll-ups kept (14 days).
    pub keep_minutes: Duration,
    /// Hour roll-ups kept (400 days).
    pub keep_hours: Duration,
}

/// One integration as the file has it, with where it stands. Fields are not yet matched with the definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Every default filled in. Values that look like references are `FieldValue::Secret`… only after binding; here
    /// all are `Text` or `List`.
    pub integration: Integration,
    /// Line of its table header.
    pub line: usize,
    /// Field name to (line, column) of its value. The integration's own keys that the file has are here too, with a
    /// dot before them: `.provider`, `.interval` (no field's name can begin with a dot).
    pub positions: indexmap::IndexMap<String, (usize, usize)>,
}

/// The whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Board-wide.
    pub settings: Settings,
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// Its file.
    pub file: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Settings {
            interval: Duration::from_secs(300),
            timeout: Duration::from_secs(30),
            attempts: 3,
            failures_to_open: 2,
            successes_to_close: 1,
            concurrency: 64,
            per_host: 4,
            refresh: Duration::from_secs(30),
            proxy: "system".to_owned(),
            ca_file: None,
            theme: "lamp".to_owned(),
            color: "auto".to_owned(),
            ascii: "auto".to_owned(),
            mouse: false,
            view: "table".to_owned(),
            keys: Vec::new(),
            keep_raw: Duration::from_secs(48 * HOUR),
            keep_minutes: Duration::from_secs(14 * 24 * HOUR),
            keep_hours: Duration::from_secs(400 * 24 * HOUR),
        }
    }
}

impl Config {
    /// Parses. All complaints at once (the first 200), in the order of the file; none quotes a value.
    pub fn parse(file: &Path, text: &str) -> Result<Config, Vec<Diagnostic>> {
        let (document, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader { source: Source::new(file, text), complaints: Vec::new() };
        for error in &errors {
            reader.complain(error.span().unwrap_or(0..0), format!("not valid TOML: {}", error.message()));
        }
        // What the parser made of a broken line is not worth a second complaint.
        reader.complaints.dedup_by_key(|complaint| complaint.line);
        let broken: Vec<usize> = reader.complaints.iter().map(|complaint| complaint.line).collect();

        let mut settings = Settings::default();
        let top = in_order(document.get_ref());
        for (name, span, value) in &top {
            read_table(&mut reader, &mut settings, name, span.clone(), value);
        }
        for (table, key, message) in settings::contradictions(&settings) {
            let span = find_key(document.get_ref(), table, key).unwrap_or(0..0);
            reader.complain(span, message);
        }
        let mut entries = Vec::new();
        let integrations = document.get_ref().get("integrations").and_then(|table| table.get_ref().as_table());
        for (id, span, value) in integrations.map(in_order).unwrap_or_default() {
            entries.extend(integration::read(&mut reader, &settings, id, span, value, !broken.is_empty()));
        }

        let mut complaints = reader.complaints;
        if complaints.is_empty() {
            return Ok(Config { settings, entries, file: file.to_owned() });
        }
        let semantic = complaints.split_off(broken.len());
        complaints.extend(semantic.into_iter().filter(|complaint| !broken.contains(&complaint.line)));
        complaints.sort_by_key(|complaint| (complaint.line, complaint.column));
        if complaints.len() > MAX_COMPLAINTS {
            let more = complaints.len() - MAX_COMPLAINTS;
            complaints.truncate(MAX_COMPLAINTS);
            complaints.push(Diagnostic::whole(file, format!("and {more} more complaints")));
        }
        Err(complaints)
    }

    /// Reads and parses; a missing file is an empty configuration. At most 16 MiB.
    pub fn load(file: &Path) -> Result<Config, Vec<Diagnostic>> {
        let text = match read_text(file) {
            Ok(text) => text,
            Err(complaint) => return Err(vec![complaint]),
        };
        Config::parse(file, &text)
    }

    /// Lays `LAMPBOARD__BOARD__INTERVAL=60s`-like variables over the settings. Integrations without a value of their
    /// own follow.
    pub fn with_env(self, vars: impl Iterator<Item = (String, String)>) -> Result<Config, Vec<Diagnostic>> {
        super::layers::with_env(self, vars)
    }
}

/// Reads a configuration file; a missing one is empty.
pub(super) fn read_text(file: &Path) -> Result<String, Diagnostic> {
    let failed = |error: std::io::Error| Diagnostic::whole(file, format!("cannot be read: {error}"));
    let meta = match std::fs::metadata(file) {
        Ok(meta) => meta,
        // A link to nothing is a mistake, not an absent file.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && std::fs::symlink_metadata(file).is_err() => {
            return Ok(String::new());
        }
        Err(error) => return Err(failed(error)),
    };
    if !meta.is_file() {
        return Err(Diagnostic::whole(file, "is not a regular file; put the configuration there, or remove it"));
    }
    let open = std::fs::File::open(file).map_err(failed)?;
    // Of what was opened, not of what the name means a moment later.
    let meta = open.metadata().map_err(failed)?;
    if let Some(why) = crate::model::trust::distrust(&meta, rustix::process::geteuid().as_raw()) {
        return Err(Diagnostic::whole(file, why));
    }
    let mut bytes = Vec::new();
    open.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Diagnostic::whole(file, "is larger than 16 MiB; a configuration is refused beyond that"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        let message = "is not UTF-8 from here on; save the file in that encoding";
        Diagnostic { source: None, ..Source::new(file, &text).complaint(Some(good..good), message) }
    })
}

/// Complaints, collected while reading goes on.
pub(super) struct Reader<'a> {
    pub(super) source: Source<'a>,
    complaints: Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(super) fn complain(&mut self, span: Range<usize>, message: impl Into<String>) {
        let complaint = self.source.complaint(Some(span), message);
        self.complaints.push(complaint);
    }

    /// A value that obeys its rule, or a complaint and `None`.
    pub(super) fn value(
        &mut self,
        key: &str,
        rule: &schema::Rule,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<schema::Value> {
        match rule.read(raw(value.get_ref())) {
            Ok(value) => Some(value),
            Err(wanted) => {
                self.complain(value.span(), format!("{key} must be {wanted}"));
                None
            }
        }
    }
}

fn raw<'a>(value: &'a DeValue<'_>) -> Raw<'a> {
    match value {
        DeValue::String(text) => Raw::Text(text),
        DeValue::Integer(_) => Raw::Integer(integer(value)),
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        _ => Raw::Other,
    }
}

/// A whole number that fits 64 bits.
pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    value.as_integer().and_then(|digits| i64::from_str_radix(digits.as_str(), digits.radix()).ok())
}

/// The rows of a table in the order of the file, whatever order the parser keeps.
pub(super) fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t str, Range<usize>, &'t Spanned<DeValue<'i>>)> {
    let mut rows: Vec<_> = table.iter().map(|(key, value)| (&**key.get_ref(), key.span(), value)).collect();
    rows.sort_by_key(|(_, span, _)| span.start);
    rows
}

fn find_key(document: &DeTable<'_>, table: &str, key: &str) -> Option<Range<usize>> {
    Some(document.get(table)?.get_ref().as_table()?.get(key)?.span())
}

fn read_table(
    reader: &mut Reader<'_>,
    settings: &mut Settings,
    name: &str,
    span: Range<usize>,
    value: &Spanned<DeValue<'_>>,
) {
    let all = || settings::TABLES.into_iter().chain(["keys", "integrations"]);
    if !all().any(|known| known == name) {
        let shown = settings::name_or_nothing(name);
        let advice = if let Some(meant) = suggest::nearest(name, all()) {
            format!("did you mean [{meant}]?")
        } else if let Some(table) = settings::ROWS.iter().find(|row| row.key == name).map(|row| row.table) {
            format!("it belongs under [{table}]")
        } else {
            format!("known are {}", all().collect::<Vec<_>>().join(", "))
        };
        return reader.complain(span, format!("unknown name{shown} at the top of the file; {advice}"));
    }
    let Some(table) = value.get_ref().as_table() else {
        return reader.complain(span, format!("'{name}' must be a table; write [{name}] on a line of its own"));
    };
    match name {
        "integrations" => {}
        "keys" => {
            for (chord, span, value) in in_order(table) {
                match value.get_ref().as_str() {
                    Some(action)
                        if !chord.is_empty() && schema::is_plain(chord, 64) && schema::is_plain(action, 64) =>
                    {
                        settings.keys.push((chord.to_owned(), action.to_owned()));
                    }
                    _ => reader
                        .complain(span, "a key must be \"chord\" = \"action\", for example \"ctrl-t\" = \"test-all\""),
                }
            }
        }
        _ => {
            for (key, span, value) in in_order(table) {
                let Some(row) = settings::find(name, key) else {
                    reader.complain(span, settings::unknown_key(name, key));
                    continue;
                };
                if let Some(value) = reader.value(key, &row.rule, value) {
                    (row.apply)(settings, value);
                }
            }
        }
    }
}

/// The text of config.example.toml.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");
