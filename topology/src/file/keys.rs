//! Every key that a topology file can have: the one table that the reader and the schema for editors go by.

use super::shape::{Field, Fields, Others, Shape};

macro_rules! fields {
    ($($name:literal: $shape:expr, $example:literal, $doc:literal;)*) => {
        &[$(Field { name: $name, shape: $shape, example: $example, doc: $doc }),*] as &[Field]
    };
}

/// The longest MTU that fits the model; the checker says which the kernel takes.
const BYTES: Shape = Shape::Number(0..=u32::MAX as i64);
const COUNT: Shape = Shape::Number(0..=MOST_MEMBERS);
/// How many members an array can have: more is a slip, and would fill the memory.
const MOST_MEMBERS: i64 = 4_096;

const ADDRESS: Shape = Shape::Text("10.0.0.1/24");
const MAC: Shape = Shape::Text("02:00:00:00:00:01");
const NAME: Shape = Shape::Text("eth0");
const NETWORK: Shape = Shape::Text("10.0.0.0/8");
const TEXT: Shape = Shape::Text("text");

/// The whole file.
pub(super) static DOCUMENT: Fields = Fields {
    what: "a topology file",
    required: &[],
    others: None,
    fields: &[fields! {
        "title": TEXT, "title = \"A masquerading gateway\"", "A heading for readers; the name in reports, unless `name` says otherwise.";
        "name": TEXT, "name = \"nat\"", "What the topology is called in reports.";
        "profile": PROFILE, "profile = \"kernel\"", "The profile of the nodes that have none of their own.";
        "allow": Shape::OneOrMany(&Shape::Text("subnet_mismatch")), "allow = [\"subnet_mismatch\"]", "Checks that are switched off, for networks that are broken on purpose.";
        "defaults": Shape::Table(&DEFAULTS), "defaults.interface.mtu = 1400", "What holds for every node, interface, bridge or link that does not say otherwise.";
        "group": Shape::Named(&Shape::Table(&SHARED)), "[group.clients]", "Settings that several nodes share, by a name of your own; a node takes them with `group`.";
        "node": Shape::Named(&Shape::Table(&NODE)), "[node.client]", "The nodes, by name.";
        "switch": Shape::Named(&SWITCH), "switch.lan = [\"a.eth0\", \"b.eth0\"]", "LANs that nodes of their own bridge, by name.";
        "links": Shape::Either(&[Shape::Named(&LINK), Shape::List(&LINK)]), "links.inside = \"client.eth0 -- gateway.lan\"", "The cables, each by a name of your own or in a list.";
    }],
};

/// The tables that have a key of this name, in words.
pub(super) fn owners(name: &str) -> Option<String> {
    let tables = [&DOCUMENT, &NODE, &INTERFACE, &BRIDGE, &SWITCH_FIELDS, &LINK_FIELDS];
    let owners: Vec<&str> = tables.iter().filter(|table| table.field(name).is_some()).map(|table| table.what).collect();
    let (last, first) = owners.split_last()?;
    Some(if first.is_empty() { (*last).to_owned() } else { format!("{} or {last}", first.join(", ")) })
}

const PROFILE: Shape = Shape::Word(&["ready", "kernel"]);

static DEFAULTS: Fields = Fields {
    what: "the defaults",
    required: &[],
    others: None,
    fields: &[fields! {
        "node": Shape::Table(&SHARED), "[defaults.node]", "Settings of every node.";
        "interface": Shape::Table(&INTERFACE_DEFAULTS), "defaults.interface.mtu = 1400", "Settings of every interface but loopback, bridges and VXLAN devices.";
        "bridge": Shape::Table(&BRIDGE_DEFAULTS), "defaults.bridge.stp = true", "Settings of every bridge, and of every switch.";
        "link": Shape::Table(&LINK_DEFAULTS), "defaults.link.mtu = 1400", "Settings of every link.";
    }],
};

static LINK_DEFAULTS: Fields = Fields {
    what: "the defaults of links",
    required: &[],
    others: None,
    fields: &[fields! {
        "mtu": BYTES, "mtu = 1400", "The MTU of both ends, in bytes.";
    }],
};

