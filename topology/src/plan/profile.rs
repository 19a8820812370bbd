//! What the profiles set, and why.

use std::time::Duration;

use crate::{BridgeOptions, Departure, Node, Profile, Sysctl};

/// IPv4 settings that a new namespace copies from the first one of the host (unless
/// `net.core.devconf_inherit_init_net` is 2), with the kernel's values for `all` and for `default`.
const INHERITED_V4: [(&str, &str, &str); 15] = [
    ("accept_local", "0", "0"),
    ("accept_redirects", "1", "1"),
    ("accept_source_route", "0", "1"),
    ("arp_accept", "0", "0"),
    ("arp_announce", "0", "0"),
    ("arp_filter", "0", "0"),
    ("arp_ignore", "0", "0"),
    ("arp_notify", "0", "0"),
    ("log_martians", "0", "0"),
    ("promote_secondaries", "0", "0"),
    ("proxy_arp", "0", "0"),
    ("route_localnet", "0", "0"),
    ("secure_redirects", "1", "1"),
    ("send_redirects", "1", "1"),
    ("shared_media", "1", "1"),
];

/// The same for IPv6, which copies only if `net.core.devconf_inherit_init_net` is 1 or 3.
const INHERITED_V6: [(&str, &str, &str); 6] = [
    ("accept_dad", "0", "1"),
    ("accept_ra", "1", "1"),
    ("accept_redirects", "1", "1"),
    ("autoconf", "1", "1"),
    ("dad_transmits", "1", "1"),
    ("disable_ipv6", "0", "0"),
];

/// The settings of the node that name no interface, up to the user's own, each with the departure that asks for it.
pub(super) fn sysctls(node: &Node, profile: Profile) -> Vec<(Sysctl, Option<Departure>)> {
    let mut sysctls = Vec::new();
    let mut set = |key: &str, value: &str, departure| {
        sysctls.push((Sysctl { key: key.into(), value: value.into() }, departure));
    };

    if node.profile.unwrap_or(profile) == Profile::Kernel {
        for (family, settings) in [("ipv4", INHERITED_V4.as_slice()), ("ipv6", INHERITED_V6.as_slice())] {
            for (key, all, default) in settings {
                set(&format!("net.{family}.conf.all.{key}"), all, None);
                set(&format!("net.{family}.conf.default.{key}"), default, None);
            }
        }
    }
    set("net.ipv4.conf.all.rp_filter", "0", None);
    set("net.ipv4.conf.default.rp_filter", "0", None);
    if node.departs(Departure::NoDad, profile) {
        // Detection is skipped only if the value for `all` and the interface's own are both zero.
        set("net.ipv6.conf.all.accept_dad", "0", Some(Departure::NoDad));
        set("net.ipv6.conf.default.accept_dad", "0", Some(Departure::NoDad));
    }
    if node.departs(Departure::IcmpUnlimited, profile) {
        // The masks say which types are limited, per destination and per namespace. IPv4: none. IPv6: 255 alone, a
        // type that nobody sends, because an empty mask cannot be written as text without a newline.
        set("net.ipv4.icmp_ratemask", "0", Some(Departure::IcmpUnlimited));
        set("net.ipv6.icmp.ratemask", "255", Some(Departure::IcmpUnlimited));
    }
    if node.departs(Departure::PingSockets, profile) {
        set("net.ipv4.ping_group_range", "0 0", Some(Departure::PingSockets));
    }
    // After the rest: switching forwarding on makes the kernel change `accept_redirects` as well.
    set("net.ipv4.ip_forward", if node.forward_v4 { "1" } else { "0" }, None);
    set("net.ipv6.conf.all.forwarding", if node.forward_v6 { "1" } else { "0" }, None);
    sysctls
}

/// The settings of a bridge with what the node's profile adds.
pub(super) fn bridge_options(options: &BridgeOptions, node: &Node, profile: Profile) -> BridgeOptions {
    let mut options = options.clone();
    if node.profile.unwrap_or(profile) == Profile::Ready {
        let stp = *options.stp.get_or_insert(false);
        // With STP the kernel raises anything shorter to two seconds.
        options.forward_delay.get_or_insert(if stp { Duration::from_secs(2) } else { Duration::ZERO });
        options.multicast_snooping.get_or_insert(false);
    }
    options
}
