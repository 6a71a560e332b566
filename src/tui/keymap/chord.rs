//! Keys as people write them: `t`, `ctrl-t`, `shift-tab`, `f5`.

use crate::tui::event::{Key, KeyCode};

const NAMED: &[(&str, KeyCode, &str)] = &[
    ("enter", KeyCode::Enter, "Enter"),
    ("esc", KeyCode::Esc, "Esc"),
    ("tab", KeyCode::Tab, "Tab"),
    ("backspace", KeyCode::Backspace, "Backspace"),
    ("delete", KeyCode::Delete, "Delete"),
    ("insert", KeyCode::Insert, "Insert"),
    ("up", KeyCode::Up, "↑"),
    ("down", KeyCode::Down, "↓"),
    ("left", KeyCode::Left, "←"),
    ("right", KeyCode::Right, "→"),
    ("home", KeyCode::Home, "Home"),
    ("end", KeyCode::End, "End"),
    ("pageup", KeyCode::PageUp, "PgUp"),
    ("pagedown", KeyCode::PageDown, "PgDn"),
    ("space", KeyCode::Char(' '), "Space"),
];

/// Reads a chord; `None` if it is none.
pub fn parse(text: &str) -> Option<Key> {
    let mut key = Key::plain(KeyCode::Esc);
    let mut rest = text;
    while let Some((modifier, after)) = rest.split_once('-').filter(|(_, after)| !after.is_empty()) {
        match modifier.to_ascii_lowercase().as_str() {
            "ctrl" => key.ctrl = true,
            "alt" => key.alt = true,
            "shift" => key.shift = true,
            _ => return None,
        }
        rest = after;
    }
    let lower = rest.to_ascii_lowercase();
    let mut chars = rest.chars();
    key.code = match (chars.next(), chars.next()) {
        (Some(c), None) => KeyCode::Char(c),
        _ if lower == "tab" && key.shift => {
            key.shift = false;
            KeyCode::BackTab
        }
        _ => match NAMED.iter().find(|(name, ..)| *name == lower) {
            Some((_, code, _)) => *code,
            None => KeyCode::F(lower.strip_prefix('f')?.parse().ok().filter(|n| (1..=24).contains(n))?),
        },
    };
    Some(key)
}

/// A chord for a person.
pub fn text(key: Key) -> String {
    let name = match key.code {
        KeyCode::BackTab => "Shift-Tab".to_owned(),
        KeyCode::F(n) => format!("F{n}"),
        code => match NAMED.iter().find(|(_, named, _)| *named == code) {
            Some((.., shown)) => (*shown).to_owned(),
            None => match code {
                KeyCode::Char(c) if key.ctrl => c.to_uppercase().to_string(),
                KeyCode::Char(c) => c.to_string(),
                other => format!("{other:?}"),
            },
        },
    };
    let mut out = String::new();
    for (held, word) in [(key.ctrl, "Ctrl-"), (key.alt, "Alt-"), (key.shift, "Shift-")] {
        if held {
            out.push_str(word);
        }
    }
    out + &name
}
