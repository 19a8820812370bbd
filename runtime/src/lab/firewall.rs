//! Firewall and NAT of a node, changed while it lives.

use std::{fmt, net::IpAddr};

use netns_test_topology::{
    Family, FirewallRule, Hook, Match, Policy, PortRange, Protocol, Verdict,
    build::{IntoValue, MatchBuilder, RuleBuilder},
};

use super::{Error, Node, checked};
use crate::{
    kernel::{ChainInfo, ConntrackEntry, Count, RuleInfo, nft::RuleId},
    probe::{Protocol as ProbeProtocol, Traffic},
};

/// A rule that was added to a node; it stays until [`RuleHandle::remove`], or until the network ends.
#[derive(Debug, Clone)]
pub struct RuleHandle {
    node: Node,
    /// One, or one for each IP version.
    rules: Vec<RuleId>,
}

impl RuleHandle {
    /// How many packets it took so far.
    ///
    /// # Errors
    ///
    /// If it was removed, or the node is gone.
    pub fn packets(&self) -> Result<u64, Error> {
        Ok(self.count()?.packets)
    }

    /// How many packets, and how many bytes, it took so far.
    ///
    /// # Errors
    ///
    /// If it was removed, or the node is gone.
    pub fn count(&self) -> Result<Count, Error> {
        let live = self.node.live()?;
        let mut sum = Count::default();
        for rule in &self.rules {
            let info = self.node.words(live.nft().and_then(|nft| nft.rule(rule)))?;
            let count = info.count.expect("every rule made here has a counter");
            sum.packets += count.packets;
            sum.bytes += count.bytes;
        }
        Ok(sum)
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// If it was removed before, or the node is gone.
    pub fn remove(self) -> Result<(), Error> {
        let live = self.node.live()?;
        self.rules.iter().try_for_each(|rule| self.node.words(live.nft().and_then(|nft| nft.remove_rule(rule))))
    }
}

impl fmt::Display for RuleHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<_> = self.rules.iter().map(RuleId::words).collect();
        f.pad(&rules.join("; "))
    }
}

impl Node {
    /// Appends a rule to the chain at a hook; a chain that is missing is made, with policy accept.
    ///
    /// The name of an interface that it matches is not looked up: an interface may get that name later.
    ///
    /// # Errors
    ///
    /// [`Error::Topology`] if no packet can match, as for the outgoing interface at input. If the kernel refuses, as for
    /// a verdict that the hook does not know.
    pub fn add_firewall_rule(
        &self,
        family: Family,
        hook: Hook,
        rule: impl Into<RuleBuilder>,
    ) -> Result<RuleHandle, Error> {
        let rule = rule.into().build()?;
        checked::rule(self.name(), family, hook, &rule)?;
        let live = self.live()?;
        let rule = self.words(live.nft().and_then(|nft| nft.add_rule(family, hook, &rule)))?;
        Ok(RuleHandle { node: self.clone(), rules: vec![rule] })
    }

    /// Puts a rule before all others of the chain at a hook; a chain that is missing is made, with policy accept.
    ///
    /// # Errors
    ///
    /// As [`Node::add_firewall_rule`].
    pub fn insert_firewall_rule(
        &self,
        family: Family,
        hook: Hook,
        rule: impl Into<RuleBuilder>,
    ) -> Result<RuleHandle, Error> {
        let rule = rule.into().build()?;
        checked::rule(self.name(), family, hook, &rule)?;
        let live = self.live()?;
        let rule = self.words(live.nft().and_then(|nft| nft.insert_rule(family, hook, &rule)))?;
        Ok(RuleHandle { node: self.clone(), rules: vec![rule] })
    }

