//! The database probes against real servers, started here on free ports in a throw-away folder.
//! `.ci/run` installs them and runs these.

#![cfg(all(feature = "postgres", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;

use lampboard::{
    checks::{call::Stop, postgres, redis},
    model::{Cause, Status, Warning},
    providers::{
        Registry,
        action::{CodedAction, Given, Values},
    },
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

/// Judged values of a built-in definition's action.
fn values(provider: &str, action: &str, given: &[(&str, &str)]) -> Values {
    let registry = Registry::built_in();
    let definition = registry.get(provider).unwrap();
    let given: Given = given.iter().map(|(k, v)| ((*k).to_owned(), vec![v.as_bytes().to_vec()])).collect();
    definition.actions[action].values(&given).unwrap()
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn redis_sets_with_a_time_to_live_and_gets() {
    let server = redis_server("requirepass canary-right\nuser reader on >pw ~* +get +pttl +auth +ping\n");
    let fields = [("host", "127.0.0.1"), ("port", &*server.port)];
    let root = given(&fields).secret("password", "canary-right");
    let set = async |who: &probe::Given, given: &[(&str, &str)]| {
        redis::action::call(&who.input(), CodedAction::RedisSet, &values("redis", "set", given)).await
    };
    let get = async |who: &probe::Given, key: &str| {
        redis::action::call(&who.input(), CodedAction::RedisGet, &values("redis", "get", &[("key", key)])).await
    };
    let told = set(&root, &[("key", "a"), ("value", "x\ny"), ("ttl", "100")]).await.unwrap();
    assert_eq!(told, serde_json::json!({ "key": "a", "ttl": 100 }));
    let told = get(&root, "a").await.unwrap();
    assert_eq!(told["value"], "x\ny");
    assert!((90.0..=100.0).contains(&told["ttl"].as_f64().unwrap()), "{told}");
    set(&root, &[("key", "a"), ("value", "z")]).await.unwrap();
    let told = get(&root, "a").await.unwrap();
    assert_eq!((&told["value"], told["ttl"].is_null()), (&"z".into(), true), "{told}");
    let told = get(&root, "nothing").await.unwrap();
    assert_eq!((told["value"].is_null(), &told["missing"]), (true, &true.into()), "{told}");
    let told = set(&root, &[("key", "a"), ("value", "z"), ("ttl", "0")]).await;
    assert!(matches!(&told, Err(Stop::Refused(_))), "{told:?}");
    set(&root, &[("key", "l"), ("value", &"x".repeat(400_000))]).await.unwrap();
    let told = get(&root, "l").await;
    assert!(matches!(&told, Err(Stop::Refused(why)) if why.contains("256 KiB")), "{told:?}");
    let fields = [("host", "127.0.0.1"), ("port", &*server.port), ("username", "reader")];
    let reader = given(&fields).secret("password", "pw");
    get(&reader, "a").await.unwrap();
    let told = set(&reader, &[("key", "a"), ("value", "b")]).await;
    assert!(matches!(&told, Err(Stop::Failed(o)) if o.cause == Cause::MissingScope), "{told:?}");
    let told = get(&given(&fields).secret("password", "canary-wrong"), "a").await;
    assert!(matches!(&told, Err(Stop::Failed(o)) if o.cause == Cause::InvalidCredential), "{told:?}");
}

#[tokio::test]
#[ignore = "needs postgresql"]
async fn postgres_reads_rows_and_writes_nothing() {
    let server = postgres_server();
    let fields = [("host", "127.0.0.1"), ("port", &*server.port), ("user", "board")];
    let root = given(&fields).secret("password", "canary-right");
    let started = Instant::now();
    while postgres::probe(&root.input()).await.cause != Cause::Ok {
        assert!(started.elapsed() < Duration::from_secs(30), "postgres does not answer");
    }
    let ask = async |sql: &str, rows: &str| {
        let values = values("postgres", "query", &[("sql", sql), ("rows", rows)]);
        postgres::action::call(&root.input(), &values).await
    };
    let told = ask(
        "select 7 as n, 'x' as t, true as b, null as u, 1.50::numeric as d, '{\"a\":[1]}'::jsonb as j, 2 as n, date '2026-05-01'",
        "10",
    )
    .await
    .unwrap();
    assert_eq!(
        serde_json::Value::from(told.rows),
        serde_json::json!([{ "n": 7, "t": "x", "b": true, "u": null, "d": "1.50", "j": { "a": [1] }, "n_2": 2, "date": "2026-05-01" }])
    );
    assert_eq!((told.names.join(" ").as_str(), told.note), ("n t b u d j n_2 date", None));
    let told = ask("select generate_series(1, 100000) as n", "3").await.unwrap();
    assert_eq!((told.rows.len(), told.note.unwrap().contains("cut off after 3")), (3, true));
    assert!(ask("show server_version", "1").await.is_ok());
    assert!(ask("explain select 1", "10").await.is_ok());
    for bad in [
        "create table t (a int)",
        "select 1; create table t (a int)",
        "commit; create table t (a int)",
        "commit",
        "do $$ begin set transaction read write; create table t (a int); end $$",
        "copy (select 1) to program 'touch /tmp/lampboard-was-here'",
        "with w as (select 1) select set_config('transaction_read_only', 'off', false)",
        "create table t as select 1 as a",
        "select nextval('s')",
        "select $1::int",
        "selec 1",
        "-- nothing",
    ] {
        let told = ask(bad, "10").await;
        assert!(matches!(&told, Err(Stop::Refused(_))), "{bad}: {told:?}");
    }
    let told = ask("select count(*) as n from pg_class where relname = 't'", "1").await.unwrap();
    assert_eq!(told.rows[0]["n"], 0);
    let told = ask("select repeat('x', 1000000)", "1").await;
    assert!(matches!(&told, Err(Stop::Refused(why)) if why.contains("256 KiB")), "{told:?}");
    let short = given(&fields).secret("password", "canary-right").timeout(Duration::from_secs(1));
    let slow = values("postgres", "query", &[("sql", "select pg_sleep(30)")]);
    let told = postgres::action::call(&short.input(), &slow).await;
    assert!(matches!(&told, Err(Stop::Failed(o)) if o.cause == Cause::Timeout), "{told:?}");
    let wrong = given(&fields).secret("password", "canary-wrong");
    let told = postgres::action::call(&wrong.input(), &slow).await;
    assert!(matches!(&told, Err(Stop::Failed(o)) if o.cause == Cause::InvalidCredential), "{told:?}");
    assert!(!format!("{told:?}").contains("canary"));
}
