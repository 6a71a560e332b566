//! One integration's page: verdict, what to do next, timings, history, quotas, facts, credentials, schedule.

mod history;
mod page;
mod verdict;

use super::table;
use crate::{
    monitor::Snapshot,
    tui::{
        state::{UiState, overview::category_title},
        theme::{Role, Theme},
        widgets::{lamp, panel, text},
    },
};
use page::Page;
use ratatui::{
    Frame,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
};

/// From so many columns on the page has two columns.
const WIDE: u16 = 110;

/// Draws the page; brings the scroll offset back into range.
pub fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &mut UiState, theme: &Theme) {
    let Some(detail) = &state.detail else { return };
    let Some(entry) = snapshot.entries.get(&detail.id) else {
        frame.render_widget(Line::styled(" It is no longer on the board.", theme.style(Role::Dim)), area);
        return;
    };
    let title = Rect { height: 1, ..area };
    let dot = panel::dot(theme);
    let status = entry.status();
    let mut about = String::new();
    if *entry.provider_name != entry.integration.name {
        about.push_str(&format!("{dot}{}", entry.provider_name));
    }
    about.push_str(&format!("{dot}{}", category_title(entry.category)));
    if entry.integration.name.to_lowercase() != entry.id().as_str() {
        about.push_str(&format!("{dot}{}", entry.id()));
    }
    for tag in &entry.integration.tags {
        about.push_str(&format!(" #{tag}"));
    }
    if entry.checking {
        about.push_str(&format!("{dot}testing now"));
    }
    let room = usize::from(area.width).saturating_sub(8);
    let name = text::cut(&entry.integration.name, room, theme.unicode);
    frame.render_widget(
        Line::from(vec![
            Span::styled(format!(" {} ", lamp::symbol(status, theme)), lamp::style(status, theme)),
            Span::styled(name, theme.style(Role::Title).add_modifier(Modifier::BOLD)),
            Span::styled(about, theme.style(Role::Dim)),
        ]),
        title,
    );
    let body = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(3),
        height: area.height.saturating_sub(1),
    };
    let view = View { entry, detail, state, theme };
    let lines = if area.width >= WIDE { view.two_columns(body.width) } else { view.one_column(body.width) };
    let height = usize::from(body.height);
    let scroll = detail.scroll.min(lines.len().saturating_sub(height));
    for (row, line) in body.rows().zip(lines.iter().skip(scroll)) {
        frame.render_widget(line, row);
    }
    let edge = |y| Rect { x: area.right().saturating_sub(1), y, width: 1, height: 1 };
    if scroll > 0 {
        frame.render_widget(Span::styled(theme.symbol("↑", "^"), theme.style(Role::Key)), edge(body.y));
    }
    if scroll + height < lines.len() && body.height > 0 {
        frame.render_widget(Span::styled(theme.symbol("↓", "v"), theme.style(Role::Key)), edge(body.bottom() - 1));
    }
    if let Some(detail) = state.detail.as_mut() {
        detail.scroll = scroll;
    }
}

/// What the sections are made from.
struct View<'a> {
    entry: &'a crate::monitor::Entry,
    detail: &'a crate::tui::state::Detail,
    state: &'a UiState,
    theme: &'a Theme,
}

impl View<'_> {
    fn one_column(&self, width: u16) -> Vec<Line<'static>> {
        let mut page = Page::new(width, self.theme);
        self.now(&mut page);
        self.past(&mut page);
        page.lines
    }

    fn two_columns(&self, width: u16) -> Vec<Line<'static>> {
        let gap = 3;
        let half = (width - gap) / 2;
        let (mut left, mut right) = (Page::new(half, self.theme), Page::new(width - gap - half, self.theme));
        self.now(&mut left);
        self.past(&mut right);
        let (mut left, mut right) = (left.lines.into_iter(), right.lines.into_iter());
        let mut lines = Vec::new();
        loop {
            let (l, r) = (left.next(), right.next());
            if l.is_none() && r.is_none() {
                return lines;
            }
            let mut line = l.unwrap_or_default();
            let fill = usize::from(half + gap).saturating_sub(line.width());
            line.push_span(Span::raw(" ".repeat(fill)));
            // Line styles do not survive the join; the pages style their spans.
            line.spans.extend(r.unwrap_or_default().spans);
            lines.push(line);
        }
    }

    /// What is the case and what to do.
    fn now(&self, page: &mut Page<'_>) {
        self.verdict(page);
        self.next_step(page);
        self.warnings(page);
        self.timing(page);
        self.quotas(page);
        self.facts(page);
    }

    /// Where it comes from, what was before.
    fn past(&self, page: &mut Page<'_>) {
        self.checks(page);
        self.series(page);
        self.credentials(page);
        self.schedule(page);
        self.incidents(page);
        self.errors(page);
    }

    fn headline(&self) -> String {
        table::status_words(self.entry, self.state)
    }
}
