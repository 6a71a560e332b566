//! Probe kind `ping`: ICMP echo over the datagram socket that needs no privilege where the kernel allows it.

use super::{
    Input,
    stream::{failed, timed_out},
};
use crate::model::{Cause, Fact, Outcome, Phases, Warning, text::sanitize};
use jiff::Timestamp;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, socket_with};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};
use tokio::{
    net::UdpSocket,
    time::{sleep_until, timeout_at},
};

/// Between one echo and the next.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest wait for one echo's answer.
const LONGEST: Duration = Duration::from_secs(2);
/// What an echo carries; the random part after it tells our answers from others'.
const WORDS: &[u8] = b"lampboard";
/// How the system says yes to such sockets.
const ALLOW: &str = "allow it with: sysctl -w net.ipv4.ping_group_range='0 2147483647'";

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    match tokio::time::timeout(input.timeout, attempt(input)).await {
        Ok(result) => result.unwrap_or_else(|failure| *failure),
        Err(_) => *timed_out("the name look-up", input.timeout),
    }
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let wrong = |field: &str, seen: String| failed(Cause::Misconfigured, format!("field '{field}'"), &seen);
    let host = input.field("host").ok_or_else(|| wrong("host", "no host is given".into()))?.trim_matches(['[', ']']);
    let count = input.field("count").unwrap_or("3");
    let count: u16 = count
        .parse()
        .ok()
        .filter(|c| (1..=10).contains(c))
        .ok_or_else(|| wrong("count", format!("'{count}' is not a number from 1 to 10")))?;
    let fits = |ip: &IpAddr| match input.field("family").unwrap_or("any") {
        "4" => ip.is_ipv4(),
        "6" => ip.is_ipv6(),
        _ => true,
    };
    let begun = Instant::now();
    // A tenth is kept so that the end of the time is ours to tell of.
    let deadline = tokio::time::Instant::now() + input.timeout.mul_f64(0.9);
    let found = tokio::net::lookup_host((host, 0)).await;
    let found = found.map_err(|e| failed(Cause::Dns, "name look-up failed", &format!("'{host}': {e}")))?;
    let ip = found
        .map(|a| a.ip())
        .find(fits)
        .ok_or_else(|| failed(Cause::Dns, "the name has no address of this family", &format!("'{host}'")))?;
    let dns = begun.elapsed();
    let socket = open(ip)?;
    let share = deadline.saturating_duration_since(tokio::time::Instant::now()) / u32::from(count);
    let mut times = Vec::new();
    for number in 1..=count {
        let sent = tokio::time::Instant::now();
        match echo(&socket, ip, number, sent + share.min(LONGEST)).await {
            Ok(Some(took)) => times.push(took),
            Ok(None) => {}
            Err(error) => return Err(unreachable(&error, ip)),
        }
        if number < count {
            sleep_until(sent + PAUSE.min(share)).await;
        }
    }
    judge(ip, count, &times, dns, input.timeout)
}

fn open(ip: IpAddr) -> Result<UdpSocket, Box<Outcome>> {
    let (family, protocol) = match ip {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6),
    };
    let descriptor =
        socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, Some(protocol)).map_err(
            |errno| match errno {
                rustix::io::Errno::ACCESS | rustix::io::Errno::PERM | rustix::io::Errno::PROTONOSUPPORT => {
                    failed(Cause::Misconfigured, "this system does not let its users ping", ALLOW)
                }
                rustix::io::Errno::AFNOSUPPORT => {
                    failed(Cause::Misconfigured, "this system does not speak this address family", &ip.to_string())
                }
                other => failed(Cause::Internal, "no socket could be had", &other.to_string()),
            },
        )?;
    let socket = std::net::UdpSocket::from(descriptor);
    socket.connect(SocketAddr::new(ip, 0)).map_err(|e| unreachable(&e, ip))?;
    UdpSocket::from_std(socket).map_err(|e| failed(Cause::Internal, "no socket could be had", &e.to_string()))
}

/// One echo. `None`: no answer until the deadline.
async fn echo(
    socket: &UdpSocket,
    ip: IpAddr,
    number: u16,
    until: tokio::time::Instant,
) -> io::Result<Option<Duration>> {
    let request = request(ip, number);
    let sent = Instant::now();
    socket.send(&request).await?;
    let mut block = [0; 512];
    loop {
        match timeout_at(until, socket.recv(&mut block)).await {
            Err(_) => return Ok(None),
            Ok(got) => {
                if answers(&block[..got?], &request) {
                    return Ok(Some(sent.elapsed()));
                }
                // A late answer to an earlier echo.
            }
        }
    }
}

