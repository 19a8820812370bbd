//! Kernel errors as outcomes: errno, and the error queue that says where one came from.

use std::{
    io::IoSliceMut,
    net::{IpAddr, Ipv6Addr},
    os::fd::{AsRawFd, OwnedFd},
};

use nix::{
    cmsg_space,
    errno::Errno,
    libc,
    sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage, recvmsg},
};

use super::Outcome;

/// An entry of a socket's error queue ([ip(7)], `IP_RECVERR`).
///
/// [ip(7)]: https://man7.org/linux/man-pages/man7/ip.7.html
#[derive(Debug, Clone)]
pub(super) struct QueuedError {
    pub(super) outcome: Option<Outcome>,
    /// The address that sent the ICMP error; none for an error of the node itself.
    pub(super) reporter: Option<IpAddr>,
    /// The packet that caused it, from its transport header on.
    pub(super) packet: Vec<u8>,
}

/// Takes everything from a socket's error queue.
pub(super) fn take(socket: &OwnedFd) -> Vec<QueuedError> {
    let mut all = Vec::new();
    let mut bytes = vec![0; 2048];
    loop {
        let mut control = cmsg_space!([libc::sock_extended_err; 2], libc::sockaddr_in6, libc::c_int);
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let Ok(message) = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags) else {
            return all;
        };
        let length = message.bytes;
        let found = message.cmsgs().ok().and_then(|mut list| {
            list.find_map(|c| match c {
                ControlMessageOwned::Ipv4RecvErr(e, from) => Some((e, from.map(|a| SockaddrIn::from(a).ip().into()))),
                ControlMessageOwned::Ipv6RecvErr(e, from) => {
                    Some((e, from.map(|a| unmapped(SockaddrIn6::from(a).ip()))))
                }
                _ => None,
            })
        });
        if let Some((error, reporter)) = found {
            let remote = matches!(error.ee_origin, libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6);
            all.push(QueuedError {
                outcome: of_extended(&error),
                reporter: reporter.filter(|_| remote),
                packet: bytes[..length].to_vec(),
            });
        }
    }
}

/// What an errno of `connect` or `send` means for the destination, if it is about the network at all.
pub(super) fn of_errno(errno: Errno) -> Option<Outcome> {
    Some(match errno {
        Errno::ENETUNREACH => Outcome::NetworkUnreachable,
        Errno::EHOSTUNREACH => Outcome::HostUnreachable,
        Errno::ECONNREFUSED | Errno::ECONNRESET => Outcome::Refused,
        Errno::EACCES => Outcome::Prohibited,
        Errno::EINVAL => Outcome::Blackhole,
        Errno::EADDRNOTAVAIL => Outcome::NoSourceAddress,
        Errno::ETIMEDOUT => Outcome::Timeout,
        Errno::EPERM | Errno::ENOBUFS | Errno::ENETDOWN | Errno::ENXIO => Outcome::LocalDrop(errno as i32),
        _ => return None,
    })
}

fn of_extended(error: &libc::sock_extended_err) -> Option<Outcome> {
    match error.ee_origin {
        libc::SO_EE_ORIGIN_ICMP => of_icmp(error.ee_type, error.ee_code, error.ee_info),
        libc::SO_EE_ORIGIN_ICMP6 => of_icmpv6(error.ee_type, error.ee_code, error.ee_info),
        _ if error.ee_errno == libc::EMSGSIZE as u32 => Some(Outcome::PacketTooBig(error.ee_info)),
        _ => of_errno(Errno::from_raw(error.ee_errno.cast_signed())),
    }
}

/// [RFC 792], and the codes of [RFC 1812] section 5.2.7.1.
///
/// [RFC 792]: https://www.rfc-editor.org/rfc/rfc792
/// [RFC 1812]: https://www.rfc-editor.org/rfc/rfc1812
fn of_icmp(kind: u8, code: u8, info: u32) -> Option<Outcome> {
    Some(match (kind, code) {
        (3, 0 | 5 | 6 | 11) => Outcome::NetworkUnreachable,
        (3, 1 | 7 | 8 | 12) => Outcome::HostUnreachable,
        (3, 2 | 3) => Outcome::Refused,
        (3, 4) => Outcome::PacketTooBig(info),
        (3, 9 | 10 | 13) => Outcome::Prohibited,
        (11, 0) => Outcome::TtlExceeded,
        _ => return None,
    })
}

/// [RFC 4443](https://www.rfc-editor.org/rfc/rfc4443) section 3.
fn of_icmpv6(kind: u8, code: u8, info: u32) -> Option<Outcome> {
    Some(match (kind, code) {
        (1, 0 | 2) => Outcome::NetworkUnreachable,
        (1, 3) => Outcome::HostUnreachable,
        (1, 4) | (4, 1) => Outcome::Refused,
        (1, 1 | 5 | 6) => Outcome::Prohibited,
        (2, _) => Outcome::PacketTooBig(info),
        (3, 0) => Outcome::TtlExceeded,
        _ => return None,
    })
}

/// An IPv4 address that an IPv6 socket reports, as what it is.
fn unmapped(addr: Ipv6Addr) -> IpAddr {
    addr.to_ipv4_mapped().map_or(IpAddr::V6(addr), IpAddr::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_that_is_not_about_the_network_is_no_outcome() {
        assert_eq!(of_errno(Errno::EMFILE), None);
        assert_eq!(of_errno(Errno::EBADF), None);
        assert_eq!(of_errno(Errno::ENETUNREACH), Some(Outcome::NetworkUnreachable));
        assert_eq!(of_errno(Errno::EPERM), Some(Outcome::LocalDrop(1)));
    }

    #[test]
    fn icmp_codes_keep_their_difference() {
        assert_eq!(of_icmp(3, 0, 0), Some(Outcome::NetworkUnreachable));
        assert_eq!(of_icmp(3, 1, 0), Some(Outcome::HostUnreachable));
        assert_eq!(of_icmp(3, 13, 0), Some(Outcome::Prohibited));
        assert_eq!(of_icmp(3, 4, 1450), Some(Outcome::PacketTooBig(1450)));
        assert_eq!(of_icmp(11, 1, 0), None);
        assert_eq!(of_icmpv6(1, 0, 0), Some(Outcome::NetworkUnreachable));
        assert_eq!(of_icmpv6(1, 3, 0), Some(Outcome::HostUnreachable));
        assert_eq!(of_icmpv6(2, 0, 1280), Some(Outcome::PacketTooBig(1280)));
    }
}
