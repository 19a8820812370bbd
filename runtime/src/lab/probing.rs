//! What a node can be made to send, and to listen for.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Deref,
    time::Duration,
};

use netns_test_topology::{build::IntoValue, plan::NeighbourTimers};

use super::{Error, Interface, Lab, Node, Shared};
use crate::{
    capture::{Filter, Listener},
    kernel::{link, neightbl},
    probe::{
        self, Checks, Evidence, Expectation, Probe, Prober, Protocol, Resolution, Server, Speaker, Target, Traffic,
    },
};

/// How long [`Interface::who_has`] listens for answers, so that a second one is seen.
const WHO_HAS: Duration = Duration::from_millis(100);

impl Node {
    /// A probe from here to a target; nothing is sent until it is run or awaited.
    ///
    /// It waits 1 s for an answer if the target does not say otherwise ([`Target::within`]), or longer where the slowest
    /// neighbour timers of the network ask for more: theirs, and 200 ms.
    pub fn probe(&self, target: Target) -> Probe {
        let node = self.clone();
        let slowest = move |now| {
            if now {
                node.note_change();
            }
            node.slowest_neighbour().map_err(|error| error.to_string())
        };
        match self.live() {
            Ok(live) => Probe::new(&live.netns, self.name(), target).neighbours(slowest),
            Err(error) => Probe::failed(self.name(), target, error.to_string()),
        }
    }

    /// Asserts that every address of the target answers.
    ///
    /// It waits 2 s for each if the target does not say otherwise ([`Target::within`]), or longer as for [`probe`](Self::probe).
    ///
    /// # Panics
    ///
    /// If one does not, with what was seen instead; if the probe itself failed.
    #[track_caller]
    pub fn reaches(&self, target: Target) -> Evidence {
        probe::reaches(self, target)
    }

    /// Asserts that no address of the target answers, each for a reason that is expected.
    ///
    /// It waits 300 ms at each if the target does not say otherwise ([`Target::within`]), or longer as for
    /// [`probe`](Self::probe).
    ///
    /// # Panics
    ///
    /// If one answers, also if only some of several packets are answered, or fails to for another reason; if the probe
    /// itself failed or proves nothing.
    #[track_caller]
    pub fn cannot_reach(&self, target: Target, expected: impl Into<Expectation>) -> Evidence {
        probe::cannot_reach(self, target, expected)
    }

    /// This node's addresses as the target of an ICMP echo ([ping(8)]).
    ///
    /// Loopback and link-local addresses are none of them: those mean something else to another node.
    ///
    /// [ping(8)]: https://man7.org/linux/man-pages/man8/ping.8.html
    pub fn ping(&self) -> Target {
        self.target(Protocol::Icmp, 0)
    }

    /// This node's addresses with a TCP port, as a target.
    pub fn tcp(&self, port: u16) -> Target {
        self.target(Protocol::Tcp, port)
    }

    /// This node's addresses with a UDP port, as a target.
    pub fn udp(&self, port: u16) -> Target {
        self.target(Protocol::Udp, port)
    }

    /// Answers such traffic from now on, until the network ends: TCP connections and UDP datagrams are echoed.
    ///
    /// # Errors
    ///
    /// If the port is taken, or the traffic names no port of TCP or UDP.
    pub fn serve(&self, traffic: Traffic) -> Result<Server, Error> {
        let live = self.live()?;
        let server = Server::start(&live.netns, &traffic)
            .map_err(|source| Error::Serve { node: self.name().to_owned(), source })?;
        let kept = server.clone();
        live.attach(move || kept.stop());
        Ok(server)
    }

    /// The addresses by which other nodes know it.
    fn known_addresses(&self) -> Result<Vec<IpAddr>, Error> {
        Ok(self
            .addresses()?
            .into_iter()
            .map(|info| info.address.addr())
            .filter(|addr| !is_private_to_it(addr))
            .collect())
    }

    fn target(&self, protocol: Protocol, port: u16) -> Target {
        target(protocol, port, self.name(), self.known_addresses())
    }

    /// How long the slowest neighbour of any node may take to be reported as failed.
    fn slowest_neighbour(&self) -> Result<Duration, Error> {
        let Some(shared) = self.shared() else { return Ok(Duration::ZERO) };
        shared.slowest_neighbour(|| {
            Ok(self.timers(&shared)?.iter().map(|t| t.retransmit * t.multicast_probes).max().unwrap_or_default())
        })
    }

    /// How long the slowest proxy of any node may put off its answer.
    fn slowest_proxy(&self) -> Result<Duration, Error> {
        let Some(shared) = self.shared() else { return Ok(Duration::ZERO) };
        Ok(self.timers(&shared)?.iter().map(|timers| timers.proxy_delay).max().unwrap_or_default())
    }

    /// The timers of every interface of any node that asks for its neighbours, and answers them.
    fn timers(&self, shared: &Shared) -> Result<Vec<NeighbourTimers>, Error> {
        let mut nodes = shared.nodes();
        if !nodes.contains(self) {
            nodes.push(self.clone());
        }
        let mut all = Vec::new();
        for node in nodes {
            // One that was removed meanwhile is on nobody's path.
            let Ok(live) = node.live() else { continue };
            let links = node.words(link::all(&live.rtnl))?;
            // A port of a bridge leaves the asking to the bridge.
            let asks = |index: u32| {
                let mut asking = links.iter().filter(|link| link.master.is_none() && link.flags.asks_neighbours());
                asking.any(|link| link.index == index)
            };
            let timers = node.words(neightbl::all(&live.rtnl))?.into_iter();
            all.extend(timers.filter(|(index, ..)| asks(*index)).map(|(.., timers)| timers));
        }
        Ok(all)
    }
}

