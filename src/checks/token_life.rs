//! When a credential dies by its own word: a JSON web token (RFC 7519) says so in its claim `exp`, for everybody to read.

use crate::model::{Cause, Outcome, Secret, Status};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use indexmap::IndexMap;
use jiff::Timestamp;
use zeroize::Zeroizing;

/// Longest token looked into, in bytes.
const LONGEST: usize = 16 * 1024;

#[derive(serde::Deserialize)]
struct Claims {
    exp: Option<f64>,
}

/// The JSON web token in a secret: all of it, behind `Bearer`, or among the lines of a NATS `.creds` file.
pub fn token_in(secret: &str) -> Option<&str> {
    secret.split_ascii_whitespace().find(|word| word.starts_with("eyJ") && word.split('.').count() == 3)
}

/// When the secret dies. `None`: no such token is in it, or it does not say.
fn ends(secret: &Secret) -> Option<Timestamp> {
    let token = token_in(secret.expose()).filter(|token| token.len() <= LONGEST)?;
    let claims = token.split('.').nth(1)?;
    let claims = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?);
    crate::providers::time::timestamp(serde_json::from_slice::<Claims>(&claims).ok()?.exp?)
}

/// Tells the end of a token that works, and that one which is refused has ended.
pub fn tell(secrets: &IndexMap<String, Secret>, mut outcome: Outcome) -> Outcome {
    let Some(at) = secrets.values().filter_map(ends).min() else { return outcome };
    if outcome.status() == Status::Active {
        outcome.credential_expires = Some(outcome.credential_expires.map_or(at, |told| told.min(at)));
    } else if outcome.cause == Cause::InvalidCredential && at <= outcome.at {
        outcome.cause = Cause::ExpiredCredential;
        let ended =
            format!("by its own word the token ended on {}: {}", at.strftime("%F %H:%M UTC"), outcome.evidence.seen);
        outcome.evidence.seen = crate::model::text::sanitize(ended.trim_end_matches([':', ' ']), 200);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Secret {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        Secret::new(format!("{}.{}.c2lnbmF0dXJl", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(claims)))
    }

    fn told(secret: Secret, cause: Cause) -> Outcome {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        tell(&IndexMap::from([("token".to_owned(), secret)]), Outcome::of(cause, now, "HTTP", "no"))
    }

    #[test]
    fn a_token_tells_its_end_and_a_refused_one_that_it_has_ended() {
        let good = told(token(r#"{"sub":"ada","exp":1800086400}"#), Cause::Ok);
        assert_eq!(good.credential_expires.map(Timestamp::as_second), Some(1_800_086_400));
        let ended = told(token(r#"{"exp":1799999999.5}"#), Cause::InvalidCredential);
        assert_eq!(
            (ended.cause, &*ended.evidence.seen),
            (Cause::ExpiredCredential, "by its own word the token ended on 2027-01-15 07:59 UTC: no")
        );
        let inside = token(r#"{"exp":1800086400}"#);
        let file = Secret::new(format!("-----BEGIN NATS USER JWT-----\n{}\n------END", inside.expose()));
        assert_eq!(told(file, Cause::Ok).credential_expires.map(Timestamp::as_second), Some(1_800_086_400));
        // Refused before its end: it is something else.
        assert_eq!(told(token(r#"{"exp":1800086400}"#), Cause::InvalidCredential).cause, Cause::InvalidCredential);
        assert_eq!(told(token(r#"{"exp":1}"#), Cause::ServerError).cause, Cause::ServerError);
    }

    #[test]
    fn anything_else_says_nothing() {
        for text in ["", "ghp_0123456789", "eyJ.a", "eyJ.!!.c", "eyJ.e30.c.d", "a.b.c"] {
            assert_eq!(told(Secret::new(text.to_owned()), Cause::Ok).credential_expires, None, "{text}");
        }
        for claims in ["{}", r#"{"exp":"soon"}"#, r#"{"exp":-1}"#, r#"{"exp":1e300}"#, "[]", "exp"] {
            assert_eq!(told(token(claims), Cause::Ok).credential_expires, None, "{claims}");
        }
        assert_eq!(told(Secret::new(format!("eyJ.{}.c", "A".repeat(LONGEST))), Cause::Ok).credential_expires, None);
    }
}
