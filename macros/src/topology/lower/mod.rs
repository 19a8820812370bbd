//! From the text to the draft, through the builder, with the place of each part.

mod interface;
mod overlay;
mod statement;
mod words;

use std::collections::HashSet;

use netns_test_topology::{
    Draft, IfName, LinkEnd, NodeName, Topology,
    build::NodeBuilder,
    check::{self, Check, Severity, nearest},
};

use super::{
    Bundle,
    fault::{Fault, Place},
    flat::{Flat, FlatNode, What},
    places::{EndPlaces, LinkPlaces, NodePlaces, Places},
    scope::{Scope, kernel_name, plain},
    statement::KEYWORDS,
    tree::{Declaration, End, Source, Statement, Value},
};

/// A draft, the names in it, and everything that is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Lowered {
    pub(crate) draft: Draft,
    pub(crate) scope: Scope,
    pub(crate) faults: Vec<Fault>,
}

/// Makes the draft of a declaration and checks it. Whether its text was faultless decides which checks make sense.
pub(crate) fn lower(declaration: &Declaration, parts: &[Bundle], faultless: bool) -> Lowered {
    let Source::Body(items) = &declaration.source else { return Lowered::default() };
    let scope = Scope::of(items, parts, "");
    let mut flat = Flat::of(items, parts, &scope);
    let mut lower = Lower { faults: std::mem::take(&mut flat.faults), ..Lower::default() };
    let mut builder = Topology::builder().name(plain(&declaration.name));
    if let Some(profile) = flat.profile {
        builder = builder.profile(profile);
    }
    for allowed in &declaration.allow {
        builder = builder.allow(&allowed.value);
        lower.places.allow.push(allowed.place);
    }
    let mut plugs = Vec::new();
    for node in &flat.nodes {
        let before = lower.faults.len();
        let Some(name) = lower.begin(node) else { continue };
        match &node.what {
            What::Node(statements) => {
                builder = builder.node(name, |n| {
                    let n = node.profile.into_iter().fold(n, NodeBuilder::profile);
                    lower.statements(n, node, statements)
                });
            }
            What::Switch(switch, ends) => {
                let mut plugged = Vec::new();
                for &(end, scope, part) in ends {
                    lower.part = part;
                    let first = plugs.len();
                    for (link, places) in lower.ends(end, scope) {
                        plugged.push(link);
                        plugs.push((first, places));
                    }
                }
                lower.part = node.part;
                builder = builder.switch_with(name, plugged, |bridge| lower.switch(bridge, switch, node));
            }
        }
        lower.once(before, (node.first, None));
    }
    for &(link, scope, part) in &flat.links {
        lower.part = part;
        let [a, b] = [&link.ends[0], &link.ends[1]].map(|end| lower.ends(end, scope));
        if a.len() != b.len() && !a.is_empty() && !b.is_empty() {
            let message = format!("one end of this link is {}, the other {}", several(a.len()), several(b.len()));
            let place = lower.at(link.place);
            lower.faults.push(Fault::new(place, message).help("name as many at one end as at the other"));
            continue;
        }
        let first = lower.places.links.len();
        for ((a, near), (b, far)) in a.into_iter().zip(b) {
            if let Some((_, place)) = link.mtu {
                for end in [&a, &b] {
                    if lower.places.set_mtu(end, place).is_some() {
                        let fault =
                            Fault::new(place, format!("`{}.{}` has an MTU of its own", end.node, end.interface));
                        lower.faults.push(fault.help("say it once: at the link, or at its ends"));
                    }
                }
            }
            let whole = lower.at(link.place);
            lower.places.links.push(LinkPlaces { whole, first, ends: [near, far] });
            builder = match link.mtu {
                Some((mtu, _)) => builder.link_with_mtu(a, b, mtu),
                None => builder.link(a, b),
            };
        }
    }
    let cables = lower.places.links.len();
    for (first, end) in plugs {
        let whole = end.node.to(end.interface);
        lower.places.links.push(LinkPlaces { whole, first: cables + first, ends: [end, end] });
    }
    let (mut draft, unread) = builder.into_draft();
    // Values are read before the builder gets them: what it still refuses is the name of a switch's bridge.
    for problem in unread {
        let place = lower.places.find(problem.place.item, problem.place.part);
        lower.faults.push(Fault::problem(place.unwrap_or_else(|| declaration.name.span().into()), problem));
    }
    if !parts.iter().any(Bundle::is_broken) {
        let clean = faultless && lower.faults.is_empty();
        lower.faults.extend(problems(&draft, &lower.places, declaration, clean));
    }
    parts.iter().for_each(|part| part.allows(&mut draft.allow));
    let faults = lower.faults;
    Lowered { draft, scope, faults }
}

