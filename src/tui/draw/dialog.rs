//! Dialogs over the screen: help, palette, confirmation, themes, log.

use super::help;
use crate::tui::{
    action::Action,
    state::{
        Dialog, UiState,
        dialog::{Command, ConfirmRemove, LogView, Palette, ThemePicker, scrolled},
    },
    theme::{Role, Theme},
    widgets::{panel, text},
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
    widgets::Clear,
};

/// Draws all, the topmost last.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &mut UiState, theme: &Theme) {
    let mut dialogs = std::mem::take(&mut state.dialogs);
    for dialog in &mut dialogs {
        match dialog {
            Dialog::Help(scroll) => help_page(frame, area, scroll, state, theme),
            Dialog::Palette(palette) => palette_box(frame, area, palette, state, theme),
            Dialog::ConfirmRemove(confirm) => confirm_box(frame, area, confirm, state, theme),
            Dialog::Themes(picker) => themes_box(frame, area, picker, state, theme),
            Dialog::Log(log) => log_page(frame, area, log, theme),
            Dialog::Call(call) => super::call::draw(frame, area, call, theme),
            Dialog::Prompt(prompt) => super::prompt::draw(frame, area, prompt, theme),
            Dialog::SignIn(sign_in) => super::sign_in::draw(frame, area, sign_in, state.now, theme),
        }
    }
    state.dialogs = dialogs;
}

/// Clears a frame of at most this size in the middle of `area`, above the footer; its inside, with a column free on both
/// sides.
pub(super) fn window(frame: &mut Frame<'_>, area: Rect, width: u16, height: u16, title: &str, theme: &Theme) -> Rect {
    let area = Rect { height: area.height.saturating_sub(1), ..area };
    let (width, height) = (width.min(area.width), height.min(area.height));
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    frame.render_widget(Clear, place);
    let title = Span::styled(format!(" {title} "), theme.style(Role::Title).add_modifier(Modifier::BOLD));
    let block = panel::framed(theme, title, true);
    let inner = block.inner(place);
    frame.render_widget(block, place);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

fn help_page(frame: &mut Frame<'_>, area: Rect, scroll: &mut usize, state: &UiState, theme: &Theme) {
    let width = area.width.saturating_sub(2).min(116);
    let lines = help::lines(&state.keymap, theme, usize::from(width.saturating_sub(4)));
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let inner = window(frame, area, width, height, "Keys", theme);
    *scroll = (*scroll).min(lines.len().saturating_sub(usize::from(inner.height)));
    page(frame, inner, &lines, *scroll, theme);
}

/// Lines from `scroll` on; an arrow at an end beyond which there is more.
pub(super) fn page(frame: &mut Frame<'_>, area: Rect, lines: &[Line<'_>], scroll: usize, theme: &Theme) {
    for (row, line) in area.rows().zip(lines.iter().skip(scroll)) {
        frame.render_widget(line, row);
    }
    if area.is_empty() {
        return;
    }
    let edge = |y| Rect { x: area.right(), y, width: 1, height: 1 };
    if scroll > 0 {
        frame.render_widget(Span::styled(theme.symbol("↑", "^"), theme.style(Role::Key)), edge(area.y));
    }
    if scroll + usize::from(area.height) < lines.len() {
        frame.render_widget(Span::styled(theme.symbol("↓", "v"), theme.style(Role::Key)), edge(area.bottom() - 1));
    }
}

pub(super) fn row(frame: &mut Frame<'_>, area: Rect, selected: bool, line: Line<'_>, theme: &Theme) {
    let marker = if selected { theme.symbol("▸ ", "> ") } else { "  " };
    let mut spans = vec![Span::styled(marker, theme.style(Role::Key))];
    spans.extend(line.spans);
    frame.render_widget(Line::from(spans), area);
    if selected {
        frame.buffer_mut().set_style(area, theme.style(Role::Selection));
    }
}

fn palette_box(frame: &mut Frame<'_>, area: Rect, palette: &mut Palette, state: &UiState, theme: &Theme) {
    let inner = window(frame, area, 60, 18, "Commands", theme);
    let mut rows = inner.rows();
    let Some(input) = rows.next() else { return };
    palette.query.draw(frame, input, theme, true, "what to do, or an integration's name");
    if let Some(below) = rows.next() {
        frame.render_widget(panel::rule(theme, usize::from(below.width)), below);
    }
    let height = usize::from(inner.height.saturating_sub(2));
    palette.offset = scrolled(palette.offset, palette.selected, height, palette.found.len());
    if palette.found.is_empty()
        && let Some(first) = rows.next()
    {
        frame.render_widget(Line::styled("  nothing like that", theme.style(Role::Dim)), first);
        return;
    }
    for (place, (i, (command, label))) in rows.zip(palette.found.iter().enumerate().skip(palette.offset)) {
        let key = match command {
            Command::Do(action) => state.keymap.keys(*action).into_iter().next().unwrap_or_default(),
            Command::Open(_) => String::new(),
        };
        let key = text::right(&key, 10, theme.unicode);
        let width = usize::from(place.width).saturating_sub(13);
        let line = Line::from(vec![
            Span::styled(text::left(label, width, theme.unicode), theme.style(Role::Text)),
            Span::styled(format!("{key} "), theme.style(Role::Key)),
        ]);
        row(frame, place, i == palette.selected, line, theme);
    }
}

