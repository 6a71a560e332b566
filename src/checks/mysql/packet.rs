//! Packets of the MySQL protocol: framing over the wire, a cursor that never reads past the end, and the error packet.

use crate::{
    checks::{stream::failed, wire::Wire},
    model::{Cause, Outcome},
};

/// Largest packet read, in bytes; what the probe asks for is far smaller.
const LARGEST: usize = 64 * 1024;

/// A connection that counts its packets.
pub struct Channel {
    /// The connection beneath.
    pub wire: Wire,
    sequence: u8,
}

impl Channel {
    /// Over a fresh connection.
    pub fn new(wire: Wire) -> Channel {
        Channel { wire, sequence: 0 }
    }

    /// One packet's body.
    pub async fn read(&mut self, step: &str) -> Result<Vec<u8>, Box<Outcome>> {
        let head = self.wire.exact(step, 4).await?;
        let length = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
        if length > LARGEST || head[3] != self.sequence {
            let seen = String::from_utf8_lossy(&head).into_owned();
            return Err(failed(Cause::Protocol, format!("{step}: not a packet of MySQL"), &seen));
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.wire.exact(step, length).await
    }

    /// Sends one packet.
    pub async fn send(&mut self, step: &str, body: &[u8]) -> Result<(), Box<Outcome>> {
        let length = u32::try_from(body.len()).ok().filter(|l| *l < 0xff_ffff);
        let length = length.ok_or_else(|| failed(Cause::Misconfigured, step, "longer than a packet may be"))?;
        let mut packet = zeroize::Zeroizing::new(Vec::with_capacity(body.len() + 4));
        packet.extend_from_slice(&length.to_le_bytes()[..3]);
        packet.push(self.sequence);
        packet.extend_from_slice(body);
        self.sequence = self.sequence.wrapping_add(1);
        self.wire.send(step, &packet).await
    }

    /// Asks for rows of text; a `NULL` is empty.
    pub async fn query(&mut self, step: &str, sql: &str) -> Result<Vec<Vec<String>>, Box<Outcome>> {
        self.sequence = 0;
        self.send(step, format!("\x03{sql}").as_bytes()).await?;
        let head = self.read(step).await?;
        if let Some(error) = ServerError::read(&head) {
            return Err(error.outcome(step, true));
        }
        let wrong = || failed(Cause::Protocol, format!("{step}: an answer of another shape"), "");
        let columns = Cursor(&head).number().filter(|c| (1..=64).contains(c)).ok_or_else(wrong)?;
        for _ in 0..columns {
            self.read(step).await?;
        }
        let (mut rows, mut ends) = (Vec::new(), 0);
        while rows.len() < 64 {
            let body = self.read(step).await?;
            if let Some(error) = ServerError::read(&body) {
                return Err(error.outcome(step, true));
            }
            // One packet ends the columns, another the rows.
            if body.first() == Some(&0xfe) && body.len() < 9 {
                ends += 1;
                if ends == 2 {
                    return Ok(rows);
                }
                continue;
            }
            let mut cursor = Cursor(&body);
            let row: Option<Vec<String>> = (0..columns).map(|_| cursor.text()).collect();
            rows.push(row.ok_or_else(wrong)?);
        }
        Err(wrong())
    }
}

/// Reads a packet from front to back; `None`: it is too short.
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    /// So many bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Bytes up to a zero, or to the end where the zero is missing.
    pub fn word(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|b| *b == 0);
        let taken = &self.0[..end.unwrap_or(self.0.len())];
        self.0 = end.map_or(&[], |end| &self.0[end + 1..]);
        taken
    }

    /// A little-endian number of two bytes.
    pub fn short(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    /// A length-encoded number.
    pub fn number(&mut self) -> Option<u64> {
        let size = match self.take(1)?[0] {
            small @ 0..=0xfa => return Some(u64::from(small)),
            0xfc => 2,
            0xfd => 3,
            0xfe => 8,
            _ => return None,
        };
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(self.take(size)?);
        Some(u64::from_le_bytes(bytes))
    }

    fn text(&mut self) -> Option<String> {
        if self.0.first() == Some(&0xfb) {
            self.take(1)?;
            return Some(String::new());
        }
        let length = usize::try_from(self.number()?).ok()?;
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }
}

