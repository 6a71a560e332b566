//! AWS and S3 against moto, which checks signatures and policies; started here on a free port. `.ci/run` installs it and
//! runs these.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use indexmap::IndexMap;
use lampboard::{
    checks::{Checker, Network},
    model::{Cause, FieldValue, Integration, IntegrationId, Outcome, Status, Warning},
    providers::Registry,
    secrets::{Resolver, Vault},
};
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// Account calls that are made before the server begins to check signatures.
const FREE: &str = "8";

struct Moto {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
    /// Key ID and secret of `ada`, who may do everything, and `bob`, who may do nothing.
    ada: (String, String),
    bob: (String, String),
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.stop();
    }
}

fn between<'a>(text: &'a str, tag: &str) -> &'a str {
    text.split(&format!("<{tag}>")).nth(1).and_then(|t| t.split("</").next()).unwrap_or_else(|| panic!("{tag}: {text}"))
}

impl Moto {
    async fn start() -> Moto {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", FREE)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto_server is installed");
        let nobody = || (String::new(), String::new());
        let folder = tempfile::tempdir().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let mut moto = Moto { child, url, folder, ada: nobody(), bob: nobody() };
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "moto did not start");
            tokio::task::yield_now().await;
        }
        moto.iam("Action=CreateUser&UserName=ada").await;
        let all = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
                   %22Action%22%3A%22*%22%2C%22Resource%22%3A%22*%22%7D%5D%7D";
        moto.iam(&format!("Action=PutUserPolicy&UserName=ada&PolicyName=all&PolicyDocument={all}")).await;
        moto.ada = moto.key("ada").await;
        moto.iam("Action=CreateUser&UserName=bob").await;
        moto.bob = moto.key("bob").await;
        moto.call("s3", "PUT", "/backups", "").await;
        moto.call("ec2", "POST", "/", "Action=RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1&Version=2016-11-15")
            .await;
        moto.table("people").await;
        moto
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// One of the calls that are not checked: the header only says which service is meant.
    async fn call(&self, service: &str, method: &str, path: &str, body: &str) -> String {
        self.send(service, method, path, body, &[("content-type", "application/x-www-form-urlencoded")]).await
    }

    async fn send(&self, service: &str, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> String {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
        );
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.header("authorization", scope).body(body.to_owned()).send().await.unwrap();
        assert!(answer.status().is_success(), "{body}: {answer:?}");
        answer.text().await.unwrap()
    }

    async fn table(&self, name: &str) {
        let body = format!(
            r#"{{"TableName":"{name}","AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"S"}}],
               "KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}],"BillingMode":"PAY_PER_REQUEST"}}"#
        );
        let target = ("x-amz-target", "DynamoDB_20120810.CreateTable");
        self.send("dynamodb", "POST", "/", &body, &[target, ("content-type", "application/x-amz-json-1.0")]).await;
    }

    async fn iam(&self, body: &str) -> String {
        self.call("iam", "POST", "/", &format!("{body}&Version=2010-05-08")).await
    }

    async fn key(&self, user: &str) -> (String, String) {
        let made = self.iam(&format!("Action=CreateAccessKey&UserName={user}")).await;
        (between(&made, "AccessKeyId").to_owned(), between(&made, "SecretAccessKey").to_owned())
    }

    /// A check as the board makes it, with the key in a profile of a credentials file.
    async fn check(&self, provider: &str, path: &str, key: &(String, String)) -> Outcome {
        let file = self.folder.path().join("credentials");
        let text = format!("[default]\n\n[ci]\naws_access_key_id = {}\naws_secret_access_key = {}\n", key.0, key.1);
        std::fs::write(&file, text).unwrap();
        let definition = Registry::built_in().get(provider).unwrap().clone();
        let reference = |key: &str| FieldValue::Secret(format!("ini:$CREDENTIALS#ci.{key}").parse().unwrap());
        let integration = Integration {
            id: IntegrationId::new("moto").unwrap(),
            provider: provider.to_owned(),
            name: "moto".to_owned(),
            tags: Vec::new(),
            fields: IndexMap::from([
                ("base_url".to_owned(), FieldValue::Text(format!("{}{path}", self.url))),
                ("access_key_id".to_owned(), reference("aws_access_key_id")),
                ("secret_access_key".to_owned(), reference("aws_secret_access_key")),
            ]),
            enabled: true,
            interval: Duration::from_secs(300),
            timeout: Duration::from_secs(20),
            attempts: 1,
            failures_to_open: 1,
            successes_to_close: 1,
            expires: None,
            ca_file: None,
            insecure: false,
            slow: None,
            needs_scopes: Vec::new(),
        };
        let vault = Vault::new(&self.folder.path().join("vault.age"), &self.folder.path().join("identity.txt"));
        let credentials = file.display().to_string();
        let resolver =
            Resolver::new(Arc::new(vault)).with_env(move |name| (name == "CREDENTIALS").then(|| credentials.clone()));
        let network = Network { proxy: "none".to_owned(), ..Network::default() };
        let outcome = Checker::new(&network, resolver).unwrap().attempt(&integration, &definition).await;
        let shown = format!("{outcome:?}");
        assert!(!shown.contains(&key.1), "{shown}");
        outcome
    }
}

