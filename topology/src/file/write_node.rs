//! A node as a table of a file.

use std::{collections::HashSet, time::Duration};

use toml_writer::{ToTomlKey, ToTomlValue};

use super::write::{elements, is_setting, list};
use crate::{
    Chain, ChainKind, Family, FirewallRule, Hook, Interface, Kind, MacvlanMode, Match, Node, Policy, PortRange,
    Priority, Role, Sysctl, Verdict, Vxlan,
};

/// A key, as TOML, and its value, as TOML.
pub(super) type Line = (String, String);

/// The settings of a node; `said` are the interfaces whose MTU is a link's.
pub(super) fn node_lines(node: &Node, said: impl Fn(&str) -> bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut add = |key: &str, value: String| lines.push((key.to_owned(), value));
    if node.role == Role::Switch {
        add("role", "switch".to_toml_value());
    }
    if let Some(profile) = node.profile {
        add("profile", profile.to_string().to_toml_value());
    }
    for (key, on) in [("with", true), ("without", false)] {
        let departures: Vec<&str> =
            node.departures.iter().filter(|(_, is)| **is == on).map(|(d, _)| d.name()).collect();
        if !departures.is_empty() {
            add(key, list(&departures));
        }
    }
    for (key, value) in interface_lines(node, said) {
        add(&key, value);
    }
    match (node.forward_v4, node.forward_v6) {
        (true, true) => add("forward", "true".into()),
        (true, false) => add("forward_v4", "true".into()),
        (false, true) => add("forward_v6", "true".into()),
        (false, false) => {}
    }
    let texts = |values: &mut dyn Iterator<Item = String>| -> Vec<String> { values.collect() };
    for (key, values) in [
        ("route", texts(&mut node.routes.iter().map(ToString::to_string))),
        ("rule", texts(&mut node.rules.iter().map(ToString::to_string))),
        ("neighbour", texts(&mut node.neighbours.iter().map(ToString::to_string))),
        ("fdb", texts(&mut node.fdb.iter().map(ToString::to_string))),
        ("nameserver", texts(&mut node.nameservers.iter().map(ToString::to_string))),
    ] {
        if !values.is_empty() {
            add(key, list(&values));
        }
    }
    for (key, value) in sysctl_lines(&node.sysctls).into_iter().chain(chain_lines(&node.chains)) {
        add(&key, value);
    }
    if !node.counters.is_empty() {
        add("counter", list(&node.counters));
    }
    lines
}

fn interface_lines(node: &Node, said: impl Fn(&str) -> bool) -> Vec<Line> {
    let mut lines = Vec::new();
    // The ports that the list of a bridge says all about.
    let mut listed: HashSet<&str> = HashSet::new();
    for (i, interface) in node.interfaces.iter().enumerate() {
        if listed.contains(interface.name.as_str()) {
            continue;
        }
        let mut settings = Vec::new();
        let key = interface.name.as_str().to_toml_key();
        if let Kind::Bridge(_) = interface.kind {
            let new = node.interfaces[i + 1..].iter().take_while(|port| is_bare_port(port, interface, &said));
            let ports: Vec<&str> = new.map(|port| port.name.as_str()).collect();
            listed.extend(&ports);
            if !ports.is_empty() {
                settings.push(("ports".to_owned(), list(&ports)));
            }
            settings.extend(bridge_settings(interface));
            let value = match &settings[..] {
                [(key, ports)] if key == "ports" => ports.clone(),
                _ => inline(&settings),
            };
            lines.push((format!("bridge.{key}"), value));
            continue;
        }
        settings.extend(overlay_settings(interface));
        settings
            .extend(common_settings(interface).into_iter().filter(|(key, _)| key != "mtu" || !said(&interface.name)));
        if let Some(master) = &interface.master {
            settings.push(("master".into(), master.as_str().to_toml_value()));
        }
        let value = match &settings[..] {
            [] => "[]".to_owned(),
            [(key, addresses)] if key == "address" => addresses.clone(),
            _ => inline(&settings),
        };
        let table = match interface.kind {
            Kind::Vxlan(_) => Some("vxlan"),
            Kind::Macvlan(_) => Some("macvlan"),
            _ => is_setting(&interface.name).then_some("interface"),
        };
        let key = if let Some(table) = table { format!("{table}.{key}") } else { key };
        lines.push((key, value));
    }
    lines
}

/// Whether the list of the bridge's ports says everything about it.
fn is_bare_port(port: &Interface, bridge: &Interface, said: impl Fn(&str) -> bool) -> bool {
    let mtu = port.mtu.filter(|_| said(&port.name));
    let bare = Interface { mtu, ..Interface::new(port.name.clone(), Kind::Veth) };
    *port == Interface { master: Some(bridge.name.clone()), ..bare }
}

