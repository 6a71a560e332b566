//! The provider picker: a search line, shelves with providers, and what is known about the chosen one.

use super::{rows, rule, split, wrapped};
use crate::{
    providers::{Definition, Field},
    tui::{
        state::{
            UiState,
            add::{AddState, picker, picker::Row},
        },
        theme::{Role, Theme},
        widgets::text,
    },
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

/// Draws it.
pub fn draw(frame: &mut Frame<'_>, area: Rect, panel: Option<Rect>, state: &mut UiState, theme: &Theme) {
    let foot = if panel.is_some() { 0 } else { 3 };
    let [head, search, line, list, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(foot),
    ])
    .areas(area);
    let width = usize::from(area.width);
    let UiState { add, definitions, .. } = state;
    let shown = picker::rows(add, definitions);
    let at = picker::selected(add, &shown);
    let providers = shown.iter().filter(|r| matches!(r, Row::Provider(_))).count();
    frame.render_widget(
        split(
            vec![Span::styled(" Which service?", theme.style(Role::Title))],
            hint(&[("Enter", "choose"), ("Esc", "back")], theme),
            width,
        ),
        head,
    );
    let [label, field, count] =
        Layout::horizontal([Constraint::Length(9), Constraint::Min(0), Constraint::Length(14)]).areas(search);
    frame.render_widget(Line::from(Span::styled(" Search", theme.style(Role::Dim))), label);
    add.query.draw(frame, field, theme, state.dialogs.is_empty(), "type a name or a category");
    let counted = format!("{providers} of {} ", definitions.len());
    frame.render_widget(Line::from(Span::styled(counted, theme.style(Role::Dim))).right_aligned(), count);
    // The selected row stays in view, with its shelf's name if that is just above.
    let height = usize::from(list.height);
    let mut scroll = add.scroll;
    if let Some(at) = at {
        let top = if at > 0 && matches!(shown[at - 1], Row::Heading(_)) { at - 1 } else { at };
        scroll = scroll.min(top).max((at + 1).saturating_sub(height));
    }
    scroll = scroll.min(shown.len().saturating_sub(height));
    let below = shown.len().saturating_sub(scroll + height);
    let word = match (scroll, below) {
        (0, 0) => String::new(),
        (0, n) => format!("{n} more below"),
        (n, 0) => format!("{n} more above"),
        (a, b) => format!("{a} above, {b} below"),
    };
    frame.render_widget(rule(&word, width, theme), line);
    if shown.is_empty() {
        let sentence = if definitions.is_empty() {
            "No provider is known.".to_owned()
        } else {
            format!(
                "No provider is called '{}'. The provider 'http' checks any URL; a file in the providers folder adds your own.",
                add.query.value()
            )
        };
        let inner = Rect { x: list.x + 1, width: list.width.saturating_sub(2), ..list };
        rows(frame, inner, wrapped(&sentence, Role::Dim, inner.width.into(), theme));
    }
    for (row, (i, area)) in shown.iter().skip(scroll).zip((scroll..).zip(list.rows())) {
        let chosen = at == Some(i);
        frame.render_widget(row_line(row, add, chosen, width, theme), area);
        if chosen {
            frame.buffer_mut().set_style(area, theme.style(Role::Selection));
        }
    }
    let about = at.and_then(|at| shown.get(at)).and_then(|row| match row {
        Row::Provider(definition) => Some((*definition).clone()),
        Row::Unfinished(form) => Some(form.definition.clone()),
        Row::Heading(_) => None,
    });
    let message = add.message.clone();
    if let Some(panel) = panel {
        let mut lines = message.map(|m| wrapped(&m, Role::Error, panel.width.into(), theme)).unwrap_or_default();
        if let Some(definition) = &about {
            lines.extend(super::side::about(definition, add, usize::from(panel.width), theme));
        }
        rows(frame, panel, lines);
    } else if let Some(row) = foot.rows().next() {
        frame.render_widget(rule("", width, theme), row);
        let inner = Rect {
            x: foot.x + 1,
            y: foot.y + 1,
            width: foot.width.saturating_sub(2),
            height: foot.height.saturating_sub(1),
        };
        let lines = match (message, &about) {
            (Some(message), _) => wrapped(&message, Role::Error, inner.width.into(), theme),
            (None, Some(definition)) => foot_lines(definition, inner.width.into(), theme),
            (None, None) => Vec::new(),
        };
        rows(frame, inner, lines);
    }
    add.scroll = scroll;
}

fn row_line(row: &Row<'_>, add: &AddState, chosen: bool, width: usize, theme: &Theme) -> Line<'static> {
    let u = theme.unicode;
    let pointer = if chosen { theme.symbol(" ▸ ", " > ") } else { "   " };
    let name = (width / 3).clamp(12, 30);
    let id = (width / 5).clamp(8, 20);
    let rest = width.saturating_sub(3 + name + 1 + id + 2);
    let level = 10;
    match row {
        Row::Heading(title) => Line::from(Span::styled(format!(" {title}"), theme.style(Role::Dim))),
        Row::Unfinished(form) => {
            let what = if form.original.is_some() { "changes not saved" } else { "not saved yet" };
            Line::from(vec![
                Span::styled(pointer, theme.style(Role::Key)),
                Span::styled(text::left(&form.definition.name, name, u), theme.style(Role::Text)),
                Span::raw(" "),
                Span::styled(text::left(form.id.value(), id, u), theme.style(Role::Dim)),
                Span::styled(format!("  {}", text::cut(what, rest, u)), theme.style(Role::Warning)),
            ])
        }
        Row::Provider(definition) => {
            let found = definition.fields.values().flat_map(Field::usual).find(|name| add.env.contains(*name));
            let (note, role) = match found {
                Some(variable) => (super::fields::place_name(variable), Role::Good),
                None if add.query.is_empty() => (definition.cost.clone(), Role::Dim),
                None => (picker::shelf(definition.category).to_owned(), Role::Dim),
            };
            Line::from(vec![
                Span::styled(pointer, theme.style(Role::Key)),
                Span::styled(text::left(&definition.name, name, u), theme.style(Role::Text)),
                Span::raw(" "),
                Span::styled(text::left(&definition.id, id, u), theme.style(Role::Dim)),
                Span::styled(
                    format!("  {}", text::left(definition.level().as_str(), level, u)),
                    theme.style(Role::Dim),
                ),
                Span::styled(text::cut(&note, rest.saturating_sub(level), u), theme.style(role)),
            ])
        }
    }
}

fn foot_lines(definition: &Definition, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let pair = |key: &'static str, value: &str| {
        Line::from(vec![
            Span::styled(key, theme.style(Role::Dim)),
            Span::styled(text::cut(value, width.saturating_sub(key.len()), theme.unicode), theme.style(Role::Text)),
        ])
    };
    let mut out = vec![pair("One check costs  ", &definition.cost)];
    if let Some(url) = definition.key_url.as_ref().or(definition.docs.as_ref()) {
        out.push(pair("Keys are made at ", url));
    }
    out
}

/// `key label` pairs for the right end of a title.
pub(super) fn hint(pairs: &[(&'static str, &'static str)], theme: &Theme) -> Vec<Span<'static>> {
    let mut out = Vec::new();
    for (key, label) in pairs {
        out.push(Span::styled(format!("  {key}"), theme.style(Role::Key)));
        out.push(Span::styled(format!(" {label}"), theme.style(Role::Dim)));
    }
    out.push(Span::raw(" "));
    out
}
