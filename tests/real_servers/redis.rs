//! Redis: the five cases and the actions.

use crate::{
    five::{Case, Five, Way},
    probe::{self, given},
    server::Server,
    values,
};
use lampboard::{
    checks::{call::Stop, redis},
    model::{Cause, Status, Warning},
    providers::action::CodedAction,
};
use std::process::Command;

const RIGHT: &str = "canary-right-0d1e";

fn redis_server(config: &str) -> Server {
    Server::start(|folder, port| {
        let file = folder.join("redis.conf");
        let own = format!("port {port}\nbind 127.0.0.1\ndir {}\nsave \"\"\n{config}", folder.display());
        std::fs::write(&file, own).unwrap();
        let mut command = Command::new("redis-server");
        command.arg(&file);
        command
    })
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn redis_holds_the_five_cases() {
    let mut server =
        redis_server(&format!("requirepass {RIGHT}\nmaxclients 50\nuser reader on >{RIGHT} +auth +ping -info\n"));
    let client = |port: &str, user: &str, password: &str| {
        given(&[("host", "127.0.0.1"), ("port", port), ("username", user)]).secret("password", password)
    };
    let missing = given(&[("host", "127.0.0.1"), ("port", &server.port)]).checked("redis").await;
    assert_eq!((missing.cause, missing.status()), (Cause::MissingCredential, Status::Unauthorized), "{missing:?}");
    let powerless = client(&server.port, "reader", RIGHT).checked("redis").await;
    assert!(powerless.warnings.contains(&Warning::MissingScope { scope: "INFO".into() }), "{powerless:?}");
    let five = Five {
        provider: "redis",
        way: Way::Tcp,
        right: &|port| client(port, "", RIGHT),
        facts: &["Version", "Role", "Clients"],
        wrong: Case::Yields(client(&server.port, "", "canary-wrong"), Cause::InvalidCredential, "WRONGPASS"),
        powerless: Case::Yields(client(&server.port, "reader", RIGHT), Cause::Ok, "MissingScope"),
    };
    let good = five.hold(&mut server).await;
    assert_eq!((good.identity.as_deref(), good.quotas[0].limit), (Some("default"), Some(50.0)), "{good:?}");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn redis_database_that_is_not_there_is_a_mistake_of_ours() {
    let server = redis_server("user board on >pw +auth +ping +select -info\n");
    let fields = [("host", "127.0.0.1"), ("port", &*server.port), ("username", "board"), ("db", "99")];
    assert_eq!(redis::probe(&given(&fields).secret("password", "pw").input()).await.cause, Cause::Misconfigured);
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
