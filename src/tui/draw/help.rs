//! The help page, made from the keymap: every action with its keys.

use crate::tui::{
    action::Action,
    keymap::Keymap,
    theme::{Role, Theme},
    widgets::text,
};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Columns one action takes.
pub const COLUMN: usize = 36;

/// Keys of one action take at most so many columns, unless a single one is longer.
const WIDEST: usize = 11;

/// The lines of the page: as many columns side by side as fit, read downwards.
pub fn lines(keymap: &Keymap, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let across = (width / COLUMN).clamp(1, 3);
    let rows = Action::ALL.len().div_ceil(across);
    let column = width / across;
    let key_width = Action::ALL.iter().map(|a| keys(keymap, *a).width()).max().unwrap_or(0).min(width / 3);
    let filters = [
        "",
        "Filter: all words must hold. A word is looked for in name, provider, cause and tags; status: tag: provider: category: look in one place.",
    ];
    (0..rows)
        .map(|row| {
            Line::from(
                (0..across).flat_map(|c| cell(keymap, theme, c * rows + row, column, key_width)).collect::<Vec<_>>(),
            )
        })
        .chain(
            filters
                .into_iter()
                .flat_map(|l| if l.is_empty() { vec![String::new()] } else { text::wrap(l, width) })
                .map(|l| Line::styled(l, theme.style(Role::Dim))),
        )
        .collect()
}

/// The keys of an action: all if they fit, but at least one.
fn keys(keymap: &Keymap, action: Action) -> String {
    let mut shown = String::new();
    for key in keymap.keys(action) {
        let next = if shown.is_empty() { key } else { format!("{shown} {key}") };
        if !shown.is_empty() && next.width() > WIDEST {
            break;
        }
        shown = next;
    }
    if shown.is_empty() { "-".to_owned() } else { shown }
}

fn cell(keymap: &Keymap, theme: &Theme, index: usize, width: usize, key_width: usize) -> Vec<Span<'static>> {
    let Some(action) = Action::ALL.get(index) else { return Vec::new() };
    let room = width.saturating_sub(key_width + 2);
    let mut help = action.help().to_owned();
    if help.width() > room {
        // The short form says the same to somebody looking at the board.
        help = help.replace("selected integration", "selection");
        help.truncate(help.find(" (").unwrap_or(help.len()));
    }
    vec![
        Span::styled(text::left(&keys(keymap, *action), key_width + 1, theme.unicode), theme.style(Role::Key)),
        Span::styled(format!("{} ", text::left(&help, room, theme.unicode)), theme.style(Role::Text)),
    ]
}
