//! What a probe goes to.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    time::Duration,
};

use super::{ProbeError, Protocol, Traffic};

/// What a probe goes to: one or more addresses, a protocol, and how to send.
///
/// A text that is no address is kept, and reported as [`ProbeError::Target`](super::ProbeError::Target) by the probe.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) protocol: Protocol,
    pub(crate) addresses: Result<Vec<SocketAddr>, String>,
    pub(crate) label: Option<String>,
    pub(crate) options: Options,
}

/// How a probe sends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) size: Option<usize>,
    /// Whether it may be fragmented on the way; as the kernel does by default, if `None`.
    pub(crate) fragments: Option<bool>,
    pub(crate) ttl: Option<u8>,
    pub(crate) count: Option<u32>,
    pub(crate) interval: Option<Duration>,
    pub(crate) source: Option<IpAddr>,
    pub(crate) source_port: Option<u16>,
    pub(crate) interface: Option<String>,
    pub(crate) id: Option<u16>,
    pub(crate) mark: Option<u32>,
    pub(crate) within: Option<Duration>,
}

impl Options {
    pub(super) fn count(&self) -> u32 {
        self.count.unwrap_or(1)
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval.unwrap_or(Duration::from_millis(100))
    }

    /// Whether a probe of this protocol can be sent so at all.
    pub(super) fn fit(&self, protocol: Protocol) -> Result<(), ProbeError> {
        let wrong = match self {
            Self { size: Some(size), .. } if *size > Target::MAX_SIZE => {
                format!("a payload of {size} bytes is more than IP carries ({})", Target::MAX_SIZE)
            }
            Self { ttl: Some(0), .. } => "a TTL of 0 leaves no node: `ttl` is 1 to 255".into(),
            Self { count: Some(0), .. } => "a probe of no packet proves nothing: `count` is at least 1".into(),
            Self { count: Some(count), .. } if protocol == Protocol::Icmp && *count > Target::MAX_ECHOES => {
                let most = Target::MAX_ECHOES;
                format!("{count} echo requests are more than their 16-bit sequence numbers tell apart ({most})")
            }
            _ => return Ok(()),
        };
        Err(ProbeError::Target(wrong))
    }
}

/// TCP: a port describes [`Traffic`], an address with a port is a [`Target`].
///
/// ```
/// use netns_test_runtime::probe::{Target, Traffic, tcp};
///
/// let served: Traffic = tcp(443);
/// let probed: Target = tcp("192.0.2.1:80");
/// ```
pub fn tcp<E: Endpoint>(endpoint: E) -> E::Output {
    endpoint.of(Protocol::Tcp)
}

/// UDP: a port describes [`Traffic`], an address with a port is a [`Target`].
pub fn udp<E: Endpoint>(endpoint: E) -> E::Output {
    endpoint.of(Protocol::Udp)
}

/// An echo request to one or more addresses.
pub fn ping(to: impl IntoAddresses) -> Target {
    let addresses = to.into_addresses();
    Target::new(Protocol::Icmp, addresses.map(|all| all.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect()))
}

impl Target {
    /// The most bytes of payload: what IPv4 carries behind the headers of ICMP and UDP, both 8 bytes.
    pub const MAX_SIZE: usize = 65_507;

    /// The most echo requests of one probe: as many as their 16-bit sequence numbers tell apart.
    pub const MAX_ECHOES: u32 = 65_536;

    pub(crate) fn new(protocol: Protocol, addresses: Result<Vec<SocketAddr>, String>) -> Self {
        Self { protocol, addresses, label: None, options: Options::default() }
    }

