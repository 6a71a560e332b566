//! Probe kind `mqtt`: CONNECT and CONNACK of MQTT 3.1.1, then DISCONNECT. Nothing is subscribed or published.

use super::{
    Input,
    stream::{failed, target},
    talk::{Talk, refuse_clear},
};
use crate::model::{Cause, Outcome};
use zeroize::Zeroizing;

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    attempt(input).await.unwrap_or_else(|failure| *failure)
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let encrypted = input.field("tls") == Some("yes");
    let (host, port) = target(input, if encrypted { "8883" } else { "1883" })?;
    let (user, password) = (input.field("username"), input.secrets.get("password").map(crate::model::Secret::expose));
    if !encrypted && password.is_some() {
        refuse_clear(host)?;
    }
    if password.is_some() && user.is_none() {
        return Err(failed(Cause::Misconfigured, "field 'username'", "MQTT takes a password only with a user name"));
    }
    let mut talk = Talk::open(input, host, port).await?;
    if encrypted {
        talk = talk.encrypt(input, host).await?;
    }
    let client = format!("lampboard-{:08x}", fastrand::u32(..));
    let packet = connect(&client, user, password)
        .ok_or_else(|| failed(Cause::Misconfigured, "user name or password", "longer than MQTT can carry"))?;
    talk.say(&packet).await?;
    let answer = talk.bytes(4).await?;
    let [0x20, 2, _, code] = answer[..] else {
        return Err(failed(Cause::Protocol, "the answer is not that of an MQTT broker", &format!("{answer:02x?}")));
    };
    let refused = |cause, why: &str| Err(failed(cause, format!("CONNACK code {code}"), why));
    match code {
        0 => {}
        1 => return refused(Cause::Misconfigured, "the broker does not speak MQTT 3.1.1"),
        2 => return refused(Cause::Misconfigured, "the broker refuses the client's name"),
        3 => return refused(Cause::ServerError, "the broker is not available"),
        4 => return refused(Cause::InvalidCredential, "bad user name or password"),
        5 => return refused(Cause::InvalidCredential, "not authorized"),
        _ => return refused(Cause::UnexpectedResponse, "an unknown code"),
    }
    let mut outcome = talk.good("CONNACK code 0", "connection accepted");
    outcome.identity = user.map(ToOwned::to_owned);
    let _ = talk.say(&[0xe0, 0]).await;
    Ok(outcome)
}

/// The CONNECT packet; `None`: a text is longer than 65,535 bytes.
fn connect(client: &str, user: Option<&str>, password: Option<&str>) -> Option<Zeroizing<Vec<u8>>> {
    let mut body = Zeroizing::new(Vec::with_capacity(256));
    body.extend([0, 4]);
    body.extend(b"MQTT");
    // Level 4 is 3.1.1; bit 1 is a clean session, 6 and 7 announce password and user name. Keep alive: 30 s.
    let flags = 2 | if password.is_some() { 0x40 } else { 0 } | if user.is_some() { 0x80 } else { 0 };
    body.extend([4, flags, 0, 30]);
    for text in [Some(client), user, password].into_iter().flatten() {
        body.extend(u16::try_from(text.len()).ok()?.to_be_bytes());
        body.extend(text.as_bytes());
    }
    let mut packet = Zeroizing::new(Vec::with_capacity(body.len() + 5));
    packet.push(0x10);
    let mut left = body.len();
    loop {
        let byte = (left % 128) as u8;
        left /= 128;
        packet.push(if left > 0 { byte | 0x80 } else { byte });
        if left == 0 {
            break;
        }
    }
    packet.extend_from_slice(&body);
    Some(packet)
}
