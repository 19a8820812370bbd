//! A node of a lab while its commands are carried out on it, with the place of everything.

use std::{collections::HashMap, net::IpAddr};

use super::report::At;
use crate::{
    BridgeOptions, Chain, Cidr, Family, FdbEntry, FirewallRule, IfName, Interface, InvalidValue, Kind, Neighbour,
    NodeName, Role, Route, RouteKind, Rule, Sysctl,
};

/// A node of a lab.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) name: NodeName,
    pub(super) at: At,
    pub(super) role: Role,
    /// In the order in which they appear; what was removed keeps its place, so that links can count on it.
    pub(super) ports: Vec<Port>,
    /// Pairs of ports that are joined by a cable of the machine's own (`ip link add … type veth`).
    pub(super) pairs: Vec<(usize, usize, At)>,
    pub(super) routes: Vec<(Route, At)>,
    pub(super) rules: Vec<(Rule, At)>,
    pub(super) neighbours: Vec<(Neighbour, At)>,
    pub(super) fdb: Vec<(FdbEntry, At)>,
    pub(super) sysctls: Vec<(Sysctl, At)>,
    pub(super) chains: Vec<PlacedChain>,
    /// What `nft` calls each base chain: by family, table and name.
    pub(super) nft_chains: HashMap<(Family, String, String), Chain>,
    pub(super) counters: Vec<String>,
    pub(super) nameservers: Vec<(IpAddr, At)>,
    pub(super) forward_v4: bool,
    pub(super) forward_v6: bool,
    /// The interface by which the machine reaches the engine's host; it is not carried over.
    pub(super) outside: Option<&'static str>,
}

/// An interface of a machine.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) interface: Interface,
    pub(super) at: At,
    /// Where each address is given.
    pub(super) addresses: Vec<At>,
    /// An end of a link of the lab, which no command can remove.
    pub(super) of_lab: bool,
    pub(super) removed: bool,
}

/// A chain with the place of each rule.
#[derive(Debug)]
pub(super) struct PlacedChain {
    pub(super) chain: Chain,
    pub(super) at: At,
    pub(super) rules: Vec<At>,
}

/// What became of a command that names an interface.
pub(super) enum Found {
    /// The interface, by its position.
    Port(usize),
    /// It leads to the engine's host, and is not carried over.
    Outside,
}

impl Machine {
    pub(super) fn new(name: NodeName, at: At) -> Self {
        Self {
            name,
            at,
            role: Role::Host,
            ports: Vec::new(),
            pairs: Vec::new(),
            routes: Vec::new(),
            rules: Vec::new(),
            neighbours: Vec::new(),
            fdb: Vec::new(),
            sysctls: Vec::new(),
            chains: Vec::new(),
            nft_chains: HashMap::new(),
            counters: Vec::new(),
            nameservers: Vec::new(),
            forward_v4: false,
            forward_v6: false,
            outside: None,
        }
    }

    /// Adds an interface, and says where it stands.
    pub(super) fn add_port(&mut self, interface: Interface, at: &At, of_lab: bool) -> Result<usize, InvalidValue> {
        if self.position(&interface.name).is_some() {
            let message = format!("node `{}` has an interface `{}` already", self.name, interface.name);
            return Err(InvalidValue::new(message).help("give one of them another name"));
        }
        self.ports.push(Port { interface, at: at.clone(), addresses: Vec::new(), of_lab, removed: false });
        Ok(self.ports.len() - 1)
    }

