//! One `[integrations.ID]` table: its own keys, its fields, where each stands.

use super::{
    Settings,
    file::{Entry, Reader, in_order, integer},
    schema::{self, Rule, Value},
    settings::{self, small},
    suggest,
};
use crate::model::{FieldValue, Integration, IntegrationId};
use indexmap::IndexMap;
use std::ops::Range;
use toml::{Spanned, de::DeValue};

/// Every key of an integration.
pub(super) const KEYS: [&str; 15] = [
    "provider",
    "name",
    "tags",
    "enabled",
    "interval",
    "timeout",
    "attempts",
    "failures_to_open",
    "successes_to_close",
    "expires",
    "ca_file",
    "insecure",
    "slow",
    "needs_scopes",
    "fields",
];
const MAX_FIELD_BYTES: usize = 64 << 10;
const MAX_LIST: usize = 1000;

/// An integration with nothing but what the board says.
fn plain(id: IntegrationId, settings: &Settings) -> Integration {
    Integration {
        provider: String::new(),
        name: id.to_string(),
        id,
        tags: Vec::new(),
        fields: IndexMap::new(),
        enabled: true,
        interval: settings.interval,
        timeout: settings.timeout,
        attempts: settings.attempts,
        failures_to_open: settings.failures_to_open,
        successes_to_close: settings.successes_to_close,
        expires: None,
        ca_file: None,
        insecure: false,
        slow: None,
        needs_scopes: Vec::new(),
    }
}

/// Reads one integration. `None` and at least one complaint: nothing could be made of it. With `broken` set the file
/// has syntax errors, and a key that is not there may stand on one of the broken lines.
pub(super) fn read(
    reader: &mut Reader<'_>,
    settings: &Settings,
    id: &str,
    span: Range<usize>,
    value: &Spanned<DeValue<'_>>,
    broken: bool,
) -> Option<Entry> {
    let Some(table) = value.get_ref().as_table() else {
        reader.complain(span, "an integration must be a table; write [integrations.ID] on a line of its own");
        return None;
    };
    let Ok(id) = IntegrationId::new(id) else {
        let message = format!(
            "{} is not a valid id: use 1 to 64 lower-case letters, digits, '-' and '_', starting with a letter or digit",
            match settings::name_or_nothing(id) {
                shown if shown.is_empty() => "this".to_owned(),
                shown => shown.trim_start().to_owned(),
            }
        );
        reader.complain(span, message);
        return None;
    };
    let line = reader.source.position(span.start).0;
    let mut entry = Entry { integration: plain(id, settings), line, positions: IndexMap::new() };
    for (key, span, value) in in_order(table) {
        if key == "fields" {
            read_fields(reader, &mut entry, value);
        } else if KEYS.contains(&key) {
            read_key(reader, &mut entry.integration, key, value);
            entry.positions.insert(format!(".{key}"), reader.source.position(value.span().start));
        } else {
            let shown = settings::name_or_nothing(key);
            let id = &entry.integration.id;
            let message = match suggest::nearest(key, KEYS) {
                Some(meant) => format!("unknown key{shown} in [integrations.{id}]; did you mean '{meant}'?"),
                None => format!(
                    "unknown key{shown} in [integrations.{id}]; a field of the provider belongs under \
                     [integrations.{id}.fields], other keys are {}",
                    KEYS.join(", ")
                ),
            };
            reader.complain(span, message);
        }
    }
    let integration = &entry.integration;
    if !table.contains_key("provider") && !broken {
        let message =
            format!("integration '{}' names no provider; add a line such as provider = \"github\"", integration.id);
        reader.complain(span.clone(), message);
    }
    if let Some(message) = settings::timeout_too_long(integration.timeout, integration.interval)
        && settings::timeout_too_long(settings.timeout, settings.interval).is_none()
    {
        let at = table.get("interval").or(table.get("timeout")).map_or(span, Spanned::span);
        reader.complain(at, message);
    }
    Some(entry)
}

