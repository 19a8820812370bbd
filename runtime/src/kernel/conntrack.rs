//! Connection tracking: its entries listed and flushed ([conntrack(8)] shows the same).
//!
//! [conntrack(8)]: https://manpages.debian.org/conntrack.8

use std::{fmt, net::IpAddr, time::Duration};

use netlink_packet_core::{DefaultNla, Nla};
use netlink_packet_netfilter::{
    NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
    conntrack::{ConntrackAttribute, ConntrackMessage, IPTuple, ProtoTuple, Status, Tuple},
};
use netns_test_topology::Protocol;

use super::{error::KernelError, netfilter::Request, nft::Nft};

/// A connection that the kernel tracks.
///
/// Translation shows in the reply: without it, the reply's source is the original's destination and the other way
/// round.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConntrackEntry {
    /// The transport protocol.
    pub protocol: Protocol,
    /// The packets of whoever began, as they came in.
    pub original: ConntrackTuple,
    /// The packets that are expected in answer, as they will come in.
    pub reply: ConntrackTuple,
    /// What is known of the connection.
    pub status: ConntrackStatus,
    /// When the entry ends if no packet comes, from the time of the reading; `None` for an entry that is ending.
    pub timeout: Option<Duration>,
    /// The connection's mark; 0 if none was set.
    pub mark: u32,
}

/// One direction of a tracked connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ConntrackTuple {
    /// Where the packets come from.
    pub source: IpAddr,
    /// Where they go.
    pub destination: IpAddr,
    /// What tells this connection from others between the two.
    pub flow: ConntrackFlow,
}

/// What tells a connection from others between the same two addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConntrackFlow {
    /// TCP, UDP and others with ports.
    Ports {
        /// The source port.
        source: u16,
        /// The destination port.
        destination: u16,
    },
    /// ICMP and ICMPv6.
    Icmp {
        /// The message's type: 8 (IPv6: 128) for an echo request.
        kind: u8,
        /// The message's code.
        code: u8,
        /// The identifier of the echo.
        id: u16,
    },
    /// Protocols that have neither.
    Other,
}

/// What the kernel knows of a tracked connection: the `IPS_*` bits of `nf_conntrack_common.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConntrackStatus(u32);

impl ConntrackStatus {
    /// The bits as the kernel has them.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether packets have been seen both ways.
    pub fn seen_reply(self) -> bool {
        self.has(Status::SeenReply)
    }

    /// Whether the entry stays even when the table is full: the connection is established.
    pub fn assured(self) -> bool {
        self.has(Status::Assured)
    }

    /// Whether the source address or port is translated.
    pub fn source_nat(self) -> bool {
        self.has(Status::SrcNat)
    }

    /// Whether the destination address or port is translated.
    pub fn destination_nat(self) -> bool {
        self.has(Status::DstNat)
    }

    fn has(self, flag: Status) -> bool {
        self.0 & flag.bits() != 0
    }
}

impl fmt::Display for ConntrackEntry {
    /// Writes the entry much as `conntrack -L` does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Protocol::Icmp => f.write_str("icmp")?,
            Protocol::Tcp => f.write_str("tcp")?,
            Protocol::Udp => f.write_str("udp")?,
            Protocol::Icmpv6 => f.write_str("icmpv6")?,
            other => write!(f, "protocol {}", other.number())?,
        }
        write!(f, " {}", self.original)?;
        if !self.status.seen_reply() {
            f.write_str(" [UNREPLIED]")?;
        }
        write!(f, " {}", self.reply)?;
        if self.status.assured() {
            f.write_str(" [ASSURED]")?;
        }
        Ok(())
    }
}

impl fmt::Display for ConntrackTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src={} dst={}", self.source, self.destination)?;
        match self.flow {
            ConntrackFlow::Ports { source, destination } => write!(f, " sport={source} dport={destination}"),
            ConntrackFlow::Icmp { kind, code, id } => write!(f, " type={kind} code={code} id={id}"),
            ConntrackFlow::Other => Ok(()),
        }
    }
}

impl Nft {
    /// Lists the tracked connections of the namespace, IPv4 and IPv6.
    pub(crate) fn connections(&self) -> Result<Vec<ConntrackEntry>, KernelError> {
        let message = ConntrackMessage::Get(Vec::new());
        let request = Request::new("list", "tracked connections", NetfilterProtoFamily::Unspec, message);
        let messages = self.lock().dump(&request)?;
        messages.iter().map(|message| entry(message).ok_or_else(|| unreadable(message))).collect()
    }

