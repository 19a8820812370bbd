//! Which tables a node's chains and counters stand in.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Chain, Family};

/// An nftables table of a node, named [`Chain::TABLE`], with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallTable<'a> {
    /// Its family.
    pub family: Family,
    /// Its named counters, each once.
    pub counters: BTreeSet<&'a str>,
    /// Its chains, in the order in which they are made.
    pub chains: Vec<&'a Chain>,
}

/// The tables that hold these chains and counters, one for each family in use.
///
/// A counter stands with the rules that name it, and one that no rule names in the `inet` family.
pub fn firewall_tables<'a>(chains: &'a [Chain], counters: &'a [String]) -> Vec<FirewallTable<'a>> {
    let mut tables: BTreeMap<Family, FirewallTable<'a>> = BTreeMap::new();
    let mut named = BTreeSet::new();
    for chain in chains {
        let table = tables.entry(chain.family).or_insert_with(|| FirewallTable::new(chain.family));
        table.chains.push(chain);
        for name in chain.rules.iter().filter_map(|rule| rule.counter.as_deref()) {
            table.counters.insert(name);
            named.insert(name);
        }
    }
    for name in counters.iter().filter(|name| !named.contains(name.as_str())) {
        tables.entry(Family::Inet).or_insert_with(|| FirewallTable::new(Family::Inet)).counters.insert(name);
    }
    tables.into_values().collect()
}

impl FirewallTable<'_> {
    fn new(family: Family) -> Self {
        Self { family, counters: BTreeSet::new(), chains: Vec::new() }
    }
}