/// A node.
pub(super) static NODE: Fields = Fields {
    what: "a node",
    required: &[],
    others: Some(INTERFACES),
    fields: &[
        fields! {
            "count": COUNT, "count = 16", "Makes an array of so many nodes, called after their positions from 0; `{1 + index}` in a text is computed for each.";
            "group": Shape::OneOrMany(&TEXT), "group = \"clients\"", "The groups whose settings it takes; later ones win, and its own over all.";
        },
        NODE_SETTINGS,
    ],
};

/// Settings that several nodes share.
static SHARED: Fields =
    Fields { what: "the settings of several nodes", required: &[], others: Some(INTERFACES), fields: &[NODE_SETTINGS] };

const INTERFACES: Others = Others {
    shape: &INTERFACE_SHAPE,
    example: "eth0 = \"10.0.0.1/24\"",
    help: "every other key of a node is an interface: an address, a list of addresses, or a table",
};

const NODE_SETTINGS: &[Field] = fields! {
    "role": Shape::Word(&["host", "switch"]), "role = \"switch\"", "What it stands for in pictures and reports.";
    "profile": PROFILE, "profile = \"kernel\"", "How its kernel settings begin.";
    "with": Shape::OneOrMany(&DEPARTURE), "with = [\"no-dad\"]", "Departures from the kernel's defaults that are on, whatever the profile says.";
    "without": Shape::OneOrMany(&DEPARTURE), "without = [\"loopback-up\"]", "Departures from the kernel's defaults that are off, whatever the profile says.";
    "interface": Shape::Named(&INTERFACE_SHAPE), "interface.route = \"10.0.0.1/24\"", "Interfaces whose names are keys of a node.";
    "bridge": Shape::Named(&BRIDGE_SHAPE), "bridge.br0 = [\"eth0\", \"eth1\"]", "Bridges, by name: the list of the ports, or a table.";
    "vxlan": Shape::Named(&Shape::Table(&VXLAN)), "vxlan.vx0 = { id = 42, remote = \"right.eth0\", address = \"10.99.0.1/24\" }", "VXLAN devices, by name: ends of tunnels that carry the frames of an overlay network.";
    "macvlan": Shape::Named(&Shape::Table(&MACVLAN)), "macvlan.mac0 = { parent = \"eth0\", address = \"10.0.0.9/24\" }", "Interfaces with an Ethernet address of their own on the link of another, by name.";
    "forward": Shape::Flag, "forward = true", "Whether it forwards packets, IPv4 and IPv6.";
    "forward_v4": Shape::Flag, "forward_v4 = true", "Whether it forwards IPv4 packets.";
    "forward_v6": Shape::Flag, "forward_v6 = true", "Whether it forwards IPv6 packets.";
    "route": Shape::OneOrMany(&Shape::Text("default via 10.0.0.1")), "route = [\"default via 10.0.0.1\"]", "Routes as ip-route(8) writes them; an address can be that of an interface, `default via gateway.lan`.";
    "rule": Shape::OneOrMany(&Shape::Text("from 10.0.0.0/8 lookup 100")), "rule = [\"from 10.0.0.0/8 lookup 100\"]", "Policy routing rules as ip-rule(8) writes them.";
    "neighbour": Shape::OneOrMany(&Shape::Text("10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0")), "neighbour = [\"10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0\"]", "Permanent neighbour entries as ip-neighbour(8) writes them.";
    "fdb": Shape::OneOrMany(&Shape::Text("02:00:00:00:00:02 dev vx0 dst 192.0.2.2")), "fdb = [\"02:00:00:00:00:02 dev vx0 dst 192.0.2.2\"]", "Forwarding entries of VXLAN devices and bridges as bridge(8) writes them.";
    "sysctl": Shape::Either(&[Shape::Dotted(&SETTING), Shape::List(&Shape::Text("net.ipv4.ip_forward = 1"))]), "sysctl.net.ipv4.conf.all.rp_filter = 2", "Kernel settings by their dotted names; a dot in the name of an interface is a `/`.";
    "nameserver": Shape::OneOrMany(&Shape::Text("10.0.0.53")), "nameserver = [\"10.0.0.53\"]", "Name servers that programs on it ask, first asked first; an address, or an interface that has it.";
    "masquerade": Shape::OneOrMany(&NAME), "masquerade = \"wan\"", "Interfaces whose address all IPv4 packets get that leave by them.";
    "masquerade_from": Shape::OneOrMany(&NETWORK), "masquerade_from = \"10.0.0.0/24\"", "Networks whose packets get the address of the interface they leave by.";
    "snat": Shape::OneOrMany(&Shape::Table(&SNAT)), "snat = { match = \"ip saddr 10.0.0.0/24\", to = \"203.0.113.1\" }", "Source addresses for packets that leave.";
    "dnat": Shape::OneOrMany(&Shape::Table(&DNAT)), "dnat = { match = \"tcp dport 80\", to = \"10.0.0.2:8080\" }", "Destinations for packets that come in.";
    "forward_tcp": Shape::OneOrMany(&Shape::Table(&FORWARDED)), "forward_tcp = { interface = \"wan\", port = 8080, to = \"server.eth0:80\" }", "TCP ports of an interface that lead to another node.";
    "forward_udp": Shape::OneOrMany(&Shape::Table(&FORWARDED)), "forward_udp = { interface = \"wan\", port = 53, to = \"server.eth0:53\" }", "UDP ports of an interface that lead to another node.";
    "firewall": Shape::Table(&HOOKS), "firewall.input = { policy = \"drop\", rules = [\"tcp dport 443 accept\"] }", "Rules for IPv4 and IPv6 packets, by hook.";
    "bridge_firewall": Shape::Table(&HOOKS), "bridge_firewall.forward = [\"ether type 0x0806 drop\"]", "Rules for frames that its bridges forward, by hook.";
    "chain": Shape::OneOrMany(&Shape::Table(&CHAIN)), "chain = { family = \"ip\", kind = \"nat\", hook = \"postrouting\", rules = [\"masquerade\"] }", "Chains of any family, kind and priority.";
    "counter": Shape::OneOrMany(&Shape::Text("smtp")), "counter = [\"smtp\"]", "Counters that stay even when no rule adds to them.";
};