/// The settings of a bridge beside its ports.
pub(super) fn bridge_settings(bridge: &Interface) -> Vec<Line> {
    let mut settings = common_settings(bridge);
    let Kind::Bridge(options) = &bridge.kind else { return settings };
    for (key, time) in [("forward_delay", options.forward_delay), ("ageing", options.ageing)] {
        settings.extend(time.map(|time| (key.to_owned(), duration(time).to_toml_value())));
    }
    for (key, flag) in [
        ("stp", options.stp),
        ("multicast_snooping", options.multicast_snooping),
        ("nf_call_iptables", options.nf_call_iptables),
        ("nf_call_ip6tables", options.nf_call_ip6tables),
        ("nf_call_arptables", options.nf_call_arptables),
    ] {
        settings.extend(flag.map(|flag| (key.to_owned(), flag.to_string())));
    }
    settings
}

/// What a VXLAN device or a macvlan has beside what all interfaces have.
fn overlay_settings(interface: &Interface) -> Vec<Line> {
    let mut settings = Vec::new();
    let mut add = |key: &str, value: Option<String>| settings.extend(value.map(|value| (key.to_owned(), value)));
    let text = |value: &dyn ToString| value.to_string().to_toml_value();
    match &interface.kind {
        Kind::Vxlan(vxlan) => {
            let remote = if vxlan.remote.is_some_and(|remote| remote.is_multicast()) { "group" } else { "remote" };
            add("id", Some(vxlan.id.to_string()));
            add("local", vxlan.local.map(|address| text(&address)));
            add(remote, vxlan.remote.map(|address| text(&address)));
            add("dev", vxlan.dev.as_ref().map(|name| text(name)));
            add("port", (vxlan.port != Vxlan::PORT).then(|| vxlan.port.to_string()));
            add("learning", (!vxlan.learning).then(|| "false".to_owned()));
            for (key, on) in [("proxy", vxlan.proxy), ("l2miss", vxlan.l2miss), ("l3miss", vxlan.l3miss)] {
                add(key, on.then(|| "true".to_owned()));
            }
            add("ageing", vxlan.ageing.map(|time| duration(time).to_toml_value()));
            add("underlay", vxlan.underlay.as_ref().map(|name| text(name)));
        }
        Kind::Macvlan(macvlan) => {
            add("parent", Some(text(&macvlan.parent)));
            add("parent_node", macvlan.parent_node.as_ref().map(|name| text(name)));
            add("mode", (macvlan.mode != MacvlanMode::default()).then(|| text(&macvlan.mode)));
        }
        _ => {}
    }
    settings
}

fn common_settings(interface: &Interface) -> Vec<Line> {
    let mut settings = Vec::new();
    let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
    match &addresses[..] {
        [] => {}
        [only] => settings.push(("address".to_owned(), only.as_str().to_toml_value())),
        several => settings.push(("address".to_owned(), list(several))),
    }
    settings.extend(interface.mac.map(|mac| ("mac".to_owned(), mac.to_string().to_toml_value())));
    settings.extend(interface.mtu.map(|mtu| ("mtu".to_owned(), mtu.to_string())));
    if !interface.up {
        settings.push(("down".to_owned(), "true".to_owned()));
    }
    settings
}

fn sysctl_lines(sysctls: &[Sysctl]) -> Vec<Line> {
    let keys: HashSet<&str> = sysctls.iter().map(|sysctl| sysctl.key.as_str()).collect();
    if keys.len() < sysctls.len() {
        let texts: Vec<String> = sysctls.iter().map(ToString::to_string).collect();
        return vec![("sysctl".to_owned(), list(&texts))];
    }
    let lines = sysctls.iter().map(|Sysctl { key, value }| {
        let number = value.parse::<i64>().ok().filter(|number| number.to_string() == *value);
        let value = number.map_or_else(|| value.as_str().to_toml_value(), |number| number.to_string());
        (format!("sysctl.{}", key.as_str().to_toml_key()), value)
    });
    lines.collect()
}

/// Short forms if each chain has one and they keep the order, `chain` for all otherwise.
fn chain_lines(chains: &[Chain]) -> Vec<Line> {
    let short: Vec<Line> = chains.iter().map(|chain| short_form(chain).unwrap_or_else(|| long_form(chain))).collect();
    let group = |line: &Line| line.0.split('.').next().unwrap_or_default().to_owned();
    let mut groups: Vec<String> = short.iter().map(group).collect();
    groups.dedup();
    let distinct: HashSet<&String> = groups.iter().collect();
    let keys: HashSet<&String> = short.iter().map(|(key, _)| key).filter(|key| *key != "chain").collect();
    let repeated = keys.len() < short.iter().filter(|(key, _)| key != "chain").count();
    let lines = if distinct.len() < groups.len() || repeated { chains.iter().map(long_form).collect() } else { short };
    let mut merged: Vec<Line> = Vec::new();
    let mut generic: Vec<String> = Vec::new();
    for (key, value) in lines {
        if key == "chain" {
            if generic.is_empty() {
                merged.push((key, String::new()));
            }
            generic.push(value);
        } else {
            merged.push((key, value));
        }
    }
    if let Some((_, value)) = merged.iter_mut().find(|(key, _)| key == "chain") {
        *value = elements(&generic);
    }
    merged
}

