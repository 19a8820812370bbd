//! Firewall and NAT of a node by nftables messages ([nft(8)] tells what they mean).
//!
//! What is made here stands in tables named `netns-test`, one for each family in use, in base chains named after
//! their hook: `forward`, `postrouting-nat`, and with the priority if that is not the usual one: `forward.-300`.
//!
//! [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html

mod expression;
mod list;

use std::sync::{Mutex, MutexGuard, PoisonError};

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_ECHO};
use netlink_packet_netfilter::{
    NetfilterMessageInner, NetfilterProtoFamily,
    nftables::{
        ChainAttribute, ChainMessage, Hook as HookAttribute, HookNumber, InetHookNumber, NfTablesMessage,
        RuleAttribute, RuleMessage, TableAttribute, TableMessage,
    },
};
use netns_test_topology::{
    Chain, ChainKind, Family, FirewallRule, Hook, Policy, Priority, Verdict, plan::firewall_tables,
};
use nix::errno::Errno;

use super::{
    error::KernelError,
    netfilter::{Netfilter, Request},
};
use crate::netns::Netns;
use expression::{NF_ACCEPT, NF_DROP, OBJECT_COUNTER, be32, counter_values, text};

pub use list::{ChainInfo, Count, CounterInfo, RuleInfo, TableFamily, TableInfo};

/// The name of the tables that hold what a topology or a test asked for.
pub(crate) const TABLE: &str = Chain::TABLE;

/// The firewall of one node: nftables in its network namespace.
///
/// Every call is a transaction of its own: it takes effect whole or, with an error, not at all.
#[derive(Debug)]
pub(crate) struct Nft {
    netfilter: Mutex<Netfilter>,
}

/// Where to find a rule that was added.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RuleId {
    family: Family,
    chain: String,
    handle: u64,
    words: String,
}

impl RuleId {
    /// The rule in the notation of nft(8), without its counter.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    fn object(&self) -> String {
        format!("`{}` of chain {} {TABLE} {}", self.words, self.family, self.chain)
    }
}

impl Nft {
    /// Opens nftables in a namespace.
    pub(crate) fn open(netns: &Netns) -> Result<Self, KernelError> {
        Ok(Self { netfilter: Mutex::new(Netfilter::open(netns)?) })
    }

    /// Adds base chains with their rules, and named counters, in one transaction.
    ///
    /// A chain that exists already takes the policy and, at its end, the rules. Counters that rules name are made
    /// as well; one that no rule names stands in the `inet` table. Without chains and counters nothing is made.
    pub(crate) fn load(&self, chains: &[Chain], counters: &[String]) -> Result<(), KernelError> {
        let tables = firewall_tables(chains, counters);
        let mut requests: Vec<Request> = tables.iter().map(|table| new_table(table.family)).collect();
        for table in &tables {
            requests.extend(table.counters.iter().map(|name| new_counter(table.family, name)));
        }
        for chain in chains {
            let name = chain.name();
            requests.push(new_chain(chain, &name));
            for rule in &chain.rules {
                requests.push(new_rule(chain.family, &name, rule)?.flags(NLM_F_APPEND));
            }
        }
        self.lock().transact(requests).map(drop)
    }

    /// Adds a rule at the end of the chain of this hook, which is made if it is missing.
    ///
    /// Verdicts that translate addresses go to the NAT chain of the hook, all others to the filter chain.
    pub(crate) fn add_rule(&self, family: Family, hook: Hook, rule: &FirewallRule) -> Result<RuleId, KernelError> {
        self.new_rule(family, hook, rule, NLM_F_APPEND)
    }

    /// Adds a rule before all others of the chain of this hook, which is made if it is missing.
    pub(crate) fn insert_rule(&self, family: Family, hook: Hook, rule: &FirewallRule) -> Result<RuleId, KernelError> {
        self.new_rule(family, hook, rule, 0)
    }

    /// Removes a rule.
    pub(crate) fn remove_rule(&self, rule: &RuleId) -> Result<(), KernelError> {
        let message = NfTablesMessage::DeleteRule(RuleMessage { attributes: place(rule) });
        self.lock().transact(vec![request("remove rule", rule.object(), rule.family, message)]).map(drop)
    }

    /// Reads a rule with what it has counted.
    pub(crate) fn rule(&self, rule: &RuleId) -> Result<RuleInfo, KernelError> {
        let message = NfTablesMessage::GetRule(RuleMessage { attributes: place(rule) });
        let answer = self.lock().ask(request("read rule", rule.object(), rule.family, message))?;
        let found = answer.iter().find_map(list::rule);
        found.ok_or_else(|| missing("read rule", rule.object(), "the kernel answered without the rule"))
    }

