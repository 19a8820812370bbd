//! A topology and the topologies used in it as one list of nodes, switches and links.

use std::collections::HashMap;

use netns_test_topology::{Profile, check::nearest};

use super::{
    Bundle,
    fault::{Fault, Place},
    scope::{Member, Position, Scope, plain, positions},
    tree::{End, Item, LinkItem, Name, Source, Statement, SwitchItem},
};

/// All that is to be made.
#[derive(Default)]
pub(crate) struct Flat<'a> {
    pub(crate) profile: Option<Profile>,
    pub(crate) nodes: Vec<FlatNode<'a>>,
    pub(crate) links: Vec<(&'a LinkItem, &'a Scope, Option<Place>)>,
    pub(crate) faults: Vec<Fault>,
    /// Whether a part has faults of its own, so that it is not known what is in it.
    broken: bool,
    by_path: HashMap<Vec<String>, usize>,
}

/// A node or a switch.
pub(crate) struct FlatNode<'a> {
    pub(crate) name: &'a Name,
    /// Where the part that it comes from is used.
    pub(crate) part: Option<Place>,
    /// What that part allows.
    pub(crate) allow: Vec<String>,
    /// That part's profile.
    pub(crate) profile: Option<Profile>,
    /// The first node of its array, or itself.
    pub(crate) first: usize,
    pub(crate) member: &'a Member,
    pub(crate) position: Position,
    pub(crate) what: What<'a>,
}

pub(crate) enum What<'a> {
    /// Statements, with the place of the part that they come from.
    Node(Vec<(&'a Statement, Option<Place>)>),
    Switch(&'a SwitchItem, Vec<(&'a End, &'a Scope, Option<Place>)>),
}

/// Where one is, while parts are walked through.
#[derive(Clone, Default)]
struct Around {
    path: Vec<String>,
    part: Option<Place>,
    allow: Vec<String>,
    profile: Option<Profile>,
}

impl<'a> Flat<'a> {
    pub(crate) fn of(items: &'a [Item], parts: &'a [Bundle], scope: &'a Scope) -> Self {
        let mut flat = Self { profile: profile(items), broken: parts.iter().any(Bundle::is_broken), ..Self::default() };
        flat.walk(items, parts, scope, &Around::default());
        flat
    }

    fn walk(&mut self, items: &'a [Item], parts: &'a [Bundle], scope: &'a Scope, around: &Around) {
        let mut parts = parts.iter();
        for item in items {
            match item {
                Item::Part(part) => {
                    let (Some(bundle), Some(inner)) = (parts.next(), scope.part(&part.name)) else { continue };
                    let Source::Body(body) = &bundle.declaration.source else { continue };
                    let mut within = around.clone();
                    within.path.push(plain(&part.name));
                    within.part = within.part.or(Some(part.name.span().into()));
                    within.allow.extend(bundle.declaration.allow.iter().map(|allowed| allowed.value.clone()));
                    within.profile = profile(body).or(within.profile);
                    self.walk(body, &bundle.parts, inner, &within);
                }
                Item::Node(node) if node.within.is_empty() => {
                    let statements = || node.statements.iter().map(|statement| (statement, around.part)).collect();
                    let first = self.nodes.len();
                    for (position, member) in positions(node.count).zip(scope.members(&node.name.field)) {
                        self.add(around, &node.name, first, member, position, What::Node(statements()));
                    }
                }
                Item::Switch(switch) if switch.within.is_empty() => {
                    let ends = switch.ends.iter().map(|end| (end, scope, around.part)).collect();
                    if let Some(member) = scope.members(&switch.name.field).first() {
                        let first = self.nodes.len();
                        self.add(around, &switch.name, first, member, None, What::Switch(switch, ends));
                    }
                }
                Item::Link(link) => self.links.push((link, scope, around.part)),
                _ => {}
            }
        }
        for item in items {
            let (within, name) = match item {
                Item::Node(node) => (&node.within, &node.name),
                Item::Switch(switch) => (&switch.within, &switch.name),
                _ => continue,
            };
            if within.is_empty() {
                continue;
            }
            let path: Vec<String> =
                around.path.iter().cloned().chain(within.iter().chain([&name.field]).map(plain)).collect();
            match (self.by_path.get(&path).map(|&n| &mut self.nodes[n].what), item) {
                (Some(What::Node(statements)), Item::Node(node)) => {
                    statements.extend(node.statements.iter().map(|statement| (statement, around.part)));
                }
                (Some(What::Switch(_, ends)), Item::Switch(switch)) => {
                    ends.extend(switch.ends.iter().map(|end| (end, scope, around.part)));
                    if let Some(setting) = switch.settings.first() {
                        let fault = Fault::new(setting.place, format!("`{}` has its settings already", name.field));
                        self.faults.push(fault.help("only more ends can be plugged into the switch of a part"));
                    }
                }
                _ => self.unknown(within, name, scope, matches!(item, Item::Node(_))),
            }
        }
    }

    fn add(
        &mut self,
        around: &Around,
        name: &'a Name,
        first: usize,
        member: &'a Member,
        position: Position,
        what: What<'a>,
    ) {
        let path = around.path.iter().cloned().chain([plain(&name.field)]).collect();
        self.by_path.entry(path).or_insert(self.nodes.len());
        let Around { part, allow, profile, .. } = around.clone();
        self.nodes.push(FlatNode { name, part, allow, profile, first, member, position, what });
    }

    /// Says that there is nothing that could be added to.
    fn unknown(&mut self, within: &[proc_macro2::Ident], name: &Name, scope: &Scope, node: bool) {
        let mut inner = scope;
        for part in within {
            match inner.part(part) {
                Some(found) => inner = found,
                None => {
                    let word = plain(part);
                    let fault = Fault::new(part.span().into(), format!("no topology is used as `{word}` here"));
                    let near = nearest(&word, inner.parts()).map(|near| format!("did you mean `{near}`?"));
                    return self.faults.push(fault.help(near.unwrap_or_else(|| format!("write `use Lan as {word};`"))));
                }
            }
        }
        if self.broken {
            return;
        }
        let (word, what) = (plain(&name.field), if node { "node" } else { "switch" });
        let part = plain(within.last().expect("what is added to is within a part"));
        let fault = Fault::new(name.place, format!("`{part}` has no {what} `{word}`"));
        let near = nearest(&word, inner.names()).map(|near| format!("did you mean `{near}`?"));
        self.faults.push(match near {
            Some(near) => fault.help(near),
            None => fault.help(format!("only what `{part}` declares can be added to")),
        });
    }
}

fn profile(items: &[Item]) -> Option<Profile> {
    items.iter().rev().find_map(|item| match item {
        Item::Profile(profile, _) => Some(*profile),
        _ => None,
    })
}
