//! Quotas with their bars and resets, incidents with cause and length.

use super::section;
use crate::{
    model::{Incident, Provenance, Quota},
    monitor::{Entry, Snapshot},
    tui::{
        state::metrics::Series,
        theme::{Role, Theme},
        widgets::{lamp, quota_bar, text, time},
    },
};
use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

/// The most rows of either table.
const ROWS: usize = 8;
/// Seconds after which a budget says how old it is.
const OLD: i64 = 900;
/// From this width on they stand beside each other.
const BESIDE: u16 = 70;

/// A quota and whose it is.
struct Budget<'a> {
    entry: &'a Entry,
    quota: &'a Quota,
}

/// Of one integration all; of the whole board the tightest of each, the tightest first.
fn budgets<'a>(series: &Series, snapshot: &'a Snapshot) -> Vec<Budget<'a>> {
    let quotas = |entry: &'a Entry| entry.outcome.as_ref().map(|o| o.quotas.as_slice()).unwrap_or_default();
    match &series.request.id {
        Some(id) => {
            let Some(entry) = snapshot.entries.get(id) else { return Vec::new() };
            quotas(entry).iter().map(|quota| Budget { entry, quota }).collect()
        }
        None => {
            let mut out: Vec<_> = snapshot
                .entries
                .values()
                .filter_map(|entry| Some((quota_bar::tightest(quotas(entry))?, entry)))
                .map(|((quota, share), entry)| (share, Budget { entry, quota }))
                .collect();
            out.sort_by(|a, b| a.0.total_cmp(&b.0));
            out.into_iter().map(|(_, budget)| budget).collect()
        }
    }
}

/// Rows wanted, of `room` there are.
pub fn height(series: &Series, snapshot: &Snapshot, room: u16) -> u16 {
    let longest = budgets(series, snapshot).len().max(series.incidents.len()).clamp(1, ROWS);
    let wanted = u16::try_from(longest).unwrap_or(1) + 1;
    // The charts keep two thirds.
    if room < 8 { 0 } else { wanted.min(room / 3) }
}

/// Draws both.
pub fn draw(frame: &mut Frame<'_>, area: Rect, series: &Series, snapshot: &Snapshot, now: Timestamp, theme: &Theme) {
    if area.height < 2 {
        return;
    }
    if area.width >= BESIDE {
        let [left, _, right] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(2), Constraint::Fill(1)]).areas(area);
        quotas(frame, left, series, snapshot, now, theme);
        incidents(frame, right, series, snapshot, now, theme);
    } else {
        incidents(frame, area, series, snapshot, now, theme);
    }
}

fn table(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'static>>, none: &'static str, theme: &Theme) {
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let hidden = lines.len().saturating_sub(body.height.into());
    let word = if hidden > 0 { format!("{hidden} more") } else { String::new() };
    frame.render_widget(section(title, &word, head.width.into(), theme), head);
    if lines.is_empty() {
        frame.render_widget(Line::from(Span::styled(format!("   {none}"), theme.style(Role::Dim))), body);
    }
    for (line, row) in lines.into_iter().zip(body.rows()) {
        frame.render_widget(line, row);
    }
}

fn quotas(frame: &mut Frame<'_>, area: Rect, series: &Series, snapshot: &Snapshot, now: Timestamp, theme: &Theme) {
    let width = usize::from(area.width);
    let whole_board = series.request.id.is_none();
    let lines = budgets(series, snapshot).iter().map(|b| quota_line(b, whole_board, width, now, theme)).collect();
    table(frame, area, "Quotas", lines, "none is told of", theme);
}

