//! The `smtp` probe against mail servers of our own on loopback.

#![cfg(feature = "smtp")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/probe.rs"]
mod probe;

use base64::{Engine, prelude::BASE64_STANDARD};
use lampboard::{
    checks::smtp,
    model::{Cause, Status},
};
use loopback::{certificates, listen, serve};
use probe::{Given, everything, given};
use std::{sync::Arc, time::Duration};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};

/// How a fake mail server behaves.
#[derive(Clone)]
struct Mail {
    greeting: &'static str,
    /// The EHLO lines after the first, before and after STARTTLS.
    plain: &'static [&'static str],
    secret: &'static [&'static str],
    tls: Option<Arc<rustls::ServerConfig>>,
    /// What wrong credentials are answered with; `{}` stands for the line that came.
    refusal: &'static str,
}

impl Mail {
    fn new() -> Mail {
        Mail {
            greeting: "220-mail.test ESMTP\r\n220 ready",
            plain: &["SIZE 10240000", "AUTH PLAIN LOGIN"],
            secret: &["AUTH LOGIN PLAIN"],
            tls: None,
            refusal: "535 5.7.8 no",
        }
    }

    async fn start(self) -> String {
        serve(move |stream| {
            let mail = self.clone();
            async move {
                let _ = mail.talk(stream).await;
            }
        })
        .await
    }

    async fn talk(&self, stream: tokio::net::TcpStream) -> std::io::Result<()> {
        let mut stream = BufStream::new(stream);
        say(&mut stream, self.greeting).await?;
        if self.exchange(&mut stream, self.plain).await? {
            let acceptor = tokio_rustls::TlsAcceptor::from(self.tls.clone().unwrap());
            let mut stream = BufStream::new(acceptor.accept(stream.into_inner()).await?);
            self.exchange(&mut stream, self.secret).await?;
        }
        Ok(())
    }

    /// Talks until the end, or until STARTTLS (`true`).
    async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufStream<S>,
        offer: &[&str],
    ) -> std::io::Result<bool> {
        let good = BASE64_STANDARD.encode("\0board\0canary-right");
        loop {
            let line = hear(stream).await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb {
                "EHLO" => {
                    assert!(rest.starts_with('['), "{rest}");
                    say(stream, "250-mail.test").await?;
                    for line in offer {
                        say(stream, &format!("250-{line}")).await?;
                    }
                    say(stream, "250 HELP").await?;
                }
                "STARTTLS" => {
                    say(stream, "220 go").await?;
                    return Ok(true);
                }
                "AUTH" if rest == format!("PLAIN {good}") => say(stream, "235 2.7.0 welcome").await?,
                "AUTH" if rest == "LOGIN" => {
                    let mut right = true;
                    for (question, answer) in [("VXNlcm5hbWU6", "board"), ("UGFzc3dvcmQ6", "canary-right")] {
                        say(stream, &format!("334 {question}")).await?;
                        right &= hear(stream).await? == BASE64_STANDARD.encode(answer);
                    }
                    say(stream, if right { "235 2.7.0 welcome" } else { self.refusal }).await?;
                }
                "AUTH" => say(stream, &self.refusal.replace("{}", &line)).await?,
                "QUIT" => {
                    say(stream, "221 bye").await?;
                    return Ok(false);
                }
                "" => return Ok(false),
                other => panic!("the probe said '{other}', which no check may"),
            }
        }
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, line: &str) -> std::io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await
}

async fn hear<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufStream<S>) -> std::io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line.trim_end().to_owned())
}

fn client(port: &str, tls: &str, password: &str) -> Given {
    given(&[("host", "localhost"), ("port", port), ("username", "board"), ("tls", tls)]).secret("password", password)
}

