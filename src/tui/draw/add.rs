//! The add tab: picker or form, a panel beside it where there is room.

mod fields;
mod form;
mod picker;
mod side;

use crate::{
    monitor::Snapshot,
    tui::{
        state::UiState,
        theme::{Role, Theme},
        widgets::text,
    },
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

/// From this width on there is a panel on the right.
const WIDE: u16 = 104;
/// Its width.
const PANEL: u16 = 50;

/// Draws the tab.
pub fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &mut UiState, theme: &Theme) {
    if area.width < 20 || area.height < 6 {
        frame.render_widget(Line::from(text::cut("too small for the form", area.width.into(), theme.unicode)), area);
        return;
    }
    let (main, panel) = if area.width >= WIDE {
        let [main, _, panel] =
            Layout::horizontal([Constraint::Min(0), Constraint::Length(2), Constraint::Length(PANEL)]).areas(area);
        (main, Some(panel))
    } else {
        (area, None)
    };
    if state.add.form.is_some() {
        form::draw(frame, main, panel, snapshot, state, theme);
    } else {
        picker::draw(frame, main, panel, state, theme);
    }
}

/// A line with something at its left and something at its right end; the right gives way.
fn split(left: Vec<Span<'static>>, right: Vec<Span<'static>>, width: usize) -> Line<'static> {
    let (l, r) = (Line::from(left), Line::from(right));
    let gap = width.saturating_sub(l.width() + r.width());
    if gap == 0 {
        return l;
    }
    let mut spans = l.spans;
    spans.push(Span::raw(" ".repeat(gap)));
    spans.extend(r.spans);
    Line::from(spans)
}

/// A rule with a word near its right end.
fn rule(word: &str, width: usize, theme: &Theme) -> Line<'static> {
    let bar = theme.symbol("─", "-");
    let style = theme.style(Role::Border);
    let n = Line::from(word).width();
    if word.is_empty() || n + 4 > width {
        return Line::from(Span::styled(bar.repeat(width), style));
    }
    Line::from(vec![
        Span::styled(bar.repeat(width - n - 4), style),
        Span::styled(format!(" {word} "), theme.style(Role::Dim)),
        Span::styled(bar.repeat(2), style),
    ])
}

/// Rows of text in an area, as many as fit.
fn rows(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>) {
    for (line, row) in lines.into_iter().zip(area.rows()) {
        frame.render_widget(line, row);
    }
}

/// Wrapped text in one style.
fn wrapped(text: &str, role: Role, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    text::wrap(text, width).into_iter().map(|piece| Line::from(Span::styled(piece, theme.style(role)))).collect()
}

/// Buttons beside each other; the one with the focus is pointed at.
fn button_row(buttons: &[(bool, &'static str)], theme: &Theme) -> Line<'static> {
    let mut spans = Vec::new();
    for (focused, word) in buttons {
        if *focused {
            spans.push(Span::styled(theme.symbol("▸", ">"), theme.style(Role::Key)));
            spans.push(Span::styled(format!("[ {word} ]"), theme.style(Role::Selection)));
        } else {
            spans.push(Span::raw(" "));
            spans.push(Span::styled(format!("[ {word} ]"), theme.style(Role::Text)));
        }
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}
