//! The sockets of a node, as /proc shows them ([proc_pid_net(5)]): looking changes nothing and wakes nobody.
//!
//! [proc_pid_net(5)]: https://man7.org/linux/man-pages/man5/proc_pid_net.5.html

use std::{
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use crate::probe::{Protocol, Traffic};

/// A socket that waits for whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listener {
    protocol: Protocol,
    address: SocketAddr,
}

impl Listener {
    /// Whether such packets are for this socket.
    pub(super) fn is_for(&self, traffic: &Traffic) -> bool {
        let ip = self.address.ip();
        // An IPv6 socket without an address takes IPv4 as well, unless it says otherwise, which /proc does not show.
        let addressed = |to: netns_test_topology::Cidr| to.contains(ip) || is_any(ip, to.addr());
        self.protocol == traffic.protocol()
            && Some(self.address.port()) == traffic.port()
            && traffic.destination().is_none_or(addressed)
    }
}

impl Listener {
    /// What to write for this socket, if these packets differ in their protocol or their address alone.
    pub(super) fn nearly_for(&self, traffic: &Traffic) -> Option<String> {
        let port = traffic.port().filter(|port| *port == self.address.port())?;
        let Self { protocol, address } = self;
        Some(if *protocol == traffic.protocol() {
            format!("it listens on {} and no other address: let it listen on another, or ask from there", address.ip())
        } else {
            format!("it listens for {protocol}: did you mean `listening({protocol}({port}))`?")
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.protocol, self.address)
    }
}

fn is_any(ip: IpAddr, wanted: IpAddr) -> bool {
    ip.is_unspecified() && (ip.is_ipv6() || wanted.is_ipv4())
}

/// The TCP sockets that listen and the UDP sockets without a peer in the calling thread's network.
pub(super) fn listeners() -> io::Result<Vec<Listener>> {
    let tables = [
        ("tcp", Protocol::Tcp, "0A"),
        ("tcp6", Protocol::Tcp, "0A"),
        ("udp", Protocol::Udp, "07"),
        ("udp6", Protocol::Udp, "07"),
    ];
    let mut all = Vec::new();
    for (file, protocol, state) in tables {
        let table = match fs::read_to_string(format!("/proc/thread-self/net/{file}")) {
            Ok(table) => table,
            // Without IPv6 there is no second file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let addresses = table.lines().skip(1).filter_map(|line| address(line, state));
        all.extend(addresses.map(|address| Listener { protocol, address }));
    }
    Ok(all)
}

/// The local address in a line of a table, if the socket is in that state.
fn address(line: &str, wanted: &str) -> Option<SocketAddr> {
    let mut words = line.split_whitespace().skip(1);
    let (ip, port) = words.next()?.rsplit_once(':')?;
    (words.nth(1)? == wanted).then_some(())?;
    // Each group of four bytes is a number in the machine's own order.
    let groups = ip.as_bytes().chunks(8).map(|group| u32::from_str_radix(str::from_utf8(group).ok()?, 16).ok());
    let bytes: Vec<u8> = groups.collect::<Option<Vec<_>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    let ip = match bytes.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// The paths of the Unix sockets in the calling thread's network that take connections or datagrams ([unix(7)]), as
/// they were given to bind(2); those of the abstract namespace begin with `@`.
///
/// [unix(7)]: https://man7.org/linux/man-pages/man7/unix.7.html
pub(super) fn unix_listeners() -> io::Result<Vec<PathBuf>> {
    const ACCEPTS: &str = "00010000";
    const DATAGRAM: &str = "0002";
    let table = fs::read_to_string("/proc/thread-self/net/unix")?;
    let path = |line: &str| {
        let mut rest = line;
        let mut words = [""; 7];
        for word in &mut words {
            let (found, after) = rest.trim_start().split_once(' ')?;
            (*word, rest) = (found, after);
        }
        let listens = words[3] == ACCEPTS || words[4] == DATAGRAM;
        (listens && !rest.is_empty()).then(|| PathBuf::from(rest))
    };
    Ok(table.lines().skip(1).filter_map(path).collect())
}

/// Whether one of these bound paths may be this one, which is absolute; a program may have bound it by a relative one.
pub(super) fn is_bound(bound: &[PathBuf], path: &Path) -> bool {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    bound.iter().any(|found| {
        found == path || *found == real || found.is_relative() && !found.starts_with("@") && real.ends_with(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{tcp, udp};

    #[test]
    fn sockets_are_told_apart_by_protocol_port_address_and_state() {
        let line = "  0: 0200000A:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1";
        let expected = if cfg!(target_endian = "little") { "10.0.0.2:8080" } else { "2.0.0.10:8080" };
        assert_eq!(address(line, "0A"), Some(expected.parse().unwrap()));
        assert_eq!(address(line, "07"), None);

        let listener = |address: &str| Listener { protocol: Protocol::Tcp, address: address.parse().unwrap() };
        let one = listener("10.0.0.2:80");
        assert!(one.is_for(&tcp(80)) && one.is_for(&tcp(80).to("10.0.0.2")) && one.is_for(&tcp(80).to("10.0.0.0/24")));
        assert!(!one.is_for(&tcp(81)) && !one.is_for(&udp(80)) && !one.is_for(&tcp(80).to("10.0.0.3")));
        assert!(listener("[::]:80").is_for(&tcp(80).to("10.0.0.3")));
        assert!(!listener("0.0.0.0:80").is_for(&tcp(80).to("::1")));
    }

    #[test]
    fn a_bound_socket_is_found() {
        let socket = std::net::TcpListener::bind("[::1]:0").or_else(|_| std::net::TcpListener::bind("127.0.0.1:0"));
        let address = socket.as_ref().unwrap().local_addr().unwrap();
        assert!(listeners().unwrap().iter().any(|found| found.address == address));
    }
}
