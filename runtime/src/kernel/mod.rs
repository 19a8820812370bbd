//! Requests to the kernel, each with a deadline for its answer and the kernel's own words on refusal.
//!
//! The kernel carries a request out while it is sent, under a lock of the whole machine. How long it waits for that,
//! the sender waits as well, and no deadline ends it.

pub(crate) mod addr;
pub(crate) mod conntrack;
pub(crate) mod error;
pub(crate) mod link;
mod link_info;
pub(crate) mod miss;
pub(crate) mod neigh;
pub(crate) mod neightbl;
pub(crate) mod netfilter;
pub(crate) mod nft;
pub(crate) mod nsid;
pub(crate) mod overlay;
pub(crate) mod route;
pub(crate) mod rtnl;
pub(crate) mod rule;
mod support;
pub(crate) mod sysctl;

pub use addr::{AddressInfo, Scope};
pub use conntrack::{ConntrackEntry, ConntrackFlow, ConntrackStatus, ConntrackTuple};
pub use error::KernelError;
pub use link_info::{AddressGeneration, BridgeInfo, Counters, LinkFlags, LinkInfo, OperState, PortState};
pub use miss::Miss;
pub use neigh::{FdbInfo, NeighbourInfo, NeighbourState};
pub use nft::{ChainInfo, Count, CounterInfo, RuleInfo, TableFamily, TableInfo};
pub use overlay::VxlanInfo;
pub use route::{Hop, RouteAction, RouteInfo};
pub use support::{has_link_kind, has_queueing_discipline};