fn read_key(reader: &mut Reader<'_>, into: &mut Integration, key: &str, value: &Spanned<DeValue<'_>>) {
    let rule = match key {
        "tags" | "needs_scopes" => {
            if let Some(words) = read_words(reader, key, value) {
                *(if key == "tags" { &mut into.tags } else { &mut into.needs_scopes }) = words;
            }
            return;
        }
        "expires" => {
            match expiry(value.get_ref()) {
                Some(at) => into.expires = Some(at),
                None => reader.complain(
                    value.span(),
                    "expires must be a date or an instant; write for example \"2027-01-31\" or \"2027-01-31T12:00:00Z\"",
                ),
            }
            return;
        }
        "provider" => Rule::Name { example: "github" },
        "name" => Rule::Title,
        "enabled" | "insecure" => Rule::Flag,
        "interval" => schema::INTERVAL,
        "timeout" => schema::TIMEOUT,
        "attempts" => schema::ATTEMPTS,
        "ca_file" => Rule::File,
        "slow" => schema::SLOW,
        _ => schema::THRESHOLD,
    };
    match (key, reader.value(key, &rule, value)) {
        ("provider", Some(Value::Text(text))) => into.provider = text,
        ("name", Some(Value::Text(text))) => into.name = text,
        ("ca_file", Some(Value::Text(text))) => into.ca_file = (!text.is_empty()).then_some(text),
        ("enabled", Some(Value::Flag(flag))) => into.enabled = flag,
        ("insecure", Some(Value::Flag(flag))) => into.insecure = flag,
        ("interval", Some(Value::Span(span))) => into.interval = span,
        ("timeout", Some(Value::Span(span))) => into.timeout = span,
        ("slow", Some(Value::Span(span))) => into.slow = Some(span),
        ("attempts", Some(Value::Count(count))) => into.attempts = small(count),
        ("failures_to_open", Some(Value::Count(count))) => into.failures_to_open = small(count),
        ("successes_to_close", Some(Value::Count(count))) => into.successes_to_close = small(count),
        _ => {}
    }
}

/// A list of single words (a filter `tag:x` has to be able to name one).
fn read_words(reader: &mut Reader<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    let words: Option<Vec<String>> = value.get_ref().as_array().and_then(|list| {
        let word = |item: &Spanned<DeValue<'_>>| {
            let word = item.get_ref().as_str()?;
            (!word.is_empty() && !word.contains(char::is_whitespace) && schema::is_plain(word, 200))
                .then(|| word.to_owned())
        };
        list.iter().map(word).collect()
    });
    if words.is_none() {
        reader.complain(
            value.span(),
            format!("{key} must be a list of words in quotes, none empty or with blanks; write for example {key} = [\"a\", \"b\"]"),
        );
    }
    words
}

/// A date means its first moment in UTC: rather warned a day early than a day late.
fn expiry(value: &DeValue<'_>) -> Option<jiff::Timestamp> {
    match value {
        DeValue::String(text) => instant(text),
        DeValue::Datetime(at) => instant(&at.to_string()),
        _ => None,
    }
}

/// Reads `2027-01-31` or RFC 3339.
pub(super) fn instant(text: &str) -> Option<jiff::Timestamp> {
    let text = text.trim();
    if text.len() == 10 {
        let date: jiff::civil::Date = text.parse().ok()?;
        return Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    }
    text.parse().ok()
}

fn read_fields(reader: &mut Reader<'_>, entry: &mut Entry, value: &Spanned<DeValue<'_>>) {
    let Some(table) = value.get_ref().as_table() else {
        return reader
            .complain(value.span(), "fields must be a table; write for example fields = { token = \"vault:github\" }");
    };
    for (name, span, value) in in_order(table) {
        if !is_field_name(name) {
            let shown = settings::name_or_nothing(name);
            reader.complain(
                span,
                format!(
                    "the field's name{shown} is not valid: use letters, digits, '-' and '_', starting with a letter"
                ),
            );
            continue;
        }
        match field(value.get_ref()) {
            Some(field) => {
                entry.positions.insert(name.to_owned(), reader.source.position(value.span().start));
                entry.integration.fields.insert(name.to_owned(), field);
            }
            None => reader.complain(
                value.span(),
                format!(
                    "the field '{}' must be a text, a number, true, false, or a list of texts (64 KiB at most)",
                    super::diagnostic::shown_name(name)
                ),
            ),
        }
    }
}

pub(super) fn is_field_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && name.as_bytes()[0].is_ascii_alphabetic()
}

fn field(value: &DeValue<'_>) -> Option<FieldValue> {
    let short = |text: &str| (text.len() <= MAX_FIELD_BYTES && !text.contains('\0')).then(|| text.to_owned());
    Some(match value {
        DeValue::String(text) => FieldValue::Text(short(text)?),
        DeValue::Integer(_) => FieldValue::Text(integer(value)?.to_string()),
        DeValue::Float(digits) => FieldValue::Text(digits.as_str().to_owned()),
        DeValue::Boolean(flag) => FieldValue::Text(flag.to_string()),
        DeValue::Array(list) if list.len() <= MAX_LIST => {
            let items: Option<Vec<_>> = list.iter().map(|item| item.get_ref().as_str().and_then(short)).collect();
            FieldValue::List(items?)
        }
        _ => return None,
    })
}
