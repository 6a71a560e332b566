//! PostgreSQL: the five cases and the query.

use crate::{
    five::{Case, Five, Way},
    probe::given,
    server::Server,
    values,
};
use lampboard::{
    checks::{call::Stop, postgres},
    model::{Cause, Warning},
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const RIGHT: &str = "canary-right-7a44";
/// A role that may sign in and nothing else, one that may not even do that, and a database for neither.
const ROLES: &str = "
create role guest login password 'canary-right-7a44';
create role shut nologin password 'canary-right-7a44';
create database kept;
revoke connect on database kept from public;
";

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
    Server::start(|folder, port| {
        let bin = postgres_bin();
        let data = folder.join("data");
        let password = folder.join("pw");
        std::fs::write(&password, RIGHT).unwrap();
        let made = as_server_user(&bin.join("initdb"), folder)
            .args(["-A", "scram-sha-256", "-U", "board", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
        let roles = as_server_user(&bin.join("postgres"), folder)
            .args(["--single", "postgres", "-D"])
            .arg(&data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut roles = roles.unwrap();
        std::io::Write::write_all(roles.stdin.as_mut().unwrap(), ROLES.as_bytes()).unwrap();
        assert!(roles.wait().unwrap().success());
        let mut command = as_server_user(&bin.join("postgres"), folder);
        command
            .args(["-h", "127.0.0.1", "-p", port, "-k", ""])
            .args(["-c", "max_connections=10", "-c", "superuser_reserved_connections=1", "-D"])
            .arg(&data);
        command
    })
}

#[tokio::test]
#[ignore = "needs postgresql"]
async fn postgres_holds_the_five_cases() {
    let mut server = postgres_server();
    let client = |port: &str, user: &str, database: &str, password: &str| {
        let fields = [("host", "127.0.0.1"), ("port", port), ("user", user), ("database", database)];
        given(&fields).secret("password", password)
    };
    let five = Five {
        provider: "postgres",
        way: Way::Tcp,
        right: &|port| client(port, "board", "postgres", RIGHT),
        facts: &["Version", "Role", "Connections", "Database size"],
        wrong: Case::Yields(
            client(&server.port, "board", "postgres", "canary-wrong"),
            Cause::InvalidCredential,
            "28P01",
        ),
        powerless: Case::Yields(client(&server.port, "guest", "kept", RIGHT), Cause::Ok, "MissingScope"),
    };
    let good = five.hold(&mut server).await;
    assert_eq!((good.identity.as_deref(), good.quotas[0].limit), (Some("board"), Some(10.0)), "{good:?}");
}

#[tokio::test]
#[ignore = "needs postgresql"]
async fn postgres_tells_other_refusals_apart() {
    let server = postgres_server();
    let settled = Instant::now();
    let fields = [("host", "127.0.0.1"), ("port", &*server.port), ("user", "board")];
    let ask = async |more: &[(&str, &str)], password: &str| {
        let fields = [&fields[..], more].concat();
        given(&fields).secret("password", password).checked("postgres").await
    };
    while ask(&[], RIGHT).await.cause != Cause::Ok {
        assert!(settled.elapsed() < Duration::from_secs(30), "postgres does not answer");
    }
    for (more, password, cause) in [
        (&[][..], "", Cause::MissingCredential),
        (&[("database", "nope")], RIGHT, Cause::Misconfigured),
        (&[("user", "shut")], RIGHT, Cause::AccountProblem),
        (&[("tls", "require")], RIGHT, Cause::Tls),
    ] {
        let outcome = ask(more, password).await;
        assert_eq!(outcome.cause, cause, "{more:?}: {outcome:?}");
    }
    let kept = ask(&[("user", "guest"), ("database", "kept")], RIGHT).await;
    assert_eq!(kept.warnings, [Warning::MissingScope { scope: "CONNECT".into() }], "{kept:?}");
}

#[tokio::test]
#[ignore = "needs postgresql"]
async fn postgres_reads_rows_and_writes_nothing() {
    let server = postgres_server();
    let fields = [("host", "127.0.0.1"), ("port", &*server.port), ("user", "board")];
    let root = given(&fields).secret("password", RIGHT);
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
    let short = given(&fields).secret("password", RIGHT).timeout(Duration::from_secs(1));
    let slow = values("postgres", "query", &[("sql", "select pg_sleep(30)")]);
    let told = postgres::action::call(&short.input(), &slow).await;
    assert!(matches!(&told, Err(Stop::Failed(o)) if o.cause == Cause::Timeout), "{told:?}");
    let wrong = given(&fields).secret("password", "canary-wrong");
    let told = postgres::action::call(&wrong.input(), &slow).await;
    assert!(matches!(&told, Err(Stop::Failed(o)) if o.cause == Cause::InvalidCredential), "{told:?}");
    assert!(!format!("{told:?}").contains("canary"));
}
