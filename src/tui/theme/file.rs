//! Theme files: TOML with a palette and roles; `inherits` takes the rest from another theme. What is wrong in one is
//! told and left out; a theme never stops the board.

use super::Role;
use ratatui::style::{Color, Modifier};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// Longest chain of `inherits`.
const DEEPEST: usize = 8;

/// The themes compiled in.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("lamp", include_str!("../../../themes/lamp.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../../themes/colour-blind.toml")),
    ("terminal", include_str!("../../../themes/terminal.toml")),
    ("polar", include_str!("../../../themes/polar.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    inherits: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    roles: BTreeMap<String, Source>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Source {
    Colour(String),
    Full(Full),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Full {
    fg: Option<String>,
    bg: Option<String>,
    ansi: Option<String>,
    #[serde(default)]
    modifiers: Vec<String>,
}

/// A role's look before the terminal's depth is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// Foreground.
    pub fg: Option<Color>,
    /// Background.
    pub bg: Option<Color>,
    /// Foreground where only sixteen colours are to be had.
    pub ansi: Option<Color>,
    /// Weight and so on.
    pub modifiers: Modifier,
}

/// Names of all themes: the built-in ones and the folder's, sorted, each once.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = BUILT_IN.iter().map(|(n, _)| (*n).to_owned()).collect();
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    names.extend(
        files
            .filter(|p| p.extension().is_some_and(|e| e == "toml"))
            .filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned())),
    );
    names.sort();
    names.dedup();
    names
}

/// Reads a theme and what it inherits.
pub fn load(name: &str, folder: &Path) -> (BTreeMap<Role, Look>, Vec<String>) {
    let mut warnings = Vec::new();
    let mut chain = Vec::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next.take() {
        if chain.len() >= DEEPEST {
            warnings.push(format!("theme '{name}': 'inherits' goes in a circle"));
            break;
        }
        match text(&name, folder).map(|t| toml::from_str::<File>(&t)) {
            Some(Ok(file)) => {
                next.clone_from(&file.inherits);
                chain.push((name, file));
            }
            Some(Err(error)) => warnings.push(format!("theme '{name}': {}", error.message())),
            None => warnings.push(format!("no theme '{name}'; there are: {}", names(folder).join(", "))),
        }
    }
    if chain.is_empty() && name != "lamp" {
        let (looks, more) = load("lamp", Path::new(""));
        warnings.extend(more);
        return (looks, warnings);
    }
    let mut looks = BTreeMap::new();
    let mut palette = BTreeMap::new();
    for (name, file) in chain.into_iter().rev() {
        palette.extend(file.palette);
        for (word, source) in file.roles {
            match Role::parse(&word) {
                Some(role) => {
                    let look = look(source, &palette, |problem| {
                        warnings.push(format!("theme '{name}', role '{word}': {problem}"))
                    });
                    looks.insert(role, look);
                }
                None => warnings.push(format!("theme '{name}': no role '{word}'")),
            }
        }
    }
    (looks, warnings)
}

/// The user's file of that name, or the built-in text. A name with a path in it is nobody's.
fn text(name: &str, folder: &Path) -> Option<String> {
    if !crate::model::id::is_valid_name(name) {
        return None;
    }
    let own = std::fs::read_to_string(folder.join(format!("{name}.toml"))).ok();
    own.or_else(|| BUILT_IN.iter().find(|(n, _)| *n == name).map(|(_, t)| (*t).to_owned()))
}

fn look(source: Source, palette: &BTreeMap<String, String>, mut warn: impl FnMut(String)) -> Look {
    let full = match source {
        Source::Colour(fg) => Full { fg: Some(fg), ..Full::default() },
        Source::Full(full) => full,
    };
    let mut colour = |text: Option<String>| {
        let text = text?;
        let text = palette.get(&text).unwrap_or(&text);
        let parsed = parse(text);
        if parsed.is_none() {
            warn(format!("'{text}' is not a colour: write #rrggbb, a name such as \"red\", or one of the palette"));
        }
        parsed
    };
    let (fg, bg, ansi) = (colour(full.fg), colour(full.bg), colour(full.ansi));
    let mut modifiers = Modifier::empty();
    for word in &full.modifiers {
        match word.as_str() {
            "bold" => modifiers |= Modifier::BOLD,
            "dim" => modifiers |= Modifier::DIM,
            "italic" => modifiers |= Modifier::ITALIC,
            "underlined" => modifiers |= Modifier::UNDERLINED,
            "reversed" => modifiers |= Modifier::REVERSED,
            other => warn(format!("'{other}' is no modifier: bold, dim, italic, underlined, reversed")),
        }
    }
    Look { fg, bg, ansi, modifiers }
}

fn parse(text: &str) -> Option<Color> {
    if let Some(hex) = text.strip_prefix('#') {
        let value = (hex.len() == 6).then(|| u32::from_str_radix(hex, 16).ok())??;
        let [_, r, g, b] = value.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    Some(match text {
        "default" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "gray" | "grey" => Color::Gray,
        "dark-gray" | "dark-grey" => Color::DarkGray,
        "light-red" => Color::LightRed,
        "light-green" => Color::LightGreen,
        "light-yellow" => Color::LightYellow,
        "light-blue" => Color::LightBlue,
        "light-magenta" => Color::LightMagenta,
        "light-cyan" => Color::LightCyan,
        "white" => Color::White,
        _ => return None,
    })
}
