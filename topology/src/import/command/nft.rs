//! `nft`: base chains with rules, as far as the model goes ([nft(8)]).
//!
//! [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html

use super::{Run, words::Words};
use crate::{Chain, ChainKind, Family, FirewallRule, Hook, IfName, InvalidValue, Policy, Priority};

impl Run<'_> {
    pub(super) fn nft(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        // `nft` joins its arguments, and reads the text.
        let mut text = String::new();
        while let Some(word) = words.next() {
            match word {
                "-f" | "--file" | "-i" => {
                    return Err(InvalidValue::new(format!("`nft {word}` reads rules that are not in this line"))
                        .help("write each as `nft add rule …`"));
                }
                option if text.is_empty() && option.starts_with('-') => {}
                word => text += &format!("{word} "),
            }
        }
        for part in commands(&text) {
            self.nft_command(&part)?;
        }
        Ok(())
    }

    fn nft_command(&mut self, text: &str) -> Result<(), InvalidValue> {
        let (head, body) = match text.split_once('{') {
            Some((head, body)) if !head.contains(" rule ") => (head, Some(body.trim_end().trim_end_matches('}'))),
            _ => (text, None),
        };
        let words: Vec<&str> = head.split_whitespace().collect();
        let (family, words) = match words.as_slice() {
            [verb, object, rest @ ..] => match rest.first().and_then(|word| named_family(word)) {
                Some(family) => (family, [&[*verb, *object], &rest[1..]].concat()),
                None => (Family::Ip, words),
            },
            _ => (Family::Ip, words),
        };
        match words.as_slice() {
            ["list", ..] => self.note_printing("nft list"),
            // A table has no effect before it has a chain.
            ["add" | "create", "table", _] if body.is_none_or(|body| body.trim().is_empty()) => {}
            ["add" | "create", "counter", _, name] => {
                if !self.machine.counters.iter().any(|other| other == name) {
                    self.machine.counters.push((*name).to_owned());
                }
            }
            ["flush", "ruleset"] => {
                self.machine.chains.clear();
                self.machine.nft_chains.clear();
            }
            ["add" | "create", "chain", table, name] => {
                let chain = base_chain(family, body.unwrap_or_default())?;
                self.machine.chain(&chain, self.at).chain.policy = chain.policy;
                self.machine.nft_chains.insert((family, (*table).to_owned(), (*name).to_owned()), chain);
            }
            [verb @ ("add" | "insert"), "rule", table, name, rest @ ..] => {
                let key = (family, (*table).to_owned(), (*name).to_owned());
                let Some(chain) = self.machine.nft_chains.get(&key).cloned() else {
                    return Err(InvalidValue::new(format!(
                        "there is no base chain `{name}` in the table `{table}` at this point"
                    ))
                    .help("add it before, as `nft add chain TABLE NAME { type filter hook input priority 0; }`"));
                };
                // From the text itself: a comment may have more than one space between its words.
                let rule: FirewallRule = match rest.first() {
                    Some(first) => of_any_family(text[offset(text, first)..].trim_end(), family).parse()?,
                    None => "".parse()?,
                };
                let by: Vec<IfName> =
                    [&rule.matches.input, &rule.matches.output, &rule.matches.not_input, &rule.matches.not_output]
                        .into_iter()
                        .flatten()
                        .cloned()
                        .collect();
                if !self.leads_outside(&by) {
                    let at = self.at;
                    self.machine.chain(&chain, at).add_rule((*verb == "insert").then_some(0), rule, at);
                }
            }
            _ => {
                return Err(InvalidValue::new(format!("`nft {}` is not a part of the model", text.trim())).help(
                    "the import knows `add table`, `add chain` of base chains, and `add rule` with one match each",
                ));
            }
        }
        Ok(())
    }
}

