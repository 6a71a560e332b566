//! moto, which checks signatures and policies once it is set up.

use crate::{
    probe::{Given, given},
    server::Server,
};
use lampboard::model::Outcome;
use std::process::Command;

/// Account calls that are made before moto begins to check signatures.
const FREE: &str = "8";

/// Key ID and secret.
pub type Key = (String, String);

/// A key.
pub fn key(id: &str, secret: &str) -> Key {
    (id.to_owned(), secret.to_owned())
}

/// A fact's value.
pub fn fact<'a>(outcome: &'a Outcome, label: &str) -> Option<&'a str> {
    outcome.facts.iter().find(|f| f.label == label).map(|f| f.value.as_str())
}

/// The integration with this key, for moto at this port.
pub fn client(port: &str, path: &str, key: &Key) -> Given {
    let url = format!("http://127.0.0.1:{port}{path}");
    given(&[("base_url", &*url)]).secret("access_key_id", &key.0).secret("secret_access_key", &key.1)
}

/// Where `.ci/run` put it.
fn moto() -> String {
    std::env::var("LAMPBOARD_MOTO").expect("LAMPBOARD_MOTO names moto's moto_server")
}

/// moto with two users: `ada` may do everything, `bob` nothing.
pub struct Moto {
    pub server: Server,
    pub ada: Key,
    pub bob: Key,
}

impl Moto {
    /// Its clock is right.
    pub async fn start() -> Moto {
        Moto::with(|| Command::new(moto())).await
    }

    /// With a clock that differs from ours by this much.
    pub async fn at(clock: &str) -> Moto {
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

    /// A check as the board makes it.
    pub async fn check(&self, provider: &str, path: &str, key: &Key) -> Outcome {
        let given = client(&self.server.port, path, key);
        let outcome = given.checked(provider).await;
        given.assert_hidden(&outcome);
        outcome
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
