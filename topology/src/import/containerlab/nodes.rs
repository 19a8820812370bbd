//! The nodes of a lab, with what they inherit.

use super::{
    super::{
        command::{self, OUTSIDE},
        lab::Lab,
        machine::Machine,
        report::{At, Report},
        yaml::{Value, Yaml},
    },
    MANAGEMENT, keys, text,
};
use crate::{BridgeOptions, IfName, Interface, InvalidValue, Kind, NodeName, Role};

/// What `topology` has but links.
#[derive(Default)]
pub(super) struct Sections<'a> {
    pub(super) defaults: Option<&'a Yaml>,
    pub(super) kinds: &'a [(Yaml, Yaml)],
    pub(super) groups: &'a [(Yaml, Yaml)],
    pub(super) nodes: &'a [(Yaml, Yaml)],
}

/// A node that links can name.
pub(super) struct LabNode<'a> {
    pub(super) name: String,
    /// Its machine; `None` if the node was refused, so that its links need not be.
    pub(super) machine: Option<usize>,
    /// What it inherits and says, from the outside in.
    levels: Vec<&'a [(Yaml, Yaml)]>,
}

/// Kinds of containerlab that are a router, switch or appliance with an operating system of its own.
const SYSTEMS: &[&str] = &[
    "srl",
    "nokia_srlinux",
    "nokia_sros",
    "nokia_srsim",
    "ceos",
    "arista_ceos",
    "crpd",
    "juniper_crpd",
    "sonic-vs",
    "sonic-vm",
    "dell_sonic",
    "plvision_sonic",
    "cvx",
    "cumulus_cvx",
    "nvidia_cumulusvx",
    "xrd",
    "cisco_xrd",
    "cisco_xrd_vrouter",
    "cisco_c8000",
    "cisco_iol",
    "cisco_asav",
    "cisco_sdwan",
    "cisco_vios",
    "cisco_cat9kv",
    "cisco_c8000v",
    "cisco_csr1000v",
    "cisco_n9kv",
    "cisco_nxos",
    "cisco_xrv",
    "cisco_xrv9k",
    "cisco_ftdv",
    "arista_veos",
    "juniper_vmx",
    "juniper_vqfx",
    "juniper_vsrx",
    "juniper_vjunosrouter",
    "juniper_vjunosswitch",
    "juniper_vjunosevolved",
    "juniper_cjunosevolved",
    "juniper_csrx",
    "mikrotik_ros",
    "paloalto_panos",
    "dell_ftosv",
    "aruba_aoscx",
    "huawei_vrp",
    "freebsd",
    "openbsd",
    "openwrt",
    "fortinet_fortigate",
    "checkpoint_cloudguard",
    "f5_bigip-ve",
    "f5_bigip_ve",
    "ipinfusion_ocnos",
    "rare",
    "vyosnetworks_vyos",
    "6wind_vsr",
    "fdio_vpp",
    "arrcus_arcos",
    "keysight_ixia-c-one",
    "ostinato",
    "spirent_stc",
    "generic_vm",
    "linux_vm",
    "frr",
    "frrouting",
    "codelaboratory_bng",
    "veesix_osvbng",
    "light_olt",
    "ciena_saos",
    "ciena_saos10",
    "h3c_vsr",
];

