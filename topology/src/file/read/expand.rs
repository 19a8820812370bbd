//! Nodes with all their settings: defaults, groups and their own, and one for each member of an array.

use super::{MOST_MEMBERS, Member, Reader, text::Written};
use crate::{
    NodeName,
    check::nearest,
    file::{
        Mistake, Span, UNKNOWN_NAME, WRONG_TYPE,
        keys::NODE,
        tree::{Data, Entry, Key, Table, Value},
    },
};

/// A node with everything that is said about it.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) name: NodeName,
    /// Where its name stands.
    pub(super) span: Span,
    pub(super) member: Option<Member>,
    /// Its settings, each key once.
    pub(super) settings: Vec<Entry>,
    pub(super) interfaces: Vec<Port>,
}

/// An interface or bridge with everything that is said about it.
#[derive(Debug, Clone)]
pub(super) struct Port {
    pub(super) key: Key,
    pub(super) form: Form,
    pub(super) settings: Table,
}

/// Which of a node's tables an interface stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Interface,
    Bridge,
    Vxlan,
    Macvlan,
}

impl Form {
    /// The form of the interfaces in the table of that name.
    fn of(table: &str) -> Option<Self> {
        match table {
            "interface" => Some(Self::Interface),
            "bridge" => Some(Self::Bridge),
            "vxlan" => Some(Self::Vxlan),
            "macvlan" => Some(Self::Macvlan),
            _ => None,
        }
    }
}

/// What holds for every node, interface, bridge and link.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    pub(super) node: Table,
    pub(super) interface: Table,
    pub(super) bridge: Table,
    pub(super) link: Table,
}

impl Defaults {
    pub(super) fn read(document: &Table) -> Self {
        let defaults = document.get("defaults").and_then(Value::table);
        let of = |name| defaults.and_then(|d| d.get(name)).and_then(Value::table).cloned().unwrap_or_default();
        Self { node: of("node"), interface: of("interface"), bridge: of("bridge"), link: of("link") }
    }
}