    /// Gives it the name that reports use beside the address, such as a node's.
    #[must_use]
    pub fn named(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sends this many bytes of payload (what `ping -s` counts), 0 to 65,507: unless set, an echo carries 56.
    #[must_use]
    pub fn size(mut self, bytes: usize) -> Self {
        self.options.size = Some(bytes);
        self
    }

    /// Forbids fragmentation, on the way and on the node itself (`IP_PMTUDISC_DO` of [ip(7)]).
    ///
    /// [ip(7)]: https://man7.org/linux/man-pages/man7/ip.7.html
    #[must_use]
    pub fn dont_fragment(mut self) -> Self {
        self.options.fragments = Some(false);
        self
    }

    /// Allows fragmentation on the way, also by routers (`IP_PMTUDISC_DONT` of [ip(7)], `ping -M dont`).
    ///
    /// Without, the kernel forbids it to routers and fragments itself, once it was told what the path carries.
    ///
    /// [ip(7)]: https://man7.org/linux/man-pages/man7/ip.7.html
    #[must_use]
    pub fn may_fragment(mut self) -> Self {
        self.options.fragments = Some(true);
        self
    }

    /// Sets the TTL or hop limit, 1 to 255; 1 gets as far as the first router.
    #[must_use]
    pub fn ttl(mut self, hops: u8) -> Self {
        self.options.ttl = Some(hops);
        self
    }

    /// Sends this many echo requests (1 to 65,536) or datagrams (at least 1); reached means that every one was answered.
    #[must_use]
    pub fn count(mut self, n: u32) -> Self {
        self.options.count = Some(n);
        self
    }

    /// Waits at most this long for one answer before the next is sent: 100 ms unless set.
    #[must_use]
    pub fn interval(mut self, wait: Duration) -> Self {
        self.options.interval = Some(wait);
        self
    }

    /// Sends from this address, which has to be one of the prober's.
    #[must_use]
    pub fn source(mut self, addr: impl Into<IpAddr>) -> Self {
        self.options.source = Some(addr.into());
        self
    }

    /// Sends from this port (TCP and UDP).
    #[must_use]
    pub fn source_port(mut self, port: u16) -> Self {
        self.options.source_port = Some(port);
        self
    }

    /// Leaves by this interface of the prober (`SO_BINDTODEVICE`); needed for link-local addresses of IPv6.
    #[must_use]
    pub fn on(mut self, interface: impl fmt::Display) -> Self {
        self.options.interface = Some(interface.to_string());
        self
    }

    /// Uses this ICMP identifier, so that several probes are one flow to connection tracking.
    #[must_use]
    pub fn id(mut self, id: u16) -> Self {
        self.options.id = Some(id);
        self
    }

    /// Marks the packets for routing rules and filters (`SO_MARK`).
    #[must_use]
    pub fn mark(mut self, mark: u32) -> Self {
        self.options.mark = Some(mark);
        self
    }

    /// Waits at most this long for an answer (to the last packet, if there are several).
    ///
    /// Without it `Node::reaches` waits 2 s, `Node::cannot_reach` 300 ms and [`Probe::run`](super::Probe::run) 1 s, each at least
    /// as long as the slowest neighbour timers of the network and 200 ms more. If this is shorter than those timers, a timeout is
    /// an error, because it proves nothing.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.options.within = Some(deadline);
        self
    }

    /// Keeps its IPv4 addresses only.
    #[must_use]
    pub fn v4(self) -> Self {
        self.only("IPv4", SocketAddr::is_ipv4)
    }

    /// Keeps its IPv6 addresses only.
    #[must_use]
    pub fn v6(self) -> Self {
        self.only("IPv6", SocketAddr::is_ipv6)
    }

    /// The addresses, at least one, with port 0 for an echo.
    ///
    /// # Errors
    ///
    /// Why there is none, as of a target that was written wrongly or a node without an address.
    pub fn addresses(&self) -> Result<&[SocketAddr], &str> {
        self.addresses.as_deref().map_err(String::as_str)
    }

    /// The protocol of the probe.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn only(mut self, family: &str, keep: impl Fn(&SocketAddr) -> bool) -> Self {
        self.addresses = self.addresses.and_then(|mut all| {
            let before: Vec<String> = all.iter().map(|addr| addr.ip().to_string()).collect();
            all.retain(|addr| keep(addr));
            if all.is_empty() { Err(format!("no {family} address among {}", before.join(", "))) } else { Ok(all) }
        });
        self
    }
}

impl fmt::Display for Target {
    /// As `203.0.113.9:25/tcp`, `10.0.0.2` for an echo, `server (10.0.0.2, fd00::2)` if it has a name; only the name,
    /// or `the target`, if it has no address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(all) = &self.addresses else {
            return f.write_str(self.label.as_deref().unwrap_or("the target"));
        };
        let all: Vec<String> = all.iter().map(|addr| Place(self.protocol, *addr).to_string()).collect();
        match &self.label {
            Some(label) => write!(f, "{label} ({})", all.join(", ")),
            None => f.write_str(&all.join(", ")),
        }
    }
}

/// One address of a target, as reports write it.
pub(crate) struct Place(pub(crate) Protocol, pub(crate) SocketAddr);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Protocol::Tcp | Protocol::Udp => write!(f, "{}/{}", self.1, self.0),
            _ => self.1.ip().fmt(f),
        }
    }
}

