//! The overview as a table: the cells of its columns, only the visible rows.

mod columns;

use crate::{
    model::Status,
    monitor::{Entry, Snapshot},
    tui::{
        state::{
            UiState, dialog,
            overview::{ListLine, Sort, category_title},
        },
        theme::{Role, Theme},
        widgets::{lamp, quota_bar, sparkline, text, time},
    },
};
use columns::{Column as C, Placed, has, layout};
use ratatui::{
    Frame,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

/// Draws column heads and the visible rows; moves the scroll offset so that the selection shows.
pub fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &mut UiState, theme: &Theme) {
    if area.height == 0 {
        return;
    }
    let lamp_width = lamp::symbol(Status::Active, theme).width();
    let before = 3 + lamp_width;
    let gap = if area.width >= 100 { 2 } else { 1 };
    let columns = layout(usize::from(area.width).saturating_sub(before + 1), gap);
    heads(frame, Rect { height: 1, ..area }, &columns, before, gap, state.overview.sort, theme);
    let list = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let height = usize::from(list.height);
    let overview = &mut state.overview;
    let mut line = overview.line_of(overview.position());
    // The heading above the first row of a group comes into view with it.
    if line > 0 && line <= overview.offset && matches!(overview.lines()[line - 1], ListLine::Heading(..)) {
        line -= 1;
    }
    overview.offset = dialog::scrolled(overview.offset, line, height, overview.lines().len());
    let overview = &state.overview;
    for (row, line) in list.rows().zip(overview.lines().iter().skip(overview.offset)) {
        match line {
            ListLine::Heading(category, count) => heading(frame, row, category, *count, theme),
            ListLine::Items(range) => {
                let Some(entry) = overview.entry(snapshot, range.start) else { continue };
                let selected = range.start == overview.position();
                let cells = Cells { entry, state, theme, with_warnings: has(&columns, C::Warnings) };
                entry_row(frame, row, &cells, &columns, gap, selected);
            }
        }
    }
    more_below(frame, list, state, theme);
}

fn heads(frame: &mut Frame<'_>, row: Rect, columns: &[Placed], before: usize, gap: usize, sort: Sort, theme: &Theme) {
    let sorted = match sort {
        Sort::Config => None,
        Sort::Name => Some(C::Name),
        Sort::Status => Some(C::Status),
        Sort::Latency => Some(C::Latency),
        Sort::LastCheck => Some(C::Last),
    };
    let mut out = " ".repeat(before);
    for (kind, width) in columns {
        let title = match sorted == Some(kind.column) && kind.title.len() < *width {
            true => format!("{}{}", kind.title, theme.symbol("▾", "v")),
            false => kind.title.to_owned(),
        };
        let fit = if kind.right { text::right } else { text::left };
        out.push_str(&fit(&title, *width, theme.unicode));
        out.push_str(&" ".repeat(gap));
    }
    frame.render_widget(Line::styled(out, theme.style(Role::Dim)), row);
}

/// A group's heading.
pub fn heading(frame: &mut Frame<'_>, row: Rect, category: &str, count: usize, theme: &Theme) {
    let line = Line::from(vec![
        Span::raw(" "),
        Span::styled(category_title(category), theme.style(Role::Title).add_modifier(Modifier::BOLD)),
        Span::styled(format!("  {count}"), theme.style(Role::Dim)),
    ]);
    frame.render_widget(line, row);
}

fn entry_row(frame: &mut Frame<'_>, row: Rect, cells: &Cells<'_>, columns: &[Placed], gap: usize, selected: bool) {
    let (entry, theme) = (cells.entry, cells.theme);
    let marker = if selected { theme.symbol("▸", ">") } else { " " };
    let mut spans = vec![
        Span::styled(format!("{marker} "), theme.style(Role::Key)),
        Span::styled(format!("{} ", lamp::symbol(entry.status(), theme)), lamp::style(entry.status(), theme)),
    ];
    for (kind, width) in columns {
        spans.extend(cells.cell(kind.column, *width, kind.right));
        spans.push(Span::raw(" ".repeat(gap)));
    }
    frame.render_widget(Line::from(spans), row);
    if selected {
        frame.buffer_mut().set_style(row, theme.style(Role::Selection));
    }
}

/// What the cells of one row are made from.
struct Cells<'a> {
    entry: &'a Entry,
    state: &'a UiState,
    theme: &'a Theme,
    with_warnings: bool,
}

