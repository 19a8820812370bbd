//! VXLAN devices and macvlan interfaces, through the builder.

use netns_test_topology::{
    Cidr, IfName, MacvlanMode, NodeName,
    build::{IntoValue, MacvlanBuilder, NodeBuilder, VxlanBuilder},
};

use super::Lower;
use crate::topology::{
    fault::Fault,
    flat::FlatNode,
    scope::Position,
    tokens::{Text, Word},
    tree::{InterfaceItem, Value},
};

/// The member of an array that is made, and its node.
type Here<'a, 'n> = (Position, &'a FlatNode<'n>);

impl Lower {
    pub(super) fn vxlan(
        &mut self,
        n: NodeBuilder,
        name: IfName,
        addresses: Vec<Cidr>,
        item: &InterfaceItem,
        here: Here<'_, '_>,
    ) -> NodeBuilder {
        let id = item.settings.iter().find_map(|setting| match setting.value {
            Value::Id(id) => Some((id, setting.place)),
            _ => None,
        });
        let Some((id, place)) = id else {
            self.missing(item, "id", "the VXLAN device", "id 42");
            return n;
        };
        let Some(id) = self.read(place, id.into_value()) else { return n };
        let elsewhere = item.settings.iter().any(|setting| matches!(setting.value, Value::Underlay(_)));
        n.vxlan(name, id, |v: VxlanBuilder| {
            item.settings.iter().fold(v.address(addresses), |v, setting| match &setting.value {
                Value::Mac(text) => self.mac(text, here).into_iter().fold(v, VxlanBuilder::mac),
                Value::Mtu(bytes) => v.mtu(*bytes),
                Value::Down => v.down(),
                Value::Master(word) => self.name(word, here.0, here.1).into_iter().fold(v, VxlanBuilder::master),
                Value::Local(text) => self.address(text, here.0).into_iter().fold(v, VxlanBuilder::local),
                Value::Remote(text) => self.address(text, here.0).into_iter().fold(v, VxlanBuilder::remote),
                Value::Group(text) => self.address(text, here.0).into_iter().fold(v, VxlanBuilder::group),
                Value::Dev(word) => self.lower_name(word, elsewhere, here).into_iter().fold(v, VxlanBuilder::dev),
                Value::UdpPort(port) => v.port(*port),
                Value::Learning(false) => v.no_learning(),
                Value::Proxy(true) => v.proxy(),
                Value::L2miss(true) => v.l2miss(),
                Value::L3miss(true) => v.l3miss(),
                Value::Ageing(text) => self.time(text).into_iter().fold(v, VxlanBuilder::ageing),
                Value::Underlay(word) => self.node_name(word, here).into_iter().fold(v, VxlanBuilder::underlay),
                // What is off from the start, or read before.
                _ => v,
            })
        })
    }

    pub(super) fn macvlan(
        &mut self,
        n: NodeBuilder,
        name: IfName,
        addresses: Vec<Cidr>,
        item: &InterfaceItem,
        here: Here<'_, '_>,
    ) -> NodeBuilder {
        let parent = item.settings.iter().find_map(|setting| match &setting.value {
            Value::Parent(word) => Some(word),
            _ => None,
        });
        let Some(parent) = parent else {
            self.missing(item, "parent", "the macvlan interface", "parent eth0");
            return n;
        };
        let elsewhere = item.settings.iter().any(|setting| matches!(setting.value, Value::ParentNode(_)));
        let Some(parent) = self.lower_name(parent, elsewhere, here) else { return n };
        n.macvlan(name, parent, |m: MacvlanBuilder| {
            item.settings.iter().fold(m.address(addresses), |m, setting| match &setting.value {
                Value::Mac(text) => self.mac(text, here).into_iter().fold(m, MacvlanBuilder::mac),
                Value::Mtu(bytes) => m.mtu(*bytes),
                Value::Down => m.down(),
                Value::Master(word) => self.name(word, here.0, here.1).into_iter().fold(m, MacvlanBuilder::master),
                Value::Mode(word) => {
                    self.read(word.place, word.text.parse::<MacvlanMode>()).into_iter().fold(m, MacvlanBuilder::mode)
                }
                Value::ParentNode(word) => self.node_name(word, here).into_iter().fold(m, MacvlanBuilder::parent_node),
                _ => m,
            })
        })
    }

    fn missing(&mut self, item: &InterfaceItem, setting: &str, what: &str, example: &str) {
        let place = self.at(item.name.place);
        let fault = Fault::new(place, format!("{what} `{}` has no `{setting}`", item.name.kernel));
        self.faults.push(fault.help(format!("write it in braces: `{{ {example} }}`")));
    }

    fn mac(&mut self, text: &Text, here: Here<'_, '_>) -> Option<netns_test_topology::Mac> {
        self.value(text, here.0)
    }

    /// An interface of this node, or one of another, which is called as it is in the kernel.
    fn lower_name(&mut self, word: &Word, elsewhere: bool, here: Here<'_, '_>) -> Option<IfName> {
        match elsewhere {
            false => self.name(word, here.0, here.1),
            true => self.read(word.place, IfName::new(word.text.as_str())),
        }
    }

    fn node_name(&mut self, word: &Word, here: Here<'_, '_>) -> Option<NodeName> {
        let text = Text { value: word.text.clone(), place: word.place };
        let written = if word.quoted { self.text(&text, here.0)? } else { text.value };
        self.read(word.place, NodeName::new(written))
    }
}
