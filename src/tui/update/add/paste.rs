//! What a bracketed paste becomes: white space around it left out, line breaks inside refused, both said.

/// A paste made fit for a field of one line.
#[derive(Debug, PartialEq, Eq)]
pub enum Pasted<'a> {
    /// Take this; `true`: something around it was left out.
    Line(&'a str, bool),
    /// Take nothing: why.
    Refused(String),
}

/// Fits a paste to one line. The sentence never quotes it: it may be a secret.
pub fn line(text: &str) -> Pasted<'_> {
    let trimmed = text.trim();
    let lines = breaks(trimmed) + 1;
    if trimmed.is_empty() {
        Pasted::Refused("nothing pasted: there was only white space".to_owned())
    } else if lines > 1 {
        Pasted::Refused(format!("not pasted: it has {lines} lines, and one is wanted here. Copy the line alone."))
    } else if trimmed.chars().any(char::is_control) {
        Pasted::Refused("not pasted: it holds control characters. Copy the text alone.".to_owned())
    } else {
        Pasted::Line(trimmed, trimmed.len() != text.len())
    }
}

/// The lines of a paste, without empty ones, for a list.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\r', '\n']).map(str::trim).filter(|l| !l.is_empty())
}

/// Line breaks, where `\r\n` is one.
fn breaks(text: &str) -> usize {
    let pairs = text.matches("\r\n").count();
    text.matches(['\r', '\n']).count() - pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_is_left_out_and_said() {
        assert_eq!(line("abc"), Pasted::Line("abc", false));
        assert_eq!(line("  abc\r\n"), Pasted::Line("abc", true));
        assert_eq!(line("\u{a0}a b\t"), Pasted::Line("a b", true));
    }

    #[test]
    fn several_lines_are_refused_without_quoting_them() {
        for text in ["a\nb", "a\r\nb", "a\rb", "x\x1b[0m", "   ", ""] {
            match line(text) {
                Pasted::Refused(why) => assert!(!why.contains('\x1b')),
                taken => panic!("{text:?} was taken: {taken:?}"),
            }
        }
        assert!(
            matches!(line("canary\r\ncanary"), Pasted::Refused(why) if why.contains("2 lines") && !why.contains("canary"))
        );
        assert_eq!(lines(" a\r\n\r\nb \n").collect::<Vec<_>>(), ["a", "b"]);
    }
}
