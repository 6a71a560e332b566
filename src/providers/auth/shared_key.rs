//! Scheme `shared_key`: Azure Storage's Shared Key. An HMAC with the account's key over method, headers and address, at the
//! moment of sending.

use super::{
    super::{
        request::{BadField, Request},
        source,
        template::Template,
    },
    trimmed,
};
use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE},
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The headers that are signed by place instead of by name; the date travels as `x-ms-date`.
const PLACED: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// What a signature is made of, as the definition has it.
#[derive(Debug, Clone)]
pub struct SharedKey {
    account: Template,
    key: Template,
}

impl SharedKey {
    /// Compiles the keys of the scheme; `need` complains of one that is missing.
    pub(super) fn compile(
        source: &source::Auth,
        mut need: impl FnMut(&str, Option<&String>) -> Result<Template, String>,
    ) -> Result<SharedKey, String> {
        Ok(SharedKey {
            account: need("access_key", source.access_key.as_ref())?,
            key: need("secret_key", source.secret_key.as_ref())?,
        })
    }

    /// The fields that must have values.
    pub(super) fn fields(&self) -> Vec<&str> {
        self.account.fields().chain(self.key.fields()).collect()
    }

    /// Signs the request as it stands, for now.
    pub(super) fn sign<'a>(
        &self,
        request: &mut Request,
        value: &impl Fn(&str) -> Option<&'a str>,
    ) -> Result<(), BadField> {
        sign(request, &trimmed(&self.account, value)?, &trimmed(&self.key, value)?, Timestamp::now())
    }
}

/// Adds the date and the signature.
fn sign(request: &mut Request, account: &str, key: &str, at: Timestamp) -> Result<(), BadField> {
    let bad = |why: &str| BadField(format!("the request cannot be signed: {why}"));
    if request.file.is_some() {
        return Err(bad("a file that is streamed has no length yet"));
    }
    let key = BASE64_STANDARD.decode(key).map(Zeroizing::new);
    let key = key.map_err(|_| bad("the account's key is not Base64, paste it again as the portal shows it"))?;
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at);
    let date = date.map_err(|_| bad("the clock of this machine is out of all bounds"))?;
    request.headers.insert("x-ms-date", super::sensitive(&date)?);
    if let Some(body) = &request.body {
        // What is sent must be what is signed.
        let json = HeaderValue::from_static("application/json");
        request.headers.entry(CONTENT_TYPE).or_insert(json);
        request.headers.insert(CONTENT_LENGTH, body.len().into());
    }
    let text = to_sign(request, account).ok_or_else(|| bad("a header is not plain text"))?;
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes());
    let header = format!("SharedKey {account}:{}", BASE64_STANDARD.encode(signature));
    request.headers.insert(AUTHORIZATION, super::sensitive(&header)?);
    Ok(())
}

fn to_sign(request: &Request, account: &str) -> Option<String> {
    let mut text = format!("{}\n", request.method);
    for name in PLACED {
        let value = header(&request.headers, name)?;
        // No body is written as none, not as one of no length.
        text += if name == "content-length" && value == "0" { "" } else { value };
        text.push('\n');
    }
    let own = request.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("x-ms-"));
    for name in own.collect::<std::collections::BTreeSet<_>>() {
        text += &format!("{name}:{}\n", header(&request.headers, name)?);
    }
    text += &format!("/{account}{}", request.url.path());
    let mut query = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in request.url.query_pairs() {
        query.entry(name.to_lowercase()).or_default().push(value.into_owned());
    }
    for (name, mut values) in query {
        values.sort();
        text += &format!("\n{name}:{}", values.join(","));
    }
    Some(text)
}

/// A header's value, empty where there is none. `None`: it is not plain text.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map_or(Some(""), |value| value.to_str().ok()).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    // What Microsoft publishes for its emulator.
    const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    fn request(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> Request {
        let mut request = Request::new(method.parse().unwrap(), url.parse().unwrap());
        request.body = body.map(|b| Zeroizing::new(b.to_owned()));
        let headers = headers.iter().chain(&[("x-ms-version", "2023-11-03")]);
        for (name, value) in headers {
            request.headers.insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        request
    }

    #[test]
    fn requests_are_signed_as_microsofts_own_client_does() {
        let at = "2026-11-20T23:13:26Z".parse().unwrap();
        let blob = [("x-ms-blob-type", "BlockBlob"), ("content-type", "application/octet-stream")];
        let local = "http://127.0.0.1:10000/devstoreaccount1/?comp=list&maxresults=1";
        let base = "https://acct.blob.core.windows.net";
        for (method, url, account, wanted) in [
            (
                "GET",
                &*format!("{base}/?comp=list&maxresults=1"),
                "acct",
                "3e3zdh44q3d8US3d3DkfmuOLH3uY6a2jM6deHpDoWE4=",
            ),
            (
                "GET",
                &format!("{base}/?restype=account&comp=properties"),
                "acct",
                "kdxmaZS+2F54y0jcbhK1/hHc+B0RhAYtnf6dXdrIPhE=",
            ),
            ("PUT", &format!("{base}/cont1?restype=container"), "acct", "MDX4UDLK3OaXsPOpn1fZ82RGZzW+HzEJzmCZNMst4hA="),
            ("GET", local, "devstoreaccount1", "7zrE51ocJcxZe1ksguQFmJaS+YbgwVyPSMq3ZUbcT6Y="),
        ] {
            let mut made = request(method, url, &[], None);
            sign(&mut made, account, KEY, at).unwrap();
            assert_eq!(made.headers["x-ms-date"], "Fri, 20 Nov 2026 23:13:26 GMT");
            assert_eq!(made.headers["authorization"], format!("SharedKey {account}:{wanted}"), "{url}");
            assert!(made.headers["authorization"].is_sensitive() && !format!("{made:?}").contains(wanted));
        }
        let mut made = request("PUT", &format!("{base}/c/a%20b?B=2&a=x%2Cy&b=1"), &blob, Some("hey"));
        made.headers.insert("x-ms-date", HeaderValue::from_static("then"));
        made.headers.insert(CONTENT_LENGTH, 3.into());
        assert_eq!(
            to_sign(&made, "acct").unwrap(),
            "PUT\n\n\n3\n\napplication/octet-stream\n\n\n\n\n\n\n\
             x-ms-blob-type:BlockBlob\nx-ms-date:then\nx-ms-version:2023-11-03\n/acct/c/a%20b\na:x,y\nb:1,2"
        );
    }

    #[test]
    fn a_key_that_is_none_is_told_without_showing_it() {
        let mut made = request("GET", "https://acct.blob.core.windows.net/", &[], None);
        let why = sign(&mut made, "acct", "canary key", Timestamp::now()).unwrap_err().to_string();
        assert!(why.contains("not Base64") && !why.contains("canary"), "{why}");
    }
}
