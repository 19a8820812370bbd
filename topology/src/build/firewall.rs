//! Firewall rules, said fluently.

use super::{
    errors::Errors,
    value::{IntoNetwork, IntoValue, network},
};
use crate::{
    Chain, ConnState, FirewallRule, IfName, InvalidValue, Match, Nth, Policy, PortRange, Priority, Protocol, Reject,
    Verdict,
};

impl Match {
    /// Takes every packet.
    pub fn any() -> MatchBuilder {
        Match::default().into()
    }

    /// Takes TCP segments to this port, or these ports.
    ///
    /// ```
    /// use netns_test_topology::{ConnState, Match};
    ///
    /// let rule = Match::tcp(443).from("10.0.0.0/8").input("eth0").state(ConnState::New).accept().build()?;
    /// assert_eq!(rule.to_string(), r#"iifname "eth0" ip saddr 10.0.0.0/8 tcp dport 443 ct state new accept"#);
    /// # Ok::<(), netns_test_topology::InvalidValue>(())
    /// ```
    pub fn tcp(ports: impl Into<PortRange>) -> MatchBuilder {
        Match { protocol: Some(Protocol::Tcp), port: Some(ports.into()), ..Match::default() }.into()
    }

    /// Takes UDP datagrams to this port, or these ports.
    pub fn udp(ports: impl Into<PortRange>) -> MatchBuilder {
        Match { protocol: Some(Protocol::Udp), port: Some(ports.into()), ..Match::default() }.into()
    }

    /// Takes ICMP messages for IPv4.
    pub fn icmp() -> MatchBuilder {
        Self::protocol(Protocol::Icmp)
    }

    /// Takes ICMP messages for IPv6.
    pub fn icmpv6() -> MatchBuilder {
        Self::protocol(Protocol::Icmpv6)
    }

    /// Takes packets of this protocol.
    pub fn protocol(protocol: Protocol) -> MatchBuilder {
        Match { protocol: Some(protocol), ..Match::default() }.into()
    }
}

/// Builds a [`Match`]; what cannot be read is reported by whoever takes it.
#[derive(Debug, Clone)]
#[must_use]
pub struct MatchBuilder {
    matches: Match,
    errors: Errors,
}

impl From<Match> for MatchBuilder {
    fn from(matches: Match) -> Self {
        Self { matches, errors: Errors::default() }
    }
}

impl MatchBuilder {
    /// Takes packets from this network or address.
    pub fn from(mut self, source: impl IntoNetwork) -> Self {
        self.matches.from = self.errors.keep(network(source));
        self
    }

    /// Takes packets not from this network or address.
    pub fn not_from(mut self, source: impl IntoNetwork) -> Self {
        self.matches.not_from = self.errors.keep(network(source));
        self
    }

    /// Takes packets to this network or address.
    pub fn to(mut self, destination: impl IntoNetwork) -> Self {
        self.matches.to = self.errors.keep(network(destination));
        self
    }

    /// Takes packets not to this network or address.
    pub fn not_to(mut self, destination: impl IntoNetwork) -> Self {
        self.matches.not_to = self.errors.keep(network(destination));
        self
    }

    /// Takes packets that came in by this interface.
    pub fn input(mut self, interface: impl IntoValue<IfName>) -> Self {
        self.matches.input = self.errors.take(interface);
        self
    }

    /// Takes packets that did not come in by this interface.
    pub fn not_input(mut self, interface: impl IntoValue<IfName>) -> Self {
        self.matches.not_input = self.errors.take(interface);
        self
    }

    /// Takes packets that go out by this interface.
    pub fn output(mut self, interface: impl IntoValue<IfName>) -> Self {
        self.matches.output = self.errors.take(interface);
        self
    }

    /// Takes packets that do not go out by this interface.
    pub fn not_output(mut self, interface: impl IntoValue<IfName>) -> Self {
        self.matches.not_output = self.errors.take(interface);
        self
    }

    /// Takes packets from this port, or these ports.
    pub fn source_port(mut self, ports: impl Into<PortRange>) -> Self {
        self.matches.source_port = Some(ports.into());
        self
    }

    /// Takes packets to this port, or these ports.
    pub fn port(mut self, ports: impl Into<PortRange>) -> Self {
        self.matches.port = Some(ports.into());
        self
    }

    /// Takes packets whose connection is in this state; said twice, in either.
    pub fn state(mut self, state: ConnState) -> Self {
        self.matches.states.push(state);
        self
    }

