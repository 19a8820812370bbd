//! Links: making, changing, reading and deleting network interfaces ([rtnetlink(7)], RTM_*LINK).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::{
    fmt,
    os::fd::{AsRawFd, BorrowedFd},
};

use netns_test_topology::{BridgeOptions, Mac, MacvlanMode, plan::VethEnd};
use nix::errno::Errno;
use rtnetlink::{
    LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth,
    packet_core::{DefaultNla, Emitable, NLA_F_NESTED, NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        RouteNetlinkMessage,
        link::{
            AfSpecInet, AfSpecInet6, AfSpecUnspec, BridgePortState, In6AddrGenMode, InfoBridge, InfoBridgePort,
            InfoData, InfoKind, InfoPortData, InfoVeth, LinkAttribute, LinkExtentMask, LinkFlags as RawFlags,
            LinkInfo as RawInfo, LinkMessage, State, Stats64,
        },
    },
};

use super::{
    KernelError,
    overlay::{self, VxlanInfo},
    rtnl::{DUMP, Request, Rtnl},
    sysctl::DeviceSetting,
};

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

/// Every interface of the namespace, by index.
pub(crate) fn all(rtnl: &Rtnl) -> Result<Vec<LinkInfo>, KernelError> {
    Ok(parse_all(rtnl.get(dump_request(false))?))
}

/// [`all`] without counters, which make most of each answer.
pub(crate) fn all_brief(rtnl: &Rtnl) -> Result<Vec<LinkInfo>, KernelError> {
    Ok(parse_all(rtnl.get(dump_request(true))?))
}

/// The interface of that name, if there is one.
pub(crate) fn by_name(rtnl: &Rtnl, name: &str) -> Result<Option<LinkInfo>, KernelError> {
    match rtnl.get(get_request(name)) {
        Ok(messages) => Ok(parse_all(messages).into_iter().next()),
        Err(error) if error.is(Errno::ENODEV) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Has the kernel do now what it put off when the carrier of an interface changed.
///
/// It does that work at most once a second where it sees no hurry, and before it answers a question about one
/// interface alone (`linkwatch_sync_dev` in `rtnl_getlink`; seen in Linux 6.18). A list of all does not hurry it, and
/// kernels without that are only waited for.
pub(crate) fn settle(rtnl: &Rtnl, name: &str) -> Result<(), KernelError> {
    match rtnl.get(get_request(name)) {
        Err(error) if !error.is(Errno::ENODEV) => Err(error),
        _ => Ok(()),
    }
}

/// A bridge, down.
pub(crate) fn create_bridge(name: &str, mac: Option<Mac>, options: &BridgeOptions) -> Request {
    let centiseconds = |duration: std::time::Duration| (duration.as_millis() / 10) as u32;
    let mut data = Vec::new();
    if let Some(stp) = options.stp {
        data.push(InfoBridge::StpState(u32::from(stp).into()));
    }
    data.extend(options.forward_delay.map(centiseconds).map(InfoBridge::ForwardDelay));
    data.extend(options.ageing.map(centiseconds).map(InfoBridge::AgeingTime));
    data.extend(options.multicast_snooping.map(InfoBridge::MulticastSnooping));
    data.extend(options.nf_call_iptables.map(InfoBridge::NfCallIpTables));
    data.extend(options.nf_call_ip6tables.map(InfoBridge::NfCallIp6Tables));
    data.extend(options.nf_call_arptables.map(InfoBridge::NfCallArpTables));
    // Not `LinkBridge::new`, which sets it up as well.
    let bridge = LinkMessageBuilder::<LinkBridge>::new(name);
    let message = with(bridge, mac, None).set_info_data(InfoData::Bridge(data)).build();
    create(message, format!("bridge {name}"))
}

/// Changes settings of a bridge; those that are `None` stay.
pub(crate) fn change_bridge(index: u32, name: &str, options: &BridgeOptions) -> Request {
    let mut request = create_bridge(name, None, options);
    if let RouteNetlinkMessage::NewLink(message) = &mut request.message {
        message.header.index = index;
    }
    Request { flags: 0, operation: "change", ..request }
}

/// A cable with each end made in its place, both down.
///
/// The request goes to any namespace; `None` places an end in that one.
pub(crate) fn create_veth(
    end: &VethEnd,
    end_netns: Option<BorrowedFd<'_>>,
    peer: &VethEnd,
    peer_netns: Option<BorrowedFd<'_>>,
) -> Request {
    let mut far = with(LinkMessageBuilder::<LinkUnspec>::default().name(&*peer.name), peer.mac, peer.mtu);
    if let Some(fd) = peer_netns {
        far = far.setns_by_fd(fd.as_raw_fd());
    }
    if let Some(index) = peer.index {
        far = far.index(index);
    }
    let mut near = with(LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth), end.mac, end.mtu)
        .name(&*end.name)
        .set_info_data(InfoData::Veth(InfoVeth::Peer(far.build())));
    if let Some(fd) = end_netns {
        near = near.setns_by_fd(fd.as_raw_fd());
    }
    if let Some(index) = end.index {
        near = near.index(index);
    }
    create(near.build(), format!("cable {} -- {}", end.name, peer.name))
}

/// Changes an interface: up or down, its master, its MTU.
pub(crate) fn set(
    index: u32,
    operation: &'static str,
    object: impl Into<String>,
    change: impl FnOnce(LinkMessageBuilder<LinkUnspec>) -> LinkMessageBuilder<LinkUnspec>,
) -> Request {
    Request {
        message: RouteNetlinkMessage::SetLink(change(LinkUnspec::new_with_index(index)).build()),
        flags: 0,
        operation,
        object: object.into(),
    }
}

/// Sets an IPv4 setting of an interface (`IFLA_INET_CONF`), which /proc/sys would set for all.
pub(crate) fn set_ipv4(index: u32, setting: DeviceSetting, object: impl Into<String>) -> Request {
    // IFLA_INET_CONF of `linux/if_link.h`, a nest of attributes that are numbered by setting.
    const IFLA_INET_CONF: u16 = 1;
    let value = DefaultNla::new(setting.number, setting.value.to_ne_bytes().to_vec());
    let mut nest = vec![0; value.buffer_len()];
    value.emit(&mut nest);
    let conf = AfSpecInet::Other(DefaultNla::new(IFLA_INET_CONF | NLA_F_NESTED, nest));
    set(index, "set an IPv4 setting of", object, |link| {
        link.append_extra_attribute(LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet(vec![conf])]))
    })
}

