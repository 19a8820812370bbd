//! `ip route` ([ip-route(8)]).
//!
//! [ip-route(8)]: https://man7.org/linux/man-pages/man8/ip-route.8.html

use super::{
    Run,
    ip::Family,
    words::{Words, network, shortened},
};
use crate::{Cidr, InvalidValue, Route, RouteKind};

const COMMANDS: &[&str] = &[
    "list", "show", "lst", "get", "add", "change", "chg", "replace", "prepend", "append", "test", "delete", "flush",
    "save", "restore", "showdump", "help",
];
const TYPES: &[&str] = &["unicast", "blackhole", "unreachable", "prohibit"];

impl Run<'_> {
    pub(super) fn ip_route(&mut self, words: &mut Words<'_>, family: Family) -> Result<(), InvalidValue> {
        let Some(command) = words.next() else {
            self.note_printing("ip route");
            return Ok(());
        };
        match shortened(command, COMMANDS) {
            Some("add" | "append") => {
                let route = self.given_route(words, family)?;
                self.add_route(route, false);
            }
            Some("change" | "chg" | "replace") => {
                let route = self.given_route(words, family)?;
                self.add_route(route, true);
            }
            Some("delete") => {
                let route = self.given_route(words, family)?;
                self.delete_route(&route)?;
            }
            Some("list" | "show" | "lst" | "get" | "save" | "showdump" | "help" | "test") => {
                self.note_printing(&format!("ip route {command}"));
            }
            Some("flush") if words.take_rest() == ["cache"] => self.note_printing("ip route flush cache"),
            Some(known) => return Err(words.not_expressible(known)),
            None => return Err(words.unknown(command, COMMANDS)),
        }
        Ok(())
    }

    pub(super) fn add_route(&mut self, route: Route, replace: bool) {
        let hops = match &route.kind {
            RouteKind::Unicast(hops) => hops.as_slice(),
            _ => &[],
        };
        let by: Vec<_> = hops.iter().filter_map(|hop| hop.dev.clone()).collect();
        if self.leads_outside(&by) {
            return;
        }
        if replace {
            let key = |route: &Route| (route.to, route.table.unwrap_or(254), route.metric.unwrap_or(0));
            let wanted = key(&route);
            self.machine.routes.retain(|(other, _)| key(other) != wanted);
        }
        self.machine.routes.push((route, self.at.clone()));
    }

    pub(super) fn delete_route(&mut self, route: &Route) -> Result<(), InvalidValue> {
        let (via, dev) = match &route.kind {
            RouteKind::Unicast(hops) => (hops.first().and_then(|h| h.via), hops.first().and_then(|h| h.dev.clone())),
            _ => (None, None),
        };
        let meant = |other: &Route| {
            let RouteKind::Unicast(hops) = &other.kind else { return other.to == route.to && via.is_none() };
            let hop = |wanted: &dyn Fn(&crate::NextHop) -> bool| hops.iter().any(wanted);
            other.to == route.to
                && route.table.is_none_or(|table| other.table == Some(table))
                && route.metric.is_none_or(|metric| other.metric == Some(metric))
                && via.is_none_or(|via| hop(&|h| h.via == Some(via)))
                && dev.as_ref().is_none_or(|dev| hop(&|h| h.dev.as_ref().is_none_or(|d| d == dev)))
        };
        if let Some(found) = self.machine.routes.iter().position(|(other, _)| meant(other)) {
            self.machine.routes.remove(found);
            return Ok(());
        }
        // The engine's own default route is not there, so there is nothing to take away.
        if route.to.prefix() == 0 && self.machine.outside.is_some() {
            self.report.note(self.at, "the removal of the engine's default route", super::OUTSIDE);
            return Ok(());
        }
        Err(InvalidValue::new(format!("there is no route `{route}` to remove at this point"))
            .help("routes that addresses bring with them stay; leave the line out"))
    }

    /// The route that the words say, through the model's own syntax.
    fn given_route(&mut self, words: &mut Words<'_>, family: Family) -> Result<Route, InvalidValue> {
        let (mut kind, mut to, mut rest) = (None, None, Vec::<String>::new());
        let mut v6 = family.v6();
        while let Some(word) = words.next() {
            match word {
                "via" => {
                    let mut gateway = words.value(word)?;
                    if matches!(gateway, "inet" | "inet6") {
                        gateway = words.value(word)?;
                    }
                    v6 |= gateway.contains(':');
                    rest.extend(["via".to_owned(), gateway.to_owned()]);
                }
                "src" => {
                    let source = words.value(word)?;
                    v6 |= source.contains(':');
                    rest.extend([word.to_owned(), source.to_owned()]);
                }
                "dev" | "oif" => rest.extend(["dev".to_owned(), words.value(word)?.to_owned()]),
                "weight" => rest.extend([word.to_owned(), words.value(word)?.to_owned()]),
                "onlink" | "nexthop" => rest.push(word.to_owned()),
                "mtu" => {
                    let mut mtu = words.value(word)?;
                    if mtu == "lock" {
                        mtu = words.value(mtu)?;
                    }
                    rest.extend([word.to_owned(), mtu.to_owned()]);
                }
                "scope" => {
                    let scope = words.value(word)?;
                    let usual = if rest.iter().any(|word| word == "via") { "global" } else { "link" };
                    if scope != usual {
                        return Err(words.not_expressible(&format!("scope {scope}")));
                    }
                }
                "to" => to = Some(words.value(word)?),
                _ if TYPES.contains(&word) => kind = Some(word),
                "local" | "broadcast" | "anycast" | "multicast" | "throw" | "nat" | "xresolve" | "from" | "tos"
                | "encap" | "as" | "expires" | "advmss" | "rtt" | "rttvar" | "window" | "cwnd" | "initcwnd"
                | "initrwnd" | "hoplimit" | "pref" | "nhid" | "realms" | "fastopen_no_cookie" | "quickack"
                | "congctl" | "reordering" | "ssthresh" | "features" | "rto_min" | "ttl-propagate" => {
                    return Err(words.not_expressible(word));
                }
                _ if shortened(word, &["metric", "priority", "preference"]).is_some() && word.len() > 2 => {
                    rest.extend(["metric".to_owned(), words.value(word)?.to_owned()]);
                }
                _ if word == "table" || to.is_some() && shortened(word, &["table"]).is_some() => {
                    rest.extend(["table".to_owned(), words.value(word)?.to_owned()]);
                }
                _ if word == "proto" || to.is_some() && shortened(word, &["protocol"]).is_some() => {
                    let protocol = words.value(word)?;
                    self.report.note(self.at, format!("`{word} {protocol}`"), "it is a remark on who added the route");
                }
                other if to.is_none() => to = Some(other),
                other => {
                    return Err(words.unknown(
                        other,
                        &[
                            "via", "dev", "onlink", "weight", "src", "metric", "table", "mtu", "nexthop", "scope",
                            "proto",
                        ],
                    ));
                }
            }
        }
        let to = to.ok_or_else(|| {
            InvalidValue::new("this route leads nowhere").help("write `ip route add default via 10.0.0.1`")
        })?;
        let to = network(to, v6)?;
        family.check(to, to.is_ipv6())?;
        let text = format!(
            "{} {} {}",
            kind.unwrap_or(""),
            if to == Cidr::any(true) { "::/0".to_owned() } else { to.to_string() },
            rest.join(" ")
        );
        text.trim().parse()
    }
}
