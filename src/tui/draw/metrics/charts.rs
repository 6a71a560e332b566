//! Request volume, success rate and latency over one time axis.

use super::section;
use crate::{
    model::Bucket,
    tui::{
        state::metrics::Series,
        theme::{Role, Theme},
        widgets::{
            chart::{self, Trace},
            quota_bar, text, time,
        },
    },
};
use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use std::time::Duration;

/// Columns left of the charts, for the scale.
const SCALE: u16 = 9;

/// Draws the charts that fit; volume first, then latency, then the success rate.
pub fn draw(frame: &mut Frame<'_>, area: Rect, series: &Series, theme: &Theme) {
    // Three titles and the time axis take a row each; what is left is shared out.
    let plots = area.height.saturating_sub(4);
    let (volume, rate, latency) = match plots {
        0 => (area.height.saturating_sub(1), 0, 0),
        1..=2 => (plots, 0, 0),
        3..=4 => (plots / 2, 0, plots - plots / 2 + 1),
        _ => {
            let rate = (plots / 5).clamp(1, 4);
            let volume = ((plots - rate) / 2).min(14);
            (volume, rate, (plots - rate - volume).min(18))
        }
    };
    let mut y = area.y;
    let mut rows = |n: u16| {
        let rect = Rect { x: area.x, y, width: area.width, height: n.min(area.bottom().saturating_sub(y)) };
        y = rect.bottom();
        rect
    };
    let titled = |frame: &mut Frame<'_>, row: Rect, title: &str, word: &str| {
        frame.render_widget(section(title, word, row.width.into(), theme), row);
    };
    titled(frame, rows(1), "Requests", &format!("{} good  {} failed", theme.symbol("█", "#"), theme.symbol("▒", "x")));
    volume_chart(frame, rows(volume), series, theme);
    if rate > 0 {
        titled(frame, rows(1), "Success rate", "");
        rate_chart(frame, rows(rate), series, theme);
    }
    if latency > 0 {
        let (low, high) = last_latencies(series);
        let word = |name: &str, t: Option<Duration>| format!("{name} {}", t.map_or("-".to_owned(), time::latency));
        let legend = if theme.unicode {
            format!("{}, {} above", word("p50", low), word("p95", high))
        } else {
            format!("* {}  + {}", word("p50", low), word("p95", high))
        };
        titled(frame, rows(1), "Latency", &legend);
        latency_chart(frame, rows(latency), series, theme);
    }
    axis(frame, rows(1), series, theme);
}

/// The chart beside its scale.
fn plot(area: Rect) -> Rect {
    Rect { x: area.x + SCALE.min(area.width), width: area.width.saturating_sub(SCALE + 1), ..area }
}

/// The scale's words at the top and the bottom row.
fn scale(frame: &mut Frame<'_>, area: Rect, top: &str, bottom: &str, theme: &Theme) {
    let width = usize::from(SCALE.min(area.width)).saturating_sub(2);
    let mut put = |text: &str, y: u16| {
        let line = Line::from(vec![
            Span::styled(text::right(text, width, theme.unicode), theme.style(Role::Dim)),
            Span::styled(theme.symbol(" ┤", " |"), theme.style(Role::Border)),
        ]);
        frame.render_widget(line, Rect { y, height: 1, width: SCALE.min(area.width), ..area });
    };
    for y in area.y..area.bottom() {
        put("", y);
    }
    if area.height > 1 {
        put(bottom, area.bottom() - 1);
    }
    if area.height > 0 {
        put(top, area.y);
    }
}

/// Buckets in their places; `None` where there was no check.
fn slots(series: &Series) -> Vec<Option<&Bucket>> {
    let request = &series.request;
    let step = i64::try_from(request.step.as_secs()).unwrap_or(1).max(1);
    let whole = request.to.as_second() - request.from.as_second();
    let count = usize::try_from(whole / step).unwrap_or(0).min(4096);
    let mut out = vec![None; count];
    for bucket in &series.buckets {
        let at = (bucket.start.as_second() - request.from.as_second()).div_euclid(step);
        if let Some(slot) = usize::try_from(at).ok().and_then(|at| out.get_mut(at)) {
            *slot = Some(bucket).filter(|b| b.total > 0);
        }
    }
    out
}

