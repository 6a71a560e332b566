//! The one type that holds a secret: no `Display`, no `Serialize`, a redacting `Debug`, wiped on drop.

use std::fmt;
use zeroize::Zeroizing;

/// A credential in memory. Read it only where the request is built.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Secret(Zeroizing::new(text))
    }

    /// The secret itself. The long name makes every use easy to find.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is anything in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A hint that tells two credentials apart without giving one away:
    /// the last four characters of one that has at least twenty, else nothing.
    pub fn hint(&self) -> String {
        let count = self.0.chars().count();
        if count < 20 {
            return "••••••••".to_owned();
        }
        let tail: String = self.0.chars().skip(count - 4).collect();
        format!("••••{}", super::text::sanitize(&tail, 16))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(••••)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        a.len() == b.len() && a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y)) == 0
    }
}

impl Eq for Secret {}

/// A JSON object of several lines (a key file) in one line; `None`: it is none, or has no line breaks. In JSON those stand
/// between the texts, never inside one.
pub fn json_in_one_line(text: &str) -> Option<Zeroizing<String>> {
    let text = text.trim();
    let several = text.starts_with('{') && text.contains(['\n', '\r', '\t']);
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    (several && is_json()).then(|| Zeroizing::new(text.replace(['\n', '\r', '\t'], "")))
}

#[cfg(test)]
mod tests {
    use super::{Secret, json_in_one_line};

    #[test]
    fn a_key_file_is_put_into_one_line() {
        let line = json_in_one_line("\n{\r\n\t\"a\": \"x\\ny\"\n}\n").unwrap();
        assert_eq!(*line, "{\"a\": \"x\\ny\"}");
        for text in ["{\"a\":1}", "a\nb", "{\na", "{\"a\": \"x\ny\"}", ""] {
            assert!(json_in_one_line(text).is_none(), "{text}");
        }
    }

    #[test]
    fn debug_and_hint_do_not_show_it() {
        let secret = Secret::new("sk-abcdefghijklmnopqrstuvwx".into());
        assert!(!format!("{secret:?}").contains("abc"));
        assert_eq!(secret.hint(), "••••uvwx");
        assert_eq!(Secret::new("short".into()).hint(), "••••••••");
    }
}
