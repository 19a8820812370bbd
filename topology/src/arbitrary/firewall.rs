//! Firewall and NAT.

use std::net::IpAddr;

use proptest::{collection::vec, option::weighted, prelude::*};

use super::{address, recipe::COUNTERS, route::pick};
use crate::{
    Chain, ChainKind, Cidr, ConnState, Family, FirewallRule, Hook, IfName, Match, Node, Nth, Policy, PortRange,
    Priority, Protocol, Reject, Verdict,
};

/// A chain of a node whose interfaces are not known yet.
#[derive(Debug, Clone)]
pub(super) struct ChainRecipe {
    family: Family,
    kind: ChainKind,
    hook: Hook,
    priority: Option<i32>,
    policy: Policy,
    rules: Vec<RuleRecipe>,
}

#[derive(Debug, Clone)]
struct RuleRecipe {
    source: Network,
    destination: Network,
    input: Option<(bool, u8)>,
    output: Option<(bool, u8)>,
    protocol: Option<Protocol>,
    ports: [Option<PortRange>; 2],
    states: Vec<ConnState>,
    ethertype: Option<u16>,
    nth: Option<Nth>,
    verdict: Option<Verdict>,
    counter: Option<&'static str>,
    comment: Option<String>,
}

/// A network that is to match, or not to.
#[derive(Debug, Clone)]
struct Network {
    is: Option<Cidr>,
    is_not: Option<Cidr>,
}

prop_compose! {
    pub(super) fn chain()(
        family in prop::sample::select(vec![Family::Inet, Family::Ip, Family::Ip6, Family::Bridge]),
        kind in prop_oneof![2 => Just(ChainKind::Filter), 1 => Just(ChainKind::Nat)],
        hook in prop::sample::select(vec![
            Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting,
        ]),
        priority in weighted(0.3, -400..400i32),
        policy in prop_oneof![Just(Policy::Accept), Just(Policy::Drop)],
        rules in vec(rule(), 0..5),
    ) -> ChainRecipe {
        ChainRecipe { family, kind, hook, priority, policy, rules }
    }
}

prop_compose! {
    fn rule()(
        source in network(),
        destination in network(),
        input in weighted(0.2, any::<(bool, u8)>()),
        output in weighted(0.2, any::<(bool, u8)>()),
        protocol in weighted(0.5, protocol()),
        ports in [weighted(0.2, ports()), weighted(0.4, ports())],
        states in vec(
            prop::sample::select(vec![ConnState::New, ConnState::Established, ConnState::Related, ConnState::Invalid]),
            0..3,
        ),
        ethertype in weighted(0.1, prop_oneof![Just(0x0800), Just(0x0806), Just(0x86dd), any::<u16>()]),
        nth in weighted(0.1, nth()),
        verdict in weighted(0.9, verdict()),
        counter in weighted(0.2, prop::sample::select(COUNTERS.as_slice())),
        comment in weighted(0.2, "[ !#-~é]{1,20}"),
    ) -> RuleRecipe {
        RuleRecipe {
            source, destination, input, output, protocol, ports, states, ethertype, nth, verdict, counter,
            comment,
        }
    }
}

prop_compose! {
    fn network()(
        is in weighted(0.3, address::anywhere()),
        is_not in weighted(0.1, address::anywhere()),
    ) -> Network {
        Network { is, is_not }
    }
}

fn protocol() -> impl Strategy<Value = Protocol> {
    let usual = vec![Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Icmpv6];
    prop_oneof![6 => prop::sample::select(usual), 1 => any::<u8>().prop_map(Protocol::Other)]
}

fn ports() -> impl Strategy<Value = PortRange> {
    let range = any::<(u16, u16)>().prop_map(|(a, b)| PortRange(a.min(b)..=a.max(b)));
    prop_oneof![any::<u16>().prop_map(PortRange::from), range]
}

