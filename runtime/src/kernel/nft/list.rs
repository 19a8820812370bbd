//! What nftables holds, read back.

use std::{fmt, ops::Add};

use netlink_packet_core::{DefaultNla, Nla, NlasIterator};
use netlink_packet_netfilter::{
    NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
    nftables::{
        ChainAttribute, ExpressionAttribute, Expressions, Hook as HookAttribute, HookNumber, InetHookNumber,
        ListAttribute, NfTablesMessage, RuleAttribute, TableAttribute,
    },
};
use netns_test_topology::{Family, Hook, Policy, Priority};

use super::{
    TABLE,
    expression::{NF_ACCEPT, NF_DROP},
};

/// What a counter has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes, from the network header on (bridge family: without the Ethernet header as well).
    pub bytes: u64,
}

impl Add for Count {
    type Output = Count;

    fn add(self, other: Count) -> Count {
        Count { packets: self.packets + other.packets, bytes: self.bytes + other.bytes }
    }
}

/// A table of nftables.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableInfo {
    /// Its protocol family.
    pub family: TableFamily,
    /// Its name.
    pub name: String,
}

/// A chain of nftables.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainInfo {
    /// The protocol family of its table.
    pub family: TableFamily,
    /// The name of its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its hook; `None` for chains that only other chains jump to, and for those at ingress and egress.
    pub hook: Option<Hook>,
    /// Its type (`filter`, `nat`, `route`), if it is a base chain.
    pub kind: Option<String>,
    /// Its priority, if it is a base chain.
    pub priority: Option<Priority>,
    /// Its policy, if it is a base chain.
    pub policy: Option<Policy>,
    /// What met its policy because no rule decided it; `None` if it was made without such a counter.
    pub policy_counter: Option<Count>,
}

/// A rule of nftables.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleInfo {
    /// The protocol family of its table.
    pub family: TableFamily,
    /// The name of its table.
    pub table: String,
    /// The name of its chain.
    pub chain: String,
    /// Its handle: a number that is its own in its table.
    pub handle: u64,
    /// What its first counter has counted; `None` if it has no counter of its own.
    pub count: Option<Count>,
    /// Its comment.
    pub comment: Option<String>,
    /// The names of its expressions, first to last: `meta`, `cmp`, `counter`, `masq`; those that come of iptables
    /// with their own name: `match conntrack`, `target MASQUERADE`.
    pub expressions: Vec<String>,
}

/// A named counter of nftables.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CounterInfo {
    /// The protocol family of its table.
    pub family: TableFamily,
    /// The name of its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// What it has counted.
    pub count: Count,
}

/// The protocol family of a table; beyond those of [`Family`] there are the ones that others may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableFamily {
    /// IPv4 and IPv6.
    Inet,
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// ARP.
    Arp,
    /// Frames that a bridge forwards.
    Bridge,
    /// Frames at one device.
    Netdev,
    /// Another, by its number (`NFPROTO_*`).
    Other(u8),
}

impl fmt::Display for TableFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableFamily::Inet => f.pad("inet"),
            TableFamily::Ip => f.pad("ip"),
            TableFamily::Ip6 => f.pad("ip6"),
            TableFamily::Arp => f.pad("arp"),
            TableFamily::Bridge => f.pad("bridge"),
            TableFamily::Netdev => f.pad("netdev"),
            TableFamily::Other(number) => write!(f, "family {number}"),
        }
    }
}

impl From<Family> for TableFamily {
    fn from(family: Family) -> Self {
        match family {
            Family::Inet => TableFamily::Inet,
            Family::Ip => TableFamily::Ip,
            Family::Ip6 => TableFamily::Ip6,
            Family::Bridge => TableFamily::Bridge,
        }
    }
}

impl ChainInfo {
    pub(super) fn is_ours(&self) -> bool {
        self.table == TABLE
    }

    pub(super) fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }
}

impl CounterInfo {
    pub(super) fn is_ours(&self) -> bool {
        self.table == TABLE
    }
}

