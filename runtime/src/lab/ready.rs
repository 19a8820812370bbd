//! When what was built is ready: links in their states, addresses that can be used and found.

use std::{
    fs,
    net::{IpAddr, Ipv6Addr},
    thread,
    time::{Duration, Instant},
};

use netns_test_topology::plan::LinkState;

use super::{Error, Node};
use crate::kernel::{KernelError, LinkInfo, OperState, addr, link, rtnl::Rtnl};

/// How long an interface may take to reach the state that its plan implies. Seen: below 1 ms; and past 10 s, where one worker of
/// the kernel does duplicate address detection for every namespace of the machine, and others end namespaces by the hundred.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(30);

/// How long the kernel's deferred work on a changed carrier takes where it sees a hurry.
const HASTE: Duration = Duration::from_millis(2);

/// What a node waits for before it is ready.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) links: Vec<(String, LinkState)>,
    pub(super) addresses: Vec<IpAddr>,
    /// Whether every other address has to be usable as well: those of one link, which the kernel gives to interfaces that
    /// come up, pass over to that in its own time also without duplicate address detection.
    pub(super) settled: bool,
    /// How long the kernel takes by design.
    pub(super) delay: Duration,
}

/// What a node still waited for at the deadline.
pub(super) enum Missing {
    Link { interface: String, wanted: LinkState, seen: Option<Box<LinkInfo>>, after: Duration },
    Address { address: IpAddr, after: Duration },
}

pub(super) fn ipv6(address: IpAddr) -> Option<Ipv6Addr> {
    match address {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    }
}

impl Node {
    /// Waits until the node has joined the multicast groups to which others send their solicitations for its addresses
    /// ([RFC 4291], section 2.7.1).
    ///
    /// [RFC 4291]: https://www.rfc-editor.org/rfc/rfc4291#section-2.7.1
    pub(super) fn wait_until_found(&self, interface: &str, addresses: &[Ipv6Addr]) -> Result<(), Error> {
        if addresses.is_empty() {
            return Ok(());
        }
        let begin = Instant::now();
        let missing = self.try_run(|| {
            loop {
                let joined = fs::read_to_string("/proc/thread-self/net/igmp6")?;
                let missing = addresses.iter().find(|address| !has_joined(&joined, interface, **address)).copied();
                if missing.is_none() || begin.elapsed() > READY_WITHIN {
                    return Ok(missing);
                }
                crate::pause();
            }
        })?;
        match missing.map_err(|error| Error::io(self.name(), "list its multicast groups", error))? {
            None => Ok(()),
            Some(address) => {
                let (node, address) = (self.name().to_owned(), address.into());
                Err(Error::AddressNotReady { node, address, after: READY_WITHIN })
            }
        }
    }
}

/// Whether a table of multicast groups (index, interface, group and more) has the one for solicitations of an address.
fn has_joined(table: &str, interface: &str, address: Ipv6Addr) -> bool {
    let [.., a, b, c] = address.octets();
    let group = format!("ff0200000000000000000001ff{a:02x}{b:02x}{c:02x}");
    table.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some(interface) && words.next() == Some(&*group)
    })
}

/// Polls a node until all is as wanted, and returns what is not at the deadline, counted from the wait's begin.
pub(super) fn until_ready(rtnl: &Rtnl, wanted: Wanted, begin: Instant) -> Result<Option<Missing>, KernelError> {
    let after = READY_WITHIN + wanted.delay;
    loop {
        let links = link::all_brief(rtnl)?;
        let mut missing =
            wanted.links.iter().find_map(|(name, state)| match links.iter().find(|link| link.name == *name) {
                Some(link) if is_in(link, *state) => None,
                link => {
                    let (interface, seen) = (name.clone(), link.cloned().map(Box::new));
                    Some(Missing::Link { interface, wanted: *state, seen, after })
                }
            });
        if missing.is_none() && !wanted.addresses.is_empty() {
            let there = addr::all(rtnl)?;
            let usable = |address: &IpAddr| there.iter().any(|info| info.address.addr() == *address && !info.tentative);
            let address = wanted.addresses.iter().find(|address| !usable(address));
            missing = address.map(|address| Missing::Address { address: *address, after });
        }
        if missing.is_none() && wanted.settled {
            let tentative = addr::all(rtnl)?.into_iter().find(|info| info.tentative && !info.duplicate);
            missing = tentative.map(|info| Missing::Address { address: info.address.addr(), after });
        }
        if let (Some(Missing::Link { interface, .. }), true) = (&missing, begin.elapsed() > HASTE) {
            link::settle(rtnl, interface)?;
        }
        if missing.is_none() {
            // They have a carrier before they have a queue to send by.
            let mut early = links.iter().filter(|link| link.flags.up() && runs_with_carrier(link));
            return early.try_for_each(|link| link::settle(rtnl, &link.name)).map(|()| None);
        }
        match begin.elapsed() {
            elapsed if elapsed > after => return Ok(missing),
            // The kernel's deferred work takes some microseconds; the timer's tick is a millisecond.
            elapsed if elapsed < HASTE => thread::yield_now(),
            _ => crate::pause(),
        }
    }
}

/// Whether an interface is in a state.
pub(super) fn is_in(link: &LinkInfo, state: LinkState) -> bool {
    match state {
        LinkState::Down => !link.flags.up(),
        LinkState::NoCarrier => link.flags.up() && !link.flags.running(),
        LinkState::Running if runs_with_carrier(link) => link.flags.up() && link.flags.lower_up(),
        LinkState::Running if link.kind.is_empty() => link.flags.up() && link.flags.running(),
        LinkState::Running => link.flags.up() && link.oper_state == OperState::Up,
    }
}

/// Whether an interface is running as soon as it has a carrier, by the words that the kernel has for it.
///
/// The word UP comes to a bridge up to a second after its carrier. A VXLAN device never says more than UNKNOWN, and a
/// macvlan only if its parent changes.
fn runs_with_carrier(link: &LinkInfo) -> bool {
    matches!(&*link.kind, "bridge" | "vxlan" | "macvlan")
}
