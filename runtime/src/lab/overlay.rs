//! VXLAN devices, macvlan interfaces and forwarding entries, made in mid-test.

use std::os::fd::AsFd;

use netns_test_topology::{Departure, FdbEntry, IfName, Macvlan, NodeName, Vxlan, build::IntoValue};

use super::{Error, Interface, Node, checked};
use crate::kernel::{
    LinkInfo,
    neigh::{self, Same},
    overlay::{self, Made},
    route,
};

impl Node {
    /// Makes a VXLAN device, down, as `ip link add … type vxlan` with these words: `id 42 remote 192.0.2.2 dev eth0`.
    ///
    /// Its port is 4789, if none is said. `underlay NODE` has another node of the network carry the tunnel. In the ready
    /// profile it gets the MTU that its underlay has room for.
    ///
    /// # Errors
    ///
    /// If the name is invalid or taken, the text is no VXLAN device, or the kernel refuses.
    pub fn add_vxlan(&self, name: &str, vxlan: impl IntoValue<Vxlan>) -> Result<Interface, Error> {
        let (name, vxlan) = (IfName::new(name)?, vxlan.into_value()?);
        let carrier = self.other(vxlan.underlay.as_ref())?;
        let dev = match &vxlan.dev {
            Some(dev) => Some(carrier.interface(dev)?.index()?),
            None => None,
        };
        let mtu = match dev {
            None if self.live()?.departs(Departure::OverlayMtu) => carrier.room_for(&vxlan)?,
            _ => None,
        };
        self.make(&name, &carrier, mtu, |made| overlay::create_vxlan(made, &vxlan, dev))
    }

    /// Makes a macvlan interface, down, as `ip link add … type macvlan` with these words: `link eth0 mode bridge`.
    ///
    /// Its mode is `bridge`, if none is said. `of NODE` says that the parent is another node's.
    ///
    /// # Errors
    ///
    /// If the name is invalid or taken, the text is no macvlan, or the kernel refuses, as for a port of a bridge.
    pub fn add_macvlan(&self, name: &str, macvlan: impl IntoValue<Macvlan>) -> Result<Interface, Error> {
        let (name, macvlan) = (IfName::new(name)?, macvlan.into_value()?);
        let owner = self.other(macvlan.parent_node.as_ref())?;
        let parent = owner.interface(&macvlan.parent)?.index()?;
        self.make(&name, &owner, None, |made| overlay::create_macvlan(made, parent, macvlan.mode))
    }

    /// Adds a forwarding entry, in the words of `bridge fdb`: `02:00:00:00:00:02 dev vx0 dst 192.0.2.2` for a VXLAN
    /// device, `02:00:00:00:00:02 dev eth1` for a port of a bridge.
    ///
    /// Entries of a VXLAN device for the address of all zeros, or for a group's, add up (`bridge fdb append`); of any
    /// other address there is one (`bridge fdb add`).
    ///
    /// # Errors
    ///
    /// If the text is no entry, there is no such interface, or the address has an entry already; if it has a tunnel end
    /// and the interface is no VXLAN device.
    pub fn add_fdb(&self, entry: impl IntoValue<FdbEntry>) -> Result<(), Error> {
        self.set_fdb(entry.into_value()?, Same::Keep)
    }

    /// Adds a forwarding entry or puts it in the place of the one for the same address, as `bridge fdb replace`.
    ///
    /// # Errors
    ///
    /// As [`Node::add_fdb`]; and for addresses whose entries add up.
    pub fn replace_fdb(&self, entry: impl IntoValue<FdbEntry>) -> Result<(), Error> {
        self.set_fdb(entry.into_value()?, Same::Replace)
    }

    /// Removes a forwarding entry, as `bridge fdb del`.
    ///
    /// # Errors
    ///
    /// If the text is no entry, or there is none like it.
    pub fn remove_fdb(&self, entry: impl IntoValue<FdbEntry>) -> Result<(), Error> {
        let entry = entry.into_value()?;
        let index = self.interface(&entry.dev)?.index()?;
        self.execute(neigh::delete_fdb(index, &entry, entry.to_string()))
    }

    fn set_fdb(&self, entry: FdbEntry, same: Same) -> Result<(), Error> {
        let LinkInfo { index, kind, .. } = self.interface(&entry.dev)?.info()?;
        if kind != "vxlan" && entry.dst.is_some() {
            checked::fdb(self.name(), &entry)?;
        }
        self.execute(neigh::add_fdb(index, &entry, same, entry.to_string()))
    }

    /// Makes an interface for this node, by a request to the one that it is made on.
    fn make(
        &self,
        name: &IfName,
        on: &Node,
        mtu: Option<u32>,
        request: impl FnOnce(&Made<'_>) -> crate::kernel::rtnl::Request,
    ) -> Result<Interface, Error> {
        let here = self.live()?;
        let netns = (on != self).then(|| here.netns.as_fd());
        on.execute(request(&Made { name, mac: None, mtu, netns }))?;
        let made = Interface::new(self.clone(), name);
        made.begin()?;
        Ok(made)
    }

    /// The node of that name in the same network, or this one.
    fn other(&self, name: Option<&NodeName>) -> Result<Node, Error> {
        let Some(name) = name else { return Ok(self.clone()) };
        let nodes = self.shared().map(|shared| shared.nodes()).unwrap_or_default();
        nodes.iter().find(|node| *name == *node.name()).cloned().ok_or_else(|| Error::NoSuchNode {
            name: name.to_string(),
            nodes: nodes.iter().map(|node| node.name().to_owned()).collect(),
        })
    }

    /// What the way to the far end of a tunnel carries beside encapsulation; all ways, if there is no far end yet.
    fn room_for(&self, vxlan: &Vxlan) -> Result<Option<u32>, Error> {
        let links = self.links()?;
        let rtnl = &self.live()?.rtnl;
        let to_remote = vxlan.remote.and_then(|remote| route::lookup(rtnl, remote, None).ok());
        let by = to_remote.and_then(|route| route.index());
        let addressed = |index: u32| -> Result<bool, Error> {
            Ok(self.addresses()?.iter().any(|a| a.index == index && a.address.is_ipv6() == vxlan.is_ipv6()))
        };
        let mut least: Option<u32> = None;
        for link in links.iter().filter(|link| !link.kind.is_empty()) {
            if by.map_or_else(|| addressed(link.index), |index| Ok(index == link.index))? {
                least = Some(least.map_or(link.mtu, |least| least.min(link.mtu)));
            }
        }
        Ok(least.map(|mtu| mtu.saturating_sub(vxlan.overhead()).max(68)))
    }
}
