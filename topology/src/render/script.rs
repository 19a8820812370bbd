//! A plan as a shell script of `ip`, `nft` and `sysctl` commands.

use std::{collections::HashSet, fmt::Write, net::IpAddr};

use crate::{
    BridgeOptions, Chain, Departure, Mac, Route, RouteKind, Sysctl, Vxlan,
    plan::{Action, FirewallTable, LinkState, Plan, Step, VethEnd, firewall_tables},
};

/// Writes the shell script that would build the network with [ip(8)], [nft(8)] and [sysctl(8)].
///
/// It runs under `sh`, as root, wherever `ip netns add` can make named namespaces; its first lines say how to run it
/// without being root. Each departure from the kernel's defaults is a line of its own that names it, to be taken out
/// alone.
///
/// ```
/// use netns_test_topology::{Topology, render};
///
/// let pair = Topology::builder()
///     .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
///     .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
///     .link("a.eth0", "b.eth0")
///     .build()?;
/// let script = render::script(&pair.plan());
/// assert!(script.contains("\nip netns add a\n"));
/// assert!(script.contains("\nip -n a addr add 10.0.0.1/24 dev eth0\n"));
/// # Ok::<(), netns_test_topology::check::Problems>(())
/// ```
///
/// [ip(8)]: https://man7.org/linux/man-pages/man8/ip.8.html
/// [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html
/// [sysctl(8)]: https://man7.org/linux/man-pages/man8/sysctl.8.html
pub fn script(plan: &Plan) -> String {
    let mut script = Script { text: String::new(), chapter: "", bridges: HashSet::new(), overlays: HashSet::new() };
    script.begin(plan);
    let mut steps = plan.steps();
    while let [first, rest @ ..] = steps {
        let more = rest.iter().take_while(|step| first.set_by_one_command_with(step)).count();
        let (together, rest) = steps.split_at(more + 1);
        script.steps(together);
        steps = rest;
    }
    script.text
}

/// Waits, in the script, until `ip` shows what the kernel takes a moment for.
const AWAIT: &str = r#"
# await SECONDS PATTERN IP-ARGUMENTS: waits until the output of ip matches.
await() {
  limit=$(($1 * 100)) pattern=$2
  shift 2
  until ip -o "$@" | grep -q -e "$pattern"; do
    limit=$((limit - 1))
    if [ "$limit" -le 0 ]; then
      echo "gave up waiting for $pattern: ip $*" >&2
      exit 1
    fi
    sleep 0.01
  done
}
"#;

/// How long an interface may take beyond what the kernel takes by design.
const PATIENCE: u64 = 10;

struct Script<'a> {
    text: String,
    chapter: &'static str,
    /// Node and name.
    bridges: HashSet<(&'a str, &'a str)>,
    /// Node and name of VXLAN devices and macvlan interfaces.
    overlays: HashSet<(&'a str, &'a str)>,
}

impl<'a> Script<'a> {
    fn begin(&mut self, plan: &Plan) {
        self.text.push_str(
            "#!/bin/sh\n\
             # Builds a network of named network namespaces. Run it as root, or as anybody in namespaces of your own:\n\
             #\n\
             #   unshare --user --map-root-user --net --mount sh -c 'mount -t tmpfs none /run && sh THIS-FILE && exec sh'\n",
        );
        let departures = Departure::ALL.into_iter().filter(|d| plan.steps().iter().any(|s| departure(s) == Some(*d)));
        let departures: Vec<_> = departures.collect();
        if !departures.is_empty() {
            self.text
                .push_str("#\n# It departs from the kernel's defaults where a line ends with one of these names:\n#\n");
            let width = departures.iter().map(|departure| departure.name().len()).max().unwrap_or(0);
            for departure in departures {
                self.line(format!("#   {departure:width$}  {}", departure.explanation()));
            }
        }
        self.text.push_str("set -eu\n");
        let awaits = |step: &Step| matches!(step.action, Action::AwaitLink { .. } | Action::AwaitAddress { .. });
        if plan.steps().iter().any(awaits) {
            self.text.push_str(AWAIT);
        }
    }

    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// Steps that one command does.
    fn steps(&mut self, steps: &'a [Step]) {
        let step = &steps[0];
        let chapter = chapter(&step.action);
        if chapter != self.chapter {
            self.chapter = chapter;
            let _ = write!(self.text, "\n# {chapter}\n");
        }
        let mut command = match &step.action {
            Action::SetSysctl(sysctl) if is_plain(sysctl) => set_sysctls(step.node.as_str(), steps),
            _ => self.command(step),
        };
        if let Some(departure) = departure(step) {
            let _ = write!(command, "  # {departure}");
        }
        self.line(command);
    }

