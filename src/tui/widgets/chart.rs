//! Small charts: stacked bars in eighths of a cell, lines in Braille dots, both with a plain ASCII shape. Where nothing
//! is known there is nothing drawn.

use crate::tui::theme::{Role, Theme};
use ratatui::{buffer::Buffer, layout::Rect};

const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Bars, one pair (good, failed) per column of the chart's own scale; `None`: no check.
/// Failed ones stand on the good ones in another texture, so that colour is not needed to tell them apart.
pub fn bars(buffer: &mut Buffer, area: Rect, values: &[Option<(u64, u64)>], top: u64, theme: &Theme) {
    if area.is_empty() || top == 0 {
        return;
    }
    let rows = u64::from(area.height);
    for x in 0..area.width {
        let Some(index) = index(x, area.width, values.len()) else { continue };
        let Some((good, failed)) = values[index] else { continue };
        let scale = |n: u64, units: u64| (n.min(top) as f64 / top as f64 * units as f64).round() as u64;
        // What happened is never too little to be seen.
        let failed_cells = if failed > 0 { scale(failed, rows).max(1) } else { 0 };
        let good_units = scale(good, rows * 8).max(u64::from(good > 0)).min(rows.saturating_sub(failed_cells) * 8);
        let good_cells = good_units.div_ceil(8);
        for row in 0..rows {
            let y = area.bottom() - 1 - u16::try_from(row).unwrap_or(0);
            let (symbol, role) = if row < good_cells {
                let units = usize::try_from((good_units - row * 8).min(8)).unwrap_or(8);
                (theme.symbol(EIGHTHS[units], "#"), Role::Chart)
            } else if row < good_cells + failed_cells {
                (theme.symbol("▒", "x"), Role::Error)
            } else {
                continue;
            };
            if let Some(cell) = buffer.cell_mut((area.x + x, y)) {
                cell.set_symbol(symbol).set_style(theme.style(role));
            }
        }
    }
}

/// Which value stands in column `x` of `width`.
fn index(x: u16, width: u16, count: usize) -> Option<usize> {
    let at = (usize::from(x) * 2 + 1) * count / (usize::from(width).max(1) * 2);
    (at < count).then_some(at)
}

/// A line: points from left to right, each at a place between 0 and 1, broken where the run is.
pub struct Trace<'a> {
    /// Runs of points; between two runs nothing is drawn.
    pub runs: &'a [Vec<(f64, f64)>],
    /// Its colour.
    pub role: Role,
    /// Its mark without Unicode.
    pub ascii: &'static str,
}

/// Lines over a common scale, the later above the earlier.
pub fn lines(buffer: &mut Buffer, area: Rect, traces: &[Trace<'_>], theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    let (per_column, per_row) = if theme.unicode { (2, 4) } else { (1, 1) };
    let (width, height) = (columns * per_column, rows * per_row);
    let mut dots = vec![0u8; columns * rows];
    let mut owner: Vec<Option<usize>> = vec![None; columns * rows];
    for (which, trace) in traces.iter().enumerate() {
        for run in trace.runs {
            let points: Vec<_> = run.iter().map(|(x, y)| (place(*x, width), height - 1 - place(*y, height))).collect();
            let mut dot = |x: usize, y: usize| {
                let at = y / per_row * columns + x / per_column;
                dots[at] |= BRAILLE[x % per_column][y % per_row];
                owner[at] = Some(which);
            };
            if let [(x, y)] = points[..] {
                dot(x, y);
            }
            for pair in points.windows(2) {
                segment(pair[0], pair[1], &mut dot);
            }
        }
    }
    for (at, which) in owner.into_iter().enumerate() {
        let Some(trace) = which.and_then(|w| traces.get(w)) else { continue };
        let (x, y) = (at % columns, at / columns);
        let place = (area.x + u16::try_from(x).unwrap_or(0), area.y + u16::try_from(y).unwrap_or(0));
        let Some(cell) = buffer.cell_mut(place) else { continue };
        if theme.unicode {
            cell.set_char(char::from_u32(0x2800 + u32::from(dots[at])).unwrap_or(' '));
        } else {
            cell.set_symbol(trace.ascii);
        }
        cell.set_style(theme.style(trace.role));
    }
}

/// The bit of each dot of a Braille cell, by column and row.
const BRAILLE: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

fn place(share: f64, count: usize) -> usize {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    (share * (count.saturating_sub(1)) as f64).round() as usize
}

/// A straight segment, one dot per step along its longer side.
fn segment(a: (usize, usize), b: (usize, usize), dot: &mut impl FnMut(usize, usize)) {
    let steps = a.0.abs_diff(b.0).max(a.1.abs_diff(b.1)).max(1);
    let between = |from: usize, to: usize, i: usize| {
        (from as f64 + (to as f64 - from as f64) * i as f64 / steps as f64).round() as usize
    };
    for i in 0..=steps {
        dot(between(a.0, b.0, i), between(a.1, b.1, i));
    }
}

/// The next number of one or two round digits that is not below `value`.
pub fn round_up(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|m| *m >= value * 0.999_999)
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(buffer: &Buffer) -> Vec<String> {
        let area = buffer.area;
        (area.y..area.bottom())
            .map(|y| (area.x..area.right()).map(|x| buffer[(x, y)].symbol()).collect::<String>())
            .collect()
    }

    #[test]
    fn bars_stack_and_gaps_stay_empty() {
        let theme = Theme::new("plain", Default::default(), true);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 2));
        let area = buffer.area;
        bars(&mut buffer, area, &[Some((8, 0)), None, Some((4, 4)), Some((100, 1))], 8, &theme);
        assert_eq!(text(&buffer), ["█ ▒▒", "█ ██"]);
    }

    #[test]
    fn a_lone_point_is_seen_and_a_broken_line_is_broken() {
        let theme = Theme::new("plain", Default::default(), false);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 5, 1));
        let area = buffer.area;
        let runs = [vec![(0.0, 0.0), (0.25, 0.0)], vec![(1.0, 0.0)]];
        lines(&mut buffer, area, &[Trace { runs: &runs, role: Role::Chart, ascii: "*" }], &theme);
        assert_eq!(text(&buffer), ["**  *"]);
    }

    #[test]
    fn scales_are_round() {
        for (value, up) in
            [(0.0, 1.0), (0.9, 1.0), (3.0, 3.0), (21.0, 25.0), (51.0, 60.0), (100.0, 100.0), (f64::NAN, 1.0)]
        {
            assert!((round_up(value) - up).abs() < 1e-9, "{value}");
        }
    }

    proptest! {
        #[test]
        fn nothing_leaves_its_area(
            width in 0u16..30, height in 0u16..9, unicode: bool, top in 0u64..20,
            values in proptest::collection::vec(proptest::option::of((0u64..30, 0u64..30)), 0..40),
            points in proptest::collection::vec((-1.0f64..2.0, -1.0f64..2.0), 0..9),
        ) {
            let theme = Theme::new("plain", Default::default(), unicode);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 32, 11));
            let area = Rect::new(1, 1, width, height);
            bars(&mut buffer, area, &values, top, &theme);
            lines(&mut buffer, area, &[Trace { runs: &[points], role: Role::Chart, ascii: "*" }], &theme);
            for y in 0..11 {
                for x in 0..32 {
                    let inside = area.contains((x, y).into());
                    prop_assert!(inside || buffer[(x, y)].symbol() == " ");
                }
            }
        }
    }
}
