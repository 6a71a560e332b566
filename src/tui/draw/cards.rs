//! The overview as cards, side by side as many as fit.

use super::table;
use crate::{
    model::Status,
    monitor::{Entry, Snapshot},
    tui::{
        state::{
            UiState,
            overview::{CARD, ListLine},
        },
        theme::{Role, Theme},
        widgets::{lamp, panel, quota_bar, sparkline, text, time},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
};

fn height_of(line: &ListLine) -> u16 {
    match line {
        ListLine::Heading(..) => 1,
        ListLine::Items(_) => CARD.1,
    }
}

/// Draws the visible cards; moves the scroll offset so that the selection shows.
pub fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &mut UiState, theme: &Theme) {
    let across = u16::try_from(state.overview.across(area.width)).unwrap_or(1).max(1);
    let width = area.width / across;
    let overview = &mut state.overview;
    let line = overview.line_of(overview.position());
    let heading = line.checked_sub(1).filter(|l| matches!(overview.lines().get(*l), Some(ListLine::Heading(..))));
    let first = heading.unwrap_or(line);
    overview.offset = overview.offset.min(first);
    // Down until the selected line's end is in view.
    let mut height: u16 = overview.lines().iter().take(line + 1).skip(overview.offset).map(height_of).sum();
    while height > area.height && overview.offset < line {
        height -= height_of(&overview.lines()[overview.offset]);
        overview.offset += 1;
    }
    let overview = &state.overview;
    let mut y = area.y;
    for line in overview.lines().iter().skip(overview.offset) {
        let row =
            Rect { x: area.x, y, width: area.width, height: height_of(line).min(area.bottom().saturating_sub(y)) };
        if row.height == 0 {
            break;
        }
        match line {
            ListLine::Heading(category, count) => table::heading(frame, row, category, *count, theme),
            // A cut card says half of the truth.
            ListLine::Items(_) if row.height < CARD.1 && y > area.y => break,
            ListLine::Items(range) => {
                for (i, position) in (0..across).zip(range.clone()) {
                    let Some(entry) = overview.entry(snapshot, position) else { continue };
                    let place = Rect { x: row.x + i * width, width, ..row };
                    card(frame, place, entry, position == overview.position(), state, theme);
                }
            }
        }
        y = y.saturating_add(row.height);
    }
}

fn card(frame: &mut Frame<'_>, area: Rect, entry: &Entry, selected: bool, state: &UiState, theme: &Theme) {
    let status = entry.status();
    let room = usize::from(area.width).saturating_sub(8);
    let name = text::cut(&entry.integration.name, room, theme.unicode);
    let name_style = theme.style(if selected { Role::Title } else { Role::Text }).add_modifier(Modifier::BOLD);
    let marker = if selected { theme.symbol("▸", ">") } else { "" };
    let title = Line::from(vec![
        Span::styled(format!(" {marker}"), theme.style(Role::Key)),
        Span::styled(format!("{} ", lamp::symbol(status, theme)), lamp::style(status, theme)),
        Span::styled(format!("{name} "), name_style),
    ]);
    let block = panel::framed(theme, title, selected);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inner.width).saturating_sub(2);
    let dot = panel::dot(theme);
    let outcome = entry.outcome.as_deref();
    let verdict = text::cut(&table::fitting_words(entry, state, width), width, theme.unicode);

    let mut numbers = vec![entry.provider_name.to_string()];
    if entry.metrics.total > 0 {
        numbers.push(format!("{} reqs", table::count(entry.metrics.total)));
    }
    numbers.extend(entry.metrics.success_rate().map(table::rate));
    numbers.extend(entry.metrics.average.map(time::latency));

    let last = match outcome {
        _ if entry.checking => "testing".to_owned(),
        Some(outcome) => time::ago(outcome.at, state.now),
        None => "never".to_owned(),
    };
    let spark = width.saturating_sub(last.chars().count() + 2);
    let mut strip = sparkline::recent(&entry.recent, spark, theme);
    strip.push_span(Span::styled(format!("  {last}"), theme.style(Role::Dim)));

    let lines = [
        Line::styled(verdict, lamp::style(status, theme)),
        Line::styled(text::cut(&numbers.join(dot), width, theme.unicode), theme.style(Role::Dim)),
        strip,
        below(entry, width, state, theme),
    ];
    for (row, line) in inner.rows().zip(lines) {
        let row = Rect { x: row.x + 1, width: row.width.saturating_sub(2), ..row };
        frame.render_widget(line, row);
    }
}

/// The last line: a warning, what decided, or the quota; whichever says most.
fn below(entry: &Entry, width: usize, state: &UiState, theme: &Theme) -> Line<'static> {
    let Some(outcome) = entry.outcome.as_deref() else { return Line::default() };
    if entry.status() != Status::Active {
        let seen = if outcome.evidence.seen.is_empty() { &outcome.evidence.rule } else { &outcome.evidence.seen };
        return Line::styled(text::cut(seen, width, theme.unicode), theme.style(Role::Dim));
    }
    if let Some(warning) = outcome.warnings.first() {
        let more = outcome.warnings.len() - 1;
        let tail = if more > 0 { format!(" +{more}") } else { String::new() };
        let mark = theme.symbol("▲", "!");
        let text = format!("{mark} {}{tail}", warning.sentence(state.now));
        return Line::styled(text::cut(&text, width, theme.unicode), theme.style(Role::Warning));
    }
    let Some((quota, share)) = quota_bar::tightest(&outcome.quotas) else { return Line::default() };
    let label = format!(" {}% of {}", quota_bar::percent(share), quota.name);
    let label = text::cut(&label, width.saturating_sub(8), theme.unicode);
    let mut spans =
        quota_bar::bar(share, width.saturating_sub(unicode_width::UnicodeWidthStr::width(label.as_str())), theme);
    spans.push(Span::styled(label, theme.style(Role::Dim)));
    Line::from(spans)
}
