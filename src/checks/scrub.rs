//! The last line of defence: a secret that a server echoes does not survive into an outcome.

use crate::model::{
    Called, Ending, Outcome, Secret, Warning,
    text::{sanitize, sanitize_lines},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE},
};
use indexmap::IndexMap;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use zeroize::Zeroizing;

/// Secrets shorter than this are words that stand everywhere.
const SHORTEST: usize = 6;
/// So much of a secret at the end of a text that was cut off is taken for it.
const PIECE: usize = 4;
/// Where texts from outside are cut, in bytes; see [`sanitize`].
const CUT: usize = 200;
/// Longest rule kept, in bytes: an expression of a definition and the words before it.
const RULE: usize = 600;
/// How HTML writes what it cannot hold.
const ENTITIES: [(&str, u8); 8] = [
    ("&amp;", b'&'),
    ("&lt;", b'<'),
    ("&gt;", b'>'),
    ("&quot;", b'"'),
    ("&#34;", b'"'),
    ("&#39;", b'\''),
    ("&#x27;", b'\''),
    ("&#x2F;", b'/'),
];

/// Knows a check's secrets, plain, as an address carries them, and inside base64; each is found in percent, JSON and
/// HTML encoding too, in any case: a server that makes a host's name of it hears it in small letters.
pub struct Scrub {
    needles: Vec<Zeroizing<Vec<u8>>>,
    /// How they begin, in small letters: most of a text is passed over by its next two bytes.
    beginnings: Vec<[u8; 2]>,
    /// First bytes of the beginnings.
    first: [bool; 256],
}

impl Scrub {
    /// For these secrets.
    pub fn new(secrets: &IndexMap<String, Secret>) -> Scrub {
        let mut needles = Vec::new();
        let mut add = |needle: Zeroizing<Vec<u8>>| {
            if needle.len() >= PIECE && !needles.contains(&needle) {
                needles.push(needle);
            }
        };
        let members: Vec<Zeroizing<String>> = secrets.values().flat_map(|secret| members(secret.expose())).collect();
        let whole = secrets.values().map(Secret::expose).chain(members.iter().map(|member| member.as_str()));
        for secret in whole.flat_map(pieces).filter(|s| s.len() >= SHORTEST) {
            add(Zeroizing::new(secret.as_bytes().to_vec()));
            // Texts are made harmless before they come here.
            add(Zeroizing::new(sanitize(secret, usize::MAX).into_bytes()));
            // What a server is sent in an address, and may encode once more.
            let sent = Zeroizing::new(crate::providers::template::query_value(secret));
            for (text, before) in [secret, &sent].into_iter().flat_map(|text| (0..3).map(move |before| (text, before)))
            {
                add(inside(&BASE64_STANDARD, text, before));
                add(inside(&BASE64_URL_SAFE, text, before));
            }
        }
        let beginning = |needle: &Zeroizing<Vec<u8>>| [needle[0], needle[1]].map(|b| b.to_ascii_lowercase());
        let mut beginnings: Vec<[u8; 2]> = needles.iter().map(beginning).collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        let mut first = [false; 256];
        beginnings.iter().for_each(|[byte, _]| first[usize::from(*byte)] = true);
        Scrub { needles, beginnings, first }
    }

    /// Whether a secret may begin here: what is encoded is always looked at.
    fn may_begin(&self, text: &[u8]) -> bool {
        let encodes = |byte: u8| matches!(byte, b'%' | b'\\' | b'&' | b'+');
        match *text {
            [one, ..] if encodes(one) => !self.needles.is_empty(),
            [one, two, ..] => {
                let (one, two) = (one.to_ascii_lowercase(), two.to_ascii_lowercase());
                self.first[usize::from(one)] && (encodes(two) || self.beginnings.contains(&[one, two]))
            }
            _ => false,
        }
    }

