//! A call's result: the verdict, the table's header, the lines in view, the name to save it under.

use super::window;
use crate::tui::{
    state::call::{CallDialog, ResultView},
    theme::{Role, Theme},
    widgets::{panel, text},
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Draws it; brings the scroll offset back into range.
pub fn draw(frame: &mut Frame<'_>, area: Rect, call: &mut CallDialog, theme: &Theme) {
    let name = call.name.clone();
    let Some(view) = call.result.as_mut() else { return };
    let (width, height) = (area.width.saturating_sub(2), area.height);
    let title = format!("{} {} {name}", view.label, theme.symbol("·", "-"));
    let mut inner = window(frame, area, width, height, &title, theme);
    foot(frame, &mut inner, view, theme);
    let mut rows = inner.rows();
    let role = if view.called.is_done() { Role::Good } else { Role::Error };
    for (i, line) in view.head.iter().enumerate() {
        let Some(place) = rows.next() else { return };
        let role = if i == 0 { role } else { Role::Text };
        frame.render_widget(Line::styled(line.clone(), theme.style(role)), place);
    }
    if let Some(place) = rows.next() {
        frame.render_widget(panel::rule(theme, usize::from(place.width)), place);
    }
    if let Some(columns) = &view.columns
        && let Some(place) = rows.next()
    {
        let shown = from(columns, view.across, usize::from(place.width), theme);
        frame.render_widget(Line::styled(shown, theme.style(Role::Title)), place);
    }
    let places: Vec<Rect> = rows.collect();
    view.scroll = view.scroll.min(view.lines.len().saturating_sub(places.len()));
    for (place, line) in places.iter().zip(view.lines.iter().skip(view.scroll)) {
        let shown = from(line, view.across, usize::from(place.width), theme);
        frame.render_widget(Line::styled(shown, theme.style(Role::Text)), *place);
    }
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
    let edge = |y| Rect { x: first.right(), y, width: 1, height: 1 };
    if view.scroll > 0 {
        frame.render_widget(Span::styled(theme.symbol("↑", "^"), theme.style(Role::Key)), edge(first.y));
    }
    if view.scroll + places.len() < view.lines.len() {
        frame.render_widget(Span::styled(theme.symbol("↓", "v"), theme.style(Role::Key)), edge(last.y));
    }
}

/// The last row: the file's name while it is asked, and what came of saving.
fn foot(frame: &mut Frame<'_>, inner: &mut Rect, view: &ResultView, theme: &Theme) {
    let mut take = || {
        inner.height = inner.height.saturating_sub(1);
        Rect { y: inner.bottom(), height: 1, ..*inner }
    };
    if let Some(file) = &view.file {
        let place = take();
        let label = "Save as ";
        frame.render_widget(Line::styled(label, theme.style(Role::Key)), place);
        let columns = u16::try_from(label.len()).unwrap_or(0).min(place.width);
        let input = Rect { x: place.x + columns, width: place.width - columns, ..place };
        file.draw(frame, input, theme, true, "a file's name");
    }
    if let Some(note) = &view.note {
        let place = take();
        let (told, role) = match note {
            Ok(file) => (format!("saved in '{file}'"), Role::Good),
            Err(why) => (why.clone(), Role::Warning),
        };
        let told = text::cut(&told, usize::from(place.width), theme.unicode);
        frame.render_widget(Line::styled(told, theme.style(role)), place);
    }
}

/// A line from a column on, in so many columns.
fn from(line: &str, across: usize, width: usize, theme: &Theme) -> String {
    let mut skipped = 0;
    let rest: String = line
        .graphemes(true)
        .skip_while(|piece| {
            let skip = skipped < across;
            skipped += piece.width();
            skip
        })
        .collect();
    text::cut(&rest, width, theme.unicode)
}
