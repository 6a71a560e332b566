//! A raw connection with its phases measured: name, TCP, TLS. Shared by every probe that speaks its own protocol.

use super::{Input, capped::Capped};
use crate::model::{Cause, Outcome, Phases};
use jiff::Timestamp;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::timeout_at};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// An open TCP connection.
pub struct Dialed {
    /// The connection.
    pub stream: Capped,
    /// The address that answered.
    pub address: SocketAddr,
    /// Name and TCP phases.
    pub phases: Phases,
    /// When the first packet was sent.
    pub started: Instant,
    /// When the attempt must end.
    pub deadline: tokio::time::Instant,
}

/// An outcome that ends a check: a failure with what was seen.
pub fn failed(cause: Cause, rule: impl Into<String>, seen: &str) -> Box<Outcome> {
    Box::new(Outcome::of(cause, Timestamp::now(), rule, seen))
}

/// The `host` and `port` fields.
pub fn target<'a>(input: &'a Input<'_>, default_port: &'a str) -> Result<(&'a str, u16), Box<Outcome>> {
    let host = input.field("host").ok_or_else(|| failed(Cause::Misconfigured, "field 'host'", "no host is given"))?;
    let port = input.field("port").unwrap_or(default_port);
    match port.parse() {
        Ok(0) | Err(_) => {
            Err(failed(Cause::Misconfigured, "field 'port'", &format!("'{port}' is not a port from 1 to 65535")))
        }
        Ok(port) => Ok((host, port)),
    }
}

/// Looks the name up and connects to the first address that answers, all within the input's timeout.
pub async fn dial(input: &Input<'_>, host: &str, port: u16) -> Result<Dialed, Box<Outcome>> {
    let deadline = tokio::time::Instant::now() + input.timeout;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let started = Instant::now();
    let addresses: Vec<SocketAddr> = match timeout_at(deadline, tokio::net::lookup_host((host, port))).await {
        Err(_) => return Err(timed_out("name look-up", input.timeout)),
        Ok(Err(error)) => return Err(failed(Cause::Dns, "name look-up failed", &format!("'{host}': {error}"))),
        Ok(Ok(addresses)) => addresses.collect(),
    };
    let dns = started.elapsed();
    let connecting = Instant::now();
    let mut last = io::Error::other("the name has no address");
    for address in addresses {
        match timeout_at(deadline, TcpStream::connect(address)).await {
            Err(_) => return Err(timed_out("connect", input.timeout)),
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                let phases = Phases { dns: Some(dns), connect: Some(connecting.elapsed()), ..Phases::default() };
                return Ok(Dialed { stream: Capped::new(stream), address, phases, started, deadline });
            }
            Ok(Err(error)) => last = error,
        }
    }
    Err(failed(Cause::Connect, "connect failed", &last.to_string()))
}

/// The verdict of a check that ran out of time in a phase.
pub fn timed_out(phase: &str, limit: Duration) -> Box<Outcome> {
    failed(
        Cause::Timeout,
        format!("no answer during {phase}"),
        &format!("gave up after {}", crate::model::text::span(limit)),
    )
}

/// Shakes hands over an open connection. The second value is how long it took.
pub async fn handshake<S>(
    stream: S,
    name: &str,
    config: Arc<ClientConfig>,
    deadline: tokio::time::Instant,
    limit: Duration,
) -> Result<(TlsStream<S>, Duration), Box<Outcome>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let server = ServerName::try_from(name.to_owned())
        .map_err(|_| failed(Cause::Misconfigured, "server name", &format!("'{name}' is not a host name")))?;
    let started = Instant::now();
    match timeout_at(deadline, TlsConnector::from(config).connect(server, stream)).await {
        Err(_) => Err(timed_out("the TLS handshake", limit)),
        Ok(Err(error)) => {
            let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
            Err(failed(Cause::Tls, inner.map_or("the TLS handshake failed", super::failure::tls), &error.to_string()))
        }
        Ok(Ok(stream)) => Ok((stream, started.elapsed())),
    }
}

/// When the leaf certificate of a connection dies, and its subject.
pub fn certificate<S>(stream: &TlsStream<S>) -> Option<(Timestamp, String, String)> {
    let (_, connection) = stream.get_ref();
    let leaf = connection.peer_certificates()?.first()?;
    let (_, parsed) = x509_parser::parse_x509_certificate(leaf).ok()?;
    let dies = Timestamp::from_second(parsed.validity().not_after.timestamp()).ok()?;
    Some((dies, parsed.subject().to_string(), parsed.issuer().to_string()))
}

/// Accepts any certificate: for servers that encrypt without proving who they are (PostgreSQL's `prefer` and `require`).
#[derive(Debug)]
struct Unverified(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A client configuration that encrypts and verifies nothing.
pub fn unverified() -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}
