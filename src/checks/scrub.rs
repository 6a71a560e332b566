//! The last line of defence: a secret that a server echoes does not survive into an outcome.

use crate::model::{Outcome, Secret, Warning};
use base64::{Engine, prelude::BASE64_STANDARD};
use indexmap::IndexMap;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// Secrets shorter than this are words that stand everywhere.
const SHORTEST: usize = 6;

/// Knows a check's secrets, plain, percent- and base64-encoded.
pub struct Scrub(Vec<Zeroizing<String>>);

impl Scrub {
    /// For these secrets.
    pub fn new(secrets: &IndexMap<String, Secret>) -> Scrub {
        let mut needles = Vec::new();
        for secret in secrets.values().map(Secret::expose).filter(|s| s.len() >= SHORTEST) {
            let encoded = BASE64_STANDARD.encode(secret);
            needles.push(Zeroizing::new(secret.to_owned()));
            needles.push(Zeroizing::new(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()));
            // The tail depends on what follows: the stable part is enough.
            needles.push(Zeroizing::new(encoded.trim_end_matches('=').to_owned()));
        }
        Scrub(needles)
    }

    /// The text without them.
    pub fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for needle in &self.0 {
            if out.contains(needle.as_str()) {
                out = out.replace(needle.as_str(), "••••");
            }
        }
        out
    }

    /// The outcome without them.
    pub fn outcome(&self, mut outcome: Outcome) -> Outcome {
        let clean = |text: &mut String| *text = self.text(text);
        clean(&mut outcome.evidence.seen);
        clean(&mut outcome.evidence.rule);
        outcome.identity.as_mut().into_iter().for_each(clean);
        outcome.facts.iter_mut().for_each(|f| clean(&mut f.value));
        for warning in &mut outcome.warnings {
            match warning {
                Warning::Degraded { message } => clean(message),
                Warning::MissingScope { scope } => clean(scope),
                Warning::Incident { title } => clean(title),
                _ => {}
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;

    #[test]
    fn an_echoed_secret_is_masked_in_every_form() {
        let secret = "s3cr3t/k+y-value";
        let scrub = Scrub::new(&IndexMap::from([("token".to_owned(), Secret::new(secret.into()))]));
        let echoed =
            format!("{secret} {} {}", utf8_percent_encode(secret, NON_ALPHANUMERIC), BASE64_STANDARD.encode(secret));
        let outcome = scrub.outcome(Outcome::of(Cause::Ok, jiff::Timestamp::UNIX_EPOCH, "rule", &echoed));
        assert_eq!(outcome.evidence.seen.matches("••••").count(), 3, "{}", outcome.evidence.seen);
        assert!(!outcome.evidence.seen.contains("s3cr3t"));
    }
}
