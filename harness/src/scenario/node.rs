//! What can hold of one node.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use netns_test_runtime::{
    kernel::{KernelError, NeighbourState, RouteAction, RouteInfo},
    lab::{Error, Lab, Node},
};
use netns_test_topology::{
    Hook, Policy,
    check::nearest,
    file::{MISSING_KEY, WRONG_TYPE, tree::Value},
};
use nix::errno::Errno;

use super::{
    connection::Connection,
    fact::Wrong,
    range::Range,
    words::{Keys, Reader, Station, Whom, names},
};

/// The keys that say what holds of a node.
pub(super) const KEYS: [&str; 12] = [
    "interfaces",
    "route_to",
    "routes",
    "neighbour",
    "neighbours",
    "sysctl",
    "policy",
    "counter",
    "rules",
    "connection",
    "tracks",
    "apart_from",
];

/// What can be said of a neighbour in the place of its MAC address.
const NEIGHBOUR_STATES: [&str; 10] =
    ["known", "none", "incomplete", "reachable", "stale", "delay", "probe", "failed", "noarp", "permanent"];

/// A fact about a node.
#[derive(Debug, Clone)]
pub(super) enum OfNode {
    /// The names of all of them.
    Interfaces(BTreeSet<String>),
    RouteTo(Whom, Vec<String>),
    /// Those of IPv4 in the main table, each as words of which the kernel's may have more.
    Routes(Vec<String>),
    Neighbour(Whom, Vec<String>),
    NeighbourMac(Whom, Station),
    /// Everybody of whom it knows the MAC address.
    Neighbours(Vec<Whom>),
    Sysctl(String, String),
    Policy(Hook, Option<Policy>, Option<Range>),
    Counter(String, Range),
    /// How many rules its firewall has.
    Rules(Range),
    Connection(Box<Connection>),
    /// Whether it tracks connections at all.
    Tracks(bool),
    /// Nodes whose network namespaces are others.
    ApartFrom(Vec<String>),
}

impl OfNode {
    pub(super) fn read(reader: &mut Reader, keys: &mut Keys, key: &str, value: &Value) -> Option<Self> {
        let whom = |reader: &mut Reader, value: &Value| {
            let text = reader.text(value)?.to_owned();
            reader.whom(&text, &value.span)
        };
        Some(match key {
            "interfaces" => Self::Interfaces(reader.texts(value)?.into_iter().collect()),
            "route_to" => {
                let is = is(keys, reader, value);
                let to = whom(reader, value)?;
                let is: Vec<String> = is?.split_whitespace().map(str::to_owned).collect();
                if is.is_empty() {
                    let help = "write words that it must have, such as `is = \"dev eth0\"`";
                    reader.wrong(MISSING_KEY, &value.span, "nothing is expected of this route", help);
                    return None;
                }
                Self::RouteTo(to, is)
            }
            "routes" => Self::Routes(reader.texts(value)?),
            "neighbour" => {
                let who = whom(reader, value);
                match keys.take("mac") {
                    Some(mac) => {
                        let station = reader.station(mac)?;
                        Self::NeighbourMac(who?, station)
                    }
                    None => {
                        let states = neighbour_states(reader, keys, value);
                        Self::Neighbour(who?, states?)
                    }
                }
            }
            "neighbours" => {
                let all = value.elements().iter().map(|value| whom(reader, value));
                Self::Neighbours(all.collect::<Option<_>>()?)
            }
            "sysctl" => {
                let is = is(keys, reader, value);
                Self::Sysctl(reader.text(value)?.to_owned(), is?)
            }
            "policy" => {
                let is = keys.take("is").map(|is| reader.parsed(is));
                let packets = keys.take("packets").map(|packets| Range::read(reader, packets));
                let hook = reader.parsed(value)?;
                let (is, packets) =
                    (is.map_or(Some(None), |is| is.map(Some))?, packets.map_or(Some(None), |p| p.map(Some))?);
                if is.is_none() && packets.is_none() {
                    let help = "write what it is, `is = \"drop\"`, or how many packets met it, `packets = \">= 1\"`";
                    reader.wrong(MISSING_KEY, &value.span, "nothing is expected of this policy", help);
                    return None;
                }
                Self::Policy(hook, is, packets)
            }
            "counter" => {
                let packets = keys.take("packets");
                let name = reader.text(value)?.to_owned();
                let Some(packets) = packets else {
                    let help = "write how many it must have counted: `packets = \">= 1\"`";
                    reader.wrong(MISSING_KEY, &value.span, "`packets` is missing", help);
                    return None;
                };
                Self::Counter(name, Range::read(reader, packets)?)
            }
            "rules" => Self::Rules(Range::read(reader, value)?),
            "connection" => Self::Connection(Box::new(Connection::read(reader, keys, value)?)),
            "tracks" => Self::Tracks(reader.flag(value)?),
            _ => {
                let others = value.elements().iter().map(|node| reader.node(node)).collect::<Option<Vec<_>>>()?;
                if others.is_empty() {
                    let help = "name nodes whose network namespaces are others";
                    reader.wrong(MISSING_KEY, &value.span, "this is apart from nobody", help);
                    return None;
                }
                Self::ApartFrom(others)
            }
        })
    }

