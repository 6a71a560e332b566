//! HTTP clients and TLS configurations: one for each TLS policy, shared by every check that has it.

use super::{Network, stream};
use rustls::{
    ClientConfig, RootCertStore,
    client::danger::ServerCertVerifier,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Longest time a connection attempt may take, within the attempt's own limit.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept when the settings do not say.
const IDLE: Duration = Duration::from_secs(5);
/// Most headers of one answer.
const MOST_HEADERS: usize = 100;

/// What tells two clients apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Policy {
    /// More roots, PEM.
    pub ca_file: Option<PathBuf>,
    /// Verify nothing.
    pub insecure: bool,
}

/// A TLS configuration and the HTTP client over it.
#[derive(Clone)]
pub struct Client {
    /// For probes that speak their own protocol.
    pub tls: Arc<ClientConfig>,
    /// For HTTP.
    pub http: reqwest::Client,
}

/// Makes clients at first use and keeps them.
pub struct Clients {
    network: Network,
    made: Mutex<HashMap<Policy, Client>>,
}

impl Clients {
    /// Makes the usual client at once, so that what is wrong is told at start.
    pub fn new(network: &Network) -> Result<Clients, String> {
        let clients = Clients { network: network.clone(), made: Mutex::new(HashMap::new()) };
        clients.get(&Policy::default())?;
        Ok(clients)
    }

    /// The client of a policy.
    pub fn get(&self, policy: &Policy) -> Result<Client, String> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(policy) {
            return Ok(client.clone());
        }
        let client = self.make(policy)?;
        made.insert(policy.clone(), client.clone());
        Ok(client)
    }

    fn make(&self, policy: &Policy) -> Result<Client, String> {
        let files = [self.network.ca_file.as_deref(), policy.ca_file.as_deref()];
        let tls = if policy.insecure {
            stream::unverified().map_err(|e| e.to_string())?
        } else {
            verified(files.into_iter().flatten())?
        };
        let mut for_http = (*tls).clone();
        for_http.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let idle = if self.network.idle.is_zero() { IDLE } else { self.network.idle };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(for_http)
            .user_agent(concat!("lampboard/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(idle)
            .pool_max_idle_per_host(4)
            .http1_max_headers(MOST_HEADERS)
            .tls_info(true)
            .tcp_nodelay(true)
            .dns_resolver(super::resolve::Timed);
        builder = match self.network.proxy.as_str() {
            "" | "system" => builder,
            "none" => builder.no_proxy(),
            url => builder.proxy(
                reqwest::Proxy::all(url)
                    .map_err(|_| "the proxy in [network] is not a URL: write one like http://host:3128".to_owned())?,
            ),
        };
        let http = builder.build().map_err(|e| format!("the HTTP client cannot be made: {}", e.without_url()))?;
        Ok(Client { tls, http })
    }
}

/// Verifies with the platform's roots and the given ones; with bundled roots on a machine that has none.
fn verified<'a>(files: impl Iterator<Item = &'a Path>) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut extra = Vec::new();
    for file in files {
        extra.extend(roots(file)?);
    }
    let platform: Result<Arc<dyn ServerCertVerifier>, _> =
        Verifier::new_with_extra_roots(extra.clone(), provider.clone())
            .map(|v| Arc::new(v) as Arc<dyn ServerCertVerifier>);
    let verifier = match platform {
        Ok(verifier) => verifier,
        Err(error) => {
            tracing::warn!(%error, "no certificate roots on this machine: the bundled ones are used");
            bundled(extra, &provider)?
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn bundled(
    extra: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for root in extra {
        store.add(root).map_err(|e| e.to_string())?;
    }
    let verifier =
        rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone()).build();
    verifier.map(|v| v as Arc<dyn ServerCertVerifier>).map_err(|e| e.to_string())
}

fn roots(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |why: String| format!("the certificates in '{}' cannot be used: {why}", file.display());
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(|e| wrong(e.to_string()))?.collect();
    match all.map_err(|e| wrong(e.to_string()))? {
        none if none.is_empty() => Err(wrong("no PEM certificate is in it".to_owned())),
        all => Ok(all),
    }
}