fn quota_line(budget: &Budget<'_>, whole_board: bool, width: usize, now: Timestamp, theme: &Theme) -> Line<'static> {
    let quota = budget.quota;
    let name = if whole_board { &budget.entry.integration.name } else { &quota.name };
    let (label, rest) = if width >= 56 { (16, 36) } else { (11, 12) };
    let bar = width.saturating_sub(label + rest + 11).clamp(4, 16);
    let share = quota.share_left();
    let mut spans =
        vec![Span::styled(format!("   {} ", text::left(name, label, theme.unicode)), theme.style(Role::Text))];
    match share {
        Some(share) => spans.extend(quota_bar::bar(share, bar, theme)),
        None => spans.push(Span::styled(text::left("-", bar, theme.unicode), theme.style(Role::Dim))),
    }
    let left = quota.left.map_or_else(|| "-".to_owned(), quota_bar::number);
    let percent = share.map_or_else(|| left.clone(), |share| format!("{}%", quota_bar::percent(share)));
    spans.push(Span::styled(format!(" {}", text::right(&percent, 4, theme.unicode)), theme.style(Role::Text)));
    let mut words = Vec::new();
    words.extend(quota.resets.map(|at| format!("full {}", time::until(at, now))));
    if width >= 56 {
        let limit = quota.limit.map_or_else(|| "-".to_owned(), quota_bar::number);
        words.insert(0, format!("{left}/{limit} {}", quota.unit).trim_end().to_owned());
    }
    // How we know is said when it is less than the service's own word.
    match quota.provenance {
        Provenance::Reported => {}
        Provenance::Derived => words.push("derived".to_owned()),
        Provenance::Estimated => words.push("estimated".to_owned()),
    }
    if now.as_second() - quota.at.as_second() > OLD {
        words.push(format!("{} old", time::age(quota.at, now)));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    let words = words.join(theme.symbol(" · ", " | "));
    spans.push(Span::styled(
        format!("  {}", text::cut(&words, width.saturating_sub(used + 2), theme.unicode)),
        theme.style(Role::Dim),
    ));
    Line::from(spans)
}

fn incidents(frame: &mut Frame<'_>, area: Rect, series: &Series, snapshot: &Snapshot, now: Timestamp, theme: &Theme) {
    let width = usize::from(area.width);
    let whole_board = series.request.id.is_none();
    let lines = series.incidents.iter().map(|i| incident_line(i, whole_board, snapshot, width, now, theme)).collect();
    table(frame, area, "Incidents", lines, "none in this span", theme);
}

fn incident_line(
    incident: &Incident,
    whole_board: bool,
    snapshot: &Snapshot,
    width: usize,
    now: Timestamp,
    theme: &Theme,
) -> Line<'static> {
    let status = incident.cause.status();
    let (mark, style) = match incident.closed {
        None => (lamp::symbol(status, theme), lamp::style(status, theme)),
        Some(_) => (theme.symbol("○", "[ ]"), theme.style(Role::Dim)),
    };
    let length = match incident.closed {
        None => format!("open {}", time::lasting(incident.opened, now)),
        Some(closed) => time::lasting(incident.opened, closed),
    };
    let when = time::ago(incident.opened, now);
    let who = if whole_board {
        let name = snapshot.entries.get(&incident.integration).map(|e| e.integration.name.as_str());
        format!("{}: ", name.unwrap_or_else(|| incident.integration.as_str()))
    } else {
        String::new()
    };
    let tail = if incident.closed.is_some() { format!("{length}, {when}") } else { length };
    let tail = text::cut(&tail, width / 2, theme.unicode);
    let head = Line::from(mark).width() + 2;
    let room = width.saturating_sub(head + Line::from(tail.as_str()).width() + 2);
    let body = text::left(&format!("{who}{}", incident.cause.label()), room, theme.unicode);
    let role = if incident.closed.is_none() { Role::Text } else { Role::Dim };
    Line::from(vec![
        Span::raw(" "),
        Span::styled(mark, style),
        Span::raw(" "),
        Span::styled(body, theme.style(role)),
        Span::raw("  "),
        Span::styled(tail, theme.style(Role::Dim)),
    ])
}