    /// The fact in words, of which names of tests are made.
    pub(super) fn words(&self, node: &str) -> String {
        match self {
            Self::Interfaces(_) => format!("{node} interfaces"),
            Self::RouteTo(to, _) => format!("{node} route to {to}"),
            Self::Routes(_) => format!("{node} routes"),
            Self::Neighbour(who, _) | Self::NeighbourMac(who, _) => format!("{node} neighbour {who}"),
            Self::Neighbours(_) => format!("{node} neighbours"),
            Self::Sysctl(key, _) => format!("{node} {key}"),
            Self::Policy(hook, ..) => format!("{node} {hook} policy"),
            Self::Counter(name, _) => format!("{node} counter {name}"),
            Self::Rules(_) => format!("{node} rules"),
            Self::Connection(connection) => format!("{node} {connection}"),
            Self::Tracks(_) => format!("{node} tracks connections"),
            Self::ApartFrom(others) => format!("{node} is apart from {}", others.join(", ")),
        }
    }

    /// What is expected, in a few words.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Interfaces(is) => names(is),
            Self::RouteTo(_, is) => is.join(" "),
            Self::Routes(is) if is.is_empty() => "none".to_owned(),
            Self::Routes(is) => is.join("; "),
            Self::Neighbour(_, is) => is.join(" | "),
            Self::NeighbourMac(_, is) => format!("at {is}"),
            Self::Neighbours(is) => names(is),
            Self::Sysctl(_, is) => is.clone(),
            Self::Policy(_, is, packets) => {
                let is = is.map(|policy| policy.to_string());
                let packets = packets.as_ref().map(|range| format!("{} packets", range.text));
                is.into_iter().chain(packets).collect::<Vec<_>>().join(", ")
            }
            Self::Counter(_, range) => format!("{} packets", range.text),
            Self::Rules(range) => format!("{} rules", range.text),
            Self::Connection(connection) => connection.expected(),
            Self::Tracks(is) => if *is { "yes" } else { "no" }.to_owned(),
            Self::ApartFrom(_) => "another namespace".to_owned(),
        }
    }

    /// Whether it holds, and what was seen.
    pub(super) fn look(&self, lab: &Lab, node: &Node) -> Result<(bool, String), Wrong> {
        match self {
            Self::Interfaces(is) => {
                let seen: BTreeSet<String> =
                    node.links().map_err(Wrong::unknown)?.into_iter().map(|l| l.name).collect();
                Ok((seen == *is, names(&seen)))
            }
            Self::RouteTo(to, is) => {
                let mut seen = Vec::new();
                for address in to.addresses(lab).map_err(Wrong::unknown)? {
                    seen.push(route_to(node, address)?);
                }
                let says = |route: &String| {
                    let words: Vec<&str> = route.split_whitespace().collect();
                    is.chunks(2).all(|pair| words.windows(pair.len()).any(|some| some == pair))
                };
                Ok((seen.iter().all(says), seen.join("; ")))
            }
            Self::Routes(is) => routes(node, is),
            Self::Neighbour(who, is) => {
                let mut seen = Vec::new();
                for address in who.addresses(lab).map_err(Wrong::unknown)? {
                    let entry = node.neighbour(address).map_err(Wrong::unknown)?;
                    let is_known = entry.as_ref().is_some_and(|entry| entry.state.is_valid());
                    let state = entry.map_or("none".to_owned(), |entry| entry.state.to_string().to_lowercase());
                    seen.push((is_known, state));
                }
                let holds =
                    |(is_known, state): &(bool, String)| is.iter().any(|is| is == state || is == "known" && *is_known);
                let words: Vec<&str> = seen.iter().map(|(_, state)| state.as_str()).collect();
                Ok((seen.iter().all(holds), words.join(", ")))
            }
            Self::NeighbourMac(who, is) => {
                let is = is.mac(lab).map_err(Wrong::unknown)?;
                let mut seen = Vec::new();
                for address in who.addresses(lab).map_err(Wrong::unknown)? {
                    seen.push(node.neighbour(address).map_err(Wrong::unknown)?.and_then(|entry| entry.mac));
                }
                let words = seen.iter().map(|mac| mac.map_or("no MAC address".to_owned(), |mac| format!("at {mac}")));
                Ok((seen.iter().all(|mac| *mac == Some(is)), words.collect::<Vec<_>>().join(", ")))
            }
            Self::Neighbours(is) => neighbours(lab, node, is),
            Self::Sysctl(key, is) => {
                let seen = node.sysctl(key).map_err(Wrong::unknown)?;
                Ok((seen == *is, seen))
            }
            Self::Policy(hook, is, packets) => policy(node, *hook, *is, packets.as_ref()),
            Self::Counter(name, range) => {
                let seen = node.counter(name).map_err(Wrong::unknown)?.packets;
                Ok((range.holds(seen), format!("{seen} packets")))
            }
            Self::Rules(range) => {
                let seen = node.firewall_rules().map_err(Wrong::unknown)?.len();
                Ok((range.holds(seen as u64), format!("{seen} rules")))
            }
            Self::Connection(connection) => connection.look(lab, node),
            Self::Tracks(is) => {
                let seen = node.tracks_connections().map_err(Wrong::unknown)?;
                Ok((seen == *is, if seen { "yes" } else { "no" }.to_owned()))
            }
            Self::ApartFrom(others) => {
                let mine = node.netns_inode().map_err(Wrong::unknown)?;
                let mut same = Vec::new();
                for other in others {
                    if lab.node(other).and_then(|other| other.netns_inode()).map_err(Wrong::unknown)? == mine {
                        same.push(other.clone());
                    }
                }
                let seen =
                    if same.is_empty() { "another namespace".to_owned() } else { format!("that of {}", names(&same)) };
                Ok((same.is_empty(), seen))
            }
        }
    }
}

