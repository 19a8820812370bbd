//! Routes and rules as `ip route` and `ip rule` print them.

use std::fmt;

use super::{NextHop, Route, RouteKind, Rule, RuleAction};

/// Prints the route in the syntax of [ip-route(8)], such as `default via 10.0.0.1 metric 100`.
///
/// [ip-route(8)]: https://man7.org/linux/man-pages/man8/ip-route.8.html
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hops: &[NextHop] = match &self.kind {
            RouteKind::Unicast(hops) => hops,
            RouteKind::Blackhole => word(f, "blackhole")?,
            RouteKind::Unreachable => word(f, "unreachable")?,
            RouteKind::Prohibit => word(f, "prohibit")?,
        };
        match self.to.prefix() {
            // An address of the other family, or none, would not say what `default` stands for.
            0 if self.to.is_ipv6() != self.names_ipv6_otherwise() => write!(f, "{}", self.to)?,
            0 => f.write_str("default")?,
            _ => write!(f, "{}", self.to)?,
        }
        let v6 = self.to.is_ipv6();
        let plain = matches!(hops, [only] if only.weight == 1);
        if plain {
            write_hop(f, v6, &hops[0])?;
        }
        if let Some(source) = self.source {
            write!(f, " src {source}")?;
        }
        if let Some(metric) = self.metric {
            write!(f, " metric {metric}")?;
        }
        if let Some(table) = self.table {
            write!(f, " table {table}")?;
        }
        if let Some(mtu) = self.mtu {
            write!(f, " mtu {mtu}")?;
        }
        if !plain {
            for hop in hops {
                f.write_str(" nexthop")?;
                write_hop(f, v6, hop)?;
                if hop.weight != 1 {
                    write!(f, " weight {}", hop.weight)?;
                }
            }
        }
        Ok(())
    }
}

impl Route {
    /// Whether a gateway or source address already says that the route is an IPv6 one.
    fn names_ipv6_otherwise(&self) -> bool {
        let hops = match &self.kind {
            RouteKind::Unicast(hops) => hops.as_slice(),
            _ => &[],
        };
        hops.iter().filter_map(|hop| hop.via).chain(self.source).any(|addr| addr.is_ipv6())
    }
}

fn word(f: &mut fmt::Formatter<'_>, word: &str) -> Result<&'static [NextHop], fmt::Error> {
    write!(f, "{word} ")?;
    Ok(&[])
}

fn write_hop(f: &mut fmt::Formatter<'_>, v6: bool, hop: &NextHop) -> fmt::Result {
    if let Some(via) = hop.via {
        let family = if via.is_ipv6() && !v6 { "inet6 " } else { "" };
        write!(f, " via {family}{via}")?;
    }
    if let Some(dev) = &hop.dev {
        write!(f, " dev {dev}")?;
    }
    if hop.onlink {
        f.write_str(" onlink")?;
    }
    Ok(())
}

/// Prints the rule in the syntax of [ip-rule(8)], such as `from 10.0.0.0/8 lookup 100 priority 5`.
///
/// [ip-rule(8)]: https://man7.org/linux/man-pages/man8/ip-rule.8.html
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.v6 && self.from.is_none() && self.to.is_none() {
            f.write_str("inet6 ")?;
        }
        match &self.from {
            Some(from) => write!(f, "from {from}")?,
            None => f.write_str("from all")?,
        }
        if let Some(to) = &self.to {
            write!(f, " to {to}")?;
        }
        if let Some(input) = &self.input {
            write!(f, " iif {input}")?;
        }
        if let Some(output) = &self.output {
            write!(f, " oif {output}")?;
        }
        if let Some(mark) = self.mark {
            write!(f, " fwmark {mark:#x}")?;
        }
        match self.action {
            RuleAction::Lookup(table) => write!(f, " lookup {table}")?,
            RuleAction::Blackhole => f.write_str(" blackhole")?,
            RuleAction::Unreachable => f.write_str(" unreachable")?,
            RuleAction::Prohibit => f.write_str(" prohibit")?,
        }
        if let Some(priority) = self.priority {
            write!(f, " priority {priority}")?;
        }
        Ok(())
    }
}