/// How IPv4, IPv6 and both at once say that a packet is rejected.
const REJECTIONS: [(&str, &str, &str); 4] = [
    ("with icmp host-unreachable", "with icmpv6 addr-unreachable", "with icmpx host-unreachable"),
    ("with icmp net-unreachable", "with icmpv6 no-route", "with icmpx no-route"),
    ("with icmp admin-prohibited", "with icmpv6 admin-prohibited", "with icmpx admin-prohibited"),
    ("with icmp port-unreachable", "with icmpv6 port-unreachable", "with icmpx port-unreachable"),
];

/// A rule of the model in the words of a family; `nft` takes the words for both only where both come by.
pub(in crate::import) fn of_family(rule: &str, family: Family) -> String {
    REJECTIONS.iter().fold(rule.to_owned(), |rule, (v4, v6, both)| match family {
        Family::Ip => rule.replacen(&format!("reject {both}"), &format!("reject {v4}"), 1),
        Family::Ip6 => rule.replacen(&format!("reject {both}"), &format!("reject {v6}"), 1),
        Family::Inet | Family::Bridge => rule,
    })
}

/// A rule in the words of its family, as the model says it.
fn of_any_family(rule: &str, family: Family) -> String {
    let rule = rule.replacen("reject with icmp type ", "reject with icmp ", 1);
    let rule = rule.replacen("reject with icmpv6 type ", "reject with icmpv6 ", 1);
    let rule = rule.replacen("reject with icmpx type ", "reject with icmpx ", 1);
    REJECTIONS.iter().fold(rule, |rule, (v4, v6, both)| {
        let own = if family == Family::Ip6 { v6 } else { v4 };
        rule.replacen(&format!("reject {own}"), &format!("reject {both}"), 1)
    })
}

/// Where a word stands that was split off the text.
fn offset(text: &str, word: &str) -> usize {
    (word.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

/// The commands of a text, separated by `;` outside of braces and quotes.
fn commands(text: &str) -> Vec<String> {
    let (mut depth, mut quoted) = (0_u32, false);
    let mut parts = vec![String::new()];
    for c in text.chars().filter(|c| *c != '\\') {
        match c {
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth = depth.saturating_sub(1),
            ';' if !quoted && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn named_family(word: &str) -> Option<Family> {
    [Family::Inet, Family::Ip, Family::Ip6, Family::Bridge].into_iter().find(|family| family.to_string() == word)
}

/// `type nat hook postrouting priority 100; policy accept;`
fn base_chain(family: Family, body: &str) -> Result<Chain, InvalidValue> {
    let words: Vec<&str> = body.split([' ', ';', '\t']).filter(|word| !word.is_empty()).collect();
    let mut words = Words::new("nft add chain", &words);
    let (mut kind, mut hook, mut priority, mut policy) = (None, None, None, Policy::Accept);
    while let Some(word) = words.next() {
        match word {
            "type" => {
                kind = Some(match words.value(word)? {
                    "filter" => ChainKind::Filter,
                    "nat" => ChainKind::Nat,
                    other => return Err(InvalidValue::no("type of chain in the model", other, &["filter", "nat"])),
                });
            }
            "hook" => hook = Some(words.value(word)?.parse::<Hook>()?),
            "priority" => priority = Some(words.value(word)?),
            "policy" => policy = words.value(word)?.parse()?,
            other => return Err(words.unknown(other, &["type", "hook", "priority", "policy"])),
        }
    }
    let (Some(kind), Some(hook)) = (kind, hook) else {
        return Err(InvalidValue::new("this chain is at no hook, and only other chains come to it")
            .help("the import knows base chains: `{ type filter hook input priority 0; }`"));
    };
    let priority = match priority.unwrap_or("0") {
        "filter" => Priority::filter(family),
        "dstnat" => Priority::DSTNAT,
        "srcnat" => Priority::SRCNAT,
        number => Priority(
            number.parse().map_err(|_| InvalidValue::no("priority", number, &["filter", "dstnat", "srcnat", "0"]))?,
        ),
    };
    Ok(Chain { family, hook, kind, priority, policy, rules: Vec::new() })
}
