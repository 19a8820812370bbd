//! What a probe saw: outcomes, where they came from, and what left the node.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{Protocol, Target};

/// What became of a probe, as the prober itself saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The answer that was asked for came back: an echo reply, a TCP connection, a datagram.
    Reached {
        /// From sending to the answer.
        rtt: Duration,
        /// The TTL or hop limit left in the answer; unknown for TCP.
        ttl: Option<u8>,
        /// The address that the answer came from.
        source: IpAddr,
    },
    /// There is no route: ENETUNREACH, or ICMP "net unreachable".
    NetworkUnreachable,
    /// The last hop does not answer ARP or neighbour discovery, or a route says "unreachable".
    HostUnreachable,
    /// The host answered, and nobody listens: ECONNREFUSED, a TCP reset, or ICMP "port unreachable".
    Refused,
    /// Forbidden by a `prohibit` route or a filter that says so.
    Prohibited,
    /// The prober's own route is a blackhole: EINVAL at `connect`.
    Blackhole,
    /// Larger than the path carries, and not to be fragmented; the MTU in bytes.
    PacketTooBig(u32),
    /// The TTL or hop limit was used up on the way.
    TtlExceeded,
    /// There is a route, but no address to send from: EADDRNOTAVAIL.
    NoSourceAddress,
    /// The target is a broadcast address, which a probe does not send to: EACCES.
    BroadcastRefused,
    /// The prober's own node dropped it; the errno, or 0 if it took the packet, said nothing, and nothing left although
    /// the link was up.
    LocalDrop(i32),
    /// Sent (or queued), and nothing came back: no answer and no error.
    Timeout,
}

impl Outcome {
    /// Whether the answer that was asked for came back.
    pub fn is_reached(&self) -> bool {
        matches!(self, Self::Reached { .. })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reached { .. } => "reached",
            Self::NetworkUnreachable => "network unreachable",
            Self::HostUnreachable => "host unreachable",
            Self::Refused => "refused",
            Self::Prohibited => "prohibited",
            Self::Blackhole => "blackhole",
            Self::PacketTooBig(mtu) => return write!(f, "packet too big (mtu {mtu})"),
            Self::TtlExceeded => "ttl exceeded",
            Self::NoSourceAddress => "no source address",
            Self::BroadcastRefused => "broadcast refused",
            Self::LocalDrop(0) => "dropped on the node itself",
            Self::LocalDrop(errno) => {
                return write!(f, "dropped on the node itself ({})", io::Error::from_raw_os_error(*errno));
            }
            Self::Timeout => "timeout",
        })
    }
}

/// Who gave the answer or the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The prober's own node.
    Local,
    /// Another node, by the address it answered from.
    Remote(IpAddr),
    /// Nobody: nothing came back.
    None,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("the node itself"),
            Self::Remote(addr) => write!(f, "{addr}"),
            Self::None => f.write_str("nobody"),
        }
    }
}

/// What was sent on behalf of a probe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// Packets that the kernel took from the probe without an error.
    pub accepted: u32,
    /// Frames of the probe that were seen to leave (repetitions by TCP included), on the interface that saw most.
    pub left: u32,
    /// ARP requests and neighbour solicitations seen to leave meanwhile.
    pub solicitations: u32,
}

/// What became of one address of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The address, with port 0 for an echo.
    pub target: SocketAddr,
    /// What became of it.
    pub outcome: Outcome,
    /// Who said so.
    pub origin: Origin,
    /// The address that reported an error, also if it is one of the prober's own.
    pub reporter: Option<IpAddr>,
    /// The prober's own address (and port), once it was chosen.
    pub local: Option<SocketAddr>,
    /// What was sent.
    pub sent: Sent,
    /// Answers received.
    pub received: u32,
    /// How long it took.
    pub elapsed: Duration,
    /// What an outcome alone does not say, such as why nothing could leave; may be empty.
    pub detail: String,
}

/// What a probe saw: one [`Answer`] for every address of its target.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// The name of the node that probed.
    pub prober: String,
    /// What it probed.
    pub target: Target,
    /// The answers, in the order of the target's addresses; never empty.
    pub answers: Vec<Answer>,
}

impl Report {
    /// The answer that decides: the first that did not reach its address, or else the first.
    pub fn answer(&self) -> &Answer {
        let missed = self.answers.iter().find(|a| !a.outcome.is_reached());
        missed.or(self.answers.first()).expect("a report has an answer for each address, and a target has one")
    }

    /// The outcome that decides.
    pub fn outcome(&self) -> Outcome {
        self.answer().outcome
    }

    /// Who gave the outcome that decides.
    pub fn origin(&self) -> Origin {
        self.answer().origin
    }

    /// Whether every address of the target was reached.
    pub fn is_reached(&self) -> bool {
        self.outcome().is_reached()
    }

