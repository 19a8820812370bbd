//! What a node can be asked.

use std::net::IpAddr;

use netns_test_topology::Rule;

use super::{Error, Node};
use crate::kernel::{AddressInfo, FdbInfo, LinkInfo, NeighbourInfo, RouteInfo, addr, link, neigh, nsid, route, rule};

/// The main routing table.
const MAIN: u32 = 254;

impl Node {
    /// Its interfaces, as `ip link`.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn links(&self) -> Result<Vec<LinkInfo>, Error> {
        self.words(link::all(&self.live()?.rtnl))
    }

    /// Has the kernel do now what it put off when its interfaces changed.
    pub(super) fn settle(&self) -> Result<(), Error> {
        let live = self.live()?;
        let links = self.words(link::all_brief(&live.rtnl))?;
        links.iter().try_for_each(|link| self.words(link::settle(&live.rtnl, &link.name)))
    }

    /// The addresses of its interfaces, as `ip addr`.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn addresses(&self) -> Result<Vec<AddressInfo>, Error> {
        self.words(addr::all(&self.live()?.rtnl))
    }

    /// The routes of its main table, as `ip route` and `ip -6 route`, without what it has learned of single paths.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn routes(&self) -> Result<Vec<RouteInfo>, Error> {
        Ok(self.all_routes()?.into_iter().filter(|route| route.table == MAIN).collect())
    }

    /// The routes of all its tables, the local one among them, as `ip route show table all`.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn all_routes(&self) -> Result<Vec<RouteInfo>, Error> {
        self.words(route::all(&self.live()?.rtnl))
    }

    /// The route that a packet of this node to `to` takes, as `ip route get`.
    ///
    /// # Errors
    ///
    /// The kernel's refusal where there is none: `ENETUNREACH`, `EHOSTUNREACH`, `EACCES` or `EINVAL`.
    pub fn route_to(&self, to: IpAddr) -> Result<RouteInfo, Error> {
        self.words(route::lookup(&self.live()?.rtnl, to, None))
    }

    /// Its policy routing rules, as `ip rule` and `ip -6 rule`.
    ///
    /// # Errors
    ///
    /// If the node is gone; if a program has made a rule that says more than a [`Rule`] can hold, such as `not` or
    /// `goto`.
    pub fn rules(&self) -> Result<Vec<Rule>, Error> {
        self.words(rule::all(&self.live()?.rtnl))
    }

    /// Its neighbour table, as `ip neigh`: IPv4 (ARP) and IPv6 (NDP), without the entries of lo and of multicast
    /// addresses that need no resolution.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn neighbours(&self) -> Result<Vec<NeighbourInfo>, Error> {
        let all = self.words(neigh::all(&self.live()?.rtnl))?;
        Ok(all.into_iter().filter(|entry| entry.state != crate::kernel::NeighbourState::NoArp).collect())
    }

    /// Its neighbour entry for an address, if there is one.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn neighbour(&self, address: IpAddr) -> Result<Option<NeighbourInfo>, Error> {
        Ok(self.neighbours()?.into_iter().find(|entry| entry.address == address))
    }

    /// The forwarding entries of its bridges and VXLAN devices, as `bridge fdb`.
    ///
    /// # Errors
    ///
    /// If the node is gone.
    pub fn fdb(&self) -> Result<Vec<FdbInfo>, Error> {
        self.words(neigh::fdb(&self.live()?.rtnl))
    }

    /// The number this node gave to the network namespace of another ([ip-netns(8)], `nsid`); `None` if it has none.
    ///
    /// The kernel gives one when an interface of this node first gets a peer there, and keeps it.
    ///
    /// # Errors
    ///
    /// If either node is gone.
    ///
    /// [ip-netns(8)]: https://man7.org/linux/man-pages/man8/ip-netns.8.html
    pub fn netns_id_of(&self, other: &Node) -> Result<Option<i32>, Error> {
        let there = other.live()?;
        self.words(nsid::get(&self.live()?.rtnl, &there.netns))
    }

    /// The other end of the cable that one of its interfaces is an end of, if that is on a node of the network.
    pub(super) fn far_end(&self, near: &LinkInfo) -> Result<Option<(Node, LinkInfo)>, Error> {
        let is_far = |far: &LinkInfo| {
            far.kind == "veth" && Some(far.index) == near.peer_index && far.peer_index == Some(near.index)
        };
        if near.kind != "veth" {
            return Ok(None);
        }
        let here = near.peer_netns_id.is_none();
        let nodes = self.shared().map(|shared| shared.nodes()).unwrap_or_default();
        for node in nodes.into_iter().filter(|node| (node == self) == here) {
            if let Some(far) = node.links()?.into_iter().find(is_far)
                && (here || self.netns_id_of(&node)? == near.peer_netns_id)
            {
                return Ok(Some((node, far)));
            }
        }
        Ok(None)
    }

    /// The inode of its network namespace, which is what tells two namespaces apart ([namespaces(7)]).
    ///
    /// # Errors
    ///
    /// If the node is gone.
    ///
    /// [namespaces(7)]: https://man7.org/linux/man-pages/man7/namespaces.7.html
    pub fn netns_inode(&self) -> Result<u64, Error> {
        let live = self.live()?;
        nix::sys::stat::fstat(&live.netns)
            .map(|stat| stat.st_ino)
            .map_err(|errno| Error::io(self.name(), "read its namespace's inode", errno.into()))
    }
}
