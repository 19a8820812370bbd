//! What the probes of TCP, UDP and ICMP have in common: a socket with its options, the evidence, the answer.

use std::{
    cell::OnceCell,
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, ppoll},
    sys::{
        socket::{
            AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, bind, connect, getsockname,
            getsockopt, send, setsockopt, socket, sockopt,
        },
        time::TimeSpec,
    },
};

use super::{
    Answer, Origin, Outcome, ProbeError, Protocol, Sent,
    errors::{self, QueuedError},
    local,
    target::Options,
};
use crate::capture::{Direction, Ip, Packet, Tap, Transport, Watch};

mod option {
    use nix::{getsockopt_impl, libc, setsockopt_impl, sockopt_impl};

    sockopt_impl!(MtuDiscover, Both, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::c_int);
    sockopt_impl!(MtuDiscover6, Both, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::c_int);
    sockopt_impl!(Mtu6, GetOnly, libc::IPPROTO_IPV6, libc::IPV6_MTU, libc::c_int);
}

/// A probe of one address under way; lives on a thread of the node.
pub(super) struct Attempt<'a> {
    pub(super) socket: OwnedFd,
    pub(super) target: SocketAddr,
    pub(super) options: &'a Options,
    pub(super) begun: Instant,
    pub(super) deadline: Instant,
    protocol: Protocol,
    watch: Watch,
    local: Option<SocketAddr>,
    pub(super) accepted: u32,
    pub(super) received: u32,
}

/// A way to end.
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) origin: Origin,
    pub(super) reporter: Option<IpAddr>,
}

impl<'a> Attempt<'a> {
    /// Opens the socket, sets its options, and begins to watch what leaves.
    pub(super) fn begin(
        tap: &Tap,
        protocol: Protocol,
        target: SocketAddr,
        options: &'a Options,
        patience: Duration,
    ) -> Result<Self, ProbeError> {
        if target.ip().is_multicast() {
            return Err(ProbeError::Target(format!(
                "{} is a group: its members answer from addresses of their own, which a probe of one address does not \
                 hear; send from a socket on the node, and `capture` the answers",
                target.ip()
            )));
        }
        if target.ip().is_unspecified() {
            return Err(ProbeError::Target(format!(
                "{} is nobody's address: the kernel takes it for the node itself; `ping` its own one, or loopback",
                target.ip()
            )));
        }
        let (family, v6) = if target.is_ipv6() { (AddressFamily::Inet6, true) } else { (AddressFamily::Inet, false) };
        let (kind, number) = match protocol {
            Protocol::Tcp => (SockType::Stream, SockProtocol::Tcp),
            Protocol::Udp => (SockType::Datagram, SockProtocol::Udp),
            _ if v6 => (SockType::Raw, SockProtocol::IcmpV6),
            _ => (SockType::Raw, SockProtocol::Icmp),
        };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fail = |operation| move |errno: Errno| ProbeError::system(operation, target, errno);
        let socket = socket(family, kind, flags, number).map_err(fail("open a socket"))?;
        set(&socket, options, v6).map_err(|(operation, errno)| match &options.interface {
            Some(interface) if errno == Errno::ENODEV => no_interface(interface),
            _ => ProbeError::system(operation, target, errno),
        })?;

        let target = scoped(target, options)?;
        let own = options.source.or(options.source_port.map(|_| unspecified(v6)));
        if let Some(source) = own {
            let source = scoped(SocketAddr::new(source, options.source_port.unwrap_or(0)), options)?;
            let result = bind(socket.as_raw_fd(), &SockaddrStorage::from(source));
            result.map_err(|errno| match errno {
                Errno::EADDRNOTAVAIL => ProbeError::Target(format!(
                    "the prober cannot send from {}: it is none of its addresses",
                    source.ip()
                )),
                errno => ProbeError::system("bind the source of a probe", source, errno),
            })?;
        }

        let watch =
            tap.watch(move |packet| concerns(packet, protocol)).map_err(|e| ProbeError::system("watch", target, e))?;
        let begun = Instant::now();
        let deadline = begun + patience;
        let local = None;
        Ok(Self { socket, target, options, begun, deadline, protocol, watch, local, accepted: 0, received: 0 })
    }

