//! Servers of our own on loopback for tests: a listener, and certificates for `localhost`.

#![allow(dead_code, reason = "each test file uses a part of it")]

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::net::{TcpListener, TcpStream};

const DAY: Duration = Duration::from_secs(86_400);

/// Answers each connection with `talk`. The port comes back.
pub async fn serve<F, Talk>(talk: F) -> String
where
    F: Fn(TcpStream) -> Talk + Send + 'static,
    Talk: Future<Output = ()> + Send + 'static,
{
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream));
        }
    });
    port
}

/// A listener on a free port.
pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    (listener, port)
}

/// A root of our own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, for servers that read files.
pub struct Pair {
    pub certificate: rcgen::Certificate,
    pub key: KeyPair,
}

impl Authority {
    /// A fresh one.
    pub fn new() -> Authority {
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap())
    }

    /// The root's own certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate for `name` that dies so many days from now, or died so many days ago.
    pub fn pair(&self, name: &str, days: i64) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = leaf(name, days).signed_by(&key, &self.0).unwrap();
        Pair { certificate, key }
    }
}

/// A certificate that nobody but itself vouches for.
pub fn self_signed(name: &str) -> Pair {
    let key = KeyPair::generate().unwrap();
    let certificate = leaf(name, 90).self_signed(&key).unwrap();
    Pair { certificate, key }
}

fn leaf(name: &str, days: i64) -> CertificateParams {
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let now = SystemTime::now();
    let span = DAY * u32::try_from(days.unsigned_abs()).unwrap();
    leaf.not_before = (now - DAY * 400).into();
    leaf.not_after = if days < 0 { now - span } else { now + span }.into();
    leaf
}

/// A root of our own and what it signed for `localhost`.
pub struct Certificates {
    pub root: rustls::pki_types::CertificateDer<'static>,
    pub root_pem: String,
    pub config: Arc<rustls::ServerConfig>,
    /// For servers that read files.
    pub certificate_pem: String,
    pub key_pem: String,
}

/// A fresh root and a server certificate that lives for years.
pub fn certificates() -> Certificates {
    let issuer = Authority::new();
    let Pair { certificate: leaf, key } = issuer.pair("localhost", 3650);
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    Certificates {
        root: issuer.0.der().clone(),
        root_pem: issuer.pem(),
        config: Arc::new(config),
        certificate_pem: leaf.pem(),
        key_pem: key.serialize_pem(),
    }
}
