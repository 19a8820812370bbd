//! What can hold of one interface.

use std::{collections::BTreeSet, net::IpAddr};

use netns_test_runtime::{
    kernel::{FdbInfo, LinkInfo},
    lab::{Interface, Lab, Node},
};
use netns_test_topology::{
    Cidr, Mac,
    file::{
        WRONG_TYPE,
        tree::{Data, Value},
    },
};

use super::{
    fact::Wrong,
    range::Range,
    words::{Keys, Reader, Station, Whom, names},
};

/// The keys that say what holds of an interface.
pub(super) const KEYS: [&str; 14] = [
    "state", "flags", "mtu", "mac", "index", "qdisc", "address", "peer", "master", "ports", "learned", "fdb", "sent",
    "received",
];

const STATES: [&str; 4] = ["up", "down", "no carrier", "gone"];

/// A fact about an interface.
#[derive(Debug, Clone)]
pub(super) enum OfInterface {
    State(String),
    /// As `ip link` shows them.
    Flags(String),
    Mtu(Range),
    Mac(Station),
    Index(Range),
    Qdisc(String),
    Address(Cidr, bool),
    /// The other end of its cable.
    Peer(String, String),
    Master(Option<String>),
    Ports(BTreeSet<String>),
    /// Whom a bridge has learned to be behind this port.
    Learned(Station, bool),
    /// An entry for a MAC address, learned or set by hand, and the tunnel end it leads to.
    Fdb(Station, Option<Whom>, bool),
    Sent(Range),
    Received(Range),
}

impl OfInterface {
    pub(super) fn read(reader: &mut Reader, keys: &mut Keys, key: &str, value: &Value) -> Option<Self> {
        let mut there = |reader: &mut Reader| match keys.take("there") {
            Some(there) => reader.flag(there),
            None => Some(true),
        };
        Some(match key {
            "state" => {
                let text = reader.text(value)?.to_owned();
                if !STATES.contains(&text.as_str()) {
                    let help = "write `up`, `down`, `no carrier` or `gone`";
                    reader.wrong(WRONG_TYPE, &value.span, format!("`{text}` is no state of an interface"), help);
                    return None;
                }
                Self::State(text)
            }
            "flags" => Self::Flags(reader.text(value)?.to_owned()),
            "mtu" => Self::Mtu(Range::read(reader, value)?),
            "mac" => Self::Mac(reader.station(value)?),
            "index" => Self::Index(Range::read(reader, value)?),
            "qdisc" => Self::Qdisc(reader.text(value)?.to_owned()),
            "address" => {
                let there = there(reader);
                Self::Address(reader.parsed(value)?, there?)
            }
            "peer" => {
                let (node, interface) = reader.interface(value)?;
                Self::Peer(node, interface)
            }
            "master" if value.data == Data::Flag(false) => Self::Master(None),
            "master" => Self::Master(Some(reader.text(value)?.to_owned())),
            "ports" => Self::Ports(reader.texts(value)?.into_iter().collect()),
            "learned" => {
                let there = there(reader);
                Self::Learned(reader.station(value)?, there?)
            }
            "fdb" => {
                let there = there(reader);
                let dst = keys.take("dst").map(|dst| {
                    let text = reader.text(dst)?.to_owned();
                    reader.whom(&text, &dst.span)
                });
                let station = reader.station(value);
                Self::Fdb(station?, dst.map_or(Some(None), |dst| dst.map(Some))?, there?)
            }
            "sent" => Self::Sent(Range::read(reader, value)?),
            _ => Self::Received(Range::read(reader, value)?),
        })
    }

    /// The fact in words, of which names of tests are made.
    pub(super) fn words(&self, place: &str) -> String {
        match self {
            Self::State(is) => format!("{place} {is}"),
            Self::Flags(_) => format!("{place} flags"),
            Self::Mtu(_) => format!("{place} mtu"),
            Self::Mac(_) => format!("{place} mac"),
            Self::Index(_) => format!("{place} index"),
            Self::Qdisc(_) => format!("{place} qdisc"),
            Self::Address(is, _) => format!("{place} address {is}"),
            Self::Peer(node, interface) => format!("{place} is connected with {node}.{interface}"),
            Self::Master(_) => format!("{place} master"),
            Self::Ports(_) => format!("{place} ports"),
            Self::Learned(station, _) => format!("{place} has learned {station}"),
            Self::Fdb(station, ..) => format!("{place} fdb {station}"),
            Self::Sent(_) => format!("{place} sent"),
            Self::Received(_) => format!("{place} received"),
        }
    }