const DEPARTURE: Shape = Shape::Word(&[
    "loopback-up",
    "no-dad",
    "short-neighbour-timers",
    "icmp-unlimited",
    "distinct-indexes",
    "ping-sockets",
    "overlay-mtu",
]);
const SETTING: Shape = Shape::Either(&[TEXT, Shape::Number(i64::MIN..=i64::MAX)]);

const INTERFACE_SHAPE: Shape = Shape::Either(&[Shape::OneOrMany(&ADDRESS), Shape::Table(&INTERFACE)]);

/// An interface that is no bridge.
static INTERFACE: Fields =
    Fields { what: "an interface", required: &[], others: None, fields: &[INTERFACE_OWN, INTERFACE_SETTINGS, DOWN] };

/// What an interface has of its own.
const INTERFACE_OWN: &[Field] = fields! {
    "address": Shape::OneOrMany(&ADDRESS), "address = [\"10.0.0.1/24\", \"fd00::1/64\"]", "Its addresses, each with the length of its network's prefix.";
    "mac": MAC, "mac = \"02:00:00:00:00:01\"", "Its Ethernet address; chosen by the kernel without.";
    "master": NAME, "master = \"br0\"", "The bridge of the same node that it is a port of.";
    "count": COUNT, "count = 4", "Makes an array of so many interfaces; `{index}` in the name and other texts is computed for each.";
};

