//! AWS and S3 against moto, which checks signatures and policies; started here on a free port. `.ci/run` installs it and
//! runs these.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;
#[path = "common/server.rs"]
mod server;

use lampboard::model::{Cause, Outcome, Status, Warning};
use probe::{everything, given};
use server::Server;
use std::process::Command;

/// Account calls that are made before moto begins to check signatures.
const FREE: &str = "8";

/// Key ID and secret.
type Key = (String, String);

fn key(id: &str, secret: &str) -> Key {
    (id.to_owned(), secret.to_owned())
}

fn fact<'a>(outcome: &'a Outcome, label: &str) -> Option<&'a str> {
    outcome.facts.iter().find(|f| f.label == label).map(|f| f.value.as_str())
}

/// A check as the board makes it.
async fn check(server: &Server, provider: &str, path: &str, key: &Key) -> Outcome {
    let url = format!("http://127.0.0.1:{}{path}", server.port);
    let given = given(&[("base_url", &url)]).secret("access_key_id", &key.0).secret("secret_access_key", &key.1);
    let outcome = given.checked(provider).await;
    assert!(!everything(&outcome).contains(&key.1), "{outcome:?}");
    outcome
}

/// Where `.ci/run` put it.
fn moto() -> String {
    std::env::var("LAMPBOARD_MOTO").expect("LAMPBOARD_MOTO names moto's moto_server")
}

/// moto with two users: `ada` may do everything, `bob` nothing.
struct Moto {
    server: Server,
    ada: Key,
    bob: Key,
}

impl Moto {
    async fn start() -> Moto {
        Moto::with(|| Command::new(moto())).await
    }

    /// With a clock that differs from ours by this much.
    async fn at(clock: &str) -> Moto {
        let late = || {
            let mut command = Command::new("faketime");
            command.args(["-f", clock, &moto()]);
            command
        };
        Moto::with(late).await
    }

    async fn with(program: impl Fn() -> Command) -> Moto {
        let server = Server::start(|_, port| {
            let mut command = program();
            command.args(["-H", "127.0.0.1", "-p", port]).env("INITIAL_NO_AUTH_ACTION_COUNT", FREE);
            command
        });
        let mut moto = Moto { server, ada: key("", ""), bob: key("", "") };
        moto.iam("Action=CreateUser&UserName=ada").await;
        let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let all = percent_encoding::utf8_percent_encode(all, percent_encoding::NON_ALPHANUMERIC);
        moto.iam(&format!("Action=PutUserPolicy&UserName=ada&PolicyName=all&PolicyDocument={all}")).await;
        moto.ada = moto.key("ada").await;
        moto.iam("Action=CreateUser&UserName=bob").await;
        moto.bob = moto.key("bob").await;
        moto.send("s3", "PUT", "/backups", "", &[]).await;
        let one = "Action=RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1&Version=2016-11-15";
        moto.send("ec2", "POST", "/", one, &[FORM]).await;
        let table = r#"{"TableName":"people","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
            "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}"#;
        let headers =
            [("x-amz-target", "DynamoDB_20120810.CreateTable"), ("content-type", "application/x-amz-json-1.0")];
        moto.send("dynamodb", "POST", "/", table, &headers).await;
        moto
    }