    /// What is expected, in a few words.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::State(is) | Self::Flags(is) | Self::Qdisc(is) => is.clone(),
            Self::Mtu(range) | Self::Index(range) => range.text.clone(),
            Self::Mac(is) => is.to_string(),
            Self::Address(is, there) => format!("{}{is}", if *there { "" } else { "no " }),
            Self::Peer(node, interface) => format!("{node}.{interface}"),
            Self::Master(bridge) => bridge.clone().unwrap_or("none".to_owned()),
            Self::Ports(ports) => names(ports),
            Self::Learned(station, there) => format!("{}{station}", if *there { "" } else { "not " }),
            Self::Fdb(station, dst, there) => {
                let dst = dst.as_ref().map(|dst| format!(" dst {dst}")).unwrap_or_default();
                format!("{}{station}{dst}", if *there { "" } else { "no entry for " })
            }
            Self::Sent(range) | Self::Received(range) => format!("{} packets", range.text),
        }
    }

    /// Whether it holds, and what was seen.
    pub(super) fn look(&self, lab: &Lab, node: &Node, name: &str) -> Result<(bool, String), Wrong> {
        let links = node.links().map_err(Wrong::unknown)?;
        let name_of = |index: u32| links.iter().find(|link| link.index == index).map(|link| link.name.clone());
        let interface = || -> Result<Interface, Wrong> { node.interface(name).map_err(Wrong::unknown) };
        let mine = || interface()?.info().map_err(Wrong::unknown);
        let text = |is: &str, seen: String| Ok((is.split_whitespace().eq(seen.split_whitespace()), seen));
        match self {
            Self::State(is) => text(is, state(links.iter().find(|link| link.name == name)).to_owned()),
            Self::Flags(is) => text(is, mine()?.flags.to_string()),
            Self::Mtu(range) => Ok(number(range, mine()?.mtu)),
            Self::Index(range) => Ok(number(range, mine()?.index)),
            Self::Qdisc(is) => text(is, mine()?.qdisc),
            Self::Mac(is) => text(&is.mac(lab).map_err(Wrong::unknown)?.to_string(), mine()?.mac.to_string()),
            Self::Address(is, there) => {
                let all = interface()?.addresses().map_err(Wrong::unknown)?;
                let all: BTreeSet<String> = all.iter().map(|info| info.address.to_string()).collect();
                Ok((
                    all.contains(&is.to_string()) == *there,
                    if all.is_empty() { "no address".into() } else { names(&all) },
                ))
            }
            Self::Peer(on, name) => peer(lab, &mine()?, node, &lab.node(on).map_err(Wrong::unknown)?, name),
            Self::Master(is) => {
                let seen = mine()?.master.and_then(name_of).unwrap_or("none".to_owned());
                text(is.as_deref().unwrap_or("none"), seen)
            }
            Self::Ports(is) => {
                let me = mine()?;
                if me.bridge.is_none() {
                    return Err(Wrong::unknown(format!("`{}.{name}` is no bridge, so it has no ports", node.name())));
                }
                let ports = links.iter().filter(|link| link.master == Some(me.index)).map(|link| link.name.clone());
                let ports: BTreeSet<String> = ports.collect();
                Ok((ports == *is, names(&ports)))
            }
            Self::Learned(station, there) => {
                let (mac, me) = (station.mac(lab).map_err(Wrong::unknown)?, mine()?);
                if me.master.is_none() {
                    let why = format!("`{}.{name}` is no port of a bridge, so nobody is behind it", node.name());
                    return Err(Wrong::unknown(why));
                }
                let entries = node.fdb().map_err(Wrong::unknown)?;
                let entry = entries.iter().find(|entry| entry.mac == mac && !entry.permanent);
                let seen = match entry {
                    Some(entry) => format!("{mac} on {}", name_of(entry.port).unwrap_or_default()),
                    None => format!("{mac} is not known"),
                };
                Ok((entry.is_some_and(|entry| entry.port == me.index) == *there, seen))
            }
            Self::Fdb(station, dst, there) => {
                let mac = station.mac(lab).map_err(Wrong::unknown)?;
                let ends = dst.as_ref().map(|dst| dst.addresses(lab)).transpose().map_err(Wrong::unknown)?;
                fdb(&mine()?, node, mac, ends.as_deref(), *there)
            }
            Self::Sent(range) => Ok(packets(range, mine()?.counters.tx_packets)),
            Self::Received(range) => Ok(packets(range, mine()?.counters.rx_packets)),
        }
    }
}

