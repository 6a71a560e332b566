//! Recent checks in one row of characters: height is latency, a failure is a mark, no check is a gap.

use crate::{
    model::{CheckRow, Status},
    tui::{
        theme::{Role, Theme},
        widgets::lamp,
    },
};
use ratatui::text::{Line, Span};
use std::time::Duration;

const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII: [&str; 8] = ["_", "_", ".", ".", "-", "-", "=", "="];

/// Latencies scaled to eight steps between zero and the largest; `None` stays a gap.
pub fn steps(values: &[Option<Duration>]) -> Vec<Option<usize>> {
    let max = values.iter().flatten().max().copied().unwrap_or_default().as_micros().max(1);
    values.iter().map(|v| v.map(|v| usize::try_from(v.as_micros() * 7 / max).unwrap_or(7).min(7))).collect()
}

/// The latest `width` checks, oldest first, right-aligned. A check that was not active shows the mark of its status in its
/// colour, as latency says nothing then; where there is no check there is a blank.
pub fn recent(rows: &[CheckRow], width: usize, theme: &Theme) -> Line<'static> {
    let rows = &rows[rows.len().saturating_sub(width)..];
    let latencies: Vec<_> = rows.iter().map(|r| if r.status() == Status::Active { r.latency } else { None }).collect();
    let mut spans = vec![Span::raw(" ".repeat(width - rows.len()))];
    for (row, step) in rows.iter().zip(steps(&latencies)) {
        spans.push(match (row.status(), step) {
            (Status::Active, Some(step)) => {
                Span::styled(theme.symbol(BARS[step], ASCII[step]).to_owned(), theme.style(Role::Chart))
            }
            (Status::Active, None) => Span::styled("-", theme.style(Role::Chart)),
            (status, _) => Span::styled(mark(status, theme), lamp::style(status, theme)),
        });
    }
    Line::from(spans)
}

/// The latest `width` numbers, oldest first, right-aligned, from the least at the bottom to the most at the top.
pub fn curve(values: &[f64], width: usize, theme: &Theme) -> Line<'static> {
    let values = &values[values.len().saturating_sub(width)..];
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut text = " ".repeat(width - values.len());
    for value in values {
        // A level line stands in the middle: it has no least and most.
        let share = if most > least { (value - least) / (most - least) } else { 0.5 };
        let step = ((share * 7.0).round() as usize).min(7);
        text.push_str(theme.symbol(BARS[step], ASCII[step]));
    }
    Line::from(Span::styled(text, theme.style(Role::Chart)))
}

/// A one-column mark of a status.
pub fn mark(status: Status, theme: &Theme) -> &'static str {
    let (unicode, ascii) = match status {
        Status::Active => ("●", "*"),
        Status::RateLimited => ("◐", "~"),
        Status::Unauthorized => ("▲", "!"),
        Status::Error => ("✖", "x"),
        Status::Inactive => (" ", " "),
    };
    theme.symbol(unicode, ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;

    #[test]
    fn gaps_stay_gaps_and_failures_are_marked() {
        let theme = Theme::new("plain", Default::default(), true);
        let row = |cause, ms: Option<u64>| CheckRow {
            at: jiff::Timestamp::UNIX_EPOCH,
            cause,
            latency: ms.map(Duration::from_millis),
            code: None,
        };
        let rows = [
            row(Cause::Ok, Some(10)),
            row(Cause::Paused, None),
            row(Cause::ServerError, Some(9000)),
            row(Cause::Ok, Some(80)),
        ];
        let text: String = recent(&rows, 6, &theme).spans.iter().map(|s| s.content.to_string()).collect();
        assert_eq!(text, "  ▁ ✖█");
        let curve: String = curve(&[5.0, -5.0, 0.0], 4, &theme).spans.iter().map(|s| s.content.to_string()).collect();
        assert_eq!(curve, " █▁▅");
        let cut: String = recent(&rows, 2, &theme).spans.iter().map(|s| s.content.to_string()).collect();
        assert_eq!(cut, "✖█");
    }
}