impl Reader<'_> {
    /// The nodes that an entry of `[node]` stands for.
    pub(super) fn instances(&mut self, document: &Table, entry: &Entry) -> Vec<Instance> {
        let own = entry.value.table().cloned().unwrap_or_default();
        let mut layers = vec![self.defaults.node.clone()];
        let group = own.get("group").or(self.defaults.node.get("group")).cloned();
        for name in group.iter().flat_map(Value::elements) {
            layers.extend(self.group(document, name));
        }
        let count = own.get("count").cloned();
        layers.push(own);
        let mut settings = Table::default();
        let mut interfaces = Vec::new();
        for layer in layers {
            let (of_node, ports) = split(layer);
            merge(&mut settings, of_node);
            for port in ports {
                match interfaces.iter_mut().find(|p: &&mut Port| p.key.name == port.key.name && p.form == port.form) {
                    Some(same) => merge(&mut same.settings, port.settings),
                    None => interfaces.push(port),
                }
            }
        }
        for port in &mut interfaces {
            let defaults = match port.form {
                Form::Bridge => &self.defaults.bridge,
                // What sets all cables' ends apart from the kernel's own choice would not fit into the tunnel.
                Form::Vxlan => &Table::default(),
                Form::Interface | Form::Macvlan => &self.defaults.interface,
            };
            let own = std::mem::replace(&mut port.settings, defaults.clone());
            merge(&mut port.settings, own);
        }
        let instances = self.members(count.as_ref(), |reader, member| {
            let name = reader.member_name(&entry.key, count.as_ref(), "-")?;
            let (settings, interfaces) = (settings.entries.clone(), interfaces.clone());
            let name = reader.understood(&name, |text| NodeName::new(text))?;
            Some(Instance { name, span: entry.key.span.clone(), member, settings, interfaces })
        });
        if count.is_some() {
            let names = instances.iter().map(|instance| instance.name.to_string()).collect();
            self.addresses.arrays.push((entry.key.name.clone(), names));
        }
        instances
    }

    /// What `each` makes of each member of an array, or once of what is none.
    pub(super) fn members<T>(
        &mut self,
        count: Option<&Value>,
        mut each: impl FnMut(&mut Self, Option<Member>) -> Option<T>,
    ) -> Vec<T> {
        let outer = self.member;
        let span = count.map(|count| count.span.clone());
        let made = match count.map(|count| &count.data) {
            Some(Data::Number(count)) => {
                let count = usize::try_from(*count).unwrap_or_default();
                self.members += count;
                if self.members > MOST_MEMBERS {
                    let message = format!("all arrays together have more than {MOST_MEMBERS} members");
                    let span = span.unwrap_or_default();
                    self.found.push(Mistake::new(WRONG_TYPE, span, message).help("lower a `count`"));
                    return Vec::new();
                }
                let members = (0..count).filter_map(|index| {
                    self.member = Some(Member { index, count });
                    each(self, self.member)
                });
                members.collect()
            }
            _ => each(self, outer).into_iter().collect(),
        };
        self.member = outer;
        made
    }

    /// What a member of an array is called: as its key is computed, or after the key and its position.
    pub(super) fn member_name(&mut self, key: &Key, count: Option<&Value>, between: &str) -> Option<Written> {
        let mut name = self.written_key(key)?;
        if let Some(member) = self.member.filter(|_| count.is_some() && !key.name.contains('{')) {
            name.text.push_str(&format!("{between}{}", member.index));
        }
        Some(name)
    }

    fn group(&mut self, document: &Table, name: &Value) -> Option<Table> {
        let groups = document.get("group").and_then(Value::table);
        let wanted = name.text()?;
        let found = groups.and_then(|groups| groups.get(wanted)).and_then(Value::table).cloned();
        if found.is_none() {
            let names = groups.into_iter().flat_map(|groups| &groups.entries).map(|group| group.key.name.as_str());
            let mistake = Mistake::new(UNKNOWN_NAME, name.span.clone(), format!("no group named `{wanted}`"));
            self.found.push(match nearest(wanted, names) {
                Some(near) => mistake.help(format!("did you mean `{near}`?")),
                None => mistake.help(format!("declare it with `[group.{wanted}]`")),
            });
        }
        found
    }
}

/// The settings of a node, and its interfaces in the order in which they are written.
fn split(layer: Table) -> (Table, Vec<Port>) {
    let mut settings = Table::default();
    let mut ports = Vec::new();
    for Entry { key, value } in layer.entries {
        match (Form::of(&key.name), value.data) {
            (Some(form), Data::Table(table)) => {
                ports.extend(table.entries.into_iter().map(|entry| port(entry, form)));
            }
            (_, data) => {
                let known = NODE.field(&key.name).is_some();
                let entry = Entry { key, value: Value { span: value.span, data } };
                if known { settings.entries.push(entry) } else { ports.push(port(entry, Form::Interface)) }
            }
        }
    }
    ports.sort_by_key(|port| port.key.span.start);
    (settings, ports)
}

/// An interface in its long form.
fn port(entry: Entry, form: Form) -> Port {
    let Entry { key, value } = entry;
    let settings = match value.data {
        Data::Table(table) => table,
        _ => {
            let name = if form == Form::Bridge { "ports" } else { "address" };
            Table { entries: vec![Entry { key: Key::implied(name, &key.span), value }] }
        }
    };
    Port { key, form, settings }
}

/// Puts the later settings over the earlier ones: tables key by key, all else as a whole.
pub(super) fn merge(earlier: &mut Table, later: Table) {
    for entry in later.entries {
        match earlier.entries.iter_mut().find(|e| e.key.name == entry.key.name) {
            None => earlier.entries.push(entry),
            Some(same) => match (&mut same.value.data, entry.value.data) {
                (Data::Table(inner), Data::Table(over)) => merge(inner, over),
                (data, over) => {
                    *data = over;
                    same.value.span = entry.value.span;
                    same.key = entry.key;
                }
            },
        }
    }
}