    /// Connects the socket: for UDP and ICMP this looks up the route and sends nothing.
    ///
    /// Gives the way it ended, if it did.
    pub(super) fn connect(&mut self) -> Result<Option<End>, ProbeError> {
        let to = SockaddrStorage::from(self.target);
        let result = connect(self.socket.as_raw_fd(), &to);
        let result = match result {
            // A broadcast address and a prohibit route give the same error; connecting a datagram socket that may
            // broadcast tells them apart, and sends nothing.
            Err(Errno::EACCES) if self.protocol != Protocol::Tcp => {
                let may = setsockopt(&self.socket, sockopt::Broadcast, &true);
                let broadcast = may.is_ok() && connect(self.socket.as_raw_fd(), &to).is_ok();
                let outcome = if broadcast { Outcome::BroadcastRefused } else { Outcome::Prohibited };
                return Ok(Some(End::local(outcome)));
            }
            other => other,
        };
        let own = getsockname::<SockaddrStorage>(self.socket.as_raw_fd()).ok().and_then(|a| socket_addr(&a));
        self.local = own.filter(|a| !a.ip().is_unspecified()).map(|mut own| {
            // A raw socket's port is its protocol.
            own.set_port(if self.protocol == Protocol::Icmp { 0 } else { own.port() });
            own
        });
        match result {
            Ok(()) | Err(Errno::EINPROGRESS) => Ok(None),
            Err(errno) => self.failed("connect", errno).map(Some),
        }
    }

    /// Sends through the connected socket; `mine` tells the errors of this probe from those of another to the same address.
    pub(super) fn send(
        &mut self,
        bytes: &[u8],
        mine: impl Fn(&QueuedError) -> bool,
    ) -> Result<Option<End>, ProbeError> {
        loop {
            let errno = match send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(_) => {
                    self.accepted += 1;
                    // The kernel keeps some thousand frames until they are read.
                    if self.accepted.is_multiple_of(256) {
                        self.watch.catch_up().map_err(|e| ProbeError::system("watch", self.target, e))?;
                    }
                    return Ok(None);
                }
                Err(Errno::EINTR) => continue,
                Err(errno) => errno,
            };
            let queued = errors::take(&self.socket);
            if let Some(end) = End::among(&queued, &mine) {
                return Ok(Some(end));
            }
            // Only the errors of others stood in the way.
            if queued.is_empty() {
                return self.failed("send", errno).map(Some);
            }
        }
    }

    /// The end that an errno of the socket stands for; the error queue says more.
    pub(super) fn failed(&self, operation: &'static str, errno: Errno) -> Result<End, ProbeError> {
        if let Some(end) = self.queued_end(|_| true) {
            return Ok(end);
        }
        if errno == Errno::EMSGSIZE {
            return Ok(End::local(Outcome::PacketTooBig(self.path_mtu())));
        }
        // A blackhole route says so when the socket is connected. For IPv4 the kernel says the same as of any drop.
        if operation == "send" && errno == Errno::EINVAL {
            return Err(ProbeError::TableFull { target: self.target });
        }
        match errors::of_errno(errno) {
            Some(outcome) => Ok(End::local(outcome)),
            None => Err(ProbeError::system(operation, self.target, errno)),
        }
    }

    /// The end that the error queue tells of, among the errors that concern this probe.
    pub(super) fn queued_end(&self, mine: impl Fn(&QueuedError) -> bool) -> Option<End> {
        End::among(&errors::take(&self.socket), mine)
    }

    /// Waits until the socket can be read or written, or has an error; `None` when `until` has come.
    pub(super) fn wait(&self, events: PollFlags, until: Instant) -> Result<Option<PollFlags>, ProbeError> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(self.socket.as_fd(), events)];
            match ppoll(&mut fds, Some(TimeSpec::from_duration(left)), None) {
                Ok(0) if left.is_zero() => return Ok(None),
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Ok(fds[0].revents()),
                Err(errno) => return Err(ProbeError::system("wait", self.target, errno)),
            }
        }
    }

    /// The port or address that the kernel chose, once connected.
    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    /// Makes the answer: with what left, and for a timeout only if something could be said about it.
    ///
    /// `mine` tells the packets of this probe from those of others, and may ask whether an address is the node's own.
    pub(super) fn end(
        &self,
        end: End,
        mine: impl Fn(&Ip, &dyn Fn(IpAddr) -> bool) -> bool,
    ) -> Result<Answer, ProbeError> {
        let elapsed = self.begun.elapsed();
        let frames = self.watch.frames().map_err(|e| ProbeError::system("watch", self.target, e))?;
        let own = OnceCell::new();
        let is_own = |address: IpAddr| {
            own.get_or_init(|| local::addresses(None)).as_ref().is_ok_and(|all| all.contains(&address))
        };
        let mine = |packet: &Packet| !packet.is_solicitation() && packet.ip().is_some_and(|ip| mine(ip, &is_own));
        // A bridge passes on those of others.
        let asks = |packet: &Packet| packet.is_solicitation() && packet.source().is_some_and(is_own);
        let sent = Sent {
            accepted: self.accepted,
            left: most_on_one_interface(frames.iter().filter(|packet| mine(packet)).map(|packet| packet.interface)),
            solicitations: most_on_one_interface(frames.iter().filter(|p| asks(p)).map(|packet| packet.interface)),
        };
        if let Some(Err(error)) = own.into_inner() {
            return Err(ProbeError::system("read the addresses of the node for a probe", self.target, error));
        }
        let mut answer = Answer {
            target: self.target,
            outcome: end.outcome,
            origin: end.origin,
            reporter: end.reporter,
            local: self.local,
            sent,
            received: self.received,
            elapsed,
            detail: String::new(),
        };
        if answer.origin == Origin::None {
            self.attribute(&mut answer);
        }
        if answer.outcome == Outcome::Timeout && sent.left == 0 && sent.solicitations == 0 {
            self.explain_silence(&mut answer)?;
        }
        Ok(answer)
    }

    /// Whether a reporter is one of the node's own addresses.
    fn attribute(&self, answer: &mut Answer) {
        if let Some(reporter) = answer.reporter {
            let own = local::addresses(None).is_ok_and(|all| all.contains(&reporter));
            answer.origin = if own { Origin::Local } else { Origin::Remote(reporter) };
        }
    }

    /// Nothing was seen to leave: that is a timeout only if the node itself knows why.
    fn explain_silence(&self, answer: &mut Answer) -> Result<(), ProbeError> {
        let lost = self.watch.lost();
        if lost > 0 {
            return Err(ProbeError::Lost(lost));
        }
        let source = self.local.map(|a| a.ip());
        let why =
            local::why_silent(source, self.target.ip()).map_err(|e| ProbeError::system("look up", self.target, e))?;
        if let Some(why) = why {
            answer.detail = why;
        } else if self.target.is_ipv4() || answer.elapsed >= Duration::from_secs(1) {
            answer.outcome = Outcome::LocalDrop(0);
            answer.origin = Origin::Local;
            answer.detail = "no packet of the probe left, although the link is up".into();
        } else {
            // Solicitations for an IPv6 neighbour are a second apart, so one may be under way.
            let detail =
                "perhaps it waits for a neighbour's MAC; give the probe more than 1 s with `.within(…)`".into();
            return Err(ProbeError::NothingLeft { target: self.target, detail });
        }
        Ok(())
    }

    fn path_mtu(&self) -> u32 {
        let mtu = if self.target.is_ipv6() {
            getsockopt(&self.socket, option::Mtu6)
        } else {
            getsockopt(&self.socket, sockopt::IpMtu)
        };
        mtu.ok().and_then(|mtu| mtu.try_into().ok()).unwrap_or(0)
    }
}

