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

/// A file that is one secret though it has several lines, in one line: a JSON object (a key file; in JSON line breaks stand
/// between the texts, never inside one), or what begins with `-----BEGIN` (a `.creds` file), its lines joined by spaces.
/// `None`: it is neither, or has no line breaks. A private key in PEM is neither: nothing here takes one, so it is a mistake
/// to be told, not to be sent somewhere as a token.
pub fn file_in_one_line(text: &str) -> Option<Zeroizing<String>> {
    let text = text.trim();
    if !text.contains(['\n', '\r', '\t']) {
        return None;
    }
    if text.starts_with("-----BEGIN") && !text.contains("PRIVATE KEY-----") {
        let mut line = Zeroizing::new(String::with_capacity(text.len()));
        for word in text.split_ascii_whitespace() {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(space);
            line.push_str(word);
        }
        return Some(line);
    }
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    (text.starts_with('{') && is_json()).then(|| Zeroizing::new(text.replace(['\n', '\r', '\t'], "")))
}

#[cfg(test)]
mod tests {
    use super::{Secret, file_in_one_line};

    #[test]
    fn a_key_file_is_put_into_one_line() {
        let line = file_in_one_line("\n{\r\n\t\"a\": \"x\\ny\"\n}\n").unwrap();
        assert_eq!(*line, "{\"a\": \"x\\ny\"}");
        let armoured = file_in_one_line("-----BEGIN NATS USER JWT-----\r\neyJ.a.b\r\n------END-----\n\n").unwrap();
        assert_eq!(*armoured, "-----BEGIN NATS USER JWT----- eyJ.a.b ------END-----");
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n";
        for text in [pem, "-----BEGIN a b", "{\"a\":1}", "a\nb", "{\na", "{\"a\": \"x\ny\"}", ""] {
            assert!(file_in_one_line(text).is_none(), "{text}");
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
