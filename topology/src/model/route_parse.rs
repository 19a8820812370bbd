//! Routes and rules read from the syntax of `ip route` and `ip rule`.

use std::str::FromStr;

use super::{Cidr, InvalidValue, NextHop, Route, RouteKind, Rule, RuleAction, words::Words};

/// Reads a route in the syntax of [ip-route(8)].
///
/// ```
/// use netns_test_topology::Route;
///
/// for text in [
///     "default via 10.0.0.1",
///     "10.9.0.0/16 via 10.0.0.7 dev eth0 onlink src 10.0.0.1 metric 100 table 7 mtu 1400",
///     "blackhole 10.9.0.0/16",
///     "10.0.0.0/8 nexthop via 10.0.0.1 weight 2 nexthop via 10.0.0.2",
/// ] {
///     let route: Route = text.parse()?;
///     assert_eq!(route.to_string(), text);
/// }
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [ip-route(8)]: https://man7.org/linux/man-pages/man8/ip-route.8.html
impl FromStr for Route {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut words = Words::new("route", text);
        let mut first = words.next();
        let mut kind = RouteKind::Unicast(Vec::new());
        if let Some(word) = first {
            kind = match word {
                "unicast" => kind,
                "blackhole" => RouteKind::Blackhole,
                "unreachable" => RouteKind::Unreachable,
                "prohibit" => RouteKind::Prohibit,
                _ => RouteKind::Unicast(vec![NextHop::default()]),
            };
            if !matches!(&kind, RouteKind::Unicast(hops) if !hops.is_empty()) {
                first = words.next();
            }
        }
        if first == Some("to") {
            first = words.next();
        }
        let to = match first {
            None => {
                return Err(InvalidValue::new(format!("the route `{text}` leads nowhere"))
                    .help("begin with a network, such as `default via 10.0.0.1` or `10.9.0.0/16 dev eth0`"));
            }
            Some("default") => None,
            Some(network) => Some(words.network(network).map_err(|error| {
                let known = ["default", "unicast", "blackhole", "unreachable", "prohibit"];
                match crate::check::nearest(network, known) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error,
                }
            })?),
        };
        let mut route = Route { to: Cidr::any(false), kind, metric: None, table: None, source: None, mtu: None };
        let mut hops: Vec<NextHop> = Vec::new();
        let mut current: Option<NextHop> = None;
        let mut multipath = false;
        while let Some(word) = words.next() {
            let hop = current.get_or_insert_default();
            match word {
                "nexthop" => {
                    if multipath || *hop != NextHop::default() {
                        hops.push(std::mem::take(hop));
                    }
                    multipath = true;
                }
                "via" => {
                    let mut gateway = words.value(word)?;
                    if matches!(gateway, "inet" | "inet6") {
                        gateway = words.value(word)?;
                    }
                    hop.via = Some(words.address(gateway)?);
                }
                "dev" => hop.dev = Some(words.interface(word)?),
                "onlink" => hop.onlink = true,
                "weight" => hop.weight = words.number(word)?,
                "src" => route.source = Some(words.value(word).and_then(|text| words.address(text))?),
                "metric" | "preference" => route.metric = Some(words.number(word)?),
                "table" => route.table = Some(words.table(word)?),
                "mtu" => route.mtu = Some(words.number(word)?),
                other => {
                    return Err(words.unknown(
                        other,
                        &["via", "dev", "onlink", "weight", "src", "metric", "table", "mtu", "nexthop"],
                    ));
                }
            }
        }
        hops.extend(current.filter(|hop| multipath || *hop != NextHop::default()));
        let v6 = hops.iter().filter_map(|hop| hop.via).chain(route.source).next().is_some_and(|addr| addr.is_ipv6());
        route.to = to.unwrap_or_else(|| Cidr::any(v6));
        match &mut route.kind {
            RouteKind::Unicast(target) => *target = hops,
            _ if !hops.is_empty() => {
                return Err(InvalidValue::new(format!("the route `{text}` discards packets and has a next hop"))
                    .help("leave out gateway and interface, or the word before the network"));
            }
            _ => {}
        }
        Ok(route)
    }
}

