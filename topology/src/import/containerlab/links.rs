//! Links, in both forms.

use super::{
    super::{
        lab::{Lab, LabLink},
        report::{At, Report},
        yaml::{Value, Yaml},
    },
    LINK_MTU, MANAGEMENT,
    nodes::{self, LabNode},
    text,
};
use crate::{Cidr, IfName, Interface, InvalidValue, Kind, Mac, Role};

/// One end as the file says it.
struct Endpoint {
    node: String,
    interface: String,
    at: At,
    mac: Option<Mac>,
    addresses: Vec<(Cidr, At)>,
}

/// Reads a link; what is wrong with it is refused, and then it is not there.
pub(super) fn read(link: &Yaml, nodes: &[LabNode<'_>], lab: &mut Lab, report: &mut Report) {
    let (mut kind, mut endpoints, mut lone, mut mtu) = (None, None, None, None);
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    let mut foreign = Vec::new();
    for (key, value) in link.entries(report, "a link") {
        match key.name() {
            "type" => kind = Some(value),
            "endpoints" => endpoints = Some((key, value)),
            "endpoint" => lone = Some((key, value)),
            "mtu" => {
                let read = text(value, "`mtu`", report)
                    .map(|mtu| mtu.parse().map_err(|_| InvalidValue::new(format!("`{mtu}` is not an MTU in bytes"))));
                mtu = read.and_then(|read| report.keep(&value.at, read));
            }
            "ipv4" => v4 = addresses(value, report),
            "ipv6" => v6 = addresses(value, report),
            "labels" => report.note(&key.at, "`labels` of a link", "they are for listings and pictures"),
            "vars" => {
                for (key, value) in value.entries(report, "`vars`") {
                    match key.name() {
                        "ipv4" => v4 = addresses(value, report),
                        "ipv6" => v6 = addresses(value, report),
                        other => report.note(
                            &key.at,
                            format!("`{other}` in `vars` of a link"),
                            "it is for templates of configurations",
                        ),
                    }
                }
            }
            _ => foreign.push(key),
        }
    }
    let kind = match kind {
        Some(kind) => match text(kind, "`type`", report) {
            Some(name) => Some((name, &kind.at)),
            None => return,
        },
        None => None,
    };
    match &kind {
        Some((name, at)) if !matches!(name.as_str(), "veth" | "brief") => {
            report.invalid(at, &refused_type(name));
            // Its interface is there nevertheless: commands that name it are not wrong because of the link.
            if let Some(end) = lone.and_then(|(_, value)| endpoint(value, report)) {
                let machine = nodes::find(nodes, &end.node, &end.at, report).and_then(|node| node.machine);
                let _ = machine.and_then(|machine| plug(lab, machine, &end, mtu.unwrap_or(LINK_MTU), report));
            }
            return;
        }
        _ => foreign.extend(lone.map(|(key, _)| key)),
    }
    for key in foreign {
        let known = ["type", "endpoints", "mtu", "vars", "labels", "ipv4", "ipv6"];
        report.invalid(&key.at, &InvalidValue::no("key of a link", key.name(), &known));
    }
    let Some((key, list)) = endpoints else {
        report.refuse(&link.at, "this link has no `endpoints`").set_help("write `endpoints: [\"a:eth1\", \"b:eth1\"]`");
        return;
    };
    let members = list.members(report, "`endpoints`");
    if members.len() != 2 {
        report.refuse(&key.at, format!("a link has two endpoints, this one has {}", members.len()));
        return;
    }
    let mut ends = Vec::new();
    for (n, member) in members.iter().enumerate() {
        let Some(mut end) = endpoint(member, report) else { return };
        let given = [&v4, &v6].into_iter().filter_map(|list| list.get(n).cloned().flatten());
        end.addresses.extend(given);
        ends.push(end);
    }
    let mut ports = Vec::new();
    for end in &ends {
        // If one end is refused, the other is still there: its node's commands are not wrong because of that.
        if matches!(end.node.as_str(), "host" | "mgmt-net" | "macvlan") {
            report.invalid(&end.at, &refused_type(&end.node));
            continue;
        }
        let machine = nodes::find(nodes, &end.node, &end.at, report).and_then(|node| node.machine);
        let Some(machine) = machine else { continue };
        let Some(port) = plug(lab, machine, end, mtu.unwrap_or(LINK_MTU), report) else { continue };
        ports.push((machine, port));
    }
    if let [a, b] = ports[..] {
        lab.links.push(LabLink { ends: [a, b], at: link_at(list) });
    }
}

/// The endpoints, as far as they stand on one line.
fn link_at(endpoints: &Yaml) -> At {
    match &endpoints.value {
        Value::List(members) if !members.is_empty() => members[0].at.clone(),
        _ => endpoints.at.clone(),
    }
}

/// An address for each end, as far as there are some.
fn addresses(value: &Yaml, report: &mut Report) -> Vec<Option<(Cidr, At)>> {
    let members = value.members(report, "the addresses of a link");
    let read = members.iter().map(|member| {
        if matches!(&member.value, Value::Null) || matches!(&member.value, Value::Scalar(text) if text.is_empty()) {
            return None;
        }
        address(member, report)
    });
    read.collect()
}

fn address(value: &Yaml, report: &mut Report) -> Option<(Cidr, At)> {
    let text = text(value, "an address", report)?;
    let cidr = report.keep(&value.at, text.parse::<Cidr>())?;
    Some((cidr, value.at.clone()))
}

fn endpoint(member: &Yaml, report: &mut Report) -> Option<Endpoint> {
    if let Value::Scalar(_) = member.value {
        let text = text(member, "an endpoint", report)?;
        let Some((node, interface)) = text.split_once(':') else {
            report
                .refuse(&member.at, format!("`{text}` is no endpoint"))
                .set_help(format!("write node and interface, such as `{text}:eth1`"));
            return None;
        };
        return Some(Endpoint {
            node: node.to_owned(),
            interface: interface.to_owned(),
            at: member.at.clone(),
            mac: None,
            addresses: Vec::new(),
        });
    }
    let (mut node, mut interface, mut mac, mut addresses) = (None, None, None, Vec::new());
    for (key, value) in member.entries(report, "an endpoint") {
        match key.name() {
            "node" => node = text(value, "`node`", report),
            "interface" => interface = text(value, "`interface`", report).map(|name| (name, &value.at)),
            "mac" => {
                let text = text(value, "`mac`", report)?;
                mac = Some(report.keep(&value.at, text.parse())?);
            }
            "ipv4" | "ipv6" => addresses.extend(address(value, report)),
            "vars" => {
                for (key, value) in value.entries(report, "`vars`") {
                    match key.name() {
                        "ipv4" | "ipv6" => addresses.extend(address(value, report)),
                        other => report.note(
                            &key.at,
                            format!("`{other}` in `vars` of an endpoint"),
                            "it is for templates of configurations",
                        ),
                    }
                }
            }
            other => {
                let known = ["node", "interface", "mac", "ipv4", "ipv6", "vars"];
                report.invalid(&key.at, &InvalidValue::no("key of an endpoint", other, &known));
            }
        }
    }
    match (node, interface) {
        (Some(node), Some((interface, at))) => Some(Endpoint { node, interface, at: at.clone(), mac, addresses }),
        _ => {
            report.refuse(&member.at, "this endpoint needs a `node` and an `interface`");
            None
        }
    }
}

/// Gives the machine the interface that the link ends at.
fn plug(lab: &mut Lab, machine: usize, end: &Endpoint, mtu: u32, report: &mut Report) -> Option<usize> {
    let machine = &mut lab.machines[machine];
    let name = report.keep(&end.at, IfName::new(end.interface.as_str()))?;
    if machine.outside == Some(&end.interface) {
        report
            .refuse(&end.at, format!("`{MANAGEMENT}` of `{}` is its interface in the management network", machine.name))
            .set_help("take another name, or give the node `network-mode: none`");
        return None;
    }
    let master = match machine.role {
        Role::Switch => machine.ports.first().map(|bridge| bridge.interface.name.clone()),
        Role::Host => None,
    };
    let interface = Interface {
        mac: end.mac,
        mtu: Some(mtu).filter(|mtu| *mtu != 1500),
        master,
        ..Interface::new(name, Kind::Veth)
    };
    let added = machine.add_port(interface, &end.at, true);
    let port = report.keep(&end.at, added)?;
    for (cidr, at) in &end.addresses {
        machine.add_address(port, *cidr, at);
    }
    Some(port)
}

fn refused_type(name: &str) -> InvalidValue {
    let far = |what: &str| {
        InvalidValue::new(format!("a link of type `{name}` leads to {what}, which a test does not have"))
            .help("declare a node of kind `linux` for the far end, and link it with `type: veth`")
    };
    match name {
        "host" => far("the engine's host"),
        "mgmt-net" => far("the engine's management network"),
        "macvlan" => far("an interface of the engine's host"),
        "vxlan" | "vxlan-stitch" => far("another machine"),
        "dummy" => InvalidValue::new("the model has no dummy interfaces")
            .help("give the address to `lo`, with `ip address add … dev lo` in `exec`"),
        other => InvalidValue::no("type of link that the import knows", other, &["veth"]),
    }
}
