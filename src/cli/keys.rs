//! Wrong rows of `[keys]`, each with the place in config.toml where it stands.

use crate::{
    config::{Config, Diagnostic},
    tui::keymap::Keymap,
};

/// What the keymap has to say about the user's rows.
pub(super) fn complaints(config: &Config) -> Vec<Diagnostic> {
    let messages = Keymap::with(&config.settings.keys).1;
    if messages.is_empty() {
        return Vec::new();
    }
    let text = std::fs::read_to_string(&config.file).unwrap_or_default();
    let places = places(&text);
    messages
        .into_iter()
        .map(|message| {
            // The sentence quotes the wrong chord or action first, then what may be meant. What no row says has no place.
            let quoted = |word: &str| message.find(&format!("'{word}'"));
            let first = |place: &Place| quoted(&place.chord).into_iter().chain(quoted(&place.action)).min();
            let place = places.iter().filter_map(|place| Some((first(place)?, place))).min_by_key(|(at, _)| *at);
            let (line, column) = place.map_or((0, 0), |(_, place)| position(&text, place.at));
            Diagnostic { file: config.file.clone(), line, column, message, source: None }
        })
        .collect()
}

struct Place {
    chord: String,
    action: String,
    at: usize,
}

fn places(text: &str) -> Vec<Place> {
    let Ok(document) = toml_edit::Document::parse(text) else { return Vec::new() };
    let Some(table) = document.get("keys").and_then(|item| item.as_table_like()) else { return Vec::new() };
    table
        .iter()
        .filter_map(|(chord, item)| {
            let at = table.key(chord).and_then(toml_edit::Key::span)?.start;
            Some(Place { chord: chord.to_owned(), action: item.as_str().unwrap_or_default().to_owned(), at })
        })
        .collect()
}

/// Line and column, both from 1, of a byte of the text.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or_default();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}
