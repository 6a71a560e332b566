//! Signing in to MySQL and MariaDB: greeting, TLS, the scrambled password, the method the account asks for.

use super::{
    packet::{Channel, read},
    refusal::refusal,
};
use crate::{
    checks::{stream::failed, wire::Wire},
    model::{Cause, Outcome},
};
use mysql_common::{
    auth::plugins::{caching_sha2_password::scramble_sha256, mysql_native_password::scramble_native},
    collations::CollationId,
    constants::CapabilityFlags,
    packets::{
        AuthMoreData, AuthPlugin, AuthSwitchRequest, CommonOkPacket, HandshakePacket, HandshakeResponse,
        OkPacketDeserializer, SslRequest,
    },
    proto::MySerialize,
};
use rustls::ClientConfig;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the probe can do besides TLS and choosing a database.
const ABILITIES: CapabilityFlags = CapabilityFlags::CLIENT_LONG_PASSWORD
    .union(CapabilityFlags::CLIENT_LONG_FLAG)
    .union(CapabilityFlags::CLIENT_PROTOCOL_41)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH);
/// Largest packet we would take, as the server is told; in bytes.
const LARGEST: u32 = 0x0100_0000;
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

/// Signs in. The server's version comes back with the connection.
pub async fn sign_in(
    wire: Wire,
    host: &str,
    encryption: Encryption,
    account: &Account<'_>,
) -> Result<(Channel, String), Box<Outcome>> {
    let mut channel = Channel::new(wire);
    let body = channel.read("the greeting").await?;
    if let Some(refused) = refusal("the greeting", &body, true) {
        return Err(refused);
    }
    let greeting = read::<HandshakePacket>(&body, ()).filter(|g| g.protocol_version() == 10).ok_or_else(|| {
        failed(Cause::Protocol, "the greeting is not MySQL's", &String::from_utf8_lossy(&body[..body.len().min(60)]))
    })?;
    let can_encrypt = greeting.capabilities().contains(CapabilityFlags::CLIENT_SSL);
    let (tls, privacy) = match encryption {
        Encryption::Maybe(config) if can_encrypt => (Some(config), Privacy::OtherEnd),
        Encryption::Never | Encryption::Maybe(_) => (None, Privacy::Anybody),
        _ if !can_encrypt => {
            return Err(failed(Cause::Tls, "TLS is not offered", "the server's greeting does not tell of it"));
        }
        Encryption::Always(config) => (Some(config), Privacy::OtherEnd),
        Encryption::Proven(config) => (Some(config), Privacy::Server),
    };
    let mut abilities = ABILITIES;
    abilities.set(CapabilityFlags::CLIENT_SSL, tls.is_some());
    abilities.set(CapabilityFlags::CLIENT_CONNECT_WITH_DB, account.database.is_some());
    if let Some(config) = tls {
        let mut request = Vec::new();
        SslRequest::new(abilities, LARGEST, CollationId::UTF8MB4_GENERAL_CI as u8).serialize(&mut request);
        channel.send("the TLS request", &request).await?;
        channel = channel.secure(host, config).await?;
    }
    // An account's own method is asked for later where it differs from the server's usual one.
    let method = match greeting.auth_plugin() {
        Some(AuthPlugin::CachingSha2Password) => AuthPlugin::CachingSha2Password,
        _ => AuthPlugin::MysqlNativePassword,
    };
    let proof = prove(&method, account.password, &greeting.nonce())?;
    let mut hello = Zeroizing::new(Vec::new());
    HandshakeResponse::new(
        Some(&*proof),
        // Of these years: one that knows `utf8mb4`.
        (8, 0, 0),
        Some(account.user.as_bytes()),
        account.database.map(str::as_bytes),
        Some(method),
        abilities,
        None,
        LARGEST,
    )
    .serialize(&mut hello);
    channel.send("sign-in", &hello).await?;
    converse(&mut channel, account.password, privacy).await?;
    // MariaDB hides its version behind one that old replicas understand.
    let version = greeting.server_version_str();
    Ok((channel, version.strip_prefix("5.5.5-").unwrap_or(&version).to_owned()))
}