    /// The interface of that name that is there.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.ports.iter().position(|port| !port.removed && port.interface.name == *name)
    }

    /// The interface of that name; `lo` exists in every machine.
    pub(super) fn find(&mut self, name: &str, at: &At) -> Result<Found, InvalidValue> {
        if let Some(found) = self.position(name) {
            return Ok(Found::Port(found));
        }
        if name == "lo" {
            return Ok(Found::Port(self.add_port(Interface::new(IfName::new("lo")?, Kind::Loopback), at, false)?));
        }
        if self.outside == Some(name) {
            return Ok(Found::Outside);
        }
        let names: Vec<&str> = self.ports.iter().filter(|p| !p.removed).map(|p| &*p.interface.name).collect();
        let error = InvalidValue::new(format!("node `{}` has no interface `{name}` at this point", self.name));
        Err(match crate::check::nearest(name, names.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None if names.is_empty() => error.help(format!("no link of the lab ends at `{}`", self.name)),
            None => {
                error.help(format!("it has {}", names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")))
            }
        })
    }

    pub(super) fn interface(&mut self, port: usize) -> &mut Interface {
        &mut self.ports[port].interface
    }

    pub(super) fn add_address(&mut self, port: usize, address: Cidr, at: &At) {
        self.ports[port].interface.addresses.push(address);
        self.ports[port].addresses.push(at.clone());
    }

    /// Takes those addresses away; how many there were.
    pub(super) fn remove_addresses(&mut self, port: usize, which: impl Fn(&Cidr) -> bool) -> usize {
        let port = &mut self.ports[port];
        let before = port.addresses.len();
        let (kept, places): (Vec<_>, Vec<_>) = std::mem::take(&mut port.interface.addresses)
            .into_iter()
            .zip(std::mem::take(&mut port.addresses))
            .filter(|(address, _)| !which(address))
            .unzip();
        (port.interface.addresses, port.addresses) = (kept, places);
        before - port.addresses.len()
    }

    pub(super) fn add_bridge(&mut self, name: IfName, at: &At) -> Result<usize, InvalidValue> {
        let bridge = Interface { up: false, ..Interface::new(name, Kind::Bridge(BridgeOptions::default())) };
        self.add_port(bridge, at, false)
    }

    /// The settings of a bridge.
    pub(super) fn bridge(&mut self, port: usize) -> Result<&mut BridgeOptions, InvalidValue> {
        let interface = &mut self.ports[port].interface;
        match &mut interface.kind {
            Kind::Bridge(options) => Ok(options),
            _ => Err(InvalidValue::new(format!("`{}` is not a bridge", interface.name))
                .help("make one with `ip link add NAME type bridge`")),
        }
    }

    /// Removes an interface that a command made.
    pub(super) fn remove_port(&mut self, port: usize) -> Result<(), InvalidValue> {
        let name = self.ports[port].interface.name.clone();
        if self.ports[port].of_lab || name == *"lo" {
            return Err(InvalidValue::new(format!("`{name}` is of the lab itself, and cannot be removed"))
                .help("leave the link out of the lab, or set the interface down"));
        }
        let far_end = self.pairs.iter().find_map(|(a, b, _)| match port {
            _ if *a == port => Some(*b),
            _ if *b == port => Some(*a),
            _ => None,
        });
        for port in [Some(port), far_end].into_iter().flatten() {
            self.ports[port].removed = true;
            let name = self.ports[port].interface.name.clone();
            for other in &mut self.ports {
                other.interface.master = other.interface.master.take().filter(|master| *master != name);
            }
            let over = |route: &Route| matches!(&route.kind, RouteKind::Unicast(hops) if hops.iter().any(|hop| hop.dev.as_ref() == Some(&name)));
            self.routes.retain(|(route, _)| !over(route));
            self.neighbours.retain(|(neighbour, _)| neighbour.dev != name);
            self.fdb.retain(|(entry, _)| entry.dev != name);
        }
        self.pairs.retain(|(a, b, _)| *a != port && *b != port);
        Ok(())
    }

    /// Gives an interface another name, everywhere.
    pub(super) fn rename(&mut self, port: usize, name: IfName) -> Result<(), InvalidValue> {
        if self.position(&name).is_some_and(|other| other != port) {
            return Err(InvalidValue::new(format!("node `{}` has an interface `{name}` already", self.name)));
        }
        let old = std::mem::replace(&mut self.ports[port].interface.name, name.clone());
        for other in &mut self.ports {
            if other.interface.master.as_ref() == Some(&old) {
                other.interface.master = Some(name.clone());
            }
        }
        for (route, _) in &mut self.routes {
            let RouteKind::Unicast(hops) = &mut route.kind else { continue };
            for hop in hops.iter_mut().filter(|hop| hop.dev.as_ref() == Some(&old)) {
                hop.dev = Some(name.clone());
            }
        }
        for (neighbour, _) in self.neighbours.iter_mut().filter(|(neighbour, _)| neighbour.dev == old) {
            neighbour.dev = name.clone();
        }
        for (entry, _) in self.fdb.iter_mut().filter(|(entry, _)| entry.dev == old) {
            entry.dev = name.clone();
        }
        for other in &mut self.ports {
            let lower = match &mut other.interface.kind {
                Kind::Vxlan(vxlan) => vxlan.dev.as_mut(),
                Kind::Macvlan(macvlan) => Some(&mut macvlan.parent),
                _ => None,
            };
            if let Some(lower) = lower.filter(|lower| **lower == old) {
                *lower = name.clone();
            }
        }
        Ok(())
    }

    /// Sets a kernel setting; what the model has a field for goes there.
    pub(super) fn set_sysctl(&mut self, key: &str, value: &str, at: &At) {
        let on = value.trim() != "0";
        match forwarding(key) {
            Some(false) => self.forward_v4 = on,
            Some(true) => self.forward_v6 = on,
            None => {
                self.sysctls.retain(|(sysctl, _)| sysctl.key != key);
                self.sysctls.push((Sysctl { key: key.to_owned(), value: value.to_owned() }, at.clone()));
            }
        }
    }

    /// The chain at that hook, made if need be.
    pub(super) fn chain(&mut self, wanted: &Chain, at: &At) -> &mut PlacedChain {
        let key = |chain: &Chain| (chain.family, chain.kind, chain.hook, chain.priority);
        let found = self.chains.iter().position(|placed| key(&placed.chain) == key(wanted));
        let found = found.unwrap_or_else(|| {
            self.chains.push(PlacedChain { chain: wanted.clone(), at: at.clone(), rules: Vec::new() });
            self.chains.len() - 1
        });
        &mut self.chains[found]
    }
}

/// Whether a setting is the one for forwarding, and then whether it is that of IPv6.
pub(super) fn forwarding(key: &str) -> Option<bool> {
    match key {
        "net.ipv4.ip_forward" | "net.ipv4.conf.all.forwarding" => Some(false),
        "net.ipv6.conf.all.forwarding" => Some(true),
        _ => None,
    }
}

impl PlacedChain {
    /// Puts a rule before the one at that position, or last.
    pub(super) fn add_rule(&mut self, position: Option<usize>, rule: FirewallRule, at: &At) {
        let position = position.unwrap_or(self.rules.len()).min(self.rules.len());
        self.chain.rules.insert(position, rule);
        self.rules.insert(position, at.clone());
    }
}
