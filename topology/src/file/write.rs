//! A topology as a file.

use toml_writer::{ToTomlKey, ToTomlValue};

use super::{Source, keys::NODE, write_node::node_lines};
use crate::{Draft, Kind, Link, Node, Profile, Role, Topology};

impl Topology {
    /// Writes the topology as a file, which [`Topology::from_source`] reads back as the same.
    ///
    /// ```
    /// use netns_test_topology::Topology;
    ///
    /// let lan = Topology::builder()
    ///     .node("a", |n| n.interface("eth0", "10.0.0.1/24").forward())
    ///     .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
    ///     .link("a.eth0", "b.eth0")
    ///     .build()?;
    /// let file = r#"[node.a]
    /// eth0 = "10.0.0.1/24"
    /// forward = true
    ///
    /// [node.b]
    /// eth0 = "10.0.0.2/24"
    ///
    /// [links]
    /// a-b = "a.eth0 -- b.eth0"
    /// "#;
    /// assert_eq!(lan.to_toml(), file);
    /// # Ok::<(), netns_test_topology::check::Problems>(())
    /// ```
    pub fn to_toml(&self) -> String {
        // Ports of a switch could have names of their own, which only the long form can say.
        let short = write(self, &switches(self));
        match Topology::from_source(&Source::new("", short.as_str())) {
            Ok(same) if same == *self => short,
            _ => write(self, &[]),
        }
    }
}

/// A node that the short form of a switch could say, with the positions of its links.
struct Switch {
    node: usize,
    links: std::ops::Range<usize>,
}

fn write(draft: &Draft, switches: &[Switch]) -> String {
    let mut text = String::new();
    if !draft.name.is_empty() {
        line(&mut text, "name", &draft.name.to_toml_value());
    }
    if draft.profile != Profile::default() {
        line(&mut text, "profile", &draft.profile.to_string().to_toml_value());
    }
    if !draft.allow.is_empty() {
        line(&mut text, "allow", &list(&draft.allow));
    }
    let cables = switches.first().map_or(draft.links.len(), |switch| switch.links.start);
    let of_links = LinkMtus::of(draft, cables);
    for (n, node) in draft.nodes.iter().enumerate() {
        let gap = if text.is_empty() { "" } else { "\n" };
        let name = node.name.as_str().to_toml_key();
        match switches.iter().find(|switch| switch.node == n) {
            Some(switch) => {
                text.push_str(&format!("{gap}[switch.{name}]\n"));
                let ends: Vec<String> =
                    draft.links[switch.links.clone()].iter().map(|link| link.b.to_string()).collect();
                line(&mut text, "ends", &list(&ends));
                super::write_node::bridge_settings(&node.interfaces[0])
                    .iter()
                    .for_each(|(key, value)| line(&mut text, key, value));
            }
            None => {
                text.push_str(&format!("{gap}[node.{name}]\n"));
                node_lines(node, |interface| of_links.says(node, interface))
                    .iter()
                    .for_each(|(key, value)| line(&mut text, key, value));
            }
        }
    }
    write_links(&mut text, draft, cables, &of_links);
    text
}

fn write_links(text: &mut String, draft: &Draft, cables: usize, of_links: &LinkMtus) {
    let mut names: Vec<String> = Vec::new();
    for (l, Link { a, b }) in draft.links[..cables].iter().enumerate() {
        if l == 0 {
            text.push_str(if text.is_empty() { "[links]\n" } else { "\n[links]\n" });
        }
        let plain = format!("{}-{}", a.node, b.node);
        let name = match names.contains(&plain) {
            false => plain,
            true => (2..).map(|n| format!("{plain}-{n}")).find(|name| !names.contains(name)).unwrap_or_default(),
        };
        let ends = format!("{a} -- {b}").to_toml_value();
        let value = match of_links.mtus[l] {
            Some(mtu) => format!("{{ ends = {ends}, mtu = {mtu} }}"),
            None => ends,
        };
        line(text, &name.to_toml_key(), &value);
        names.push(name);
    }
}

/// The MTUs that are said once for both ends of a link.
struct LinkMtus<'a> {
    draft: &'a Draft,
    mtus: Vec<Option<u32>>,
}

impl<'a> LinkMtus<'a> {
    fn of(draft: &'a Draft, cables: usize) -> Self {
        let mtu = |end: &crate::LinkEnd| draft.node(&end.node)?.interface(&end.interface)?.mtu;
        let mtus = draft.links[..cables].iter().map(|link| mtu(&link.a).filter(|_| mtu(&link.a) == mtu(&link.b)));
        Self { draft, mtus: mtus.collect() }
    }

    fn says(&self, node: &Node, interface: &str) -> bool {
        let is = |end: &crate::LinkEnd| end.node == node.name && end.interface == *interface;
        let links = self.draft.links.iter().zip(&self.mtus);
        links.filter(|(_, mtu)| mtu.is_some()).any(|(link, _)| is(&link.a) || is(&link.b))
    }
}

/// The nodes that look as the short form of a switch would make them, if their links come last and in their order.
fn switches(draft: &Draft) -> Vec<Switch> {
    let mut found = Vec::new();
    let mut start = draft.links.len();
    for (n, node) in draft.nodes.iter().enumerate().rev() {
        let ports = node.interfaces.len().saturating_sub(1);
        if node.role != Role::Switch || !is_plain(node) {
            continue;
        }
        let Some(first) = start.checked_sub(ports) else { return Vec::new() };
        let links = first..start;
        let ends = draft.links[links.clone()].iter().map(|link| (&link.a.node, &link.a.interface));
        if !ends.eq(node.interfaces[1..].iter().map(|port| (&node.name, &port.name))) {
            return Vec::new();
        }
        start = first;
        found.push(Switch { node: n, links });
    }
    found.reverse();
    found
}

/// Whether the node is a bridge of its own name with ports, and nothing else.
fn is_plain(node: &Node) -> bool {
    let Some((bridge, ports)) = node.interfaces.split_first() else { return false };
    let bare = Node { role: Role::Switch, interfaces: node.interfaces.clone(), ..Node::new(node.name.clone()) };
    let plain = |port: &crate::Interface| {
        let veth = crate::Interface { mtu: port.mtu, ..crate::Interface::new(port.name.clone(), Kind::Veth) };
        *port == crate::Interface { master: Some(bridge.name.clone()), ..veth }
    };
    *node == bare
        && bridge.name == *node.name.own()
        && matches!(bridge.kind, Kind::Bridge(_))
        && ports.iter().all(plain)
}

fn line(text: &mut String, key: &str, value: &str) {
    text.push_str(&format!("{key} = {value}\n"));
}

/// A list of texts: on one line if there is one, on a line each if they are many.
pub(super) fn list<T: AsRef<str>>(texts: &[T]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| text.as_ref().to_toml_value()).collect();
    elements(&texts)
}

/// A list of values that are TOML already.
pub(super) fn elements(values: &[String]) -> String {
    let short: String = format!("[{}]", values.join(", "));
    if values.len() < 2 || short.len() <= 80 { short } else { format!("[\n  {},\n]", values.join(",\n  ")) }
}

/// Whether a key of a node has a meaning of its own, so that no interface can be called like that without a word.
pub(super) fn is_setting(name: &str) -> bool {
    NODE.field(name).is_some()
}
