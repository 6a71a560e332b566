//! Sends an HTTP request and turns the exchange into an outcome. What the answer means is the definition's business.

use super::{client::Client, failure};
use crate::{
    model::{Cause, Outcome, Phases, Warning},
    providers::{
        http::{Answer, HttpProbe, Reading},
        request::Request,
    },
};
use futures_util::StreamExt;
use http::{HeaderMap, Method};
use indexmap::IndexMap;
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// Most bytes of a body that are read, after decompression.
pub const LARGEST: usize = 1024 * 1024;
/// Difference between our clock and the server's from which it is told, in seconds.
const SKEW: i64 = 300;

/// A finished exchange.
pub struct Exchange {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
    /// When the answer was whole.
    pub now: Timestamp,
    /// From sending to the whole answer.
    pub latency: Duration,
    /// Where the time went.
    pub phases: Phases,
    /// When the server's certificate dies.
    pub certificate_expires: Option<Timestamp>,
}

/// Sends and reads, within `timeout` in all.
pub async fn exchange(client: &Client, request: Request, timeout: Duration) -> Result<Exchange, Box<Outcome>> {
    let host = request.url.host_str().unwrap_or_default().to_owned();
    let wants_body = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    let typed = request.headers.contains_key(http::header::CONTENT_TYPE);
    let mut builder = client.http.request(request.method, request.url).headers(request.headers).timeout(timeout);
    if let Some(path) = request.file {
        let (file, length) = open(&path).await?;
        builder = builder.header(http::header::CONTENT_LENGTH, length).body(file);
    } else if let Some(body) = request.body {
        if !typed {
            builder = builder.header(http::header::CONTENT_TYPE, "application/json");
        }
        builder = builder.body(body.to_string());
    } else if wants_body {
        // Front ends refuse such a request without a length (411), and the client sends none for no body.
        builder = builder.header(http::header::CONTENT_LENGTH, "0");
    }
    let started = Instant::now();
    let (sent, dns) = super::resolve::timed(builder.send()).await;
    let response = sent.map_err(|error| failure::of(error, &host, timeout))?;
    let phases = Phases { dns, first_byte: Some(started.elapsed()), ..Phases::default() };
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let certificate_expires = response
        .extensions()
        .get::<reqwest::tls::TlsInfo>()
        .and_then(|info| info.peer_certificate())
        .and_then(|der| x509_parser::parse_x509_certificate(der).ok())
        .and_then(|(_, cert)| Timestamp::from_second(cert.validity().not_after.timestamp()).ok());
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| failure::of(error, &host, timeout))?;
        if body.len() + chunk.len() > LARGEST {
            return Err(unread(status, "the answer is larger than 1 MiB".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    // The client takes the header away where it could decode; any other encoding is one nobody asked for.
    let encoding =
        headers.get(http::header::CONTENT_ENCODING).filter(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity"));
    if let Some(encoding) = encoding.filter(|_| !body.is_empty()) {
        let named = crate::model::text::sanitize(&String::from_utf8_lossy(encoding.as_bytes()), 40);
        return Err(unread(status, format!("the answer is encoded as '{named}', which nobody asked for")));
    }
    Ok(Exchange {
        status,
        headers,
        body,
        now: Timestamp::now(),
        latency: started.elapsed(),
        phases,
        certificate_expires,
    })
}

/// A file as a body, piece by piece, and its length. It may grow or shrink meanwhile: no more than the length is sent.
async fn open(path: &std::path::Path) -> Result<(reqwest::Body, u64), Box<Outcome>> {
    let wrong = |why: String| {
        let seen = format!("'{}' {why}", path.display());
        Box::new(Outcome::of(Cause::Misconfigured, Timestamp::now(), "the file cannot be sent", &seen))
    };
    let file = tokio::fs::File::open(path).await.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let meta = file.metadata().await.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if !meta.is_file() {
        return Err(wrong("is not a file".to_owned()));
    }
    let pieces = tokio_util::io::ReaderStream::new(tokio::io::AsyncReadExt::take(file, meta.len()));
    Ok((reqwest::Body::wrap_stream(pieces), meta.len()))
}

fn unread(status: u16, rule: String) -> Box<Outcome> {
    let mut outcome = Outcome::of(Cause::UnexpectedResponse, Timestamp::now(), rule, &format!("HTTP {status}"));
    outcome.code = Some(status);
    Box::new(outcome)
}

impl Exchange {
    /// As classification sees it.
    pub fn answer(&self) -> Answer<'_> {
        Answer { status: self.status, headers: &self.headers, body: &self.body, now: self.now, latency: self.latency }
    }

    /// The outcome that this reading of the answer makes.
    pub fn outcome(&self, reading: Reading) -> Outcome {
        let mut outcome = Outcome::of(reading.cause, self.now, reading.rule, &reading.seen);
        outcome.until = reading.until;
        outcome.latency = Some(self.latency);
        outcome.phases = self.phases;
        outcome.code = Some(self.status);
        outcome.quotas = reading.quotas;
        outcome.facts = reading.facts;
        outcome.identity = reading.identity;
        outcome.credential_expires = reading.credential_expires;
        outcome.certificate_expires = self.certificate_expires;
        outcome.warnings.extend(reading.missing_scope.map(|scope| Warning::MissingScope { scope }));
        outcome.warnings.extend(reading.degraded.map(|message| Warning::Degraded { message }));
        outcome.warnings.extend(self.skew().map(|seconds| Warning::ClockSkew { seconds }));
        outcome
    }

    /// Seconds by which our clock is ahead of the server's, where that is much.
    pub(super) fn skew(&self) -> Option<i64> {
        let date = self.headers.get(http::header::DATE)?.to_str().ok()?;
        let theirs = crate::providers::time::http_date(date, 0.0)? as i64;
        let skew = self.now.as_second() - theirs;
        (skew.abs() > SKEW).then_some(skew)
    }
}

/// One attempt of a definition's HTTP check.
pub async fn probe(
    client: &Client,
    probe: &HttpProbe,
    fields: &IndexMap<String, String>,
    secrets: &IndexMap<String, crate::model::Secret>,
    timeout: Duration,
) -> Outcome {
    let request = match probe.request.build(fields, secrets) {
        Ok(request) => request,
        Err(error) => {
            return Outcome::of(Cause::Misconfigured, Timestamp::now(), "the request cannot be made", &error.0);
        }
    };
    match exchange(client, request, timeout).await {
        Err(failure) => *failure,
        Ok(exchange) => exchange.outcome(probe.read(&exchange.answer(), fields)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{
        Network,
        client::{Clients, Policy},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// What one request without a body looks like on the wire.
    async fn sent(method: Method) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = Vec::new();
            while !seen.windows(4).any(|w| w == b"\r\n\r\n") {
                assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "the request's head is whole");
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
            String::from_utf8(seen).unwrap().to_lowercase()
        });
        let client = Clients::new(&Network::default()).unwrap().get(&Policy::default()).unwrap();
        let request = Request::new(method, url);
        let answer = exchange(&client, request, Duration::from_secs(20)).await;
        assert_eq!(answer.map(|a| a.status).ok(), Some(204));
        server.await.unwrap()
    }

    #[tokio::test]
    async fn a_post_without_a_body_tells_its_length() {
        assert!(sent(Method::POST).await.contains("\r\ncontent-length: 0\r\n"));
        assert!(sent(Method::PUT).await.contains("\r\ncontent-length: 0\r\n"));
        assert!(!sent(Method::GET).await.contains("content-length"));
    }
}