impl Cells<'_> {
    fn cell(&self, column: C, width: usize, right: bool) -> Vec<Span<'static>> {
        let (entry, theme) = (self.entry, self.theme);
        let outcome = entry.outcome.as_deref();
        let dash = || "-".to_owned();
        let text = match column {
            C::Status => return self.status(width),
            C::Latency => return sparkline::recent(&entry.recent, width, theme).spans,
            C::Quota => return self.quota(width),
            C::Name => entry.integration.name.clone(),
            C::Provider => entry.provider_name.to_string(),
            C::Requests => count(entry.metrics.total),
            C::Success => entry.metrics.success_rate().map_or_else(dash, rate),
            C::Average => entry.metrics.average.map_or_else(dash, time::latency),
            C::Last if entry.checking => theme.symbol("…", "...").to_owned(),
            C::Last => outcome.map_or_else(dash, |o| time::age(o.at, self.state.now)),
            C::Warnings => outcome.map(|o| self.warnings(o)).unwrap_or_default(),
        };
        let role = match column {
            C::Name if entry.status() == Status::Inactive => Role::Dim,
            C::Name => Role::Text,
            C::Warnings => Role::Warning,
            _ => Role::Dim,
        };
        let fit = if right { text::right } else { text::left };
        vec![Span::styled(fit(&text, width, theme.unicode), theme.style(role))]
    }

    fn status(&self, width: usize) -> Vec<Span<'static>> {
        let (entry, theme) = (self.entry, self.theme);
        let style = lamp::style(entry.status(), theme);
        let words = fitting_words(entry, self.state, width);
        let warnings = match entry.outcome.as_deref() {
            Some(outcome) if entry.status() == Status::Active && !self.with_warnings => self.warnings(outcome),
            _ => String::new(),
        };
        if warnings.is_empty() {
            return vec![Span::styled(text::left(&words, width, theme.unicode), style)];
        }
        let rest = text::left(&format!(", {warnings}"), width.saturating_sub(words.width()), theme.unicode);
        vec![Span::styled(words, style), Span::styled(rest, theme.style(Role::Warning))]
    }

    fn warnings(&self, outcome: &crate::model::Outcome) -> String {
        let Some(first) = outcome.warnings.first() else { return String::new() };
        let first = first.sentence(self.state.now);
        match outcome.warnings.len() {
            1 => first,
            n => format!("{first} +{}", n - 1),
        }
    }

    fn quota(&self, width: usize) -> Vec<Span<'static>> {
        let theme = self.theme;
        let tightest = self.entry.outcome.as_deref().and_then(|o| quota_bar::tightest(&o.quotas));
        let Some((_, share)) = tightest else {
            return vec![Span::styled(text::left("", width, theme.unicode), theme.style(Role::Dim))];
        };
        let percent = format!("{}%", quota_bar::percent(share));
        let mut spans = Vec::new();
        if width >= 9 {
            spans.extend(quota_bar::bar(share, width - 5, theme));
            spans.push(Span::raw(" "));
        }
        let rest = width - spans.iter().map(Span::width).sum::<usize>();
        spans.push(Span::styled(text::right(&percent, rest, theme.unicode), theme.style(quota_bar::role(share))));
        spans
    }
}

/// Status and cause in words, and until when it lasts where that is known.
pub fn status_words(entry: &Entry, state: &UiState) -> String {
    let mut words = lamp::verdict(entry.cause);
    let until = entry.outcome.as_ref().and_then(|o| o.until);
    if let Some(until) = until.filter(|at| entry.status() == Status::RateLimited && *at > state.now) {
        words.push_str(&format!(", until {}", time::clock(until, state.now, &state.zone)));
    }
    words
}

/// [`status_words`], shortened so that the word that matters is not the one cut off.
pub fn fitting_words(entry: &Entry, state: &UiState, width: usize) -> String {
    let full = status_words(entry, state);
    if full.width() <= width {
        return full;
    }
    let verdict = lamp::verdict(entry.cause);
    // "unauthorized: refused" can only be about the credential.
    if verdict.width() <= width { verdict } else { verdict.replace(": credential ", ": ") }
}

/// A share of good requests; never rounded up to all.
pub fn rate(share: f64) -> String {
    match share * 100.0 {
        p if p >= 100.0 => "100%".to_owned(),
        p if p > 99.9 => "99.9%".to_owned(),
        p => format!("{p:.1}%"),
    }
}

/// A count in at most five columns.
pub fn count(value: u64) -> String {
    quota_bar::number(value as f64)
}

fn more_below(frame: &mut Frame<'_>, list: Rect, state: &UiState, theme: &Theme) {
    let overview = &state.overview;
    let (len, height) = (overview.lines().len(), usize::from(list.height));
    if len <= height || height < 3 || list.width < 2 {
        return;
    }
    // A thumb at the right edge: how much there is and where we are.
    let size = (height * height / len).max(1);
    let top = overview.offset * (height - size) / (len - height);
    for (i, row) in list.rows().enumerate().skip(top).take(size) {
        debug_assert!(i < height);
        let edge = Rect { x: row.right() - 1, width: 1, ..row };
        frame.render_widget(Span::styled(theme.symbol("▐", "|"), theme.style(Role::Border)), edge);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_never_rounded_up_to_all() {
        assert_eq!(rate(0.99999), "99.9%");
        assert_eq!(rate(1.0), "100%");
        assert_eq!(rate(0.0), "0.0%");
    }
}