fn nth() -> impl Strategy<Value = Nth> {
    (1..=4_u32, any::<u32>()).prop_map(|(every, packet)| {
        Nth::new(every, packet % every).expect("a remainder is less than what it was divided by")
    })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let rejects = vec![Reject::Port, Reject::Host, Reject::Network, Reject::AdminProhibited, Reject::TcpReset];
    let to = || address::anywhere().prop_map(|address| address.addr());
    prop_oneof![
        3 => Just(Verdict::Accept),
        3 => Just(Verdict::Drop),
        2 => prop::sample::select(rejects).prop_map(Verdict::Reject),
        2 => Just(Verdict::Masquerade),
        2 => (to(), weighted(0.4, ports())).prop_map(|(to, ports)| Verdict::Snat { to, ports }),
        2 => (to(), weighted(0.4, any::<u16>())).prop_map(|(to, port)| Verdict::Dnat { to, port }),
    ]
}

impl ChainRecipe {
    pub(super) fn assemble(self, node: &Node) -> Chain {
        let (family, mut kind, hook) = (self.family, self.kind, self.hook);
        if family == Family::Bridge || hook == Hook::Forward {
            kind = ChainKind::Filter;
        }
        let priority = self.priority.map_or(Priority::usual(family, hook, kind), Priority);
        let rules = self.rules.into_iter().map(|rule| rule.assemble(node, family, kind, hook)).collect();
        Chain { family, hook, kind, priority, policy: self.policy, rules }
    }
}

impl RuleRecipe {
    /// Leaves out what this place makes impossible, so that most rules stay.
    fn assemble(self, node: &Node, family: Family, kind: ChainKind, hook: Hook) -> FirewallRule {
        let verdict = self.verdict.filter(|verdict| possible(verdict, family, kind, hook));
        let translated = match &verdict {
            Some(Verdict::Snat { to, .. } | Verdict::Dnat { to, .. }) => Some(IpAddr::is_ipv6(to)),
            _ => None,
        };
        let v6 = match family {
            Family::Ip => Some(false),
            Family::Ip6 => Some(true),
            Family::Inet | Family::Bridge => translated.or(self.source.is.map(|network| network.is_ipv6())),
        };
        let of_family = |network: Option<Cidr>| network.filter(|n| v6.is_none_or(|v6| n.is_ipv6() == v6));
        let name = |at: Option<(bool, u8)>, wanted: bool| -> Option<IfName> {
            let (negated, at) = at?;
            (negated != wanted).then(|| pick(node, at).map(|interface| interface.name.clone()))?
        };
        let input = self.input.filter(|_| hook != Hook::Output);
        let output = self.output.filter(|_| !matches!(hook, Hook::Prerouting | Hook::Input));
        let sets_ports =
            matches!(verdict, Some(Verdict::Snat { ports: Some(_), .. } | Verdict::Dnat { port: Some(_), .. }));
        let resets = verdict == Some(Verdict::Reject(Reject::TcpReset));
        let protocol = if sets_ports || resets { Some(Protocol::Tcp) } else { self.protocol };
        let [source_port, port] = match protocol {
            Some(Protocol::Tcp | Protocol::Udp) => self.ports,
            _ => [None, None],
        };
        FirewallRule {
            matches: Match {
                from: of_family(self.source.is),
                not_from: of_family(self.source.is_not),
                to: of_family(self.destination.is),
                not_to: of_family(self.destination.is_not),
                input: name(input, true),
                not_input: name(input, false),
                output: name(output, true),
                not_output: name(output, false),
                protocol,
                source_port,
                port,
                // Needs a part of the kernel that is often left out (`nf_conntrack_bridge`).
                states: if family == Family::Bridge { Vec::new() } else { self.states },
                ethertype: self.ethertype.filter(|_| family == Family::Bridge),
                nth: self.nth,
            },
            verdict,
            counter: self.counter.map(str::to_owned),
            comment: self.comment,
        }
    }
}

fn possible(verdict: &Verdict, family: Family, kind: ChainKind, hook: Hook) -> bool {
    let nat_at = |hooks: [Hook; 2]| kind == ChainKind::Nat && hooks.contains(&hook);
    match verdict {
        Verdict::Accept | Verdict::Drop => true,
        // Needs a part of the kernel that is often left out (`nft_reject_bridge`).
        Verdict::Reject(_) if family == Family::Bridge => false,
        Verdict::Reject(_) => hook != Hook::Postrouting,
        Verdict::Masquerade => nat_at([Hook::Postrouting; 2]),
        Verdict::Snat { .. } => nat_at([Hook::Postrouting, Hook::Input]),
        Verdict::Dnat { .. } => nat_at([Hook::Prerouting, Hook::Output]),
    }
}
