//! The `smtp` probe against a real mail server (aiosmtpd), started here. `.ci/run` installs it and runs these.

#![cfg(feature = "smtp")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/server.rs"]
mod server;

use lampboard::{checks::smtp, model::Cause};
use probe::{everything, given};
use server::Server;
use std::process::Command;

/// A mail server that lets one user in, and that over STARTTLS alone.
const SERVER: &str = r#"
import ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult

def check(server, session, envelope, mechanism, data):
    good = getattr(data, "login", b"") == b"board" and getattr(data, "password", b"") == b"canary-right"
    return AuthResult(success=good, handled=False)

folder, port = sys.argv[1], int(sys.argv[2])
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(folder + "/c.pem", folder + "/k.pem")
Controller(Sink(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
           auth_required=True, authenticator=check, data_size_limit=5000000).start()
while True:
    time.sleep(60)
"#;

#[tokio::test]
#[ignore = "needs python3-aiosmtpd"]
async fn right_wrong_unverified_and_gone_are_told_apart() {
    let own = loopback::certificates();
    let mut server = Server::start(|folder, port| {
        std::fs::write(folder.join("c.pem"), &own.certificate_pem).unwrap();
        std::fs::write(folder.join("k.pem"), &own.key_pem).unwrap();
        std::fs::write(folder.join("server.py"), SERVER).unwrap();
        // The system's own: its packages are not seen by others.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(folder.join("server.py")).arg(folder).arg(port);
        command
    });
    let port = server.port.clone();
    let fields = [("host", "localhost"), ("port", &*port), ("username", "board")];
    let client = |password: &str| given(&fields).secret("password", password).trusting(own.root.clone());
    let good = smtp::probe(&client("canary-right").input()).await;
    assert_eq!((good.cause, good.code), (Cause::Ok, Some(235)), "{good:?}");
    assert!(good.certificate_expires.is_some());
    assert!(good.facts.iter().any(|f| f.label == "Largest mail" && f.value == "5.0 MB"), "{good:?}");
    let wrong = smtp::probe(&client("canary-wrong").input()).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    assert!(!format!("{}{}", everything(&good), everything(&wrong)).contains("canary"));
    let unknown = smtp::probe(&given(&fields).secret("password", "canary-right").input()).await;
    assert_eq!(unknown.cause, Cause::Tls, "{unknown:?}");
    let bare = [("host", "localhost"), ("port", &*port), ("username", "board"), ("tls", "none")];
    let bare = smtp::probe(&given(&bare).secret("password", "canary-right").input()).await;
    assert_eq!(bare.cause, Cause::Misconfigured, "{bare:?}");
    server.kill();
    assert_eq!(smtp::probe(&client("canary-right").input()).await.cause, Cause::Connect);
}
