//! The token service of a journey's server (OAuth 2.0): codes and tokens that are secrets themselves, and refusals that
//! throw back what they were sent.

use super::server::{Server, echo};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What a person is shown, and no secret.
pub const USER_CODE: &str = "WDJB-MJHT";

/// What the token endpoint does.
#[derive(Debug, Clone, Copy)]
pub enum Turn {
    /// Tokens that live so many seconds; less than one: they are to be renewed at once.
    Gives(f64),
    /// The person has not said yes yet.
    Waits,
    /// This error word, with all it was sent in the description.
    Refuses(&'static str),
    /// HTTP 500, with all it was sent.
    Fails,
    /// A page.
    Page,
}

impl Server {
    /// The answer below `/id`. `form` is the decoded body.
    pub fn of_tokens(&self, path: &str, form: &str, sent: &str) -> (&'static str, String) {
        if let Some(verifier) = member(form, "code_verifier") {
            // The program made it up; it goes here and nowhere else.
            self.given.lock().unwrap().push(("verifier".to_owned(), verifier.to_owned(), verifier.to_owned()));
        }
        if path.ends_with("/device") {
            let page = format!("http://127.0.0.1:{}/id/page", self.port);
            let answer = serde_json::json!({
                "device_code": self.make_up("device-code"), "user_code": USER_CODE, "verification_uri": page,
                "verification_uri_complete": format!("{page}?user_code={USER_CODE}"), "expires_in": 900, "interval": 1,
            });
            return ("200 OK", answer.to_string());
        }
        let turn = self.turns.lock().unwrap().pop_front().unwrap_or(Turn::Gives(3600.0));
        match turn {
            Turn::Gives(lives) => {
                let mut answer = serde_json::json!({
                    "access_token": self.make_up("access"), "token_type": "bearer", "expires_in": lives,
                });
                if member(form, "grant_type") != Some("client_credentials") {
                    answer["refresh_token"] = self.make_up("refresh").into();
                }
                ("200 OK", answer.to_string())
            }
            Turn::Waits => ("400 Bad Request", "{\"error\":\"authorization_pending\"}".to_owned()),
            Turn::Refuses(word) => {
                let names = ["refresh_token", "device_code", "code", "client_secret", "code_verifier"];
                let told: Vec<&str> = names.iter().filter_map(|name| member(form, name)).collect();
                let told = told.join(" ");
                let percent = utf8_percent_encode(&told, NON_ALPHANUMERIC);
                let answer = serde_json::json!({
                    "error": word, "error_description": format!("{told} is not known {percent} {sent}"),
                    "error_uri": format!("http://127.0.0.1/{percent}"), "message": told,
                });
                ("400 Bad Request", answer.to_string())
            }
            Turn::Fails => ("500 Internal Server Error", echo(sent, form)),
            Turn::Page => ("200 OK", format!("<html><title>{sent}</title>{form}</html>")),
        }
    }
}

/// A member of the decoded form. The planted secrets hold '&' and '=' themselves.
fn member<'a>(form: &'a str, name: &str) -> Option<&'a str> {
    let begin = format!("{name}=");
    let at = if form.starts_with(&begin) { 0 } else { form.find(&format!("&{begin}"))? + 1 } + begin.len();
    let rest = &form[at..];
    // A planted secret has a length of its own; everything else ends at the next member.
    let end = if rest.starts_with("CANARY-") {
        rest.len().min(rest.find("=%z")? + 19)
    } else {
        rest.find('&').unwrap_or(rest.len())
    };
    rest.get(..end)
}
