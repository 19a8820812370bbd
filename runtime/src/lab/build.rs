//! A plan carried out: phase by phase, and within a phase node by node.

use std::{collections::HashMap, net::IpAddr, os::fd::AsFd, sync::Arc, thread, time::Instant};

use netns_test_topology::{
    Departure, IfName, Sysctl, Topology,
    plan::{Action, LinkState, Step},
};
use nix::errno::Errno;

use super::{
    Error,
    lane::{Lane, Setting},
    node::{Live, Node},
    ready::{Missing, Wanted, ipv6, until_ready},
    shared::Shared,
    view,
};
use crate::kernel::{
    KernelError, addr, link,
    neigh::{self, Same},
    neightbl,
    overlay::{self, Made},
    route,
    rtnl::Request,
    rule,
};

/// Steps of one phase need nothing of each other across nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Nodes,
    Sysctls,
    Bridges,
    Cables,
    Overlays,
    Config,
    Await,
    Firewall,
    NameServers,
}

/// Builds the nodes of a topology.
pub(super) fn build(topology: &Topology, shared: &Arc<Shared>) -> Result<Vec<Node>, Error> {
    let plan = topology.plan();
    let mut site = Site { topology, shared, nodes: Vec::new(), by_name: HashMap::new(), indexes: HashMap::new() };
    let mut steps = plan.steps();
    while let Some(first) = steps.first() {
        let phase = phase(&first.action);
        let end = steps.iter().position(|step| self::phase(&step.action) != phase).unwrap_or(steps.len());
        let (run, rest) = steps.split_at(end);
        steps = rest;
        match phase {
            Phase::Nodes => {
                // The settings that follow are written by the thread that makes the node.
                let end = rest.iter().position(|step| self::phase(&step.action) != Phase::Sysctls);
                let (settings, rest) = rest.split_at(end.unwrap_or(rest.len()));
                steps = rest;
                site.create_nodes(run, settings)?;
            }
            Phase::Sysctls => site.set_sysctls(run)?,
            Phase::Bridges | Phase::Cables | Phase::Config => site.request(run)?,
            Phase::Overlays => site.create_overlays(run)?,
            Phase::Await => site.wait_until_ready(run)?,
            Phase::Firewall => site.set_firewalls(run)?,
            Phase::NameServers => site.set_name_servers(run)?,
        }
    }
    Ok(site.nodes)
}

fn phase(action: &Action) -> Phase {
    match action {
        Action::CreateNode { .. } => Phase::Nodes,
        Action::SetSysctl(_) => Phase::Sysctls,
        Action::CreateBridge { .. } => Phase::Bridges,
        Action::CreateVeth { .. } => Phase::Cables,
        Action::CreateVxlan { .. } | Action::CreateMacvlan { .. } => Phase::Overlays,
        Action::AwaitLink { .. } | Action::AwaitAddress { .. } => Phase::Await,
        Action::SetFirewall { .. } => Phase::Firewall,
        Action::SetNameServers(_) => Phase::NameServers,
        _ => Phase::Config,
    }
}

/// What has been built so far.
struct Site<'a> {
    topology: &'a Topology,
    shared: &'a Arc<Shared>,
    nodes: Vec<Node>,
    by_name: HashMap<String, usize>,
    indexes: HashMap<(usize, String), u32>,
}

