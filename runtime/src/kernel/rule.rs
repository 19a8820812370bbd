//! Policy routing rules ([rtnetlink(7)], RTM_*RULE).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use netns_test_topology::{Cidr, IfName, Rule, RuleAction};
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        rule::{RuleAction as RawAction, RuleAttribute, RuleMessage},
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
        rules.extend(rtnl.get(request)?.iter().filter_map(|message| parse(message, v6)));
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

fn parse(message: &RouteNetlinkMessage, v6: bool) -> Option<Rule> {
    let RouteNetlinkMessage::NewRule(message) = message else { return None };
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
    for attribute in &message.attributes {
        match attribute {
            RuleAttribute::Source(addr) => rule.from = Cidr::new(*addr, message.header.src_len).ok(),
            RuleAttribute::Destination(addr) => rule.to = Cidr::new(*addr, message.header.dst_len).ok(),
            RuleAttribute::Priority(priority) => rule.priority = Some(*priority),
            RuleAttribute::Iifname(name) => rule.input = IfName::new(name.clone()).ok(),
            RuleAttribute::Oifname(name) => rule.output = IfName::new(name.clone()).ok(),
            RuleAttribute::FwMark(mark) => rule.mark = Some(*mark),
            RuleAttribute::Table(id) => table = *id,
            _ => {}
        }
    }
    rule.action = match message.header.action {
        RawAction::ToTable => RuleAction::Lookup(table),
        RawAction::Blackhole => RuleAction::Blackhole,
        RawAction::Unreachable => RuleAction::Unreachable,
        RawAction::Prohibit => RuleAction::Prohibit,
        _ => return None,
    };
    Some(rule)
}
