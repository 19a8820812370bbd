//! A node as a text that is the same in every run.

use std::{
    collections::HashMap,
    fmt::{self, Write},
    net::IpAddr,
};

use super::{Error, Node};
use crate::kernel::{AddressInfo, Hop, LinkInfo, NeighbourState, RouteAction, RouteInfo};

impl Node {
    /// What the kernel has on the node, as a text for snapshots: interfaces with their addresses, the routes and rules,
    /// and neighbour entries that were set by hand.
    ///
    /// What the kernel chooses anew in every run has a word in its place: `<mac>`, `<link-local>`. Indexes, counters and
    /// learned entries are left out, and everything is in an order of its own.
    ///
    /// ```text
    /// lo: loopback up, unknown, mtu 65536
    ///   127.0.0.1/8
    ///   ::1/128
    /// eth0: veth up, up, mtu 1500, <mac>
    ///   10.0.0.2/24
    ///   <link-local>/64
    /// routes
    ///   0.0.0.0/0 via 10.0.0.1 dev eth0
    ///   10.0.0.0/24 dev eth0 src 10.0.0.2
    /// ```
    ///
    /// # Errors
    ///
    /// If the node is gone; as [`Node::rules`].
    pub fn state(&self) -> Result<String, Error> {
        let mut links = self.links()?;
        // lo first, and the others by their names.
        links.sort_by(|a, b| (a.name != "lo", &a.name).cmp(&(b.name != "lo", &b.name)));
        let names: HashMap<u32, &str> = links.iter().map(|link| (link.index, link.name.as_str())).collect();
        let state = State { names, addresses: self.addresses()? };
        let mut text = String::new();
        for link in &links {
            state.link(&mut text, link);
        }
        let routes = self.routes()?.iter().filter_map(|route| state.route(route)).collect();
        list(&mut text, "routes", routes);
        let rules = self.rules()?.iter().map(ToString::to_string).collect();
        list(&mut text, "rules", rules);
        let by_hand = self.neighbours()?.into_iter().filter(|entry| entry.state == NeighbourState::Permanent);
        let words = |mac: Option<_>| mac.map_or_else(String::new, |mac: netns_test_topology::Mac| format!(" {mac}"));
        let neighbours =
            by_hand.map(|entry| format!("{} dev {}{}", entry.address, state.name(entry.index), words(entry.mac)));
        list(&mut text, "neighbours", neighbours.collect());
        Ok(text)
    }
}

/// What the parts of the text need of each other.
struct State<'a> {
    names: HashMap<u32, &'a str>,
    addresses: Vec<AddressInfo>,
}

impl State<'_> {
    fn name(&self, index: u32) -> &str {
        self.names.get(&index).copied().unwrap_or("<gone>")
    }

    fn link(&self, text: &mut String, link: &LinkInfo) {
        let kind = match link.kind.as_str() {
            "" if link.name == "lo" => "loopback",
            "" => "interface",
            kind => kind,
        };
        let up = if link.flags.up() { "up" } else { "down" };
        let state = link.oper_state.to_string().to_lowercase();
        push(text, format_args!("{}: {kind} {up}, {state}, mtu {}", link.name, link.mtu));
        if kind != "loopback" {
            text.push_str(", <mac>");
        }
        if let Some(master) = link.master {
            push(text, format_args!(", port of {}", self.name(master)));
        }
        text.push('\n');
        let own = self.addresses.iter().filter(|address| address.index == link.index);
        let mut lines: Vec<_> = own.map(|info| (info.address.is_ipv6(), address(info))).collect();
        lines.sort();
        for (_, line) in lines {
            push(text, format_args!("  {line}\n"));
        }
    }

    /// Without those that the kernel makes for multicast and link-local addresses of every interface.
    fn route(&self, route: &RouteInfo) -> Option<String> {
        let network = route.to.addr();
        if network.is_multicast() || is_link_local(network) {
            return None;
        }
        let mut line = match route.kind {
            RouteAction::Unicast => route.to.to_string(),
            kind => format!("{} {}", format!("{kind:?}").to_lowercase(), route.to),
        };
        let several = route.hops.len() > 1;
        for Hop { via, index, weight, .. } in &route.hops {
            if several {
                line.push_str(" nexthop");
            }
            if let Some(via) = via {
                let via = if is_link_local(*via) { "<link-local>".to_owned() } else { via.to_string() };
                push(&mut line, format_args!(" via {via}"));
            }
            push(&mut line, format_args!(" dev {}", self.name(*index)));
            if several {
                push(&mut line, format_args!(" weight {weight}"));
            }
        }
        if let Some(source) = route.source {
            push(&mut line, format_args!(" src {source}"));
        }
        if route.metric != 0 {
            push(&mut line, format_args!(" metric {}", route.metric));
        }
        Some(line)
    }
}

fn address(info: &AddressInfo) -> String {
    let shown = if is_link_local(info.address.addr()) {
        format!("<link-local>/{}", info.address.prefix())
    } else {
        info.address.to_string()
    };
    shown + if info.duplicate { " dadfailed" } else { "" } + if info.tentative { " tentative" } else { "" }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

fn list(text: &mut String, title: &str, mut lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    lines.sort();
    push(text, format_args!("{title}\n"));
    for line in lines {
        push(text, format_args!("  {line}\n"));
    }
}

fn push(text: &mut String, words: fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = text.write_fmt(words);
}