/// A VXLAN device.
static VXLAN: Fields = Fields {
    what: "a VXLAN device",
    required: &["id"],
    others: None,
    fields: &[
        fields! {
            "id": Shape::Either(&[Shape::Number(0..=16_777_215), Shape::Text("{100 + index}")]), "id = 42", "The number of its overlay network, the same at all ends.";
            "local": END_ADDRESS, "local = \"192.0.2.1\"", "The source of the packets that carry frames: an address, or an interface that has it; chosen by the route without.";
            "remote": END_ADDRESS, "remote = \"192.0.2.2\"", "The far end of the tunnel, for frames whose destination is not known: an address, or an interface that has it.";
            "group": Shape::Text("239.1.1.1"), "group = \"239.1.1.1\"", "The multicast group for frames whose destination is not known.";
            "dev": NAME, "dev = \"eth0\"", "The interface of the underlay that carries the tunnel; any without.";
            "port": Shape::Number(0..=65_535), "port = 4789", "The UDP port of all ends; 4789 without.";
            "learning": Shape::Flag, "learning = false", "Whether it learns behind which tunnel end a MAC address is; it does without.";
            "proxy": Shape::Flag, "proxy = true", "Whether it answers ARP requests and neighbour solicitations itself.";
            "l2miss": Shape::Flag, "l2miss = true", "Whether it tells programs of a MAC address whose tunnel end it does not know.";
            "l3miss": Shape::Flag, "l3miss = true", "Whether it tells programs of an address whose MAC address it does not know; with `proxy`.";
            "ageing": DURATION, "ageing = \"300s\"", "After how long a learned MAC address is forgotten, in whole seconds.";
            "underlay": Shape::Text("host"), "underlay = \"host\"", "The node that carries the tunnel, if another.";
            "mtu": BYTES, "mtu = 1450", "The largest packet it sends, in bytes; what the underlay has room for without.";
        },
        INTERFACE_OWN,
        DOWN,
    ],
};

const END_ADDRESS: Shape = Shape::Text("192.0.2.2");

/// A macvlan interface.
static MACVLAN: Fields = Fields {
    what: "a macvlan interface",
    required: &["parent"],
    others: None,
    fields: &[
        fields! {
            "parent": NAME, "parent = \"eth0\"", "The interface whose link it shares.";
            "parent_node": Shape::Text("host"), "parent_node = \"host\"", "The node of the parent, if another.";
            "mode": Shape::Word(&["bridge", "private", "vepa", "passthru"]), "mode = \"private\"", "How it deals with the others of the same parent; they reach each other without.";
            "mtu": BYTES, "mtu = 1400", "The largest packet it sends, in bytes; the parent's without.";
        },
        INTERFACE_OWN,
        DOWN,
    ],
};

static INTERFACE_DEFAULTS: Fields =
    Fields { what: "the defaults of interfaces", required: &[], others: None, fields: &[INTERFACE_SETTINGS, DOWN] };

const INTERFACE_SETTINGS: &[Field] = fields! {
    "mtu": BYTES, "mtu = 1400", "The largest packet it sends, in bytes; 1500 without.";
};

const DOWN: &[Field] = fields! {
    "down": Shape::Flag, "down = true", "Whether it is left down.";
};

const BRIDGE_SHAPE: Shape = Shape::Either(&[Shape::OneOrMany(&NAME), Shape::Table(&BRIDGE)]);

/// A bridge of a node.
static BRIDGE: Fields = Fields {
    what: "a bridge",
    required: &[],
    others: None,
    fields: &[
        fields! {
            "ports": Shape::OneOrMany(&NAME), "ports = [\"eth0\", \"eth1\"]", "Its ports: interfaces of the node, made without addresses if they are not declared.";
        },
        BRIDGE_OWN,
        BRIDGE_SETTINGS,
    ],
};

/// What bridges and switches have in common.
const BRIDGE_OWN: &[Field] = fields! {
    "address": Shape::OneOrMany(&ADDRESS), "address = \"10.0.0.254/24\"", "The addresses by which its node speaks to the LAN.";
    "mac": MAC, "mac = \"02:00:00:00:00:01\"", "Its Ethernet address; the lowest of the ports' without.";
};

static BRIDGE_DEFAULTS: Fields =
    Fields { what: "the defaults of bridges", required: &[], others: None, fields: &[BRIDGE_SETTINGS] };

const BRIDGE_SETTINGS: &[Field] = fields! {
    "mtu": BYTES, "mtu = 1400", "Its MTU in bytes; the lowest of the ports' without.";
    "down": Shape::Flag, "down = true", "Whether it is left down.";
    "stp": Shape::Flag, "stp = true", "The spanning tree protocol.";
    "forward_delay": DURATION, "forward_delay = \"4s\"", "How long a port listens, and again learns, before it forwards, with STP.";
    "ageing": DURATION, "ageing = \"300s\"", "After how long an unseen address is forgotten.";
    "multicast_snooping": Shape::Flag, "multicast_snooping = true", "IGMP and MLD snooping.";
    "nf_call_iptables": Shape::Flag, "nf_call_iptables = true", "Whether bridged IPv4 frames pass the `ip` netfilter hooks.";
    "nf_call_ip6tables": Shape::Flag, "nf_call_ip6tables = true", "Whether bridged IPv6 frames pass the `ip6` netfilter hooks.";
    "nf_call_arptables": Shape::Flag, "nf_call_arptables = true", "Whether bridged ARP frames pass the `arp` netfilter hooks.";
};