    fn command(&mut self, step: &'a Step) -> String {
        let node = step.node.as_str();
        match &step.action {
            Action::CreateNode { .. } => format!("ip netns add {node}"),
            Action::SetSysctl(sysctl) => write_sysctl(node, sysctl),
            Action::CreateBridge { name, mac, options } => {
                self.bridges.insert((node, name));
                ip(node, ["link", "add", "name", name])
                    .and(address(*mac))
                    .and(["type", "bridge"])
                    .and(bridge(options))
                    .text()
            }
            Action::CreateVeth { end, peer_node, peer } => ip(node, ["link", "add"])
                .and(veth_end(end))
                .and(["type", "veth", "peer"])
                .and(veth_end(peer))
                .and(["netns", peer_node.as_str()])
                .text(),
            Action::CreateVxlan { name, mac, mtu, vxlan } => {
                self.overlays.insert((node, name));
                let carrier = vxlan.underlay.as_ref().map_or(node, |name| name.as_str());
                let settings = Vxlan { underlay: None, ..vxlan.clone() }.to_string();
                ip(carrier, ["link", "add", "name", name])
                    .and(made(*mac, *mtu))
                    .and((carrier != node).then_some(["netns", node]).into_iter().flatten())
                    .and(["type", "vxlan"])
                    .and(settings.split(' '))
                    .text()
            }
            Action::CreateMacvlan { name, mac, mtu, macvlan } => {
                self.overlays.insert((node, name));
                let owner = macvlan.parent_node.as_ref().map_or(node, |name| name.as_str());
                ip(owner, ["link", "add", "link", &macvlan.parent, "name", name])
                    .and(made(*mac, *mtu))
                    .and((owner != node).then_some(["netns", node]).into_iter().flatten())
                    .and(["type", "macvlan", "mode", macvlan.mode.name()])
                    .text()
            }
            Action::AddFdb(entry) => {
                let command = if entry.adds_up() { "append" } else { "add" };
                Words::of(["bridge", "-n", node, "fdb", command]).and(entry.to_string().split(' ')).text()
            }
            Action::SetMaster { interface, master } => {
                ip(node, ["link", "set", "dev", interface, "master", master]).text()
            }
            Action::SetMtu { interface, mtu } => {
                ip(node, ["link", "set", "dev", interface, "mtu", &mtu.to_string()]).text()
            }
            Action::SetNeighbourTimers { interface, v6, timers } => {
                let table = if *v6 { "ndisc_cache" } else { "arp_cache" };
                ip(node, ["ntable", "change", "name", table, "dev", interface])
                    .and(["retrans", &timers.retransmit.as_millis().to_string()])
                    .and(["ucast_probes", &timers.unicast_probes.to_string()])
                    .and(["mcast_probes", &timers.multicast_probes.to_string()])
                    .and(["proxy_delay", &timers.proxy_delay.as_millis().to_string()])
                    .text()
            }
            Action::AddAddress { interface, address, no_dad } => {
                let no_dad = no_dad.then_some("nodad");
                ip(node, ["addr", "add", &address.to_string(), "dev", interface]).and(no_dad).text()
            }
            Action::SetUp { interface } => ip(node, ["link", "set", "dev", interface, "up"]).text(),
            Action::AddNeighbour(entry) => ip(node, ["neigh", "replace", &entry.address.to_string()])
                .and(["lladdr", &entry.mac.to_string(), "dev", &entry.dev, "nud", "permanent"])
                .text(),
            Action::AwaitLink { interface, state, delay } => {
                let pattern = match state {
                    LinkState::Running if self.overlays.contains(&(node, interface.as_str())) => "LOWER_UP",
                    LinkState::Running if self.bridges.contains(&(node, interface.as_str())) => "LOWER_UP",
                    LinkState::Running => "state UP",
                    LinkState::NoCarrier => "NO-CARRIER",
                    LinkState::Down => "state DOWN",
                };
                let seconds = PATIENCE + delay.as_secs_f64().ceil() as u64;
                let words = ["-n", node, "link", "show", "dev", interface];
                Words::of(["await", &seconds.to_string(), pattern]).and(words).text()
            }
            Action::AwaitAddress { address } => {
                let words = ["-n", node, "-6", "addr", "show", "-tentative", "to", &address.to_string()];
                Words::of(["await", &PATIENCE.to_string(), "inet6"]).and(words).text()
            }
            Action::AddRoute(route) => {
                let family = route.to.is_ipv6().then_some("-6");
                let route = without_lone_weight(route).to_string();
                Words::of(["ip", "-n", node]).and(family).and(["route", "add"]).and(route.split(' ')).text()
            }
            Action::AddRule(rule) => {
                let text = rule.to_string();
                let family = (rule.v6 || text.starts_with("inet6 ")).then_some("-6");
                let words = text.trim_start_matches("inet6 ").split(' ');
                Words::of(["ip", "-n", node]).and(family).and(["rule", "add"]).and(words).text()
            }
            Action::SetNameServers(servers) => set_name_servers(node, servers),
            Action::SetFirewall { chains, counters } => load_firewall(node, &firewall_tables(chains, counters)),
        }
    }
}