/// What the checker finds, at its places; what all members of an array have in common is said once.
fn problems(draft: &Draft, places: &Places, declaration: &Declaration, clean: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut said = Vec::new();
    for mut problem in draft.problems() {
        let item = problem.place.item;
        let allowed = places.node(item).is_some_and(|node| {
            problem.severity() == Severity::Mistake && node.allow.iter().any(|name| name == problem.name())
        });
        let first = (places.first(item), problem.place.part, problem.check.code);
        if allowed || said.contains(&first) {
            continue;
        }
        said.push(first);
        let statement = match item {
            check::Item::Interface(n, i) if problem.check == Check::UNPLUGGED && places.is_bare(n, i) => {
                nearest(&draft.nodes[n].interfaces[i].name, KEYWORDS.iter().copied())
            }
            _ => None,
        };
        if !clean && problem.check.relational && statement.is_none() {
            continue;
        }
        if let Some(near) = statement {
            problem.help = Some(format!("did you mean the statement `{near}`?"));
        }
        let place = places.find(item, problem.place.part);
        faults.push(Fault::problem(place.unwrap_or_else(|| declaration.name.span().into()), problem));
    }
    faults
}

fn several(count: usize) -> String {
    if count == 1 { "one interface".to_owned() } else { format!("{count} interfaces") }
}

#[derive(Default)]
struct Lower {
    faults: Vec<Fault>,
    places: Places,
    /// The arrays of nodes, and of interfaces in them, that had faults.
    faulty: HashSet<(usize, Option<usize>)>,
    /// Where the part is used that is being made.
    part: Option<Place>,
}

impl Lower {
    /// Leaves out what was found since then, if another member of the same array had faults.
    fn once(&mut self, before: usize, array: (usize, Option<usize>)) {
        if self.faults.len() > before && !self.faulty.insert(array) {
            self.faults.truncate(before);
        }
    }

    /// The name of the node, whose places begin here.
    fn begin(&mut self, node: &FlatNode<'_>) -> Option<NodeName> {
        self.part = node.part;
        let computed = kernel_name(node.name, node.position);
        let name = computed.and_then(|_| NodeName::new(node.member.name.as_str()));
        let name =
            self.read(node.name.place, name).or_else(|| NodeName::new(substitute(&node.member.name, 63)).ok())?;
        self.places.nodes.push(NodePlaces::new(&name, self.at(node.name.place), node.first, node.allow.clone()));
        Some(name)
    }

    /// Interfaces first, then bridges, which may have those before as ports, then what refers to all.
    fn statements(
        &mut self,
        mut n: NodeBuilder,
        node: &FlatNode<'_>,
        statements: &[(&Statement, Option<Place>)],
    ) -> NodeBuilder {
        let rank = |statement: &Statement| match statement {
            Statement::Interface(interface) if !interface.is_bridge() => 0,
            Statement::Interface(interface) => {
                let ports = interface.settings.iter().any(|setting| matches!(setting.value, Value::Ports(_)));
                1 + u8::from(ports)
            }
            _ => 3,
        };
        for turn in 0..=3 {
            for &(statement, part) in statements.iter().filter(|(statement, _)| rank(statement) == turn) {
                self.part = part;
                n = match statement {
                    Statement::Interface(interface) => self.interface(n, interface, node),
                    other => self.statement(n, other, node),
                };
            }
        }
        n
    }

    /// The interfaces at an end of a link.
    fn ends(&mut self, end: &End, scope: &Scope) -> Vec<(LinkEnd, EndPlaces)> {
        let node = end.node.first().map_or(end.place, |step| step.place());
        let node = end.node.last().map_or(node, |last| node.to(last.place()));
        let places = EndPlaces { node: self.at(node), interface: self.at(end.interface.place()) };
        let names = match scope.resolve(end) {
            Ok(names) => names,
            Err(mut fault) => {
                fault.place = self.at(fault.place);
                self.faults.push(fault);
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for (node, interface) in names {
            let (name, interface) = match (NodeName::new(node), IfName::new(interface)) {
                (Ok(node), Ok(interface)) => (node, interface),
                (node, interface) => {
                    // Where a name is declared, it was told already that it is none.
                    for (place, error) in [(places.node, node.err()), (places.interface, interface.err())] {
                        let fault = error.map(|error| Fault::invalid(place, &error));
                        let told = |fault: &Fault| self.faults.iter().any(|told| told.message == fault.message);
                        if let Some(fault) = fault.filter(|fault| !told(fault)) {
                            self.faults.push(fault);
                        }
                    }
                    break;
                }
            };
            found.push((LinkEnd { node: name, interface }, places));
        }
        found
    }

    /// What comes from a part is told where the part is used.
    fn at(&self, place: Place) -> Place {
        self.part.unwrap_or(place)
    }

    /// The places of the node that is being made.
    fn node(&mut self) -> &mut NodePlaces {
        self.places.nodes.last_mut().expect("a node is made after its places were begun")
    }
}

/// A name instead of one that is none, so that what else is wrong is told as well.
fn substitute(name: &str, longest: usize) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(longest).collect();
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && !matches!(&*name, "all" | "default") {
        name
    } else {
        "unnamed".to_owned()
    }
}
