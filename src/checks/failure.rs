//! What a failed exchange means: name, connection, TLS, time or protocol. URLs never come along.

use crate::model::{Cause, Outcome};
use jiff::Timestamp;
use std::{error::Error, time::Duration};

/// The outcome of a transport error.
pub fn of(error: reqwest::Error, host: &str, limit: Duration) -> Box<Outcome> {
    let error = error.without_url();
    let chain = chain(&error);
    let (cause, rule) = classify(&error, &chain);
    let seen = match cause {
        Cause::Timeout => format!("'{host}' did not answer within {}", crate::model::text::span(limit)),
        _ => format!("'{host}': {}", chain.last().map(String::as_str).unwrap_or_default()),
    };
    Box::new(Outcome::of(cause, Timestamp::now(), rule, &seen))
}

fn causes(error: &reqwest::Error) -> Vec<&(dyn Error + 'static)> {
    let mut all = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        all.push(cause);
        next = cause.source();
    }
    all
}

fn chain(error: &reqwest::Error) -> Vec<String> {
    causes(error).iter().map(ToString::to_string).collect()
}

fn classify(error: &reqwest::Error, chain: &[String]) -> (Cause, &'static str) {
    let text = chain.join(" ").to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    if has(&["corrupt message"]) {
        return (Cause::Tls, "the other end does not speak TLS");
    }
    if is_tls(error) || has(&["certificate", "handshake", "tls", "unknownissuer"]) {
        return (Cause::Tls, "the TLS handshake failed");
    }
    if error.is_dns() || has(&["dns error", "failed to lookup", "name or service not known", "name resolution"]) {
        return (Cause::Dns, "the name does not resolve");
    }
    if error.is_timeout() || has(&["timed out"]) {
        return (Cause::Timeout, "no answer in time");
    }
    if error.is_connect() {
        return (Cause::Connect, "no connection");
    }
    if has(&["connection reset", "broken pipe", "connection closed", "incomplete message"]) {
        return (Cause::Connect, "the connection broke");
    }
    (Cause::Protocol, "the answer is not HTTP as it should be")
}

fn is_tls(error: &reqwest::Error) -> bool {
    causes(error).iter().any(|e| {
        // An I/O error hides what it wraps from `source`, and may wrap another one.
        let mut inner: Option<&(dyn Error + 'static)> = Some(*e);
        while let Some(error) = inner {
            if error.is::<rustls::Error>() {
                return true;
            }
            let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            inner = wrapped.map(|w| w as &(dyn Error + 'static));
        }
        false
    })
}
