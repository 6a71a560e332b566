//! The authorization code grant with PKCE (RFC 7636) and a redirect to this machine (RFC 8252).

use super::{
    Application, Step, misconfigured,
    wire::{self, Asker},
};
use crate::{
    model::{Cause, Secret, Tokens, text::sanitize},
    secrets::ResolveError,
};
use aws_lc_rs::{digest, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::{SignedDuration, Timestamp};
use std::{convert::Infallible, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{Sender, UnboundedSender, channel},
};
use zeroize::Zeroizing;

/// How long the browser may take.
const LIFE: Duration = Duration::from_secs(600);
/// Where it comes back to.
const PATH: &str = "/callback";
/// How long a connection of the browser may last.
const CONNECTION: Duration = Duration::from_secs(10);

/// What the browser brought back: a code, or why there is none.
type Brought = Result<Secret, String>;

/// Sends a browser away and waits for it to come back with a code.
pub(super) async fn sign_in(application: &Application, report: &UnboundedSender<Step>) -> Result<Tokens, ResolveError> {
    let internal = |what: &str| ResolveError { cause: Cause::Internal, message: what.to_owned() };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.map_err(|e| misconfigured(format!("no port of this machine can be listened on: {e}")))?;
    let port = listener.local_addr().map_err(|e| internal(&e.to_string()))?.port();
    let redirect = format!("http://127.0.0.1:{port}{PATH}");
    let state = random().ok_or_else(|| internal("the system gives no random numbers"))?;
    let verifier = random().ok_or_else(|| internal("the system gives no random numbers"))?;
    let link = link(application, &redirect, &state, &verifier)?;
    let until = Timestamp::now().saturating_add(SignedDuration::try_from(LIFE).unwrap_or_default());
    let _ = report.send(Step::Browser { link, port, until: until.unwrap_or(Timestamp::MAX) });
    let brought = tokio::time::timeout(LIFE, wait(listener, &state)).await.map_err(|_| ResolveError {
        cause: Cause::ExpiredCredential,
        message: "no browser came back within ten minutes: begin again".to_owned(),
    })?;
    let code = brought.map_err(|why| ResolveError {
        cause: Cause::InvalidCredential,
        message: format!("the sign-in was refused in the browser ({why}); nothing was changed"),
    })?;
    let mut form = wire::Form::default();
    form.add("grant_type", "authorization_code");
    form.add_secret("code", &code);
    form.add("redirect_uri", &redirect);
    form.add_secret("code_verifier", &verifier);
    for (key, value) in &application.endpoints.params {
        form.add(key, value);
    }
    let token = &application.endpoints.token;
    let answer = Asker::from(application).ask(token, form).await?;
    wire::tokens(&answer, application.grant(false), token.host_str().unwrap_or_default())
}

/// 256 bits that nobody can guess, as 43 characters.
fn random() -> Option<Secret> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    rand::fill(&mut *bytes).ok()?;
    Some(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes)))
}

fn challenge(verifier: &Secret) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.expose().as_bytes()))
}

fn link(application: &Application, redirect: &str, state: &Secret, verifier: &Secret) -> Result<String, ResolveError> {
    let url = application.endpoints.authorize.clone();
    let mut url = url.ok_or_else(|| misconfigured("there is no authorization endpoint".to_owned()))?;
    let mut query = url.query_pairs_mut();
    query.append_pair("response_type", "code");
    query.append_pair("client_id", &application.id);
    query.append_pair("redirect_uri", redirect);
    if !application.endpoints.scope.is_empty() {
        query.append_pair("scope", &application.endpoints.scope);
    }
    query.append_pair("state", state.expose());
    query.append_pair("code_challenge", &challenge(verifier));
    query.append_pair("code_challenge_method", "S256");
    query.extend_pairs(&application.endpoints.authorize_params);
    drop(query);
    Ok(url.into())
}

/// Answers browsers until one brings our state back. Others are told so and change nothing.
async fn wait(listener: TcpListener, state: &Secret) -> Brought {
    let (tell, mut told) = channel::<Brought>(1);
    loop {
        tokio::select! {
            biased;
            Some(brought) = told.recv() => return brought,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(serve(stream, state.clone(), tell.clone()))),
                Err(error) => return Err(format!("this machine's port failed: {error}")),
            },
        }
    }
}

/// The page is sent whole before the code is told: the program may end right after.
async fn serve(stream: TcpStream, state: Secret, tell: Sender<Brought>) {
    let (found, mut brought) = channel::<Brought>(1);
    let answer = service_fn(|request: Request<Incoming>| {
        let came = came(&request, &state);
        let found = found.clone();
        async move {
            let (status, sentence) = match &came {
                Some(Ok(_)) => (200, "Signed in. You can close this page and go back to Lampboard."),
                Some(Err(_)) => (200, "Not signed in. You can close this page and go back to Lampboard."),
                None => (400, "This is not the answer that Lampboard waits for. Open its link again."),
            };
            if let Some(came) = came {
                let _ = found.try_send(came);
            }
            Ok::<_, Infallible>(page(status, sentence))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION)
        .keep_alive(false)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), answer);
    if !matches!(tokio::time::timeout(CONNECTION, connection).await, Ok(Ok(()))) {
        tracing::debug!("a browser's connection broke");
    }
    if let Ok(brought) = brought.try_recv() {
        let _ = tell.send(brought).await;
    }
}

fn page(status: u16, sentence: &str) -> Response<Full<Bytes>> {
    let text = format!("<!doctype html><meta charset=utf-8><title>Lampboard</title><p>{sentence}");
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'"),
    ] {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}

/// `None`: not ours (another path, another or no state).
fn came(request: &Request<Incoming>, state: &Secret) -> Option<Brought> {
    if request.method() != http::Method::GET || request.uri().path() != PATH {
        return None;
    }
    let query = reqwest::Url::parse(&format!("http://localhost/?{}", request.uri().query()?)).ok()?;
    let one = |key: &str| query.query_pairs().find(|(k, _)| k == key).map(|(_, v)| v.into_owned());
    // `Secret` compares without telling by its time how much of it was right.
    if Secret::new(one("state")?) != *state {
        return None;
    }
    match (one("code").filter(|c| !c.is_empty()), one("error")) {
        (Some(code), None) => Some(Ok(Secret::new(code))),
        (_, Some(error)) => {
            let why = one("error_description").map(|d| format!("{error}: {d}")).unwrap_or(error);
            Some(Err(sanitize(&why, 200)))
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let (one, other) = (random().unwrap(), random().unwrap());
        assert!(one != other && one.expose().len() == 43);
    }
}
