//! What the kernel says of links ([rtnetlink(7)], RTM_NEWLINK).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::fmt;

use netns_test_topology::{Mac, MacvlanMode};
use rtnetlink::packet_route::{
    RouteNetlinkMessage,
    link::{
        AfSpecInet6, AfSpecUnspec, BridgePortState, In6AddrGenMode, InfoBridge, InfoBridgePort, InfoData, InfoPortData,
        LinkAttribute, LinkFlags as RawFlags, LinkInfo as RawInfo, LinkMessage, State, Stats64,
    },
};

use super::overlay::{self, VxlanInfo};

/// A network interface as the kernel describes it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkInfo {
    /// Its name.
    pub name: String,
    /// Its index, unique in its network namespace only.
    pub index: u32,
    /// What kind it is in the kernel's word (`veth`, `bridge`, …); empty for `lo`.
    pub kind: String,
    /// Its flags ([netdevice(7)]).
    ///
    /// [netdevice(7)]: https://man7.org/linux/man-pages/man7/netdevice.7.html
    pub flags: LinkFlags,
    /// Its operational state ([RFC 2863]).
    ///
    /// [RFC 2863]: https://www.rfc-editor.org/rfc/rfc2863
    pub oper_state: OperState,
    /// The largest packet it sends, in bytes.
    pub mtu: u32,
    /// Its Ethernet address.
    pub mac: Mac,
    /// Its queueing discipline, such as `noqueue`, or `noop` while it is down.
    pub qdisc: String,
    /// The length of its transmit queue, in packets.
    pub tx_queue_len: u32,
    /// The index of the bridge that it is a port of.
    pub master: Option<u32>,
    /// `IFLA_LINK`: for a veth end the index of its peer, for a macvlan that of its parent, in the other's network
    /// namespace.
    pub peer_index: Option<u32>,
    /// `IFLA_LINK_NETNSID`: the number that this namespace gave to the peer's; `None` if it is the same.
    pub peer_netns_id: Option<i32>,
    /// What it carried since it was made.
    pub counters: Counters,
    /// Its settings and identity, for a bridge.
    pub bridge: Option<BridgeInfo>,
    /// Its settings, for a VXLAN device.
    pub vxlan: Option<VxlanInfo>,
    /// Its mode, for a macvlan.
    pub macvlan: Option<MacvlanMode>,
    /// How many want to receive every frame: a bridge of its ports, or a capture (`IFLA_PROMISCUITY`).
    pub promiscuity: u32,
    /// How many want to receive every multicast frame: a bridge of its ports, or a daemon (`IFLA_ALLMULTI`).
    pub all_multicast: u32,
    /// How its IPv6 link-local address is made (`IFLA_INET6_ADDR_GEN_MODE`); `None` without IPv6.
    pub address_generation: Option<AddressGeneration>,
    /// Its spanning tree state, for a port of a bridge.
    pub port_state: Option<PortState>,
}

/// The flags of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkFlags(u32);

impl LinkFlags {
    /// Whether it is administratively up (`IFF_UP`).
    pub fn up(self) -> bool {
        self.has(RawFlags::Up)
    }

    /// Whether it has a carrier (`IFF_LOWER_UP`).
    pub fn lower_up(self) -> bool {
        self.has(RawFlags::LowerUp)
    }

    /// Whether it is operational (`IFF_RUNNING`).
    pub fn running(self) -> bool {
        self.has(RawFlags::Running)
    }

    /// The flags as `ip link` shows them, in its order, such as `NO-CARRIER,BROADCAST,MULTICAST,UP`.
    ///
    /// ```
    /// let flags = netns_test_runtime::kernel::LinkFlags::from_bits(0x1003);
    /// assert_eq!(flags.to_string(), "NO-CARRIER,BROADCAST,MULTICAST,UP");
    /// ```
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The flags as a number, `ifi_flags`.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether it is up and asks neighbours for their link addresses.
    pub(crate) fn asks_neighbours(self) -> bool {
        self.up() && !self.has(RawFlags::Loopback) && !self.has(RawFlags::Noarp)
    }

    fn has(self, flag: RawFlags) -> bool {
        self.0 & flag.bits() != 0
    }
}

impl fmt::Display for LinkFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if self.up() && !self.running() {
            words.push("NO-CARRIER");
        }
        for (flag, word) in [
            (RawFlags::Loopback, "LOOPBACK"),
            (RawFlags::Broadcast, "BROADCAST"),
            (RawFlags::Pointopoint, "POINTOPOINT"),
            (RawFlags::Multicast, "MULTICAST"),
            (RawFlags::Noarp, "NOARP"),
            (RawFlags::Allmulti, "ALLMULTI"),
            (RawFlags::Promisc, "PROMISC"),
            (RawFlags::Up, "UP"),
            (RawFlags::LowerUp, "LOWER_UP"),
        ] {
            if self.has(flag) {
                words.push(word);
            }
        }
        f.pad(&words.join(","))
    }
}

