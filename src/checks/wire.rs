//! A conversation with a server in its own protocol: plain or over TLS, read in bounded lines and blocks, ended by one deadline.

use super::{
    Input,
    capped::TooMuch,
    stream::{self, failed, timed_out},
};
use crate::model::{Cause, Outcome, Phases};
use bytes::BytesMut;
use jiff::Timestamp;
use rustls::ClientConfig;
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout_at,
};

/// What TCP and TLS streams have in common.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Runs a probe's attempt within the input's timeout.
pub async fn bounded(input: &Input<'_>, attempt: impl Future<Output = Result<Outcome, Box<Outcome>>>) -> Outcome {
    match tokio::time::timeout(input.timeout, attempt).await {
        Ok(result) => result.unwrap_or_else(|failure| *failure),
        Err(_) => *timed_out("the conversation", input.timeout),
    }
}

/// An open connection with its unread bytes.
pub struct Wire {
    stream: Box<dyn Duplex>,
    unread: BytesMut,
    too_much: TooMuch,
    deadline: tokio::time::Instant,
    limit: Duration,
    /// Our end's address.
    #[cfg_attr(not(feature = "smtp"), expect(dead_code, reason = "mail servers alone are told"))]
    pub local: Option<SocketAddr>,
    /// Where the time went so far.
    pub phases: Phases,
    /// When the first packet was sent.
    pub started: Instant,
    /// When the server's certificate dies, once TLS is on.
    pub dies: Option<Timestamp>,
    /// The TLS version in use.
    pub tls: Option<String>,
}

impl Wire {
    /// Looks the name up and connects.
    pub async fn open(input: &Input<'_>, host: &str, port: u16) -> Result<Wire, Box<Outcome>> {
        let dialed = stream::dial(input, host, port).await?;
        Ok(Wire {
            local: dialed.stream.local(),
            too_much: dialed.stream.too_much(),
            stream: Box::new(dialed.stream),
            unread: BytesMut::new(),
            deadline: dialed.deadline,
            limit: input.timeout,
            phases: dialed.phases,
            started: dialed.started,
            dies: None,
            tls: None,
        })
    }

    /// The same conversation over TLS. Bytes sent ahead of the handshake are refused: anyone on the way could have put them there.
    pub async fn secure(mut self, host: &str, config: Arc<ClientConfig>) -> Result<Wire, Box<Outcome>> {
        if !self.unread.is_empty() {
            let seen = String::from_utf8_lossy(&self.unread);
            return Err(failed(Cause::Protocol, "unencrypted bytes ahead of the TLS handshake", &seen));
        }
        let name = host.trim_matches(['[', ']']);
        let (stream, took) = stream::handshake(self.stream, name, config, self.deadline, self.limit).await?;
        self.phases.tls = Some(took);
        self.dies = stream::certificate(&stream).map(|(dies, _, _)| dies);
        self.tls = stream.get_ref().1.protocol_version().map(|v| format!("{v:?}").replace('_', "."));
        self.stream = Box::new(stream);
        Ok(self)
    }

    /// Sends. `step` names the moment in a failure.
    pub async fn send(&mut self, step: &str, bytes: &[u8]) -> Result<(), Box<Outcome>> {
        let writing = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout_at(self.deadline, writing).await {
            Err(_) => Err(timed_out(step, self.limit)),
            Ok(Err(error)) => Err(self.too_much.or(broken(step, &error))),
            Ok(Ok(())) => Ok(()),
        }
    }

    /// Reads some more. `false`: the server has closed the connection.
    async fn more(&mut self, step: &str) -> Result<bool, Box<Outcome>> {
        let mut block = [0; 4096];
        match timeout_at(self.deadline, self.stream.read(&mut block)).await {
            Err(_) => Err(timed_out(step, self.limit)),
            // Many servers close TLS without a farewell.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Ok(Err(error)) => Err(self.too_much.or(broken(step, &error))),
            Ok(Ok(0)) => Ok(false),
            Ok(Ok(n)) => {
                self.unread.extend_from_slice(&block[..n]);
                Ok(true)
            }
        }
    }

    /// One line without its end, of at most `longest` bytes. `None`: the server has closed the connection.
    pub async fn line(&mut self, step: &str, longest: usize) -> Result<Option<String>, Box<Outcome>> {
        loop {
            if let Some(at) = self.unread.iter().position(|b| *b == b'\n').filter(|at| *at <= longest) {
                let line = self.unread.split_to(at + 1);
                return Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()));
            }
            if self.unread.len() > longest {
                let seen = String::from_utf8_lossy(&self.unread[..200.min(self.unread.len())]).into_owned();
                return Err(failed(Cause::Protocol, format!("{step}: a line without end"), &seen));
            }
            if !self.more(step).await? {
                return match self.unread.is_empty() {
                    true => Ok(None),
                    false => {
                        let seen = String::from_utf8_lossy(&self.unread).into_owned();
                        Err(failed(Cause::Protocol, format!("{step}: the answer broke off"), &seen))
                    }
                };
            }
        }
    }

    /// Exactly so many bytes. The caller bounds `count`.
    #[cfg(any(feature = "kafka", feature = "mongodb", feature = "mqtt"))]
    pub async fn exact(&mut self, step: &str, count: usize) -> Result<Vec<u8>, Box<Outcome>> {
        while self.unread.len() < count {
            if !self.more(step).await? {
                return Err(closed(step));
            }
        }
        Ok(self.unread.split_to(count).to_vec())
    }

    /// What `decode` takes off the bytes that came; `None` asks for more of them. The decoder bounds what it waits for.
    #[cfg(feature = "mysql")]
    pub async fn decoded<T>(
        &mut self,
        step: &str,
        mut decode: impl FnMut(&mut BytesMut) -> Result<Option<T>, Box<Outcome>>,
    ) -> Result<T, Box<Outcome>> {
        loop {
            if let Some(whole) = decode(&mut self.unread)? {
                return Ok(whole);
            }
            if !self.more(step).await? {
                return Err(closed(step));
            }
        }
    }

    /// Says goodbye and waits a moment for the answer, so that the server logs an orderly end. Failures do not matter.
    pub async fn farewell(mut self, words: &[u8]) {
        if !words.is_empty() && self.send("the farewell", words).await.is_ok() {
            self.deadline = self.deadline.min(tokio::time::Instant::now() + Duration::from_millis(500));
            let _ = self.more("the farewell").await;
        }
        let _ = timeout_at(self.deadline, self.stream.shutdown()).await;
    }

    /// Fills in what the connection knows: latency, phases, certificate.
    pub fn measure(&self, outcome: &mut Outcome, answered: Instant) {
        outcome.phases = self.phases;
        outcome.phases.first_byte = Some(answered.elapsed());
        outcome.latency = Some(self.started.elapsed());
        outcome.certificate_expires = self.dies;
    }
}

/// The verdict of a connection that ended before the answer.
pub fn closed(step: &str) -> Box<Outcome> {
    failed(Cause::Connect, format!("the server closed the connection during {step}"), "no answer")
}

fn broken(step: &str, error: &io::Error) -> Box<Outcome> {
    let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    failed(if tls { Cause::Tls } else { Cause::Connect }, format!("{step} failed"), &error.to_string())
}
