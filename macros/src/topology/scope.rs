//! Names: what a link, a statement and a field can refer to.

use std::collections::HashMap;

use netns_test_topology::{InvalidValue, Template};

use super::{
    Bundle,
    fault::{Fault, Place},
    tokens::Read,
    tree::{Count, End, Item, Members, Name, NodeItem, Source, Statement, Step, Value},
};

/// The names of a topology.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    entries: HashMap<String, Entry>,
}

#[derive(Debug)]
enum Entry {
    /// A node, a switch, or an array of nodes.
    Nodes {
        members: Vec<Member>,
        array: bool,
    },
    Part(Scope),
}

/// A node with its interfaces.
#[derive(Debug, Default)]
pub(crate) struct Member {
    pub(crate) name: String,
    interfaces: HashMap<String, Names>,
}

#[derive(Debug)]
struct Names {
    kernel: Vec<String>,
    array: bool,
}

/// The position of a member in its array, and how many there are.
pub(crate) type Position = Option<(usize, usize)>;

impl Scope {
    /// The names of these items, each node's with the prefix of the part that it is in.
    pub(crate) fn of(items: &[Item], parts: &[Bundle], prefix: &str) -> Self {
        let mut scope = Self::default();
        let mut parts = parts.iter();
        for item in items {
            match item {
                Item::Part(part) => {
                    let inner = parts
                        .next()
                        .map_or_else(Self::default, |bundle| bundle.scope(&format!("{prefix}{}.", plain(&part.name))));
                    scope.entries.insert(plain(&part.name), Entry::Part(inner));
                }
                Item::Node(node) if node.within.is_empty() => {
                    let members = positions(node.count).map(|at| member(node, prefix, at)).collect();
                    scope.add(&node.name, Entry::Nodes { members, array: node.count.is_some() });
                }
                Item::Switch(switch) if switch.within.is_empty() => {
                    let member = Member { name: format!("{prefix}{}", switch.name.kernel), interfaces: HashMap::new() };
                    scope.add(&switch.name, Entry::Nodes { members: vec![member], array: false });
                }
                _ => {}
            }
        }
        // What is added to nodes of parts has names as well.
        for item in items {
            let Item::Node(node) = item else { continue };
            if node.within.is_empty() {
                continue;
            }
            if let Some(known) = scope.within(&node.within).and_then(|within| within.single(&plain(&node.name.field))) {
                node.statements.iter().for_each(|statement| add_names(known, statement, None));
                node.statements.iter().for_each(|statement| add_ports(known, statement));
            }
        }
        scope
    }

    fn add(&mut self, name: &Name, entry: Entry) {
        self.entries.entry(plain(&name.field)).or_insert(entry);
    }

    fn within(&mut self, path: &[proc_macro2::Ident]) -> Option<&mut Scope> {
        path.iter().try_fold(self, |scope, part| match scope.entries.get_mut(&plain(part))? {
            Entry::Part(inner) => Some(inner),
            Entry::Nodes { .. } => None,
        })
    }

    /// The names of what is used as a part.
    pub(crate) fn part(&self, name: &proc_macro2::Ident) -> Option<&Scope> {
        match self.entries.get(&plain(name)) {
            Some(Entry::Part(inner)) => Some(inner),
            _ => None,
        }
    }

    /// What parts are called here.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|(_, entry)| matches!(entry, Entry::Part(_))).map(|(name, _)| name.as_str())
    }

    fn single(&mut self, name: &str) -> Option<&mut Member> {
        match self.entries.get_mut(name)? {
            Entry::Nodes { members, array: false } => members.first_mut(),
            _ => None,
        }
    }

    /// The nodes that a field stands for.
    pub(crate) fn members(&self, field: &proc_macro2::Ident) -> &[Member] {
        match self.entries.get(&plain(field)) {
            Some(Entry::Nodes { members, .. }) => members,
            _ => &[],
        }
    }

    /// The names of nodes and switches.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|(_, entry)| matches!(entry, Entry::Nodes { .. })).map(|(name, _)| name.as_str())
    }

    /// The interfaces that an end of a link stands for: names of node and interface. Names that are not known stand
    /// for themselves, so that the checker can say what is wrong with them.
    pub(crate) fn resolve(&self, end: &End) -> Read<Vec<(String, String)>> {
        let (node, path) = end.node.split_last().expect("the end of a link has a node");
        let mut scope = self;
        let mut prefix = String::new();
        for step in path {
            no_brackets(step)?;
            prefix.push_str(&step.name.text);
            prefix.push('.');
            match scope.entries.get(&step.name.text) {
                Some(Entry::Part(inner)) => scope = inner,
                _ => return Ok(vec![(format!("{prefix}{}", node.name.text), end.interface.name.text.clone())]),
            }
        }
        let members = match scope.entries.get(&node.name.text).filter(|_| !node.name.quoted) {
            Some(Entry::Nodes { members, array }) => chosen(node, members, *array, "node")?,
            Some(Entry::Part(_)) => {
                let name = &node.name.text;
                let fault = Fault::new(node.name.place, format!("`{name}` is a topology of its own, not a node"));
                return Err(fault.help(format!("name a node of it: `{name}.node.{}`", end.interface.name.text)));
            }
            None => {
                no_brackets(node)?;
                return Ok(vec![(format!("{prefix}{}", node.name.text), end.interface.name.text.clone())]);
            }
        };
        let mut found = Vec::new();
        for member in members {
            match member.interfaces.get(&end.interface.name.text).filter(|_| !end.interface.name.quoted) {
                Some(names) => {
                    let names = chosen(&end.interface, &names.kernel, names.array, "interface")?;
                    found.extend(names.iter().map(|name| (member.name.clone(), name.clone())));
                }
                None => {
                    no_brackets(&end.interface)?;
                    found.push((member.name.clone(), end.interface.name.text.clone()));
                }
            }
        }
        Ok(found)
    }
}