/// The operational state of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OperState {
    /// The driver does not say: lo, and a bridge without ports.
    Unknown,
    /// It cannot carry packets.
    Down,
    /// Something below it is down, such as the far end of a cable.
    LowerLayerDown,
    /// It can carry packets.
    Up,
    /// Any other state of RFC 2863.
    Other,
}

impl fmt::Display for OperState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            OperState::Unknown => "UNKNOWN",
            OperState::Down => "DOWN",
            OperState::LowerLayerDown => "LOWERLAYERDOWN",
            OperState::Up => "UP",
            OperState::Other => "OTHER",
        })
    }
}

/// How the kernel makes the IPv6 link-local address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressGeneration {
    /// Of its Ethernet address ([RFC 4291], appendix A).
    ///
    /// [RFC 4291]: https://www.rfc-editor.org/rfc/rfc4291#appendix-A
    Eui64,
    /// Not at all.
    None,
    /// Of a secret that is set (`stable_secret`; [RFC 7217]).
    ///
    /// [RFC 7217]: https://www.rfc-editor.org/rfc/rfc7217
    StableSecret,
    /// Of a secret that the kernel made up.
    Random,
}

/// Prints the word of `ip -d link`.
impl fmt::Display for AddressGeneration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            AddressGeneration::Eui64 => "eui64",
            AddressGeneration::None => "none",
            AddressGeneration::StableSecret => "stable_secret",
            AddressGeneration::Random => "random",
        })
    }
}

/// What an interface carried since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each name is the kernel's and says all: packets, bytes, dropped packets, each way")]
pub struct Counters {
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_dropped: u64,
    pub tx_dropped: u64,
}

/// The settings and identity of a bridge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BridgeInfo {
    /// Its identity in the spanning tree: priority and MAC address, as `8000.0242c4db9241`.
    pub id: String,
    /// Whether the spanning tree protocol is on.
    pub stp: bool,
    /// How long a port listens and learns, in hundredths of a second.
    pub forward_delay: u32,
    /// How often the root of the spanning tree says that it is there, in hundredths of a second.
    pub hello_time: u32,
    /// How long that is remembered, in hundredths of a second.
    pub max_age: u32,
    /// After how long an unseen address is forgotten, in hundredths of a second.
    pub ageing: u32,
    /// IGMP and MLD snooping.
    pub multicast_snooping: bool,
    /// Whether bridged IPv4 frames pass the `ip` hooks because of this bridge.
    pub nf_call_iptables: bool,
    /// Whether bridged IPv6 frames pass the `ip6` hooks because of this bridge.
    pub nf_call_ip6tables: bool,
    /// Whether bridged ARP frames pass the `arp` hooks because of this bridge.
    pub nf_call_arptables: bool,
}

/// The spanning tree state of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the five states of IEEE 802.1D")]
pub enum PortState {
    Disabled,
    Listening,
    Learning,
    Forwarding,
    Blocking,
}

pub(super) fn parse_all(messages: Vec<RouteNetlinkMessage>) -> Vec<LinkInfo> {
    let parse_one = |message| match message {
        RouteNetlinkMessage::NewLink(link) => Some(parse(link)),
        _ => None,
    };
    messages.into_iter().filter_map(parse_one).collect()
}

fn parse(message: LinkMessage) -> LinkInfo {
    let mut link = LinkInfo {
        name: String::new(),
        index: message.header.index,
        kind: String::new(),
        flags: LinkFlags(message.header.flags.bits()),
        oper_state: OperState::Other,
        mtu: 0,
        mac: Mac::new([0; 6]),
        qdisc: String::new(),
        tx_queue_len: 0,
        master: None,
        peer_index: None,
        peer_netns_id: None,
        counters: Counters::default(),
        bridge: None,
        vxlan: None,
        macvlan: None,
        promiscuity: 0,
        all_multicast: 0,
        address_generation: None,
        port_state: None,
    };
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name = name,
            LinkAttribute::Mtu(mtu) => link.mtu = mtu,
            LinkAttribute::Address(bytes) => {
                if let Ok(bytes) = bytes.try_into() {
                    link.mac = Mac::new(bytes);
                }
            }
            LinkAttribute::Qdisc(name) => link.qdisc = name,
            LinkAttribute::TxQueueLen(length) => link.tx_queue_len = length,
            LinkAttribute::Controller(index) => link.master = Some(index),
            LinkAttribute::Link(index) => link.peer_index = Some(index),
            LinkAttribute::LinkNetNsId(id) => link.peer_netns_id = Some(id),
            LinkAttribute::Promiscuity(count) => link.promiscuity = count,
            LinkAttribute::AllMulticast(count) => link.all_multicast = count,
            LinkAttribute::AfSpecUnspec(families) => link.address_generation = address_generation(&families),
            LinkAttribute::OperState(state) => link.oper_state = oper_state(state),
            LinkAttribute::Stats64(stats) => link.counters = counters(&stats),
            LinkAttribute::LinkInfo(infos) => parse_info(&mut link, infos),
            _ => {}
        }
    }
    link
}

