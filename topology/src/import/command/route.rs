//! `route` of net-tools ([route(8)]).
//!
//! [route(8)]: https://man7.org/linux/man-pages/man8/route.8.html

use std::net::IpAddr;

use super::{
    Run,
    words::{Words, address, class_length, mask_length, network},
};
use crate::{Cidr, IfName, InvalidValue, NextHop, Route, RouteKind};

impl Run<'_> {
    pub(super) fn route(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        let mut v6 = false;
        let command = loop {
            match words.next() {
                Some("-A" | "-4" | "-6") if words.peek() == Some("inet6") => {
                    words.next();
                    v6 = true;
                }
                Some("-6" | "--inet6") => v6 = true,
                Some("-A") => drop(words.next()),
                Some("-4" | "--inet") => {}
                Some(command @ ("add" | "del")) => break command,
                Some(option) if option.starts_with('-') => {}
                Some(other) => return Err(words.unknown(other, &["add", "del"])),
                None => {
                    self.note_printing("route");
                    return Ok(());
                }
            }
        };
        let route = given(words, v6)?;
        if command == "add" {
            self.add_route(route, false);
            return Ok(());
        }
        self.delete_route(&route)
    }
}

fn given(words: &mut Words<'_>, v6: bool) -> Result<Route, InvalidValue> {
    let (mut to, mut whole_net, mut mask, mut metric, mut reject) = (None, false, None, None, false);
    let mut hop = NextHop::default();
    while let Some(word) = words.next() {
        match word {
            "-net" => {
                whole_net = true;
                to = Some(words.value(word)?);
            }
            "-host" => to = Some(words.value(word)?),
            "netmask" => mask = Some(mask_length(words.value(word)?)?),
            "gw" | "gateway" => hop.via = Some(address(words.value(word)?)?),
            "dev" => hop.dev = Some(words.interface(word)?),
            "metric" => metric = Some(words.number(word)?),
            "reject" => reject = true,
            "mss" | "window" | "irtt" | "mod" | "dyn" | "reinstate" => return Err(words.not_expressible(word)),
            other if to.is_none() => to = Some(other),
            other if words.is_empty() && hop.dev.is_none() => hop.dev = Some(IfName::new(other)?),
            other => return Err(words.unknown(other, &["netmask", "gw", "dev", "metric", "reject"])),
        }
    }
    let to =
        to.ok_or_else(|| InvalidValue::new("this route leads nowhere").help("write `route add default gw 10.0.0.1`"))?;
    let mut target = network(to, v6)?;
    let has_length = to.contains('/') || target.prefix() == 0;
    target = match (mask, target.addr()) {
        (Some(length), addr) => Cidr::new(addr, length)?,
        (None, IpAddr::V4(v4)) if whole_net && !has_length => Cidr::new(v4.into(), class_length(v4))?,
        _ => target,
    };
    let kind = if reject { RouteKind::Unreachable } else { RouteKind::Unicast(vec![hop]) };
    // It counts metrics from one on, where the kernel has zero.
    let metric = metric.filter(|metric| *metric != 0);
    Ok(Route { to: target, kind, metric, table: None, source: None, mtu: None })
}
