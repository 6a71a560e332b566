//! What is left of a budget, as a bar and in words.

use crate::{
    model::Quota,
    tui::theme::{Role, Theme},
};
use ratatui::text::Span;

/// The role of a share left: plenty, middling, nearly gone.
pub fn role(share: f64) -> Role {
    if share <= 0.10 {
        Role::QuotaLow
    } else if share <= 0.30 {
        Role::QuotaMiddle
    } else {
        Role::QuotaHigh
    }
}

/// A bar `width` columns wide, filled by the share left. Never looks empty above zero or full below one.
pub fn bar(share: f64, width: usize, theme: &Theme) -> Vec<Span<'static>> {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let mut full = (share * width as f64).round() as usize;
    if share > 0.0 && full == 0 && width > 0 {
        full = 1;
    }
    if share < 1.0 && full == width {
        full = width.saturating_sub(1).max(usize::from(share > 0.0 && width == 1));
    }
    let full = full.min(width);
    vec![
        Span::styled(theme.symbol("━", "#").repeat(full), theme.style(role(share))),
        Span::styled(theme.symbol("─", ".").repeat(width - full), theme.style(Role::Dim)),
    ]
}

/// Whole percent left: above zero never 0, below all never 100.
pub fn percent(share: f64) -> u8 {
    match (share * 100.0).round() {
        p if p <= 0.0 && share > 0.0 => 1,
        p if p >= 100.0 && share < 1.0 => 99,
        p => p.clamp(0.0, 100.0) as u8,
    }
}

/// The tightest quota: the one with the smallest share left.
pub fn tightest(quotas: &[Quota]) -> Option<(&Quota, f64)> {
    quotas.iter().filter_map(|q| q.share_left().map(|s| (q, s))).min_by(|a, b| a.1.total_cmp(&b.1))
}

/// A number as short as it can be told: `4999`, `12.5k`, `3.2M`, `0.42`.
pub fn number(value: f64) -> String {
    let trim = |text: String| match text.strip_suffix(".0") {
        Some(short) => short.to_owned(),
        None => text,
    };
    match value.abs() {
        v if !v.is_finite() => "-".to_owned(),
        v if v >= 1e9 => format!("{}G", trim(format!("{:.1}", value / 1e9))),
        v if v >= 1e6 => format!("{}M", trim(format!("{:.1}", value / 1e6))),
        v if v >= 1e4 => format!("{}k", trim(format!("{:.1}", value / 1e3))),
        v if v.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_exactly_as_wide_as_asked_and_honest_at_the_ends() {
        let theme = Theme::new("plain", Default::default(), true);
        for width in 0..12 {
            for share in [-1.0, 0.0, 0.001, 0.5, 0.999, 1.0, 7.0, f64::NAN] {
                let spans = bar(share, width, &theme);
                assert_eq!(spans.iter().map(|s| s.content.chars().count()).sum::<usize>(), width);
                if width > 1 && share > 0.0 && share < 1.0 {
                    assert!(spans.iter().all(|s| !s.content.is_empty()), "{share} {width}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        let of = [(4999.0, "4999"), (12_500.0, "12.5k"), (3e6, "3M"), (0.42, "0.42"), (1.5e10, "15G")];
        for (value, text) in of {
            assert_eq!(number(value), text);
        }
        assert_eq!((percent(0.001), percent(0.999), percent(0.5)), (1, 99, 50));
    }
}
