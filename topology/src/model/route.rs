use std::net::IpAddr;

use super::{Cidr, IfName};

/// A route beyond those that the kernel adds with each address ([ip-route(8)]).
///
/// [ip-route(8)]: https://man7.org/linux/man-pages/man8/ip-route.8.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where it leads: a network with host bits zero; `0.0.0.0/0` and `::/0` are the default routes.
    pub to: Cidr,
    /// What happens to a packet that it matches.
    pub kind: RouteKind,
    /// The preference among routes to the same network, lower first. The kernel's default is 0 for IPv4, 1024 for IPv6.
    pub metric: Option<u32>,
    /// The routing table; the main one (254) if `None`.
    pub table: Option<u32>,
    /// The source address that the node prefers for packets of its own.
    pub source: Option<IpAddr>,
    /// The path MTU to assume, in bytes.
    pub mtu: Option<u32>,
}

/// What a route does with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteKind {
    /// Sends it on; more than one hop is a multipath route.
    Unicast(Vec<NextHop>),
    /// Discards it in silence; the node's own sends fail with `EINVAL`.
    Blackhole,
    /// Discards it and answers ICMP host unreachable; the node's own sends fail with `EHOSTUNREACH`.
    Unreachable,
    /// Discards it and answers ICMP administratively prohibited; the node's own sends fail with `EACCES`.
    Prohibit,
}

/// The next hop of a route: a gateway, an interface, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    /// The gateway's address; `None` for what is directly on the link.
    pub via: Option<IpAddr>,
    /// The interface; found by the gateway's address if `None`.
    pub dev: Option<IfName>,
    /// Takes the gateway to be on the link although no address of the interface says so.
    pub onlink: bool,
    /// The share among the hops of a multipath route, 1 to 256.
    pub weight: u16,
}

/// A policy routing rule: which table decides ([ip-rule(8)]).
///
/// [ip-rule(8)]: https://man7.org/linux/man-pages/man8/ip-rule.8.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// IPv6 instead of IPv4, where no address tells the family.
    pub v6: bool,
    /// The order among rules, lower first; the kernel chooses one below the last if `None`.
    pub priority: Option<u32>,
    /// Matches packets from this network.
    pub from: Option<Cidr>,
    /// Matches packets to this network.
    pub to: Option<Cidr>,
    /// Matches packets that came in by this interface.
    pub input: Option<IfName>,
    /// Matches packets of sockets bound to this interface.
    pub output: Option<IfName>,
    /// Matches packets with this firewall mark.
    pub mark: Option<u32>,
    /// What it does.
    pub action: RuleAction,
}

/// What a policy routing rule does with a packet that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleAction {
    /// Looks the destination up in this table.
    Lookup(u32),
    /// Discards it in silence.
    Blackhole,
    /// Discards it and answers ICMP network unreachable.
    Unreachable,
    /// Discards it and answers ICMP administratively prohibited.
    Prohibit,
}

impl Route {
    /// A route over one next hop.
    pub fn new(to: Cidr, hop: NextHop) -> Self {
        Self::of_kind(to, RouteKind::Unicast(vec![hop]))
    }

    /// The default route of the gateway's family.
    pub fn default_via(gateway: impl Into<IpAddr>) -> Self {
        let gateway = gateway.into();
        Self::new(Cidr::any(gateway.is_ipv6()), NextHop::via(gateway))
    }

    /// A route over several next hops, shared by weight.
    pub fn multipath(to: Cidr, hops: impl IntoIterator<Item = NextHop>) -> Self {
        Self::of_kind(to, RouteKind::Unicast(hops.into_iter().collect()))
    }

    /// A route that discards in silence.
    pub fn blackhole(to: Cidr) -> Self {
        Self::of_kind(to, RouteKind::Blackhole)
    }

    /// A route that answers host unreachable.
    pub fn unreachable(to: Cidr) -> Self {
        Self::of_kind(to, RouteKind::Unreachable)
    }

    /// A route that answers administratively prohibited.
    pub fn prohibit(to: Cidr) -> Self {
        Self::of_kind(to, RouteKind::Prohibit)
    }

    fn of_kind(to: Cidr, kind: RouteKind) -> Self {
        Self { to, kind, metric: None, table: None, source: None, mtu: None }
    }
}

impl NextHop {
    /// A gateway.
    pub fn via(gateway: impl Into<IpAddr>) -> Self {
        Self { via: Some(gateway.into()), ..Self::default() }
    }

    /// What is directly on the link of an interface.
    pub fn dev(interface: IfName) -> Self {
        Self { dev: Some(interface), ..Self::default() }
    }
}

impl Default for NextHop {
    fn default() -> Self {
        Self { via: None, dev: None, onlink: false, weight: 1 }
    }
}

impl Rule {
    /// A rule for every IPv4 packet.
    pub fn new(action: RuleAction) -> Self {
        Self { v6: false, priority: None, from: None, to: None, input: None, output: None, mark: None, action }
    }
}
