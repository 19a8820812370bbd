use std::{fmt, net::IpAddr, os::fd::AsFd, os::fd::AsRawFd, sync::Arc, time::Instant};

use netns_test_topology::{
    BridgeOptions, Cidr, Departure, IfName, Mac,
    build::IntoValue,
    plan::{LinkState, NeighbourTimers},
};
use nix::errno::Errno;

use super::{Error, Node, ready};
use crate::{
    kernel::{AddressInfo, Counters, LinkInfo, addr, link, neightbl},
    sys,
};

/// A network interface of a node, by its name there.
///
/// A handle: clones name the same interface and hold nothing in the kernel. Every call asks the kernel anew, so it
/// speaks of whatever has that name at the moment.
#[derive(Clone, PartialEq, Eq)]
pub struct Interface {
    node: Node,
    name: Arc<str>,
}

impl Interface {
    pub(super) fn new(node: Node, name: &str) -> Self {
        Self { node, name: name.into() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The node it belongs to.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// What the kernel says of it now.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchInterface`] if it is gone.
    pub fn info(&self) -> Result<LinkInfo, Error> {
        let live = self.node.live()?;
        match self.node.words(link::by_name(&live.rtnl, &self.name))? {
            Some(info) => Ok(info),
            None => Err(Error::NoSuchInterface {
                node: self.node.name().to_owned(),
                name: self.name.to_string(),
                interfaces: self.node.links()?.into_iter().map(|link| link.name).collect(),
            }),
        }
    }

    /// Its index, unique on its node only.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchInterface`] if it is gone.
    pub fn index(&self) -> Result<u32, Error> {
        self.info().map(|info| info.index)
    }

    /// Its Ethernet address.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchInterface`] if it is gone.
    pub fn mac(&self) -> Result<Mac, Error> {
        self.info().map(|info| info.mac)
    }

    /// What it carried since it was made.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchInterface`] if it is gone.
    pub fn counters(&self) -> Result<Counters, Error> {
        self.info().map(|info| info.counters)
    }

    /// What its driver counts beside that, by name, as `ethtool -S`: for a veth end the index of its peer
    /// (`peer_ifindex`), for others what the driver likes.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchInterface`] if it is gone, or `EOPNOTSUPP` if its driver counts nothing, as that of `lo`.
    pub fn driver_statistics(&self) -> Result<Vec<(String, u64)>, Error> {
        self.info()?;
        self.node.try_run(|| sys::driver_statistics(&self.name))?.map_err(|error| {
            Error::io(self.node.name(), format!("read the statistics of {}'s driver", self.name), error)
        })
    }

    /// Its addresses, link-local ones among them.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchInterface`] if it is gone.
    pub fn addresses(&self) -> Result<Vec<AddressInfo>, Error> {
        let index = self.index()?;
        let live = self.node.live()?;
        let all = self.node.words(addr::all(&live.rtnl))?;
        Ok(all.into_iter().filter(|address| address.index == index).collect())
    }

    /// Its first address that is no link-local one.
    ///
    /// # Panics
    ///
    /// If it has none, or is gone.
    #[track_caller]
    pub fn addr(&self) -> IpAddr {
        match self.addresses() {
            Ok(addresses) => {
                let mut all = addresses.iter().map(|info| info.address.addr());
                match all.find(|addr| !matches!(addr, IpAddr::V6(addr) if addr.is_unicast_link_local())) {
                    Some(addr) => addr,
                    None => panic!("`{self}` has no address"),
                }
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Sets it up, as `ip link set … up`.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn up(&self) -> Result<(), Error> {
        self.set("set up", |link| link.up())
    }

    /// Waits until it can carry packets: up, with a carrier, and the kernel's deferred work on that done, here, at the far
    /// end of its cable, and for the bridges that these are ports of.
    ///
    /// Setting an interface up returns before; a packet sent at once, or through a bridge's port, may be lost.
    ///
    /// # Errors
    ///
    /// [`Error::NotReady`] after 30 s, as when the far end is down.
    pub fn wait_until_running(&self) -> Result<(), Error> {
        let begin = Instant::now();
        let info = self.wait_until_running_alone(begin)?;
        if let Some((node, far)) = self.node.far_end(&info)? {
            Interface::new(node, &far.name).wait_until_running_alone(begin)?;
        }
        Ok(())
    }

    fn wait_until_running_alone(&self, begin: Instant) -> Result<LinkInfo, Error> {
        loop {
            let info = self.info()?;
            if ready::is_in(&info, LinkState::Running) {
                if info.master.is_some() {
                    self.node.settle()?;
                }
                return Ok(info);
            }
            if begin.elapsed() > ready::READY_WITHIN {
                return Err(Error::NotReady {
                    node: self.node.name().to_owned(),
                    interface: self.name.to_string(),
                    wanted: LinkState::Running,
                    seen: Some(Box::new(info)),
                    after: ready::READY_WITHIN,
                });
            }
            crate::pause();
        }
    }

    /// Sets it down, as `ip link set … down`: its routes go, its IPv4 addresses stay.
    ///
    /// The far end of its cable notices in the kernel's own time, or when the network is
    /// [settled](super::Lab::settle). A ping from there is lost before that (a timeout, or `ENOBUFS`), and is told that the
    /// host is unreachable after it; behind a bridge it is always lost.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn down(&self) -> Result<(), Error> {
        self.set("set down", |link| link.down())
    }

    /// Sets its MTU, in bytes.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, as out of range.
    pub fn set_mtu(&self, mtu: u32) -> Result<(), Error> {
        self.execute(link::set(self.index()?, "set the MTU of", format!("{} to {mtu}", self.name), |link| {
            link.mtu(mtu)
        }))
    }

    /// Sets the length of its transmit queue, in packets (`txqueuelen`); a queueing discipline that is made later
    /// takes its limit from it.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn set_tx_queue_len(&self, packets: u32) -> Result<(), Error> {
        self.set("set the queue length of", |link| link.txqueuelen(packets))
    }

    /// Sets its Ethernet address.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, as for a group address.
    pub fn set_mac(&self, mac: impl IntoValue<Mac>) -> Result<(), Error> {
        let mac = mac.into_value()?;
        let change = |link: rtnetlink::LinkMessageBuilder<_>| link.address(mac.octets().to_vec());
        match self.execute(link::set(
            self.index()?,
            "set the MAC address of",
            format!("{} to {mac}", self.name),
            change,
        )) {
            Err(Error::Kernel { node, source }) if source.is(Errno::EADDRNOTAVAIL) && !mac.is_unicast() => {
                let why = if mac.octets() == [0; 6] { "that is no address" } else { "that is the address of a group" };
                Err(Error::Kernel { node, source: source.because(why) })
            }
            done => done,
        }
    }

    /// Makes it a port of a bridge of the same node.
    ///
    /// # Errors
    ///
    /// If the bridge is on another node or is no bridge.
    pub fn set_master(&self, bridge: &Interface) -> Result<(), Error> {
        if bridge.node != self.node {
            return Err(Error::BridgeElsewhere {
                interface: self.to_string(),
                bridge: bridge.name().to_owned(),
                node: bridge.node.name().to_owned(),
            });
        }
        let index = bridge.index()?;
        self.set("change the bridge of", |link| link.controller(index))
    }

    /// Takes it off its bridge.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn unset_master(&self) -> Result<(), Error> {
        self.set("change the bridge of", |link| link.nocontroller())
    }

    /// Changes settings of a bridge; those that are `None` stay.
    ///
    /// # Errors
    ///
    /// If it is no bridge, or the kernel refuses; if a time is not in whole hundredths of a second.
    pub fn set_bridge(&self, options: &BridgeOptions) -> Result<(), Error> {
        let index = self.index()?;
        self.execute(self.node.words(link::change_bridge(index, &self.name, options))?)
    }

    /// Adds an address, as `ip addr add`; in the ready profile an IPv6 one is usable at once.
    ///
    /// # Errors
    ///
    /// If it is no address with a prefix, or the kernel refuses.
    pub fn add_address(&self, address: impl IntoValue<Cidr>) -> Result<(), Error> {
        let address = address.into_value()?;
        let no_dad = self.node.live()?.departs(Departure::NoDad);
        let link = self.info()?;
        self.execute(addr::add(link.index, address, no_dad, format!("{address} to {}", self.name)))?;
        match ready::ipv6(address.addr()) {
            Some(address) if no_dad && link.flags.running() && self.name() != "lo" => {
                self.node.wait_until_found(self.name(), &[address])
            }
            _ => Ok(()),
        }
    }

    /// Adds an IPv4 address and sets the broadcast address of its network beside it, as `ip addr add … broadcast +`.
    ///
    /// The kernel sends to that address as a broadcast in any case; programs that ask the interface for it, as
    /// ifconfig(8) does, find it only if it is set ([netdevice(7)], `SIOCGIFBRDADDR`).
    ///
    /// # Errors
    ///
    /// If it is no IPv4 address with a prefix, or the kernel refuses.
    ///
    /// [netdevice(7)]: https://man7.org/linux/man-pages/man7/netdevice.7.html
    pub fn add_address_with_broadcast(&self, address: impl IntoValue<Cidr>) -> Result<(), Error> {
        let address = address.into_value()?;
        if address.is_ipv6() {
            return Err(Error::NoBroadcast { address });
        }
        self.execute(addr::add_with_broadcast(self.index()?, address, format!("{address} to {}", self.name)))
    }

    /// Removes an address, as `ip addr del`.
    ///
    /// # Errors
    ///
    /// If it does not have that address with that prefix.
    pub fn remove_address(&self, address: impl IntoValue<Cidr>) -> Result<(), Error> {
        let address = address.into_value()?;
        self.execute(addr::delete(self.index()?, address, format!("{address} from {}", self.name)))
    }

    /// Moves it to another node, as `ip link set … netns …`; it keeps its name and MAC address, and its index if that
    /// is free there. It goes down and loses its addresses.
    ///
    /// This takes tens of milliseconds, where making a cable in its place takes half of one.
    ///
    /// # Errors
    ///
    /// If the other node has an interface of that name, or the kernel refuses.
    pub fn move_to(&self, node: &Node) -> Result<Interface, Error> {
        let there = node.live()?;
        self.set("move", |link| link.setns_by_fd(there.netns.as_fd().as_raw_fd()))?;
        let moved = Interface::new(node.clone(), &self.name);
        moved.begin()?;
        Ok(moved)
    }

    /// Gives it another name, as `ip link set … name …`.
    ///
    /// # Errors
    ///
    /// If the name is invalid or taken.
    pub fn rename(&self, name: &str) -> Result<Interface, Error> {
        let name = IfName::new(name)?;
        self.set("rename", |link| link.name(&*name))?;
        Ok(Interface::new(self.node.clone(), &name))
    }

    /// Deletes it, as `ip link del`; the far end of a cable goes with it.
    ///
    /// # Errors
    ///
    /// If it is gone already, or cannot be deleted, as `lo`.
    pub fn delete(&self) -> Result<(), Error> {
        let index = self.index()?;
        self.execute(link::delete(index, &*self.name))
    }

    /// Gives an interface that is new on its node what the node's profile gives to all.
    pub(super) fn begin(&self) -> Result<(), Error> {
        let live = self.node.live()?;
        self.node.words(live.set_up_devices())?;
        if !live.departs(Departure::ShortNeighbourTimers) {
            return Ok(());
        }
        let index = self.index()?;
        let timers = |v6| neightbl::set(index, v6, &NeighbourTimers::SHORT, &*self.name);
        self.execute(timers(false))?;
        match self.execute(timers(true)) {
            // Below the IPv6 minimum of 1280 bytes, or with IPv6 off, there is nothing to set.
            Err(Error::Kernel { source, .. }) if source.is(Errno::ENOENT) => Ok(()),
            done => done,
        }
    }

    fn set(
        &self,
        operation: &'static str,
        change: impl FnOnce(
            rtnetlink::LinkMessageBuilder<rtnetlink::LinkUnspec>,
        ) -> rtnetlink::LinkMessageBuilder<rtnetlink::LinkUnspec>,
    ) -> Result<(), Error> {
        let index = self.index()?;
        self.execute(link::set(index, operation, &*self.name, change))
    }

    fn execute(&self, request: crate::kernel::rtnl::Request) -> Result<(), Error> {
        self.node.execute(request)
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.node.name(), self.name))
    }
}

impl fmt::Debug for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Interface({self})")
    }
}
