//! Addresses, networks and MACs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use crate::{Cidr, Mac};

/// Which addresses an interface has of the networks of its LAN.
#[derive(Debug, Clone, Copy)]
pub(super) struct Families {
    pub(super) v4: bool,
    pub(super) v6: bool,
}

prop_compose! {
    pub(super) fn families()(v4 in prop::bool::weighted(0.7), v6 in prop::bool::weighted(0.5)) -> Families {
        Families { v4, v6 }
    }
}

/// An address anywhere.
pub(super) fn anywhere() -> impl Strategy<Value = Cidr> {
    let v4 = (any::<u32>(), 0..=32u8).prop_map(|(bits, prefix)| cidr(Ipv4Addr::from(bits), prefix));
    let v6 = (any::<u128>(), 0..=128u8).prop_map(|(bits, prefix)| cidr(Ipv6Addr::from(bits), prefix));
    let link_local = any::<u64>().prop_map(|bits| cidr(Ipv6Addr::from(0xfe80 << 112 | u128::from(bits)), 64));
    let private =
        (any::<u16>(), 8..=32u8).prop_map(|(bits, prefix)| cidr(Ipv4Addr::from(0x0a00_0000 | u32::from(bits)), prefix));
    prop_oneof![2 => private, 1 => v4, 1 => v6, 1 => link_local]
}

/// A network anywhere.
pub(super) fn network() -> impl Strategy<Value = Cidr> {
    anywhere().prop_map(|address| address.network())
}

/// A MAC address that an interface can have.
pub(super) fn mac() -> impl Strategy<Value = Mac> {
    any::<[u8; 5]>().prop_map(|[a, b, c, d, e]| Mac::new([2, a, b, c, d, e]))
}

/// The network of a LAN, by the LAN's number.
pub(super) fn of_lan(lan: usize, v6: bool) -> Cidr {
    let [_, _, high, low] = (lan as u32).to_be_bytes();
    match v6 {
        false => cidr(Ipv4Addr::new(10, high, low, 0), 24),
        true => cidr(Ipv6Addr::new(0xfd00, 0, 0, lan as u16, 0, 0, 0, 0), 64),
    }
}

/// An address in a network, by its number there.
pub(super) fn host(network: Cidr, number: usize) -> Cidr {
    match network.addr() {
        IpAddr::V4(base) => cidr(Ipv4Addr::from(base.to_bits() | number as u32), network.prefix()),
        IpAddr::V6(base) => cidr(Ipv6Addr::from(base.to_bits() | number as u128), network.prefix()),
    }
}

pub(super) fn cidr(addr: impl Into<IpAddr>, prefix: u8) -> Cidr {
    Cidr::new(addr.into(), prefix).expect("the prefix is not longer than the address")
}
