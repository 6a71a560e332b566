//! The prompt for a secret: what for, the mask, what came of it.

use super::dialog::window;
use crate::tui::{
    state::prompt::{Ask, Prompt},
    theme::{Role, Theme},
    widgets::text,
};
use ratatui::{Frame, layout::Rect, text::Line};

/// Draws it in the middle.
pub fn draw(frame: &mut Frame<'_>, area: Rect, prompt: &Prompt, theme: &Theme) {
    let width = area.width.min(70);
    let room = usize::from(width.saturating_sub(4));
    let (title, about) = match &prompt.ask {
        Ask::Unlock => (
            "Unlock the vault".to_owned(),
            "Its passphrase. The key stays in this program's memory until it ends.".to_owned(),
        ),
        Ask::Rotate { entry, users, .. } => (
            format!("A new value for '{entry}'"),
            format!("It is tested with {} before anything changes.", users.join(", ")),
        ),
    };
    let about = text::wrap(&about, room);
    let note = prompt.note.as_deref().map(|n| text::wrap(n, room)).unwrap_or_default();
    let height = u16::try_from(about.len() + note.len() + 5).unwrap_or(u16::MAX);
    let inner = window(frame, area, width, height, &title, theme);
    let mut rows = inner.rows();
    for line in &about {
        let Some(row) = rows.next() else { return };
        frame.render_widget(Line::styled(line.clone(), theme.style(Role::Dim)), row);
    }
    rows.next();
    let Some(row) = rows.next() else { return };
    prompt.value.draw(frame, row, theme, !prompt.busy, "type or paste");
    rows.next();
    let role = if prompt.busy { Role::Text } else { Role::Warning };
    for (row, line) in rows.zip(&note) {
        frame.render_widget(Line::styled(line.clone(), theme.style(role)), row);
    }
}
