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

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_and_hint_do_not_show_it() {
        let secret = Secret::new("sk-abcdefghijklmnopqrstuvwx".into());
        assert!(!format!("{secret:?}").contains("abc"));
        assert_eq!(secret.hint(), "••••uvwx");
        assert_eq!(Secret::new("short".into()).hint(), "••••••••");
    }
}
