//! The database probes against real servers, started here on free ports in a throw-away folder.
//! `.ci/run` installs them and runs these.

#![cfg(all(feature = "postgres", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;

use lampboard::{
    checks::{postgres, redis},
    model::{Cause, Status, Warning},
};
use probe::{everything, given};
use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

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

fn wait_for(what: &str, ready: impl Fn() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what} did not start");
        std::thread::yield_now();
    }
}

fn redis_server(config: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let file = folder.path().join("redis.conf");
    std::fs::write(&file, format!("port {port}\nbind 127.0.0.1\ndir {}\nsave \"\"\n{config}", folder.path().display()))
        .unwrap();
    let child =
        Command::new("redis-server").arg(&file).stdout(Stdio::null()).spawn().expect("redis-server is installed");
    wait_for("redis-server", || std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());
    Server { child, port, _folder: folder }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn redis_tells_right_wrong_missing_and_gone_apart() {
    let mut server = redis_server("requirepass canary-right\nmaxclients 50\n");
    let port = server.port.clone();
    let fields = [("host", "127.0.0.1"), ("port", &*port)];
    let good = redis::probe(&given(&fields).secret("password", "canary-right").input()).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert_eq!(good.identity.as_deref(), Some("default"));
    assert!(good.facts.iter().any(|f| f.label == "Version"));
    assert_eq!(good.quotas[0].limit, Some(50.0));
    assert!(!everything(&good).contains("canary"));
    let wrong = redis::probe(&given(&fields).secret("password", "canary-wrong").input()).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    assert!(!everything(&wrong).contains("canary"));
    assert_eq!(redis::probe(&given(&fields).input()).await.cause, Cause::MissingCredential);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert_eq!(redis::probe(&given(&fields).secret("password", "x").input()).await.cause, Cause::Connect);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn redis_user_without_permissions_is_alive() {
    let server = redis_server("user board on >pw +auth +ping +select -info\n");
    let fields = [("host", "127.0.0.1"), ("port", &*server.port), ("username", "board")];
    let outcome = redis::probe(&given(&fields).secret("password", "pw").input()).await;
    assert_eq!(outcome.status(), Status::Active, "{outcome:?}");
    assert!(
        outcome.warnings.iter().any(|w| matches!(w, Warning::MissingScope { scope } if scope == "INFO")),
        "{outcome:?}"
    );
    let fields = [("host", "127.0.0.1"), ("port", &*server.port), ("username", "board"), ("db", "99")];
    assert_eq!(redis::probe(&given(&fields).secret("password", "pw").input()).await.cause, Cause::Misconfigured);
}

fn postgres_bin() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed")
        .map(|e| e.unwrap().path().join("bin"))
        .collect();
    versions.sort();
    versions.pop().expect("a version")
}

/// PostgreSQL refuses to run as root: there it runs as `postgres`.
fn as_server_user(program: &Path, folder: &Path) -> Command {
    if rustix::process::geteuid().is_root() {
        let owned = Command::new("chown").args(["-R", "postgres"]).arg(folder).status().unwrap();
        assert!(owned.success());
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn postgres_server() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let bin = postgres_bin();
    let data = folder.path().join("data");
    let password = folder.path().join("pw");
    std::fs::write(&password, "canary-right").unwrap();
    let made = as_server_user(&bin.join("initdb"), folder.path())
        .args(["-A", "scram-sha-256", "-U", "board", "--pwfile"])
        .arg(&password)
        .arg("-D")
        .arg(&data)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    let port = free_port();
    let child = as_server_user(&bin.join("postgres"), folder.path())
        .args(["-h", "127.0.0.1", "-p", &port, "-k", ""])
        .args(["-c", "max_connections=10", "-c", "superuser_reserved_connections=1"])
        .arg("-D")
        .arg(&data)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("postgres", || std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());
    Server { child, port, _folder: folder }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn postgres_tells_right_wrong_missing_and_gone_apart() {
    let mut server = postgres_server();
    let port = server.port.clone();
    let fields = [("host", "127.0.0.1"), ("port", &*port), ("user", "board"), ("database", "postgres")];
    let mut good = postgres::probe(&given(&fields).secret("password", "canary-right").input()).await;
    let started = Instant::now();
    while good.cause == Cause::ServerError && started.elapsed() < Duration::from_secs(20) {
        good = postgres::probe(&given(&fields).secret("password", "canary-right").input()).await;
    }
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert_eq!(good.identity.as_deref(), Some("board"));
    assert_eq!(good.quotas[0].limit, Some(10.0));
    assert!(!everything(&good).contains("canary"));
    let wrong = postgres::probe(&given(&fields).secret("password", "canary-wrong").input()).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    assert!(!everything(&wrong).contains("canary"));
    assert_eq!(postgres::probe(&given(&fields).input()).await.cause, Cause::MissingCredential);
    let database = [("host", "127.0.0.1"), ("port", &*port), ("user", "board"), ("database", "nope")];
    assert_eq!(
        postgres::probe(&given(&database).secret("password", "canary-right").input()).await.cause,
        Cause::Misconfigured
    );
    let tls = [("host", "127.0.0.1"), ("port", &*port), ("user", "board"), ("tls", "require")];
    assert_eq!(postgres::probe(&given(&tls).secret("password", "canary-right").input()).await.cause, Cause::Tls);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let gone = postgres::probe(&given(&fields).secret("password", "canary-right").input()).await;
    assert_eq!(gone.cause, Cause::Connect, "{gone:?}");
}