    /// One of the calls that are not checked: the credential only says which service is meant.
    async fn send(&self, service: &str, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> String {
        let scope = format!("x/20260101/us-east-1/{service}/aws4_request");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://127.0.0.1:{}{path}", self.server.port);
        let mut request = client.request(method.parse().unwrap(), url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let signed = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=x");
        let answer = request.header("authorization", signed).send().await.unwrap();
        assert!(answer.status().is_success(), "{body}: {answer:?}");
        answer.text().await.unwrap()
    }

    async fn iam(&self, body: &str) -> String {
        self.send("iam", "POST", "/", &format!("{body}&Version=2010-05-08"), &[FORM]).await
    }

    async fn key(&self, user: &str) -> Key {
        let made = self.iam(&format!("Action=CreateAccessKey&UserName={user}")).await;
        let of = |tag: &str| made.split(&format!("<{tag}>")).nth(1).unwrap().split("</").next().unwrap();
        key(of("AccessKeyId"), of("SecretAccessKey"))
    }

    async fn check(&self, provider: &str, path: &str, key: &Key) -> Outcome {
        check(&self.server, provider, path, key).await
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
#[ignore = "needs moto"]
async fn moto_shows_aws_right_wrong_unknown_and_gone() {
    let mut moto = Moto::start().await;
    let good = moto.check("aws", "", &moto.ada).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert_eq!(good.identity.as_deref(), Some("arn:aws:iam::123456789012:user/ada"));
    for (label, wanted) in [
        ("Account", "123456789012"),
        ("S3 buckets", "1"),
        ("EC2 instances running", "1"),
        ("DynamoDB tables", "1"),
        ("CloudWatch alarms ringing", "0"),
    ] {
        assert_eq!(fact(&good, label), Some(wanted), "{label}: {good:?}");
    }
    // Who he is, anybody may ask; each further question has a verdict of its own.
    let nobody = moto.check("aws", "", &moto.bob).await;
    assert_eq!(nobody.identity.as_deref(), Some("arn:aws:iam::123456789012:user/bob"), "{nobody:?}");
    for name in ["S3", "EC2", "DynamoDB", "CloudWatch"] {
        assert!(fact(&nobody, name).is_some_and(|f| f.starts_with("no permission: ")), "{name}: {nobody:?}");
    }
    let wrong = moto.check("aws", "", &key(&moto.ada.0, &moto.bob.1)).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    assert!(wrong.evidence.seen.contains("signature"), "{wrong:?}");
    let unknown = moto.check("aws", "", &key("AKIAIOSFODNN7EXAMPLE", &moto.ada.1)).await;
    assert_eq!(unknown.cause, Cause::InvalidCredential, "{unknown:?}");
    moto.server.kill();
    assert_eq!(moto.check("aws", "", &moto.ada).await.cause, Cause::Connect);
}

#[tokio::test]
#[ignore = "needs moto"]
async fn moto_shows_s3_right_wrong_unknown_forbidden_and_gone() {
    let mut moto = Moto::start().await;
    let store = moto.check("s3", "", &moto.ada).await;
    assert_eq!(store.cause, Cause::Ok, "{store:?}");
    assert_eq!((fact(&store, "Buckets"), fact(&store, "First bucket")), (Some("1"), Some("backups")));
    let bucket = moto.check("s3", "/backups", &moto.ada).await;
    assert_eq!((bucket.cause, fact(&bucket, "Bucket")), (Cause::Ok, Some("backups")), "{bucket:?}");
    assert_eq!(moto.check("s3", "/nowhere", &moto.ada).await.cause, Cause::Misconfigured);
    let wrong = moto.check("s3", "/backups", &key(&moto.ada.0, &moto.bob.1)).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    let unknown = moto.check("s3", "", &key("AKIAIOSFODNN7EXAMPLE", &moto.ada.1)).await;
    assert_eq!(unknown.cause, Cause::InvalidCredential, "{unknown:?}");
    for path in ["", "/backups"] {
        let denied = moto.check("s3", path, &moto.bob).await;
        assert_eq!((denied.cause, denied.status()), (Cause::MissingScope, Status::Unauthorized), "{denied:?}");
        assert!(denied.warnings.iter().any(|w| matches!(w, Warning::MissingScope { .. })), "{denied:?}");
    }
    moto.server.kill();
    assert_eq!(moto.check("s3", "", &moto.ada).await.cause, Cause::Connect);
}

/// The server's clock goes wrong instead of ours: what differs is the same.
#[tokio::test]
#[ignore = "needs moto and faketime"]
async fn moto_shows_a_wrong_clock_apart_from_a_wrong_secret() {
    for clock in ["-40m", "+40m"] {
        let moto = Moto::at(clock).await;
        let wrong = key(&moto.ada.0, &moto.bob.1);
        for provider in ["aws", "s3"] {
            let skewed = moto.check(provider, "", &wrong).await;
            assert_eq!(skewed.cause, Cause::Misconfigured, "{skewed:?}");
            assert!(skewed.evidence.seen.starts_with("the clock of this machine is wrong"), "{skewed:?}");
            let told = skewed.warnings.iter().find_map(|w| match w {
                Warning::ClockSkew { seconds } => Some(seconds.abs()),
                _ => None,
            });
            assert!(told.is_some_and(|s| (2300..=2500).contains(&s)), "{skewed:?}");
        }
    }
}

/// Calls actions of a definition at moto with a key.
struct Caller {
    checker: lampboard::checks::Checker,
    definition: lampboard::providers::Definition,
    integration: lampboard::model::Integration,
}

impl Caller {
    fn new(provider: &str, moto: &Moto, key: &Key) -> Caller {
        use lampboard::{
            model::{FieldValue, SecretRef},
            providers::Registry,
            secrets::{Resolver, Vault},
        };
        let definition = Registry::built_in().get(provider).unwrap().as_ref().clone();
        let vault = std::sync::Arc::new(Vault::new("/nonexistent/v".as_ref(), "/nonexistent/i".as_ref()));
        let key = key.clone();
        let resolver = Resolver::new(vault).with_env(move |name| match name {
            "ID" => Some(key.0.clone()),
            _ => Some(key.1.clone()),
        });
        let mut integration = given(&[]).integration();
        let url = format!("http://127.0.0.1:{}", moto.server.port);
        integration.fields.insert("base_url".to_owned(), FieldValue::Text(url));
        for (field, name) in [("access_key_id", "ID"), ("secret_access_key", "SECRET")] {
            integration.fields.insert(field.to_owned(), FieldValue::Secret(SecretRef::Env(name.to_owned())));
        }
        let network = lampboard::checks::Network { proxy: "none".to_owned(), ..Default::default() };
        let checker = lampboard::checks::Checker::new(&network, resolver).unwrap();
        Caller { checker, definition, integration }
    }

    async fn call(&self, action: &str, given: &[(&str, &str)]) -> lampboard::model::Called {
        use lampboard::providers::action::{Call, Given};
        let given: Given = given.iter().map(|(k, v)| ((*k).to_owned(), vec![v.as_bytes().to_vec()])).collect();
        let values = self.definition.actions[action].values(&given).unwrap();
        self.checker.call(&self.integration, &self.definition, &Call::Action { name: action.to_owned(), values }).await
    }
}

#[tokio::test]
#[ignore = "needs moto"]
async fn moto_takes_the_actions_of_s3_and_ec2() {
    let moto = Moto::start().await;
    let ada = Caller::new("s3", &moto, &moto.ada);
    let made = ada.call("create_bucket", &[("bucket", "new-one"), ("location", "eu-west-1")]).await;
    assert!(made.is_done(), "{made:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("big.bin").display().to_string();
    std::fs::write(&file, vec![7; 3_000_000]).unwrap();
    let put = ada.call("upload_file", &[("bucket", "new-one"), ("key", "photos/a b.bin"), ("file", &file)]).await;
    assert!(put.is_done() && put.result["etag"].as_str().is_some_and(|e| e.len() > 30), "{put:?}");
    // Without its slash: moto refuses its own client's signatures of an encoded one in a query too.
    let listed = ada.call("list_objects", &[("bucket", "new-one"), ("prefix", "photos")]).await;
    assert!(listed.is_done(), "{listed:?}");
    assert_eq!((&listed.result[0]["Key"], &listed.result[0]["Size"]), (&"photos/a b.bin".into(), &"3000000".into()));
    let buckets = ada.call("list_buckets", &[]).await;
    assert_eq!(
        buckets.table().unwrap().rows.iter().map(|r| &*r[0]).collect::<Vec<_>>(),
        ["backups", "new-one"],
        "{buckets:?}"
    );
    let twice = ada.call("list_objects", &[("bucket", "nowhere")]).await;
    assert!(matches!(
        &twice.ending,
        lampboard::model::Ending::Failed { .. } | lampboard::model::Ending::Refused { .. }
    ));
    let bob = Caller::new("s3", &moto, &moto.bob).call("list_buckets", &[]).await;
    assert_eq!(bob.ending.as_str(), "missing_scope", "{bob:?}");
    let wrong = Caller::new("s3", &moto, &key(&moto.ada.0, &moto.bob.1));
    let wrong = wrong.call("upload_file", &[("bucket", "new-one"), ("key", "x"), ("file", &file)]).await;
    assert_eq!(wrong.ending.as_str(), "invalid_credential", "{wrong:?}");

    let ada = Caller::new("aws", &moto, &moto.ada);
    let launched = ada.call("launch_instance", &[("image", "ami-12c6146b")]).await;
    assert!(launched.is_done(), "{launched:?}");
    let rows = ada.call("list_instances", &[]).await.table().unwrap().rows;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows.iter().any(|r| r[0].starts_with("i-") && r[1] == "t3.micro"), "{rows:?}");
}
