//! Requests to the kernel, each with a deadline and the kernel's own words on refusal.

pub(crate) mod addr;
pub(crate) mod error;
pub(crate) mod link;
pub(crate) mod neigh;
pub(crate) mod route;
pub(crate) mod rtnl;
pub(crate) mod rule;
pub(crate) mod sysctl;

pub use addr::{AddressInfo, Scope};
pub use error::KernelError;
pub use link::{BridgeInfo, Counters, LinkFlags, LinkInfo, OperState, PortState};
pub use neigh::{FdbInfo, NeighbourInfo, NeighbourState};
pub use route::{Hop, RouteAction, RouteInfo};
