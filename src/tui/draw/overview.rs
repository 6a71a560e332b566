//! The overview: summary, filter line, table or cards, a few words about the selected one.

use super::{cards, frame as around, table};
use crate::{
    model::{Blame, Status},
    monitor::{Entry, Snapshot},
    tui::{
        action::Action,
        state::{
            UiState,
            overview::{Sort, View},
        },
        theme::{Role, Theme},
        widgets::{lamp, panel, quota_bar, text, time},
    },
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Modifier,
    text::{Line, Span},
};

/// Draws it.
pub fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &mut UiState, theme: &Theme) {
    if snapshot.entries.is_empty() {
        first_steps(frame, area, state, theme);
        return;
    }
    let peek = match area.height {
        h if h < 12 => 0,
        h if h < 18 => 2,
        _ => 4,
    };
    let [summary, filter, list, below] = area.layout(&Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(peek),
    ]));
    let told = around::summary(frame, summary, snapshot, state, theme);
    let coming = if told { String::new() } else { around::coming(snapshot, state, theme) };
    filter_line(frame, filter, snapshot.entries.len(), coming, state, theme);
    if state.overview.is_empty() {
        nothing_matches(frame, list, state, theme);
    } else {
        match state.overview.view {
            View::Table => table::draw(frame, list, snapshot, state, theme),
            View::Cards => cards::draw(frame, list, snapshot, state, theme),
        }
    }
    if let Some(entry) = state.overview.selected_entry(snapshot).filter(|_| peek > 0) {
        about(frame, below, entry, state, theme);
    }
}

/// The filter while it is typed or holds. On the right the order, and what the line above had no room for.
fn filter_line(frame: &mut Frame<'_>, area: Rect, total: usize, coming: String, state: &UiState, theme: &Theme) {
    let overview = &state.overview;
    let filtered = overview.filtering || !overview.filter.is_empty();
    let mut notes = Vec::new();
    if filtered {
        notes.push(format!("{} of {total}", overview.len()));
    }
    if overview.sort != Sort::Config {
        notes.push(overview.sort.label().to_owned());
    }
    if overview.grouped {
        notes.push("grouped".to_owned());
    }
    if !coming.is_empty() {
        notes.push(coming);
    }
    let most = usize::from(if filtered { area.width / 2 } else { area.width }).saturating_sub(2);
    let mut right = notes.join(panel::dot(theme));
    while right.chars().count() > most && notes.pop().is_some() {
        right = notes.join(panel::dot(theme));
    }
    let right_width = u16::try_from(right.chars().count() + 2).unwrap_or(area.width);
    frame.render_widget(Line::styled(format!("{right} "), theme.style(Role::Dim)).right_aligned(), area);
    if !filtered {
        return;
    }
    frame.render_widget(Line::styled(" /", theme.style(Role::Key)), area);
    let field = Rect { x: area.x + 3, width: area.width.saturating_sub(4 + right_width).min(48), ..area };
    overview.filter.draw(frame, field, theme, overview.filtering, "name, status: tag: provider: category:");
}

/// Up to three lines about the selected one: what the columns have no room for.
fn about(frame: &mut Frame<'_>, area: Rect, entry: &Entry, state: &UiState, theme: &Theme) {
    let mut rows = area.rows();
    if let Some(row) = rows.next() {
        frame.render_widget(panel::rule(theme, usize::from(row.width)), row);
    }
    let width = usize::from(area.width).saturating_sub(2);
    for (row, (role, sentence)) in rows.zip(sentences(entry, state, theme)) {
        let line = text::cut(&sentence, width, theme.unicode);
        frame.render_widget(Line::from(vec![Span::raw(" "), Span::styled(line, theme.style(role))]), row);
    }
}

