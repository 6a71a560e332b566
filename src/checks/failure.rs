//! What a failed exchange means: name, connection, TLS, time or protocol. URLs never come along.

use crate::model::{Cause, Outcome};
use jiff::Timestamp;
use std::{error::Error, time::Duration};

/// The rule of a connection that never came to be: nothing was sent.
pub const NO_CONNECTION: &str = "no connection";

/// The outcome of a transport error.
pub fn of(error: reqwest::Error, host: &str, limit: Duration) -> Box<Outcome> {
    let error = error.without_url();
    let causes = causes(&error);
    let (cause, rule) = classify(&error, &causes);
    let seen = match cause {
        Cause::Timeout => format!("'{host}' did not answer within {}", crate::model::text::span(limit)),
        _ => format!("'{host}': {}", causes.last().map(ToString::to_string).unwrap_or_default()),
    };
    Box::new(Outcome::of(cause, Timestamp::now(), rule, &seen))
}

/// The error and everything beneath it. An I/O error hides what it carries from `source`: it is opened here.
fn causes(error: &reqwest::Error) -> Vec<&(dyn Error + 'static)> {
    let mut all: Vec<&(dyn Error + 'static)> = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        all.push(cause);
        let carried = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = carried.map(|inner| inner as _).or_else(|| cause.source());
    }
    all
}

fn classify(error: &reqwest::Error, causes: &[&(dyn Error + 'static)]) -> (Cause, &'static str) {
    let text = causes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    if let Some(error) = causes.iter().find_map(|e| e.downcast_ref::<rustls::Error>()) {
        return (Cause::Tls, tls(error));
    }
    if has(&["certificate", "handshake", "tls"]) {
        return (Cause::Tls, "the TLS handshake failed");
    }
    if error.is_dns() || has(&["dns error", "failed to lookup", "name or service not known", "name resolution"]) {
        return (Cause::Dns, "the name does not resolve");
    }
    if error.is_timeout() || has(&["timed out"]) {
        return (Cause::Timeout, "no answer in time");
    }
    if error.is_connect() {
        return (Cause::Connect, NO_CONNECTION);
    }
    if has(&["connection reset", "broken pipe", "connection closed", "incomplete message", "end of file before"]) {
        return (Cause::Connect, "the connection broke");
    }
    (Cause::Protocol, "the answer is not HTTP as it should be")
}

/// What went wrong in a TLS handshake, in words.
pub fn tls(error: &rustls::Error) -> &'static str {
    use rustls::{CertificateError as Certificate, Error};
    match error {
        Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            "TLS: the certificate has expired, by this machine's clock"
        }
        Error::InvalidCertificate(Certificate::NotValidYet | Certificate::NotValidYetContext { .. }) => {
            "TLS: the certificate is not valid yet, by this machine's clock"
        }
        Error::InvalidCertificate(Certificate::NotValidForName | Certificate::NotValidForNameContext { .. }) => {
            "TLS: the certificate is for another name"
        }
        Error::InvalidCertificate(Certificate::UnknownIssuer) => "TLS: the certificate's issuer is not trusted",
        Error::InvalidCertificate(Certificate::Revoked) => "TLS: the certificate was revoked",
        Error::InvalidCertificate(_) => "TLS: the certificate is not acceptable",
        Error::InvalidMessage(_) => "TLS: the port speaks something else",
        Error::AlertReceived(_) => "TLS: the server refused the handshake",
        _ => "the TLS handshake failed",
    }
}