/// Reads the nodes; each gets its machine and settings, its commands come after the links.
pub(super) fn read<'a>(sections: &Sections<'a>, lab: &mut Lab, report: &mut Report) -> Vec<LabNode<'a>> {
    let defaults = sections.defaults.map_or(&[][..], |defaults| defaults.entries(report, "`defaults`"));
    keys::check(defaults, report);
    for (_, config) in sections.kinds.iter().chain(sections.groups) {
        keys::check(config.entries(report, "what nodes inherit"), report);
    }
    let mut nodes: Vec<LabNode<'a>> = Vec::new();
    for (key, value) in sections.nodes {
        let own = value.entries(report, "a node");
        keys::check(own, report);
        let name = key.name().to_owned();
        let group = field(&[defaults, own], "group").and_then(|(_, group)| text(group, "`group`", report));
        let group = group.map_or(&[][..], |group| named(sections.groups, &group, report));
        let Some((_, kind)) = field(&[defaults, group, own], "kind") else {
            report
                .refuse(&key.at, format!("node `{name}` has no `kind`"))
                .set_help("add `kind: linux`, or a default kind");
            nodes.push(LabNode { name, machine: None, levels: Vec::new() });
            continue;
        };
        let Some(kind_name) = text(kind, "`kind`", report) else { continue };
        let levels = vec![defaults, named(sections.kinds, &kind_name, report), group, own];
        let machine = report.keep(&key.at, NodeName::new(name.as_str())).map(|name| Machine::new(name, key.at.clone()));
        let machine =
            machine.filter(|_| check_mode(&kind_name, &levels, report)).and_then(|machine| match kind_name.as_str() {
                "linux" => Some(container(machine, &levels, report)),
                "bridge" => bridge(machine, own, report),
                other => {
                    report.invalid(&kind.at, &refused_kind(other));
                    None
                }
            });
        let machine = machine.map(|machine| {
            lab.machines.push(machine);
            lab.machines.len() - 1
        });
        nodes.push(LabNode { name, machine, levels });
    }
    if nodes.is_empty() {
        report.refuse(&lab.at, "this lab has no nodes").set_help("declare them under `topology: nodes:`");
    }
    if lab.machines.iter().any(|machine| machine.outside.is_some()) {
        let at = sections.nodes.first().map_or(&lab.at, |(key, _)| &key.at);
        report.note(at, format!("the management interface `{MANAGEMENT}` of each node"), OUTSIDE);
    }
    nodes
}

/// Carries out the commands of each node: what it inherits first, as containerlab does.
pub(super) fn run(nodes: &[LabNode<'_>], lab: &mut Lab, report: &mut Report) {
    for node in nodes {
        let Some(machine) = node.machine.map(|m| &mut lab.machines[m]).filter(|machine| machine.role == Role::Host)
        else {
            continue;
        };
        for level in &node.levels {
            let Some((_, list)) = field(&[level], "exec") else { continue };
            for command in list.members(report, "`exec`") {
                if let Some(line) = text(command, "a command", report) {
                    command::run_words(machine, &line, &command.at, report);
                }
            }
        }
    }
}

/// The most specific value of a key.
fn field<'a>(levels: &[&'a [(Yaml, Yaml)]], key: &str) -> Option<(&'a Yaml, &'a Yaml)> {
    let found = levels
        .iter()
        .rev()
        .flat_map(|level| level.iter())
        .find(|(name, value)| name.name() == key && !matches!(value.value, Value::Null));
    found.map(|(name, value)| (name, value))
}

fn named<'a>(section: &'a [(Yaml, Yaml)], name: &str, report: &mut Report) -> &'a [(Yaml, Yaml)] {
    let found = section.iter().find(|(key, _)| key.name() == name);
    found.map_or(&[][..], |(_, config)| config.entries(report, "what nodes inherit"))
}

/// A node of kind `linux`.
fn container(mut machine: Machine, levels: &[&[(Yaml, Yaml)]], report: &mut Report) -> Machine {
    // Docker forwards on its host, and new namespaces copy that.
    machine.forward_v4 = true;
    let isolated = field(levels, "network-mode").is_some_and(|(_, mode)| mode.name().contains("none"));
    machine.outside = (!isolated).then_some(MANAGEMENT);
    for level in levels {
        let Some((_, sysctls)) = field(&[level], "sysctls") else { continue };
        for (key, value) in sysctls.entries(report, "`sysctls`") {
            let name = key.name();
            if let Some(value) = text(value, "a setting", report) {
                machine.set_sysctl(&command::dotted(name), &value, &key.at);
            }
        }
    }
    let Some((_, dns)) = field(levels, "dns") else { return machine };
    for (key, value) in dns.entries(report, "`dns`") {
        match key.name() {
            "servers" => {
                for server in value.members(report, "`servers`") {
                    let Some(text) = text(server, "a name server", report) else { continue };
                    let address = text.parse().map_err(|_| InvalidValue::new(format!("`{text}` is not an IP address")));
                    machine
                        .nameservers
                        .extend(report.keep(&server.at, address).map(|address| (address, server.at.clone())));
                }
            }
            word @ ("search" | "options") => {
                report.note(&key.at, format!("`{word}` of `dns`"), "a node has name servers only")
            }
            other => {
                report.invalid(&key.at, &InvalidValue::no("key of `dns`", other, &["servers", "search", "options"]))
            }
        }
    }
    machine
}

