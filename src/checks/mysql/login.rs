//! Signing in to MySQL and MariaDB: greeting, TLS, the scrambled password, the method the account asks for.

use super::packet::{Channel, Cursor, ServerError};
use crate::{
    checks::{stream::failed, wire::Wire},
    model::{Cause, Outcome},
};
use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls::ClientConfig;
use std::sync::Arc;
use zeroize::Zeroizing;

const CONNECT_WITH_DB: u32 = 0x8;
const SSL: u32 = 0x800;
/// Long passwords and flags, the 4.1 protocol, transactions, the scrambled password, its method's name.
const ALWAYS: u32 = 0x1 | 0x4 | 0x200 | 0x2000 | 0x8000 | 0x8_0000;
/// `utf8mb4_general_ci`, which every server of these years knows.
const UTF8: u8 = 45;
/// Most packets of one sign-in.
const MOST_STEPS: usize = 8;

/// Whether to encrypt.
pub enum Encryption {
    /// Not at all.
    Never,
    /// Where the server can.
    Maybe(Arc<ClientConfig>),
    /// Or no sign-in.
    Always(Arc<ClientConfig>),
    /// The same, and the configuration proves whom we talk to.
    Proven(Arc<ClientConfig>),
}

/// Who could read what is sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Privacy {
    Anybody,
    /// Whoever is at the other end.
    OtherEnd,
    /// The server.
    Server,
}

/// Who signs in, and where.
pub struct Account<'a> {
    pub user: &'a str,
    pub password: &'a str,
    pub database: Option<&'a str>,
}

struct Greeting {
    version: String,
    can_encrypt: bool,
    nonce: Vec<u8>,
    method: String,
}

/// Signs in. The server's version comes back with the connection.
pub async fn sign_in(
    wire: Wire,
    host: &str,
    encryption: Encryption,
    account: &Account<'_>,
) -> Result<(Channel, String), Box<Outcome>> {
    let mut channel = Channel::new(wire);
    let body = channel.read("the greeting").await?;
    if let Some(error) = ServerError::read(&body) {
        return Err(error.outcome("the greeting", true));
    }
    let greeting = greeting(&body).ok_or_else(|| {
        failed(Cause::Protocol, "the greeting is not MySQL's", &String::from_utf8_lossy(&body[..body.len().min(60)]))
    })?;
    let (tls, privacy) = match encryption {
        Encryption::Maybe(config) if greeting.can_encrypt => (Some(config), Privacy::OtherEnd),
        Encryption::Never | Encryption::Maybe(_) => (None, Privacy::Anybody),
        _ if !greeting.can_encrypt => {
            return Err(failed(Cause::Tls, "TLS is not offered", "the server's greeting does not tell of it"));
        }
        Encryption::Always(config) => (Some(config), Privacy::OtherEnd),
        Encryption::Proven(config) => (Some(config), Privacy::Server),
    };
    let mut abilities = ALWAYS;
    if account.database.is_some() {
        abilities |= CONNECT_WITH_DB;
    }
    if tls.is_some() {
        abilities |= SSL;
    }
    let mut hello = Zeroizing::new(abilities.to_le_bytes().to_vec());
    hello.extend(0x0100_0000_u32.to_le_bytes());
    hello.push(UTF8);
    hello.extend([0; 23]);
    if let Some(config) = tls {
        channel.send("the TLS request", &hello).await?;
        channel = channel.secure(host, config).await?;
    }
    // An account's own method is asked for later where it differs from the server's usual one.
    let known = scramble(&greeting.method, account.password, &greeting.nonce);
    let (method, proof) = match known {
        Some(proof) => (greeting.method.as_str(), proof),
        None => (
            "mysql_native_password",
            scramble("mysql_native_password", account.password, &greeting.nonce).unwrap_or_default(),
        ),
    };
    hello.extend_from_slice(account.user.as_bytes());
    hello.extend([0, proof.len() as u8]);
    hello.extend_from_slice(&proof);
    if let Some(database) = account.database {
        hello.extend_from_slice(database.as_bytes());
        hello.push(0);
    }
    hello.extend_from_slice(method.as_bytes());
    hello.push(0);
    channel.send("sign-in", &hello).await?;
    converse(&mut channel, account.password, privacy).await?;
    Ok((channel, greeting.version))
}

impl Channel {
    /// The same over TLS; the packets go on counting.
    async fn secure(mut self, host: &str, config: Arc<ClientConfig>) -> Result<Channel, Box<Outcome>> {
        self.wire = self.wire.secure(host, config).await?;
        Ok(self)
    }
}

/// Answers what the server asks until it says yes or no.
async fn converse(channel: &mut Channel, password: &str, privacy: Privacy) -> Result<(), Box<Outcome>> {
    for _ in 0..MOST_STEPS {
        let body = channel.read("sign-in").await?;
        match body.as_slice() {
            [0x00, ..] => return Ok(()),
            [0xff, ..] => {
                let error = ServerError::read(&body);
                return Err(error.map_or_else(|| unknown(&body), |e| e.outcome("sign-in", !password.is_empty())));
            }
            // The password was in the server's cache.
            [0x01, 0x03] => {}
            [0x01, 0x04] => channel.send("sign-in", &open(password, privacy, Privacy::OtherEnd)?).await?,
            [0xfe, rest @ ..] if !rest.is_empty() => {
                let mut cursor = Cursor(rest);
                let method = String::from_utf8_lossy(cursor.word()).into_owned();
                let nonce = cursor.0.strip_suffix(&[0]).unwrap_or(cursor.0);
                let answer = match method.as_str() {
                    // Any server may ask for this, a false one too, and clients do not give it unasked.
                    "mysql_clear_password" => open(password, privacy, Privacy::Server)?,
                    "sha256_password" => open(password, privacy, Privacy::OtherEnd)?,
                    other => Zeroizing::new(scramble(other, password, nonce).ok_or_else(|| unsupported(other))?),
                };
                channel.send("sign-in", &answer).await?;
            }
            [0xfe] => return Err(unsupported("mysql_old_password")),
            _ => return Err(unknown(&body)),
        }
    }
    Err(failed(Cause::Protocol, "the sign-in does not end", "too many questions"))
}

