//! Requests about links: making, changing, reading and deleting network interfaces ([rtnetlink(7)], RTM_*LINK).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::{
    os::fd::{AsRawFd, BorrowedFd},
    time::Duration,
};

use netns_test_topology::{BridgeOptions, Mac, plan::VethEnd};
use nix::errno::Errno;
use rtnetlink::{
    LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth,
    packet_core::{DefaultNla, Emitable, NLA_F_NESTED, NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        RouteNetlinkMessage,
        link::{
            AfSpecInet, AfSpecUnspec, InfoBridge, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkExtentMask,
            LinkMessage,
        },
    },
};

use super::{
    KernelError,
    link_info::{LinkInfo, parse_all},
    rtnl::{DUMP, Request, Rtnl},
    sysctl::DeviceSetting,
};

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
pub(crate) fn create_bridge(name: &str, mac: Option<Mac>, options: &BridgeOptions) -> Result<Request, KernelError> {
    let request = bridge(name, mac, options);
    request.map_err(|time| no_time("make", name, time))
}

/// Changes settings of a bridge; those that are `None` stay.
pub(crate) fn change_bridge(index: u32, name: &str, options: &BridgeOptions) -> Result<Request, KernelError> {
    let mut request = bridge(name, None, options).map_err(|time| no_time("change", name, time))?;
    if let RouteNetlinkMessage::NewLink(message) = &mut request.message {
        message.header.index = index;
    }
    Ok(Request { flags: 0, operation: "change", ..request })
}

fn no_time(operation: &str, name: &str, time: Duration) -> KernelError {
    KernelError::new(operation, format!("bridge {name}"), Errno::EINVAL)
        .because(format!("{time:?} is no time of a bridge"))
        .help("write whole hundredths of a second, up to 42949672.95s")
}

/// The request that makes it, or a time that it cannot have.
fn bridge(name: &str, mac: Option<Mac>, options: &BridgeOptions) -> Result<Request, Duration> {
    let hundredths = |time: Option<Duration>| time.map(|time| BridgeOptions::hundredths(time).ok_or(time)).transpose();
    let mut data = Vec::new();
    if let Some(stp) = options.stp {
        data.push(InfoBridge::StpState(u32::from(stp).into()));
    }
    data.extend(hundredths(options.forward_delay)?.map(InfoBridge::ForwardDelay));
    data.extend(hundredths(options.ageing)?.map(InfoBridge::AgeingTime));
    data.extend(options.multicast_snooping.map(InfoBridge::MulticastSnooping));
    data.extend(options.nf_call_iptables.map(InfoBridge::NfCallIpTables));
    data.extend(options.nf_call_ip6tables.map(InfoBridge::NfCallIp6Tables));
    data.extend(options.nf_call_arptables.map(InfoBridge::NfCallArpTables));
    // Not `LinkBridge::new`, which sets it up as well.
    let bridge = LinkMessageBuilder::<LinkBridge>::new(name);
    let message = with(bridge, mac, None).set_info_data(InfoData::Bridge(data)).build();
    Ok(create(message, format!("bridge {name}")))
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
