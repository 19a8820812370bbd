//! The checker's word on what is added in mid-test: the kernel takes it, and it can never do anything.

use netns_test_topology::{
    Chain, ChainKind, Draft, Family, FdbEntry, FirewallRule, Hook, Interface, Kind, Node, NodeName, Policy, Priority,
    Verdict, check::Check,
};

use super::Error;

/// Finds a firewall rule that no packet can match.
pub(super) fn rule(node: &str, family: Family, hook: Hook, rule: &FirewallRule) -> Result<(), Error> {
    let kind = match rule.verdict {
        Some(Verdict::Masquerade | Verdict::Snat { .. } | Verdict::Dnat { .. }) => ChainKind::Nat,
        _ => ChainKind::Filter,
    };
    let priority = Priority::usual(family, hook, kind);
    let chain = Chain { family, hook, kind, priority, policy: Policy::Accept, rules: vec![rule.clone()] };
    let checks = [Check::NEVER_MATCHES, Check::MATCH_FAMILIES, Check::PORT_WITHOUT_PROTOCOL, Check::PORT_RANGE];
    check(node, &checks, |node| node.chains.push(chain))
}

/// Finds that an entry has a tunnel end and its interface, which is no VXLAN device, does not.
pub(super) fn fdb(node: &str, entry: &FdbEntry) -> Result<(), Error> {
    check(node, &[Check::FDB_DEVICE], |node| {
        node.interfaces.push(Interface::new(entry.dev.clone(), Kind::Veth));
        node.fdb.push(entry.clone());
    })
}

fn check(node: &str, checks: &[Check], add: impl FnOnce(&mut Node)) -> Result<(), Error> {
    let mut node = Node::new(NodeName::new(node)?);
    add(&mut node);
    let problems = Draft { nodes: vec![node], ..Draft::default() }.problems().of(checks);
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}
