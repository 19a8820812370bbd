//! Nodes.

use std::net::{IpAddr, SocketAddr};

use super::{
    errors::Errors,
    firewall::{ChainBuilder, MatchBuilder},
    interface::{BridgeBuilder, InterfaceBuilder},
    overlay::{MacvlanBuilder, VxlanBuilder},
    value::{IntoAddresses, IntoNetwork, IntoValue, network},
};
use crate::{
    Chain, ChainKind, Departure, Family, FdbEntry, FirewallRule, Hook, IfName, Interface, InvalidValue, Kind, Mac,
    Match, Neighbour, Node, Policy, PortRange, Priority, Profile, Protocol, Route, Rule, Sysctl, Verdict, Vni,
};

/// Builds a node; see [`TopologyBuilder::node`](super::TopologyBuilder::node).
#[derive(Debug)]
#[must_use]
pub struct NodeBuilder {
    pub(crate) node: Node,
    pub(super) errors: Errors,
}

impl NodeBuilder {
    pub(super) fn new(node: Node) -> Self {
        Self { errors: Errors::at(format!("node `{}`", node.name)), node }
    }

    /// The node as it is so far.
    pub fn as_node(&self) -> &Node {
        &self.node
    }

    /// Adds an interface with one address, several (`["10.0.0.1/24", "fd00::1/64"]`) or none (`()`).
    ///
    /// It is to be an end of a link or a switch; the name `lo` stands for the loopback interface.
    pub fn interface(self, name: impl IntoValue<IfName>, addresses: impl IntoAddresses) -> Self {
        self.interface_with(name, |i| i.address(addresses))
    }

    /// Adds an interface with more than addresses.
    ///
    /// ```
    /// # use netns_test_topology::Topology;
    /// let topology = Topology::builder()
    ///     .node("a", |n| n.interface_with("eth0", |i| i.address("10.0.0.1/24").mac("02:00:00:00:00:01").mtu(1400)))
    ///     .node("b", |n| n.interface_with("eth0", |i| i.down()))
    ///     .link("a.eth0", "b.eth0")
    ///     .build()?;
    /// assert!(!topology.node("b").unwrap().interface("eth0").unwrap().up);
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    pub fn interface_with(
        mut self,
        name: impl IntoValue<IfName>,
        build: impl FnOnce(InterfaceBuilder) -> InterfaceBuilder,
    ) -> Self {
        let Some(name) = self.errors.take(name) else { return self };
        let kind = if name == *"lo" { Kind::Loopback } else { Kind::Veth };
        let built = build(InterfaceBuilder::new(name, kind));
        self.add_interface(built)
    }

    /// Adds a bridge.
    ///
    /// ```
    /// # use netns_test_topology::Topology;
    /// let topology = Topology::builder()
    ///     .node("host", |n| n.bridge("v-net-0", |b| b.address("10.0.0.254/24").port("red")))
    ///     .node("container", |n| n.interface("eth0", "10.0.0.1/24"))
    ///     .link("host.red", "container.eth0")
    ///     .build()?;
    /// assert_eq!(topology.node("host").unwrap().ports("v-net-0").count(), 1);
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    pub fn bridge(mut self, name: impl IntoValue<IfName>, build: impl FnOnce(BridgeBuilder) -> BridgeBuilder) -> Self {
        let Some(name) = self.errors.take(name) else { return self };
        let bridge = build(BridgeBuilder::new(&name));
        self.node.interfaces.push(bridge.interface(name.clone()));
        for port in bridge.ports {
            match self.node.interfaces.iter_mut().find(|i| i.name == port) {
                Some(declared) => declared.master = Some(name.clone()),
                None => {
                    let port = Interface { master: Some(name.clone()), ..Interface::new(port, Kind::Veth) };
                    self.node.interfaces.push(port);
                }
            }
        }
        self.errors.absorb(bridge.errors);
        self
    }

    /// Adds a VXLAN device: an end of a tunnel that carries the frames of an overlay network, known by its number.
    ///
    /// ```
    /// # use netns_test_topology::Topology;
    /// let topology = Topology::builder()
    ///     .node("left", |n| {
    ///         n.interface("eth0", "192.0.2.1/24")
    ///             .vxlan("vx0", 42, |v| v.remote("192.0.2.2").dev("eth0").address("10.99.0.1/24"))
    ///     })
    ///     .node("right", |n| {
    ///         n.interface("eth0", "192.0.2.2/24")
    ///             .vxlan("vx0", 42, |v| v.remote("192.0.2.1").dev("eth0").address("10.99.0.2/24"))
    ///     })
    ///     .link("left.eth0", "right.eth0")
    ///     .build()?;
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    pub fn vxlan(
        mut self,
        name: impl IntoValue<IfName>,
        id: impl IntoValue<Vni>,
        build: impl FnOnce(VxlanBuilder) -> VxlanBuilder,
    ) -> Self {
        let (name, id) = (self.errors.take(name), self.errors.take(id));
        let (Some(name), Some(id)) = (name, id) else { return self };
        let built = build(VxlanBuilder::new(name, id)).finish();
        self.add_interface(built)
    }