/// Reads a rule in the syntax of [ip-rule(8)]; `inet6` before it makes a rule without addresses one for IPv6.
///
/// ```
/// use netns_test_topology::Rule;
///
/// let rule: Rule = "from 10.0.0.0/8 iif eth0 lookup 100 priority 5".parse()?;
/// assert_eq!(rule.priority, Some(5));
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [ip-rule(8)]: https://man7.org/linux/man-pages/man8/ip-rule.8.html
impl FromStr for Rule {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut words = Words::new("rule", text);
        let mut rule = Rule::new(RuleAction::Lookup(0));
        let mut action = None;
        while let Some(word) = words.next() {
            match word {
                "inet" => rule.v6 = false,
                "inet6" => rule.v6 = true,
                "from" => rule.from = words.network_or_all(word)?,
                "to" => rule.to = words.network_or_all(word)?,
                "iif" | "dev" => rule.input = Some(words.interface(word)?),
                "oif" => rule.output = Some(words.interface(word)?),
                "fwmark" => rule.mark = Some(words.number(word)?),
                "priority" | "pref" | "order" => rule.priority = Some(words.number(word)?),
                "lookup" | "table" => action = Some(RuleAction::Lookup(words.table(word)?)),
                "blackhole" => action = Some(RuleAction::Blackhole),
                "unreachable" => action = Some(RuleAction::Unreachable),
                "prohibit" => action = Some(RuleAction::Prohibit),
                other => {
                    return Err(words.unknown(
                        other,
                        &[
                            "from",
                            "to",
                            "iif",
                            "oif",
                            "fwmark",
                            "priority",
                            "lookup",
                            "blackhole",
                            "unreachable",
                            "prohibit",
                        ],
                    ));
                }
            }
        }
        rule.action = action.ok_or_else(|| {
            InvalidValue::new(format!("the rule `{text}` does not say what to do"))
                .help("add `lookup TABLE`, `blackhole`, `unreachable` or `prohibit`")
        })?;
        rule.v6 |= rule.from.iter().chain(&rule.to).any(Cidr::is_ipv6);
        Ok(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong<T: FromStr<Err = InvalidValue> + std::fmt::Debug>(text: &str) -> String {
        text.parse::<T>().unwrap_err().to_string()
    }

    #[test]
    fn a_route_reads_back_as_it_prints() {
        for text in [
            "default via 10.0.0.1",
            "default via fd00::1 dev eth0",
            "::/0 dev eth0",
            "default dev eth0",
            "10.9.0.0/16 dev eth0",
            "10.9.0.0/16 via 10.0.0.1 dev eth0 onlink src 10.0.0.2 metric 7 table 9 mtu 1400",
            "blackhole 10.9.0.0/16",
            "unreachable 10.9.0.0/16 metric 4",
            "prohibit fd00::/8",
            "unreachable default",
            "prohibit ::/0",
            "default nexthop via 10.0.0.1 weight 2",
            "10.0.0.0/8 metric 3 nexthop via 10.0.0.1 weight 2 nexthop via 10.0.0.2 dev eth1",
            "10.9.0.0/16 via inet6 fd00::1",
            "0.0.0.0/0 nexthop via inet6 fe80::1 dev eth0 nexthop via 10.0.0.1",
        ] {
            assert_eq!(text.parse::<Route>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_single_address_is_a_host_route() {
        assert_eq!("10.9.0.1 via 10.0.0.1".parse::<Route>().unwrap().to_string(), "10.9.0.1/32 via 10.0.0.1");
    }

    #[test]
    fn a_single_nexthop_is_a_plain_route() {
        let (one, plain) = ("default nexthop via 10.0.0.1", "default via 10.0.0.1");
        assert_eq!(one.parse::<Route>(), plain.parse::<Route>());
    }

    #[test]
    fn a_wrong_route_says_what_is_wrong() {
        assert_eq!(
            wrong::<Route>("default vai 10.0.0.1"),
            "unknown word `vai` in the route `default vai 10.0.0.1` (help: did you mean `via`?)"
        );
        assert_eq!(
            wrong::<Route>("default via"),
            "the route `default via` ends after `via` (help: say what belongs to `via`, or leave it out)"
        );
        assert_eq!(
            wrong::<Route>("default via gw"),
            "`gw` is not an IP address (help: write an address without a prefix length, such as `10.0.0.1`)"
        );
        assert_eq!(
            wrong::<Route>("blackhole 10.0.0.0/8 via 10.0.0.1"),
            "the route `blackhole 10.0.0.0/8 via 10.0.0.1` discards packets and has a next hop (help: leave out \
             gateway and interface, or the word before the network)"
        );
        assert!(wrong::<Route>("").contains("leads nowhere"));
        assert!(wrong::<Route>("default via 10.0.0.1 metric -1").contains("`-1` is no possible number after `metric`"));
    }

    #[test]
    fn a_rule_reads_back_as_it_prints() {
        for text in [
            "from all lookup 100",
            "from 10.0.0.0/8 to 10.9.0.0/16 iif eth0 oif eth1 fwmark 0x7 lookup 100 priority 5",
            "from 10.0.0.0/8 blackhole",
            "inet6 from all lookup 9",
            "from fd00::/8 prohibit",
            "from all to fd00::/8 unreachable",
        ] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        assert_eq!("lookup main".parse::<Rule>().unwrap().action, RuleAction::Lookup(254));
    }

    #[test]
    fn a_wrong_rule_says_what_is_wrong() {
        assert!(wrong::<Rule>("from 10.0.0.0/8").contains("does not say what to do"));
        assert!(wrong::<Rule>("form all lookup 5").ends_with("(help: did you mean `from`?)"));
    }
}