impl End {
    /// The node itself says so.
    pub(super) fn local(outcome: Outcome) -> Self {
        Self { outcome, origin: Origin::Local, reporter: None }
    }

    /// Somebody says so: an ICMP error's sender, which may be the node itself.
    pub(super) fn said(outcome: Outcome, reporter: Option<IpAddr>) -> Self {
        let origin = if reporter.is_some() { Origin::None } else { Origin::Local };
        Self { outcome, origin, reporter }
    }

    /// The first end among queued errors.
    fn among(errors: &[QueuedError], mine: impl Fn(&QueuedError) -> bool) -> Option<Self> {
        errors.iter().filter(|e| mine(e)).find_map(|e| e.outcome.map(|outcome| Self::said(outcome, e.reporter)))
    }

    /// Nobody says anything.
    pub(super) fn timeout() -> Self {
        Self { outcome: Outcome::Timeout, origin: Origin::None, reporter: None }
    }

    /// The answer came.
    pub(super) fn reached(rtt: Duration, ttl: Option<u8>, source: IpAddr) -> Self {
        Self { outcome: Outcome::Reached { rtt, ttl, source }, origin: Origin::None, reporter: Some(source) }
    }
}

fn set(socket: &OwnedFd, options: &Options, v6: bool) -> Result<(), (&'static str, Errno)> {
    let at = |operation: &'static str| move |errno| (operation, errno);
    if v6 {
        setsockopt(socket, sockopt::Ipv6RecvErr, &true).map_err(at("set IPV6_RECVERR"))?;
        setsockopt(socket, sockopt::Ipv6RecvHopLimit, &true).map_err(at("set IPV6_RECVHOPLIMIT"))?;
    } else {
        setsockopt(socket, sockopt::Ipv4RecvErr, &true).map_err(at("set IP_RECVERR"))?;
        setsockopt(socket, sockopt::Ipv4RecvTtl, &true).map_err(at("set IP_RECVTTL"))?;
    }
    if let Some(fragments) = options.fragments {
        if v6 {
            let how = if fragments { libc::IPV6_PMTUDISC_DONT } else { libc::IPV6_PMTUDISC_DO };
            setsockopt(socket, option::MtuDiscover6, &how).map_err(at("set IPV6_MTU_DISCOVER"))?;
        } else {
            let how = if fragments { libc::IP_PMTUDISC_DONT } else { libc::IP_PMTUDISC_DO };
            setsockopt(socket, option::MtuDiscover, &how).map_err(at("set IP_MTU_DISCOVER"))?;
        }
    }
    if let Some(ttl) = options.ttl {
        let ttl = i32::from(ttl);
        let set =
            if v6 { setsockopt(socket, sockopt::Ipv6Ttl, &ttl) } else { setsockopt(socket, sockopt::Ipv4Ttl, &ttl) };
        set.map_err(at("set the TTL"))?;
    }
    if let Some(mark) = options.mark {
        setsockopt(socket, sockopt::Mark, &mark).map_err(at("set SO_MARK"))?;
    }
    if let Some(interface) = &options.interface {
        setsockopt(socket, sockopt::BindToDevice, &interface.into()).map_err(at("bind to the interface"))?;
    }
    Ok(())
}

