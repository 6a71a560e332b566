//! The generic kinds that speak to anything (`http`, `tls`, `tcp`) against nginx, started here on a free port. `.ci/run`
//! installs it and runs these.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/five.rs"]
mod five;
#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/proxy.rs"]
mod proxy;
#[path = "common/server.rs"]
mod server;

use base64::{Engine, prelude::BASE64_STANDARD};
use five::{Case, Five, Way};
use lampboard::model::{Cause, Outcome, Status, Warning};
use loopback::{Authority, self_signed};
use probe::given;
use server::{Server, free_port, program};
use std::{path::Path, time::Duration};

const RIGHT: &str = "canary-right-83aa";

/// nginx with these lines in its `http` block; `PORT` and `FOLDER` in them are its own.
fn nginx(lines: &str, prepare: impl Fn(&Path)) -> Server {
    Server::start(|folder, port| {
        let at = folder.display().to_string();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {at}/{what};\n"))
            .concat();
        let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
        let config = format!(
            "{user}daemon off;\nworker_processes 1;\npid {at}/pid;\nerror_log {at}/errors;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}{}}}\n",
            lines.replace("PORT", port).replace("FOLDER", &at)
        );
        std::fs::write(folder.join("nginx.conf"), config).unwrap();
        prepare(folder);
        let mut command = program("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).arg("-e").arg(folder.join("errors"));
        command
    })
}

const SITE: &str = r#"
limit_req_zone $binary_remote_addr zone=slow:64k rate=1r/m;
server {
  listen 127.0.0.1:PORT;
  root FOLDER;
  location = /health.json { add_header X-Release r42; types { application/json json; } }
  location = /private.txt { auth_basic board; auth_basic_user_file FOLDER/users; }
  location = /limited.txt { limit_req zone=slow; limit_req_status 429; add_header Retry-After 30 always; }
  location = /slow.txt { limit_rate 1; }
  location = /kept.txt { deny all; }
  location = /kept.json { default_type application/json; return 403 '{"error":"not for you"}'; }
  location = /moved { return 302 https://login.board.test/; }
  location = /behind { proxy_pass http://127.0.0.1:CLOSED; }
}
"#;

fn site() -> Server {
    nginx(&SITE.replace("CLOSED", &free_port()), |folder| {
        std::fs::write(folder.join("health.json"), r#"{"status":"ok","queue":3}"#).unwrap();
        std::fs::write(folder.join("users"), format!("ada:{{PLAIN}}{RIGHT}\n")).unwrap();
        for name in ["private.txt", "limited.txt", "kept.txt"] {
            std::fs::write(folder.join(name), "what only some may read\n").unwrap();
        }
        std::fs::write(folder.join("slow.txt"), "x".repeat(9000)).unwrap();
    })
}

/// A check of kind `http` of this path; `lists` are its conditions.
async fn http(server: &Server, path: &str, fields: &[(&str, &str)], lists: &[(&str, &str)]) -> Outcome {
    let url = format!("http://127.0.0.1:{}{path}", server.port);
    let all = [&[("url", &*url)], fields].concat();
    let given = lists.iter().fold(given(&all), |given, (name, line)| given.list(name, &[line]));
    given.timeout(Duration::from_secs(2)).checked("http").await
}

#[tokio::test]
#[ignore = "needs nginx"]
async fn nginx_answers_are_held_against_the_users_conditions() {
    let server = site();
    let every = [("expect_header", "X-Release: ^r[0-9]+$"), ("expect_json", "body.status == 'ok' and body.queue < 10")];
    let good = http(&server, "/health.json", &[("expect_text", "queue"), ("expect_status", "200")], &every).await;
    assert_eq!((good.cause, good.code), (Cause::Ok, Some(200)), "{good:?}");
    assert_eq!(http(&server, "/health.json", &[("method", "HEAD")], &[]).await.cause, Cause::Ok);
    for (fields, lists, told) in [
        (&[("expect_status", "204")][..], &[][..], "204"),
        (&[("expect_text", "down")], &[], "down"),
        (&[], &[("expect_header", "X-Release: r43")], "x-release"),
        (&[], &[("expect_header", "X-Other: .")], "x-other"),
        (&[], &[("expect_json", "body.queue > 3")], "body.queue > 3"),
    ] {
        let failed = http(&server, "/health.json", fields, lists).await;
        assert_eq!(failed.cause, Cause::UnexpectedResponse, "{failed:?}");
        assert!(failed.evidence.rule.contains(told), "{failed:?}");
    }
    let posted = http(&server, "/health.json", &[("method", "POST")], &[]).await;
    assert_eq!((posted.cause, posted.code), (Cause::Misconfigured, Some(405)), "{posted:?}");
    let absent = http(&server, "/nothing", &[], &[]).await;
    assert_eq!((absent.cause, absent.code), (Cause::Misconfigured, Some(404)), "{absent:?}");
    assert_eq!(http(&server, "/nothing", &[("expect_status", "404")], &[]).await.cause, Cause::Ok);
    let kept = http(&server, "/kept.txt", &[], &[]).await;
    assert_eq!((kept.cause, kept.code), (Cause::UnexpectedResponse, Some(403)), "{kept:?}");
    let moved = http(&server, "/moved", &[], &[]).await;
    assert_eq!(moved.cause, Cause::UnexpectedResponse, "{moved:?}");
    assert!(moved.evidence.seen.contains("login.board.test"), "{moved:?}");
    let behind = http(&server, "/behind", &[], &[]).await;
    assert_eq!((behind.cause, behind.code), (Cause::ServerError, Some(502)), "{behind:?}");
    let slow = http(&server, "/slow.txt", &[], &[]).await;
    assert_eq!(slow.cause, Cause::Timeout, "{slow:?}");
}

#[tokio::test]
#[ignore = "needs nginx"]
async fn nginx_holds_the_five_cases_of_http() {
    let mut server = site();
    let client = |port: &str, path: &str, password: &str| {
        let url = format!("http://127.0.0.1:{port}{path}");
        let token = format!("Basic {}", BASE64_STANDARD.encode(format!("ada:{password}")));
        given(&[("url", &*url), ("header_name", "Authorization")]).secret("token", &token)
    };
    let url = format!("http://127.0.0.1:{}/private.txt", server.port);
    let absent = given(&[("url", &url)]).checked("http").await;
    assert_eq!((absent.cause, absent.code), (Cause::MissingCredential, Some(401)), "{absent:?}");

    assert_eq!(http(&server, "/limited.txt", &[], &[]).await.cause, Cause::Ok);
    let limited = http(&server, "/limited.txt", &[], &[]).await;
    assert_eq!((limited.cause, limited.status()), (Cause::Throttled, Status::RateLimited), "{limited:?}");
    let wait = limited.until.unwrap().as_second() - limited.at.as_second();
    assert!((29..=31).contains(&wait), "{limited:?}");

    let five = Five {
        provider: "http",
        way: Way::Tcp,
        right: &|port| client(port, "/private.txt", RIGHT),
        facts: &[],
        wrong: Case::Yields(client(&server.port, "/private.txt", "canary-wrong"), Cause::InvalidCredential, "401"),
        powerless: Case::Yields(client(&server.port, "/kept.json", RIGHT), Cause::MissingScope, "not for you"),
    };
    five.hold(&mut server).await;
}

#[tokio::test]
#[ignore = "needs nginx"]
async fn nginx_holds_the_cases_of_tls() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let names = ["good.test", "soon.test", "expired.test", "other.test", "self.test", "stranger.test"];
    let mut lines: String = names
        .map(|name| {
            format!(
                "server {{ listen 127.0.0.1:PORT ssl; server_name {name};\n\
                 ssl_certificate FOLDER/{name}.pem; ssl_certificate_key FOLDER/{name}.key; }}\n"
            )
        })
        .concat();
    let plain = free_port();
    lines += &format!("server {{ listen 127.0.0.1:{plain}; }}\n");
    let mut server = nginx(&lines, |folder| {
        for name in names {
            let pair = match name {
                "soon.test" => authority.pair(name, 10),
                "expired.test" => authority.pair(name, -1),
                "other.test" => authority.pair("good.test", 90),
                "self.test" => self_signed(name),
                "stranger.test" => stranger.pair(name, 90),
                _ => authority.pair(name, 90),
            };
            std::fs::write(folder.join(format!("{name}.pem")), pair.certificate.pem()).unwrap();
            std::fs::write(folder.join(format!("{name}.key")), pair.key.serialize_pem()).unwrap();
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, authority.pem()).unwrap();
    let ask = async |name: &str, port: &str| {
        let fields = [("host", "127.0.0.1"), ("port", port), ("server_name", name)];
        given(&fields).ca_file(&root).checked("tls").await
    };
    let good = ask("good.test", &server.port).await;
    assert_eq!((good.cause, good.warnings.len()), (Cause::Ok, 0), "{good:?}");
    let left = good.certificate_expires.unwrap().as_second() - good.at.as_second();
    assert!((89 * 86_400..=90 * 86_400).contains(&left), "{good:?}");
    let soon = ask("soon.test", &server.port).await;
    assert_eq!(soon.status(), Status::Active, "{soon:?}");
    assert!(matches!(soon.warnings[..], [Warning::CertificateExpires { .. }]), "{soon:?}");
    for name in ["expired.test", "other.test", "self.test", "stranger.test"] {
        let refused = ask(name, &server.port).await;
        assert_eq!(refused.cause, Cause::Tls, "{name}: {refused:?}");
    }
    let expired = ask("expired.test", &server.port).await;
    assert!(expired.evidence.seen.contains("expired"), "{expired:?}");
    let speaks_plainly = ask("good.test", &plain).await;
    assert_eq!(speaks_plainly.status(), Status::Error, "{speaks_plainly:?}");
    let five = Five {
        provider: "tls",
        way: Way::Tcp,
        right: &|port| given(&[("host", "127.0.0.1"), ("port", port), ("server_name", "good.test")]).ca_file(&root),
        facts: &["Protocol", "Subject", "Issuer", "Dies"],
        wrong: Case::NotApplicable("a handshake takes no credential of ours; the server's own is judged"),
        powerless: Case::NotApplicable("a handshake takes no credential of ours; the server's own is judged"),
    };
    five.hold(&mut server).await;
}

#[tokio::test]
#[ignore = "needs nginx"]
async fn nginx_holds_the_cases_of_tcp() {
    let mut server = site();
    let port = server.port.clone();
    let ask = async |more: &[(&str, &str)]| {
        let fields = [&[("host", "127.0.0.1"), ("port", &*port)], more].concat();
        given(&fields).timeout(Duration::from_secs(3)).checked("tcp").await
    };
    let open = ask(&[]).await;
    assert_eq!(open.cause, Cause::Ok, "{open:?}");
    let asked = ("send", r"HEAD /health.json HTTP/1.0\r\n\r\n");
    let answered = ask(&[asked, ("expect", "X-Release: r42")]).await;
    assert_eq!(answered.cause, Cause::Ok, "{answered:?}");
    let other = ask(&[asked, ("expect", "X-Release: r43")]).await;
    assert_eq!(other.status(), Status::Error, "{other:?}");
    let five = Five {
        provider: "tcp",
        way: Way::Tcp,
        right: &|port| given(&[("host", "127.0.0.1"), ("port", port), asked, ("expect", "X-Release: r42")]),
        facts: &[],
        wrong: Case::NotApplicable("a port takes no credential"),
        powerless: Case::NotApplicable("a port takes no credential"),
    };
    five.hold(&mut server).await;
}
