//! What a value may be: kinds, ranges, and the sentence that tells a person what to write instead.

use super::duration;
use std::time::Duration;

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// A span of time within bounds.
    Span { min: Duration, max: Duration, example: &'static str },
    /// A whole number within bounds.
    Count { min: u64, max: u64 },
    /// `true` or `false`.
    Flag,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// The name of a theme or provider.
    Name { example: &'static str },
    /// The full path of a file; empty: none.
    File,
    /// `system`, `none` or a URL.
    Proxy,
    /// A title.
    Title,
}

/// A value as it stands in a file or in the environment (where everything is text).
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'a> {
    Text(&'a str),
    Integer(Option<i64>),
    Flag(bool),
    Variable(&'a str),
    Other,
}

/// A value that obeys its rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Span(Duration),
    Count(u64),
    Flag(bool),
    Text(String),
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

const DAY: u64 = 86_400;
pub(super) const INTERVAL: Rule = Rule::Span { min: secs(5), max: secs(30 * DAY), example: "5m" };
pub(super) const TIMEOUT: Rule = Rule::Span { min: secs(1), max: secs(300), example: "30s" };
pub(super) const ATTEMPTS: Rule = Rule::Count { min: 1, max: 10 };
pub(super) const THRESHOLD: Rule = Rule::Count { min: 1, max: 100 };
pub(super) const SLOW: Rule = Rule::Span { min: Duration::from_millis(1), max: secs(300), example: "2s" };
pub(super) const REFRESH: Rule = Rule::Span { min: secs(1), max: secs(3600), example: "30s" };
pub(super) const KEEP_RAW: Rule = Rule::Span { min: secs(3600), max: secs(90 * DAY), example: "48h" };
pub(super) const KEEP_MINUTES: Rule = Rule::Span { min: secs(DAY), max: secs(730 * DAY), example: "14d" };
pub(super) const KEEP_HOURS: Rule = Rule::Span { min: secs(DAY), max: secs(3650 * DAY), example: "400d" };

impl Rule {
    /// Reads a value, or says what to write. The sentence never holds the value, which may be a misplaced secret.
    pub(super) fn read(&self, raw: Raw<'_>) -> Result<Value, String> {
        let text = match raw {
            Raw::Text(text) | Raw::Variable(text) => Some(text),
            _ => None,
        };
        let read = match self {
            Rule::Span { min, max, .. } => {
                let span = match raw {
                    Raw::Integer(Some(n)) => u64::try_from(n).ok().map(Duration::from_secs),
                    _ => text.and_then(duration::parse),
                };
                span.filter(|span| (*min..=*max).contains(span)).map(Value::Span)
            }
            Rule::Count { min, max } => {
                let count = match raw {
                    Raw::Integer(Some(n)) => u64::try_from(n).ok(),
                    Raw::Variable(text) => text.trim().parse().ok(),
                    _ => None,
                };
                count.filter(|count| (*min..=*max).contains(count)).map(Value::Count)
            }
            Rule::Flag => match raw {
                Raw::Flag(flag) => Some(Value::Flag(flag)),
                Raw::Variable(text) => text.trim().parse().ok().map(Value::Flag),
                _ => None,
            },
            Rule::Choice(words) => text.filter(|text| words.contains(text)).map(|text| Value::Text(text.to_owned())),
            Rule::Name { .. } => {
                text.filter(|text| crate::model::id::is_valid_name(text)).map(|text| Value::Text(text.to_owned()))
            }
            Rule::File => text
                .filter(|text| (text.is_empty() || text.starts_with('/')) && is_plain(text, 4096))
                .map(|text| Value::Text(text.to_owned())),
            Rule::Proxy => text.filter(|text| is_proxy(text)).map(|text| Value::Text(text.to_owned())),
            Rule::Title => text
                .filter(|text| !text.trim().is_empty() && is_plain(text, 200))
                .map(|text| Value::Text(text.to_owned())),
        };
        read.ok_or_else(|| self.wanted())
    }

    /// The end of the sentence "KEY must be …".
    fn wanted(&self) -> String {
        match self {
            Rule::Span { min, max, example } => format!(
                "a time between {} and {}; write for example \"{example}\" (units d, h, m, s, ms)",
                duration::text(*min),
                duration::text(*max)
            ),
            Rule::Count { min, max } => format!("a whole number from {min} to {max}, without quotes"),
            Rule::Flag => "true or false, without quotes".to_owned(),
            Rule::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                format!("one of {}", words.join(", "))
            }
            Rule::Name { example } => format!(
                "a name in quotes, of 1 to 64 lower-case letters, digits, '-' and '_'; write for example \"{example}\""
            ),
            Rule::File => "the full path of a file, from '/' on, in quotes; \"\" for none".to_owned(),
            Rule::Proxy => {
                "\"system\", \"none\" or the URL of a proxy such as \"http://proxy.example:3128\" (http, https, socks5, \
                 socks5h); a password in it is refused, let the environment's HTTPS_PROXY hold that"
                    .to_owned()
            }
            Rule::Title => "a text in quotes, of at most 200 bytes, without control characters".to_owned(),
        }
    }
}

/// Whether a text fits on a line of a terminal without harm.
pub(super) fn is_plain(text: &str, max: usize) -> bool {
    text.len() <= max && crate::model::text::sanitize(text, max) == text
}

fn is_proxy(text: &str) -> bool {
    if matches!(text, "system" | "none") {
        return true;
    }
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    matches!(scheme, "http" | "https" | "socks5" | "socks5h")
        && !rest.is_empty()
        && !rest.contains(['@', ' ', '?', '#'])
        && is_plain(text, 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_for_every_way_to_write() {
        for bad in [
            Raw::Text("0"),
            Raw::Text("4s"),
            Raw::Integer(Some(0)),
            Raw::Integer(Some(-5)),
            Raw::Integer(None),
            Raw::Other,
        ] {
            assert!(INTERVAL.read(bad).unwrap_err().contains("between 5s and 30d; write for example \"5m\""));
        }
        assert_eq!(INTERVAL.read(Raw::Text("5s")), Ok(Value::Span(secs(5))));
        assert_eq!(INTERVAL.read(Raw::Integer(Some(60))), Ok(Value::Span(secs(60))));
        assert_eq!(ATTEMPTS.read(Raw::Variable(" 10 ")), Ok(Value::Count(10)));
        assert!(ATTEMPTS.read(Raw::Text("3")).is_err());
        assert!(ATTEMPTS.read(Raw::Integer(Some(11))).is_err());
        assert!(TIMEOUT.read(Raw::Text("301s")).is_err());
        assert!(Rule::Flag.read(Raw::Variable("yes")).is_err());
    }

    #[test]
    fn a_proxy_holds_no_password_and_no_refusal_holds_the_value() {
        assert!(Rule::Proxy.read(Raw::Text("socks5://127.0.0.1:1080")).is_ok());
        let refusal = Rule::Proxy.read(Raw::Text("http://me:hunter2@proxy:3128")).unwrap_err();
        assert!(!refusal.contains("hunter2"), "{refusal}");
        assert!(Rule::Proxy.read(Raw::Text("proxy:3128")).is_err());
    }
}
