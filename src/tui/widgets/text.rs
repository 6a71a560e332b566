//! Fitting text into columns: cut with an ellipsis, padded, wrapped at words, aligned right.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// `1 request`, `2 requests`.
pub fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `text` in at most `width` columns; what is cut shows as `…` (`~` without Unicode).
pub fn cut(text: &str, width: usize, unicode: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    if width == 0 {
        return String::new();
    }
    let (mut out, mut used) = (String::new(), 0);
    for piece in text.graphemes(true) {
        let w = piece.width();
        if used + w > width - 1 {
            break;
        }
        out.push_str(piece);
        used += w;
    }
    out.push_str(if unicode { "…" } else { "~" });
    out
}

/// Cut or filled with blanks to exactly `width` columns.
pub fn left(text: &str, width: usize, unicode: bool) -> String {
    let mut out = cut(text, width, unicode);
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(out.width())));
    out
}

/// Like [`left`], with the blanks in front.
pub fn right(text: &str, width: usize, unicode: bool) -> String {
    let text = cut(text, width, unicode);
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}

/// Lines of at most `width` columns, broken at blanks where there are any.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    if width == 0 {
        return Vec::new();
    }
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split_whitespace() {
        let w = word.width();
        if used > 0 && used + 1 + w <= width {
            line.push(' ');
            line.push_str(word);
            used += 1 + w;
            continue;
        }
        if used > 0 {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for piece in word.graphemes(true) {
            let w = piece.width();
            if used > 0 && used + w > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if w <= width {
                line.push_str(piece);
                used += w;
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_fits_whatever_its_width() {
        for text in [
            "",
            "short",
            "a longer text",
            "日本語テキスト",
            "e\u{301}clair \u{1f926}\u{1f3fc}\u{200d}\u{2642}\u{fe0f} x",
        ] {
            for width in 0..20 {
                assert!(cut(text, width, true).width() <= width, "{text:?} {width}");
                assert_eq!(left(text, width, true).width(), width, "{text:?} {width}");
                assert_eq!(right(text, width, false).width(), width, "{text:?} {width}");
                assert!(wrap(text, width).iter().all(|l| l.width() <= width), "{text:?} {width}");
            }
        }
    }

    #[test]
    fn wrapping_breaks_at_blanks_and_loses_no_word() {
        assert_eq!(wrap("create a new token", 8), ["create a", "new", "token"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
    }
}
