//! Collision domains, each a switch.

use std::collections::HashSet;

use super::{
    super::{
        lab::{Lab, LabLink},
        machine::Machine,
        report::Report,
    },
    conf::Device,
};
use crate::{BridgeOptions, IfName, Interface, Kind, LinkEnd, NodeName, Role, build::port_name};

/// Joins the interfaces of each collision domain by a switch.
pub(super) fn join(devices: Vec<Device>, lab: &mut Lab, report: &mut Report) {
    let mut plugs = Vec::new();
    for (m, device) in devices.into_iter().enumerate() {
        // The interfaces of the lab come first, in the order of their numbers.
        plugs.extend(device.plugs.into_values().enumerate().map(|(p, plug)| ((m, p), plug)));
        lab.machines.push(device.machine);
    }
    let mut domains: Vec<(String, usize)> = Vec::new();
    for (device, plug) in plugs {
        let known = domains.iter().find(|(domain, _)| *domain == plug.domain).map(|(_, switch)| *switch);
        let switch = match known {
            Some(switch) => switch,
            None => {
                lab.machines.push(switch(&plug.domain, &plug.at, lab));
                domains.push((plug.domain, lab.machines.len() - 1));
                lab.machines.len() - 1
            }
        };
        let Some(port) = lab.machines[device.0].ports.get(device.1) else { continue };
        let end = LinkEnd { node: lab.machines[device.0].name.clone(), interface: port.interface.name.clone() };
        let switch_machine = &mut lab.machines[switch];
        let taken: HashSet<IfName> = switch_machine.ports.iter().map(|port| port.interface.name.clone()).collect();
        let bridge = switch_machine.ports[0].interface.name.clone();
        let name = port_name(&taken, &end, switch_machine.ports.len() - 1);
        let added = switch_machine.add_port(
            Interface { master: Some(bridge), ..Interface::new(name, Kind::Veth) },
            &plug.at,
            true,
        );
        if let Some(port) = report.keep(&plug.at, added) {
            lab.links.push(LabLink { ends: [device, (switch, port)], at: plug.at });
        }
    }
}

/// The switch of a domain, called as the domain where no device is.
fn switch(domain: &str, at: &super::At, lab: &Lab) -> Machine {
    let free = |name: &NodeName| lab.machines.iter().all(|machine| machine.name != *name);
    let candidates =
        [domain.to_owned(), format!("domain-{domain}")].into_iter().chain((2..).map(|n| format!("domain{n}")));
    let name = candidates
        .filter_map(|name| NodeName::new(name).ok())
        .find(free)
        .expect("a number that is not taken can be found");
    let bridge = IfName::new(name.as_str()).or_else(|_| IfName::new("domain")).expect("`domain` is a name");
    let mut machine = Machine { role: Role::Switch, ..Machine::new(name, at.clone()) };
    let bridge = Interface::new(bridge, Kind::Bridge(BridgeOptions::default()));
    machine.add_port(bridge, at, true).expect("a new machine has no interface of that name");
    machine
}