/// The departure that a step owes itself to, in whole or in part.
fn departure(step: &Step) -> Option<Departure> {
    match step.action {
        Action::AddAddress { no_dad: true, .. } => Some(Departure::NoDad),
        _ => step.departure,
    }
}

fn chapter(action: &Action) -> &'static str {
    match action {
        Action::CreateNode { .. } => "Nodes",
        Action::SetSysctl(_) => "Kernel settings",
        Action::CreateBridge { .. } => "Bridges",
        Action::CreateVeth { .. } => "Cables",
        Action::CreateVxlan { .. } | Action::CreateMacvlan { .. } => "Interfaces on top of others",
        Action::AddFdb(_) => "Forwarding entries",
        Action::SetMaster { .. } => "Ports of bridges",
        Action::SetMtu { .. } => "MTU",
        Action::SetNeighbourTimers { .. } => "Neighbour timers",
        Action::AddAddress { .. } => "Addresses",
        Action::SetUp { .. } => "Interfaces up",
        Action::AddNeighbour(_) => "Neighbours",
        Action::AwaitLink { .. } | Action::AwaitAddress { .. } => "Ready",
        Action::AddRoute(_) | Action::AddRule(_) => "Routes and rules",
        Action::SetNameServers(_) => "Name servers",
        Action::SetFirewall { .. } => "Firewall",
    }
}

/// The words of a command, quoted for a shell.
struct Words(String);

impl Words {
    fn of<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Self {
        Self(String::new()).and(words)
    }

    fn and<W: AsRef<str>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        for word in words {
            if !self.0.is_empty() {
                self.0.push(' ');
            }
            self.0.push_str(&quote(word.as_ref()));
        }
        self
    }

    fn text(self) -> String {
        self.0
    }
}

fn ip<'w>(node: &str, words: impl IntoIterator<Item = &'w str>) -> Words {
    Words::of(["ip", "-n", node]).and(words)
}

/// A word as a shell reads it back.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn address(mac: Option<Mac>) -> Vec<String> {
    mac.map(|mac| vec!["address".to_owned(), mac.to_string()]).unwrap_or_default()
}

/// What an interface is made with.
fn made(mac: Option<Mac>, mtu: Option<u32>) -> Vec<String> {
    let mut words = address(mac);
    words.extend(mtu.into_iter().flat_map(|mtu| ["mtu".to_owned(), mtu.to_string()]));
    words
}

fn veth_end(end: &VethEnd) -> Vec<String> {
    let mut words = vec!["name".to_owned(), end.name.to_string()];
    words.extend(address(end.mac));
    for (word, number) in [("mtu", end.mtu), ("index", end.index)] {
        words.extend(number.into_iter().flat_map(|number| [word.to_owned(), number.to_string()]));
    }
    words
}