/// A node of kind `bridge`, which the links of the lab end at.
fn bridge(mut machine: Machine, own: &[(Yaml, Yaml)], report: &mut Report) -> Option<Machine> {
    machine.role = Role::Switch;
    if let Some((key, _)) = field(&[own], "exec") {
        report
            .refuse(&key.at, "a bridge runs no commands")
            .set_help("make it a node of kind `linux`, with `ip link add … type bridge` in its `exec`");
    }
    let at = machine.at.clone();
    let name = report.keep(&at, IfName::new(machine.name.as_str()))?;
    let bridge = Interface::new(name, Kind::Bridge(BridgeOptions::default()));
    let added = machine.add_port(bridge, &at, true);
    report.keep(&at, added)?;
    Some(machine)
}

/// Whether a node has a network of its own.
fn check_mode(kind: &str, levels: &[&[(Yaml, Yaml)]], report: &mut Report) -> bool {
    let Some((_, mode)) = field(levels, "network-mode") else { return true };
    let Some(text) = text(mode, "`network-mode`", report) else { return false };
    let (message, help) = match text.as_str() {
        "none" | "bridge" => return true,
        "host" => (
            "this node lives in the network of the engine's host, which a test does not have",
            "give it a network of its own: `network-mode: none`",
        ),
        other if other.starts_with("container:") && kind == "bridge" => (
            "this bridge is in the network of another node, and in the model a node is a network",
            "link the cables to that node, and make the bridge there: `exec: [ip link add br0 type bridge]`",
        ),
        other if other.starts_with("container:") => (
            "this node shares the network of another, and in the model a node is a network",
            "leave it out: start its program on the other node in the test",
        ),
        _ => ("this is no network mode that the import knows", "write `none`, or leave it out"),
    };
    report.refuse(&mode.at, message).set_help(help);
    false
}

fn refused_kind(kind: &str) -> InvalidValue {
    let linux = "declare it as kind `linux`, with `exec` lines for its addresses and routes";
    if SYSTEMS.contains(&kind) || kind.starts_with("vr-") {
        return InvalidValue::new(format!(
            "a node of kind `{kind}` runs a network operating system of its own, which a namespace does not"
        ))
        .help(linux);
    }
    match kind {
        "ovs-bridge" => {
            InvalidValue::new("an Open vSwitch bridge forwards by flow tables, which the model does not have")
                .help("write `kind: bridge` if a learning bridge is meant")
        }
        "host" => InvalidValue::new("the engine's host is not there in a test")
            .help("declare a node of kind `linux` in its place"),
        "ext-container" | "k8s-kind" => InvalidValue::new(format!(
            "a node of kind `{kind}` is made outside of the lab, and a test has nothing outside of it"
        ))
        .help(linux),
        other => InvalidValue::no("kind that the import knows", other, &["linux", "bridge"]).or_help(linux),
    }
}

/// Says where in the lab a name is given.
pub(super) fn find<'n, 'a>(
    nodes: &'n [LabNode<'a>],
    name: &str,
    at: &At,
    report: &mut Report,
) -> Option<&'n LabNode<'a>> {
    let found = nodes.iter().find(|node| node.name == name);
    if found.is_none() {
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        report.invalid(at, &InvalidValue::no("node of this lab", name, &names));
    }
    found
}
