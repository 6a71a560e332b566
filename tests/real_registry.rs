//! The registry definition against a real registry, with a password file and with a token service whose tokens the
//! registry verifies. `.ci/run` installs it and runs these.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/raw.rs"]
mod raw;
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
use lampboard::{
    model::{Cause, FieldValue, Outcome, Status, Warning},
    providers::Registry,
};
use raw::{checker_knowing, integration, until};
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};
use web::{Web, reply};

const RIGHT: &str = "canary-right";
/// The password above for 'ada', as the registry keeps it (bcrypt).
const USERS: &str = "ada:$2y$05$14DgT1QxUrvcQPK1JXAfb.aRM/KAAGojWJL7IEnBcVrZnAW/hykI.\n";

/// A registry that ends with the test.
struct Server {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts one; 'auth' is its configuration's part, FOLDER standing for a folder with these files.
async fn registry(auth: &str, files: &[(&str, &str)]) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {path}/data\nhttp:\n  addr: 127.0.0.1:{port}\nauth:\n{}",
        auth.replace("FOLDER", &path)
    );
    let file = folder.path().join("config.yml");
    std::fs::write(&file, config).unwrap();
    // A repository made by hand: the catalog lists what has layers on disk.
    let links = folder.path().join("data/docker/registry/v2/repositories/shop/api/_layers");
    std::fs::create_dir_all(links).unwrap();
    let child = Command::new("docker-registry")
        .arg("serve")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("docker-registry is installed");
    let address = format!("127.0.0.1:{port}");
    until("docker-registry answers", || std::net::TcpStream::connect(&address).is_ok()).await;
    Server { child, url: format!("http://{address}"), _folder: folder }
}

async fn check(url: &str, user: &str, password: &'static str) -> Outcome {
    let mut integration = integration(url);
    integration.provider = "oci_registry".to_owned();
    let secret = integration.fields.shift_remove("token").unwrap();
    integration.fields.insert("password".to_owned(), secret);
    integration.fields.insert("username".to_owned(), FieldValue::Text(user.to_owned()));
    let outcome =
        checker_knowing(password, None).attempt(&integration, Registry::built_in().get("oci_registry").unwrap()).await;
    assert!(!format!("{outcome:?}").contains("canary"), "{outcome:?}");
    outcome
}

#[tokio::test]
#[ignore = "needs docker-registry"]
async fn a_registry_with_a_password_file_tells_right_wrong_and_gone_apart() {
    let mut server = registry("  htpasswd:\n    realm: images\n    path: FOLDER/users\n", &[("users", USERS)]).await;
    let good = check(&server.url, "ada", RIGHT).await;
    assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("ada")), "{good:?}");
    assert!(good.facts.iter().any(|f| f.value == "shop/api"), "{good:?}");
    assert_eq!(check(&server.url, "ada", "canary-wrong").await.cause, Cause::InvalidCredential);
    assert_eq!(check(&server.url, "bob", RIGHT).await.cause, Cause::InvalidCredential);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert_eq!(check(&server.url, "ada", RIGHT).await.cause, Cause::Connect);
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
async fn a_registry_with_a_token_service_tells_right_wrong_forbidden_and_gone_apart() {
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
    let mut server = registry(&auth, &[("root.pem", &certificate)]).await;
    let good = check(&server.url, "ada", RIGHT).await;
    assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("ada")), "{good:?}");
    assert!(good.facts.iter().any(|f| f.value == "shop/api"), "{good:?}");
    let wrong = check(&server.url, "ada", "canary-wrong").await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    assert!(wrong.evidence.rule.starts_with("sign-in: "), "{wrong:?}");
    let forbidden = check(&server.url, "bob", RIGHT).await;
    assert_eq!(forbidden.status(), Status::Active, "{forbidden:?}");
    let scope = |w: &Warning| matches!(w, Warning::MissingScope { scope } if scope == "registry:catalog:*");
    assert!(forbidden.warnings.iter().any(scope), "{forbidden:?}");
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert_eq!(check(&server.url, "ada", RIGHT).await.cause, Cause::Connect);
}