/// Answers what the server asks until it says yes or no.
async fn converse(channel: &mut Channel, password: &str, privacy: Privacy) -> Result<(), Box<Outcome>> {
    for _ in 0..MOST_STEPS {
        let body = channel.read("sign-in").await?;
        if read::<OkPacketDeserializer<CommonOkPacket>>(&body, ABILITIES).is_some() {
            return Ok(());
        }
        if let Some(refused) = refusal("sign-in", &body, !password.is_empty()) {
            return Err(refused);
        }
        if let Some(more) = read::<AuthMoreData>(&body, ()) {
            match more.data() {
                // The password was in the server's cache.
                [3] => {}
                [4] => channel.send("sign-in", &open(password, privacy, Privacy::OtherEnd)?).await?,
                _ => return Err(unknown(&body)),
            }
            continue;
        }
        if body == [0xfe] {
            return Err(unsupported(&AuthPlugin::MysqlOldPassword));
        }
        let switch = read::<AuthSwitchRequest>(&body, ()).ok_or_else(|| unknown(&body))?;
        let answer = match switch.auth_plugin() {
            // Any server may ask for this, a false one too, and clients do not give it unasked.
            AuthPlugin::MysqlClearPassword => open(password, privacy, Privacy::Server)?,
            AuthPlugin::Sha256Password => open(password, privacy, Privacy::OtherEnd)?,
            other => prove(&other, password, switch.plugin_data())?,
        };
        channel.send("sign-in", &answer).await?;
    }
    Err(failed(Cause::Protocol, "the sign-in does not end", "too many questions"))
}

/// The proof of the password, by a method that does not tell it. An empty password is proven by nothing.
fn prove(method: &AuthPlugin<'_>, password: &str, nonce: &[u8]) -> Result<Zeroizing<Vec<u8>>, Box<Outcome>> {
    let nonce = <&[u8; 20]>::try_from(nonce)
        .map_err(|_| failed(Cause::Protocol, "the sign-in's random number has not 20 bytes", &nonce.len().to_string()));
    let password = password.as_bytes();
    Ok(Zeroizing::new(match method {
        AuthPlugin::MysqlNativePassword => scramble_native(nonce?, password).map(Vec::from).unwrap_or_default(),
        AuthPlugin::CachingSha2Password => scramble_sha256(nonce?, password).map(Vec::from).unwrap_or_default(),
        other => return Err(unsupported(other)),
    }))
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
    // In one piece: a vector that grows leaves a copy behind.
    Ok(Zeroizing::new([password.as_bytes(), &[0]].concat()))
}

fn unsupported(method: &AuthPlugin<'_>) -> Box<Outcome> {
    let name = String::from_utf8_lossy(method.as_bytes());
    failed(Cause::Misconfigured, "the account's sign-in method is not known here", &name)
}

fn unknown(body: &[u8]) -> Box<Outcome> {
    let first = body.first().map_or("an empty packet".to_owned(), |b| format!("a packet of kind {b:02x}"));
    failed(Cause::Protocol, "sign-in is not answered in MySQL's way", &first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Computed with another program's hash functions from the documented formulas.
    #[test]
    fn passwords_are_proven_as_documented() {
        let nonce: Vec<u8> = (1..=20).collect();
        let native = prove(&AuthPlugin::MysqlNativePassword, "canary", &nonce).unwrap();
        assert_eq!(hex(&native), "c4fd401ff30947887d61d3b9d00f671ef746befc");
        let caching = prove(&AuthPlugin::CachingSha2Password, "canary", &nonce).unwrap();
        assert_eq!(hex(&caching), "6f4553c7d5862121045c43bad2856a4375909f6e07a01bbc331b1d32d75285d0");
        assert!(prove(&AuthPlugin::MysqlNativePassword, "", &nonce).unwrap().is_empty());
        let refused = |method, nonce: &[u8]| prove(&method, "canary", nonce).unwrap_err().cause;
        assert_eq!(refused(AuthPlugin::MysqlOldPassword, &nonce), Cause::Misconfigured);
        assert_eq!(refused(AuthPlugin::Ed25519, &nonce[..8]), Cause::Misconfigured);
        assert_eq!(refused(AuthPlugin::CachingSha2Password, &nonce[..8]), Cause::Protocol);
    }

    /// Whatever a server greets with: it is read or refused.
    #[test]
    fn greetings_are_read_or_refused() {
        let mut body = b"\x0a5.5.5-10.11.19-MariaDB\0\x01\0\0\0abcdefgh\0".to_vec();
        body.extend([0xff, 0xff, 45, 2, 0, 0xff, 0x81, 21]);
        body.extend([0; 10]);
        body.extend_from_slice(b"ijklmnopqrst\0mysql_native_password\0");
        let whole = read::<HandshakePacket>(&body, ()).unwrap();
        assert_eq!(whole.nonce(), b"abcdefghijklmnopqrst");
        assert_eq!(whole.auth_plugin(), Some(AuthPlugin::MysqlNativePassword));
        for end in 0..60 {
            assert!(read::<HandshakePacket>(&body[..end], ()).is_none(), "{end}");
        }
        for at in 0..body.len() {
            for byte in 0..=u8::MAX {
                let mut other = body.clone();
                other[at] = byte;
                if let Some(greeting) = read::<HandshakePacket>(&other, ()) {
                    let _ = (greeting.nonce(), greeting.auth_plugin(), greeting.capabilities());
                }
            }
        }
    }
}