    /// Forgets all tracked connections of the namespace, IPv4 and IPv6.
    pub(crate) fn flush_connections(&self) -> Result<(), KernelError> {
        let message = ConntrackMessage::Delete(Vec::new());
        let request = Request::new("flush", "tracked connections", NetfilterProtoFamily::Unspec, message);
        self.lock().ask(request).map(drop)
    }

    /// Whether an nftables rule of the namespace makes the kernel track connections; without such a rule it does not.
    ///
    /// Rules of iptables-nft are nftables rules. Those of the legacy iptables are not seen, nor is what traffic
    /// control and Open vSwitch track.
    pub(crate) fn tracks_connections(&self) -> Result<bool, KernelError> {
        const TRACKING: [&str; 16] = [
            "ct",
            "nat",
            "masq",
            "redir",
            "connlimit",
            "synproxy",
            "match conntrack",
            "match state",
            "match connmark",
            "match connbytes",
            "match connlimit",
            "target MASQUERADE",
            "target SNAT",
            "target DNAT",
            "target REDIRECT",
            "target NETMAP",
        ];
        let rules = self.rules()?;
        Ok(rules.iter().flat_map(|rule| &rule.expressions).any(|name| TRACKING.contains(&name.as_str())))
    }
}

fn unreadable(message: &NetfilterMessage) -> KernelError {
    KernelError::new("list", "tracked connections", nix::errno::Errno::EBADMSG)
        .because(format!("an entry without a direction or protocol: {message:?}"))
}

fn entry(message: &NetfilterMessage) -> Option<ConntrackEntry> {
    let NetfilterMessageInner::Conntrack(ConntrackMessage::New(attributes)) = &message.inner else { return None };
    let (mut original, mut reply, mut status, mut timeout, mut mark) = (None, None, 0, None, 0);
    for attribute in attributes {
        match attribute {
            ConntrackAttribute::CtaTupleOrig(parts) => original = tuple(parts),
            ConntrackAttribute::CtaTupleReply(parts) => reply = tuple(parts),
            ConntrackAttribute::CtaStatus(bits) => status = bits.bits(),
            ConntrackAttribute::CtaTimeout(seconds) => timeout = Some(Duration::from_secs((*seconds).into())),
            ConntrackAttribute::CtaMark(value) => mark = *value,
            _ => (),
        }
    }
    let (protocol, original) = original?;
    let (_, reply) = reply?;
    Some(ConntrackEntry { protocol, original, reply, status: ConntrackStatus(status), timeout, mark })
}

fn tuple(parts: &[Tuple]) -> Option<(Protocol, ConntrackTuple)> {
    let (mut source, mut destination, mut protocol) = (None, None, None);
    let (mut source_port, mut destination_port) = (None, None);
    let (mut kind, mut code, mut id) = (None, None, None);
    for part in parts {
        match part {
            Tuple::Ip(addresses) => {
                for address in addresses {
                    match address {
                        IPTuple::SourceAddress(address) => source = Some(*address),
                        IPTuple::DestinationAddress(address) => destination = Some(*address),
                        _ => (),
                    }
                }
            }
            Tuple::Proto(parts) => {
                for part in parts {
                    match part {
                        ProtoTuple::Protocol(number) => protocol = Some(protocol_of(u8::from(*number))),
                        ProtoTuple::SourcePort(port) => source_port = Some(*port),
                        ProtoTuple::DestinationPort(port) => destination_port = Some(*port),
                        ProtoTuple::Other(nla) => match (nla.kind(), &value_of(nla)[..]) {
                            // CTA_PROTO_ICMP_ID, _TYPE and _CODE, and the same for ICMPv6.
                            (4 | 7, &[high, low]) => id = Some(u16::from_be_bytes([high, low])),
                            (5 | 8, &[value]) => kind = Some(value),
                            (6 | 9, &[value]) => code = Some(value),
                            _ => (),
                        },
                        _ => (),
                    }
                }
            }
            _ => (),
        }
    }
    let flow = match (source_port, destination_port, kind, code, id) {
        (Some(source), Some(destination), ..) => ConntrackFlow::Ports { source, destination },
        (_, _, Some(kind), Some(code), Some(id)) => ConntrackFlow::Icmp { kind, code, id },
        _ => ConntrackFlow::Other,
    };
    Some((protocol?, ConntrackTuple { source: source?, destination: destination?, flow }))
}

fn protocol_of(number: u8) -> Protocol {
    match number {
        1 => Protocol::Icmp,
        6 => Protocol::Tcp,
        17 => Protocol::Udp,
        58 => Protocol::Icmpv6,
        other => Protocol::Other(other),
    }
}

fn value_of(nla: &DefaultNla) -> Vec<u8> {
    let mut value = vec![0; nla.value_len()];
    nla.emit_value(&mut value);
    value
}