/// Several entries for one address are possible: on a VXLAN device for the address of all zeros, and beside those of a
/// device those that its bridge has for the same port.
fn fdb(link: &LinkInfo, node: &Node, mac: Mac, ends: Option<&[IpAddr]>, there: bool) -> Result<(bool, String), Wrong> {
    if link.master.is_none() && link.vxlan.is_none() && link.bridge.is_none() {
        let place = format!("`{}.{}`", node.name(), link.name);
        let why = format!("{place} is no bridge, port of one or VXLAN device, so it forwards by no entries");
        return Err(Wrong::unknown(why));
    }
    let all = node.fdb().map_err(Wrong::unknown)?;
    let of_mac: Vec<&FdbInfo> = all.iter().filter(|entry| entry.port == link.index && entry.mac == mac).collect();
    let is_meant = |entry: &&&FdbInfo| ends.is_none_or(|ends| entry.destination.is_some_and(|end| ends.contains(&end)));
    // The entry that decides, or else one that shows what is different.
    let shown = of_mac.iter().find(is_meant).or(of_mac.iter().find(|entry| entry.destination.is_some()));
    let seen = match shown.or(of_mac.first()) {
        None => format!("no entry for {mac}"),
        Some(entry) => {
            let dst = entry.destination.map(|end| format!(" dst {end}")).unwrap_or_default();
            format!("{mac}{dst}, {}", if entry.permanent { "set by hand" } else { "learned" })
        }
    };
    Ok((of_mac.iter().any(|entry| is_meant(&entry)) == there, seen))
}

fn number(range: &Range, seen: u32) -> (bool, String) {
    (range.holds(seen.into()), seen.to_string())
}

fn packets(range: &Range, seen: u64) -> (bool, String) {
    (range.holds(seen), format!("{seen} packets"))
}

fn state(link: Option<&LinkInfo>) -> &'static str {
    match link {
        None => "gone",
        Some(link) if !link.flags.up() => "down",
        Some(link) if !link.flags.lower_up() => "no carrier",
        Some(_) => "up",
    }
}

/// Indexes are a namespace's own, so the other namespace has to be the right one as well.
fn peer(lab: &Lab, link: &LinkInfo, node: &Node, other: &Node, name: &str) -> Result<(bool, String), Wrong> {
    let far = other.interface(name).and_then(|far| far.info()).map_err(Wrong::unknown)?;
    let is_of = |other: &Node| match link.peer_netns_id {
        None => Ok(node == other),
        Some(id) => node.netns_id_of(other).map(|of| of == Some(id) && node != other).map_err(Wrong::unknown),
    };
    let Some(index) = link.peer_index.filter(|_| link.kind == "veth") else {
        return Ok((false, "it has no peer".to_owned()));
    };
    if index == far.index && far.peer_index == Some(link.index) && is_of(other)? {
        return Ok((true, format!("{} and {}, each other's peer", link.index, far.index)));
    }
    for other in lab.nodes() {
        if is_of(&other)?
            && let Some(peer) = other.links().map_err(Wrong::unknown)?.into_iter().find(|link| link.index == index)
        {
            return Ok((false, format!("its peer is {}.{}", other.name(), peer.name)));
        }
    }
    Ok((false, format!("its peer is interface {index} of nobody here")))
}