    /// Sets the policy of the filter chain of this hook, which is made if it is missing; what it has counted stays.
    pub(crate) fn set_policy(&self, family: Family, hook: Hook, policy: Policy) -> Result<(), KernelError> {
        let mut netfilter = self.lock();
        let requests = match find_chain(&mut netfilter, family, hook, ChainKind::Filter)? {
            Some(name) => {
                let attributes = vec![
                    ChainAttribute::Table(TABLE.into()),
                    ChainAttribute::Name(name.clone()),
                    ChainAttribute::Policy(policy_number(policy)),
                ];
                let message = NfTablesMessage::NewChain(ChainMessage { attributes });
                vec![request("set policy of chain", chain_words(family, &name), family, message)]
            }
            None => {
                let chain = Chain { policy, ..empty_chain(family, hook, ChainKind::Filter) };
                let name = chain.name();
                vec![new_table(family), new_chain(&chain, &name)]
            }
        };
        netfilter.transact(requests).map(drop)
    }

    /// Reads how many packets met the policy of the filter chain of this hook, because no rule decided them.
    pub(crate) fn policy_counter(&self, family: Family, hook: Hook) -> Result<Count, KernelError> {
        let object = format!("of chain {} {}", family, hook);
        let mut chains = self.chains()?;
        chains.retain(|chain| chain.is_ours() && chain.hook == Some(hook) && chain.kind() == Some("filter"));
        let usual = Priority::filter(family);
        let of_family = chains.iter().filter(|chain| chain.family == family.into());
        let chain = of_family.min_by_key(|chain| (chain.priority != Some(usual), chain.priority));
        let chain = chain.ok_or_else(|| {
            let error = missing("read policy counter", &object, "the node has no such chain");
            let others: Vec<String> = chains.iter().map(|chain| format!("`{} {}`", chain.family, chain.name)).collect();
            match others.is_empty() {
                true => error.help(format!("it has none at {hook}; `set_policy` makes one")),
                false => error.help(format!("at {hook} it has {}: ask for that family", others.join(" and "))),
            }
        })?;
        chain.policy_counter.ok_or_else(|| missing("read policy counter", &object, "the chain has none"))
    }

    /// Reads a named counter: the sum over the families that have it.
    pub(crate) fn counter(&self, name: &str) -> Result<Count, KernelError> {
        let found = self.counters()?.into_iter().filter(|counter| counter.is_ours() && counter.name == name);
        let total = found.map(|counter| counter.count).reduce(|a, b| a + b);
        total.ok_or_else(|| missing("read counter", name, "the node has no counter of that name"))
    }

    /// Reads a named counter and sets it to zero.
    pub(crate) fn reset_counter(&self, name: &str) -> Result<Count, KernelError> {
        let families: Vec<NetfilterProtoFamily> = self
            .counters()?
            .into_iter()
            .filter(|counter| counter.is_ours() && counter.name == name)
            .map(|counter| counter.family.into())
            .collect();
        let mut total = None;
        for family in families {
            let attributes = vec![text(1, TABLE), text(2, name), be32(3, OBJECT_COUNTER)];
            let message = NfTablesMessage::Other { message_type: GET_OBJECT_RESET, attributes };
            let answer = self.lock().ask(Request::new("reset counter", name, family, message))?;
            for counter in answer.iter().filter_map(list::counter) {
                total = Some(total.unwrap_or_default() + counter.count);
            }
        }
        total.ok_or_else(|| missing("reset counter", name, "the node has no counter of that name"))
    }

    /// All tables of the namespace, whoever made them.
    pub(crate) fn tables(&self) -> Result<Vec<TableInfo>, KernelError> {
        let message = NfTablesMessage::GetTable(TableMessage { attributes: Vec::new() });
        self.list("tables", message, list::table)
    }

    /// All chains of the namespace, whoever made them.
    pub(crate) fn chains(&self) -> Result<Vec<ChainInfo>, KernelError> {
        let message = NfTablesMessage::GetChain(ChainMessage { attributes: Vec::new() });
        self.list("chains", message, list::chain)
    }

