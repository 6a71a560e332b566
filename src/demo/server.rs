//! One loopback HTTP server of the demo: checks the credential, counts requests, answers by its script.

use super::script::{Reply, Script, Step, further, reply, signed_in};
use crate::providers::{Definition, Probe};
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::net::TcpListener;

/// What one server plays.
pub struct Service {
    /// Whose examples it answers with.
    pub definition: Arc<Definition>,
    /// How it behaves.
    pub script: Script,
    /// Texts of which one must stand in a header or the query of every request; none: anybody is let in.
    pub credentials: Vec<String>,
}

/// Listens on a free loopback port and serves until the runtime ends.
pub async fn serve(service: Service) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let service = Arc::new(service);
    let count = Arc::new(AtomicU64::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (service, count) = (service.clone(), count.clone());
            tokio::spawn(async move {
                let answer = service_fn(move |request| {
                    let (service, count) = (service.clone(), count.clone());
                    async move { Ok::<_, Infallible>(answer(&service, &count, &request).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(std::time::Duration::from_secs(10))
                    .serve_connection(TokioIo::new(stream), answer);
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "demo connection ended");
                }
            });
        }
    });
    Ok(address)
}

async fn answer(service: &Service, count: &AtomicU64, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let step = if signs_in(&service.definition, request) { Step::Login } else { Step::Check };
    let n = count.fetch_add(u64::from(step == Step::Check), Ordering::Relaxed);
    let now = jiff::Timestamp::now().as_second();
    // Where there is a sign-in, the check carries what that gave, and the credential stands in a body nobody reads here.
    let token = signed_in(&service.definition).map(|answer| crate::providers::example::fill(&answer.body, now));
    let authorized = match (step, token) {
        (Step::Login, _) => true,
        (Step::Check, Some(token)) => bearer(request).is_some_and(|carried| token.contains(carried)),
        (Step::Check, None) => {
            service.credentials.is_empty() || service.credentials.iter().any(|c| carries(request, c))
        }
    };
    let asked = (request.method().as_str(), request.uri().path());
    let Reply { status, headers, body, delay } = further(&service.definition, asked, now)
        .filter(|_| authorized && step == Step::Check)
        .or_else(|| challenge(&service.definition, request).filter(|_| step == Step::Check))
        .unwrap_or_else(|| reply(&service.definition, service.script, step, n, authorized, now));
    tokio::time::sleep(delay).await;
    let mut response = Response::builder().status(status);
    let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    for (name, value) in headers {
        response = response.header(name, value);
    }
    if !typed {
        response = response.header("content-type", "application/json");
    }
    response.body(Full::new(Bytes::from(body))).unwrap_or_else(|error| {
        tracing::warn!(%error, "a demo example cannot be sent");
        Response::new(Full::new(Bytes::new()))
    })
}

fn signs_in(definition: &Definition, request: &Request<Incoming>) -> bool {
    let Probe::Http(probe) = &definition.probe else { return false };
    let fields = definition.examples.first().map(|e| definition.example_fields(e)).unwrap_or_default();
    probe.login.as_ref().is_some_and(|login| login.request.is_for(request.method(), request.uri().path(), &fields))
}

/// The challenge to a request without a token, where there is to be one.
fn challenge(definition: &Definition, request: &Request<Incoming>) -> Option<Reply> {
    let Probe::Http(probe) = &definition.probe else { return None };
    probe.login.as_ref().filter(|l| l.is_challenged() && bearer(request).is_none())?;
    let host = request.headers().get("host")?.to_str().ok()?;
    let header = format!("Bearer realm=\"http://{host}/token\"");
    let headers = vec![("www-authenticate".to_owned(), header)];
    Some(Reply { status: 401, headers, body: "{}".to_owned(), delay: std::time::Duration::ZERO })
}

fn bearer(request: &Request<Incoming>) -> Option<&str> {
    let value = request.headers().get("authorization")?.to_str().ok()?;
    value.strip_prefix("Bearer ").filter(|token| !token.is_empty())
}

fn carries(request: &Request<Incoming>, credential: &str) -> bool {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let in_basic = |value: &str| {
        let decoded = value.strip_prefix("Basic ").and_then(|b| BASE64_STANDARD.decode(b).ok());
        decoded.is_some_and(|d| String::from_utf8_lossy(&d).contains(credential))
    };
    let in_headers =
        request.headers().values().filter_map(|v| v.to_str().ok()).any(|v| v.contains(credential) || in_basic(v));
    in_headers || request.uri().query().is_some_and(|q| q.contains(credential))
}