    /// The text without them.
    pub fn text(&self, text: &str) -> String {
        let was_cut = text.ends_with('…') || text.len() >= CUT;
        let end = text.trim_end_matches('…').len();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let (rest, kept) = (&text.as_bytes()[at..], text.as_bytes().get(at..end).unwrap_or_default());
            let ways = |needle| [found(rest, needle, false), found(kept, needle, was_cut)];
            let looked_at = if self.may_begin(rest) { self.needles.as_slice() } else { &[] };
            match looked_at.iter().flat_map(|needle| ways(needle)).flatten().max() {
                Some(length) => {
                    out.push_str("••••");
                    at += length;
                }
                None => {
                    out.push(c);
                    at += c.len_utf8();
                }
            }
        }
        out
    }

    /// The outcome without them.
    pub fn outcome(&self, mut outcome: Outcome) -> Outcome {
        let clean = |text: &mut String| *text = self.text(text);
        clean(&mut outcome.evidence.seen);
        // Rules quote the user's own fields and definitions, which nobody made harmless yet.
        outcome.evidence.rule = self.text(&sanitize(&outcome.evidence.rule, RULE));
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

    /// A call's end and result made harmless and without them.
    pub fn called(&self, mut called: Called) -> Called {
        called.result = self.value(called.result);
        match &mut called.ending {
            Ending::Done => {}
            Ending::Refused { seen } | Ending::Failed { seen, .. } => *seen = self.text(&sanitize(seen, RULE)),
        }
        called.note = called.note.map(|note| self.text(&sanitize(&note, RULE)));
        called.columns.iter_mut().for_each(|(header, _)| *header = sanitize(header, 80));
        called
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.text(&sanitize_lines(&text)).into(),
            Value::Array(all) => all.into_iter().map(|v| self.value(v)).collect(),
            Value::Object(all) => {
                let clean = |(name, v): (String, Value)| (self.text(&sanitize(&name, RULE)), self.value(v));
                Value::Object(all.into_iter().map(clean).collect())
            }
            Value::Number(number) => {
                let text = number.to_string();
                let clean = self.text(&text);
                if clean == text { Value::Number(number) } else { clean.into() }
            }
            plain => plain,
        }
    }
}

/// The secret members of a key file; those of a whole query, decoded.
fn members(secret: &str) -> Vec<Zeroizing<String>> {
    if !secret.trim_start().starts_with('{') {
        let values = secret.split('&').filter_map(|pair| pair.split_once('=')).filter(|(_, value)| value.contains('%'));
        let decoded = values.filter_map(|(_, value)| percent_decode_str(value).decode_utf8().ok());
        return decoded.map(|value| Zeroizing::new(value.into_owned())).collect();
    }
    let Ok(all) = serde_json::from_str::<IndexMap<String, serde_json::Value>>(secret) else { return Vec::new() };
    let secret = |name: &str| {
        let named = ["private", "secret", "token", "password"].iter().any(|word| name.contains(word));
        named && !name.ends_with("_id") && !name.ends_with("_uri")
    };
    let texts = all.into_iter().filter(|(name, _)| secret(name));
    texts
        .filter_map(|(_, value)| match value {
            serde_json::Value::String(text) => Some(Zeroizing::new(text)),
            _ => None,
        })
        .collect()
}

/// A secret, and what a server sees of it alone: the path of an address and its last part, the values of a list of headers or of a query.
fn pieces(secret: &str) -> Vec<&str> {
    /// From so many bytes a word of a file is none of a language.
    const LONG_WORD: usize = 40;
    let mut pieces = vec![secret];
    if let Some((scheme, address)) = secret.trim().split_once("://") {
        if matches!(scheme, "http" | "https") {
            pieces.extend(address.find('/').map(|at| &address[at..]));
            pieces.extend(address.trim_end_matches('/').rsplit_once('/').map(|(_, last)| last));
        }
    } else {
        for (_, value) in secret.split([',', '&']).filter_map(|pair| pair.split_once('=')) {
            let value = value.trim();
            pieces.push(value);
            // `Bearer%20KEY`
            pieces.extend(value.rsplit_once("%20").or_else(|| value.rsplit_once(' ')).map(|(_, key)| key));
        }
        // A file's token and key are sent one by one.
        pieces.extend(secret.split_ascii_whitespace().filter(|word| *word != secret && word.len() >= LONG_WORD));
    }
    pieces
}