/// What the server says went wrong.
pub struct ServerError {
    code: u16,
    state: String,
    message: String,
}

impl ServerError {
    /// Of a packet that is one.
    pub fn read(body: &[u8]) -> Option<ServerError> {
        let mut cursor = Cursor(body.strip_prefix(&[0xff])?);
        let code = cursor.short()?;
        // Before the handshake errors carry no state.
        let state = if cursor.0.first() == Some(&b'#') { cursor.take(6)?.get(1..)? } else { &[] };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(ServerError { code, state: text(state), message: text(cursor.0) })
    }

    /// The verdict. `password`: one was given.
    pub fn outcome(&self, step: &str, password: bool) -> Box<Outcome> {
        let rule = match self.state.as_str() {
            "" => format!("{step} was refused (error {})", self.code),
            state => format!("{step} was refused (error {}, SQLSTATE {state})", self.code),
        };
        let mut outcome = failed(self.cause(password), rule, &self.message);
        outcome.code = Some(self.code);
        outcome
    }

    fn cause(&self, password: bool) -> Cause {
        match self.code {
            1045 | 1698 if password => Cause::InvalidCredential,
            1045 | 1698 => Cause::MissingCredential,
            1820 | 1862 => Cause::ExpiredCredential,
            3118 | 4151 | 3955 => Cause::AccountProblem,
            // The database, the command, the host one comes from: the password is not at fault.
            1044 | 1130 | 1142 | 1227 | 1370 => Cause::MissingScope,
            1040 | 1203 | 1226 => Cause::QuotaExhausted,
            1129 => Cause::Throttled,
            1049 | 1251 | 3159 => Cause::Misconfigured,
            1053 | 1077..=1079 | 1152 | 1205 | 3032 => Cause::ServerError,
            1043 | 1047 | 1156 | 1835 => Cause::Protocol,
            1158..=1161 => Cause::Connect,
            _ if self.state.starts_with("28") => Cause::InvalidCredential,
            _ if self.state.starts_with("08") => Cause::ServerError,
            _ => Cause::UnexpectedResponse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart() {
        let error = |code: u16, text: &str| {
            let mut body = vec![0xff];
            body.extend(code.to_le_bytes());
            body.extend_from_slice(text.as_bytes());
            ServerError::read(&body).unwrap()
        };
        let denied = error(1045, "#28000Access denied for user 'board'@'x'");
        assert_eq!((denied.cause(true), denied.cause(false)), (Cause::InvalidCredential, Cause::MissingCredential));
        assert_eq!(denied.outcome("sign-in", true).evidence.seen, "Access denied for user 'board'@'x'");
        for (code, cause) in [
            (1040, Cause::QuotaExhausted),
            (1044, Cause::MissingScope),
            (1049, Cause::Misconfigured),
            (1053, Cause::ServerError),
            (1129, Cause::Throttled),
            (1820, Cause::ExpiredCredential),
            (4151, Cause::AccountProblem),
            (9999, Cause::UnexpectedResponse),
        ] {
            assert_eq!(error(code, "Too many connections").cause(true), cause, "{code}");
        }
        assert!(ServerError::read(&[0xff, 1]).is_none() && ServerError::read(&[0]).is_none());
    }

    #[test]
    fn the_cursor_stops_at_the_end() {
        let mut cursor = Cursor(&[3, b'a', b'b', b'c', 0xfb, 0xfc, 0x01, 0x01]);
        assert_eq!(cursor.text().as_deref(), Some("abc"));
        assert_eq!(cursor.text().as_deref(), Some(""));
        assert_eq!(cursor.number(), Some(257));
        assert_eq!((cursor.number(), cursor.take(1)), (None, None));
        assert_eq!(Cursor(&[0xfe; 9]).text(), None, "a length beyond any packet");
        assert_eq!(Cursor(b"ab").word(), b"ab");
    }
}