const DURATION: Shape = Shape::Text("4s");

const SWITCH: Shape = Shape::Either(&[Shape::OneOrMany(&END), Shape::Table(&SWITCH_FIELDS)]);
const END: Shape = Shape::Text("client.eth0");

/// A switch: a bridge with ends of links instead of ports.
static SWITCH_FIELDS: Fields = Fields {
    what: "a switch",
    required: &["ends"],
    others: None,
    fields: &[
        fields! {
            "ends": Shape::OneOrMany(&END), "ends = [\"a.eth0\", \"b.eth0\"]", "The interfaces that it joins; the name of an array stands for all its nodes.";
        },
        BRIDGE_OWN,
        BRIDGE_SETTINGS,
    ],
};

const LINK: Shape = Shape::Either(&[Shape::Text("a.eth0 -- b.eth0"), Shape::Table(&LINK_FIELDS)]);

static LINK_FIELDS: Fields = Fields {
    what: "a link",
    required: &["ends"],
    others: None,
    fields: &[fields! {
        "ends": Shape::Text("a.eth0 -- b.eth0"), "ends = \"a.eth0 -- b.eth0\"", "The two interfaces that it joins.";
        "mtu": BYTES, "mtu = 1400", "The MTU of both ends, in bytes.";
        "count": COUNT, "count = 4", "Makes an array of so many links; `{index}` in the ends is computed for each.";
    }],
};

const MATCH: Shape = Shape::Text("tcp dport 80");

static SNAT: Fields = Fields {
    what: "a source translation",
    required: &["to"],
    others: None,
    fields: &[fields! {
        "match": MATCH, "match = \"ip saddr 10.0.0.0/24\"", "Which packets, as nft(8) writes it; all without.";
        "to": Shape::Text("203.0.113.1"), "to = \"203.0.113.1\"", "The new source: an address, or an interface that has it.";
    }],
};

static DNAT: Fields = Fields {
    what: "a destination translation",
    required: &["to"],
    others: None,
    fields: &[fields! {
        "match": MATCH, "match = \"tcp dport 80\"", "Which packets, as nft(8) writes it; all without.";
        "to": DESTINATION, "to = \"10.0.0.2:8080\"", "The new destination: an address or an interface that has it, and a port if it is new too.";
    }],
};

static FORWARDED: Fields = Fields {
    what: "a forwarded port",
    required: &["interface", "port", "to"],
    others: None,
    fields: &[fields! {
        "interface": NAME, "interface = \"wan\"", "The interface that the packets come in by.";
        "port": Shape::Number(0..=65_535), "port = 8080", "The port they are for.";
        "to": DESTINATION, "to = \"server.eth0:80\"", "Where they go: an address or an interface that has it, and a port if it is another.";
    }],
};

const DESTINATION: Shape = Shape::Text("10.0.0.2:80");

static HOOKS: Fields = Fields {
    what: "a firewall",
    required: &[],
    others: None,
    fields: &[fields! {
        "prerouting": FILTER, "prerouting = [\"ip saddr 10.0.0.0/8 drop\"]", "All that comes in, before routing.";
        "input": FILTER, "input = [\"tcp dport 25 drop\"]", "What is for the node itself.";
        "forward": FILTER, "forward = { policy = \"drop\", rules = [\"tcp dport 443 accept\"] }", "What the node sends on.";
        "output": FILTER, "output = [\"tcp dport 25 drop\"]", "What the node itself sends.";
        "postrouting": FILTER, "postrouting = [\"ip daddr 10.0.0.0/8 drop\"]", "All that goes out, after routing.";
    }],
};

const FILTER: Shape = Shape::Either(&[POLICY, Shape::List(&RULE), Shape::Table(&FILTER_FIELDS)]);
const POLICY: Shape = Shape::Word(&["accept", "drop"]);
const PRIORITY: Shape = Shape::Number(i32::MIN as i64..=i32::MAX as i64);

