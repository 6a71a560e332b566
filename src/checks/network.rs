//! Whether this machine has a way out: its routes are read, no packet is sent.

/// A default route, IPv4 or IPv6, over an interface other than loopback.
pub async fn online() -> bool {
    let v4 = tokio::fs::read_to_string("/proc/net/route").await;
    let v6 = tokio::fs::read_to_string("/proc/net/ipv6_route").await;
    match (&v4, &v6) {
        // No such files: another system. Connecting a datagram socket asks for a route and sends nothing.
        (Err(_), Err(_)) => routable().await,
        _ => v4.is_ok_and(|t| has_default_v4(&t)) || v6.is_ok_and(|t| has_default_v6(&t)),
    }
}

async fn routable() -> bool {
    let Ok(socket) = tokio::net::UdpSocket::bind("0.0.0.0:0").await else { return false };
    // TEST-NET-1 (RFC 5737): nobody's address.
    socket.connect("192.0.2.1:9").await.is_ok()
}

fn has_default_v4(table: &str) -> bool {
    table.lines().skip(1).any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let up = columns.get(3).and_then(|f| u16::from_str_radix(f, 16).ok()).is_some_and(|f| f & 1 == 1);
        columns.first().is_some_and(|i| *i != "lo")
            && columns.get(1) == Some(&"00000000")
            && columns.get(7) == Some(&"00000000")
            && up
    })
}

fn has_default_v6(table: &str) -> bool {
    table.lines().any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let zero = columns.first().is_some_and(|d| d.bytes().all(|b| b == b'0')) && columns.get(1) == Some(&"00");
        zero && columns.last().is_some_and(|i| *i != "lo")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_route_is_found() {
        let head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
        assert!(has_default_v4(&format!("{head}eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")));
        assert!(!has_default_v4(&format!("{head}eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n")));
        assert!(!has_default_v4(head));
        let zero = "0".repeat(32);
        assert!(has_default_v6(&format!("{zero} 00 {zero} 00 fe80 00000400 1 0 00000003 eth0\n")));
        assert!(!has_default_v6(&format!("{zero} 00 {zero} 00 {zero} ffffffff 1 0 00200200 lo\n")));
    }
}