/// What `tcp` and `udp` take: a port (describing [`Traffic`]), or an address with a port (a [`Target`]).
#[diagnostic::on_unimplemented(message = "expected a port, or an address with a port such as `\"192.0.2.1:80\"`")]
pub trait Endpoint {
    /// [`Traffic`] or [`Target`].
    type Output;

    /// Makes it, of this protocol.
    fn of(self, protocol: Protocol) -> Self::Output;
}

impl Endpoint for u16 {
    type Output = Traffic;

    fn of(self, protocol: Protocol) -> Traffic {
        Traffic::with_port(protocol, self)
    }
}

impl Endpoint for &str {
    type Output = Target;

    fn of(self, protocol: Protocol) -> Target {
        let parsed = self.parse::<SocketAddr>();
        let text = || format!("`{self}` is not an address with a port, such as `192.0.2.1:80` or `[2001:db8::1]:80`");
        Target::new(protocol, parsed.map(|addr| vec![addr]).map_err(|_| text()))
    }
}

impl Endpoint for &String {
    type Output = Target;

    fn of(self, protocol: Protocol) -> Target {
        self.as_str().of(protocol)
    }
}

impl Endpoint for &[SocketAddr] {
    type Output = Target;

    fn of(self, protocol: Protocol) -> Target {
        let all = if self.is_empty() { Err("the target has no address".to_owned()) } else { Ok(self.to_vec()) };
        Target::new(protocol, all)
    }
}

macro_rules! endpoint {
    ($($addr:ty),*) => { $(
        impl Endpoint for $addr {
            type Output = Target;

            fn of(self, protocol: Protocol) -> Target {
                Target::new(protocol, Ok(vec![self.into()]))
            }
        }
    )* };
}

endpoint!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

/// What `ping` takes: an address, several, or text.
#[diagnostic::on_unimplemented(message = "expected an address, such as `\"8.8.8.8\"`")]
pub trait IntoAddresses {
    /// The addresses, or what is wrong with them.
    ///
    /// # Errors
    ///
    /// If a text is not an address, or there is none at all.
    fn into_addresses(self) -> Result<Vec<IpAddr>, String>;
}

impl IntoAddresses for &str {
    fn into_addresses(self) -> Result<Vec<IpAddr>, String> {
        self.parse().map(|ip| vec![ip]).map_err(|_| format!("`{self}` is not an address, such as `8.8.8.8`"))
    }
}

impl IntoAddresses for &String {
    fn into_addresses(self) -> Result<Vec<IpAddr>, String> {
        self.as_str().into_addresses()
    }
}

impl IntoAddresses for IpAddr {
    fn into_addresses(self) -> Result<Vec<IpAddr>, String> {
        Ok(vec![self])
    }
}

impl IntoAddresses for Ipv4Addr {
    fn into_addresses(self) -> Result<Vec<IpAddr>, String> {
        Ok(vec![self.into()])
    }
}

impl IntoAddresses for Ipv6Addr {
    fn into_addresses(self) -> Result<Vec<IpAddr>, String> {
        Ok(vec![self.into()])
    }
}

impl IntoAddresses for Vec<IpAddr> {
    fn into_addresses(self) -> Result<Vec<IpAddr>, String> {
        if self.is_empty() { Err("the target has no address".to_owned()) } else { Ok(self) }
    }
}

impl IntoAddresses for &[IpAddr] {
    fn into_addresses(self) -> Result<Vec<IpAddr>, String> {
        self.to_vec().into_addresses()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_traffic_and_an_address_a_target() {
        let traffic: Traffic = tcp(443);
        let target: Target = udp("[2001:db8::1]:53");
        assert_eq!(traffic.port(), Some(443));
        assert_eq!(target.to_string(), "[2001:db8::1]:53/udp");
        assert_eq!(ping("8.8.8.8").named("dns").to_string(), "dns (8.8.8.8)");
    }

    #[test]
    fn a_wrong_address_is_kept_as_an_error() {
        assert!(tcp("192.0.2.1").addresses.expect_err("there is no port").contains("not an address with a port"));
        assert!(ping("10.0.0").addresses.is_err());
        assert!(ping(Vec::new()).addresses.is_err());
        assert_eq!(ping("10.0.0.1").v6().addresses.expect_err("v4 only"), "no IPv6 address among 10.0.0.1");
    }
}
