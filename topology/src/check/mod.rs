//! Everything wrong with a topology, all at once: one checker for the macro, the builder and files.
//!
//! Each [`Check`] has a stable code and a name; each [`Problem`] names the check, the place and a way out. What the
//! kernel itself would accept can be allowed by the check's name ([`Draft::allow`]), because tests and tutorials build
//! broken networks on purpose.

mod firewall;
mod interfaces;
mod lan;
mod links;
mod overlay;
mod problem;
mod report;
mod routes;
mod settings;
mod suggest;
mod table;

use std::collections::HashMap;

pub use problem::{Item, Part, Place, Problem, Problems};
#[cfg(feature = "file")]
pub(crate) use suggest::MOST_SEARCHES;
pub use suggest::{nearest, synonym, unmade};
pub use table::{Check, Severity, explain};

use self::{report::Report, suggest::listed};
use crate::{Draft, Interface, Node, Topology};

impl Draft {
    /// Makes a topology of it.
    ///
    /// ```
    /// use netns_test_topology::{Draft, Node, NodeName};
    ///
    /// let node = || Node::new(NodeName::new("a").unwrap());
    /// let draft = Draft { nodes: vec![node(), node()], ..Draft::default() };
    /// let problems = draft.check().unwrap_err();
    /// assert_eq!(problems.iter().next().unwrap().message, "there are two nodes named `a`");
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it and not allowed.
    pub fn check(self) -> Result<Topology, Problems> {
        let problems = self.problems();
        if problems.is_empty() { Ok(Topology(self)) } else { Err(problems) }
    }

    /// Everything that is wrong with it and not allowed; empty if nothing is.
    pub fn problems(&self) -> Problems {
        let mut checker = Checker::new(self);
        checker.check_allow();
        checker.check_nodes();
        checker.check_tunnels();
        checker.check_links();
        checker.check_lans();
        checker.check_loops();
        let allowed = |p: &Problem| p.severity() == Severity::Mistake && self.allow.iter().any(|name| name == p.name());
        Problems::new(checker.problems.into_iter().filter(|p| !allowed(p)).collect())
    }
}

/// A draft under examination.
struct Checker<'a> {
    draft: &'a Draft,
    /// The first node of each name.
    nodes: HashMap<&'a str, usize>,
    /// The first interface of each name, by node and name.
    interfaces: HashMap<(&'a str, &'a str), &'a Interface>,
    problems: Vec<Problem>,
    /// How many names were not found.
    unknown: usize,
}

impl<'a> Checker<'a> {
    fn new(draft: &'a Draft) -> Self {
        let (mut nodes, mut interfaces) = (HashMap::new(), HashMap::new());
        for (n, node) in draft.nodes.iter().enumerate() {
            if *nodes.entry(&*node.name).or_insert(n) == n {
                for interface in &node.interfaces {
                    interfaces.entry((&*node.name, &*interface.name)).or_insert(interface);
                }
            }
        }
        Self { draft, nodes, interfaces, problems: Vec::new(), unknown: 0 }
    }

