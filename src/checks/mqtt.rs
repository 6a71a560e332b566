//! Probe kind `mqtt`: CONNECT of MQTT 3.1.1 with the credential, its CONNACK read, PINGREQ answered, DISCONNECT.
//! The packets are rumqttc's; its client would resolve, connect again and encrypt by itself, out of sight of the deadline.

use super::{
    Input,
    prepare::mqtt_port,
    stream::{failed, target},
    wire::{Wire, bounded},
};
use crate::model::{Cause, Fact, Outcome, Secret, text::sanitize};
use bytes::BytesMut;
use jiff::Timestamp;
use rumqttc::mqttbytes::{
    Error, PacketType,
    v4::{Connect, ConnectReturnCode, Login, Packet},
};
use std::time::Instant;
use zeroize::{Zeroize, Zeroizing};

/// Seconds after which the broker may drop a silent connection.
const KEEP_ALIVE: u16 = 60;
/// Longest body of a packet read, in bytes: CONNACK's. PINGRESP has none.
const LARGEST: usize = 2;

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    bounded(input, attempt(input)).await
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let tls = input.wants_tls()?;
    let (host, port) = target(input, mqtt_port(tls))?;
    let user = input.field("username");
    let password = input.secret("password").map(Secret::expose);
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
    match answer(&mut wire, "CONNECT", PacketType::ConnAck).await? {
        Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => {}
        Packet::ConnAck(ack) => return Err(refused(ack.code as u8, password.is_some())),
        _ => return Err(foreign("CONNECT", "no CONNACK")),
    }
    wire.send("PINGREQ", &written(&Packet::PingReq)?).await?;
    answer(&mut wire, "PINGREQ", PacketType::PingResp).await?;
    let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), "CONNACK 0 and PINGRESP", "connection accepted");
    wire.measure(&mut outcome, asked);
    outcome.code = Some(0);
    outcome.identity = user.map(|user| sanitize(user, 100));
    outcome.facts = vec![
        Fact { label: "Protocol".into(), value: "MQTT 3.1.1".into() },
        Fact { label: "Client id".into(), value: sanitize(&id, 100) },
        Fact { label: "Encryption".into(), value: wire.tls.clone().unwrap_or_else(|| "none".into()) },
    ];
    wire.farewell(&written(&Packet::Disconnect)?).await;
    Ok(outcome)
}

/// Of our own each time: a broker throws the older of two clients with one id out. Within the 23 characters of the standard.
fn random_id() -> String {
    format!("lampboard{:08x}", fastrand::u32(..))
}

/// The CONNECT packet: a clean session, no will.
fn connect(id: &str, user: Option<&str>, password: Option<&str>) -> Result<Zeroizing<Vec<u8>>, Box<Outcome>> {
    // The library cuts longer ones off.
    if [Some(id), user, password].into_iter().flatten().any(|text| text.len() > usize::from(u16::MAX)) {
        return Err(failed(Cause::Misconfigured, "the credential", "longer than the 65535 bytes of MQTT"));
    }
    let mut connect = Connect::new(id);
    connect.keep_alive = KEEP_ALIVE;
    connect.login = user.map(|user| Login::new(user, password.unwrap_or_default()));
    let mut packet = Packet::Connect(connect);
    let bytes = written(&packet);
    if let Packet::Connect(Connect { login: Some(login), .. }) = &mut packet {
        login.password.zeroize();
    }
    bytes
}

/// The bytes of a packet; they are wiped, for CONNECT's hold the password.
fn written(packet: &Packet) -> Result<Zeroizing<Vec<u8>>, Box<Outcome>> {
    // Room for all of it: a buffer that grows leaves copies behind.
    let mut room = BytesMut::with_capacity(packet.size());
    let done = packet.write(&mut room, usize::MAX);
    let bytes = Zeroizing::new(Vec::from(room));
    done.map(|_| bytes).map_err(|e| failed(Cause::Internal, "a packet of MQTT", &e.to_string()))
}

/// One packet of this kind. Anything else ends the check at its first byte: foreign servers may say more, or wait.
async fn answer(wire: &mut Wire, step: &str, kind: PacketType) -> Result<Packet, Box<Outcome>> {
    let first = wire.exact(step, 1).await?[0];
    if first >> 4 != kind as u8 {
        return Err(foreign(step, &format!("packet {first:02x}")));
    }
    let mut read = BytesMut::from(&[first][..]);
    loop {
        match Packet::read(&mut read, LARGEST) {
            Ok(packet) => return Ok(packet),
            Err(Error::InsufficientBytes(more)) => read.extend_from_slice(&wire.exact(step, more).await?),
            Err(Error::InvalidConnectReturnCode(code)) => return Err(refused(code, false)),
            Err(error) => return Err(foreign(step, &error.to_string())),
        }
    }
}

fn foreign(step: &str, seen: &str) -> Box<Outcome> {
    failed(Cause::Protocol, format!("{step} is not answered in MQTT 3.1.1"), seen)
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
