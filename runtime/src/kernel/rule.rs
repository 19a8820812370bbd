//! Policy routing rules ([rtnetlink(7)], RTM_*RULE).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use netns_test_topology::{Cidr, IfName, Rule, RuleAction};
use nix::errno::Errno;
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_EXCL, Nla},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        rule::{RuleAction as RawAction, RuleAttribute, RuleFlags, RuleMessage},
    },
};

use super::{
    KernelError,
    rtnl::{DUMP, Request, Rtnl},
};

/// Every rule of the namespace; the kernel's own three (priorities 0, 32766, 32767) among them.
pub(crate) fn all(rtnl: &Rtnl) -> Result<Vec<Rule>, KernelError> {
    let mut rules = Vec::new();
    for (family, v6) in [(AddressFamily::Inet, false), (AddressFamily::Inet6, true)] {
        let mut message = RuleMessage::default();
        message.header.family = family;
        let request = Request {
            message: RouteNetlinkMessage::GetRule(message),
            flags: DUMP,
            operation: "list",
            object: "rules".into(),
        };
        for message in rtnl.get(request)? {
            if let RouteNetlinkMessage::NewRule(message) = message {
                rules.push(parse(&message, v6)?);
            }
        }
    }
    Ok(rules)
}

/// Adds a rule.
pub(crate) fn add(rule: &Rule, object: impl Into<String>) -> Request {
    Request {
        message: RouteNetlinkMessage::NewRule(message(rule)),
        flags: NLM_F_CREATE | NLM_F_EXCL,
        operation: "add rule",
        object: object.into(),
    }
}

/// Removes the first rule that is like this one.
pub(crate) fn delete(rule: &Rule, object: impl Into<String>) -> Request {
    Request {
        message: RouteNetlinkMessage::DelRule(message(rule)),
        flags: 0,
        operation: "remove rule",
        object: object.into(),
    }
}

fn message(rule: &Rule) -> RuleMessage {
    let mut message = RuleMessage::default();
    let v6 = rule.v6 || [rule.from, rule.to].into_iter().flatten().any(|cidr| cidr.is_ipv6());
    message.header.family = if v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let attributes = &mut message.attributes;
    if let Some(from) = rule.from {
        message.header.src_len = from.prefix();
        attributes.push(RuleAttribute::Source(from.addr()));
    }
    if let Some(to) = rule.to {
        message.header.dst_len = to.prefix();
        attributes.push(RuleAttribute::Destination(to.addr()));
    }
    attributes.extend(rule.priority.map(RuleAttribute::Priority));
    attributes.extend(rule.input.as_ref().map(|name| RuleAttribute::Iifname(name.to_string())));
    attributes.extend(rule.output.as_ref().map(|name| RuleAttribute::Oifname(name.to_string())));
    attributes.extend(rule.mark.map(RuleAttribute::FwMark));
    message.header.action = match rule.action {
        RuleAction::Lookup(table) => {
            attributes.push(RuleAttribute::Table(table));
            RawAction::ToTable
        }
        RuleAction::Blackhole => RawAction::Blackhole,
        RuleAction::Unreachable => RawAction::Unreachable,
        RuleAction::Prohibit => RawAction::Prohibit,
    };
    message
}

/// Aligns what follows (`linux/fib_rules.h`).
const FRA_PAD: u16 = 18;

fn parse(message: &RuleMessage, v6: bool) -> Result<Rule, KernelError> {
    let mut table = u32::from(message.header.table);
    let mut rule = Rule {
        v6,
        priority: Some(0),
        from: None,
        to: None,
        input: None,
        output: None,
        mark: None,
        action: RuleAction::Blackhole,
    };
    let mut beyond = Vec::new();
    if message.header.flags.contains(RuleFlags::Invert) {
        beyond.push("not".to_owned());
    }
    if message.header.tos != 0 {
        beyond.push("tos".to_owned());
    }
    for attribute in &message.attributes {
        match attribute {
            RuleAttribute::Source(addr) => rule.from = Cidr::new(*addr, message.header.src_len).ok(),
            RuleAttribute::Destination(addr) => rule.to = Cidr::new(*addr, message.header.dst_len).ok(),
            RuleAttribute::Priority(priority) => rule.priority = Some(*priority),
            RuleAttribute::Iifname(name) => match IfName::new(name.clone()) {
                Ok(name) => rule.input = Some(name),
                Err(_) => beyond.push(format!("iif {name}")),
            },
            RuleAttribute::Oifname(name) => match IfName::new(name.clone()) {
                Ok(name) => rule.output = Some(name),
                Err(_) => beyond.push(format!("oif {name}")),
            },
            RuleAttribute::FwMark(mark) => rule.mark = Some(*mark),
            RuleAttribute::Table(id) => table = *id,
            // Who made it, and the words for "not given".
            RuleAttribute::Protocol(_)
            | RuleAttribute::SuppressPrefixLen(u32::MAX)
            | RuleAttribute::SuppressIfGroup(u32::MAX) => {}
            // Of a mark that is compared whole; none would be compared with the mark 0.
            RuleAttribute::FwMask(u32::MAX) if rule.mark.is_some() => {}
            // Named with the action.
            RuleAttribute::Goto(_) => {}
            RuleAttribute::Other(pad) if pad.kind() == FRA_PAD => {}
            RuleAttribute::FwMask(_) => beyond.push("fwmark with a mask".to_owned()),
            RuleAttribute::SuppressPrefixLen(_) => beyond.push("suppress_prefixlength".to_owned()),
            RuleAttribute::SuppressIfGroup(_) => beyond.push("suppress_ifgroup".to_owned()),
            RuleAttribute::IpProtocol(_) => beyond.push("ipproto".to_owned()),
            RuleAttribute::SourcePortRange(_) => beyond.push("sport".to_owned()),
            RuleAttribute::DestinationPortRange(_) => beyond.push("dport".to_owned()),
            RuleAttribute::UidRange(_) => beyond.push("uidrange".to_owned()),
            RuleAttribute::L3MDev(_) => beyond.push("l3mdev".to_owned()),
            RuleAttribute::TunId(_) => beyond.push("tun_id".to_owned()),
            RuleAttribute::Realm(_) => beyond.push("realms".to_owned()),
            other => beyond.push(format!("attribute {}", other.kind())),
        }
    }
    rule.action = match message.header.action {
        RawAction::ToTable => RuleAction::Lookup(table),
        RawAction::Blackhole => RuleAction::Blackhole,
        RawAction::Unreachable => RuleAction::Unreachable,
        RawAction::Prohibit => RuleAction::Prohibit,
        action => {
            beyond.push(format!("{action:?}").to_lowercase());
            rule.action
        }
    };
    let Some(first) = beyond.first() else { return Ok(rule) };
    let family = if v6 { "IPv6" } else { "IPv4" };
    let priority = rule.priority.unwrap_or_default();
    Err(KernelError::new("list", "rules", Errno::EOPNOTSUPP)
        .because(format!("the {family} rule of priority {priority} has `{first}`, which a `Rule` cannot hold"))
        .help("list it with `ip rule` and `ip -6 rule`, or remove it"))
}