    /// Adds a macvlan interface, which has an Ethernet address of its own on the link of another, its parent.
    ///
    /// ```
    /// # use netns_test_topology::{MacvlanMode, Topology};
    /// # let topology = Topology::builder()
    /// #     .node("host", |n| n.interface("eth0", "192.0.2.1/24"))
    /// #     .node("other", |n| n.interface("eth0", "192.0.2.2/24"))
    /// #     .link("host.eth0", "other.eth0")
    /// .node("container", |n| {
    ///     n.macvlan("eth0", "eth0", |m| m.parent_node("host").mode(MacvlanMode::Bridge).address("192.0.2.10/24"))
    /// })
    /// # .build()?;
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    pub fn macvlan(
        mut self,
        name: impl IntoValue<IfName>,
        parent: impl IntoValue<IfName>,
        build: impl FnOnce(MacvlanBuilder) -> MacvlanBuilder,
    ) -> Self {
        let (name, parent) = (self.errors.take(name), self.errors.take(parent));
        let (Some(name), Some(parent)) = (name, parent) else { return self };
        let built = build(MacvlanBuilder::new(name, parent)).finish();
        self.add_interface(built)
    }

    /// Adds a route, as [ip-route(8)] writes it: `"default via 10.0.0.1"`, `"blackhole 10.9.0.0/16"`.
    ///
    /// [ip-route(8)]: https://man7.org/linux/man-pages/man8/ip-route.8.html
    pub fn route(mut self, route: impl IntoValue<Route>) -> Self {
        let route = self.errors.take(route);
        self.node.routes.extend(route);
        self
    }

    /// Adds a policy routing rule, as [ip-rule(8)] writes it: `"from 10.0.0.0/8 lookup 100 priority 5"`.
    ///
    /// [ip-rule(8)]: https://man7.org/linux/man-pages/man8/ip-rule.8.html
    pub fn rule(mut self, rule: impl IntoValue<Rule>) -> Self {
        let rule = self.errors.take(rule);
        self.node.rules.extend(rule);
        self
    }

    /// Adds a permanent neighbour entry: the link address of an IP address on an interface.
    pub fn neighbour(
        mut self,
        address: impl IntoValue<IpAddr>,
        mac: impl IntoValue<Mac>,
        interface: impl IntoValue<IfName>,
    ) -> Self {
        let (address, mac, dev) = (self.errors.take(address), self.errors.take(mac), self.errors.take(interface));
        if let (Some(address), Some(mac), Some(dev)) = (address, mac, dev) {
            self.node.neighbours.push(Neighbour { address, mac, dev });
        }
        self
    }

    /// Adds a forwarding entry, as [bridge(8)] writes it: to a VXLAN device behind which tunnel end a MAC address is
    /// (`"02:00:00:00:00:02 dev vx0 dst 192.0.2.2"`), to a bridge by which port it is reached
    /// (`"02:00:00:00:00:02 dev eth1"`).
    ///
    /// [bridge(8)]: https://man7.org/linux/man-pages/man8/bridge.8.html
    pub fn fdb(mut self, entry: impl IntoValue<FdbEntry>) -> Self {
        let entry = self.errors.take(entry);
        self.node.fdb.extend(entry);
        self
    }

    /// Sets a kernel setting by its dotted name, such as `net.ipv4.conf.all.rp_filter`.
    pub fn sysctl(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.node.sysctls.push(Sysctl { key: key.into(), value: value.to_string() });
        self
    }

    /// Forwards packets, IPv4 and IPv6.
    pub fn forward(self) -> Self {
        self.forward_v4().forward_v6()
    }

    /// Forwards IPv4 packets.
    pub fn forward_v4(mut self) -> Self {
        self.node.forward_v4 = true;
        self
    }

    /// Forwards IPv6 packets.
    pub fn forward_v6(mut self) -> Self {
        self.node.forward_v6 = true;
        self
    }