#[tokio::test]
async fn right_and_wrong_passwords_are_told_apart() {
    for plain in [&["SIZE 10240000", "AUTH PLAIN LOGIN"][..], &["SIZE 10240000", "AUTH=LOGIN"][..]] {
        let port = Mail { plain, ..Mail::new() }.start().await;
        let good = smtp::probe(&client(&port, "none", "canary-right").input()).await;
        assert_eq!(good.cause, Cause::Ok, "{good:?}");
        assert_eq!((good.code, good.identity.as_deref()), (Some(235), Some("board")));
        let fact = |label: &str| good.facts.iter().find(|f| f.label == label).map(|f| f.value.as_str());
        assert_eq!(fact("Largest mail"), Some("10.2 MB"));
        assert_eq!(fact("Encryption"), Some("none"));
        assert!(good.latency.is_some() && good.phases.first_byte.is_some());
        let wrong = smtp::probe(&client(&port, "none", "canary-wrong").input()).await;
        assert_eq!((wrong.cause, wrong.code), (Cause::InvalidCredential, Some(535)), "{wrong:?}");
        assert!(!format!("{}{}", everything(&good), everything(&wrong)).contains("canary"));
    }
}

#[tokio::test]
async fn starttls_is_used_verified_and_never_skipped() {
    let own = certificates();
    let mail = Mail { plain: &["STARTTLS"], tls: Some(own.config.clone()), ..Mail::new() };
    let port = mail.start().await;
    let good = smtp::probe(&client(&port, "auto", "canary-right").trusting(own.root.clone()).input()).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert!(good.certificate_expires.is_some() && good.phases.tls.is_some());
    let unknown = smtp::probe(&client(&port, "starttls", "canary-right").input()).await;
    assert_eq!(unknown.cause, Cause::Tls, "{unknown:?}");
    // A server, or somebody between, that hides STARTTLS gets no password in the clear.
    let port = Mail::new().start().await;
    let stripped = smtp::probe(&client(&port, "starttls", "canary-right").trusting(own.root).input()).await;
    assert_eq!((stripped.cause, stripped.evidence.rule.as_str()), (Cause::Tls, "STARTTLS is not offered"));
}

#[tokio::test]
async fn bytes_smuggled_ahead_of_the_handshake_are_refused() {
    let own = certificates();
    let port = serve(|stream| async move {
        let mut stream = BufStream::new(stream);
        let _ = say(&mut stream, "220 mail.test").await;
        let _ = hear(&mut stream).await;
        let _ = say(&mut stream, "250-mail.test\r\n250 STARTTLS").await;
        let _ = hear(&mut stream).await;
        let _ = say(&mut stream, "220 go\r\n250 AUTH PLAIN").await;
        let _ = hear(&mut stream).await;
    })
    .await;
    let outcome = smtp::probe(&client(&port, "starttls", "canary-right").trusting(own.root).input()).await;
    assert_eq!(outcome.cause, Cause::Protocol, "{outcome:?}");
}

#[tokio::test]
async fn tls_at_once_is_spoken_where_asked() {
    let own = certificates();
    let config = own.config.clone();
    let port = serve(move |stream| {
        let acceptor = tokio_rustls::TlsAcceptor::from(config.clone());
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let mut stream = BufStream::new(stream);
            let _ = say(&mut stream, "220 mail.test").await;
            let _ = Mail::new().exchange(&mut stream, &["AUTH PLAIN"]).await;
        }
    })
    .await;
    let good = smtp::probe(&client(&port, "tls", "canary-right").trusting(own.root).input()).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert!(good.facts.iter().any(|f| f.label == "Encryption" && f.value.starts_with("TLS")), "{good:?}");
    assert!(smtp::tls_at_once(Some("auto"), Some("465")) && !smtp::tls_at_once(Some("auto"), Some("587")));
}

#[tokio::test]
async fn without_a_user_the_greeting_is_the_proof() {
    let port = Mail::new().start().await;
    let fields = [("host", "localhost"), ("port", &*port), ("tls", "none")];
    let outcome = smtp::probe(&given(&fields).input()).await;
    assert_eq!((outcome.cause, outcome.identity), (Cause::Ok, None));
    let lonely = smtp::probe(&given(&fields).secret("password", "canary").input()).await;
    assert_eq!(lonely.cause, Cause::Misconfigured);
    let bare = given(&[("host", "localhost"), ("port", &*port), ("tls", "none"), ("username", "board")]);
    assert_eq!(smtp::probe(&bare.input()).await.cause, Cause::MissingCredential);
}

