//! What can be changed on a node while it lives.

use std::{
    net::IpAddr,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use netns_test_topology::{BridgeOptions, IfName, Mac, Profile, Route, Rule, build::IntoValue, plan::VethEnd};
use nix::errno::Errno;

use super::{Error, Interface, Node};
use crate::kernel::{KernelError, LinkInfo, link, neigh, route, rtnl::Request, rule};

/// How long the interfaces of a removed node may take to go; seen: tens of milliseconds.
const GONE_WITHIN: Duration = Duration::from_secs(10);

impl Node {
    /// Makes a cable from this node to another, or with both ends on this one, as `ip link add … type veth`: both ends
    /// are down and have no address.
    ///
    /// # Errors
    ///
    /// If a name is invalid or taken.
    pub fn connect(&self, interface: &str, peer: &Node, peer_interface: &str) -> Result<(Interface, Interface), Error> {
        let end = |name: &str| Ok::<_, Error>(VethEnd { name: IfName::new(name)?, mac: None, mtu: None, index: None });
        let there = peer.live()?;
        let far = (peer != self).then(|| there.netns.as_fd());
        let made = self.execute(link::create_veth(&end(interface)?, None, &end(peer_interface)?, far));
        made.map_err(|error| match error {
            Error::Kernel { node, source } if source.is(Errno::EEXIST) => {
                let ends = [(self, interface), (peer, peer_interface)];
                let source = match ends.into_iter().find(|(node, name)| node.interface(name).is_ok()) {
                    Some((taken, name)) => source.because(format!("there is an interface `{taken}.{name}` already")),
                    None => source,
                };
                Error::Kernel { node, source }
            }
            error => error,
        })?;
        let ends = (Interface::new(self.clone(), interface), Interface::new(peer.clone(), peer_interface));
        ends.0.begin()?;
        ends.1.begin()?;
        Ok(ends)
    }

    /// Makes a bridge, down and without ports, as `ip link add … type bridge`; in the ready profile its ports forward
    /// at once and it does not snoop on multicast.
    ///
    /// # Errors
    ///
    /// If the name is invalid or taken.
    pub fn add_bridge(&self, name: &str) -> Result<Interface, Error> {
        let name = IfName::new(name)?;
        let ready = self.shared().is_some_and(|shared| shared.profile == Profile::Ready);
        let options = if ready {
            BridgeOptions {
                stp: Some(false),
                forward_delay: Some(Duration::ZERO),
                multicast_snooping: Some(false),
                ..BridgeOptions::default()
            }
        } else {
            BridgeOptions::default()
        };
        self.execute(self.words(link::create_bridge(&name, None, &options))?)?;
        let bridge = Interface::new(self.clone(), &name);
        bridge.begin()?;
        Ok(bridge)
    }

    /// Adds a route, as `ip route add`, in its words: `default via 10.0.0.1`, `10.9.0.0/16 via 10.0.0.1 metric 5`,
    /// `blackhole 10.9.0.0/16`.
    ///
    /// # Errors
    ///
    /// If the text is no route, or the kernel refuses, as for a gateway that is not on the link.
    pub fn add_route(&self, route: impl IntoValue<Route>) -> Result<(), Error> {
        let route = route.into_value()?;
        let request = route::add(&route, route.to_string(), |name| self.index_of(name));
        self.execute(self.words(request)?)
    }

    /// Removes a route, as `ip route del`.
    ///
    /// # Errors
    ///
    /// If the text is no route, or there is none like it.
    pub fn remove_route(&self, route: impl IntoValue<Route>) -> Result<(), Error> {
        let route = route.into_value()?;
        let request = route::delete(&route, route.to_string(), |name| self.index_of(name));
        self.execute(self.words(request)?)
    }

    /// Adds a policy routing rule, as `ip rule add`, in its words: `from 10.0.0.0/8 lookup 100`.
    ///
    /// # Errors
    ///
    /// If the text is no rule, or the kernel refuses.
    pub fn add_rule(&self, rule: impl IntoValue<Rule>) -> Result<(), Error> {
        let rule = rule.into_value()?;
        self.execute(rule::add(&rule, rule.to_string()))
    }

    /// Removes a policy routing rule, as `ip rule del`.
    ///
    /// # Errors
    ///
    /// If the text is no rule, or there is none like it.
    pub fn remove_rule(&self, rule: impl IntoValue<Rule>) -> Result<(), Error> {
        let rule = rule.into_value()?;
        self.execute(rule::delete(&rule, rule.to_string()))
    }

    /// Sets a permanent neighbour entry, as `ip neigh replace … nud permanent`.
    ///
    /// # Errors
    ///
    /// If there is no such interface, or the kernel refuses.
    pub fn add_neighbour(
        &self,
        address: impl IntoValue<IpAddr>,
        mac: impl IntoValue<Mac>,
        interface: &str,
    ) -> Result<(), Error> {
        let (address, mac) = (address.into_value()?, mac.into_value()?);
        let index = self.interface(interface)?.index()?;
        self.execute(neigh::add(index, address, mac, format!("{address} at {mac} dev {interface}")))
    }

    /// Removes a neighbour entry of any state, as `ip neigh del`.
    ///
    /// # Errors
    ///
    /// If there is none for that address on that interface.
    pub fn remove_neighbour(&self, address: impl IntoValue<IpAddr>, interface: &str) -> Result<(), Error> {
        let address = address.into_value()?;
        let index = self.interface(interface)?.index()?;
        self.execute(neigh::delete(index, address, format!("{address} dev {interface}")))
    }

    /// Removes every neighbour entry that was learned, as `ip neigh flush all`.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn flush_neighbours(&self) -> Result<(), Error> {
        let live = self.live()?;
        for entry in self.neighbours()? {
            if entry.state == crate::kernel::NeighbourState::Permanent {
                continue;
            }
            match live.rtnl.execute(neigh::delete(entry.index, entry.address, entry.address.to_string())) {
                Err(error) if !error.is(Errno::ENOENT) => return Err(Error::kernel(self.name(), error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Switches the forwarding of IPv4 packets on or off (`net.ipv4.ip_forward`).
    ///
    /// # Errors
    ///
    /// If the setting cannot be written.
    pub fn set_forward(&self, on: bool) -> Result<(), Error> {
        self.set_sysctl("net.ipv4.ip_forward", u8::from(on))
    }

    /// Switches the forwarding of IPv6 packets on or off (`net.ipv6.conf.all.forwarding`).
    ///
    /// # Errors
    ///
    /// If the setting cannot be written.
    pub fn set_forward_v6(&self, on: bool) -> Result<(), Error> {
        self.set_sysctl("net.ipv6.conf.all.forwarding", u8::from(on))
    }

    pub(super) fn execute(&self, request: Request) -> Result<(), Error> {
        self.note_change();
        self.words(self.live()?.rtnl.execute(request))
    }

    fn index_of(&self, name: &IfName) -> Result<u32, KernelError> {
        let gone = || KernelError::new("find interface", name.to_string(), Errno::ENODEV);
        let live = self.live().map_err(|_| gone())?;
        link::by_name(&live.rtnl, name)?.map(|link| link.index).ok_or_else(gone)
    }
}

/// Waits until interfaces of other nodes are gone, which the kernel does in its own time.
pub(super) fn wait_until_gone(node: &str, far_ends: &[(Node, LinkInfo)]) -> Result<(), Error> {
    let begin = Instant::now();
    for (other, LinkInfo { index, name, .. }) in far_ends {
        loop {
            let there = other.links()?.iter().any(|link| link.index == *index && link.name == *name);
            if !there {
                break;
            }
            if begin.elapsed() > GONE_WITHIN {
                let interface = format!("{other}.{name}");
                return Err(Error::StillThere { node: node.to_owned(), interface, after: GONE_WITHIN });
            }
            crate::pause();
        }
    }
    Ok(())
}
