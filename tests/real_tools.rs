//! The probes that ask programs and name servers, with Debian's monitoring plugins and dnsmasq. `.ci/run` installs them and
//! runs these.

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

use five::{Case, Five, LATE, LIMIT, SILENT, Way};
use lampboard::model::{Cause, Outcome, Status, Warning};
use probe::given;
use proxy::Proxy;
use server::{Server, free_port, program};
use std::time::Duration;

const PLUGINS: &str = "/usr/lib/nagios/plugins";

async fn plugin(name: &str, arguments: &[&str]) -> Outcome {
    let program = format!("{PLUGINS}/{name}");
    let mut line = vec![&*program];
    line.extend(arguments);
    given(&[]).list("command", &line).timeout(Duration::from_secs(20)).checked("command").await
}

#[tokio::test]
#[ignore = "needs monitoring-plugins-basic"]
async fn plugins_are_read_as_their_authors_meant() {
    let good = plugin("check_dummy", &["0", "all is well"]).await;
    assert_eq!((good.cause, &*good.evidence.seen), (Cause::Ok, "OK: all is well"), "{good:?}");
    let warning = plugin("check_dummy", &["1", "soon"]).await;
    assert_eq!(warning.status(), Status::Active);
    assert!(
        matches!(&warning.warnings[..], [Warning::Degraded { message }] if message.contains("soon")),
        "{warning:?}"
    );
    let critical = plugin("check_dummy", &["2", "down"]).await;
    assert_eq!(critical.status(), Status::Error, "{critical:?}");
    let disk = plugin("check_disk", &["-w", "1%", "-c", "0%", "-p", "/"]).await;
    assert!(disk.samples.iter().any(|s| s.name == "/" && s.value > 0.0), "{disk:?}");
    let port = free_port();
    let closed = plugin("check_tcp", &["-H", "127.0.0.1", "-p", &port, "-t", "5"]).await;
    assert_eq!(closed.status(), Status::Error, "{closed:?}");
}

/// A program is no server: it is slow, silent or gone itself.
#[tokio::test]
#[ignore = "needs monitoring-plugins-basic"]
async fn a_plugin_holds_the_cases_of_command() {
    let port = loopback::serve(async |mut stream| {
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"hello\n").await;
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("check_tcp").display().to_string();
    std::os::unix::fs::symlink(format!("{PLUGINS}/check_tcp"), &own).unwrap();
    let ask = |port: &str| {
        given(&[]).list("command", &[&own, "-H", "127.0.0.1", "-p", port, "-e", "hello", "-t", "60"]).slow(LATE)
    };
    let good = ask(&port).checked("command").await;
    assert_eq!((good.cause, good.samples.len(), good.warnings.len()), (Cause::Ok, 1, 0), "{good:?}");
    let proxy = Proxy::tcp(&port, LATE).await;
    let late = ask(&proxy.port).checked("command").await;
    assert_eq!((late.cause, &late.warnings[..]), (Cause::Ok, &[Warning::Slow][..]), "{late:?}");
    let proxy = Proxy::tcp(&port, SILENT).await;
    let silent = ask(&proxy.port).timeout(LIMIT).checked("command").await;
    assert_eq!((silent.cause, silent.status()), (Cause::Timeout, Status::Error), "{silent:?}");
    std::fs::remove_file(&own).unwrap();
    std::fs::write(&own, "nobody may run this").unwrap();
    let denied = ask(&port).checked("command").await;
    assert_eq!(denied.cause, Cause::Misconfigured, "{denied:?}");
    std::fs::remove_file(&own).unwrap();
    let gone = ask(&port).checked("command").await;
    assert_eq!((gone.cause, gone.status()), (Cause::NotInstalled, Status::Inactive), "{gone:?}");
}

#[tokio::test]
#[ignore = "needs dnsmasq-base"]
async fn a_name_server_holds_the_cases() {
    let mut server = Server::start(|folder, port| {
        let mut command = program("dnsmasq");
        command
            .args(["--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--bind-interfaces"])
            .args(["--listen-address=127.0.0.1", "--local=/board.test/", "--host-record=api.board.test,192.0.2.7"])
            .args(["--mx-host=board.test,mail.board.test,10", "--txt-record=board.test,canary", "--user=root"])
            .arg(format!("--pid-file={}/pid", folder.display()))
            .arg(format!("--port={port}"));
        command
    });
    let address = format!("127.0.0.1:{}", server.port);
    let ask = async |name: &str, kind: &str, expect: &[&str]| {
        let asked = given(&[("name", name), ("type", kind), ("server", &address)]);
        asked.list("expect", expect).timeout(Duration::from_secs(5)).checked("dns").await
    };
    let good = ask("api.board.test", "A", &["192.0.2.7"]).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert_eq!(ask("board.test", "MX", &[]).await.cause, Cause::Ok);
    assert_eq!(ask("board.test", "TXT", &["canary"]).await.cause, Cause::Ok);
    let other = ask("api.board.test", "A", &["192.0.2.8"]).await;
    assert_eq!(other.cause, Cause::UnexpectedResponse, "{other:?}");
    let unknown = ask("nobody.board.test", "A", &[]).await;
    assert_eq!(unknown.cause, Cause::Dns, "{unknown:?}");
    let client = |port: &str, name: &str| {
        let server = format!("127.0.0.1:{port}");
        given(&[("name", name), ("server", &*server)])
    };
    let five = Five {
        provider: "dns",
        way: Way::Udp,
        right: &|port| client(port, "api.board.test"),
        facts: &["A"],
        wrong: Case::NotApplicable("a query takes no credential"),
        // What it does not serve it answers to nobody.
        powerless: Case::Yields(client(&server.port, "elsewhere.test"), Cause::Misconfigured, "REFUSED"),
    };
    five.hold(&mut server).await;
}