    /// Gives all IPv4 packets that leave by this interface its address ([RFC 3022]).
    ///
    /// `Node::masquerade`, for a network that is up, does so to IPv6 packets as well.
    ///
    /// [RFC 3022]: https://www.rfc-editor.org/rfc/rfc3022
    pub fn masquerade(mut self, interface: impl IntoValue<IfName>) -> Self {
        if let Some(output) = self.errors.take(interface) {
            let matches = Match { output: Some(output), ..Match::default() };
            self.nat(Family::Ip, Hook::Postrouting, matches, Verdict::Masquerade);
        }
        self
    }

    /// Gives all packets from this network the address of the interface they leave by, whichever that is.
    pub fn masquerade_from(mut self, source: impl IntoNetwork) -> Self {
        if let Some(from) = self.errors.keep(network(source)) {
            let matches = Match { from: Some(from), ..Match::default() };
            self.nat(family(from.is_ipv6()), Hook::Postrouting, matches, Verdict::Masquerade);
        }
        self
    }

    /// Gives packets that leave this source address.
    ///
    /// ```
    /// # use netns_test_topology::{Match, Topology};
    /// # let topology = Topology::builder()
    /// #     .node("a", |n| n.interface("eth0", "10.0.0.2/24"))
    /// .node("gateway", |n| {
    ///     n.interface("lan", "10.0.0.1/24").forward().snat(Match::any().from("10.0.0.0/24"), "10.0.0.1")
    /// })
    /// # .link("a.eth0", "gateway.lan").build()?;
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    pub fn snat(mut self, matches: impl Into<MatchBuilder>, to: impl IntoValue<IpAddr>) -> Self {
        let (matches, errors) = matches.into().into_parts();
        self.errors.absorb(errors);
        if let Some(to) = self.errors.take(to) {
            self.nat(family(to.is_ipv6()), Hook::Postrouting, matches, Verdict::Snat { to, ports: None });
        }
        self
    }

    /// Gives packets that come in this destination: an address, or address and port (`"10.0.0.2:8080"`).
    pub fn dnat(mut self, matches: impl Into<MatchBuilder>, to: impl AsRef<str>) -> Self {
        let (matches, errors) = matches.into().into_parts();
        self.errors.absorb(errors);
        if let Some((to, port)) = self.errors.keep(destination(to.as_ref())) {
            self.nat(family(to.is_ipv6()), Hook::Prerouting, matches, Verdict::Dnat { to, port });
        }
        self
    }

    /// Forwards a TCP port of an interface: `forward_tcp("wan", 8080, "10.0.0.2:80")`.
    pub fn forward_tcp(self, interface: impl IntoValue<IfName>, port: u16, to: impl AsRef<str>) -> Self {
        self.forward_port(Protocol::Tcp, interface, port, to)
    }

    /// Forwards a UDP port of an interface: `forward_udp("wan", 53, "10.0.0.2:53")`.
    pub fn forward_udp(self, interface: impl IntoValue<IfName>, port: u16, to: impl AsRef<str>) -> Self {
        self.forward_port(Protocol::Udp, interface, port, to)
    }

    /// Says what happens to packets at a hook that no rule decides, for IPv4 and IPv6.
    pub fn policy(self, hook: Hook, policy: Policy) -> Self {
        self.firewall(hook, |chain| chain.policy(policy))
    }

    /// Adds rules at a hook, for IPv4 and IPv6.
    ///
    /// ```
    /// # use netns_test_topology::{ConnState, Hook, Match, Policy, Topology};
    /// let topology = Topology::builder().node("server", |n| {
    ///     n.firewall(Hook::Input, |chain| {
    ///         chain
    ///             .policy(Policy::Drop)
    ///             .accept(Match::any().state(ConnState::Established))
    ///             .accept(Match::tcp(443).from("10.0.0.0/8"))
    ///             .rule(Match::udp(53).drop().counter("dns").comment("no DNS here"))
    ///     })
    /// });
    /// # topology.build()?;
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    pub fn firewall(self, hook: Hook, build: impl FnOnce(ChainBuilder) -> ChainBuilder) -> Self {
        self.chain(Family::Inet, ChainKind::Filter, hook, build)
    }

    /// Adds rules for the frames that the node's bridges forward.
    pub fn bridge_firewall(self, hook: Hook, build: impl FnOnce(ChainBuilder) -> ChainBuilder) -> Self {
        self.chain(Family::Bridge, ChainKind::Filter, hook, build)
    }

