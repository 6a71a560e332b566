//! What is wrong with a form, and what merely looks odd, in sentences beside the fields.

use super::{Form, Input, Kind, Place, Slot};
use crate::{
    model::{IntegrationId, SecretRef, id::is_valid_name},
    monitor::Snapshot,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::time::Duration;

/// The shortest interval the board takes.
const FLOOR: Duration = Duration::from_secs(5);

/// Everything that keeps the form from being tested or saved, from top to bottom. Never quotes what may be a secret.
pub fn complaints(form: &Form, snapshot: &Snapshot) -> Vec<(Slot, String)> {
    let mut out = Vec::new();
    let id = form.id.value().trim();
    match IntegrationId::new(id) {
        Err(_) if id.is_empty() => {
            out.push((Slot::Id, "an id is needed: it names the table in config.toml".to_owned()))
        }
        Err(error) => out.push((Slot::Id, error.to_string())),
        Ok(known) if form.original.as_deref() != Some(id) && snapshot.entries.contains_key(&known) => {
            out.push((Slot::Id, format!("'{id}' is taken by another integration: choose another id")));
        }
        Ok(_) => {}
    }
    for (i, input) in form.inputs.iter().enumerate() {
        out.extend(of_input(i, input));
    }
    let text = form.interval.value().trim();
    if !text.is_empty() {
        match span(text) {
            None => out.push((Slot::Interval, format!("'{text}' is not a length of time: write 30s, 5m or 1h"))),
            Some(span) if span < FLOOR => out.push((Slot::Interval, "the shortest interval is 5s".to_owned())),
            Some(_) => {}
        }
    }
    let text = form.expires.value().trim();
    if !text.is_empty() && date(text).is_none() {
        out.push((Slot::Expires, format!("'{text}' is not a date: write it as 2026-12-31")));
    }
    out
}

fn of_input(i: usize, input: &Input) -> Option<(Slot, String)> {
    let field = &input.field;
    let needed = field.required && field.default.is_none();
    match &input.kind {
        Kind::Text(_) | Kind::List(_) if needed && input.value().is_none() => {
            let slot = if field.list { Slot::Item(i, 0) } else { Slot::Field(i) };
            Some((slot, format!("{} is required", field.label)))
        }
        Kind::Text(_) | Kind::List(_) => None,
        Kind::Choice(_, None) if needed => Some((Slot::Field(i), "choose one with the arrow keys".to_owned())),
        Kind::Choice(options, Some(at)) => {
            let chosen = options.get(*at)?;
            (!field.choices.contains(chosen))
                .then(|| (Slot::Field(i), format!("'{chosen}' is not one of: {}", field.choices.join(", "))))
        }
        Kind::Choice(..) => None,
        Kind::Secret(secret) => {
            let text = secret.target_text();
            let wrong = match &secret.place {
                Place::Keep | Place::Found(_) => None,
                Place::Vault if secret.value.is_empty() => {
                    return needed.then(|| (Slot::Secret(i), "type or paste it, or choose another place above".to_owned()));
                }
                Place::Vault => {
                    let entry = secret.entry.value().trim();
                    return (!is_valid_name(entry)).then(|| {
                        let why = "a vault entry is named with 1 to 64 of a-z, 0-9, '-' and '_'";
                        (Slot::Entry(i), why.to_owned())
                    });
                }
                _ if text.is_empty() => needed.then_some("say where it lies, or choose another place above"),
                Place::Env => (!is_variable(text)).then_some(
                    "not a variable's name (letters, digits and '_'); to type the secret itself, choose the vault",
                ),
                Place::Reference => text.parse::<SecretRef>().is_err().then_some(
                    "not a reference: write vault:NAME, keyring:NAME, credential:NAME, env:VAR, file:PATH, ini:PATH#SECTION.KEY or cmd:PROGRAM",
                ),
                Place::File | Place::Command => None,
            };
            wrong.map(|why| (Slot::Target(i), why.to_owned()))
        }
    }
}

/// What looks odd but may be right: shown, never refused.
pub fn hint(form: &Form, slot: Slot) -> Option<String> {
    if slot == Slot::Interval {
        let least = form.definition.min_interval;
        let asked = span(form.interval.value().trim())?;
        return (asked < least && asked >= FLOOR)
            .then(|| format!("{} is checked every {} at most", form.definition.name, span_text(least)));
    }
    let input = form.inputs.get(slot.input()?)?;
    let pattern = input.pattern.as_ref()?;
    let fits = match (&input.kind, slot) {
        (Kind::Text(text), Slot::Field(_)) => text.value().trim().is_empty() || pattern.is_match(text.value().trim()),
        (Kind::List(items), Slot::Item(_, item)) => {
            items.get(item).is_none_or(|t| t.value().is_empty() || pattern.is_match(t.value()))
        }
        (Kind::Secret(secret), Slot::Secret(_)) => secret.value.is_empty() || secret.value.matches(pattern),
        _ => true,
    };
    (!fits).then(|| {
        let shape = input.field.pattern.as_deref().unwrap_or_default();
        format!("unusual: most look like {shape}")
    })
}

/// A length of time as people write it: `90`, `30s`, `5m`, `1h 30m`, `2 days`.
pub fn span(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let days = text.strip_suffix("days").or_else(|| text.strip_suffix("day")).or_else(|| text.strip_suffix('d'));
    if let Some(days) = days.and_then(|d| d.trim().parse::<u32>().ok()) {
        return Some(Duration::from_secs(u64::from(days) * 86_400));
    }
    let span: jiff::SignedDuration = text.parse().ok()?;
    span.try_into().ok()
}

/// A length of time, written so that [`span`] reads it back.
pub fn span_text(span: Duration) -> String {
    let s = span.as_secs();
    match s {
        0 => "0s".to_owned(),
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// The end of a day (UTC), written `2026-12-31`.
pub fn date(text: &str) -> Option<Timestamp> {
    let date: Date = text.trim().parse().ok()?;
    Some(date.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The day of an instant (UTC).
pub fn date_text(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_written() {
        for (text, seconds) in
            [("90", 90), ("30s", 30), ("5m", 300), ("1h 30m", 5400), ("2 days", 172_800), ("1d", 86_400)]
        {
            assert_eq!(span(text), Some(Duration::from_secs(seconds)), "{text}");
            let span_again = span(&span_text(Duration::from_secs(seconds)));
            assert_eq!(span_again, Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "soon", "-5m", "5 parsecs", "99999999999999999999"] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_read_and_written() {
        let at = date("2026-12-31").unwrap();
        assert_eq!((at.to_string().as_str(), date_text(at).as_str()), ("2026-12-31T23:59:59Z", "2026-12-31"));
        assert_eq!(date("31.12.2026"), None);
        assert_eq!(date("2026-02-30"), None);
    }
}
