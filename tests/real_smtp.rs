//! The `smtp` probe against a real mail server (aiosmtpd), started here. `.ci/run` installs it and runs these.

#![cfg(feature = "smtp")]
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

use five::{Case, Five, Way};
use lampboard::model::Cause;
use probe::given;
use server::Server;
use std::process::Command;

const RIGHT: &str = "canary-right-e551";

/// A mail server that lets one user in, and that over STARTTLS alone.
const SERVER: &str = r#"
import ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult

def check(server, session, envelope, mechanism, data):
    good = getattr(data, "login", b"") == b"board" and getattr(data, "password", b"") == b"canary-right-e551"
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
async fn aiosmtpd_holds_the_five_cases() {
    let own = loopback::certificates();
    let mut server = Server::start(|folder, port| {
        std::fs::write(folder.join("root.pem"), &own.root_pem).unwrap();
        std::fs::write(folder.join("c.pem"), &own.certificate_pem).unwrap();
        std::fs::write(folder.join("k.pem"), &own.key_pem).unwrap();
        std::fs::write(folder.join("server.py"), SERVER).unwrap();
        // The system's own: its packages are not seen by others.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(folder.join("server.py")).arg(folder).arg(port);
        command
    });
    let root = server.folder().join("root.pem");
    let bare = |port: &str, tls: &str, password: &str| {
        let fields = [("host", "localhost"), ("port", port), ("username", "board"), ("tls", tls)];
        given(&fields).secret("password", password)
    };
    let client = |port: &str, password: &str| bare(port, "starttls", password).ca_file(&root);
    let unknown = bare(&server.port, "starttls", RIGHT).checked("smtp").await;
    assert_eq!(unknown.cause, Cause::Tls, "{unknown:?}");
    let plain = bare(&server.port, "none", RIGHT).checked("smtp").await;
    assert_eq!(plain.cause, Cause::Misconfigured, "{plain:?}");
    let five = Five {
        provider: "smtp",
        way: Way::Tcp,
        right: &|port| client(port, RIGHT),
        facts: &["Server", "Encryption", "Sign-in"],
        wrong: Case::Yields(client(&server.port, "canary-wrong"), Cause::InvalidCredential, "535"),
        powerless: Case::NotApplicable("never a mail is sent, and no other right is asked for"),
    };
    let good = five.hold(&mut server).await;
    assert_eq!(good.code, Some(235), "{good:?}");
    assert!(good.certificate_expires.is_some());
    assert!(good.facts.iter().any(|f| f.label == "Largest mail" && f.value == "5.0 MB"), "{good:?}");
}
