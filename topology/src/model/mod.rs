//! The vocabulary: small checked types that cannot hold a wrong value, and the plain structures made of them.

mod addr;
mod duration;
mod fdb;
mod firewall;
mod firewall_nft;
mod firewall_parse;
mod firewall_text;
mod interface;
mod macvlan;
mod mtu;
mod name;
mod node;
mod profile;
mod route;
mod route_parse;
mod route_text;
mod setting_parse;
mod template;
mod topology;
mod vxlan;
mod words;

pub use addr::{Cidr, Mac};
pub use duration::parse_duration;
pub use fdb::FdbEntry;
pub use firewall::{
    Chain, ChainKind, ConnState, Family, FirewallRule, Hook, Match, Nth, Policy, PortRange, Priority, Protocol, Reject,
    Verdict,
};
pub use firewall_nft::NftRule;
pub use interface::{BridgeOptions, Interface, Kind, Link, LinkEnd};
pub use macvlan::{Macvlan, MacvlanMode};
pub use name::{IfName, InvalidValue, NodeName};
pub use node::{Neighbour, Node, Role, Sysctl};
pub use profile::{Departure, Profile};
pub use route::{NextHop, Route, RouteKind, Rule, RuleAction};
pub use template::Template;
pub use topology::{Draft, Topology};
pub use vxlan::{Vni, Vxlan};
pub(crate) use vxlan::{multicast, source, unicast};