    /// Takes frames of this EtherType, such as 0x0806 for ARP.
    pub fn ethertype(mut self, ethertype: u16) -> Self {
        self.matches.ethertype = Some(ethertype);
        self
    }

    /// Takes one of every so many of these packets.
    pub fn nth(mut self, nth: Nth) -> Self {
        self.matches.nth = Some(nth);
        self
    }

    /// Takes the first of every so many of these packets.
    pub fn every(mut self, count: u32) -> Self {
        self.matches.nth = self.errors.keep(Nth::new(count, 0));
        self
    }

    /// Lets these packets go on.
    pub fn accept(self) -> RuleBuilder {
        self.verdict(Verdict::Accept)
    }

    /// Discards these packets in silence.
    pub fn drop(self) -> RuleBuilder {
        self.verdict(Verdict::Drop)
    }

    /// Discards these packets and says so by ICMP port unreachable.
    pub fn reject(self) -> RuleBuilder {
        self.verdict(Verdict::Reject(Reject::default()))
    }

    /// Discards these packets and says so in this way.
    pub fn reject_with(self, reject: Reject) -> RuleBuilder {
        self.verdict(Verdict::Reject(reject))
    }

    /// Does this with these packets.
    pub fn verdict(self, verdict: Verdict) -> RuleBuilder {
        RuleBuilder { rule: FirewallRule::new(self.matches, verdict), errors: self.errors }
    }

    /// Counts these packets and lets the next rule decide.
    pub fn count(self, counter: impl Into<String>) -> RuleBuilder {
        let rule = FirewallRule { verdict: None, ..FirewallRule::new(self.matches, Verdict::Accept) };
        RuleBuilder { rule, errors: self.errors }.counter(counter)
    }

    /// The match.
    ///
    /// # Errors
    ///
    /// The first text that could not be read.
    pub fn build(self) -> Result<Match, InvalidValue> {
        match self.errors.into_found().into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(self.matches),
        }
    }

    pub(super) fn into_parts(self) -> (Match, Errors) {
        (self.matches, self.errors)
    }
}

/// Builds a [`FirewallRule`]; made by the verdicts of [`MatchBuilder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct RuleBuilder {
    rule: FirewallRule,
    errors: Errors,
}

impl From<FirewallRule> for RuleBuilder {
    fn from(rule: FirewallRule) -> Self {
        Self { rule, errors: Errors::default() }
    }
}

impl RuleBuilder {
    /// Adds to this counter of the node, which need not be declared.
    pub fn counter(mut self, name: impl Into<String>) -> Self {
        self.rule.counter = Some(name.into());
        self
    }

    /// Adds a remark that listings and reports show, up to 128 bytes.
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.rule.comment = Some(text.into());
        self
    }

    /// The rule.
    ///
    /// # Errors
    ///
    /// The first text that could not be read.
    pub fn build(self) -> Result<FirewallRule, InvalidValue> {
        match self.errors.into_found().into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(self.rule),
        }
    }
}

/// Builds a chain; see [`NodeBuilder::firewall`](super::NodeBuilder::firewall).
#[derive(Debug)]
#[must_use]
pub struct ChainBuilder {
    pub(super) chain: Chain,
    /// Whether a policy was said; without, a chain that is there already keeps its own.
    pub(super) has_policy: bool,
    pub(super) errors: Errors,
}

impl ChainBuilder {
    /// The chain as it is so far.
    pub fn as_chain(&self) -> &Chain {
        &self.chain
    }

    /// Says what happens to a packet that no rule decides; without, it goes on.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.chain.policy = policy;
        self.has_policy = true;
        self
    }

    /// Sets the order among chains at the same hook, lower first.
    pub fn priority(mut self, priority: i32) -> Self {
        self.chain.priority = Priority(priority);
        self
    }

    /// Adds a rule.
    pub fn rule(mut self, rule: impl Into<RuleBuilder>) -> Self {
        let rule = rule.into();
        self.chain.rules.push(rule.rule);
        self.errors.absorb(rule.errors);
        self
    }

    /// Adds a rule that lets these packets go on.
    pub fn accept(self, matches: impl Into<MatchBuilder>) -> Self {
        self.rule(matches.into().accept())
    }

    /// Adds a rule that discards these packets in silence.
    pub fn drop(self, matches: impl Into<MatchBuilder>) -> Self {
        self.rule(matches.into().drop())
    }

    /// Adds a rule that discards these packets and says so by ICMP port unreachable.
    pub fn reject(self, matches: impl Into<MatchBuilder>) -> Self {
        self.rule(matches.into().reject())
    }
}