/// A link-local address with the interface it is meant on.
fn scoped(addr: SocketAddr, options: &Options) -> Result<SocketAddr, ProbeError> {
    match (addr, &options.interface) {
        (SocketAddr::V6(mut v6), Some(interface)) if v6.ip().is_unicast_link_local() => {
            let index = local::index_of(interface).map_err(|error| match error.raw_os_error() {
                Some(libc::ENODEV) => no_interface(interface),
                _ => ProbeError::system("find the interface", interface, error),
            })?;
            v6.set_scope_id(index);
            Ok(v6.into())
        }
        (SocketAddr::V6(v6), None) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0 => Err(ProbeError::Target(
            format!("{} is link-local: name the interface it is meant on with `.on(…)`", v6.ip()),
        )),
        _ => Ok(addr),
    }
}

fn no_interface(name: &str) -> ProbeError {
    ProbeError::Target(format!("the prober has no interface `{name}` to send by"))
}

/// What may show that a probe of this protocol left its node.
fn concerns(packet: &Packet, protocol: Protocol) -> bool {
    packet.direction == Direction::Out
        && (packet.is_solicitation()
            || match packet.ip().map(|ip| &ip.transport) {
                Some(Transport::Tcp { .. }) => protocol == Protocol::Tcp,
                Some(Transport::Udp { .. }) => protocol == Protocol::Udp,
                Some(Transport::Icmp { kind: 8 | 128, .. }) => protocol == Protocol::Icmp,
                _ => false,
            })
}

/// A packet that crosses a bridge or a tunnel passes several interfaces of the node, and counts once.
fn most_on_one_interface(interfaces: impl Iterator<Item = u32>) -> u32 {
    let mut counts: Vec<(u32, u32)> = Vec::new();
    for interface in interfaces {
        match counts.iter_mut().find(|(i, _)| *i == interface) {
            Some((_, n)) => *n += 1,
            None => counts.push((interface, 1)),
        }
    }
    counts.iter().map(|(_, n)| *n).max().unwrap_or(0)
}

fn unspecified(v6: bool) -> IpAddr {
    if v6 { std::net::Ipv6Addr::UNSPECIFIED.into() } else { std::net::Ipv4Addr::UNSPECIFIED.into() }
}

pub(super) fn socket_addr(addr: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = addr.as_sockaddr_in().map(|a| SocketAddr::V4((*a).into()));
    v4.or_else(|| addr.as_sockaddr_in6().map(|a| SocketAddr::V6((*a).into())))
}
