//! ICMP and ICMPv6 echo, as [RFC 792](https://www.rfc-editor.org/rfc/rfc792) and
//! [RFC 4443](https://www.rfc-editor.org/rfc/rfc4443) define it.

use std::{
    io::IoSliceMut,
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use nix::{
    cmsg_space,
    errno::Errno,
    libc,
    poll::PollFlags,
    sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg},
};
use pnet::packet::{
    icmp::{self, IcmpTypes, echo_request::MutableEchoRequestPacket},
    icmpv6::{self, Icmpv6Types},
    ipv4::Ipv4Packet,
};

use super::{
    Answer, ProbeError, Protocol,
    attempt::{Attempt, End, socket_addr},
    errors::QueuedError,
    target::Options,
};
use crate::capture::{Tap, Transport};

/// The header of an echo: type, code, checksum, identifier, sequence number.
const HEADER: usize = 8;

/// What `ping` sends unless told otherwise.
const SIZE: usize = 56;

/// Sends echo requests from the calling thread's namespace and waits for the replies.
pub(super) fn probe(
    tap: &Tap,
    target: SocketAddr,
    options: &Options,
    patience: Duration,
) -> Result<Answer, ProbeError> {
    if options.source_port.is_some() {
        return Err(ProbeError::Target("an echo has no ports: `source_port` has no meaning".into()));
    }
    let size = options.size.unwrap_or(SIZE);
    options.fit(Protocol::Icmp)?;
    let id = options.id.unwrap_or_else(fresh_id);
    let mut attempt = Attempt::begin(tap, Protocol::Icmp, target, options, patience)?;
    let mut echo = Echo { id, size, first: fresh_sequence(options.count()), sent: Vec::new(), answered: 0 };
    let end = match attempt.connect()? {
        Some(end) => end,
        None => echo.exchange(&mut attempt, patience)?,
    };
    let to = attempt.target.ip();
    attempt.end(end, |ip, is_own| {
        // Translation may have changed the addresses, or the identifier.
        matches!(ip.transport, Transport::Icmp { id: seen, .. } if seen == id)
            || ip.destination == to && is_own(ip.source)
    })
}

struct Echo {
    id: u16,
    size: usize,
    /// The sequence number of the first request.
    first: u16,
    /// When each request was sent; `None` once it was answered.
    sent: Vec<Option<Instant>>,
    answered: usize,
}

/// What was read from the socket.
enum Read {
    Reply {
        sequence: u16,
        ttl: Option<u8>,
        source: IpAddr,
    },
    NotOurs,
    Empty,
    /// The errno of an error in the queue; the queue says whether it is about this probe.
    Error,
}

impl Echo {
    fn exchange(&mut self, attempt: &mut Attempt<'_>, patience: Duration) -> Result<End, ProbeError> {
        let (count, interval) = (attempt.options.count() as usize, attempt.options.interval());
        let mut last = None;
        loop {
            let outstanding = self.sent.len() - self.answered;
            let due = match self.sent.last() {
                None => true,
                Some(sent) => outstanding == 0 || sent.is_none_or(|at| at.elapsed() >= interval),
            };
            if self.sent.len() < count && due {
                if let Some(end) = self.send(attempt)? {
                    return Ok(end);
                }
                attempt.deadline = Instant::now() + patience;
            }
            if self.answered == count {
                return Ok(last.unwrap_or_else(End::timeout));
            }
            let more = self.sent.len() < count;
            let wake = if more { attempt.deadline.min(Instant::now() + interval) } else { attempt.deadline };
            let Some(events) = attempt.wait(PollFlags::POLLIN, wake)? else {
                if more {
                    continue;
                }
                return Ok(End::timeout());
            };
            if let Some(end) = events.contains(PollFlags::POLLERR).then(|| self.error(attempt)).flatten() {
                return Ok(end);
            }
            match self.read(attempt)? {
                Read::Reply { sequence, ttl, source } => {
                    let slot = self.sent.get_mut(usize::from(sequence.wrapping_sub(self.first)));
                    if let Some(at) = slot.and_then(Option::take) {
                        self.answered += 1;
                        attempt.received += 1;
                        last = Some(End::reached(at.elapsed(), ttl, source));
                    }
                }
                Read::Error => {
                    if let Some(end) = self.error(attempt) {
                        return Ok(end);
                    }
                }
                Read::NotOurs | Read::Empty => {}
            }
        }
    }

    fn error(&self, attempt: &Attempt<'_>) -> Option<End> {
        attempt.queued_end(|e| self.concerns(e))
    }

    fn send(&mut self, attempt: &mut Attempt<'_>) -> Result<Option<End>, ProbeError> {
        let sequence = self.first.wrapping_add(self.sent.len() as u16);
        let packet = request(attempt.target.is_ipv6(), self.id, sequence, self.size);
        self.sent.push(Some(Instant::now()));
        attempt.send(&packet, |e| self.concerns(e))
    }