/// Deletes an interface; the other end of a cable goes with it.
pub(crate) fn delete(index: u32, object: impl Into<String>) -> Request {
    Request {
        message: RouteNetlinkMessage::DelLink(LinkUnspec::new_with_index(index).build()),
        flags: 0,
        operation: "delete interface",
        object: object.into(),
    }
}

pub(super) fn create(message: LinkMessage, object: String) -> Request {
    Request {
        message: RouteNetlinkMessage::NewLink(message),
        flags: NLM_F_CREATE | NLM_F_EXCL,
        operation: "make",
        object,
    }
}

pub(super) fn with<T>(mut builder: LinkMessageBuilder<T>, mac: Option<Mac>, mtu: Option<u32>) -> LinkMessageBuilder<T> {
    if let Some(mac) = mac {
        builder = builder.address(mac.octets().to_vec());
    }
    if let Some(mtu) = mtu {
        builder = builder.mtu(mtu);
    }
    builder
}

fn get_request(name: &str) -> Request {
    let mut message = LinkUnspec::new_with_name(name).build();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::Vf]));
    Request {
        message: RouteNetlinkMessage::GetLink(message),
        flags: 0,
        operation: "read interface",
        object: name.to_owned(),
    }
}

fn dump_request(brief: bool) -> Request {
    let mut message = LinkMessage::default();
    if brief {
        message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    }
    Request {
        message: RouteNetlinkMessage::GetLink(message),
        flags: DUMP,
        operation: "list",
        object: "interfaces".into(),
    }
}

fn parse_all(messages: Vec<RouteNetlinkMessage>) -> Vec<LinkInfo> {
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