fn bridge(options: &BridgeOptions) -> Vec<String> {
    let switch = |on: Option<bool>| on.map(u128::from);
    let centiseconds = |time: Option<std::time::Duration>| time.map(|time| time.as_millis() / 10);
    [
        ("stp_state", switch(options.stp)),
        ("forward_delay", centiseconds(options.forward_delay)),
        ("ageing_time", centiseconds(options.ageing)),
        ("mcast_snooping", switch(options.multicast_snooping)),
        ("nf_call_iptables", switch(options.nf_call_iptables)),
        ("nf_call_ip6tables", switch(options.nf_call_ip6tables)),
        ("nf_call_arptables", switch(options.nf_call_arptables)),
    ]
    .into_iter()
    .filter_map(|(word, value)| Some([word.to_owned(), value?.to_string()]))
    .flatten()
    .collect()
}

/// The route without the weight of an only hop: it says nothing, and `ip` takes it for a multipath route, which IPv6
/// refuses without a gateway.
fn without_lone_weight(route: &Route) -> Route {
    let mut route = route.clone();
    if let RouteKind::Unicast(hops) = &mut route.kind
        && let [only] = &mut hops[..]
    {
        only.weight = 1;
    }
    route
}

impl Step {
    fn set_by_one_command_with(&self, other: &Step) -> bool {
        let plain = |step: &Step| matches!(&step.action, Action::SetSysctl(sysctl) if is_plain(sysctl));
        plain(self) && plain(other) && self.node == other.node && self.departure == other.departure
    }
}

/// Whether sysctl(8) takes the key as it is: it has a meaning of its own for some signs in an interface's name.
fn is_plain(sysctl: &Sysctl) -> bool {
    sysctl.key.chars().all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c))
}

fn set_sysctls(node: &str, steps: &[Step]) -> String {
    let settings: Vec<String> = steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::SetSysctl(Sysctl { key, value }) => Some(quote(&format!("{key}={value}"))),
            _ => None,
        })
        .collect();
    let gap = if settings.len() > 2 { " \\\n  " } else { " " };
    format!("ip netns exec {node} sysctl -qw{gap}{}", settings.join(gap))
}

/// Writes the file of a setting.
fn write_sysctl(node: &str, Sysctl { key, value }: &Sysctl) -> String {
    let file: String = key
        .chars()
        .map(|c| match c {
            '.' => '/',
            '/' => '.',
            other => other,
        })
        .collect();
    let write = Words::of(["ip", "netns", "exec", node, "tee", &format!("/proc/sys/{file}")]).text();
    format!("echo {} | {write} >/dev/null", quote(value))
}

/// Where ip-netns(8) finds what to show as /etc/resolv.conf.
fn set_name_servers(node: &str, servers: &[IpAddr]) -> String {
    let lines = servers.iter().map(|server| quote(&format!("nameserver {server}"))).collect::<Vec<_>>().join(" ");
    let directory = format!("/etc/netns/{node}");
    format!("mkdir -p {directory}\nprintf '%s\\n' {lines} >{directory}/resolv.conf")
}

fn load_firewall(node: &str, tables: &[FirewallTable<'_>]) -> String {
    let mut rules = String::new();
    for table in tables {
        let _ = writeln!(rules, "table {} {} {{", table.family, Chain::TABLE);
        for counter in &table.counters {
            let _ = writeln!(rules, "  counter {counter} {{ }}");
        }
        for chain in &table.chains {
            let _ = writeln!(rules, "  chain {} {{", chain.name());
            let (kind, hook, priority) = (chain.kind, chain.hook, chain.priority.0);
            let _ = writeln!(rules, "    type {kind} hook {hook} priority {priority}; policy {};", chain.policy);
            for rule in &chain.rules {
                let _ = writeln!(rules, "    {}", rule.nft(chain.family).counted());
            }
            rules.push_str("  }\n");
        }
        rules.push_str("}\n");
    }
    // A comment may have lines of its own.
    let mut end = "RULES".to_owned();
    while rules.lines().any(|line| line == end) {
        end.push('_');
    }
    format!("ip netns exec {node} nft -f - <<'{end}'\n{rules}{end}")
}
