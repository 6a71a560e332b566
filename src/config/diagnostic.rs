//! A complaint about a file that a person can act on: file, line, column, what to write instead.

use crate::model::text::sanitize;
use std::{
    ops::Range,
    path::{Path, PathBuf},
};

const MASK: &str = "••••••••";
/// Longer words are taken for secrets even where a key is expected.
const LONGEST_KEY: usize = 40;
const LONGEST_LINE: usize = 160;

/// One complaint. Its `Display` is `config.toml:3:1: unknown key 'intervall' …`, followed by the source line with a
/// caret, in which anything between quotes is masked (a pasted secret must not be echoed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file.
    pub file: PathBuf,
    /// 1-based; 0 if it concerns the whole file.
    pub line: usize,
    /// 1-based; 0 if it concerns the whole line.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
    /// The masked source line.
    pub source: Option<String>,
}

impl Diagnostic {
    /// A complaint about the file as a whole.
    pub fn whole(file: &Path, message: impl Into<String>) -> Diagnostic {
        Diagnostic { file: file.to_owned(), line: 0, column: 0, message: message.into(), source: None }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&sanitize(&self.file.to_string_lossy(), 4096))?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(source) = &self.source {
            let number = self.line.to_string();
            write!(f, "\n  {number} | {source}")?;
            if self.column > 0 {
                write!(f, "\n  {:width$} | {:indent$}^", "", "", width = number.len(), indent = self.column - 1)?;
            }
        }
        Ok(())
    }
}

/// A file's text with an index of its lines, so that thousands of positions are cheap.
pub(super) struct Source<'a> {
    file: &'a Path,
    text: &'a str,
    starts: Vec<usize>,
    has_long_strings: bool,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let has_long_strings = text.contains("\"\"\"") || text.contains("'''");
        Source { file, text, starts, has_long_strings }
    }

    /// Line and column, 1-based, in characters.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset);
        (line, self.text[self.starts[line - 1]..offset].chars().count() + 1)
    }

    pub(super) fn complaint(&self, span: Option<Range<usize>>, message: impl Into<String>) -> Diagnostic {
        let Some(span) = span else { return Diagnostic::whole(self.file, message) };
        let (line, column) = self.position(span.start);
        let start = self.starts[line - 1];
        let end = self.starts.get(line).map_or(self.text.len(), |next| next - 1);
        let inside = self.has_long_strings && {
            let before = &self.text[..start];
            before.matches("\"\"\"").count() % 2 == 1 || before.matches("'''").count() % 2 == 1
        };
        let shown = self.text[start..end].trim_end();
        let source = (!inside && column <= LONGEST_LINE && !shown.is_empty()).then(|| mask(shown, column - 1));
        Diagnostic { file: self.file.to_owned(), line, column, message: message.into(), source }
    }
}

