//! Interfaces on top of others: VXLAN and macvlan ([rtnetlink(7)], RTM_NEWLINK).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::{
    net::IpAddr,
    os::fd::{AsRawFd, BorrowedFd},
    time::Duration,
};

use netns_test_topology::{Mac, MacvlanMode, Vxlan};
use rtnetlink::{
    LinkMacVlan, LinkMessageBuilder, LinkVxlan,
    packet_route::link::{InfoMacVlan, InfoVxlan, MacVlanMode as RawMode},
};

use super::{link, rtnl::Request};

/// What a VXLAN device is set to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct VxlanInfo {
    /// The number of its overlay network.
    pub id: u32,
    /// The source address of the packets that carry frames.
    pub local: Option<IpAddr>,
    /// The far end or group for frames whose destination is not known.
    pub remote: Option<IpAddr>,
    /// The index of the interface that carries the tunnel, in the network namespace of the underlay.
    pub dev: Option<u32>,
    /// The UDP port of all ends.
    pub port: u16,
    /// The range of its source ports; 0 and 0 for the kernel's own choice.
    pub source_ports: (u16, u16),
    /// Whether it learns behind which tunnel end a MAC address is.
    pub learning: bool,
    /// Whether it answers ARP requests and neighbour solicitations itself.
    pub proxy: bool,
    /// Whether it tells programs of a MAC address whose tunnel end it does not know.
    pub l2miss: bool,
    /// Whether it tells programs of an address whose MAC address it does not know.
    pub l3miss: bool,
    /// After how long a learned MAC address is forgotten.
    pub ageing: Duration,
    /// The TTL of the packets that carry frames; 0 for the kernel's own choice.
    pub ttl: u8,
    /// Whether the packets that carry frames have a UDP checksum, over IPv4.
    pub udp_checksum: bool,
    /// Whether they have none over IPv6.
    pub udp_zero_checksum6_tx: bool,
    /// Whether packets without one are taken over IPv6.
    pub udp_zero_checksum6_rx: bool,
}

/// Where an interface is made, and with what.
pub(crate) struct Made<'a> {
    pub(crate) name: &'a str,
    pub(crate) mac: Option<Mac>,
    pub(crate) mtu: Option<u32>,
    /// The network namespace it is made for; the one that the request goes to, if `None`.
    pub(crate) netns: Option<BorrowedFd<'a>>,
}

/// A VXLAN device, down. The request goes to the namespace of the underlay, where `dev` is an index, and where the UDP
/// socket will be.
pub(crate) fn create_vxlan(made: &Made<'_>, vxlan: &Vxlan, dev: Option<u32>) -> Request {
    let mut builder = place(LinkVxlan::new(made.name, vxlan.id.get()), made)
        .append_info_data(InfoVxlan::Port(vxlan.port))
        .append_info_data(InfoVxlan::Learning(vxlan.learning))
        .append_info_data(InfoVxlan::Proxy(vxlan.proxy))
        .append_info_data(InfoVxlan::L2Miss(vxlan.l2miss))
        .append_info_data(InfoVxlan::L3Miss(vxlan.l3miss));
    if let Some(index) = dev {
        builder = builder.dev(index);
    }
    if let Some(local) = vxlan.local {
        builder = builder.append_info_data(match local {
            IpAddr::V4(v4) => InfoVxlan::Local(v4),
            IpAddr::V6(v6) => InfoVxlan::Local6(v6),
        });
    }
    if let Some(remote) = vxlan.remote {
        builder = builder.append_info_data(match remote {
            IpAddr::V4(v4) => InfoVxlan::Group(v4),
            IpAddr::V6(v6) => InfoVxlan::Group6(v6),
        });
    }
    if let Some(ageing) = vxlan.ageing {
        // The checker has seen that it fits.
        builder = builder.append_info_data(InfoVxlan::Ageing(ageing.as_secs().try_into().unwrap_or(u32::MAX)));
    }
    link::create(builder.build(), format!("VXLAN device {} {vxlan}", made.name))
}

/// A macvlan interface, down. The request goes to the namespace where `parent` is an index.
pub(crate) fn create_macvlan(made: &Made<'_>, parent: u32, mode: MacvlanMode) -> Request {
    let raw = match mode {
        MacvlanMode::Bridge => RawMode::Bridge,
        MacvlanMode::Private => RawMode::Private,
        MacvlanMode::Vepa => RawMode::Vepa,
        MacvlanMode::Passthru => RawMode::Passthrough,
    };
    let builder = place(LinkMacVlan::new(made.name, parent, raw), made);
    link::create(builder.build(), format!("macvlan interface {} in mode {mode}", made.name))
}

fn place<T>(builder: LinkMessageBuilder<T>, made: &Made<'_>) -> LinkMessageBuilder<T> {
    let builder = link::with(builder, made.mac, made.mtu);
    match made.netns {
        Some(fd) => builder.setns_by_fd(fd.as_raw_fd()),
        None => builder,
    }
}

pub(super) fn vxlan(settings: &[InfoVxlan]) -> VxlanInfo {
    let mut info = VxlanInfo::default();
    for setting in settings {
        match *setting {
            InfoVxlan::Id(id) => info.id = id,
            InfoVxlan::Local(address) => info.local = Some(address.into()),
            InfoVxlan::Local6(address) => info.local = Some(address.into()),
            InfoVxlan::Group(address) => info.remote = Some(address.into()),
            InfoVxlan::Group6(address) => info.remote = Some(address.into()),
            InfoVxlan::Link(index) => info.dev = Some(index),
            InfoVxlan::Port(port) => info.port = port,
            InfoVxlan::PortRange(range) => info.source_ports = range,
            InfoVxlan::Learning(on) => info.learning = on,
            InfoVxlan::Proxy(on) => info.proxy = on,
            InfoVxlan::L2Miss(on) => info.l2miss = on,
            InfoVxlan::L3Miss(on) => info.l3miss = on,
            InfoVxlan::Ageing(seconds) => info.ageing = Duration::from_secs(seconds.into()),
            InfoVxlan::Ttl(ttl) => info.ttl = ttl,
            InfoVxlan::UDPCsum(on) => info.udp_checksum = on,
            InfoVxlan::UDPZeroCsumTX(on) => info.udp_zero_checksum6_tx = on,
            InfoVxlan::UDPZeroCsumRX(on) => info.udp_zero_checksum6_rx = on,
            _ => {}
        }
    }
    info
}

pub(super) fn macvlan_mode(settings: &[InfoMacVlan]) -> Option<MacvlanMode> {
    settings.iter().find_map(|setting| match setting {
        InfoMacVlan::Mode(RawMode::Bridge) => Some(MacvlanMode::Bridge),
        InfoMacVlan::Mode(RawMode::Private) => Some(MacvlanMode::Private),
        InfoMacVlan::Mode(RawMode::Vepa) => Some(MacvlanMode::Vepa),
        InfoMacVlan::Mode(RawMode::Passthrough) => Some(MacvlanMode::Passthru),
        _ => None,
    })
}
