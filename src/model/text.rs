//! The one sanitiser at the trust boundary: every text from outside passes here
//! before it is kept, shown or printed.

use unicode_width::UnicodeWidthChar;

/// Makes text from outside harmless for a terminal and a log: control characters
/// become visible symbols, direction overrides and invisible tags become `U+FFFD`,
/// runs of combining marks are cut, and the result is at most `max` bytes plus an ellipsis.
pub fn sanitize(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    let mut zero_width = 0;
    for c in text.chars() {
        if out.len() >= max {
            out.push('…');
            break;
        }
        let c = match c {
            '\t' => ' ',
            '\n' | '\r' => '\u{2424}',
            c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            '\x7f' => '\u{2421}',
            c if c.is_control() => '\u{fffd}',
            '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{061c}'
            | '\u{feff}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
            c => c,
        };
        if c.width() == Some(0) {
            zero_width += 1;
            if zero_width > 4 {
                continue;
            }
        } else {
            zero_width = 0;
        }
        out.push(c);
    }
    out
}

/// The same for a text of many lines: line breaks stay.
pub fn sanitize_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|l| sanitize(l.trim_end_matches('\r'), usize::MAX)).collect();
    lines.join("\n")
}

/// A duration for a person, its two largest units: `45s`, `5m`, `1h 30m`, `3d 2h`.
pub fn span(duration: std::time::Duration) -> String {
    let s = duration.as_secs();
    let two = |big: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big}{unit}"),
        small => format!("{big}{unit} {small}{small_unit}"),
    };
    match s {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{s}s"),
        60..3600 => two(s / 60, "m", s % 60, "s"),
        3600..86_400 => two(s / 3600, "h", s % 3600 / 60, "m"),
        _ => two(s / 86_400, "d", s % 86_400 / 3600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::{sanitize, span};
    use std::time::Duration;

    #[test]
    fn spans_read_like_a_person_writes_them() {
        for (seconds, text) in [(45, "45s"), (300, "5m"), (5400, "1h 30m"), (86_400, "1d"), (266_400, "3d 2h")] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(span(Duration::from_millis(250)), "250ms");
    }

    #[test]
    fn control_and_direction_characters_become_visible() {
        let clean = sanitize("ok\x1b]52;c;AA\x07\r\n\u{202e}x\u{9b}31m", 200);
        assert!(!clean.chars().any(char::is_control), "{clean:?}");
        assert!(!clean.contains('\u{202e}'));
    }

    #[test]
    fn length_and_combining_marks_are_bounded() {
        let zalgo: String = std::iter::once('a').chain(std::iter::repeat_n('\u{301}', 1000)).collect();
        assert_eq!(sanitize(&zalgo, 300).chars().count(), 5);
        assert!(sanitize(&"é".repeat(500), 20).len() <= 20 + 4);
    }
}
