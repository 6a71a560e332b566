//! The vault's clear text: a TOML table `[entries.NAME]` with `value`, `stored`, and what else is known of it.

use super::grant;
use crate::model::{CredentialFacts, Grant, Secret, Tokens};
use std::collections::BTreeMap;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};
use zeroize::Zeroizing;

/// A secret, and how the next one is had where it came from a sign-in.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) secret: Secret,
    pub(super) grant: Option<Grant>,
}

impl Value {
    /// One that nobody signed in for.
    pub(super) fn plain(secret: &Secret) -> Value {
        Value { secret: secret.clone(), grant: None }
    }

    /// One that came from a sign-in.
    pub(super) fn signed(tokens: &Tokens) -> Value {
        Value { secret: tokens.access.clone(), grant: Some(tokens.grant.clone()) }
    }
}

/// One secret and what is known of it.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) facts: CredentialFacts,
    /// The value before the last rotation, until the new one has proved good.
    pub(super) previous: Option<Value>,
}

impl Entry {
    /// What is known of it, with what follows from the rest.
    pub(super) fn facts(&self) -> CredentialFacts {
        CredentialFacts {
            can_roll_back: self.previous.is_some(),
            renews: self.value.grant.as_ref().is_some_and(Grant::renewable),
            ..self.facts.clone()
        }
    }
}

pub(super) type Entries = BTreeMap<String, Entry>;

/// Writes the clear text into memory that is wiped and never grows.
pub(super) fn text(entries: &Entries) -> Zeroizing<String> {
    let room = |text: &str| 6 * text.len() + 16;
    let size = |(name, entry): (&String, &Entry)| {
        let facts = &entry.facts;
        let hosts: usize = facts.hosts.iter().map(|h| room(h)).sum();
        let size = |v: &Value| room(v.secret.expose()) + v.grant.as_ref().map_or(0, |g| grant::size(g, room));
        let previous = entry.previous.as_ref().map_or(0, size);
        400 + name.len() + size(&entry.value) + previous + hosts + facts.account.as_deref().map_or(0, room)
    };
    let mut out = Zeroizing::new(String::with_capacity(entries.iter().map(size).sum::<usize>() + 128));
    out.push_str("# Lampboard's vault\n");
    for (name, entry) in entries {
        let facts = &entry.facts;
        out.push_str("\n[entries.");
        out.push_str(name);
        out.push_str("]\nvalue = ");
        quote(&mut out, entry.value.secret.expose());
        for (key, at) in [("stored", Some(facts.stored)), ("rotated", facts.rotated), ("expires", facts.expires)] {
            if let Some(at) = at {
                out.push_str(&format!("\n{key} = {at}"));
            }
        }
        if let Some(grant) = &entry.value.grant {
            out.push_str("\ngrant = ");
            grant::write(&mut out, grant);
        }
        if let Some(previous) = &entry.previous {
            out.push_str("\nprevious = ");
            quote(&mut out, previous.secret.expose());
            if let Some(grant) = &previous.grant {
                out.push_str("\nprevious_grant = ");
                grant::write(&mut out, grant);
            }
        }
        if let Some(account) = &facts.account {
            out.push_str("\naccount = ");
            quote(&mut out, account);
        }
        if !facts.hosts.is_empty() {
            out.push_str("\nhosts = [");
            for host in &facts.hosts {
                quote(&mut out, host);
                out.push_str(", ");
            }
            out.push(']');
        }
        out.push('\n');
    }
    out
}

pub(super) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
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
    out.push('"');
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
                format!("the entry '{shown}' is not as this Lampboard writes it (a newer one may have)")
            })?;
            found.insert(name, entry);
        }
    }
    Ok(found)
}

/// A key that is not known is refused: an older Lampboard would drop it with its next write.
fn entry(value: Spanned<DeValue<'_>>) -> Option<Entry> {
    let DeValue::Table(table) = value.into_inner() else { return None };
    let (mut secret, mut previous, mut stored, mut rotated, mut expires) = (None, None, None, None, None);
    let (mut hosts, mut account, mut granted, mut previous_grant) = (Vec::new(), None, None, None);
    for (key, value) in table {
        let value = value.into_inner();
        match &**key.get_ref() {
            "value" => secret = Some(Secret::new(string(value)?)),
            "previous" => previous = Some(Secret::new(string(value)?)),
            "stored" => stored = Some(instant(value)?),
            "rotated" => rotated = Some(instant(value)?),
            "expires" => expires = Some(instant(value)?),
            "account" => account = Some(string(value)?),
            "grant" => granted = Some(grant::read(value)?),
            "previous_grant" => previous_grant = Some(grant::read(value)?),
            "hosts" => {
                let DeValue::Array(all) = value else { return None };
                hosts = all.into_iter().map(|v| string(v.into_inner())).collect::<Option<_>>()?;
            }
            _ => return None,
        }
    }
    let facts =
        CredentialFacts { stored: stored?, rotated, expires, hosts, account, can_roll_back: false, renews: false };
    let previous = previous.map(|secret| Value { secret, grant: previous_grant });
    Some(Entry { value: Value { secret: secret?, grant: granted }, facts, previous })
}

pub(super) fn string(value: DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.into_owned()),
        _ => None,
    }
}

pub(super) fn instant(value: DeValue<'_>) -> Option<jiff::Timestamp> {
    match value {
        DeValue::String(text) => text.parse().ok(),
        DeValue::Datetime(at) => at.to_string().parse().ok(),
        _ => None,
    }
}