impl Interface {
    /// This interface's addresses as the target of an ICMP echo, link-local ones left out.
    pub fn ping(&self) -> Target {
        self.target(Protocol::Icmp, 0)
    }

    /// This interface's addresses with a TCP port, as a target.
    pub fn tcp(&self, port: u16) -> Target {
        self.target(Protocol::Tcp, port)
    }

    /// This interface's addresses with a UDP port, as a target.
    pub fn udp(&self, port: u16) -> Target {
        self.target(Protocol::Udp, port)
    }

    /// Asks on the link who has an address: by ARP ([RFC 826]) or by a neighbour solicitation ([RFC 4861]).
    ///
    /// Listens for 100 ms, so that a second answer is seen as well. Where that is silence, and a proxy (`proxy_arp`,
    /// `proxy_ndp`) may put its answer off for longer, as it may for 800 ms with the kernel's own timers, it asks again and
    /// waits for that.
    ///
    /// # Errors
    ///
    /// If the question cannot be sent, as on an interface that is down, or was not seen to leave; and on what is no
    /// Ethernet interface, such as `lo` or a TUN device, where nobody could answer.
    ///
    /// [RFC 826]: https://www.rfc-editor.org/rfc/rfc826
    /// [RFC 4861]: https://www.rfc-editor.org/rfc/rfc4861
    pub fn who_has(&self, address: impl IntoValue<IpAddr>) -> Result<Resolution, Error> {
        let address = address.into_value()?;
        let live = self.node().live()?;
        let ask = |within| match address {
            IpAddr::V4(v4) => probe::who_has(&live.netns, self, v4, within),
            IpAddr::V6(v6) => probe::solicit(&live.netns, self, v6, within),
        };
        let seen = ask(WHO_HAS)?;
        if seen.answers.is_empty() {
            let proxy = self.node().slowest_proxy()?;
            if !proxy.is_zero() {
                return Ok(ask(proxy + WHO_HAS)?);
            }
        }
        Ok(seen)
    }

    /// Records what passes from now on and is chosen by the filter, in both directions.
    ///
    /// # Errors
    ///
    /// If there is no such interface, or packet sockets are refused.
    pub fn capture(&self, filter: impl Filter + Send + Sync + 'static) -> Result<Listener, Error> {
        let live = self.node().live()?;
        Ok(Listener::open(&live.netns, self.node().name(), self.name(), filter)?)
    }

    fn target(&self, protocol: Protocol, port: u16) -> Target {
        let addresses = self.addresses().map(|infos| infos.into_iter().map(|info| info.address.addr()));
        let addresses = addresses.map(|all| all.filter(|addr| !is_link_local(addr)).collect());
        target(protocol, port, &self.to_string(), addresses)
    }
}

impl Lab {
    /// Makes several checks and reports every one that failed, not the first alone.
    ///
    /// # Panics
    ///
    /// If a check failed, or none was made.
    #[track_caller]
    pub fn check_all(&self, checks: impl FnOnce(&Checks)) {
        check_all(checks);
    }
}

/// Makes several checks and reports every one that failed, not the first alone.
///
/// # Panics
///
/// If a check failed, or none was made.
#[track_caller]
pub fn check_all(make: impl FnOnce(&Checks)) {
    let checks = Checks::new();
    make(&checks);
    checks.finish();
}

impl Prober for Node {
    fn probe(&self, target: Target) -> Probe {
        Node::probe(self, target)
    }
}

impl Prober for &Node {
    fn probe(&self, target: Target) -> Probe {
        Node::probe(self, target)
    }
}

/// A node of a declared network, whose type has its interfaces as fields.
impl<T: Deref<Target = Node>> Prober for &T {
    fn probe(&self, target: Target) -> Probe {
        Node::probe(self, target)
    }
}

impl Speaker for Node {
    fn addresses(&self) -> Vec<IpAddr> {
        // A node without addresses, or one that is gone, has said nothing.
        Node::addresses(self).map(|all| all.into_iter().map(|info| info.address.addr()).collect()).unwrap_or_default()
    }

    fn label(&self) -> String {
        self.name().to_owned()
    }
}

impl Speaker for &Node {
    fn addresses(&self) -> Vec<IpAddr> {
        Speaker::addresses(*self)
    }

    fn label(&self) -> String {
        self.name().to_owned()
    }
}

/// A node of a declared network, whose type has its interfaces as fields.
impl<T: Deref<Target = Node>> Speaker for &T {
    fn addresses(&self) -> Vec<IpAddr> {
        Speaker::addresses(&***self)
    }

    fn label(&self) -> String {
        Speaker::label(&***self)
    }
}

fn target(protocol: Protocol, port: u16, name: &str, addresses: Result<Vec<IpAddr>, Error>) -> Target {
    let addresses = match addresses {
        Ok(addresses) if addresses.is_empty() => Err(format!("`{name}` has no address to send to")),
        Ok(addresses) => Ok(addresses.into_iter().map(|addr| SocketAddr::new(addr, port)).collect()),
        Err(error) => Err(error.to_string()),
    };
    Target::new(protocol, addresses).named(name)
}

fn is_private_to_it(addr: &IpAddr) -> bool {
    addr.is_loopback() || is_link_local(addr)
}

fn is_link_local(addr: &IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => addr.is_link_local(),
        IpAddr::V6(addr) => addr.is_unicast_link_local(),
    }
}