impl Site<'_> {
    fn create_nodes(&mut self, steps: &[Step], settings: &[Step]) -> Result<(), Error> {
        let mut sysctls: HashMap<&str, Vec<Setting>> = HashMap::new();
        for step in settings {
            if let Action::SetSysctl(Sysctl { key, value }) = &step.action {
                let is_departure = step.departure.is_some();
                let setting = Setting { key: key.clone(), value: value.clone(), is_departure };
                sysctls.entry(&step.node).or_default().push(setting);
            }
        }
        let create = |step: &Step, lane: &Lane| -> Result<Node, Error> {
            let node = self.topology.node(&step.node).expect("a plan makes the nodes of its topology");
            let departs = |departure: &Departure| node.departs(*departure, self.topology.profile);
            let departures = Departure::ALL.into_iter().filter(departs).collect();
            let settings = sysctls.get(&*step.node).map_or(&[][..], Vec::as_slice);
            let live = lane.create(&step.node, settings, departures)?;
            Ok(Node::new(step.node.to_string(), live, self.shared))
        };
        // A thread that makes namespaces is in another one afterwards, so it is never the caller's.
        let lanes = thread::available_parallelism().map_or(1, usize::from);
        let made = thread::scope(|scope| {
            let create = &create;
            let lanes: Vec<_> = steps
                .chunks(steps.len().div_ceil(lanes))
                .map(|steps| {
                    scope.spawn(move || -> Result<Vec<Node>, Error> {
                        let lane = Lane::open()?;
                        steps.iter().map(|step| create(step, &lane)).collect()
                    })
                })
                .collect();
            let join = |lane: thread::ScopedJoinHandle<_>| {
                lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            lanes.into_iter().map(join).collect::<Result<Vec<_>, _>>()
        })?;
        let made = made.into_iter().flatten();
        for node in made {
            self.by_name.insert(node.name().to_owned(), self.nodes.len());
            self.nodes.push(node);
        }
        // A setting of a node that was there before belongs to no new thread.
        let left: Vec<_> = settings.iter().filter(|step| !steps.iter().any(|made| made.node == step.node)).collect();
        left.into_iter().try_for_each(|step| self.set_sysctls(std::slice::from_ref(step)))
    }

    fn set_sysctls(&self, steps: &[Step]) -> Result<(), Error> {
        for step in steps {
            let Action::SetSysctl(Sysctl { key, value }) = &step.action else { continue };
            self.nodes[self.node(&step.node)].set_sysctl(key, value)?;
        }
        Ok(())
    }

    /// Sends each node's requests of a phase in one go, to all nodes at once.
    fn request(&mut self, steps: &[Step]) -> Result<(), Error> {
        self.learn_indexes(steps)?;
        let mut batches: Vec<Vec<Request>> = self.nodes.iter().map(|_| Vec::new()).collect();
        // Descriptors named in requests stay open until they have been answered.
        let lives: Vec<_> = (0..self.nodes.len()).map(|at| self.live(at)).collect::<Result<_, _>>()?;
        for step in steps {
            let at = self.node(&step.node);
            let request = match &step.action {
                Action::CreateVeth { end, peer_node, peer } => {
                    let far = self.node(peer_node);
                    for (node, end) in [(at, end), (far, peer)] {
                        if let Some(index) = end.index {
                            self.indexes.insert((node, end.name.to_string()), index);
                        }
                    }
                    link::create_veth(end, None, peer, (far != at).then(|| lives[far].netns.as_fd()))
                }
                other => self.config(at, other).map_err(|error| Error::kernel(&step.node, error))?,
            };
            batches[at].push(request);
        }
        for ((node, live), batch) in self.nodes.iter().zip(&lives).zip(batches) {
            node.words(live.rtnl.execute_all(batch))?;
        }
        if steps.iter().any(|step| matches!(step.action, Action::CreateVeth { .. } | Action::CreateBridge { .. })) {
            for (node, live) in self.nodes.iter().zip(&lives) {
                node.words(live.set_up_devices())?;
            }
        }
        Ok(())
    }

    /// One after another: each may be made on the one before it, and on another node's.
    fn create_overlays(&mut self, steps: &[Step]) -> Result<(), Error> {
        for step in steps {
            let at = self.node(&step.node);
            let (carrier, lower) = match &step.action {
                Action::CreateVxlan { vxlan, .. } => (vxlan.underlay.as_ref(), vxlan.dev.as_ref()),
                Action::CreateMacvlan { macvlan, .. } => (macvlan.parent_node.as_ref(), Some(&macvlan.parent)),
                _ => continue,
            };
            let carrier = carrier.map_or(at, |name| self.node(name));
            if let Some(lower) = lower {
                self.learn_index(carrier, lower)?;
            }
            let (live, carrier_live) = (self.live(at)?, self.live(carrier)?);
            let netns = (carrier != at).then(|| live.netns.as_fd());
            let lower = lower.map(|name| self.index(carrier, name)).transpose();
            let lower = lower.map_err(|error| Error::kernel(&step.node, error))?;
            let request = match &step.action {
                Action::CreateVxlan { name, mac, mtu, vxlan } => {
                    overlay::create_vxlan(&Made { name, mac: *mac, mtu: *mtu, netns }, vxlan, lower)
                }
                Action::CreateMacvlan { name, mac, mtu, macvlan } => {
                    let parent = lower.unwrap_or_default();
                    overlay::create_macvlan(&Made { name, mac: *mac, mtu: *mtu, netns }, parent, macvlan.mode)
                }
                _ => continue,
            };
            self.nodes[at].words(carrier_live.rtnl.execute(request))?;
            self.nodes[at].words(live.set_up_devices())?;
        }
        Ok(())
    }

    fn config(&self, at: usize, action: &Action) -> Result<Request, KernelError> {
        let index = |name: &IfName| self.index(at, name);
        Ok(match action {
            Action::CreateBridge { name, mac, options } => link::create_bridge(name, *mac, options)?,
            Action::SetMaster { interface, master } => {
                let master_index = index(master)?;
                link::set(index(interface)?, "make", format!("{interface} a port of {master}"), |link| {
                    link.controller(master_index)
                })
            }
            Action::SetMtu { interface, mtu } => {
                link::set(index(interface)?, "set MTU", format!("{mtu} of {interface}"), |link| link.mtu(*mtu))
            }
            Action::AddAddress { interface, address, no_dad } => {
                addr::add(index(interface)?, *address, *no_dad, format!("{address} to {interface}"))
            }
            Action::SetUp { interface } => link::set(index(interface)?, "set up", interface.to_string(), |l| l.up()),
            Action::SetNeighbourTimers { interface, v6, timers } => {
                neightbl::set(index(interface)?, *v6, timers, interface.to_string())
            }
            Action::AddNeighbour(entry) => {
                let words = format!("{} at {} dev {}", entry.address, entry.mac, entry.dev);
                neigh::add(index(&entry.dev)?, entry.address, entry.mac, words)
            }
            Action::AddFdb(entry) => neigh::add_fdb(index(&entry.dev)?, entry, Same::Keep, entry.to_string()),
            Action::AddRoute(route) => route::add(route, route.to_string(), index)?,
            Action::AddRule(entry) => rule::add(entry, format!("{entry:?}")),
            other => {
                return Err(KernelError::new("carry out", format!("{other:?}"), Errno::ENOSYS)
                    .because("this step is of a kind that this runtime does not know"));
            }
        })
    }

    /// Waits until every interface has the state that the plan gives it.
    fn wait_until_ready(&self, steps: &[Step]) -> Result<(), Error> {
        let mut wanted: Vec<Wanted> = self.nodes.iter().map(|_| Wanted::default()).collect();
        for step in steps {
            let wanted = &mut wanted[self.node(&step.node)];
            match &step.action {
                Action::AwaitLink { interface, state, delay } => {
                    wanted.links.push((interface.to_string(), *state));
                    wanted.delay = wanted.delay.max(*delay);
                    let node = self.topology.node(&step.node);
                    wanted.settled |= node.is_some_and(|n| n.departs(Departure::NoDad, self.topology.profile));
                }
                Action::AwaitAddress { address } => wanted.addresses.push(IpAddr::V6(*address)),
                _ => {}
            }
        }
        let begin = Instant::now();
        for (at, wanted) in wanted.into_iter().enumerate() {
            if wanted.links.is_empty() && wanted.addresses.is_empty() {
                continue;
            }
            let node = self.nodes[at].name().to_owned();
            let missing = self.nodes[at].words(until_ready(&self.live(at)?.rtnl, wanted, begin))?;
            match missing {
                None => {}
                Some(Missing::Link { interface, wanted, seen, after }) => {
                    return Err(Error::NotReady { node, interface, wanted, seen, after });
                }
                Some(Missing::Address { address, after }) => {
                    return Err(Error::AddressNotReady { node, address, after });
                }
            }
        }
        self.wait_until_found(steps)
    }

    /// Waits until nodes hear the neighbour solicitations for addresses that skip duplicate address detection: the
    /// kernel joins their multicast groups in its own time, and shows such an address as usable before.
    fn wait_until_found(&self, steps: &[Step]) -> Result<(), Error> {
        for step in steps {
            let Action::AwaitLink { interface, state: LinkState::Running, .. } = &step.action else { continue };
            let Some(node) = self.topology.node(&step.node) else { continue };
            if *interface == "lo" || !node.departs(Departure::NoDad, self.topology.profile) {
                continue;
            }
            let declared = node.interface(interface).map_or(&[][..], |declared| &declared.addresses);
            let addresses: Vec<_> = declared.iter().filter_map(|address| ipv6(address.addr())).collect();
            self.nodes[self.node(&step.node)].wait_until_found(interface, &addresses)?;
        }
        Ok(())
    }

    fn set_firewalls(&self, steps: &[Step]) -> Result<(), Error> {
        for step in steps {
            if let Action::SetFirewall { chains, counters } = &step.action {
                let live = self.live(self.node(&step.node))?;
                live.load_firewall(chains, counters).map_err(|error| Error::kernel(&step.node, error))?;
            }
        }
        Ok(())
    }

    fn set_name_servers(&self, steps: &[Step]) -> Result<(), Error> {
        for step in steps {
            if let Action::SetNameServers(servers) = &step.action {
                self.live(self.node(&step.node))?.netns.set_view(view::of_a_node(&step.node, servers.clone()));
            }
        }
        Ok(())
    }

    fn learn_index(&mut self, at: usize, name: &IfName) -> Result<(), Error> {
        if *name != "lo" && !self.indexes.contains_key(&(at, name.to_string())) {
            let links = self.nodes[at].words(link::all_brief(&self.live(at)?.rtnl))?;
            self.indexes.extend(links.into_iter().map(|link| ((at, link.name), link.index)));
        }
        Ok(())
    }

    /// Reads the indexes of the interfaces that these steps name and that were left to the kernel.
    fn learn_indexes(&mut self, steps: &[Step]) -> Result<(), Error> {
        for step in steps {
            let at = self.node(&step.node);
            names(&step.action).into_iter().try_for_each(|name| self.learn_index(at, name))?;
        }
        Ok(())
    }

    fn node(&self, name: &str) -> usize {
        *self.by_name.get(name).expect("a plan makes each node before it names it")
    }

    fn live(&self, at: usize) -> Result<Arc<Live>, Error> {
        self.nodes[at].live()
    }

    fn index(&self, at: usize, name: &IfName) -> Result<u32, KernelError> {
        if *name == "lo" {
            return Ok(1);
        }
        self.indexes
            .get(&(at, name.to_string()))
            .copied()
            .ok_or_else(|| KernelError::new("find interface", name.to_string(), Errno::ENODEV))
    }
}

/// The interfaces whose index a step needs.
fn names(action: &Action) -> Vec<&IfName> {
    match action {
        Action::SetMaster { interface, master } => vec![interface, master],
        Action::SetMtu { interface, .. }
        | Action::SetNeighbourTimers { interface, .. }
        | Action::AddAddress { interface, .. }
        | Action::SetUp { interface } => vec![interface],
        Action::AddNeighbour(entry) => vec![&entry.dev],
        Action::AddFdb(entry) => vec![&entry.dev],
        Action::AddRoute(route) => match &route.kind {
            netns_test_topology::RouteKind::Unicast(hops) => hops.iter().filter_map(|hop| hop.dev.as_ref()).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
