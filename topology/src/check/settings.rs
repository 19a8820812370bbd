//! Neighbour entries, sysctls, counters and name servers.

use std::{collections::HashSet, net::IpAddr};

use super::{Check, Checker, Item, Part};
use crate::{Node, Sysctl};

/// How many name servers a resolver asks (`MAXNS` in `<resolv.h>`).
const MAX_NAMESERVERS: usize = 3;

impl Checker<'_> {
    pub(super) fn check_settings(&mut self, n: usize, node: &Node) {
        let mut seen = HashSet::new();
        for (e, neighbour) in node.neighbours.iter().enumerate() {
            let item = Item::Neighbour(n, e);
            if *neighbour.dev != *"lo" && node.interface(&neighbour.dev).is_none() {
                self.report_unknown(Check::UNKNOWN_INTERFACE, item, Part::Device(0), node, &neighbour.dev);
            }
            if neighbour.address.is_ipv6() {
                self.check_ipv6_over(item, Part::Device(0), node, &neighbour.dev, "neighbour");
            }
            if !seen.insert((neighbour.address, &neighbour.dev)) {
                let message = format!("`{}` has two entries for the neighbour `{}`", neighbour.dev, neighbour.address);
                self.report(Check::DUPLICATE_NEIGHBOUR, item, Part::Whole, message).help("leave one out");
            }
        }
        for (s, sysctl) in node.sysctls.iter().enumerate() {
            let item = Item::Sysctl(n, s);
            if let Err(wrong) = Sysctl::check_name(&sysctl.key) {
                let help = wrong.help_text().unwrap_or_default();
                self.report(Check::BAD_SYSCTL, item, Part::Name, wrong.message()).help(help);
            }
            if let Some(interface) = sysctl.interface().filter(|i| i != "lo" && node.interface(i).is_none()) {
                self.report_unknown(Check::UNKNOWN_INTERFACE, item, Part::Name, node, &interface);
            }
        }
        for (c, name) in node.counters.iter().enumerate() {
            self.check_counter_name(Item::Counter(n, c), name);
        }
        self.check_nameservers(n, node);
    }

    fn check_nameservers(&mut self, n: usize, node: &Node) {
        for (s, &server) in node.nameservers.iter().enumerate() {
            let item = Item::NameServer(n, s);
            let wrong = match server {
                _ if server.is_unspecified() => Some("is the unspecified address"),
                _ if server.is_multicast() => Some("is a multicast address"),
                IpAddr::V4(v4) if v4.is_broadcast() => Some("is the broadcast address"),
                _ => None,
            };
            if let Some(wrong) = wrong {
                let message = format!("`{server}` {wrong}, it cannot be a name server");
                self.report(Check::BAD_NAMESERVER, item, Part::Whole, message)
                    .help("write the address of the node that answers, such as `127.0.0.1` for this one");
            } else if node.nameservers[..s].contains(&server) {
                let message = format!("node `{}` has the name server `{server}` twice", node.name);
                self.report(Check::BAD_NAMESERVER, item, Part::Whole, message).help("leave one out");
            }
            if s == MAX_NAMESERVERS {
                let count = node.nameservers.len();
                let message = format!("node `{}` has {count} name servers, resolvers ask the first three", node.name);
                self.report(Check::TOO_MANY_NAMESERVERS, item, Part::Whole, message)
                    .help("leave out those from here on");
            }
        }
    }

    pub(super) fn check_counter_name(&mut self, item: Item, name: &str) {
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        let other = |c: char| letter(c) || c.is_ascii_digit() || matches!(c, '-' | '.' | '/');
        if name.len() > 127 || !name.starts_with(letter) || !name.chars().all(other) {
            self.report(Check::COUNTER_NAME, item, Part::Name, format!("`{name}` cannot be the name of a counter"))
                .help("begin with a letter or `_`, go on with letters, digits, `_`, `-`, `.` and `/`, up to 127");
        }
    }
}