fn volume_chart(frame: &mut Frame<'_>, area: Rect, series: &Series, theme: &Theme) {
    let area_plot = plot(area);
    let slots = slots(series);
    // A screen narrower than the buckets are many takes several to a column.
    let group = slots.len().div_ceil(usize::from(area_plot.width).max(1)).max(1);
    let values: Vec<_> = slots
        .chunks(group)
        .map(|some| {
            let known: Vec<_> = some.iter().flatten().collect();
            let sum = |of: fn(&Bucket) -> u64| known.iter().map(|b| of(b)).fold(0, u64::saturating_add);
            (!known.is_empty()).then(|| (sum(|b| b.successful), sum(|b| b.total.saturating_sub(b.successful))))
        })
        .collect();
    let most = values.iter().flatten().map(|(g, f)| g.saturating_add(*f)).max().unwrap_or(0);
    // Counts are whole: a scale of 2.5 requests would be odd.
    let top = if most <= 5 { most.max(1) } else { chart::round_up(most as f64).ceil() as u64 };
    scale(frame, area, &quota_bar::number(top as f64), "0", theme);
    chart::bars(frame.buffer_mut(), area_plot, &values, top, theme);
}

/// Points of buckets, broken where more than two checks in a row are missing or a bucket has no value.
fn runs(series: &Series, top: f64, bottom: f64, value: impl Fn(&Bucket) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
    let request = &series.request;
    let whole = (request.to.as_second() - request.from.as_second()).max(1) as f64;
    let step = request.step.as_secs_f64();
    let reach = (step * 1.5).max(request.interval.as_secs_f64() * 2.5);
    let mut out: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut last: Option<Timestamp> = None;
    for bucket in series.buckets.iter().filter(|b| b.total > 0) {
        let Some(value) = value(bucket) else {
            last = None;
            continue;
        };
        let since = (bucket.start.as_second() - request.from.as_second()) as f64;
        let x = (since + step / 2.0) / whole;
        let point = (x, if top > bottom { (value - bottom) / (top - bottom) } else { 0.0 });
        let near = last.is_some_and(|at| (bucket.start.as_second() - at.as_second()) as f64 <= reach);
        match out.last_mut().filter(|_| near) {
            Some(run) => run.push(point),
            None => out.push(vec![point]),
        }
        last = Some(bucket.start);
    }
    out
}

fn success(bucket: &Bucket) -> Option<f64> {
    (bucket.total > 0).then(|| bucket.successful as f64 / bucket.total as f64 * 100.0)
}

fn rate_chart(frame: &mut Frame<'_>, area: Rect, series: &Series, theme: &Theme) {
    let least = series.buckets.iter().filter_map(success).fold(100.0, f64::min);
    let bottom = [90.0, 50.0, 0.0].into_iter().find(|b| *b <= least).unwrap_or(0.0);
    // One row cannot hold a scale of two ends: it says where it ends.
    let ends = if area.height > 1 {
        ("100%".to_owned(), format!("{bottom:.0}%"))
    } else {
        (super::percent(least / 100.0), String::new())
    };
    scale(frame, area, &ends.0, &ends.1, theme);
    let runs = runs(series, 100.0, bottom, success);
    chart::lines(frame.buffer_mut(), plot(area), &[Trace { runs: &runs, role: Role::Good, ascii: "*" }], theme);
}

fn last_latencies(series: &Series) -> (Option<Duration>, Option<Duration>) {
    let last = series.buckets.iter().rev().find(|b| b.p50.is_some());
    (last.and_then(|b| b.p50), last.and_then(|b| b.p95))
}

fn latency_chart(frame: &mut Frame<'_>, area: Rect, series: &Series, theme: &Theme) {
    let seconds = |t: Option<Duration>| t.map(|t| t.as_secs_f64());
    let most = series.buckets.iter().filter_map(|b| seconds(b.p95.max(b.p50))).fold(0.0, f64::max);
    let top = chart::round_up(most.max(0.001));
    let word = Duration::try_from_secs_f64(top).map(time::latency).unwrap_or_default();
    scale(frame, area, &word, "0", theme);
    let high = runs(series, top, 0.0, |b| seconds(b.p95));
    let low = runs(series, top, 0.0, |b| seconds(b.p50));
    let traces = [
        Trace { runs: &high, role: Role::ChartSecond, ascii: "+" },
        Trace { runs: &low, role: Role::Chart, ascii: "*" },
    ];
    chart::lines(frame.buffer_mut(), plot(area), &traces, theme);
}

/// How long ago the ends and the middle are.
fn axis(frame: &mut Frame<'_>, area: Rect, series: &Series, theme: &Theme) {
    let area = plot(area);
    let whole = (series.request.to.as_second() - series.request.from.as_second()).max(0);
    let words = |seconds: i64| match seconds {
        s if s >= 48 * 3600 => format!("{} d ago", s / 86_400),
        s if s >= 3600 => format!("{} h ago", s / 3600),
        s => format!("{} m ago", s / 60),
    };
    let style = theme.style(Role::Dim);
    let put = |frame: &mut Frame<'_>, line: Line<'static>| frame.render_widget(line.style(style), area);
    put(frame, Line::from(words(whole)));
    if area.width >= 40 {
        put(frame, Line::from(words(whole / 2)).centered());
    }
    put(frame, Line::from("now").right_aligned());
}