/// The part of the base64 form that does not depend on the neighbours, when so many bytes (modulo three) stand before.
fn inside(engine: &impl Engine, secret: &str, before: usize) -> Zeroizing<Vec<u8>> {
    let bytes = Zeroizing::new([&b"\0\0"[..before], secret.as_bytes()].concat());
    let encoded = Zeroizing::new(engine.encode(&bytes[..]).into_bytes());
    let whole = bytes.len() * 8 / 6;
    Zeroizing::new(encoded[(before * 8).div_ceil(6)..whole].to_vec())
}

/// Bytes of `text` that hold the needle from its start on, whatever it is encoded in. Where the text was cut off, a
/// piece of the needle at its end counts.
fn found(text: &[u8], needle: &[u8], was_cut: bool) -> Option<usize> {
    [Order::Plain, Order::Once, Order::Twice].into_iter().filter_map(|order| reach(text, needle, was_cut, order)).max()
}

/// How a character is read first: `%25` may be itself or a percent sign, and `%2525` either of them.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Plain,
    Once,
    Twice,
}

/// The same in one order of reading.
fn reach(text: &[u8], needle: &[u8], was_cut: bool, order: Order) -> Option<usize> {
    let mut at = 0;
    for (matched, byte) in needle.iter().enumerate() {
        let rest = &text[at..];
        let plain = || rest.first().is_some_and(|b| b.eq_ignore_ascii_case(byte)).then_some(1);
        let step = match order {
            Order::Plain => plain().or_else(|| escape(rest, *byte)).or_else(|| escaped_twice(rest, *byte)),
            Order::Once => escape(rest, *byte).or_else(|| escaped_twice(rest, *byte)).or_else(plain),
            Order::Twice => escaped_twice(rest, *byte).or_else(|| escape(rest, *byte)).or_else(plain),
        };
        match step {
            Some(step) => at += step,
            None if was_cut && matched >= PIECE && ends_within_an_escape(rest) => return Some(text.len()),
            None => return None,
        }
    }
    Some(at)
}

/// What hexadecimal digits say, if that is one byte.
fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let digits = std::str::from_utf8(digits?).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()?.try_into().ok()
}

/// Bytes at the beginning of `text` that encode this byte for an address that was encoded once more.
fn escaped_twice(text: &[u8], byte: u8) -> Option<usize> {
    let digits = text.strip_prefix(b"%25")?.get(..2);
    hex(digits).is_some_and(|found| found.eq_ignore_ascii_case(&byte)).then_some(5)
}

/// Bytes at the beginning of `text` that encode this byte.
fn escape(text: &[u8], byte: u8) -> Option<usize> {
    let is = |digits: Option<&[u8]>| hex(digits).is_some_and(|found| found.eq_ignore_ascii_case(&byte));
    match text.first()? {
        b'+' => (byte == b' ').then_some(1),
        b'%' => is(text.get(1..3)).then_some(3),
        b'\\' if text.get(1) == Some(&b'u') && byte.is_ascii() => is(text.get(2..6)).then_some(6),
        b'\\' => (text.get(1) == Some(&byte) && matches!(byte, b'"' | b'\\' | b'/')).then_some(2),
        b'&' => {
            let entity = ENTITIES.iter().find(|(name, is)| {
                *is == byte && text.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name.as_bytes()))
            });
            entity.map(|(name, _)| name.len())
        }
        _ => None,
    }
}

