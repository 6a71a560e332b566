//! The dialog that calls an action: the list, the form, the question, the result.

mod form;
mod result;

use super::dialog::{button, page, row, window};
use crate::tui::{
    state::{
        call::{CallDialog, Stage},
        dialog::scrolled,
    },
    theme::{Role, Theme},
    widgets::{panel, text},
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// The keys for the footer.
pub fn keys(call: &CallDialog) -> &'static [(&'static str, &'static str)] {
    match call.stage() {
        Stage::Choosing => &[("Enter", "choose"), ("Esc", "close")],
        Stage::Filling => &[("Enter", "next"), ("Ctrl-S", "do it"), ("← →", "choices"), ("Esc", "back")],
        Stage::Asking => &[("y", "do it"), ("n", "back")],
        Stage::Running => &[("Esc", "cut it off")],
        Stage::Result if call.result.as_ref().is_some_and(|r| r.is_table()) => {
            &[("Esc", "back"), ("s", "save"), ("v", "table or JSON"), ("↑ ↓ ← →", "scroll")]
        }
        Stage::Result if call.result.as_ref().is_some_and(|r| !r.called.is_done()) => {
            &[("Esc", "back"), ("↑ ↓ ← →", "scroll")]
        }
        Stage::Result => &[("Esc", "back"), ("s", "save"), ("↑ ↓ ← →", "scroll")],
        Stage::Saving => &[("Enter", "save; .csv or .json"), ("Esc", "back")],
    }
}

/// Draws what is in front.
pub fn draw(frame: &mut Frame<'_>, area: Rect, call: &mut CallDialog, theme: &Theme) {
    match call.stage() {
        Stage::Choosing => choose(frame, area, call, theme),
        Stage::Filling => form::draw(frame, area, call, theme),
        Stage::Asking => ask(frame, area, call, theme),
        Stage::Running => run(frame, area, call, theme),
        Stage::Result | Stage::Saving => result::draw(frame, area, call, theme),
    }
}

fn choose(frame: &mut Frame<'_>, area: Rect, call: &mut CallDialog, theme: &Theme) {
    let height = u16::try_from(call.definition.actions.len() + 5).unwrap_or(u16::MAX).clamp(8, 18);
    let inner = window(frame, area, 64, height, &format!("What {} can do", call.name), theme);
    let mut rows = inner.rows();
    let Some(input) = rows.next() else { return };
    call.query.draw(frame, input, theme, true, "what to do");
    if let Some(below) = rows.next() {
        frame.render_widget(panel::rule(theme, usize::from(below.width)), below);
    }
    let height = usize::from(inner.height.saturating_sub(2));
    call.offset = scrolled(call.offset, call.selected, height, call.found.len());
    if call.found.is_empty()
        && let Some(first) = rows.next()
    {
        frame.render_widget(Line::styled("  nothing like that", theme.style(Role::Dim)), first);
        return;
    }
    for (place, (i, offer)) in rows.zip(call.found.iter().enumerate().skip(call.offset)) {
        let danger = if offer.dangerous { "asks first" } else { "" };
        let width = usize::from(place.width).saturating_sub(2 + danger.len());
        let line = Line::from(vec![
            Span::styled(text::left(&offer.label, width, theme.unicode), theme.style(Role::Text)),
            Span::styled(danger, theme.style(Role::Warning)),
        ]);
        row(frame, place, i == call.selected, line, theme);
    }
}

fn ask(frame: &mut Frame<'_>, area: Rect, call: &CallDialog, theme: &Theme) {
    let Some(form) = &call.form else { return };
    let yes = form.asking.as_ref().is_some_and(|(_, yes)| *yes);
    let width = area.width.min(66);
    let room = usize::from(width.saturating_sub(4));
    let mut lines = vec![Line::raw("")];
    let question = format!("{} on {}: really?", form.label, call.name);
    lines.extend(text::wrap(&question, room).into_iter().map(|l| Line::styled(l, theme.style(Role::Title))));
    lines.extend(text::wrap(&form.help, room).into_iter().map(|l| Line::styled(l, theme.style(Role::Dim))));
    lines.push(Line::raw(""));
    for (param, field) in form.params.values().zip(&form.fields).filter(|(_, f)| !f.is_empty()).take(8) {
        let told = format!("{}: {}", param.label, field.value());
        lines.push(Line::styled(text::cut(&told, room, theme.unicode), theme.style(Role::Text)));
    }
    lines.push(Line::raw(""));
    let buttons = vec![button("n  Back ", !yes, theme), Span::raw("    "), button("y  Do it ", yes, theme)];
    lines.push(Line::from(buttons).centered());
    lines.push(Line::raw(""));
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let inner = window(frame, area, width, height, "Asked first", theme);
    page(frame, inner, &lines, 0, theme);
}

fn run(frame: &mut Frame<'_>, area: Rect, call: &CallDialog, theme: &Theme) {
    let label = call.form.as_ref().map(|f| f.label.clone()).unwrap_or_default();
    let inner = window(frame, area, 64, 5, &label, theme);
    let text = format!("asking {} {}", call.name, theme.symbol("…", "..."));
    let lines = [Line::raw(""), Line::styled(text, theme.style(Role::Dim))];
    page(frame, inner, &lines, 0, theme);
}
