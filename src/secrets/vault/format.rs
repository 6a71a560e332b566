//! The vault's clear text: a TOML table `[entries.NAME]` with `value` and `stored`.

use crate::model::Secret;
use std::collections::BTreeMap;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};
use zeroize::Zeroizing;

/// One secret and when it was stored.
pub(super) struct Entry {
    pub(super) secret: Secret,
    pub(super) stored: jiff::Timestamp,
}

pub(super) type Entries = BTreeMap<String, Entry>;

/// Writes the clear text into memory that is wiped and never grows.
pub(super) fn text(entries: &Entries) -> Zeroizing<String> {
    let room: usize = entries.iter().map(|(name, entry)| 128 + name.len() + 6 * entry.secret.expose().len()).sum();
    let mut out = Zeroizing::new(String::with_capacity(room + 128));
    out.push_str("# Lampboard's vault\n");
    for (name, entry) in entries {
        out.push_str("\n[entries.");
        out.push_str(name);
        out.push_str("]\nvalue = \"");
        for c in entry.secret.expose().chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                c if c.is_control() => {
                    out.push_str("\\u");
                    for shift in [12, 8, 4, 0] {
                        out.push(char::from_digit((c as u32 >> shift) & 15, 16).expect("four bits are one hex digit"));
                    }
                }
                c => out.push(c),
            }
        }
        out.push_str("\"\nstored = ");
        out.push_str(&entry.stored.to_string());
        out.push('\n');
    }
    out
}

/// Reads the clear text. The error names the place, never the content.
pub(super) fn parse(text: &str) -> Result<Entries, String> {
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        format!("line {} is not valid TOML", text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1)
    })?;
    let mut found = Entries::new();
    for (key, value) in document.into_inner() {
        if key.get_ref() != "entries" {
            return Err("it holds something beside 'entries'; a newer Lampboard may have written it".to_owned());
        }
        let DeValue::Table(table) = value.into_inner() else {
            return Err("'entries' is not a table".to_owned());
        };
        for (name, value) in table {
            let name = name.into_inner().into_owned();
            let entry = entry(value).ok_or_else(|| {
                let shown =
                    crate::model::IntegrationId::new(&name).map_or_else(|_| "?".to_owned(), |id| id.to_string());
                format!("the entry '{shown}' has no text 'value' and instant 'stored'")
            })?;
            found.insert(name, entry);
        }
    }
    Ok(found)
}

fn entry(value: Spanned<DeValue<'_>>) -> Option<Entry> {
    let DeValue::Table(mut table) = value.into_inner() else { return None };
    let stored = match table.remove("stored")?.into_inner() {
        DeValue::String(text) => text.parse().ok()?,
        DeValue::Datetime(at) => at.to_string().parse().ok()?,
        _ => return None,
    };
    match table.remove("value")?.into_inner() {
        DeValue::String(text) => Some(Entry { secret: Secret::new(text.into_owned()), stored }),
        _ => None,
    }
}