/// Whether nothing is left, or no more than the beginning of an encoded character.
fn ends_within_an_escape(rest: &[u8]) -> bool {
    rest.is_empty() || (rest.len() < 6 && matches!(rest[0], b'%' | b'\\' | b'&'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

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

    #[test]
    fn what_a_server_makes_of_an_address_is_masked() {
        let secret = "S3cr3t/k+y\"Value=9%z";
        let scrub = Scrub::new(&IndexMap::from([("token".to_owned(), Secret::new(secret.into()))]));
        let percent = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let sent = format!("key={}", crate::providers::template::query_value(secret));
        for echoed in [
            // The host of a redirect.
            format!("to {}", secret.to_lowercase()),
            percent(&sent),
            percent(&percent(secret)).to_lowercase(),
            BASE64_STANDARD.encode(&sent),
            BASE64_STANDARD.encode(format!("{sent} HTTP/1.1")),
        ] {
            let shown = scrub.text(&echoed);
            assert!(shown.contains("••••") && shown.len() < 40, "{echoed} is shown as {shown}");
        }
    }

    #[test]
    fn a_part_of_a_secret_that_goes_alone_is_masked() {
        let scrub = |secret: &str| Scrub::new(&IndexMap::from([("t".to_owned(), Secret::new(secret.into()))]));
        let hook = scrub("https://hooks.example/services/T0/B0/s3cr3t-hook");
        assert_eq!(hook.text("Cannot POST /services/T0/B0/s3cr3t-hook"), "Cannot POST ••••");
        assert_eq!(hook.text("no hook s3cr3t-hook"), "no hook ••••");
        assert_eq!(hook.text("hooks.example is down"), "hooks.example is down");
        assert_eq!(scrub("x-team=s3cr3t-one,y=2").text("bad team s3cr3t-one"), "bad team ••••");
        let query = scrub("sv=2023-11-03&sig=s3cr3t%2Bthree%3D");
        assert_eq!(query.text("bad s3cr3t%2Bthree%3D, bad s3cr3t+three="), "bad ••••, bad ••••");
        assert_eq!(scrub("authorization=Bearer%20s3cr3t-two").text("bad key s3cr3t-two"), "bad key ••••");
        let (token, seed) = (format!("eyJ{}", "t0k3n".repeat(12)), format!("SU{}", "S33D".repeat(14)));
        let file = scrub(&format!("-----BEGIN-----\n{token}\n-----END-----\nkeep it\n{seed}\n"));
        assert_eq!(file.text(&format!("{token} by {seed}: keep it")), "•••• by ••••: keep it");
    }

    #[test]
    fn the_secret_members_of_a_key_file_are_masked_and_its_account_is_not() {
        let file =
            r#"{"client_email":"a@b.example","private_key_id":"key-identifier","refresh_token":"r3fr3sh-t0k3n"}"#;
        let scrub = Scrub::new(&IndexMap::from([("key".to_owned(), Secret::new(file.into()))]));
        assert_eq!(scrub.text("a@b.example r3fr3sh-t0k3n key-identifier"), "a@b.example •••• key-identifier");
    }

    #[test]
    fn a_rule_cannot_drive_a_terminal() {
        let outcome = Outcome::of(Cause::Ok, jiff::Timestamp::UNIX_EPOCH, "answer contains '\x1b[2J'", "");
        assert!(!Scrub::new(&IndexMap::new()).outcome(outcome).evidence.rule.contains('\x1b'));
    }

    #[test]
    fn only_the_end_of_a_cut_text_is_taken_for_a_piece() {
        let scrub = Scrub::new(&IndexMap::from([("t".to_owned(), Secret::new("token-4f2e9c".into()))]));
        assert_eq!(scrub.text("no such token"), "no such token");
        assert_eq!(scrub.text("no such token-4f…"), "no such ••••…");
        assert_eq!(scrub.text("a token…, then"), "a token…, then");
    }

    proptest! {
        #[test]
        fn any_text_and_secret_end_well(secret in "\\PC{6,40}", before in "\\PC{0,250}", after in "\\PC{0,20}") {
            let scrub = Scrub::new(&IndexMap::from([("t".to_owned(), Secret::new(secret.clone()))]));
            let shown = scrub.text(&[&*before, &*secret, &*after].concat());
            prop_assert!(!shown.contains(&*secret), "{}", shown);
        }
    }
}