impl From<NetfilterProtoFamily> for TableFamily {
    fn from(family: NetfilterProtoFamily) -> Self {
        match family {
            NetfilterProtoFamily::Inet => TableFamily::Inet,
            NetfilterProtoFamily::IPv4 => TableFamily::Ip,
            NetfilterProtoFamily::IPv6 => TableFamily::Ip6,
            NetfilterProtoFamily::ARP => TableFamily::Arp,
            NetfilterProtoFamily::Bridge => TableFamily::Bridge,
            NetfilterProtoFamily::NetDev => TableFamily::Netdev,
            other => TableFamily::Other(other.into()),
        }
    }
}

impl From<TableFamily> for NetfilterProtoFamily {
    fn from(family: TableFamily) -> Self {
        match family {
            TableFamily::Inet => NetfilterProtoFamily::Inet,
            TableFamily::Ip => NetfilterProtoFamily::IPv4,
            TableFamily::Ip6 => NetfilterProtoFamily::IPv6,
            TableFamily::Arp => NetfilterProtoFamily::ARP,
            TableFamily::Bridge => NetfilterProtoFamily::Bridge,
            TableFamily::Netdev => NetfilterProtoFamily::NetDev,
            TableFamily::Other(number) => number.into(),
        }
    }
}

pub(super) fn table(message: &NetfilterMessage) -> Option<TableInfo> {
    let NetfilterMessageInner::NfTables(NfTablesMessage::NewTable(table)) = &message.inner else { return None };
    let name = table.attributes.iter().find_map(|attribute| match attribute {
        TableAttribute::Name(name) => Some(name.clone()),
        _ => None,
    })?;
    Some(TableInfo { family: message.header.family.into(), name })
}

pub(super) fn chain(message: &NetfilterMessage) -> Option<ChainInfo> {
    let NetfilterMessageInner::NfTables(NfTablesMessage::NewChain(chain)) = &message.inner else { return None };
    let mut info = ChainInfo {
        family: message.header.family.into(),
        table: String::new(),
        name: String::new(),
        hook: None,
        kind: None,
        priority: None,
        policy: None,
        policy_counter: None,
    };
    for attribute in &chain.attributes {
        match attribute {
            ChainAttribute::Table(table) => info.table.clone_from(table),
            ChainAttribute::Name(name) => info.name.clone_from(name),
            ChainAttribute::Type(kind) => info.kind = Some(kind.clone()),
            ChainAttribute::Policy(NF_ACCEPT) => info.policy = Some(Policy::Accept),
            ChainAttribute::Policy(NF_DROP) => info.policy = Some(Policy::Drop),
            ChainAttribute::Counter(values) => info.policy_counter = Some(count(values)),
            ChainAttribute::Hook(hooks) => {
                for hook in hooks {
                    match hook {
                        HookAttribute::Number(HookNumber::Inet(number)) => info.hook = hook_of(*number),
                        HookAttribute::Priority(priority) => info.priority = Some(Priority(*priority as i32)),
                        _ => (),
                    }
                }
            }
            _ => (),
        }
    }
    if info.family == TableFamily::Netdev {
        info.hook = None;
    }
    Some(info)
}

pub(super) fn rule(message: &NetfilterMessage) -> Option<RuleInfo> {
    let NetfilterMessageInner::NfTables(NfTablesMessage::NewRule(rule)) = &message.inner else { return None };
    let mut info = RuleInfo {
        family: message.header.family.into(),
        table: String::new(),
        chain: String::new(),
        handle: 0,
        count: None,
        comment: None,
        expressions: Vec::new(),
    };
    for attribute in &rule.attributes {
        match attribute {
            RuleAttribute::Table(table) => info.table.clone_from(table),
            RuleAttribute::Chain(chain) => info.chain.clone_from(chain),
            RuleAttribute::Handle(handle) => info.handle = *handle,
            RuleAttribute::UserData(data) => info.comment = comment(data),
            RuleAttribute::Expressions(list) => {
                for expression in list {
                    let ListAttribute::Element(parts) = expression else { continue };
                    for part in parts {
                        match part {
                            ExpressionAttribute::Name(name) => info.expressions.push(name.clone()),
                            ExpressionAttribute::Data(Expressions::Other { expression_type, attributes })
                                if expression_type == "counter" && info.count.is_none() =>
                            {
                                info.count = Some(count(attributes));
                            }
                            ExpressionAttribute::Data(Expressions::Other { expression_type, attributes })
                                if matches!(expression_type.as_str(), "match" | "target") =>
                            {
                                // NFTA_MATCH_NAME and NFTA_TARGET_NAME are both 1.
                                if let (Some(last), Some(name)) = (info.expressions.last_mut(), text_of(attributes, 1))
                                {
                                    *last = format!("{last} {name}");
                                }
                            }
                            _ => (),
                        }
                    }
                }
            }
            _ => (),
        }
    }
    Some(info)
}

