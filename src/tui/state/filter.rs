//! The overview's filter: blanks separate terms, all of which must hold.

use crate::monitor::Entry;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    /// Somewhere in the name, id, provider, tags or cause.
    Text(String),
    /// The status begins so (`err`, `rate`).
    Status(String),
    /// One tag is exactly this.
    Tag(String),
    /// The provider's id or name contains this.
    Provider(String),
    /// The category begins so.
    Category(String),
}

/// A parsed filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
}

impl Filter {
    /// Reads `text`; every text is a filter.
    pub fn parse(text: &str) -> Filter {
        let terms = text
            .split_whitespace()
            .filter_map(|word| {
                let word = word.to_lowercase();
                let term = match word.split_once(':') {
                    // A key without a value is still being typed: it hides nothing yet.
                    Some(("status" | "tag" | "provider" | "category", "")) => return None,
                    Some(("status", v)) => Term::Status(v.replace(['-', ' '], "_")),
                    Some(("tag", v)) => Term::Tag(v.to_owned()),
                    Some(("provider", v)) => Term::Provider(v.to_owned()),
                    Some(("category", v)) => Term::Category(v.to_owned()),
                    _ => Term::Text(word),
                };
                Some(term)
            })
            .collect();
        Filter { terms }
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether an entry passes.
    pub fn holds(&self, entry: &Entry) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Status(v) => entry.status().as_str().starts_with(v.as_str()),
            Term::Tag(v) => entry.integration.tags.iter().any(|t| t.to_lowercase() == *v),
            Term::Provider(v) => has(&entry.integration.provider, v) || has(&entry.provider_name, v),
            Term::Category(v) => entry.category.starts_with(v.as_str()),
            Term::Text(v) => {
                has(&entry.integration.name, v)
                    || has(entry.id().as_str(), v)
                    || has(&entry.provider_name, v)
                    || has(entry.cause.label(), v)
                    || entry.integration.tags.iter().any(|t| has(t, v))
            }
        })
    }
}

/// Whether `text` contains the lower-case `part`, case aside; without allocating for plain ASCII, as a board may have
/// ten thousand entries and this runs at every key press.
fn has(text: &str, part: &str) -> bool {
    if text.is_ascii() && part.is_ascii() {
        let (text, part) = (text.as_bytes(), part.as_bytes());
        return part.is_empty() || text.windows(part.len()).any(|w| w.eq_ignore_ascii_case(part));
    }
    text.to_lowercase().contains(part)
}

#[cfg(test)]
mod tests {
    use super::has;

    #[test]
    fn case_is_no_matter() {
        assert!(has("GitHub Work", "hub w"));
        assert!(has("ÄRGER", "ärger"));
        assert!(!has("ab", "abc"));
        assert!(has("ab", ""));
    }
}