#[tokio::test]
async fn busy_blocked_and_foreign_servers_are_told_apart() {
    for (greeting, cause) in [
        ("421 4.7.0 too many connections from you", Cause::Throttled),
        ("421 4.3.2 shutting down", Cause::ServerError),
        ("554 no SMTP service here", Cause::UnexpectedResponse),
        ("SSH-2.0-OpenSSH_9.2", Cause::Protocol),
        ("HTTP/1.1 400 Bad Request", Cause::Protocol),
        ("", Cause::Protocol),
        ("25", Cause::Protocol),
        ("999 x", Cause::Protocol),
        ("250_x", Cause::Protocol),
        ("2é0 x", Cause::Protocol),
    ] {
        let port = Mail { greeting, ..Mail::new() }.start().await;
        let outcome = smtp::probe(&client(&port, "none", "canary-right").input()).await;
        assert_eq!(outcome.cause, cause, "{greeting}: {outcome:?}");
    }
    let port = Mail { plain: &["AUTH XOAUTH2"], ..Mail::new() }.start().await;
    let outcome = smtp::probe(&client(&port, "none", "canary-right").input()).await;
    assert_eq!(outcome.cause, Cause::Misconfigured, "{outcome:?}");
    assert!(outcome.evidence.seen.contains("XOAUTH2"));
    let port = Mail { plain: &["AUTH X-OWN"], ..Mail::new() }.start().await;
    let outcome = smtp::probe(&client(&port, "none", "canary-right").input()).await;
    let rule = "neither AUTH PLAIN nor AUTH LOGIN is offered";
    assert_eq!((outcome.cause, outcome.evidence.rule.as_str()), (Cause::Misconfigured, rule));
    let port = Mail { plain: &[], ..Mail::new() }.start().await;
    assert_eq!(smtp::probe(&client(&port, "none", "canary-right").input()).await.cause, Cause::Misconfigured);
}

#[tokio::test]
async fn an_echoed_command_shows_no_password() {
    let port = Mail { refusal: "535 5.7.8 bad: {}", ..Mail::new() }.start().await;
    let outcome = client(&port, "none", "canary-wrong").checked("smtp").await;
    assert_eq!(outcome.status(), Status::Unauthorized);
    assert!(outcome.evidence.seen.contains("••••"), "{outcome:?}");
    let word = BASE64_STANDARD.encode("\0board\0canary-wrong");
    // What stands before the password is the user's name, which is no secret.
    let shown = everything(&outcome);
    for piece in word.as_bytes()["\0board\0".len() / 3 * 4 + 4..].windows(6).map(String::from_utf8_lossy) {
        assert!(!shown.contains(&*piece), "{piece} in {shown}");
    }
}

#[tokio::test]
async fn silent_gone_and_breaking_servers_end_in_time() {
    let (listener, port) = listen().await;
    let silent = smtp::probe(&client(&port, "none", "canary-right").timeout(Duration::from_millis(200)).input()).await;
    assert_eq!(silent.cause, Cause::Timeout, "{silent:?}");
    drop(listener);
    assert_eq!(smtp::probe(&client(&port, "none", "canary-right").input()).await.cause, Cause::Connect);
    let port = serve(|mut stream| async move {
        let _ = say(&mut stream, "220 mail.test").await;
    })
    .await;
    assert_eq!(smtp::probe(&client(&port, "none", "canary-right").input()).await.cause, Cause::Connect);
    for (cut, cause) in [
        ("421-4.3.2 shutting down", Cause::ServerError),
        ("220-mail.test", Cause::UnexpectedResponse),
        ("220-\r\n".repeat(4000).as_str(), Cause::Protocol),
    ] {
        let greeting = cut.to_owned();
        let port = serve(move |mut stream| {
            let greeting = greeting.clone();
            async move {
                let _ = say(&mut stream, &greeting).await;
            }
        })
        .await;
        let outcome = smtp::probe(&client(&port, "none", "canary-right").input()).await;
        assert_eq!(outcome.cause, cause, "{outcome:?}");
    }
    let port = serve(|mut stream| async move { while stream.write_all(&[b'2'; 4096]).await.is_ok() {} }).await;
    assert_eq!(smtp::probe(&client(&port, "none", "canary-right").input()).await.cause, Cause::Protocol);
}