    /// Drops such packets in silence where this node would forward them, before any other rule.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn drop_forwarded(&self, traffic: Traffic) -> Result<RuleHandle, Error> {
        let mut handle = RuleHandle { node: self.clone(), rules: Vec::new() };
        for matches in matching(&traffic)? {
            let rule = FirewallRule::new(matches, Verdict::Drop);
            handle.rules.extend(self.insert_firewall_rule(Family::Inet, Hook::Forward, rule)?.rules);
        }
        Ok(handle)
    }

    /// Sets what happens to packets that no rule at a hook decides, as `iptables --policy`.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn set_policy(&self, family: Family, hook: Hook, policy: Policy) -> Result<(), Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.set_policy(family, hook, policy)))
    }

    /// What the policy of the chain at a hook decided so far.
    ///
    /// A chain that a topology declares is of [`Family::Inet`] unless it says another.
    ///
    /// # Errors
    ///
    /// `ENOENT` if there is no such chain; it names those that there are at this hook.
    pub fn policy_counter(&self, family: Family, hook: Hook) -> Result<Count, Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.policy_counter(family, hook)))
    }

    /// What a named counter counted so far.
    ///
    /// # Errors
    ///
    /// `ENOENT` if there is none of that name.
    pub fn counter(&self, name: &str) -> Result<Count, Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.counter(name)))
    }

    /// Sets a named counter back to zero, and returns what it had counted.
    ///
    /// # Errors
    ///
    /// `ENOENT` if there is none of that name.
    pub fn reset_counter(&self, name: &str) -> Result<Count, Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.reset_counter(name)))
    }

    /// Gives what leaves by an interface the address of that interface ([RFC 3022]), as
    /// `iptables -t nat -A POSTROUTING -o … -j MASQUERADE`.
    ///
    /// This is for IPv4 and IPv6, where a `masquerade` that a topology declares is for IPv4 alone. The name is not looked up: an
    /// interface may get it later.
    ///
    /// # Errors
    ///
    /// If the name is no interface name, or the kernel refuses.
    ///
    /// [RFC 3022]: https://www.rfc-editor.org/rfc/rfc3022
    pub fn masquerade(&self, interface: &str) -> Result<RuleHandle, Error> {
        let matches = Match { output: Some(interface.parse()?), ..Match::default() };
        self.translate(matches, Verdict::Masquerade)
    }

    /// Gives packets that match, IPv4 and IPv6, the address of the interface by which they leave, whichever that is.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn masquerade_matching(&self, matches: impl Into<MatchBuilder>) -> Result<RuleHandle, Error> {
        self.translate(matches.into().build()?, Verdict::Masquerade)
    }

    /// Gives packets that match another source address, as `iptables -t nat -A POSTROUTING … -j SNAT`.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn snat(&self, matches: impl Into<MatchBuilder>, to: impl IntoValue<IpAddr>) -> Result<RuleHandle, Error> {
        self.translate(matches.into().build()?, Verdict::Snat { to: to.into_value()?, ports: None })
    }

    /// Gives packets that come in and match another destination, as `iptables -t nat -A PREROUTING … -j DNAT`.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn dnat(
        &self,
        matches: impl Into<MatchBuilder>,
        to: impl IntoValue<IpAddr>,
        port: Option<u16>,
    ) -> Result<RuleHandle, Error> {
        let (matches, to) = (matches.into().build()?, to.into_value()?);
        self.add_firewall_rule(Family::Inet, Hook::Prerouting, FirewallRule::new(matches, Verdict::Dnat { to, port }))
    }

    /// Its firewall chains, also those that programs made with nftables or iptables-nft.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn firewall_chains(&self) -> Result<Vec<ChainInfo>, Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.chains()))
    }

    /// Its firewall rules, also those that programs made with nftables or iptables-nft.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn firewall_rules(&self) -> Result<Vec<RuleInfo>, Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.rules()))
    }

    /// Whether it has no nftables table at all.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn has_no_firewall(&self) -> Result<bool, Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.is_empty()))
    }

    /// Removes every chain, rule and counter that was made through this library.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn clear_firewall(&self) -> Result<(), Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.clear()))
    }

    /// The connections that it tracks, as `conntrack -L`.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn connections(&self) -> Result<Vec<ConntrackEntry>, Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.connections()))
    }

    /// Whether a rule of nftables or iptables-nft has switched connection tracking on; without one, no packet is
    /// tracked.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn tracks_connections(&self) -> Result<bool, Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.tracks_connections()))
    }

    /// Forgets every tracked connection, as `conntrack -F`.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn flush_connections(&self) -> Result<(), Error> {
        let live = self.live()?;
        self.words(live.nft().and_then(|nft| nft.flush_connections()))
    }

    fn translate(&self, matches: Match, verdict: Verdict) -> Result<RuleHandle, Error> {
        self.add_firewall_rule(Family::Inet, Hook::Postrouting, FirewallRule::new(matches, verdict))
    }
}

/// The firewall's words for a description of traffic: one match, or one for each IP version where they differ.
fn matching(traffic: &Traffic) -> Result<Vec<Match>, Error> {
    let protocols = match traffic.protocol() {
        _ if traffic.is_partial() => return Err(Error::NotForwarded { traffic: traffic.to_string() }),
        ProbeProtocol::Tcp => vec![Some(Protocol::Tcp)],
        ProbeProtocol::Udp => vec![Some(Protocol::Udp)],
        ProbeProtocol::Any => vec![None],
        ProbeProtocol::Icmp => match traffic.source().or(traffic.destination()) {
            Some(network) if network.is_ipv6() => vec![Some(Protocol::Icmpv6)],
            Some(_) => vec![Some(Protocol::Icmp)],
            None => vec![Some(Protocol::Icmp), Some(Protocol::Icmpv6)],
        },
        ProbeProtocol::Arp | ProbeProtocol::Ndp => return Err(Error::NotForwarded { traffic: traffic.to_string() }),
    };
    let one = |protocol| Match {
        protocol,
        port: traffic.port().map(PortRange::from),
        source_port: traffic.port_of_source().map(PortRange::from),
        from: traffic.source(),
        to: traffic.destination(),
        ..Match::default()
    };
    Ok(protocols.into_iter().map(one).collect())
}