fn fact<'a>(outcome: &'a Outcome, label: &str) -> Option<&'a str> {
    outcome.facts.iter().find(|f| f.label == label).map(|f| f.value.as_str())
}

#[tokio::test]
#[ignore = "needs moto"]
async fn aws_tells_right_wrong_unknown_and_gone_apart() {
    let mut moto = Moto::start().await;
    let good = moto.check("aws", "", &moto.ada).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert_eq!(good.identity.as_deref(), Some("arn:aws:iam::123456789012:user/ada"));
    assert_eq!(fact(&good, "Account"), Some("123456789012"));
    for (label, wanted) in [
        ("S3 buckets", "1"),
        ("EC2 instances running", "1"),
        ("DynamoDB tables", "1"),
        ("CloudWatch alarms ringing", "0"),
    ] {
        assert_eq!(fact(&good, label), Some(wanted), "{label}: {good:?}");
    }
    // Who she is, anybody may ask; each further question has a verdict of its own.
    let nobody = moto.check("aws", "", &moto.bob).await;
    assert_eq!(nobody.identity.as_deref(), Some("arn:aws:iam::123456789012:user/bob"), "{nobody:?}");
    for name in ["S3", "EC2", "DynamoDB", "CloudWatch"] {
        assert!(fact(&nobody, name).is_some_and(|f| f.starts_with("no permission: ")), "{name}: {nobody:?}");
    }
    let wrong = moto.check("aws", "", &(moto.ada.0.clone(), moto.bob.1.clone())).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    assert!(wrong.evidence.seen.contains("signature"), "{wrong:?}");
    let unknown = moto.check("aws", "", &("AKIAIOSFODNN7EXAMPLE".to_owned(), moto.ada.1.clone())).await;
    assert_eq!(unknown.cause, Cause::InvalidCredential, "{unknown:?}");
    moto.stop();
    assert_eq!(moto.check("aws", "", &moto.ada).await.cause, Cause::Connect);
}

#[tokio::test]
#[ignore = "needs moto"]
async fn s3_tells_right_wrong_unknown_forbidden_and_gone_apart() {
    let mut moto = Moto::start().await;
    let store = moto.check("s3", "", &moto.ada).await;
    assert_eq!(store.cause, Cause::Ok, "{store:?}");
    assert_eq!((fact(&store, "Buckets"), fact(&store, "First bucket")), (Some("1"), Some("backups")));
    let bucket = moto.check("s3", "/backups", &moto.ada).await;
    assert_eq!((bucket.cause, fact(&bucket, "Bucket")), (Cause::Ok, Some("backups")), "{bucket:?}");
    assert_eq!(moto.check("s3", "/nowhere", &moto.ada).await.cause, Cause::Misconfigured);
    let wrong = moto.check("s3", "/backups", &(moto.ada.0.clone(), moto.bob.1.clone())).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    let unknown = moto.check("s3", "", &("AKIAIOSFODNN7EXAMPLE".to_owned(), moto.ada.1.clone())).await;
    assert_eq!(unknown.cause, Cause::InvalidCredential, "{unknown:?}");
    for path in ["", "/backups"] {
        let denied = moto.check("s3", path, &moto.bob).await;
        assert_eq!((denied.cause, denied.status()), (Cause::MissingScope, Status::Unauthorized), "{denied:?}");
        assert!(denied.warnings.iter().any(|w| matches!(w, Warning::MissingScope { .. })), "{denied:?}");
    }
    moto.stop();
    assert_eq!(moto.check("s3", "", &moto.ada).await.cause, Cause::Connect);
}