    /// Reports a problem, once its help is given.
    fn report(&mut self, check: Check, item: Item, part: Part, message: impl Into<String>) -> Report<'_> {
        let place = Place::new(item, part, self.words(item));
        Report::new(&mut self.problems, Problem::new(check, place, message))
    }

    /// Reports that a node has no such interface.
    fn report_unknown(&mut self, check: Check, item: Item, part: Part, node: &Node, interface: &str) {
        self.report_unknown_interface(check, item, part, node, interface);
    }

    /// Reports that a node has no such interface. Returns the one that was meant.
    fn report_unknown_interface<'n>(
        &mut self,
        check: Check,
        item: Item,
        part: Part,
        node: &'n Node,
        interface: &str,
    ) -> Option<&'n str> {
        let names: Vec<&str> = node.interfaces.iter().map(|i| &*i.name).collect();
        let near = self.meant(interface, &names);
        let mut help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => format!("declare it: node `{}` has no interface but `lo`", node.name),
            None => format!("declare it, or name one that node `{}` has: {}", node.name, listed(&names)),
        };
        if check == Check::UNMATCHED_INTERFACE && help.starts_with("declare") {
            help += "; add `allow(unmatched_interface)` if it comes later";
        }
        self.report(check, item, part, format!("node `{}` has no interface `{interface}`", node.name)).help(help);
        near
    }

    /// What an unknown name was meant to be.
    fn meant<'n>(&mut self, name: &str, names: &[&'n str]) -> Option<&'n str> {
        self.unknown += 1;
        if self.unknown > suggest::MOST_SEARCHES {
            return None;
        }
        nearest(name, names.iter().copied())
    }

    /// Reports that there is no such node. Returns the one that was meant.
    fn report_unknown_node(&mut self, item: Item, part: Part, name: &str) -> Option<&'a str> {
        let names: Vec<&'a str> = self.draft.nodes.iter().map(|node| &*node.name).collect();
        let near = self.meant(name, &names);
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "declare it: there is no node yet".to_owned(),
            None => format!("declare it, or name one that there is: {}", listed(&names)),
        };
        let topology = &self.draft.name;
        let place = if topology.is_empty() { String::new() } else { format!(" in topology `{topology}`") };
        self.report(Check::UNKNOWN_NODE, item, part, format!("no node named `{name}`{place}")).help(help);
        near
    }

    fn check_allow(&mut self) {
        for (n, name) in self.draft.allow.iter().enumerate() {
            let item = Item::Allow(n);
            match Check::named(name) {
                Some(check) if check.severity == Severity::Mistake => {}
                Some(check) => {
                    let message = format!("the check `{name}` cannot be allowed: {}", lower(check.explanation));
                    self.report(Check::UNKNOWN_ALLOW, item, Part::Name, message)
                        .help("leave it out: only what the kernel would accept can be allowed");
                }
                None => {
                    let names = Check::ALL.iter().filter(|c| c.severity == Severity::Mistake).map(|c| c.name);
                    let help = match nearest(name, names) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "name a check, such as `network_address`; `netns-test explain` lists all".to_owned(),
                    };
                    let message = format!("there is no check named `{name}`");
                    self.report(Check::UNKNOWN_ALLOW, item, Part::Name, message).help(help);
                }
            }
        }
    }

    fn check_nodes(&mut self) {
        for (n, node) in self.draft.nodes.iter().enumerate() {
            if self.nodes[&*node.name] != n {
                let message = format!("there are two nodes named `{}`", node.name);
                self.report(Check::DUPLICATE_NODE, Item::Node(n), Part::Name, message)
                    .help("give one of them another name");
            }
            self.check_interfaces(n, node);
            self.check_routes(n, node);
            self.check_settings(n, node);
            self.check_fdb(n, node);
            self.check_firewall(n, node);
        }
    }

    /// An item in words.
    fn words(&self, item: Item) -> String {
        let node = |n: usize| &self.draft.nodes[n];
        let of = |n: usize, rest: String| format!("node `{}`, {rest}", node(n).name);
        match item {
            Item::Topology if self.draft.name.is_empty() => "the topology".into(),
            Item::Topology => format!("topology `{}`", self.draft.name),
            Item::Allow(a) => format!("allow `{}`", self.draft.allow[a]),
            Item::Node(n) => format!("node `{}`", node(n).name),
            Item::Interface(n, i) => of(n, format!("interface `{}`", node(n).interfaces[i].name)),
            Item::Address(n, i, a) => {
                let interface = &node(n).interfaces[i];
                of(n, format!("interface `{}`, address `{}`", interface.name, interface.addresses[a]))
            }
            Item::Route(n, r) => of(n, format!("route `{}`", node(n).routes[r])),
            Item::Rule(n, r) => of(n, format!("rule `{}`", node(n).rules[r])),
            Item::Neighbour(n, e) => of(n, format!("neighbour `{}`", node(n).neighbours[e])),
            Item::Fdb(n, e) => of(n, format!("forwarding entry `{}`", node(n).fdb[e])),
            Item::Sysctl(n, s) => of(n, format!("sysctl `{}`", node(n).sysctls[s])),
            Item::Chain(n, c) => {
                let chain = &node(n).chains[c];
                of(n, format!("{} {} chain at {}", chain.family, chain.kind, chain.hook))
            }
            Item::FirewallRule(n, c, r) => {
                let chain = &node(n).chains[c];
                let (family, kind, hook) = (chain.family, chain.kind, chain.hook);
                of(n, format!("{family} {kind} chain at {hook}, rule `{}`", chain.rules[r]))
            }
            Item::Counter(n, c) => of(n, format!("counter `{}`", node(n).counters[c])),
            Item::NameServer(n, s) => of(n, format!("name server `{}`", node(n).nameservers[s])),
            Item::Link(l) => {
                let link = &self.draft.links[l];
                format!("link {} -- {}", link.a, link.b)
            }
        }
    }
}

/// A sentence as the rest of another.
fn lower(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
