//! The broker probes against real Mosquitto and NATS servers, started here on free ports in a throw-away folder.
//! `.ci/run` installs them and runs these.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;

use lampboard::{
    checks::{mqtt, nats},
    model::Cause,
};
use probe::{everything, given};
use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const RIGHT: &str = "canary-right-5c1a";

/// A server that ends with the test.
struct Server {
    child: Child,
    port: String,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a program with the arguments made from its folder and port, and waits until it listens.
fn start(program: &str, prepare: impl FnOnce(&Path, &str) -> Vec<String>) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let arguments = prepare(folder.path(), &port);
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap_or_else(|e| panic!("{program} is not installed: {e}"));
    let started = Instant::now();
    while TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
        assert!(started.elapsed() < Duration::from_secs(30), "{program} did not start");
        std::thread::yield_now();
    }
    Server { child, port, _folder: folder }
}

#[tokio::test]
#[ignore = "needs nats-server"]
async fn nats_tells_right_wrong_missing_full_and_gone_apart() {
    let mut server = start("nats-server", |_, port| {
        ["-a", "127.0.0.1", "-p", port, "--user", "ada", "--pass", RIGHT].map(ToOwned::to_owned).to_vec()
    });
    let port = server.port.clone();
    let fields = [("host", "127.0.0.1"), ("port", &*port), ("username", "ada")];
    let good = nats::probe(&given(&fields).secret("password", RIGHT).input()).await;
    assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("ada")), "{good:?}");
    assert!(good.facts.iter().any(|f| f.label == "Version" && f.value.contains('.')), "{good:?}");
    let wrong = nats::probe(&given(&fields).secret("password", "canary-wrong").input()).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    assert!(!everything(&good).contains("canary") && !everything(&wrong).contains("canary"));
    assert_eq!(nats::probe(&given(&fields).input()).await.cause, Cause::MissingCredential);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert_eq!(nats::probe(&given(&fields).input()).await.cause, Cause::Connect);
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn mqtt_tells_right_wrong_anonymous_and_gone_apart() {
    let mut server = start("/usr/sbin/mosquitto", |folder, port| {
        let (passwords, file) = (folder.join("passwords"), folder.join("mosquitto.conf"));
        let made = Command::new("mosquitto_passwd").args(["-b", "-c"]).arg(&passwords).args(["ada", RIGHT]).status();
        assert!(made.unwrap().success());
        // Started as root it becomes another user, who has to read it.
        let open = std::os::unix::fs::PermissionsExt::from_mode;
        std::fs::set_permissions(folder, open(0o755)).unwrap();
        std::fs::set_permissions(&passwords, open(0o644)).unwrap();
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\n", passwords.display());
        std::fs::write(&file, text).unwrap();
        vec!["-c".to_owned(), file.display().to_string()]
    });
    let port = server.port.clone();
    let fields = [("host", "127.0.0.1"), ("port", &*port), ("username", "ada")];
    let good = mqtt::probe(&given(&fields).secret("password", RIGHT).input()).await;
    assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("ada")), "{good:?}");
    let wrong = mqtt::probe(&given(&fields).secret("password", "canary-wrong").input()).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    assert!(!everything(&good).contains("canary") && !everything(&wrong).contains("canary"));
    assert_eq!(mqtt::probe(&given(&fields[..2]).input()).await.cause, Cause::InvalidCredential, "nobody is let in");
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert_eq!(mqtt::probe(&given(&fields).secret("password", RIGHT).input()).await.cause, Cause::Connect);
}
