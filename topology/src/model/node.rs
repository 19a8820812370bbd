use std::{collections::BTreeMap, fmt, net::IpAddr};

use super::{Chain, Departure, FdbEntry, IfName, Interface, InvalidValue, Kind, Mac, NodeName, Profile, Route, Rule};

/// A network namespace, with a mount namespace that shows it to programs: a host, a router, a container, a switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name; unique in the topology.
    pub name: NodeName,
    /// What it stands for.
    pub role: Role,
    /// Its profile; that of the topology if `None`.
    pub profile: Option<Profile>,
    /// Departures of the profile that are switched on or off alone.
    pub departures: BTreeMap<Departure, bool>,
    /// Its interfaces, in the order in which they are made. `lo` need not be listed.
    pub interfaces: Vec<Interface>,
    /// Whether it forwards IPv4 packets (`net.ipv4.ip_forward`).
    pub forward_v4: bool,
    /// Whether it forwards IPv6 packets (`net.ipv6.conf.all.forwarding`).
    pub forward_v6: bool,
    /// Routes beyond those that addresses bring with them.
    pub routes: Vec<Route>,
    /// Policy routing rules beyond the kernel's three.
    pub rules: Vec<Rule>,
    /// Permanent neighbour entries (ARP, NDP).
    pub neighbours: Vec<Neighbour>,
    /// Forwarding entries of its VXLAN devices and bridges.
    pub fdb: Vec<FdbEntry>,
    /// Kernel settings, set in this order after those of the profile.
    pub sysctls: Vec<Sysctl>,
    /// Firewall and NAT: base chains with their rules.
    pub chains: Vec<Chain>,
    /// Names of counters that rules refer to, kept even when no rule does.
    pub counters: Vec<String>,
    /// Whom programs on it ask for names ([resolv.conf(5)]), first asked first.
    ///
    /// [resolv.conf(5)]: https://man7.org/linux/man-pages/man5/resolv.conf.5.html
    pub nameservers: Vec<IpAddr>,
}

impl Node {
    /// A node with a loopback interface only.
    pub fn new(name: NodeName) -> Self {
        Self {
            name,
            role: Role::Host,
            profile: None,
            departures: BTreeMap::new(),
            interfaces: Vec::new(),
            forward_v4: false,
            forward_v6: false,
            routes: Vec::new(),
            rules: Vec::new(),
            neighbours: Vec::new(),
            fdb: Vec::new(),
            sysctls: Vec::new(),
            chains: Vec::new(),
            counters: Vec::new(),
            nameservers: Vec::new(),
        }
    }

    /// Whether this departure from the kernel's defaults holds here, given the topology's profile.
    pub fn departs(&self, departure: Departure, profile: Profile) -> bool {
        let ready = self.profile.unwrap_or(profile) == Profile::Ready;
        self.departures.get(&departure).copied().unwrap_or(ready)
    }

    /// The interface of that name.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|i| i.name == *name)
    }

    /// The bridges of this node.
    pub fn bridges(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter().filter(|i| matches!(i.kind, Kind::Bridge(_)))
    }

    /// The ports of the bridge of that name.
    pub fn ports<'a>(&'a self, bridge: &'a str) -> impl Iterator<Item = &'a Interface> {
        self.interfaces.iter().filter(move |i| i.master.as_deref() == Some(bridge))
    }
}

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// Anything that the user named: a host, a router, a container.
    #[default]
    Host,
    /// A switch: a node with one bridge, made for a LAN that was declared without saying who bridges it.
    Switch,
}

/// A permanent neighbour entry: an address whose MAC is known without asking (ARP, [RFC 826]; NDP, [RFC 4861]).
///
/// [RFC 826]: https://www.rfc-editor.org/rfc/rfc826
/// [RFC 4861]: https://www.rfc-editor.org/rfc/rfc4861
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// The neighbour's IP address.
    pub address: IpAddr,
    /// Its Ethernet address.
    pub mac: Mac,
    /// The interface it is reached by.
    pub dev: IfName,
}

/// A kernel setting of a node, by its dotted name, such as `net.ipv4.conf.all.rp_filter` ([sysctl(8)]).
///
/// [sysctl(8)]: https://man7.org/linux/man-pages/man8/sysctl.8.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// The dotted name; a `/` stands for a dot inside an interface's name.
    pub key: String,
    /// The value, as it is written to the file.
    pub value: String,
}

impl Sysctl {
    /// Refuses a name that is no setting of a network namespace: all others are the whole machine's.
    ///
    /// # Errors
    ///
    /// If it does not begin with `net.`, or is no dotted name.
    pub fn check_name(key: &str) -> Result<(), InvalidValue> {
        // A part of slashes alone would be a directory's `.` or `..`.
        let is_no_name = |part: &str| part.chars().all(|c| c == '/');
        if !key.starts_with("net.") {
            Err(InvalidValue::new(format!("`{key}` is not a setting of a network namespace"))
                .help("a node has those whose name begins with `net.`; all others are the whole machine's"))
        } else if key.split('.').any(is_no_name) || key.chars().any(|c| c.is_whitespace() || c == '\0') {
            Err(InvalidValue::new(format!("`{key}` is not the name of a sysctl"))
                .help("write a dotted name, such as `net.ipv4.ip_forward`; a dot in an interface's name is a `/`"))
        } else {
            Ok(())
        }
    }

    /// The interface that the key names, if it names one: `eth0` in `net.ipv4.conf.eth0.rp_filter`.
    pub fn interface(&self) -> Option<String> {
        let mut parts = self.key.split('.');
        let (root, family, group) = (parts.next()?, parts.next()?, parts.next()?);
        let name = parts.next()?;
        let per_interface = root == "net"
            && matches!((family, group), ("ipv4" | "ipv6", "conf" | "neigh") | ("mpls", "conf"))
            && !matches!(name, "all" | "default");
        per_interface.then(|| name.replace('/', "."))
    }
}

impl fmt::Display for Sysctl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.value)
    }
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lladdr {} dev {}", self.address, self.mac, self.dev)
    }
}