fn short_form(chain: &Chain) -> Option<Line> {
    let usual = chain.priority == Priority::usual(chain.family, chain.hook, chain.kind);
    match (chain.family, chain.kind) {
        (Family::Inet | Family::Bridge, ChainKind::Filter) => {
            let key = if chain.family == Family::Inet { "firewall" } else { "bridge_firewall" };
            let value = match (chain.policy, &chain.rules[..]) {
                (policy, []) if usual => policy.to_string().to_toml_value(),
                (Policy::Accept, rules) if usual => elements(&rules.iter().map(rule).collect::<Vec<_>>()),
                _ => inline(&options(chain)),
            };
            Some((format!("{key}.{}", chain.hook), value))
        }
        (Family::Ip, ChainKind::Nat) if chain.hook == Hook::Postrouting && usual && chain.policy == Policy::Accept => {
            let interface = |rule: &FirewallRule| {
                let output = rule.matches.output.clone()?;
                let masquerade =
                    FirewallRule::new(Match { output: Some(output.clone()), ..Match::default() }, Verdict::Masquerade);
                (*rule == masquerade).then(|| output.to_string())
            };
            let interfaces: Option<Vec<String>> = chain.rules.iter().map(interface).collect();
            match &interfaces?[..] {
                [] => None,
                [only] => Some(("masquerade".into(), only.as_str().to_toml_value())),
                several => Some(("masquerade".into(), list(several))),
            }
        }
        _ => None,
    }
}

fn long_form(chain: &Chain) -> Line {
    let mut settings = vec![
        ("family".to_owned(), chain.family.to_string().to_toml_value()),
        ("kind".to_owned(), chain.kind.to_string().to_toml_value()),
        ("hook".to_owned(), chain.hook.to_string().to_toml_value()),
    ];
    settings.extend(options(chain));
    ("chain".to_owned(), inline(&settings))
}

fn options(chain: &Chain) -> Vec<Line> {
    let mut settings = Vec::new();
    if chain.policy != Policy::Accept {
        settings.push(("policy".to_owned(), chain.policy.to_string().to_toml_value()));
    }
    let Priority(priority) = chain.priority;
    if chain.priority != Priority::usual(chain.family, chain.hook, chain.kind) {
        settings.push(("priority".to_owned(), priority.to_string()));
    }
    if !chain.rules.is_empty() {
        settings.push(("rules".to_owned(), elements(&chain.rules.iter().map(rule).collect::<Vec<_>>())));
    }
    settings
}

/// A rule as `nft` writes it, or as a table where that says something else.
fn rule(rule: &FirewallRule) -> String {
    let text = rule.to_string();
    if text.parse().as_ref() == Ok(rule) {
        return text.to_toml_value();
    }
    let FirewallRule { matches: m, verdict, counter, comment } = rule;
    let mut settings: Vec<Line> = Vec::new();
    let mut add = |key: &str, value: Option<String>| settings.extend(value.map(|value| (key.to_owned(), value)));
    let text = |value: &dyn ToString| value.to_string().to_toml_value();
    add("from", m.from.map(|net| text(&net)));
    add("not_from", m.not_from.map(|net| text(&net)));
    add("to", m.to.map(|net| text(&net)));
    add("not_to", m.not_to.map(|net| text(&net)));
    add("input", m.input.as_ref().map(|name| text(name)));
    add("not_input", m.not_input.as_ref().map(|name| text(name)));
    add("output", m.output.as_ref().map(|name| text(name)));
    add("not_output", m.not_output.as_ref().map(|name| text(name)));
    add(
        "protocol",
        m.protocol.map(|protocol| match protocol {
            crate::Protocol::Other(number) => number.to_string(),
            crate::Protocol::Icmpv6 => "icmpv6".to_toml_value(),
            named => text(&named),
        }),
    );
    let ports = |range: &PortRange| text(range);
    add("source_port", m.source_port.as_ref().map(ports));
    add("port", m.port.as_ref().map(ports));
    let states: Vec<String> = m.states.iter().map(ToString::to_string).collect();
    add("state", (!states.is_empty()).then(|| list(&states)));
    add("ethertype", m.ethertype.map(|number| number.to_string()));
    add("nth", m.nth.map(|nth| format!("{{ every = {}, packet = {} }}", nth.every(), nth.packet())));
    let does_nothing = verdict.is_none() && counter.is_none();
    add("verdict", verdict.as_ref().map(|verdict| text(verdict)).or(does_nothing.then(|| "continue".to_toml_value())));
    add("counter", counter.as_ref().map(|name| text(name)));
    add("comment", comment.as_ref().map(|comment| text(comment)));
    inline(&settings)
}

fn inline(settings: &[Line]) -> String {
    if settings.is_empty() {
        return "{}".to_owned();
    }
    let settings: Vec<String> = settings.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", settings.join(", "))
}

/// A time as `parse_duration` reads it.
fn duration(time: Duration) -> String {
    match (time.as_secs(), time.subsec_nanos()) {
        (seconds, 0) => format!("{seconds}s"),
        (0, nanos) if nanos % 1_000_000 == 0 => format!("{}ms", nanos / 1_000_000),
        (seconds, nanos) => format!("{seconds}.{nanos:09}s"),
    }
}