/// The line with every value hidden: what stands in quotes, and every bare word that is neither a key, a number nor a
/// boolean (an unquoted token is a usual mistake). Before the caret a mask is as wide as what it hides, so that the
/// caret stays right; after it all masks are alike. Comments are dropped.
fn mask(line: &str, caret: usize) -> String {
    let chars: Vec<char> = line.chars().take(LONGEST_LINE).collect();
    // What the cut leaves of a long word must not pass for a short one.
    let cut_word = line.chars().nth(LONGEST_LINE).is_some_and(is_word);
    let mut header = line.trim_start().starts_with('[');
    let mut out = String::new();
    let hide = |out: &mut String, range: Range<usize>| {
        if range.end <= caret {
            out.extend(range.map(|_| '•'));
        } else if range.start < caret {
            out.extend((range.start..caret).map(|_| '•'));
            out.push_str(MASK);
        } else if !range.is_empty() {
            out.push_str(MASK);
        }
    };
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if c == '#' {
            break;
        } else if c == '"' || c == '\'' {
            header = false;
            let mut end = at + 1;
            while end < chars.len() && chars[end] != c {
                end += if c == '"' && chars[end] == '\\' { 2 } else { 1 };
            }
            let end = end.min(chars.len());
            out.push(c);
            hide(&mut out, at + 1..end);
            if end < chars.len() {
                out.push(c);
            }
            at = end + 1;
        } else if is_word(c) {
            let end = (at..chars.len()).find(|i| !is_word(chars[*i])).unwrap_or(chars.len());
            let word: String = chars[at..end].iter().collect();
            let whole = end < chars.len() || !cut_word;
            if whole && word.len() <= LONGEST_KEY && (header || is_key(&chars[end..]) || is_literal(&word)) {
                out.push_str(&word);
            } else {
                hide(&mut out, at..end);
            }
            at = end;
        } else {
            // A table's name ends here; what follows is no part of it.
            header &= !matches!(c, ']' | '=' | '{' | ',');
            out.push_str(&sanitize(c.encode_utf8(&mut [0; 4]), 8));
            at += 1;
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// A name from the file as a complaint may repeat it: masked when it is so long that it may be a misplaced secret.
pub fn shown_name(name: &str) -> String {
    if name.len() <= LONGEST_KEY { sanitize(name, 2 * LONGEST_KEY) } else { MASK.to_owned() }
}

/// Every character that is not TOML's own punctuation: an unquoted secret may hold any.
fn is_word(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !matches!(c, '=' | '[' | ']' | '{' | '}' | ',' | '#' | '"' | '\'')
}

/// Whether a single `=` with a value follows (`==` at the end is base64 padding).
fn is_key(rest: &[char]) -> bool {
    let mut rest = rest.iter().skip_while(|c| c.is_whitespace());
    rest.next() == Some(&'=') && rest.find(|c| !c.is_whitespace()).is_some_and(|c| *c != '=')
}

fn is_literal(word: &str) -> bool {
    matches!(word, "true" | "false" | "inf" | "nan")
        || (word.len() <= 20 && word.bytes().all(|b| b.is_ascii_digit() || b"+-_.:".contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_and_keys_are_not() {
        assert_eq!(mask("token = \"ghp_hunter2\" # old: hunter2", 0), "token = \"••••••••\"");
        assert_eq!(mask("token = hunter2", 0), "token = ••••••••");
        assert_eq!(
            mask("fields = { token = 'hunter2', retries = 3 }", 0),
            "fields = { token = '••••••••', retries = 3 }"
        );
        assert_eq!(mask("token = \"hun\\\"ter2", 0), "token = \"••••••••");
        assert_eq!(mask("hunter2==", 0), "••••••••==");
        assert_eq!(mask("[integrations.git hub]", 0), "[integrations.git hub]");
        assert_eq!(mask(&format!("{}=1", "a".repeat(50)), 0), "••••••••=1");
    }

    #[test]
    fn the_rest_of_a_long_word_is_not_taken_for_a_name() {
        let secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyz0123";
        let cut = mask(&format!("[{}{secret}]", "a ".repeat(70)), 0);
        assert!(!cut.contains("ghp_"), "{cut}");
        for line in
            [format!("[a]{}", &secret[..30]), format!("[\"x\"{}", &secret[..30]), format!("[a, {}", &secret[..30])]
        {
            assert!(!mask(&line, 0).contains("ghp_"), "{line} gives {}", mask(&line, 0));
        }
        assert_eq!((shown_name(secret), shown_name("tok\ten")), (MASK.to_owned(), "tok en".to_owned()));
    }

    #[test]
    fn the_caret_stands_under_what_is_meant() {
        let file = PathBuf::from("config.toml");
        let text = "[board]\na = \"é€\", bad\n";
        let at = text.find("bad").expect("it is there");
        let shown = Source::new(&file, text).complaint(Some(at..at + 3), "no").to_string();
        assert_eq!(shown, "config.toml:2:11: no\n  2 | a = \"••\", ••••••••\n    |           ^");
    }

    #[test]
    fn inside_a_long_string_nothing_is_shown() {
        let text = "a = \"\"\"\nhunter2 = 1\n";
        let at = text.find("hunter2").expect("it is there");
        let complaint = Source::new(Path::new("c"), text).complaint(Some(at..at), "no");
        assert_eq!((complaint.line, complaint.source), (2, None));
    }
}
