//! A service on this machine that signs people in, in the manner of GitHub: codes, a browser, rotating refresh tokens.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    collections::{HashMap, VecDeque},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

/// What the token endpoint does with a question instead of giving tokens.
#[derive(Clone)]
pub enum Turn {
    /// This error word.
    Says(&'static str),
    /// Closes the connection.
    Hangs,
    /// This answer.
    Answers(u16, String),
}

/// What a test sees and changes of it.
pub struct Seen {
    /// What the token endpoint does first; then it gives tokens.
    pub turns: VecDeque<Turn>,
    /// Path, headers and form of every request, with the time it came.
    pub requests: Vec<(Instant, String, String, HashMap<String, String>)>,
    /// Seconds an access token lives; 0: for ever.
    pub lives: u64,
    /// Seconds a code lives.
    pub code_lives: u64,
    /// The one refresh token that is good now.
    pub refresh: String,
    /// The access tokens that are good.
    pub good: Vec<String>,
    /// Whose they are.
    pub who: String,
    /// Challenge and redirect of the browser that was here last.
    pub challenge: Option<(String, String)>,
    given: usize,
}

/// The service. Serves until the test's process ends.
#[derive(Clone)]
pub struct SignIn {
    pub port: u16,
    pub seen: Arc<Mutex<Seen>>,
}

impl SignIn {
    pub fn serve(turns: &[Turn]) -> SignIn {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let seen = Seen {
            turns: turns.iter().cloned().collect(),
            requests: Vec::new(),
            lives: 3600,
            code_lives: 900,
            refresh: "canary-refresh-0".to_owned(),
            good: Vec::new(),
            who: "ada".to_owned(),
            challenge: None,
            given: 0,
        };
        let service = SignIn { port: listener.local_addr().unwrap().port(), seen: Arc::new(Mutex::new(seen)) };
        let shared = service.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let service = shared.clone();
                std::thread::spawn(move || service.one(stream));
            }
        });
        service
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Times at which this path was asked.
    pub fn times(&self, path: &str) -> Vec<Instant> {
        self.seen().requests.iter().filter(|(_, p, ..)| p == path).map(|(at, ..)| *at).collect()
    }

    /// The forms that this path was sent.
    pub fn forms(&self, path: &str) -> Vec<HashMap<String, String>> {
        self.seen().requests.iter().filter(|(_, p, ..)| p == path).map(|(.., form)| form.clone()).collect()
    }

    fn one(&self, mut stream: TcpStream) -> Option<()> {
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        let (head, body) = loop {
            let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
            text.extend(&buffer[..n]);
            let all = String::from_utf8_lossy(&text).into_owned();
            let Some((head, body)) = all.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break (head.to_owned(), body.to_owned());
            }
        };
        let target = head.split_whitespace().nth(1)?.to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let form = pairs(if body.is_empty() { query } else { &body });
        self.seen().requests.push((Instant::now(), path.to_owned(), head.clone(), form.clone()));
        let (status, headers, body) = match path {
            "/login/device/code" => (200, String::new(), self.code()),
            "/login/oauth/authorize" => {
                let back = format!("{}?code=canary-code&state={}", form["redirect_uri"], form["state"]);
                self.seen().challenge = Some((form["code_challenge"].clone(), form["redirect_uri"].clone()));
                (302, format!("Location: {back}\r\n"), String::new())
            }
            "/login/oauth/access_token" => {
                let turn = self.seen().turns.pop_front();
                let (status, body) = match turn {
                    Some(Turn::Hangs) => return None,
                    Some(Turn::Answers(status, body)) => (status, body),
                    // As GitHub does: an error with 200.
                    Some(Turn::Says(word)) => (200, format!("{{\"error\":\"{word}\"}}")),
                    None => self.token(&head, &form),
                };
                (status, String::new(), body)
            }
            "/user" => {
                let known = self
                    .seen()
                    .good
                    .iter()
                    .any(|t| head.contains(&format!("Bearer {t}")) || head.contains(&format!("bearer {t}")));
                let who = self.seen().who.clone();
                let answer = if known {
                    (200, format!("{{\"login\":\"{who}\",\"id\":1}}"))
                } else {
                    (401, "{\"message\":\"Bad credentials\"}".to_owned())
                };
                (answer.0, String::new(), answer.1)
            }
            _ => (404, String::new(), "{}".to_owned()),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).ok()
    }

    fn code(&self) -> String {
        let url = self.url();
        serde_json::json!({
            "device_code": "canary-device", "user_code": "WDJB-MJHT", "verification_uri": format!("{url}/login/device"),
            "verification_uri_complete": format!("{url}/login/device?user_code=WDJB-MJHT"),
            "expires_in": self.seen().code_lives, "interval": 1,
        })
        .to_string()
    }

    fn token(&self, head: &str, form: &HashMap<String, String>) -> (u16, String) {
        let mut seen = self.seen();
        let refused = |word: &str| (400, format!("{{\"error\":\"{word}\"}}"));
        let ask = |key: &str| form.get(key).map(String::as_str).unwrap_or_default();
        let refresh = match ask("grant_type") {
            "urn:ietf:params:oauth:grant-type:device_code" if ask("device_code") == "canary-device" => true,
            "authorization_code" => {
                use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
                let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, ask("code_verifier").as_bytes());
                let told = Some((BASE64_URL_SAFE_NO_PAD.encode(hash), ask("redirect_uri").to_owned()));
                if ask("code") != "canary-code" || seen.challenge != told {
                    return refused("invalid_grant");
                }
                true
            }
            "client_credentials" => {
                // base64 of `board:canary-application`
                let basic = head.contains("Basic Ym9hcmQ6Y2FuYXJ5LWFwcGxpY2F0aW9u");
                if !basic && (ask("client_id"), ask("client_secret")) != ("board", "canary-application") {
                    return (401, "{\"error\":\"invalid_client\"}".to_owned());
                }
                false
            }
            "refresh_token" if ask("refresh_token") == seen.refresh => true,
            "refresh_token" => {
                // Somebody used an old one: the whole family ends.
                seen.refresh = String::new();
                seen.good.clear();
                return refused("invalid_grant");
            }
            _ => return refused("unsupported_grant_type"),
        };
        seen.given += 1;
        let n = seen.given;
        let access = format!("canary-access-{n}");
        seen.good = vec![access.clone()];
        let mut answer = serde_json::json!({ "access_token": access, "token_type": "bearer" });
        if refresh {
            seen.refresh = format!("canary-refresh-{n}");
            answer["refresh_token"] = seen.refresh.clone().into();
        }
        if seen.lives > 0 {
            answer["expires_in"] = seen.lives.into();
        }
        (200, answer.to_string())
    }
}

fn pairs(text: &str) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).unwrap();
    url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
}
