//! What MongoDB answers: read in place and without being believed, and what its error codes mean.

use crate::{
    checks::stream::failed,
    model::{Cause, Outcome, text::sanitize},
};
use bson::{RawBsonRef, RawDocument};

/// The document of a good answer. Values within others are looked at when they are asked for.
pub fn sound<'a>(step: &str, bytes: &'a [u8]) -> Result<&'a RawDocument, Box<Outcome>> {
    let wrong = || failed(Cause::Protocol, format!("{step} is not answered in BSON"), "");
    let document = RawDocument::from_bytes(bytes).ok().filter(|d| d.iter().all(|value| value.is_ok()));
    let document = document.ok_or_else(wrong)?;
    if number(document, "ok") == Some(1.0) { Ok(document) } else { Err(refused(step, document)) }
}

/// A number of any size; yes counts as one.
pub fn number(document: &RawDocument, name: &str) -> Option<f64> {
    match document.get(name).ok()?? {
        RawBsonRef::Double(number) => Some(number),
        RawBsonRef::Int32(number) => Some(number.into()),
        RawBsonRef::Int64(number) => Some(number as f64),
        RawBsonRef::Boolean(flag) => Some(f64::from(u8::from(flag))),
        _ => None,
    }
}

fn refused(step: &str, document: &RawDocument) -> Box<Outcome> {
    let code = number(document, "code").unwrap_or_default() as i32;
    let message = document.get_str("errmsg").unwrap_or_default();
    let cause = match code {
        11 | 18 | 8000 if step == "sign-in" => Cause::InvalidCredential,
        13 => Cause::MissingScope,
        31 | 33 | 20 | 59 | 72 | 73 | 334 | 352 => Cause::Misconfigured,
        50 | 89 | 262 => Cause::Timeout,
        91 | 189 | 10058 | 10107 | 11600 | 11602 | 13435 | 13436 | 133 | 134 | 6 | 7 | 9001 => Cause::ServerError,
        _ => Cause::UnexpectedResponse,
    };
    let name = document.get_str("codeName").map(|n| format!(" {n}")).unwrap_or_default();
    let mut outcome = failed(cause, sanitize(&format!("{step} was refused (error {code}{name})"), 100), message);
    outcome.code = u16::try_from(code).ok();
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::{Binary, rawdoc, spec::BinarySubtype};

    #[test]
    fn broken_documents_are_refused_and_never_panic() {
        let payload = Binary { subtype: BinarySubtype::Generic, bytes: b"n,,".to_vec() };
        let inner = rawdoc! { "user": "board", "yes": true };
        let document = rawdoc! { "ok": 1.0, "payload": payload, "inner": inner, "list": ["a", 7_i64] };
        let bytes = document.into_bytes();
        let inner = sound("hello", &bytes).unwrap().get_document("inner").unwrap();
        assert_eq!(inner.get_str("user").unwrap(), "board");
        for end in 0..bytes.len() {
            assert_eq!(sound("hello", &bytes[..end]).unwrap_err().cause, Cause::Protocol, "{end}");
        }
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..20_000 {
            let mut broken = bytes.clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..broken.len());
                broken[at] = random.u8(..);
            }
            if let Ok(document) = sound("hello", &broken) {
                let _ = (
                    number(document, "list"),
                    document.get_array("list").map(|list| list.into_iter().count()),
                    document.get_binary("payload").is_ok(),
                );
                let _ = document.get_document("inner").map(|inner| inner.get_str("user").is_ok());
            }
        }
    }
}
