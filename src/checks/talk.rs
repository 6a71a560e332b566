//! A conversation over a raw connection, by lines or bytes, with TLS from the start, from the middle or not at all.

use super::{
    Input,
    stream::{self, Dialed, failed, timed_out},
};
use crate::model::{Cause, Outcome, Phases, text::sanitize};
use jiff::Timestamp;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout_at,
};

/// Longest line, in bytes.
const LONGEST: usize = 16 * 1024;

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// The conversation.
pub struct Talk {
    wire: Box<dyn Wire>,
    read: Vec<u8>,
    deadline: tokio::time::Instant,
    limit: Duration,
    /// Where the time went so far.
    pub phases: Phases,
    /// When the server's certificate dies.
    pub certificate_expires: Option<Timestamp>,
    started: Instant,
}

impl Talk {
    /// Over a new connection.
    pub async fn open(input: &Input<'_>, host: &str, port: u16) -> Result<Talk, Box<Outcome>> {
        let Dialed { stream, phases, started, deadline, .. } = stream::dial(input, host, port).await?;
        let (wire, limit) = (Box::new(stream), input.timeout);
        Ok(Talk { wire, read: Vec::new(), deadline, limit, phases, certificate_expires: None, started })
    }

    /// Goes on encrypted. What was read ahead in the clear is an attack or a mistake, and refused.
    pub async fn encrypt(mut self, input: &Input<'_>, host: &str) -> Result<Talk, Box<Outcome>> {
        if !self.read.is_empty() {
            return Err(failed(Cause::Protocol, "the server went on in the clear after it was asked for TLS", ""));
        }
        let config = input.tls.clone();
        let (tls, took) = stream::handshake(self.wire, host, config, self.deadline, self.limit).await?;
        self.certificate_expires = stream::certificate(&tls).map(|(dies, ..)| dies);
        self.phases.tls = Some(took);
        self.wire = Box::new(tls);
        Ok(self)
    }

    /// Sends.
    pub async fn say(&mut self, bytes: &[u8]) -> Result<(), Box<Outcome>> {
        match timeout_at(self.deadline, self.wire.write_all(bytes)).await {
            Err(_) => Err(timed_out("sending", self.limit)),
            Ok(Err(error)) => Err(failed(Cause::Connect, "sending failed", &error.to_string())),
            Ok(Ok(())) => Ok(()),
        }
    }

    async fn more(&mut self) -> Result<(), Box<Outcome>> {
        let mut buffer = [0; 4096];
        match timeout_at(self.deadline, self.wire.read(&mut buffer)).await {
            Err(_) => Err(timed_out("the conversation", self.limit)),
            Ok(Err(error)) => Err(failed(Cause::Connect, "reading failed", &error.to_string())),
            Ok(Ok(0)) => Err(failed(Cause::Connect, "the server hung up", "")),
            Ok(Ok(n)) => {
                self.phases.first_byte.get_or_insert(self.started.elapsed());
                self.read.extend_from_slice(&buffer[..n]);
                Ok(())
            }
        }
    }

    /// The next line without its end, as printable text.
    pub async fn line(&mut self) -> Result<String, Box<Outcome>> {
        loop {
            if let Some(end) = self.read.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Ok(sanitize(String::from_utf8_lossy(&line).trim_end(), LONGEST));
            }
            if self.read.len() > LONGEST {
                return Err(failed(Cause::Protocol, "a line without end", ""));
            }
            self.more().await?;
        }
    }

    /// So many bytes.
    pub async fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Box<Outcome>> {
        while self.read.len() < count {
            self.more().await?;
        }
        Ok(self.read.drain(..count).collect())
    }

    /// A good outcome, with what was measured.
    pub fn good(&self, rule: &str, seen: &str) -> Outcome {
        let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), rule, seen);
        outcome.phases = self.phases;
        outcome.latency = Some(self.started.elapsed());
        outcome.certificate_expires = self.certificate_expires;
        outcome
    }
}

/// Whether a password may go there in the clear: to this machine only.
pub fn refuse_clear(host: &str) -> Result<(), Box<Outcome>> {
    let name = host.trim_matches(['[', ']']);
    let here = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if here {
        return Ok(());
    }
    let why = "the password would go over the network in the clear: choose TLS, or leave user name and password empty";
    Err(failed(Cause::Misconfigured, "field 'tls'", why))
}
