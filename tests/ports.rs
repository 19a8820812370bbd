//! Tests as authors of daemons and network libraries write them today, for root and a machine that nobody else uses.
//!
//! Each body is what would stand there: it knows nothing of this library, and its attribute alone is another than
//! `#[test]` or `#[tokio::test]`. What they do without root here, and side by side, is what those are ignored for
//! elsewhere: they bind ports below 1024, make links, routes and rulesets, open raw sockets, and write below /etc.
#![cfg(target_os = "linux")]

#[path = "ports/capture.rs"]
mod capture;
#[path = "ports/dhcp.rs"]
mod dhcp;
#[path = "ports/dns.rs"]
mod dns;
#[path = "ports/namespace.rs"]
mod namespace;
#[path = "ports/netlink.rs"]
mod netlink;
#[path = "ports/nftables.rs"]
mod nftables;
#[path = "ports/ping.rs"]
mod ping;
#[path = "ports/proxy.rs"]
mod proxy;
#[path = "ports/routing.rs"]
mod routing;
