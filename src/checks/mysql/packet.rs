//! Packets of the MySQL protocol over the wire: `mysql_common` frames and reads them, the wire bounds them in size and time.

use super::refusal::refusal;
use crate::{
    checks::{stream::failed, wire::Wire},
    model::{Cause, Outcome},
};
use bytes::BytesMut;
use mysql_common::{
    Value,
    constants::{CapabilityFlags, Command},
    io::ParseBuf,
    misc::raw::{RawInt, int::LenEnc},
    packets::{OkPacketDeserializer, OldEofPacket},
    proto::{MyDeserialize, codec::PacketCodec},
    value::{TextValue, ValueDeserializer},
};
use rustls::ClientConfig;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// Largest packet read or sent, in bytes; what the probe asks for is far smaller.
const LARGEST: usize = 64 * 1024;
/// Most columns and rows of an answer.
const MOST: usize = 64;

/// A connection that speaks in packets.
pub struct Channel {
    /// The connection beneath.
    pub wire: Wire,
    codec: PacketCodec,
}

impl Channel {
    /// Over a fresh connection.
    pub fn new(wire: Wire) -> Channel {
        let mut codec = PacketCodec::default();
        codec.max_allowed_packet = LARGEST;
        Channel { wire, codec }
    }

    /// The same over TLS; the packets go on counting.
    pub async fn secure(mut self, host: &str, config: Arc<ClientConfig>) -> Result<Channel, Box<Outcome>> {
        self.wire = self.wire.secure(host, config).await?;
        Ok(self)
    }

    /// One packet's body.
    pub async fn read(&mut self, step: &str) -> Result<Vec<u8>, Box<Outcome>> {
        let mut body = Vec::new();
        let decode = |unread: &mut BytesMut| {
            let head = String::from_utf8_lossy(&unread[..unread.len().min(4)]).into_owned();
            let whole = self.codec.decode(unread, &mut body);
            whole
                .map(|whole| whole.then_some(()))
                .map_err(|_| failed(Cause::Protocol, format!("{step}: not a packet of MySQL"), &head))
        };
        self.wire.decoded(step, decode).await?;
        Ok(body)
    }

    /// Sends one packet.
    pub async fn send(&mut self, step: &str, body: &[u8]) -> Result<(), Box<Outcome>> {
        let packet = self.framed(body);
        let packet = packet.ok_or_else(|| failed(Cause::Misconfigured, step, "longer than a packet may be"))?;
        self.wire.send(step, &packet).await
    }

    fn framed(&mut self, mut body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut packet = BytesMut::new();
        let encoded = self.codec.encode(&mut body, &mut packet);
        let kept = Zeroizing::new(packet.to_vec());
        // It may hold the password.
        packet.zeroize();
        encoded.is_ok().then_some(kept)
    }

    /// Asks for rows of text; a `NULL` is empty.
    pub async fn query(&mut self, step: &str, sql: &str) -> Result<Vec<Vec<String>>, Box<Outcome>> {
        self.codec.reset_seq_id();
        self.send(step, &[&[Command::COM_QUERY as u8], sql.as_bytes()].concat()).await?;
        let wrong = || failed(Cause::Protocol, format!("{step}: an answer of another shape"), "");
        let head = self.answer(step).await?;
        let columns = read::<RawInt<LenEnc>>(&head, ()).and_then(|n| usize::try_from(*n).ok());
        let columns = columns.filter(|c| (1..=MOST).contains(c)).ok_or_else(wrong)?;
        for _ in 0..columns {
            self.read(step).await?;
        }
        let (mut rows, mut ends) = (Vec::new(), 0);
        while rows.len() < MOST {
            let body = self.answer(step).await?;
            // One packet ends the columns, another the rows.
            if body.len() < 9 && read::<OkPacketDeserializer<OldEofPacket>>(&body, CapabilityFlags::empty()).is_some() {
                ends += 1;
                if ends == 2 {
                    return Ok(rows);
                }
                continue;
            }
            let mut rest = ParseBuf(&body);
            let row: Option<Vec<String>> = (0..columns).map(|_| text(&mut rest)).collect();
            rows.push(row.ok_or_else(wrong)?);
        }
        Err(wrong())
    }

    /// Leaves. The server hangs up without an answer.
    pub async fn quit(mut self) {
        self.codec.reset_seq_id();
        let packet = self.framed(&[Command::COM_QUIT as u8]).unwrap_or_default();
        self.wire.farewell(&packet).await;
    }

    /// A packet that is no error.
    async fn answer(&mut self, step: &str) -> Result<Vec<u8>, Box<Outcome>> {
        let body = self.read(step).await?;
        refusal(step, &body, true).map_or(Ok(body), Err)
    }
}

/// What a packet holds. `None`: something else.
pub fn read<'a, T: MyDeserialize<'a>>(body: &'a [u8], context: T::Ctx) -> Option<T> {
    ParseBuf(body).parse(context).ok()
}

fn text(rest: &mut ParseBuf<'_>) -> Option<String> {
    match rest.parse::<ValueDeserializer<TextValue>>(()).ok()?.0 {
        Value::NULL => Some(String::new()),
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        _ => None,
    }
}
