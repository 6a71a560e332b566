//! Probe kind `mqtt`: CONNECT of MQTT 3.1.1 with the credential, its CONNACK read, PINGREQ answered, DISCONNECT.

use super::{
    Input,
    stream::{failed, target},
    wire::{Wire, bounded},
};
use crate::model::{Cause, Fact, Outcome, Secret, text::sanitize};
use jiff::Timestamp;
use std::time::Instant;
use zeroize::Zeroizing;

/// Seconds after which the broker may drop a silent connection.
const KEEP_ALIVE: u16 = 60;
/// Largest packet read, in bytes: only short ones can come before a subscription.
const LARGEST: usize = 4096;

const CONNACK: u8 = 0x20;
const PINGRESP: u8 = 0xd0;

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    bounded(input, attempt(input)).await
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let tls = input.wants_tls()?;
    let (host, port) = target(input, if tls { "8883" } else { "1883" })?;
    let user = input.field("username");
    let password = input.secrets.get("password").map(Secret::expose).filter(|p| !p.is_empty());
    if password.is_some() && user.is_none() {
        return Err(failed(Cause::Misconfigured, "field 'username'", "MQTT takes no password without a user name"));
    }
    let id = input.field("client_id").map_or_else(random_id, str::to_owned);
    let hello = connect(&id, user, password)?;
    let mut wire = Wire::open(input, host, port).await?;
    if tls {
        wire = wire.secure(host, input.tls.clone()).await?;
    }
    let asked = Instant::now();
    wire.send("CONNECT", &hello).await?;
    let code = match packet(&mut wire, "CONNECT", CONNACK).await?.as_slice() {
        [_, code] => *code,
        body => return Err(foreign("CONNECT", CONNACK, body)),
    };
    if code != 0 {
        return Err(refused(code, password.is_some()));
    }
    wire.send("PINGREQ", &[0xc0, 0]).await?;
    packet(&mut wire, "PINGREQ", PINGRESP).await?;
    let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), "CONNACK 0 and PINGRESP", "connection accepted");
    wire.measure(&mut outcome, asked);
    outcome.code = Some(0);
    outcome.identity = user.map(|user| sanitize(user, 100));
    outcome.facts = vec![
        Fact { label: "Protocol".into(), value: "MQTT 3.1.1".into() },
        Fact { label: "Client id".into(), value: sanitize(&id, 100) },
        Fact { label: "Encryption".into(), value: wire.tls.clone().unwrap_or_else(|| "none".into()) },
    ];
    wire.farewell(&[0xe0, 0]).await;
    Ok(outcome)
}

/// Of our own each time: a broker throws the older of two clients with one id out. Within the 23 characters of the standard.
fn random_id() -> String {
    format!("lampboard{:08x}", fastrand::u32(..))
}

/// The CONNECT packet: a clean session, no will.
fn connect(id: &str, user: Option<&str>, password: Option<&str>) -> Result<Zeroizing<Vec<u8>>, Box<Outcome>> {
    let mut flags = 0x02;
    let mut payload = Zeroizing::new(Vec::with_capacity(256));
    for (flag, text) in [(0, Some(id)), (0x80, user), (0x40, password)] {
        let Some(text) = text else { continue };
        let length = u16::try_from(text.len())
            .map_err(|_| failed(Cause::Misconfigured, "the credential", "longer than the 65535 bytes of MQTT"))?;
        flags |= flag;
        payload.extend(length.to_be_bytes());
        payload.extend_from_slice(text.as_bytes());
    }
    let mut head = vec![0, 4];
    head.extend_from_slice(b"MQTT");
    head.extend([4, flags]);
    head.extend(KEEP_ALIVE.to_be_bytes());
    let mut packet = Zeroizing::new(vec![0x10]);
    let mut left = head.len() + payload.len();
    loop {
        let byte = (left % 128) as u8;
        left /= 128;
        packet.push(if left > 0 { byte | 0x80 } else { byte });
        if left == 0 {
            break;
        }
    }
    packet.extend_from_slice(&head);
    packet.extend_from_slice(&payload);
    Ok(packet)
}

/// The body of one packet of this kind. Anything else ends the check at its first byte: foreign servers may say more, or wait.
async fn packet(wire: &mut Wire, step: &str, kind: u8) -> Result<Vec<u8>, Box<Outcome>> {
    let first = wire.exact(step, 1).await?[0];
    if first & 0xf0 != kind {
        return Err(foreign(step, first, &[]));
    }
    let mut length = 0_usize;
    for place in 0..4 {
        let byte = wire.exact(step, 1).await?[0];
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            if length > LARGEST {
                break;
            }
            return wire.exact(step, length).await;
        }
    }
    Err(foreign(step, first, &[]))
}

fn foreign(step: &str, first: u8, body: &[u8]) -> Box<Outcome> {
    let bytes: Vec<String> = body.iter().take(16).map(|b| format!("{b:02x}")).collect();
    failed(
        Cause::Protocol,
        format!("{step} is not answered in MQTT 3.1.1"),
        format!("packet {first:02x} {}", bytes.join(" ")).trim(),
    )
}

/// The verdict of a CONNACK's return code (table 3.1 of the standard).
fn refused(code: u8, credential: bool) -> Box<Outcome> {
    let denied = if credential { Cause::InvalidCredential } else { Cause::MissingCredential };
    let (cause, words) = match code {
        1 => (Cause::Misconfigured, "the broker does not speak MQTT 3.1.1"),
        2 => (Cause::Misconfigured, "the broker refuses the client id"),
        3 => (Cause::ServerError, "the broker is not available"),
        4 => (denied, "bad user name or password"),
        5 => (denied, "not authorised"),
        _ => (Cause::Protocol, "a return code that MQTT 3.1.1 does not have"),
    };
    let mut outcome = failed(cause, format!("CONNACK {code}"), words);
    outcome.code = Some(u16::from(code));
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connect_packet_is_as_the_standard_has_it() {
        let packet = connect("ab", Some("u"), Some("pw")).unwrap();
        let wanted = b"\x10\x15\x00\x04MQTT\x04\xc2\x00\x3c\x00\x02ab\x00\x01u\x00\x02pw";
        assert_eq!(packet.as_slice(), wanted);
        let long = connect("ab", Some(&"u".repeat(200)), None).unwrap();
        assert_eq!(long[..3], [0x10, 0xd8, 0x01], "the length takes two bytes");
        assert!(connect("ab", Some(&"u".repeat(70_000)), None).is_err());
    }

    #[test]
    fn return_codes_are_told_apart() {
        let causes: Vec<Cause> = (1..=6).map(|code| refused(code, true).cause).collect();
        use Cause::{InvalidCredential, Misconfigured, Protocol, ServerError};
        assert_eq!(causes, [Misconfigured, Misconfigured, ServerError, InvalidCredential, InvalidCredential, Protocol]);
        assert_eq!(refused(5, false).cause, Cause::MissingCredential);
    }
}