fn confirm_box(frame: &mut Frame<'_>, area: Rect, confirm: &ConfirmRemove, state: &UiState, theme: &Theme) {
    let undo = state.keymap.keys(Action::Undo).into_iter().next();
    let width = area.width.min(58);
    let room = usize::from(width.saturating_sub(4));
    let name = text::cut(&confirm.name, room.saturating_sub(9), theme.unicode);
    let mut lines = vec![Line::raw(""), Line::styled(format!("Remove {name}?"), theme.style(Role::Title))];
    lines.push(Line::raw(""));
    let mut words = format!("The entry '{}' leaves config.toml. Its history stays.", confirm.id);
    if let Some(key) = undo {
        words.push_str(&format!(" {key} undoes it."));
    }
    lines.extend(text::wrap(&words, room).into_iter().map(|l| Line::styled(l, theme.style(Role::Dim))));
    lines.push(Line::raw(""));
    lines.push(
        Line::from(vec![
            button("n  Keep it ", !confirm.remove, theme),
            Span::raw("    "),
            button("y  Remove ", confirm.remove, theme),
        ])
        .centered(),
    );
    lines.push(Line::raw(""));
    let height = u16::try_from(lines.len() + 2).unwrap_or(10);
    let inner = window(frame, area, width, height, "Remove", theme);
    page(frame, inner, &lines, 0, theme);
}

/// A button that Enter presses while it has the focus.
pub(super) fn button(label: &str, focus: bool, theme: &Theme) -> Span<'static> {
    let style = theme.style(if focus { Role::Selection } else { Role::Text });
    let (open, close) = if focus { (theme.symbol("▸", ">"), " ") } else { (" ", " ") };
    Span::styled(format!("{open}{label}{close}"), style)
}

fn themes_box(frame: &mut Frame<'_>, area: Rect, picker: &mut ThemePicker, state: &UiState, theme: &Theme) {
    let height = u16::try_from(picker.names.len().max(1) + 2).unwrap_or(u16::MAX);
    // To the right, so that most of the board is seen in the theme being tried.
    let right = Rect { x: area.x + area.width / 2, width: area.width - area.width / 2, ..area };
    let inner = window(frame, right, 34, height, "Themes", theme);
    if picker.names.is_empty() {
        frame.render_widget(Line::styled("looking for themes", theme.style(Role::Dim)), inner);
        return;
    }
    picker.offset = scrolled(picker.offset, picker.selected, usize::from(inner.height), picker.names.len());
    for (place, (i, name)) in inner.rows().zip(picker.names.iter().enumerate().skip(picker.offset)) {
        let saved = if *name == state.theme { "  in use" } else { "" };
        let width = usize::from(place.width).saturating_sub(2 + saved.len());
        let line = Line::from(vec![
            Span::styled(text::left(name, width, theme.unicode), theme.style(Role::Text)),
            Span::styled(saved, theme.style(Role::Dim)),
        ]);
        row(frame, place, i == picker.selected, line, theme);
    }
}

fn log_page(frame: &mut Frame<'_>, area: Rect, log: &mut LogView, theme: &Theme) {
    let inner = window(frame, area, area.width.saturating_sub(2), area.height, "Log", theme);
    let Some(lines) = &log.lines else {
        frame.render_widget(Line::styled("reading the log", theme.style(Role::Dim)), inner);
        return;
    };
    if lines.is_empty() {
        frame.render_widget(Line::styled("the log is empty", theme.style(Role::Dim)), inner);
        return;
    }
    let height = usize::from(inner.height);
    log.back = log.back.min(lines.len().saturating_sub(height));
    let end = lines.len() - log.back;
    let start = end.saturating_sub(height);
    let shown: Vec<Line<'_>> = lines
        .iter()
        .map(|l| {
            let role = if l.contains("ERROR") {
                Role::Error
            } else if l.contains("WARN") {
                Role::Warning
            } else {
                Role::Text
            };
            Line::styled(text::cut(l, usize::from(inner.width), theme.unicode), theme.style(role))
        })
        .collect();
    page(frame, inner, &shown, start, theme);
}
