//! RabbitMQ with its management plugin.

use crate::{
    RIGHT, WRONG,
    five::{Case, Five, Way},
    probe::given,
    server::{Server, free_port},
    url,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use lampboard::model::Cause;
use std::process::{Command, Stdio};

/// The broker and the name service its run time starts beside it.
struct Rabbit {
    server: Server,
    names: String,
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        self.server.kill();
        let _ = Command::new("epmd").env("ERL_EPMD_PORT", &self.names).arg("-kill").stdout(Stdio::null()).status();
    }
}

/// As the broker keeps passwords: four bytes of salt, then SHA-256 over salt and password.
fn kept(password: &str) -> String {
    let salt = [7, 1, 8, 2];
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[&salt[..], password.as_bytes()].concat());
    BASE64_STANDARD.encode([&salt[..], hash.as_ref()].concat())
}

fn rabbit() -> Rabbit {
    let (names, amqp, peers) = (free_port(), free_port(), free_port());
    let server = Server::start(|folder, port| {
        let at = folder.display();
        let user = |name: &str, tags: &str| {
            format!(
                r#"{{"name":"{name}","password_hash":"{}","hashing_algorithm":"rabbit_password_hashing_sha256","tags":"{tags}"}}"#,
                kept(RIGHT)
            )
        };
        let definitions = format!(
            r#"{{"users":[{},{}],"vhosts":[{{"name":"/"}}],"permissions":[{{"user":"board","vhost":"/","configure":"","write":"","read":".*"}}]}}"#,
            user("board", "monitoring"),
            user("nobody", "")
        );
        std::fs::write(folder.join("definitions.json"), definitions).unwrap();
        std::fs::write(folder.join("plugins"), "[rabbitmq_management].").unwrap();
        let settings = format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\nload_definitions = {at}/definitions.json\n"
        );
        std::fs::write(folder.join("rabbitmq.conf"), settings).unwrap();
        let mut command = Command::new("/usr/lib/rabbitmq/bin/rabbitmq-server");
        command
            .env("HOME", folder)
            .env("ERL_EPMD_PORT", &names)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            // The name service may end though it has not noticed yet that the broker is gone.
            .env("ERL_EPMD_RELAXED_COMMAND_CHECK", "1")
            .env("RABBITMQ_DIST_PORT", &peers)
            .env("RABBITMQ_NODENAME", format!("board{port}@localhost"))
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"));
        command
    });
    Rabbit { server, names }
}

#[tokio::test]
#[ignore = "needs rabbitmq-server"]
async fn rabbitmq_holds_the_five_cases() {
    let mut rabbit = rabbit();
    let client = |port: &str, user: &str, password: &str| {
        given(&[("base_url", &url(port)), ("username", user)]).secret("password", password)
    };
    let port = rabbit.server.port.clone();
    let five = Five {
        provider: "rabbitmq",
        way: Way::Tcp,
        right: &|port| client(port, "board", RIGHT),
        facts: &["Version", "Cluster", "Queues", "Erlang"],
        wrong: Case::Yields(client(&port, "board", WRONG), Cause::InvalidCredential, "401"),
        // A user without a tag: known, and not let in by the plugin.
        powerless: Case::Yields(client(&port, "nobody", RIGHT), Cause::Ok, r#"MissingScope { scope: "management" }"#),
    };
    let good = five.hold(&mut rabbit.server).await;
    assert!(good.identity.as_deref().is_some_and(|i| i.starts_with("board @ ")), "{good:?}");
}