    /// The TTL or hop limit left in the answer, if there was one that tells.
    pub fn ttl(&self) -> Option<u8> {
        match self.outcome() {
            Outcome::Reached { ttl, .. } => ttl,
            _ => None,
        }
    }

    /// From sending to the answer, if there was one.
    pub fn rtt(&self) -> Option<Duration> {
        match self.outcome() {
            Outcome::Reached { rtt, .. } => Some(rtt),
            _ => None,
        }
    }

    /// One line for an answer: the fact, in words.
    pub(crate) fn fact(&self, answer: &Answer) -> String {
        let mut text = answer.outcome.to_string();
        let took = Millis(answer.elapsed);
        match answer.outcome {
            Outcome::Reached { rtt, ttl, source } => {
                text += &format!(" in {}", Millis(rtt));
                if let Some(ttl) = ttl {
                    text += &format!(", ttl {ttl}");
                }
                if source != answer.target.ip() {
                    text += &format!(", answered by {source}");
                }
            }
            Outcome::Timeout => {
                text += &format!(" after {took}; {}", self.sent_words(answer));
            }
            _ => match (answer.origin, answer.reporter) {
                (Origin::Remote(by), _) => text += &format!(", said {by} after {took}"),
                (_, Some(own)) => text += &format!(", said the node itself ({own}) after {took}"),
                (Origin::Local, _) => text += &format!(", said the node itself after {took}"),
                (Origin::None, _) => {}
            },
        }
        if !answer.detail.is_empty() {
            text += "; ";
            text += &answer.detail;
        }
        text
    }

    fn sent_words(&self, answer: &Answer) -> String {
        let (one, many) = match self.target.protocol {
            Protocol::Tcp => ("SYN", "SYNs"),
            Protocol::Udp => ("datagram", "datagrams"),
            _ => ("echo request", "echo requests"),
        };
        let count = |n: u32| format!("{n} {}", if n == 1 { one } else { many });
        let back = match answer.received {
            0 => "nothing came back".to_owned(),
            n => format!("{n} came back"),
        };
        match answer.sent {
            Sent { left: 0, solicitations: 0, accepted } => {
                format!("{} taken by the kernel, none left", count(accepted))
            }
            Sent { left: 0, solicitations: 1, .. } => "1 neighbour request sent, nothing came back".to_owned(),
            Sent { left: 0, solicitations, .. } => {
                format!("{solicitations} neighbour requests sent, nothing came back")
            }
            Sent { left, .. } => format!("{} sent, {back}", count(left)),
        }
    }
}

/// The instrument failed. Never a verdict about the network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The target makes no sense as it was written.
    #[error("{0}")]
    Target(String),
    /// A system call of the probe failed in a way that says nothing about the network.
    #[error("{operation} for {object}: {source}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// What it was tried on.
        object: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The deadline ended before the network could have given its error.
    #[error(
        "no verdict: nothing came back within {waited:?}, but a neighbour on the path may take nearly {needed:?} to be \
         reported; give the probe more time with `.within({needed:?})` or more"
    )]
    TooShort {
        /// How long the probe waited.
        waited: Duration,
        /// How long it has to wait.
        needed: Duration,
    },
    /// Nothing came back, and nothing of the probe was seen to leave.
    #[error("no verdict: {} did not answer, but no packet of the probe was seen to leave: {detail}", asked(.target))]
    NothingLeft {
        /// Where the probe went.
        target: SocketAddr,
        /// What is known.
        detail: String,
    },
    /// The kernel could not make a neighbour entry: it has one table for all namespaces of the machine.
    #[error(
        "no verdict: no neighbour entry could be made for {}: the table is full, which all namespaces of the \
         machine share (help: run fewer tests at once, or raise net.ipv4.neigh.default.gc_thresh3 and \
         net.ipv6.neigh.default.gc_thresh3 of the host)",
        asked(.target)
    )]
    TableFull {
        /// Where the probe went.
        target: SocketAddr,
    },
    /// The capture that proves what left the node lost frames.
    #[error("no verdict: the capture that watches the probe lost {0} frames")]
    Lost(u64),
}

impl ProbeError {
    pub(crate) fn system(operation: &'static str, object: impl fmt::Display, source: impl Into<io::Error>) -> Self {
        Self::System { operation, object: object.to_string(), source: source.into() }
    }
}

/// An address, with its port if it has one.
fn asked(target: &SocketAddr) -> String {
    if target.port() == 0 { target.ip().to_string() } else { target.to_string() }
}

/// A duration as milliseconds with as many digits as matter.
pub(crate) struct Millis(pub(crate) Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_secs_f64() * 1e3;
        if ms < 1.0 {
            write!(f, "{ms:.2} ms")
        } else if ms < 10.0 {
            write!(f, "{ms:.1} ms")
        } else {
            write!(f, "{ms:.0} ms")
        }
    }
}