fn is(keys: &mut Keys, reader: &mut Reader, value: &Value) -> Option<String> {
    match keys.take("is") {
        Some(is) => reader.text(is).map(str::to_owned),
        None => {
            let help = "write what is expected: `is = \"…\"`";
            reader.wrong(MISSING_KEY, &value.span, "`is` is missing", help);
            None
        }
    }
}

/// States, of which one must be the neighbour's.
fn neighbour_states(reader: &mut Reader, keys: &mut Keys, value: &Value) -> Option<Vec<String>> {
    let Some(is) = keys.take("is") else {
        let help = "write its state, `is = \"known\"`, or `mac` with an address or an interface";
        reader.wrong(MISSING_KEY, &value.span, "nothing is expected of this neighbour", help);
        return None;
    };
    let text = reader.text(is)?.to_lowercase();
    let states: Vec<String> = text.split('|').map(|state| state.trim().to_owned()).collect();
    if let Some(wrong) = states.iter().find(|state| !NEIGHBOUR_STATES.contains(&state.as_str())) {
        let help = match nearest(wrong, NEIGHBOUR_STATES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the states are `{}`", NEIGHBOUR_STATES.join("`, `")),
        };
        reader.wrong(WRONG_TYPE, &is.span, format!("`{wrong}` is no state of a neighbour"), help);
        return None;
    }
    Some(states)
}

/// The route that a node would take, as `ip route get` would say it, or why the kernel has none.
fn route_to(node: &Node, address: IpAddr) -> Result<String, Wrong> {
    match node.route_to(address) {
        Ok(route) => words_of(node, &route),
        Err(Error::Kernel { source, .. }) if is_no_route(&source) => {
            Ok(source.message().unwrap_or(Errno::from_raw(source.errno()).desc()).to_owned())
        }
        Err(error) => Err(Wrong::unknown(error)),
    }
}

/// What no route and routes of the kinds `unreachable`, `prohibit` and `blackhole` are answered with.
fn is_no_route(error: &KernelError) -> bool {
    let answers = [Errno::ENETUNREACH, Errno::EHOSTUNREACH, Errno::EACCES, Errno::EINVAL];
    answers.contains(&Errno::from_raw(error.errno()))
}

/// Gateways, interfaces and source of a route.
fn words_of(node: &Node, route: &RouteInfo) -> Result<String, Wrong> {
    let links = node.links().map_err(Wrong::unknown)?;
    let mut words = Vec::new();
    for hop in &route.hops {
        words.extend(hop.via.map(|via| format!("via {via}")));
        let name = links.iter().find(|link| link.index == hop.index).map_or("?", |link| &link.name);
        words.push(format!("dev {name}"));
    }
    words.extend(route.source.map(|source| format!("src {source}")));
    if route.metric > 0 {
        words.push(format!("metric {}", route.metric));
    }
    if route.link_down() {
        words.push("linkdown".to_owned());
    }
    Ok(words.join(" "))
}