/// An echo request. The kernel fills in identifier and checksum.
fn request(ip: IpAddr, number: u16) -> Vec<u8> {
    let mut packet = vec![if ip.is_ipv4() { 8 } else { 128 }, 0, 0, 0, 0, 0];
    packet.extend(number.to_be_bytes());
    packet.extend_from_slice(WORDS);
    packet.extend(fastrand::u64(..).to_be_bytes());
    packet
}

/// Whether these bytes answer that request: an echo reply with the same number and contents.
fn answers(mut packet: &[u8], request: &[u8]) -> bool {
    // Some systems hand the IPv4 header out as well.
    if let Some(first) = packet.first().filter(|first| **first >> 4 == 4 && request[0] == 8) {
        packet = packet.get(usize::from(first & 0x0f) * 4..).unwrap_or_default();
    }
    let reply = if request[0] == 8 { 0 } else { 129 };
    packet.len() == request.len() && packet[..2] == [reply, 0] && packet[6..] == request[6..]
}

fn unreachable(error: &io::Error, ip: IpAddr) -> Box<Outcome> {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            failed(Cause::Misconfigured, "this machine's firewall or routes forbid it", &format!("{ip}: {error}"))
        }
        _ => failed(Cause::Connect, "it cannot be reached", &format!("{ip}: {error}")),
    }
}

fn judge(ip: IpAddr, count: u16, times: &[Duration], dns: Duration, limit: Duration) -> Result<Outcome, Box<Outcome>> {
    let (Some(fastest), Some(slowest)) = (times.iter().min(), times.iter().max()) else {
        let mut outcome = timed_out("the echo", limit);
        outcome.evidence.seen = format!("{ip} answered none of {count} echoes");
        return Err(outcome);
    };
    let mean = times.iter().sum::<Duration>() / times.len() as u32;
    let ms = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
    let seen = format!("{} of {count} echoes answered by {ip}", times.len());
    let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), "an echo was answered", &seen);
    outcome.latency = Some(mean);
    outcome.phases = Phases { dns: Some(dns), first_byte: Some(times[0]), ..Phases::default() };
    let fact = |label: &str, value: String| Fact { label: label.into(), value: sanitize(&value, 100) };
    let lost = usize::from(count) - times.len();
    outcome.facts = vec![
        fact("Address", ip.to_string()),
        fact("Lost", format!("{lost} of {count}")),
        fact("Round trip", format!("{} / {} / {} ms (least, mean, most)", ms(*fastest), ms(mean), ms(*slowest))),
    ];
    if lost > 0 {
        outcome.warnings.push(Warning::Degraded { message: format!("{lost} of {count} echoes lost") });
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    #[test]
    fn only_the_answer_to_this_echo_counts() {
        for (ip, reply) in [(V4, 0), (V6, 129)] {
            let asked = request(ip, 7);
            let mut answer = asked.clone();
            assert!(!answers(&answer, &asked), "our own request, looped back");
            answer[0] = reply;
            answer[4..6].copy_from_slice(&[9, 9]);
            assert!(answers(&answer, &asked));
            assert!(!answers(&answer, &request(ip, 7)), "the random part differs");
            assert!(!answers(&answer[..9], &asked) && !answers(&[], &asked));
        }
        let asked = request(V4, 1);
        let mut packet = vec![0x45; 20];
        packet.extend_from_slice(&asked);
        packet[20] = 0;
        assert!(answers(&packet, &asked), "with the header before it");
        assert!(!answers(&[0x4f, 0, 0], &asked), "a header that broke off");
    }

    #[test]
    fn loss_is_a_warning_and_silence_a_failure() {
        let (ms, limit) = (Duration::from_millis(4), Duration::from_secs(1));
        let some = judge(V4, 3, &[ms, ms * 2], ms, limit).unwrap();
        assert_eq!((some.cause, some.latency), (Cause::Ok, Some(Duration::from_millis(6))));
        assert!(matches!(some.warnings[..], [Warning::Degraded { .. }]));
        assert!(judge(V4, 2, &[ms, ms], ms, limit).unwrap().warnings.is_empty());
        assert_eq!(judge(V4, 3, &[], ms, limit).unwrap_err().cause, Cause::Timeout);
    }
}
