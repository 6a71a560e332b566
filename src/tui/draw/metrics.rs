//! The metrics tab: totals, three charts over one time axis, quotas and incidents below.

mod charts;
mod tables;

use crate::{
    model::IntegrationId,
    monitor::Snapshot,
    tui::{
        state::{
            UiState,
            metrics::{Series, Span as Reach, Totals},
        },
        theme::{Role, Theme},
        widgets::{lamp, text, time},
    },
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

/// From this width on the integrations stand in a list on the left.
const WIDE: u16 = 104;
/// Its width.
const LIST: u16 = 28;

/// Draws the tab.
pub fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &mut UiState, theme: &Theme) {
    if area.width < 20 || area.height < 6 {
        frame.render_widget(Line::from(text::cut("too small for charts", area.width.into(), theme.unicode)), area);
        return;
    }
    let main = if area.width >= WIDE {
        let [left, _, main] =
            Layout::horizontal([Constraint::Length(LIST), Constraint::Length(2), Constraint::Min(0)]).areas(area);
        list(frame, left, snapshot, state, theme);
        main
    } else {
        area
    };
    let sums = state
        .metrics
        .series
        .as_ref()
        .map(|series| totals_lines(&sums(series, snapshot, state.metrics.span), main, theme));
    let lines = sums.as_ref().map_or(1, |lines| u16::try_from(lines.len()).unwrap_or(1));
    let [head, totals, body] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(lines), Constraint::Min(0)]).areas(main);
    heading(frame, head, snapshot, state, theme, area.width < WIDE);
    let metrics = &state.metrics;
    let Some(series) = metrics.series.as_ref() else {
        let sentence = match &metrics.failure {
            Some(why) => (format!("The history could not be read: {why}"), Role::Error),
            None => ("Reading the history…".to_owned(), Role::Dim),
        };
        message(frame, body, &sentence.0, sentence.1, theme);
        return;
    };
    for (line, row) in sums.into_iter().flatten().zip(totals.rows()) {
        frame.render_widget(line, row);
    }
    // Quotas and incidents get what they need, the charts the rest, within reason.
    let wanted = tables::height(series, snapshot, body.height);
    let [charts, tables] = Layout::vertical([Constraint::Min(0), Constraint::Length(wanted)]).areas(body);
    if let Some(why) = &metrics.failure {
        message(frame, charts, &format!("The history could not be read: {why}"), Role::Error, theme);
    } else if series.buckets.iter().all(|b| b.total == 0) {
        let longer = if metrics.span == metrics.span.longer() { "" } else { " Press ] for a longer one." };
        let sentence = format!("No checks in this span ({}).{longer}", metrics.span.label());
        message(frame, charts, &sentence, Role::Dim, theme);
    } else {
        charts::draw(frame, charts, series, theme);
    }
    tables::draw(frame, tables, series, snapshot, state.now, theme);
}

fn message(frame: &mut Frame<'_>, area: Rect, sentence: &str, role: Role, theme: &Theme) {
    let sentence = if theme.unicode { sentence.to_owned() } else { sentence.replace('…', "...") };
    let lines = text::wrap(&sentence, usize::from(area.width).saturating_sub(4));
    let top = area.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(1)) / 2;
    for (line, row) in lines.into_iter().zip(area.rows().skip(top.into())) {
        frame.render_widget(Line::from(Span::styled(line, theme.style(role))).centered(), row);
    }
}

fn title(whose: Option<&IntegrationId>, snapshot: &Snapshot) -> String {
    match whose {
        None => "Whole board".to_owned(),
        Some(id) => snapshot.entries.get(id).map_or_else(|| id.to_string(), |e| e.integration.name.clone()),
    }
}

fn heading(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &UiState, theme: &Theme, narrow: bool) {
    let metrics = &state.metrics;
    let mut right = Vec::new();
    for span in Reach::ALL {
        let (role, word) = if span == metrics.span {
            (Role::TabActive, format!("[{}]", span.label()))
        } else {
            (Role::Dim, format!(" {} ", span.label()))
        };
        right.push(Span::styled(word, theme.style(role)));
    }
    let right = Line::from(right);
    let room = usize::from(area.width).saturating_sub(right.width() + 2);
    let whose = metrics.whose.as_ref();
    let mut left = vec![Span::raw(" ")];
    if narrow {
        left.push(Span::styled(theme.symbol("‹ ", "< "), theme.style(Role::Key)));
    }
    let entry = whose.and_then(|id| snapshot.entries.get(id));
    if let Some(entry) = entry {
        left.push(Span::styled(
            format!("{} ", lamp::symbol(entry.status(), theme)),
            lamp::style(entry.status(), theme),
        ));
    }
    let used: usize = left.iter().map(Span::width).sum::<usize>() + 2;
    left.push(Span::styled(
        text::cut(&title(whose, snapshot), room.saturating_sub(used), theme.unicode),
        theme.style(Role::Title),
    ));
    if narrow {
        left.push(Span::styled(theme.symbol(" ›", " >"), theme.style(Role::Key)));
    }
    frame.render_widget(Line::from(left), area);
    frame.render_widget(right.right_aligned(), area);
}

