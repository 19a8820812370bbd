//! What a topology's text says, statement by statement, each part with its place.

use netns_test_topology::{ChainKind, Departure, Family, Hook, Policy, Profile};
use proc_macro2::{Ident, TokenStream};

use super::{
    fault::Place,
    tokens::{Text, Word},
};

/// `pub struct Nat { … }` or `pub struct Nat = "nat.toml";`
#[derive(Debug, Clone)]
pub(crate) struct Declaration {
    /// Documentation and what else is not for this macro.
    pub(crate) attributes: TokenStream,
    pub(crate) allow: Vec<Text>,
    /// The path of the facade, where it is not `::netns_test`.
    pub(crate) krate: Option<TokenStream>,
    pub(crate) visibility: TokenStream,
    pub(crate) name: Ident,
    pub(crate) source: Source,
}

#[derive(Debug, Clone)]
pub(crate) enum Source {
    Body(Vec<Item>),
    File(Text),
}

#[derive(Debug, Clone)]
pub(crate) enum Item {
    Profile(Profile, Place),
    Part(Part),
    Node(NodeItem),
    Switch(SwitchItem),
    Link(LinkItem),
}

/// `use lans::Lan as office;`
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) attributes: TokenStream,
    pub(crate) path: TokenStream,
    pub(crate) name: Ident,
}

/// `v_net_0 as "v-net-0"`: the field, and the name in the kernel.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) field: Ident,
    pub(crate) kernel: String,
    /// Whether the kernel's name was written beside the field's.
    pub(crate) renamed: bool,
    pub(crate) place: Place,
}

/// `[16]`
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) number: usize,
}

/// A node, or more statements for a node of a part.
#[derive(Debug, Clone)]
pub(crate) struct NodeItem {
    pub(crate) attributes: TokenStream,
    /// The parts that it is in; empty for a node of this topology.
    pub(crate) within: Vec<Ident>,
    pub(crate) name: Name,
    pub(crate) count: Option<Count>,
    pub(crate) statements: Vec<Statement>,
}

#[derive(Debug, Clone)]
pub(crate) enum Statement {
    Interface(InterfaceItem),
    Route(Words),
    Rule(Words),
    Neighbour(Words),
    Fdb(Words),
    Sysctl {
        key: Text,
        value: Text,
    },
    Forward {
        v4: bool,
        v6: bool,
    },
    Masquerade(Place, Word),
    MasqueradeFrom(Place, Text),
    /// A rule in a NAT chain, and the hook where it belongs.
    Nat(Words, Hook),
    ForwardPort {
        place: Place,
        tcp: bool,
        interface: Word,
        port: u16,
        to: Text,
    },
    Chain(ChainItem),
    Counter(Text),
    Profile(Profile, Place),
    Departure(Departure, bool, Place),
    NameServers(Vec<Text>),
}

/// The words of one statement.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) words: Vec<Word>,
    pub(crate) place: Place,
}

#[derive(Debug, Clone)]
pub(crate) struct ChainItem {
    pub(crate) place: Place,
    pub(crate) family: Family,
    pub(crate) kind: ChainKind,
    pub(crate) hook: Hook,
    pub(crate) policy: Option<Policy>,
    pub(crate) priority: Option<i32>,
    pub(crate) rules: Vec<Words>,
}

#[derive(Debug, Clone)]
pub(crate) struct InterfaceItem {
    pub(crate) attributes: TokenStream,
    pub(crate) name: Name,
    pub(crate) count: Option<Count>,
    pub(crate) form: Form,
    pub(crate) addresses: Vec<Text>,
    pub(crate) settings: Vec<Setting>,
}

/// What an interface was written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Bridge,
    Vxlan,
    Macvlan,
}

impl InterfaceItem {
    pub(crate) fn is_bridge(&self) -> bool {
        self.form == Form::Bridge
    }
}

/// A setting in braces, such as `mtu 1400`.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) word: Word,
    /// Where its value stands.
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Mac(Text),
    Mtu(u32),
    Down,
    Master(Word),
    Ports(Vec<Port>),
    Stp(bool),
    ForwardDelay(Text),
    Ageing(Text),
    MulticastSnooping(bool),
    NfCallIptables(bool),
    NfCallIp6tables(bool),
    NfCallArptables(bool),
    Id(u32),
    Local(Text),
    Remote(Text),
    Group(Text),
    Dev(Word),
    UdpPort(u16),
    Learning(bool),
    Proxy(bool),
    L2miss(bool),
    L3miss(bool),
    Underlay(Word),
    Parent(Word),
    ParentNode(Word),
    Mode(Word),
}

/// A port of a bridge.
#[derive(Debug, Clone)]
pub(crate) struct Port {
    pub(crate) word: Word,
    /// Its field, where it was written as one.
    pub(crate) field: Option<Ident>,
}

#[derive(Debug, Clone)]
pub(crate) struct SwitchItem {
    pub(crate) attributes: TokenStream,
    pub(crate) within: Vec<Ident>,
    pub(crate) name: Name,
    pub(crate) addresses: Vec<Text>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) ends: Vec<End>,
}

#[derive(Debug, Clone)]
pub(crate) struct LinkItem {
    pub(crate) place: Place,
    pub(crate) ends: [End; 2],
    pub(crate) mtu: Option<(u32, Place)>,
}

/// `client.eth0`, `office.client.eth0`, `host[..].eth0`
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) place: Place,
    /// Parts, then the node.
    pub(crate) node: Vec<Step>,
    pub(crate) interface: Step,
}

/// One name of a path, with the members of the array that are meant.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) name: Word,
    pub(crate) members: Members,
}

#[derive(Debug, Clone)]
pub(crate) enum Members {
    /// No brackets.
    None,
    /// `[3]`
    One(usize, Place),
    /// `[..]`, `[2..]`, `[..5]`, `[2..5]`, `[2..=4]`: from, and before what.
    Range(usize, Option<usize>, Place),
}