    /// All rules of the namespace, whoever made them, in the order in which each chain evaluates them.
    pub(crate) fn rules(&self) -> Result<Vec<RuleInfo>, KernelError> {
        let message = NfTablesMessage::GetRule(RuleMessage { attributes: Vec::new() });
        self.list("rules", message, list::rule)
    }

    /// All named counters of the namespace, whoever made them.
    pub(crate) fn counters(&self) -> Result<Vec<CounterInfo>, KernelError> {
        self.list("counters", NfTablesMessage::GetObject(vec![be32(3, OBJECT_COUNTER)]), list::counter)
    }

    /// Whether the namespace has no nftables table at all, not even a foreign one.
    pub(crate) fn is_empty(&self) -> Result<bool, KernelError> {
        Ok(self.tables()?.is_empty())
    }

    /// Deletes the tables made here, with all that is in them; foreign ones stay.
    pub(crate) fn clear(&self) -> Result<(), KernelError> {
        let tables = self.tables()?.into_iter().filter(|table| table.name == TABLE);
        let delete = tables.map(|table| {
            let attributes = vec![TableAttribute::Name(TABLE.into())];
            let message = NfTablesMessage::DeleteTable(TableMessage { attributes });
            Request::new("delete table", format!("{} {TABLE}", table.family), table.family.into(), message)
        });
        let requests = delete.collect();
        self.lock().transact(requests).map(drop)
    }

    fn new_rule(&self, family: Family, hook: Hook, rule: &FirewallRule, flag: u16) -> Result<RuleId, KernelError> {
        let mut netfilter = self.lock();
        let kind = kind_of(rule);
        let mut requests = Vec::new();
        let chain = match find_chain(&mut netfilter, family, hook, kind)? {
            Some(name) => name,
            None => {
                let chain = empty_chain(family, hook, kind);
                let name = chain.name();
                requests.extend([new_table(family), new_chain(&chain, &name)]);
                name
            }
        };
        requests.extend(rule.counter.as_deref().map(|name| new_counter(family, name)));
        requests.push(new_rule(family, &chain, rule)?.flags(flag | NLM_F_ECHO));
        let echoes = netfilter.transact(requests)?;
        let words = rule.nft(family).to_string();
        let handle = echoes
            .iter()
            .find_map(list::rule)
            .map(|info| info.handle)
            .ok_or_else(|| missing("add rule", &words, "the kernel added the rule without telling its handle"))?;
        Ok(RuleId { family, chain, handle, words })
    }

    fn list<T>(
        &self,
        what: &'static str,
        message: NfTablesMessage,
        read: impl Fn(&netlink_packet_netfilter::NetfilterMessage) -> Option<T>,
    ) -> Result<Vec<T>, KernelError> {
        list_with(&mut self.lock(), what, message, read)
    }