static FILTER_FIELDS: Fields =
    Fields { what: "the rules at a hook", required: &[], others: None, fields: &[CHAIN_OPTIONS] };

static CHAIN: Fields = Fields {
    what: "a chain",
    required: &["family", "kind", "hook"],
    others: None,
    fields: &[
        fields! {
            "family": Shape::Word(&["inet", "ip", "ip6", "bridge"]), "family = \"inet\"", "Which packets come by.";
            "kind": Shape::Word(&["filter", "nat"]), "kind = \"nat\"", "What the chain is for.";
            "hook": Shape::Word(&["prerouting", "input", "forward", "output", "postrouting"]), "hook = \"postrouting\"", "Where on their way.";
        },
        CHAIN_OPTIONS,
    ],
};

const CHAIN_OPTIONS: &[Field] = fields! {
    "policy": POLICY, "policy = \"drop\"", "What happens to a packet that no rule decides; it goes on without.";
    "priority": PRIORITY, "priority = -10", "The order among chains at the same hook, lower first.";
    "rules": Shape::OneOrMany(&RULE), "rules = [\"ct state established,related accept\"]", "The rules, first match first.";
};

const RULE: Shape = Shape::Either(&[Shape::Text("tcp dport 25 drop"), Shape::Table(&RULE_FIELDS)]);

/// A firewall rule, said at length.
static RULE_FIELDS: Fields = Fields {
    what: "a firewall rule",
    required: &[],
    others: None,
    fields: &[fields! {
        "from": NETWORK, "from = \"10.0.0.0/8\"", "Packets from this network.";
        "not_from": NETWORK, "not_from = \"10.0.0.0/8\"", "Packets not from this network.";
        "to": NETWORK, "to = \"10.0.0.0/8\"", "Packets to this network.";
        "not_to": NETWORK, "not_to = \"10.0.0.0/8\"", "Packets not to this network.";
        "input": NAME, "input = \"lan\"", "Packets that came in by this interface.";
        "not_input": NAME, "not_input = \"lan\"", "Packets that did not come in by this interface.";
        "output": NAME, "output = \"wan\"", "Packets that go out by this interface.";
        "not_output": NAME, "not_output = \"wan\"", "Packets that do not go out by this interface.";
        "protocol": Shape::Either(&[Shape::Word(&["icmp", "tcp", "udp", "icmpv6"]), Shape::Number(0..=255)]), "protocol = \"tcp\"", "Packets of this protocol, by name or number.";
        "source_port": PORTS, "source_port = 53", "Packets from this port, or these ports.";
        "port": PORTS, "port = \"1000-2000\"", "Packets to this port, or these ports.";
        "state": Shape::OneOrMany(&Shape::Word(&["invalid", "new", "established", "related"])), "state = [\"established\", \"related\"]", "Packets whose connection is in one of these states.";
        "ethertype": Shape::Number(0..=65_535), "ethertype = 0x0806", "Frames of this EtherType, in the bridge family.";
        "nth": NTH, "nth = { every = 2, packet = 0 }", "One of every so many packets that all else takes.";
        "verdict": Shape::Text("drop"), "verdict = \"reject with tcp reset\"", "What happens to the packets, as nft(8) writes it; `continue` or none for the next rule to decide.";
        "counter": Shape::Text("smtp"), "counter = \"smtp\"", "The counter of the node that it adds to.";
        "comment": TEXT, "comment = \"no mail\"", "A remark that listings and reports show.";
    }],
};

const NTH: Shape = Shape::Table(&NTH_FIELDS);

static NTH_FIELDS: Fields = Fields {
    what: "a share of packets",
    required: &["every", "packet"],
    others: None,
    fields: &[fields! {
        "every": Shape::Number(1..=u32::MAX as i64), "every = 2", "How many packets a round has.";
        "packet": Shape::Number(0..=u32::MAX as i64), "packet = 0", "Which one of them it takes, counted from 0.";
    }],
};

const PORTS: Shape = Shape::Either(&[Shape::Number(0..=65_535), Shape::Text("1000-2000")]);
