//! Servers of our own on loopback for tests: a listener, and certificates for `localhost`.

#![allow(dead_code, reason = "each test file uses a part of it")]

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};

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
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    Certificates {
        root: issuer.der().clone(),
        root_pem: issuer.pem(),
        config: Arc::new(config),
        certificate_pem: leaf.pem(),
        key_pem: key.serialize_pem(),
    }
}