/// The most important first, as a small screen shows only that.
fn sentences(entry: &Entry, state: &UiState, theme: &Theme) -> Vec<(Role, String)> {
    let dot = panel::dot(theme);
    let mut out = Vec::new();
    let outcome = entry.outcome.as_deref();
    if entry.status() == Status::Active {
        let warnings: Vec<String> =
            outcome.iter().flat_map(|o| o.warnings.iter().map(|w| w.sentence(state.now))).collect();
        if !warnings.is_empty() {
            out.push((Role::Warning, format!("{} {}", theme.symbol("▲", "!"), warnings.join(dot))));
        }
    } else {
        let mut because = vec![entry.cause.label().to_owned()];
        let blame = entry.cause.blame();
        if entry.status() != Status::Inactive && blame != Blame::Unknown {
            because.push(blame.sentence().to_owned());
        }
        if let Some(evidence) = outcome.filter(|o| o.cause == entry.cause).map(|o| &o.evidence) {
            if !evidence.seen.is_empty() {
                because.push(format!("\"{}\"", evidence.seen));
            } else if !evidence.rule.is_empty() {
                because.push(evidence.rule.clone());
            }
        }
        out.push((lamp::role(entry.status()), because.join(dot)));
        if !entry.advice.is_empty() {
            out.push((Role::Text, format!("{} {}", theme.symbol("→", "->"), entry.advice)));
        }
    }
    if let Some((quota, share)) = outcome.and_then(|o| quota_bar::tightest(&o.quotas)) {
        let mut text = format!("{}: {}% left", quota.name, quota_bar::percent(share));
        if let Some(resets) = quota.resets.filter(|at| *at > state.now) {
            text.push_str(&format!(", fills up {}", time::until(resets, state.now)));
        }
        out.push((Role::Dim, text));
    }
    let mut facts = vec![entry.integration.name.clone()];
    if *entry.provider_name != entry.integration.name {
        facts.push(entry.provider_name.to_string());
    }
    if entry.metrics.total > 0 {
        facts.push(text::counted(entry.metrics.total, "request"));
    }
    facts.extend(outcome.and_then(|o| o.identity.as_ref()).map(|i| format!("as {i}")));
    facts.extend(entry.integration.tags.iter().map(|t| format!("#{t}")));
    out.push((Role::Dim, facts.join(dot)));
    out
}

fn first_steps(frame: &mut Frame<'_>, area: Rect, state: &UiState, theme: &Theme) {
    let key = |action| state.keymap.keys(action).into_iter().next().unwrap_or_else(|| ":".to_owned());
    let dim = theme.style(Role::Dim);
    let lamps: Vec<Span<'_>> = Status::ALL
        .into_iter()
        .rev()
        .map(|s| Span::styled(format!(" {} ", lamp::symbol(s, theme)), lamp::style(s, theme)))
        .collect();
    let lines = [
        Line::from(lamps),
        Line::raw(""),
        Line::styled("No lamps on your board yet", theme.style(Role::Title).add_modifier(Modifier::BOLD)),
        Line::raw(""),
        Line::from(vec![
            Span::raw("Press "),
            Span::styled(key(Action::Add), theme.style(Role::Key)),
            Span::raw(" to add your first integration:"),
        ]),
        Line::raw("it is tested before anything is saved."),
        Line::raw(""),
        Line::styled("Or write one into config.toml; it lights up here", dim),
        Line::styled("at once. 'lampboard demo' shows a board at work.", dim),
        Line::raw(""),
        Line::from(vec![
            Span::styled(key(Action::Help), theme.style(Role::Key)),
            Span::styled(" shows every key", dim),
        ]),
    ];
    centered(frame, area, &lines);
}

fn nothing_matches(frame: &mut Frame<'_>, area: Rect, state: &UiState, theme: &Theme) {
    let shown = text::cut(state.overview.filter.value(), 30, theme.unicode);
    let lines = [
        Line::raw(format!("Nothing matches '{shown}'")),
        Line::styled("Esc clears the filter", theme.style(Role::Dim)),
    ];
    centered(frame, area, &lines);
}

fn centered(frame: &mut Frame<'_>, area: Rect, lines: &[Line<'_>]) {
    let height = u16::try_from(lines.len()).unwrap_or(area.height);
    // What does not fit is cut from both ends' blank and decoration first, by starting at the top.
    let top = area.y + area.height.saturating_sub(height) / 2;
    for (i, line) in (0..area.height).zip(lines) {
        let y = top.saturating_add(i);
        if y < area.bottom() {
            frame.render_widget(line.clone().centered(), Rect { y, height: 1, ..area });
        }
    }
}