fn parse_info(link: &mut LinkInfo, infos: Vec<RawInfo>) {
    for info in infos {
        match info {
            RawInfo::Kind(kind) => link.kind = kind.to_string(),
            RawInfo::Data(InfoData::Bridge(settings)) => link.bridge = Some(bridge(&settings)),
            RawInfo::Data(InfoData::Vxlan(settings)) => link.vxlan = Some(overlay::vxlan(&settings)),
            RawInfo::Data(InfoData::MacVlan(settings)) => link.macvlan = overlay::macvlan_mode(&settings),
            RawInfo::PortData(InfoPortData::BridgePort(settings)) => {
                link.port_state = settings.iter().find_map(|setting| match setting {
                    InfoBridgePort::State(state) => port_state(*state),
                    _ => None,
                });
            }
            _ => {}
        }
    }
}

fn bridge(settings: &[InfoBridge]) -> BridgeInfo {
    let mut bridge = BridgeInfo::default();
    for setting in settings {
        match setting {
            InfoBridge::BridgeId(id) => {
                let bytes: String = id.address.iter().map(|byte| format!("{byte:02x}")).collect();
                bridge.id = format!("{:04x}.{bytes}", id.priority);
            }
            InfoBridge::StpState(state) => bridge.stp = u32::from(*state) != 0,
            InfoBridge::ForwardDelay(delay) => bridge.forward_delay = *delay,
            InfoBridge::HelloTime(time) => bridge.hello_time = *time,
            InfoBridge::MaxAge(time) => bridge.max_age = *time,
            InfoBridge::AgeingTime(time) => bridge.ageing = *time,
            InfoBridge::MulticastSnooping(on) => bridge.multicast_snooping = *on,
            InfoBridge::NfCallIpTables(on) => bridge.nf_call_iptables = *on,
            InfoBridge::NfCallIp6Tables(on) => bridge.nf_call_ip6tables = *on,
            InfoBridge::NfCallArpTables(on) => bridge.nf_call_arptables = *on,
            _ => {}
        }
    }
    bridge
}

fn address_generation(families: &[AfSpecUnspec]) -> Option<AddressGeneration> {
    let settings = families.iter().find_map(|family| match family {
        AfSpecUnspec::Inet6(settings) => Some(settings),
        _ => None,
    })?;
    settings.iter().find_map(|setting| match setting {
        AfSpecInet6::AddrGenMode(In6AddrGenMode::Eui64) => Some(AddressGeneration::Eui64),
        AfSpecInet6::AddrGenMode(In6AddrGenMode::None) => Some(AddressGeneration::None),
        AfSpecInet6::AddrGenMode(In6AddrGenMode::StablePrivacy) => Some(AddressGeneration::StableSecret),
        AfSpecInet6::AddrGenMode(In6AddrGenMode::Random) => Some(AddressGeneration::Random),
        _ => None,
    })
}

fn port_state(state: BridgePortState) -> Option<PortState> {
    Some(match state {
        BridgePortState::Disabled => PortState::Disabled,
        BridgePortState::Listening => PortState::Listening,
        BridgePortState::Learning => PortState::Learning,
        BridgePortState::Forwarding => PortState::Forwarding,
        BridgePortState::Blocking => PortState::Blocking,
        _ => return None,
    })
}

fn oper_state(state: State) -> OperState {
    match state {
        State::Unknown => OperState::Unknown,
        State::Down => OperState::Down,
        State::LowerLayerDown => OperState::LowerLayerDown,
        State::Up => OperState::Up,
        _ => OperState::Other,
    }
}

fn counters(stats: &Stats64) -> Counters {
    Counters {
        rx_packets: stats.rx_packets,
        tx_packets: stats.tx_packets,
        rx_bytes: stats.rx_bytes,
        tx_bytes: stats.tx_bytes,
        rx_dropped: stats.rx_dropped,
        tx_dropped: stats.tx_dropped,
    }
}