fn routes(node: &Node, is: &[String]) -> Result<(bool, String), Wrong> {
    let mut seen = Vec::new();
    for route in node.routes().map_err(Wrong::unknown)?.iter().filter(|route| !route.to.is_ipv6()) {
        let to = if route.to.prefix() == 0 { "default".to_owned() } else { route.to.to_string() };
        let kind = match route.kind {
            RouteAction::Unicast => String::new(),
            other => format!("{} ", format!("{other:?}").to_lowercase()),
        };
        seen.push(format!("{kind}{to} {}", words_of(node, route)?).trim_end().to_owned());
    }
    let has_words = |route: &String, wanted: &String| {
        let mut words = route.split_whitespace();
        wanted.split_whitespace().all(|wanted| words.any(|word| word == wanted))
    };
    let fits: Vec<Vec<bool>> =
        is.iter().map(|wanted| seen.iter().map(|route| has_words(route, wanted)).collect()).collect();
    let holds = seen.len() == is.len() && is_one_to_one(&fits);
    Ok((holds, if seen.is_empty() { "none".to_owned() } else { seen.join("; ") }))
}

/// Whether each row can have a column of its own that fits it.
fn is_one_to_one(fits: &[Vec<bool>]) -> bool {
    /// Finds the row a column, for which others may have to take another one.
    fn place(row: usize, fits: &[Vec<bool>], tried: &mut BTreeSet<usize>, taken: &mut BTreeMap<usize, usize>) -> bool {
        let fitting = (0..).zip(&fits[row]).filter_map(|(column, fits)| fits.then_some(column));
        for column in fitting {
            if !tried.insert(column) {
                continue;
            }
            let holder = taken.get(&column).copied();
            if holder.is_none_or(|holder| place(holder, fits, tried, taken)) {
                taken.insert(column, row);
                return true;
            }
        }
        false
    }
    let mut taken = BTreeMap::new();
    (0..fits.len()).all(|row| place(row, fits, &mut BTreeSet::new(), &mut taken))
}

/// Link-local neighbours of IPv6 come and go by themselves, and are left out.
fn neighbours(lab: &Lab, node: &Node, is: &[Whom]) -> Result<(bool, String), Wrong> {
    let mut wanted = BTreeSet::new();
    for whom in is {
        wanted.extend(whom.addresses(lab).map_err(Wrong::unknown)?);
    }
    let by_itself = |address: &IpAddr| matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    let seen: BTreeSet<IpAddr> = node
        .neighbours()
        .map_err(Wrong::unknown)?
        .into_iter()
        .filter(|entry| entry.state.is_valid() && entry.state != NeighbourState::NoArp && !by_itself(&entry.address))
        .map(|entry| entry.address)
        .collect();
    Ok((seen == wanted, names(&seen)))
}

/// One chain that drops is enough, whatever others say.
fn policy(node: &Node, hook: Hook, is: Option<Policy>, packets: Option<&Range>) -> Result<(bool, String), Wrong> {
    let chains = node.firewall_chains().map_err(Wrong::unknown)?;
    let chains: Vec<_> = chains.iter().filter(|chain| chain.hook == Some(hook) && chain.policy.is_some()).collect();
    let drops = chains.iter().any(|chain| chain.policy == Some(Policy::Drop));
    let seen = if drops { Policy::Drop } else { Policy::Accept };
    let is_as_said = is.is_none_or(|is| is == seen);
    let Some(range) = packets else {
        let words = if chains.is_empty() { format!("{seen}: there is no chain") } else { seen.to_string() };
        return Ok((is_as_said, words));
    };
    if chains.is_empty() {
        let help = format!("`policy = \"{hook} accept\"` as a change makes one");
        return Err(Wrong::unknown(format!("`{}` has no chain at {hook} that counts\n  help: {help}", node.name())));
    }
    let mut count = 0;
    for chain in chains {
        let Some(counted) = chain.policy_counter else {
            let help = "a named counter of a rule at its end is read by `counter`";
            let (node, table, chain) = (node.name(), &chain.table, &chain.name);
            let why = format!("the policy of chain `{table} {chain}` of `{node}` has no counter\n  help: {help}");
            return Err(Wrong::unknown(why));
        };
        count += counted.packets;
    }
    Ok((is_as_said && range.holds(count), format!("{seen}, {count} packets")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_expected_route_needs_one_of_its_own() {
        assert!(is_one_to_one(&[]));
        assert!(!is_one_to_one(&[vec![true, false], vec![true, false]]));
        // The first has to make room for the second, and that for the third.
        assert!(is_one_to_one(&[vec![true, true, false], vec![true, false, true], vec![true, false, false]]));
        assert!(!is_one_to_one(&[vec![true, true, false], vec![true, true, false], vec![true, true, false]]));
    }
}