impl Member {
    /// The kernel's names of the interface with that field.
    pub(crate) fn kernel(&self, field: &str) -> &[String] {
        self.interfaces.get(field).map_or(&[], |names| &names.kernel)
    }

    /// The kernel's name of the one interface with that field.
    pub(crate) fn one(&self, field: &str) -> Option<&str> {
        match self.interfaces.get(field) {
            Some(Names { kernel, array: false }) => kernel.first().map(String::as_str),
            _ => None,
        }
    }
}

impl Bundle {
    fn scope(&self, prefix: &str) -> Scope {
        match &self.declaration.source {
            Source::Body(items) => Scope::of(items, &self.parts, prefix),
            Source::File(_) => Scope::default(),
        }
    }
}

/// The positions of an array, or of one thing that is none.
pub(crate) fn positions(count: Option<Count>) -> impl Iterator<Item = Position> {
    let (number, array) = count.map_or((1, false), |count| (count.number, true));
    (0..number).map(move |at| array.then_some((at, number)))
}

/// The name in the kernel of a member: followed by its position, unless it was computed.
pub(crate) fn kernel_name(name: &Name, position: Position) -> Result<String, InvalidValue> {
    match position {
        None => Ok(name.kernel.clone()),
        Some((at, _)) if !name.renamed => Ok(format!("{}{at}", name.kernel)),
        Some((at, count)) => name.kernel.parse::<Template>()?.member(at, count),
    }
}

fn member(node: &NodeItem, prefix: &str, position: Position) -> Member {
    // What cannot be computed is told when the node is made.
    let name = kernel_name(&node.name, position).unwrap_or_default();
    let mut member = Member { name: format!("{prefix}{name}"), interfaces: HashMap::new() };
    node.statements.iter().for_each(|statement| add_names(&mut member, statement, position));
    node.statements.iter().for_each(|statement| add_ports(&mut member, statement));
    member
}

fn add_names(member: &mut Member, statement: &Statement, of_node: Position) {
    let Statement::Interface(interface) = statement else { return };
    let computed = |position: Position| {
        // A name of its own may be computed from the position of the node.
        match position.or(of_node.filter(|_| interface.name.renamed)) {
            None => Ok(interface.name.kernel.clone()),
            position => kernel_name(&interface.name, position),
        }
    };
    let kernel = positions(interface.count).map(|position| computed(position).unwrap_or_default()).collect();
    let names = Names { kernel, array: interface.count.is_some() };
    member.interfaces.entry(plain(&interface.name.field)).or_insert(names);
}

/// Ports that are not declared are made by the bridge that they are written at.
fn add_ports(member: &mut Member, statement: &Statement) {
    let Statement::Interface(interface) = statement else { return };
    for setting in &interface.settings {
        let Value::Ports(ports) = &setting.value else { continue };
        for port in ports {
            if let Some(field) = &port.field {
                let names = Names { kernel: vec![port.word.text.clone()], array: false };
                member.interfaces.entry(plain(field)).or_insert(names);
            }
        }
    }
}

/// The members that the brackets choose.
fn chosen<'a, T>(step: &Step, all: &'a [T], array: bool, what: &str) -> Read<&'a [T]> {
    let (name, count) = (&step.name.text, all.len());
    let beyond = |place: Place, at: usize| {
        let fault = Fault::new(place, format!("`{name}` has {count} members, `{at}` is beyond the last"));
        fault.help("positions are counted from 0")
    };
    match step.members {
        Members::None if array => {
            Err(Fault::new(step.name.place, format!("`{name}` is an array of {count} {what}s, not one {what}"))
                .help(format!("write `{name}[0]` for one of them, or `{name}[..]` for all")))
        }
        Members::None => Ok(all),
        Members::One(_, place) | Members::Range(_, _, place) if !array => {
            Err(Fault::new(place, format!("`{name}` is no array")).help("leave out the brackets"))
        }
        Members::One(at, place) => all.get(at..=at).ok_or_else(|| beyond(place, at)),
        Members::Range(start, end, place) => {
            let end = end.unwrap_or(count);
            all.get(start..end).ok_or_else(|| match start <= end {
                true => beyond(place, end.saturating_sub(1)),
                false => Fault::new(place, "this range ends before it begins").help("write the lower position first"),
            })
        }
    }
}

fn no_brackets(step: &Step) -> Read<()> {
    match step.members {
        Members::None => Ok(()),
        Members::One(_, place) | Members::Range(_, _, place) => {
            Err(Fault::new(place, format!("`{}` is no array", step.name.text)).help("leave out the brackets"))
        }
    }
}

/// An identifier without `r#`.
pub(crate) fn plain(ident: &proc_macro2::Ident) -> String {
    use syn::ext::IdentExt;
    ident.unraw().to_string()
}