    /// Adds rules to a chain of any family and kind; said twice for the same chain, to the same.
    pub fn chain(
        mut self,
        family: Family,
        kind: ChainKind,
        hook: Hook,
        build: impl FnOnce(ChainBuilder) -> ChainBuilder,
    ) -> Self {
        let (priority, policy) = (Priority::usual(family, hook, kind), Policy::Accept);
        let chain = Chain { family, hook, kind, priority, policy, rules: Vec::new() };
        let errors = Errors::at(format!("{family} {kind} chain at {hook}"));
        let mut built = build(ChainBuilder { chain, has_policy: false, errors });
        if !built.has_policy {
            let same = self.find_chain(family, kind, hook, built.chain.priority);
            built.chain.policy = same.map_or(Policy::Accept, |chain| chain.policy);
        }
        self.add_chain(built.chain);
        self.errors.absorb(built.errors);
        self
    }

    /// Declares a counter that stays even when no rule adds to it.
    pub fn counter(mut self, name: impl Into<String>) -> Self {
        self.node.counters.push(name.into());
        self
    }

    /// Adds a name server that programs on the node ask ([resolv.conf(5)]); the first is asked first.
    ///
    /// ```
    /// # use netns_test_topology::Topology;
    /// let topology = Topology::builder()
    ///     .node("client", |n| n.interface("eth0", "10.0.0.1/24").nameserver("10.0.0.53"))
    ///     .node("dns", |n| n.interface("eth0", "10.0.0.53/24"))
    ///     .link("client.eth0", "dns.eth0")
    ///     .build()?;
    /// assert_eq!(topology.node("client").unwrap().nameservers.len(), 1);
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    ///
    /// [resolv.conf(5)]: https://man7.org/linux/man-pages/man5/resolv.conf.5.html
    pub fn nameserver(mut self, address: impl IntoValue<IpAddr>) -> Self {
        let address = self.errors.take(address);
        self.node.nameservers.extend(address);
        self
    }

    /// Gives this node a profile of its own.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.node.profile = Some(profile);
        self
    }

    /// Switches one departure from the kernel's defaults on, whatever the profile says.
    pub fn with(mut self, departure: Departure) -> Self {
        self.node.departures.insert(departure, true);
        self
    }

    /// Switches one departure from the kernel's defaults off, whatever the profile says.
    pub fn without(mut self, departure: Departure) -> Self {
        self.node.departures.insert(departure, false);
        self
    }

    fn add_interface(mut self, built: InterfaceBuilder) -> Self {
        self.node.interfaces.push(built.interface);
        self.errors.absorb(built.errors);
        self
    }

    fn forward_port(
        self,
        protocol: Protocol,
        interface: impl IntoValue<IfName>,
        port: u16,
        to: impl AsRef<str>,
    ) -> Self {
        let matches = Match { protocol: Some(protocol), port: Some(PortRange::from(port)), ..Match::default() };
        let matches: MatchBuilder = matches.into();
        self.dnat(matches.input(interface), to)
    }

    fn nat(&mut self, family: Family, hook: Hook, matches: Match, verdict: Verdict) {
        let kind = ChainKind::Nat;
        let rules = vec![FirewallRule::new(matches, verdict)];
        let priority = Priority::usual(family, hook, kind);
        let policy = self.find_chain(family, kind, hook, priority).map_or(Policy::Accept, |chain| chain.policy);
        self.add_chain(Chain { family, hook, kind, priority, policy, rules });
    }

    fn find_chain(&self, family: Family, kind: ChainKind, hook: Hook, priority: Priority) -> Option<&Chain> {
        let key = (family, kind, hook, priority);
        self.node.chains.iter().find(|c| (c.family, c.kind, c.hook, c.priority) == key)
    }

    fn add_chain(&mut self, chain: Chain) {
        let key = |c: &Chain| (c.family, c.kind, c.hook, c.priority);
        match self.node.chains.iter_mut().find(|c| key(c) == key(&chain)) {
            Some(same) => {
                same.policy = chain.policy;
                same.rules.extend(chain.rules);
            }
            None => self.node.chains.push(chain),
        }
    }
}

fn family(v6: bool) -> Family {
    if v6 { Family::Ip6 } else { Family::Ip }
}

pub(crate) fn destination(text: &str) -> Result<(IpAddr, Option<u16>), InvalidValue> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok((address, None));
    }
    let socket: SocketAddr = text.parse().map_err(|_| {
        InvalidValue::new(format!("`{text}` is neither an address nor one with a port"))
            .help("write `10.0.0.2`, `10.0.0.2:80` or `[fd00::2]:80`")
    })?;
    Ok((socket.ip(), Some(socket.port())))
}