pub(super) fn counter(message: &NetfilterMessage) -> Option<CounterInfo> {
    const OBJECT_TABLE: u16 = 1;
    const OBJECT_NAME: u16 = 2;
    const OBJECT_DATA: u16 = 4;
    let NetfilterMessageInner::NfTables(NfTablesMessage::NewObject(attributes)) = &message.inner else { return None };
    let data = find(attributes, OBJECT_DATA)?;
    let values = NlasIterator::new(&data[..]).filter_map(Result::ok);
    let values: Vec<DefaultNla> = values.map(|nla| DefaultNla::new(nla.kind(), nla.value().to_vec())).collect();
    Some(CounterInfo {
        family: message.header.family.into(),
        table: text_of(attributes, OBJECT_TABLE)?,
        name: text_of(attributes, OBJECT_NAME)?,
        count: count(&values),
    })
}

/// The user data that `nft` reads a rule's comment from: type 0, length, text with a terminating zero.
pub(super) fn comment_data(comment: &str) -> Vec<u8> {
    let mut data = vec![COMMENT, comment.len() as u8 + 1];
    data.extend_from_slice(comment.as_bytes());
    data.push(0);
    data
}

/// `NFTNL_UDATA_RULE_COMMENT`
const COMMENT: u8 = 0;
const NLA_TYPE: u16 = netlink_packet_core::NLA_TYPE_MASK;

fn comment(mut data: &[u8]) -> Option<String> {
    while let [kind, length, rest @ ..] = data {
        let value = rest.get(..usize::from(*length))?;
        if *kind == COMMENT {
            return Some(String::from_utf8_lossy(value.strip_suffix(b"\0").unwrap_or(value)).into_owned());
        }
        data = &rest[value.len()..];
    }
    None
}

fn count(values: &[DefaultNla]) -> Count {
    let number = |kind| find(values, kind)?.try_into().ok().map(u64::from_be_bytes);
    Count { bytes: number(1).unwrap_or_default(), packets: number(2).unwrap_or_default() }
}

fn find(attributes: &[DefaultNla], kind: u16) -> Option<Vec<u8>> {
    let attribute = attributes.iter().find(|attribute| attribute.kind() & NLA_TYPE == kind)?;
    let mut value = vec![0; attribute.value_len()];
    attribute.emit_value(&mut value);
    Some(value)
}

fn text_of(attributes: &[DefaultNla], kind: u16) -> Option<String> {
    let value = find(attributes, kind)?;
    Some(String::from_utf8_lossy(value.split(|&byte| byte == 0).next()?).into_owned())
}

fn hook_of(number: InetHookNumber) -> Option<Hook> {
    match number {
        InetHookNumber::PreRouting => Some(Hook::Prerouting),
        InetHookNumber::LocalIn => Some(Hook::Input),
        InetHookNumber::Forward => Some(Hook::Forward),
        InetHookNumber::LocalOut => Some(Hook::Output),
        InetHookNumber::PostRouting => Some(Hook::Postrouting),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_read_as_it_was_written() {
        assert_eq!(comment(&comment_data("smtp")).as_deref(), Some("smtp"));
        assert_eq!(comment(&[1, 2, 0, 0, 0, 2, b'a', 0]).as_deref(), Some("a"));
        assert_eq!(comment(&[0, 9, b'a']), None);
    }
}