/// The span's totals; the exact percentiles of the last day where the monitor keeps them.
fn sums(series: &Series, snapshot: &Snapshot, span: Reach) -> Totals {
    let mut totals = Totals::of(&series.buckets);
    let entry = series.request.id.as_ref().and_then(|id| snapshot.entries.get(id));
    if let (Some(entry), Reach::Day, true) = (entry, span, totals.estimated) {
        let known = [entry.metrics.p50, entry.metrics.p95, entry.metrics.p99];
        if known.iter().all(Option::is_some) {
            totals.percentiles = known;
            totals.estimated = false;
        }
    }
    totals
}

/// The totals on one line, or on two where one is too short and there are rows to spare.
fn totals_lines(totals: &Totals, area: Rect, theme: &Theme) -> Vec<Line<'static>> {
    let dash = || "-".to_owned();
    let about = match (totals.estimated, theme.unicode) {
        (true, true) => "≈",
        (true, false) => "~",
        (false, _) => "",
    };
    let percentile = |i: usize| totals.percentiles[i].map_or_else(dash, |t| format!("{about}{}", time::latency(t)));
    let pairs = [
        ("requests", totals.requests.to_string()),
        ("success", totals.success_rate().map_or_else(dash, percent)),
        ("rate limited", if totals.requests > 0 { totals.rate_limited.to_string() } else { dash() }),
        ("average", totals.average.map_or_else(dash, time::latency)),
        ("p50", percentile(0)),
        ("p95", percentile(1)),
        ("p99", percentile(2)),
    ];
    let line = |pairs: &[(&'static str, String)], gap: usize| {
        let mut spans = vec![Span::raw(" ")];
        for (i, (key, value)) in pairs.iter().enumerate() {
            spans.push(Span::raw(" ".repeat(if i > 0 { gap } else { 0 })));
            spans.push(Span::styled(format!("{key} "), theme.style(Role::Dim)));
            spans.push(Span::styled(value.clone(), theme.style(Role::Text)));
        }
        Line::from(spans)
    };
    let one = line(&pairs, 2);
    if one.width() <= usize::from(area.width) || area.height < 16 {
        return vec![one];
    }
    vec![line(&pairs[..3], 4), line(&pairs[3..], 4)]
}

/// A share as percent that is 100 only when nothing failed and 0 only when nothing worked.
fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p >= 100.0 => "100%".to_owned(),
        p if p > 99.9 => "99.9%".to_owned(),
        p if p > 0.0 && p < 0.1 => "0.1%".to_owned(),
        p if p.fract() == 0.0 => format!("{p:.0}%"),
        p => format!("{p:.1}%"),
    }
}

fn list(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &mut UiState, theme: &Theme) {
    let whose = state.metrics.whose.as_ref();
    let at = whose.and_then(|id| snapshot.entries.get_index_of(id)).map_or(0, |i| i + 1);
    let count = snapshot.entries.len() + 1;
    let height = usize::from(area.height);
    let mut scroll = state.metrics.scroll.min(at).max((at + 1).saturating_sub(height));
    scroll = scroll.min(count.saturating_sub(height));
    let width = usize::from(area.width);
    for (i, row) in (scroll..count).zip(area.rows()) {
        let pointer = if i == at { theme.symbol("▸ ", "> ") } else { "  " };
        let mut spans = vec![Span::styled(pointer, theme.style(Role::Key))];
        match i.checked_sub(1).and_then(|i| snapshot.entries.get_index(i)) {
            None => spans.push(Span::styled("Whole board", theme.style(Role::Text))),
            Some((_, entry)) => {
                let mark = lamp::symbol(entry.status(), theme);
                spans.push(Span::styled(format!("{mark} "), lamp::style(entry.status(), theme)));
                let room = width.saturating_sub(3 + Line::from(mark).width());
                spans.push(Span::styled(
                    text::cut(&entry.integration.name, room, theme.unicode),
                    theme.style(Role::Text),
                ));
            }
        }
        frame.render_widget(Line::from(spans), row);
        if i == at {
            frame.buffer_mut().set_style(row, theme.style(Role::Selection));
        }
    }
    state.metrics.scroll = scroll;
}

/// A section's title in a rule.
fn section(title: &str, word: &str, width: usize, theme: &Theme) -> Line<'static> {
    let bar = theme.symbol("─", "-");
    let style = theme.style(Role::Border);
    let word = if word.is_empty() { String::new() } else { format!(" {word} ") };
    let used = Line::from(title).width() + Line::from(word.as_str()).width() + 6;
    Line::from(vec![
        Span::styled(bar.repeat(2), style),
        Span::styled(format!(" {title} "), theme.style(Role::Title)),
        Span::styled(bar.repeat(width.saturating_sub(used)), style),
        Span::styled(word, theme.style(Role::Dim)),
        Span::styled(bar.repeat(2), style),
    ])
}