    fn read(&self, attempt: &Attempt<'_>) -> Result<Read, ProbeError> {
        let v6 = attempt.target.is_ipv6();
        let mut bytes = vec![0; self.size + 256];
        let mut control = cmsg_space!([libc::sock_extended_err; 2], libc::sockaddr_in6, libc::c_int);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_DONTWAIT;
        let message =
            match recvmsg::<SockaddrStorage>(attempt.socket.as_raw_fd(), &mut parts, Some(&mut control), flags) {
                Ok(message) => message,
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(Read::Empty),
                Err(_) => return Ok(Read::Error),
            };
        let hops = message.cmsgs().ok().and_then(|mut list| {
            list.find_map(|c| match c {
                ControlMessageOwned::Ipv6HopLimit(hops) => u8::try_from(hops).ok(),
                _ => None,
            })
        });
        let source = message.address.as_ref().and_then(socket_addr).map_or(attempt.target.ip(), |a| a.ip());
        let length = message.bytes;
        let bytes = &bytes[..length];
        // A raw socket of IPv4 hands out the IP header as well.
        let (ttl, echo) = if v6 {
            (hops, bytes)
        } else {
            let Some(ip) = Ipv4Packet::new(bytes) else { return Ok(Read::NotOurs) };
            let header = usize::from(ip.get_header_length()) * 4;
            (Some(ip.get_ttl()), bytes.get(header..).unwrap_or_default())
        };
        let reply = if v6 { Icmpv6Types::EchoReply.0 } else { IcmpTypes::EchoReply.0 };
        Ok(match echo {
            [kind, 0, _, _, a, b, c, d, ..] if *kind == reply && u16::from_be_bytes([*a, *b]) == self.id => {
                Read::Reply { sequence: u16::from_be_bytes([*c, *d]), ttl, source }
            }
            _ => Read::NotOurs,
        })
    }

    /// Whether an error is about this probe: the node's own are, and those that quote a request of it.
    fn concerns(&self, error: &QueuedError) -> bool {
        error.reporter.is_none() || self.is_ours(&error.packet)
    }

    /// Whether the packet that an ICMP error quotes is one of this probe.
    fn is_ours(&self, quoted: &[u8]) -> bool {
        matches!(quoted, [8 | 128, 0, _, _, a, b, ..] if u16::from_be_bytes([*a, *b]) == self.id)
    }
}

/// An echo request with this many bytes of payload; the kernel fills in the checksum of ICMPv6.
fn request(v6: bool, id: u16, sequence: u16, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; HEADER + size];
    // A pattern, as ping sends it, shows what was cut off.
    bytes.iter_mut().enumerate().skip(HEADER).for_each(|(i, b)| *b = i.to_le_bytes()[0]);
    let mut echo = MutableEchoRequestPacket::new(&mut bytes).expect("the buffer holds a header");
    echo.set_identifier(id);
    echo.set_sequence_number(sequence);
    if v6 {
        bytes[0] = icmpv6::Icmpv6Types::EchoRequest.0;
    } else {
        bytes[0] = IcmpTypes::EchoRequest.0;
        let sum = icmp::checksum(&icmp::IcmpPacket::new(&bytes).expect("the buffer holds a header"));
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    bytes
}

/// An identifier that no other probe of this process uses at the same time.
fn fresh_id() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let seed = std::process::id().to_le_bytes();
    u16::from_le_bytes([seed[0], seed[1]]).wrapping_mul(257).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The first of so many sequence numbers that no other probe of this process used lately: an answer that comes when its
/// probe has given up is not taken for that of the next one with the same identifier.
fn fresh_sequence(count: u32) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    NEXT.fetch_add(count as u16, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use pnet::packet::Packet as _;

    use super::*;

    #[test]
    fn a_request_has_a_valid_checksum() {
        let bytes = request(false, 0x1234, 7, 56);
        let packet = icmp::IcmpPacket::new(&bytes).expect("it is long enough");
        assert_eq!(bytes.len(), 64);
        assert_eq!((bytes[0], bytes[1]), (8, 0));
        assert_eq!(packet.packet()[4..8], [0x12, 0x34, 0, 7]);
        assert_eq!(u16::from_be_bytes([bytes[2], bytes[3]]), icmp::checksum(&packet));
    }

    #[test]
    fn an_error_about_another_echo_is_not_ours() {
        let echo = Echo { id: 5, size: 0, first: 1, sent: Vec::new(), answered: 0 };
        assert!(echo.is_ours(&request(false, 5, 1, 0)));
        assert!(echo.is_ours(&request(true, 5, 1, 0)));
        assert!(!echo.is_ours(&request(false, 6, 1, 0)));
        assert!(!echo.is_ours(&[8, 0]));
    }

    #[test]
    fn identifiers_differ() {
        assert_ne!(fresh_id(), fresh_id());
    }
}
