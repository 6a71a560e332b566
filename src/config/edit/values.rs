//! One integration's keys as TOML: what differs is written, what means the same is left as the user wrote it.

use crate::{
    config::{Settings, duration, integration::instant},
    model::{FieldValue, Integration},
};
use std::time::Duration;
use toml_edit::{Array, Item, Table, TableLike, Value};

/// A value with its meaning, to compare with what stands in the file.
enum Want {
    Span(Duration),
    Count(u32),
    Flag(bool),
    Text(String),
    List(Vec<String>),
    Instant(jiff::Timestamp),
}

/// Writes every key that differs from `defaults`, and the fields.
pub(super) fn write(table: &mut dyn TableLike, integration: &Integration, defaults: &Settings) {
    let Integration { id, provider, name, tags, fields, enabled, interval, timeout, attempts, .. } = integration;
    let (open, close) = (integration.failures_to_open, integration.successes_to_close);
    let scopes = &integration.needs_scopes;
    let rows = [
        ("provider", true, Want::Text(provider.clone())),
        ("name", name != id.as_str(), Want::Text(name.clone())),
        ("tags", !tags.is_empty(), Want::List(tags.clone())),
        ("enabled", !enabled, Want::Flag(*enabled)),
        ("interval", *interval != defaults.interval, Want::Span(*interval)),
        ("timeout", *timeout != defaults.timeout, Want::Span(*timeout)),
        ("attempts", *attempts != defaults.attempts, Want::Count(*attempts)),
        ("failures_to_open", open != defaults.failures_to_open, Want::Count(open)),
        ("successes_to_close", close != defaults.successes_to_close, Want::Count(close)),
        ("expires", integration.expires.is_some(), Want::Instant(integration.expires.unwrap_or_default())),
        ("ca_file", integration.ca_file.is_some(), Want::Text(integration.ca_file.clone().unwrap_or_default())),
        ("insecure", integration.insecure, Want::Flag(integration.insecure)),
        ("slow", integration.slow.is_some(), Want::Span(integration.slow.unwrap_or_default())),
        ("needs_scopes", !scopes.is_empty(), Want::List(scopes.clone())),
    ];
    for (key, wanted, want) in rows {
        if table.get(key).is_some_and(|item| same(item, &want)) {
            // An absent expiry or limit has no value that could be the same.
            if wanted || !matches!(key, "expires" | "slow") {
                continue;
            }
        }
        if wanted {
            put(table, key, want.value());
        } else {
            table.remove(key);
        }
    }
    write_fields(table, fields);
}

fn write_fields(table: &mut dyn TableLike, fields: &indexmap::IndexMap<String, FieldValue>) {
    if !table.contains_key("fields") {
        if fields.is_empty() {
            return;
        }
        table.insert("fields", Item::Table(Table::new()));
    }
    if table.get("fields").is_some_and(|item| !item.is_table_like()) {
        table.insert("fields", Item::Table(Table::new()));
    }
    let Some(into) = table.get_mut("fields").and_then(Item::as_table_like_mut) else { return };
    let gone: Vec<String> =
        into.iter().map(|(key, _)| key.to_owned()).filter(|key| !fields.contains_key(key)).collect();
    for key in gone {
        into.remove(&key);
    }
    for (key, value) in fields {
        let want = match value {
            FieldValue::Text(text) => Want::Text(text.clone()),
            FieldValue::List(list) => Want::List(list.clone()),
            FieldValue::Secret(reference) => Want::Text(reference.to_string()),
        };
        if !into.get(key).is_some_and(|item| same(item, &want)) {
            put(into, key, want.value());
        }
    }
}

/// Sets a key; the comments around the old value stay.
pub(super) fn put(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key) {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        _ => {
            table.insert(key, Item::Value(value));
        }
    }
}

impl Want {
    fn value(&self) -> Value {
        match self {
            Want::Span(span) => duration::text(*span).into(),
            Want::Count(count) => i64::from(*count).into(),
            Want::Flag(flag) => (*flag).into(),
            Want::Text(text) => text.as_str().into(),
            Want::List(list) => list.iter().map(String::as_str).collect::<Array>().into(),
            Want::Instant(at) => {
                let text = at.to_string();
                text.strip_suffix("T00:00:00Z").unwrap_or(&text).into()
            }
        }
    }
}

/// Whether the file's value means what is wanted.
fn same(item: &Item, want: &Want) -> bool {
    match want {
        Want::Span(span) => {
            let seconds = || item.as_integer().and_then(|n| u64::try_from(n).ok()).map(Duration::from_secs);
            item.as_str().and_then(duration::parse).or_else(seconds) == Some(*span)
        }
        Want::Count(count) => item.as_integer() == Some(i64::from(*count)),
        Want::Flag(flag) => item.as_bool() == Some(*flag),
        Want::Text(text) => match item {
            Item::Value(Value::String(old)) => old.value() == text,
            Item::Value(Value::Integer(old)) => old.value().to_string() == *text,
            Item::Value(Value::Boolean(old)) => old.value().to_string() == *text,
            Item::Value(Value::Float(old)) => old.display_repr().trim() == text,
            _ => false,
        },
        Want::List(list) => item
            .as_array()
            .is_some_and(|old| old.iter().map(Value::as_str).eq(list.iter().map(|word| Some(word.as_str())))),
        Want::Instant(at) => {
            let text = item.as_datetime().map(ToString::to_string).or_else(|| item.as_str().map(str::to_owned));
            text.and_then(|text| instant(&text)) == Some(*at)
        }
    }
}