/// The password as it is: only where nobody else can read it.
fn open(password: &str, privacy: Privacy, needed: Privacy) -> Result<Zeroizing<Vec<u8>>, Box<Outcome>> {
    if privacy < needed {
        let rule = match needed {
            Privacy::Server => "the account's sign-in method needs verified TLS: set tls to verify-full",
            _ => "the account's sign-in method needs TLS: set tls to require or verify-full",
        };
        return Err(failed(Cause::Misconfigured, rule, "the server asks for the plain password"));
    }
    let mut bytes = Zeroizing::new(password.as_bytes().to_vec());
    bytes.push(0);
    Ok(bytes)
}

fn unsupported(method: &str) -> Box<Outcome> {
    failed(Cause::Misconfigured, "the account's sign-in method is not known here", method)
}

fn unknown(body: &[u8]) -> Box<Outcome> {
    let first = body.first().map_or("an empty packet".to_owned(), |b| format!("a packet of kind {b:02x}"));
    failed(Cause::Protocol, "sign-in is not answered in MySQL's way", &first)
}

fn greeting(body: &[u8]) -> Option<Greeting> {
    let mut cursor = Cursor(body.strip_prefix(&[10])?);
    let version = String::from_utf8_lossy(cursor.word()).into_owned();
    cursor.take(4)?;
    let mut nonce = cursor.take(8)?.to_vec();
    cursor.take(1)?;
    let low = cursor.short()?;
    cursor.take(3)?;
    let high = cursor.short()?;
    let length = cursor.take(1)?[0];
    cursor.take(10)?;
    let rest = cursor.take(usize::from(length).saturating_sub(8).max(13))?;
    nonce.extend_from_slice(rest.strip_suffix(&[0]).unwrap_or(rest));
    let method = String::from_utf8_lossy(cursor.word()).into_owned();
    let abilities = u32::from(low) | u32::from(high) << 16;
    // MariaDB hides its version behind one that old replicas understand.
    let version = version.strip_prefix("5.5.5-").map_or(version.clone(), str::to_owned);
    Some(Greeting { version, can_encrypt: abilities & SSL != 0, nonce, method })
}

/// The proof of the password; `None`: the method is not known. An empty password is proven by nothing.
fn scramble(method: &str, password: &str, nonce: &[u8]) -> Option<Vec<u8>> {
    let (algorithm, nonce_first): (&'static Algorithm, bool) = match method {
        "mysql_native_password" => (&SHA1_FOR_LEGACY_USE_ONLY, true),
        "caching_sha2_password" => (&SHA256, false),
        _ => return None,
    };
    if password.is_empty() {
        return Some(Vec::new());
    }
    let once = digest(algorithm, password.as_bytes());
    let twice = digest(algorithm, once.as_ref());
    let mut mixed = Context::new(algorithm);
    for part in if nonce_first { [nonce, twice.as_ref()] } else { [twice.as_ref(), nonce] } {
        mixed.update(part);
    }
    Some(once.as_ref().iter().zip(mixed.finish().as_ref()).map(|(a, b)| a ^ b).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Computed with another program's hash functions from the documented formulas.
    #[test]
    fn passwords_are_scrambled_as_documented() {
        let nonce: Vec<u8> = (1..=20).collect();
        let native = scramble("mysql_native_password", "canary", &nonce).unwrap();
        assert_eq!(hex(&native), "c4fd401ff30947887d61d3b9d00f671ef746befc");
        let caching = scramble("caching_sha2_password", "canary", &nonce).unwrap();
        assert_eq!(hex(&caching), "6f4553c7d5862121045c43bad2856a4375909f6e07a01bbc331b1d32d75285d0");
        assert_eq!(scramble("mysql_native_password", "", &nonce), Some(Vec::new()));
        assert_eq!(scramble("client_ed25519", "canary", &nonce), None);
    }

    #[test]
    fn greetings_are_read_or_refused() {
        let mut body = b"\x0a5.5.5-10.11.19-MariaDB\0\x01\0\0\0abcdefgh\0".to_vec();
        body.extend([0xff, 0xff, 45, 2, 0, 0xff, 0x81, 21]);
        body.extend([0; 10]);
        body.extend_from_slice(b"ijklmnopqrst\0mysql_native_password\0");
        let read = greeting(&body).unwrap();
        assert_eq!((read.version.as_str(), read.nonce.as_slice()), ("10.11.19-MariaDB", &b"abcdefghijklmnopqrst"[..]));
        assert!(read.can_encrypt && read.method == "mysql_native_password");
        for end in 0..60 {
            assert!(greeting(&body[..end]).is_none(), "{end}");
        }
    }
}
