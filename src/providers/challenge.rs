//! What a server says of where a token is to be had (`WWW-Authenticate: Bearer realm=…`, RFC 6750 and the registries'
//! token protocol), and whether a credential may go there.

use super::request::BadField;
use crate::model::text::sanitize;
use http::{HeaderMap, header::WWW_AUTHENTICATE};
use reqwest::Url;

/// A challenge to bring a bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    /// The first one among an answer's headers that names a realm.
    pub fn of(headers: &HeaderMap) -> Option<Challenge> {
        headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|v| v.to_str().ok()).find_map(|text| {
            let at = text.to_ascii_lowercase().find("bearer ")?;
            let mut found = Challenge { realm: String::new(), service: None, scope: None };
            for (name, value) in parameters(&text[at + "bearer ".len()..]) {
                match name.as_str() {
                    "realm" => found.realm = value,
                    "service" => found.service = Some(value),
                    "scope" => found.scope = Some(value),
                    _ => {}
                }
            }
            (!found.realm.is_empty()).then_some(found)
        })
    }

    /// The address of the token, if a credential for `check` may go there: the same host, a host above or below it, or one
    /// that is `trusted` (a host, a host with its port, or an address).
    pub fn address(&self, check: &Url, trusted: &[String]) -> Result<Url, BadField> {
        let bad = |why: &str| BadField(format!("the token service '{}' {why}", sanitize(&self.realm, 120)));
        let mut url = Url::parse(&self.realm).map_err(|_| bad("that the server names is not a URL"))?;
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        if !matches!(url.scheme(), "http" | "https") || host.is_empty() {
            return Err(bad("that the server names is no web address"));
        }
        if url.scheme() == "http" && check.scheme() == "https" {
            return Err(bad("that the server names has no TLS: the credential was not sent"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("that the server names holds a user name: the credential was not sent"));
        }
        let own = check.host_str().unwrap_or_default().to_ascii_lowercase();
        let port = url.port_or_known_default().unwrap_or_default();
        let named = |t: &String| place(t).is_some_and(|(h, p)| h == host && p.is_none_or(|p| p == port));
        if !one_site(&own, &host) && !trusted.iter().any(named) {
            return Err(BadField(format!(
                "'{own}' wants the credential sent to '{}', which is not of its site: if that is right, name it as token service",
                sanitize(&host, 120)
            )));
        }
        url.set_fragment(None);
        for (name, value) in [("service", &self.service), ("scope", &self.scope)] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        Ok(url)
    }
}

/// `host:port` of a place that a definition or a user trusts: a host, one with its port, or an address.
pub fn host_and_port(text: &str) -> Option<String> {
    place(text).map(|(host, port)| format!("{host}:{}", port.unwrap_or(443)))
}

/// Host and port of such a place.
pub(super) fn place(text: &str) -> Option<(String, Option<u16>)> {
    let text = text.trim().to_ascii_lowercase();
    if text.is_empty() {
        return None;
    }
    let whole = text.contains("://");
    let url = Url::parse(&if whole { text } else { format!("https://{text}") }).ok()?;
    let port = if whole { url.port_or_known_default() } else { url.port() };
    Some((url.host_str()?.to_owned(), port))
}

/// Equal, or one below the other. Neighbours are not of one site: nobody knows here which parents are everybody's.
fn one_site(a: &str, b: &str) -> bool {
    let below = |low: &str, high: &str| {
        let named = high.contains('.') && !high.contains(':') && !high.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        named && low.strip_suffix(high).is_some_and(|rest| rest.ends_with('.'))
    };
    a == b || below(a, b) || below(b, a)
}

/// `name="value", name=value`, up to the next scheme.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim().trim_start_matches(',').trim();
        // "Basic realm": another challenge begins.
        if name.is_empty() || name.contains(char::is_whitespace) {
            break;
        }
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => after.split_once(',').map_or((after.trim().to_owned(), ""), |(v, r)| (v.trim().to_owned(), r)),
        };
        found.push((name.to_ascii_lowercase(), value));
        rest = left.trim_start().trim_start_matches(',').trim_start();
    }
    found
}

/// The text up to the closing quote, and what stands after it.
fn unquoted(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                out.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (out, &text[at + 1..]),
            c => out.push(c),
        }
    }
    (out, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn challenge(text: &str) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, "Negotiate".parse().unwrap());
        headers.append(WWW_AUTHENTICATE, text.parse().unwrap());
        Challenge::of(&headers)
    }

    #[test]
    fn a_challenge_is_read() {
        let found = challenge(
            r#"Bearer realm="https://auth.example/t?x=1",service="a, \"b\"",scope="repository:x:pull,push",error="y""#,
        );
        let check = Url::parse("https://example/v2/").unwrap();
        let url = found.unwrap().address(&check, &["auth.example".to_owned()]).unwrap();
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let wanted = [("x", "1"), ("service", "a, \"b\""), ("scope", "repository:x:pull,push")];
        assert_eq!(query, wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(challenge(r#"Basic realm="x""#), None);
        assert_eq!(challenge("Bearer"), None);
        assert_eq!(
            challenge(r#"bearer realm=https://a.example/t, Basic realm="y""#).unwrap().realm,
            "https://a.example/t"
        );
    }

    #[rstest]
    #[case("https://example.org", "https://example.org:5001/t", "", true)]
    #[case("https://registry.example.org", "https://example.org/t", "", true)]
    #[case("https://example.org", "https://auth.example.org/t", "", true)]
    #[case("https://registry.example.org", "https://auth.example.org/t", "", false)]
    #[case("https://registry.example.org", "https://auth.example.org/t", "auth.example.org", true)]
    #[case("https://registry.example.org", "https://auth.example.org/t", "https://auth.example.org/token", true)]
    #[case("https://registry.example.org", "https://auth.example.org:99/t", "https://auth.example.org", false)]
    #[case("https://registry.example.org", "https://auth.example.org:99/t", "auth.example.org:99", true)]
    #[case("https://example.org", "https://evilexample.org/t", "", false)]
    #[case("https://example.org", "https://org/t", "", false)]
    #[case("https://example.org", "http://example.org/t", "", false)]
    #[case("http://127.0.0.1:5000", "http://127.0.0.1:5001/t", "", true)]
    #[case("http://10.0.0.1", "http://0.0.1/t", "", false)]
    #[case("https://example.org", "https://example.org@evil.test/t", "", false)]
    #[case("https://example.org", "file:///etc/passwd", "", false)]
    #[case("https://example.org", "/token", "", false)]
    fn a_credential_stays_on_its_site(
        #[case] check: &str,
        #[case] realm: &str,
        #[case] trusted: &str,
        #[case] may: bool,
    ) {
        let found = Challenge { realm: realm.to_owned(), service: None, scope: None };
        let address = found.address(&Url::parse(check).unwrap(), &[trusted.to_owned()]);
        assert_eq!(address.is_ok(), may, "{address:?}");
    }
}
