//! A whole lab, made into a topology that the checker agrees to.

use std::collections::HashMap;

use super::{
    Imported, Refusals,
    machine::Machine,
    report::{At, Report},
};
use crate::{
    Draft, Link, LinkEnd, Node, Topology,
    check::{Item, Severity},
};

/// A lab as far as it was read.
#[derive(Debug)]
pub(super) struct Lab {
    pub(super) name: String,
    pub(super) machines: Vec<Machine>,
    pub(super) links: Vec<LabLink>,
    /// The beginning of the first file, for what has no place of its own.
    pub(super) at: At,
}

/// A cable between two interfaces, each by machine and position.
#[derive(Debug)]
pub(super) struct LabLink {
    pub(super) ends: [(usize, usize); 2],
    pub(super) at: At,
}

impl Lab {
    pub(super) fn new(at: At) -> Self {
        Self { name: String::new(), machines: Vec::new(), links: Vec::new(), at }
    }

    /// Checks the lab; what the checker finds is placed in the file.
    pub(super) fn finish(self, allow: &[&str], mut report: Report) -> Result<Imported, Refusals> {
        // What could not be read is missing now, and what misses it is not to blame.
        let whole = report.refusals.is_empty();
        let lab_at = self.at.clone();
        let (draft, marks) = self.into_draft(allow);
        for problem in draft.problems().iter().filter(|problem| whole || !problem.check.relational) {
            let at = candidates(problem.place.item).into_iter().find_map(|item| marks.get(&item)).unwrap_or(&lab_at);
            report.problem(at, problem);
            if problem.severity() == Severity::Mistake {
                let refusal = report.refusals.last_mut().expect("a refusal was just added");
                let allow = format!("the kernel would accept it: allow `{}` if it is meant", problem.name());
                refusal.set_help(match &problem.help {
                    Some(help) if !help.contains("allow") => format!("{help}; or {allow}"),
                    _ => allow,
                });
            }
        }
        if report.refusals.is_empty() {
            return Ok(Imported { topology: Topology(draft), notes: report.notes });
        }
        report.refusals.sort_by_key(|refusal| {
            (
                refusal.at().file() != lab_at.file(),
                refusal.at().file().to_owned(),
                refusal.at().line(),
                refusal.at().column(),
            )
        });
        report.refusals.dedup();
        Err(Refusals(report.refusals))
    }

    fn into_draft(self, allow: &[&str]) -> (Draft, HashMap<Item, At>) {
        let mut marks = HashMap::new();
        let mut draft = Draft { name: self.name, ..Draft::default() };
        draft.allow.extend(allow.iter().map(|&name| name.to_owned()));
        let end = |machines: &[Machine], (m, p): (usize, usize)| LinkEnd {
            node: machines[m].name.clone(),
            interface: machines[m].ports[p].interface.name.clone(),
        };
        for link in &self.links {
            let [a, b] = link.ends.map(|at| end(&self.machines, at));
            marks.insert(Item::Link(draft.links.len()), link.at.clone());
            draft.links.push(Link { a, b });
        }
        for (m, machine) in self.machines.iter().enumerate() {
            for (a, b, at) in &machine.pairs {
                marks.insert(Item::Link(draft.links.len()), at.clone());
                draft.links.push(Link { a: end(&self.machines, (m, *a)), b: end(&self.machines, (m, *b)) });
            }
        }
        for (n, machine) in self.machines.into_iter().enumerate() {
            draft.nodes.push(node(n, machine, &mut marks));
        }
        (draft, marks)
    }
}

/// The node, with the place of each of its parts.
fn node(n: usize, machine: Machine, marks: &mut HashMap<Item, At>) -> Node {
    let mut node = Node { role: machine.role, ..Node::new(machine.name) };
    marks.insert(Item::Node(n), machine.at);
    for port in machine.ports.into_iter().filter(|port| !port.removed) {
        let i = node.interfaces.len();
        marks.insert(Item::Interface(n, i), port.at);
        for (a, at) in port.addresses.into_iter().enumerate() {
            marks.insert(Item::Address(n, i, a), at);
        }
        node.interfaces.push(port.interface);
    }
    node.routes = place(machine.routes, marks, |r| Item::Route(n, r));
    node.rules = place(machine.rules, marks, |r| Item::Rule(n, r));
    node.neighbours = place(machine.neighbours, marks, |e| Item::Neighbour(n, e));
    node.fdb = place(machine.fdb, marks, |e| Item::Fdb(n, e));
    node.sysctls = place(machine.sysctls, marks, |s| Item::Sysctl(n, s));
    node.nameservers = place(machine.nameservers, marks, |s| Item::NameServer(n, s));
    for (c, placed) in machine.chains.into_iter().enumerate() {
        marks.insert(Item::Chain(n, c), placed.at);
        for (r, at) in placed.rules.into_iter().enumerate() {
            marks.insert(Item::FirewallRule(n, c, r), at);
        }
        node.chains.push(placed.chain);
    }
    node.counters = machine.counters;
    (node.forward_v4, node.forward_v6) = (machine.forward_v4, machine.forward_v6);
    node
}

fn place<T>(parts: Vec<(T, At)>, marks: &mut HashMap<Item, At>, item: impl Fn(usize) -> Item) -> Vec<T> {
    let placed = parts.into_iter().enumerate().map(|(n, (part, at))| {
        marks.insert(item(n), at);
        part
    });
    placed.collect()
}

/// The part itself, and what it is a part of.
fn candidates(item: Item) -> Vec<Item> {
    match item {
        Item::Address(n, i, _) => vec![item, Item::Interface(n, i), Item::Node(n)],
        Item::FirewallRule(n, c, _) => vec![item, Item::Chain(n, c), Item::Node(n)],
        Item::Interface(n, _)
        | Item::Route(n, _)
        | Item::Rule(n, _)
        | Item::Neighbour(n, _)
        | Item::Fdb(n, _)
        | Item::Sysctl(n, _)
        | Item::Chain(n, _)
        | Item::Counter(n, _)
        | Item::NameServer(n, _) => vec![item, Item::Node(n)],
        Item::Topology | Item::Allow(_) | Item::Node(_) | Item::Link(_) => vec![item],
    }
}