    pub(in crate::kernel) fn lock(&self) -> MutexGuard<'_, Netfilter> {
        // A panic in another thread leaves at worst unread answers, which are told apart by their number.
        self.netfilter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `NFT_MSG_GETOBJ_RESET`
const GET_OBJECT_RESET: u8 = 21;

/// What a comment may have, in bytes; `nft` shows no longer ones.
const COMMENT_MAX: usize = 128;

fn list_with<T>(
    netfilter: &mut Netfilter,
    what: &'static str,
    message: NfTablesMessage,
    read: impl Fn(&netlink_packet_netfilter::NetfilterMessage) -> Option<T>,
) -> Result<Vec<T>, KernelError> {
    let request = Request::new("list", format!("nftables {what}"), NetfilterProtoFamily::Unspec, message);
    Ok(netfilter.dump(&request)?.iter().filter_map(read).collect())
}

/// The name of our chain at a hook: the one of the usual priority, or else the first.
fn find_chain(
    netfilter: &mut Netfilter,
    family: Family,
    hook: Hook,
    kind: ChainKind,
) -> Result<Option<String>, KernelError> {
    let message = NfTablesMessage::GetChain(ChainMessage { attributes: Vec::new() });
    let chains = list_with(netfilter, "chains", message, list::chain)?;
    let usual = Priority::usual(family, hook, kind);
    let ours = chains.into_iter().filter(|chain| {
        chain.is_ours()
            && chain.family == family.into()
            && chain.hook == Some(hook)
            && chain.kind() == Some(&*kind.to_string())
    });
    Ok(ours.min_by_key(|chain| (chain.priority != Some(usual), chain.priority)).map(|chain| chain.name))
}

fn kind_of(rule: &FirewallRule) -> ChainKind {
    match rule.verdict {
        Some(Verdict::Masquerade | Verdict::Snat { .. } | Verdict::Dnat { .. }) => ChainKind::Nat,
        _ => ChainKind::Filter,
    }
}

fn empty_chain(family: Family, hook: Hook, kind: ChainKind) -> Chain {
    let priority = Priority::usual(family, hook, kind);
    Chain { family, hook, kind, priority, policy: Policy::Accept, rules: Vec::new() }
}

fn chain_words(family: Family, chain: &str) -> String {
    format!("{} {TABLE} {chain}", family)
}

fn missing(operation: &str, object: impl Into<String>, why: &str) -> KernelError {
    KernelError::new(operation, object, Errno::ENOENT).because(why)
}

fn protocol_family(family: Family) -> NetfilterProtoFamily {
    match family {
        Family::Inet => NetfilterProtoFamily::Inet,
        Family::Ip => NetfilterProtoFamily::IPv4,
        Family::Ip6 => NetfilterProtoFamily::IPv6,
        Family::Bridge => NetfilterProtoFamily::Bridge,
    }
}

fn request(
    operation: &'static str,
    object: impl Into<String>,
    family: Family,
    message: impl Into<NetfilterMessageInner>,
) -> Request {
    Request::new(operation, object, protocol_family(family), message)
}

fn new_table(family: Family) -> Request {
    let message = NfTablesMessage::NewTable(TableMessage { attributes: vec![TableAttribute::Name(TABLE.into())] });
    request("add table", format!("{} {TABLE}", family), family, message).flags(NLM_F_CREATE)
}

fn new_counter(family: Family, name: &str) -> Request {
    let value = expression::nested(4, &counter_values());
    let message = NfTablesMessage::NewObject(vec![text(1, TABLE), text(2, name), be32(3, OBJECT_COUNTER), value]);
    request("add counter", format!("{} {TABLE} {name}", family), family, message).flags(NLM_F_CREATE)
}

fn new_chain(chain: &Chain, name: &str) -> Request {
    let hook = match chain.hook {
        Hook::Prerouting => InetHookNumber::PreRouting,
        Hook::Input => InetHookNumber::LocalIn,
        Hook::Forward => InetHookNumber::Forward,
        Hook::Output => InetHookNumber::LocalOut,
        Hook::Postrouting => InetHookNumber::PostRouting,
    };
    let attributes = vec![
        ChainAttribute::Table(TABLE.into()),
        ChainAttribute::Name(name.into()),
        ChainAttribute::Hook(vec![
            HookAttribute::Number(HookNumber::Inet(hook)),
            HookAttribute::Priority(chain.priority.0 as u32),
        ]),
        ChainAttribute::Policy(policy_number(chain.policy)),
        ChainAttribute::Type(chain.kind.to_string()),
        ChainAttribute::Counter(counter_values()),
    ];
    let message = NfTablesMessage::NewChain(ChainMessage { attributes });
    request("add chain", chain_words(chain.family, name), chain.family, message).flags(NLM_F_CREATE)
}

fn new_rule(family: Family, chain: &str, rule: &FirewallRule) -> Result<Request, KernelError> {
    let object = || format!("`{}` to chain {}", rule.nft(family), chain_words(family, chain));
    let invalid = |why: String| KernelError::new("add rule", object(), Errno::EINVAL).because(why);
    let expressions = expression::rule(family, rule).map_err(invalid)?;
    let mut attributes = vec![
        RuleAttribute::Table(TABLE.into()),
        RuleAttribute::Chain(chain.into()),
        RuleAttribute::Expressions(expressions),
    ];
    if let Some(comment) = &rule.comment {
        if comment.len() > COMMENT_MAX {
            let length = comment.len();
            return Err(invalid(format!("the comment has {length} bytes, at most {COMMENT_MAX} are allowed")));
        }
        attributes.push(RuleAttribute::UserData(list::comment_data(comment)));
    }
    let message = NfTablesMessage::NewRule(RuleMessage { attributes });
    Ok(request("add rule", object(), family, message).flags(NLM_F_CREATE))
}

fn place(rule: &RuleId) -> Vec<RuleAttribute> {
    vec![
        RuleAttribute::Table(TABLE.into()),
        RuleAttribute::Chain(rule.chain.clone()),
        RuleAttribute::Handle(rule.handle),
    ]
}

fn policy_number(policy: Policy) -> u32 {
    match policy {
        Policy::Accept => NF_ACCEPT,
        Policy::Drop => NF_DROP,
    }
}
