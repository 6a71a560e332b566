//! The registry definition against a real registry, with a password file and with a token service whose tokens the
//! registry verifies. `.ci/run` installs it and runs these.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/five.rs"]
mod five;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/proxy.rs"]
mod proxy;
#[path = "common/server.rs"]
mod server;
#[path = "common/web.rs"]
mod web;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use five::{Case, Five, Way};
use lampboard::model::Cause;
use probe::{Given, given};
use server::{Server, program};
use web::{Web, reply};

const RIGHT: &str = "canary-right";
/// The password above for 'ada', as the registry keeps it (bcrypt).
const USERS: &str = "ada:$2y$05$14DgT1QxUrvcQPK1JXAfb.aRM/KAAGojWJL7IEnBcVrZnAW/hykI.\n";

/// A registry with one repository; 'auth' is its configuration's part, FOLDER standing for a folder with this file.
fn registry(auth: &str, (name, text): (&str, &str)) -> Server {
    Server::start(|folder, port| {
        let path = folder.display().to_string();
        std::fs::write(folder.join(name), text).unwrap();
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {path}/data\nhttp:\n  addr: 127.0.0.1:{port}\nauth:\n{}",
            auth.replace("FOLDER", &path)
        );
        std::fs::write(folder.join("config.yml"), config).unwrap();
        // A repository made by hand: the catalog lists what has layers on disk.
        let links = folder.join("data/docker/registry/v2/repositories/shop/api/_layers");
        std::fs::create_dir_all(links).unwrap();
        let mut command = program("docker-registry");
        command.arg("serve").arg(folder.join("config.yml"));
        command
    })
}

fn client(port: &str, user: &str, password: &str) -> Given {
    let url = format!("http://127.0.0.1:{port}");
    given(&[("base_url", &*url), ("username", user)]).secret("password", password)
}

#[tokio::test]
#[ignore = "needs docker-registry"]
async fn a_registry_with_a_password_file_holds_the_five_cases() {
    let mut server = registry("  htpasswd:\n    realm: images\n    path: FOLDER/users\n", ("users", USERS));
    let unknown = client(&server.port, "bob", RIGHT).checked("oci_registry").await;
    assert_eq!(unknown.cause, Cause::InvalidCredential, "{unknown:?}");
    let five = Five {
        provider: "oci_registry",
        way: Way::Tcp,
        right: &|port| client(port, "ada", RIGHT),
        facts: &["Repositories", "First", "Protocol"],
        wrong: Case::Yields(client(&server.port, "ada", "canary-wrong"), Cause::InvalidCredential, "401"),
        powerless: Case::NotApplicable("a password file lets in or does not: there are no rights"),
    };
    let good = five.hold(&mut server).await;
    assert_eq!(good.identity.as_deref(), Some("ada"), "{good:?}");
}

/// Signs tokens that the registry verifies against the certificate; 'ada' may list the catalog, 'bob' nothing.
struct Issuer {
    pair: EcdsaKeyPair,
    certificate: Vec<u8>,
}

impl Issuer {
    fn new() -> (Issuer, String) {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["issuer".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der()).unwrap();
        (Issuer { pair, certificate: certificate.der().to_vec() }, certificate.pem())
    }

    fn token(&self, user: &str) -> String {
        let now = jiff::Timestamp::now().as_second();
        let access = match user {
            "ada" => serde_json::json!([{ "type": "registry", "name": "catalog", "actions": ["*"] }]),
            _ => serde_json::json!([]),
        };
        let header =
            serde_json::json!({ "typ": "JWT", "alg": "ES256", "x5c": [BASE64_STANDARD.encode(&self.certificate)] });
        let claims = serde_json::json!({
            "iss": "issuer", "sub": user, "aud": "images", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1", "access": access,
        });
        let part = |json: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let text = format!("{}.{}", part(&header), part(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

#[tokio::test]
#[ignore = "needs docker-registry"]
async fn a_registry_with_a_token_service_holds_the_five_cases() {
    let (issuer, certificate) = Issuer::new();
    let service = Web::start(move |asked| {
        let signed = |user: &str| {
            asked.header("authorization") == format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{RIGHT}")))
        };
        let user = ["ada", "bob"].into_iter().find(|user| signed(user));
        Some(match user.filter(|_| asked.path.contains("service=images")) {
            Some(user) => reply("200 OK", &format!(r#"{{"token":"{}","expires_in":300}}"#, issuer.token(user))),
            None => reply("401 Unauthorized", r#"{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}"#),
        })
    })
    .await;
    let auth = format!(
        "  token:\n    realm: {}/token\n    service: images\n    issuer: issuer\n    rootcertbundle: FOLDER/root.pem\n",
        service.url
    );
    let mut server = registry(&auth, ("root.pem", &certificate));
    let five = Five {
        provider: "oci_registry",
        way: Way::Tcp,
        right: &|port| client(port, "ada", RIGHT),
        facts: &["Repositories", "First", "Protocol"],
        wrong: Case::Yields(client(&server.port, "ada", "canary-wrong"), Cause::InvalidCredential, "sign-in: "),
        powerless: Case::Yields(
            client(&server.port, "bob", RIGHT),
            Cause::Ok,
            r#"MissingScope { scope: "registry:catalog:*" }"#,
        ),
    };
    let good = five.hold(&mut server).await;
    assert!(good.facts.iter().any(|f| f.value == "shop/api"), "{good:?}");
}
