//! `ip rule` ([ip-rule(8)]).
//!
//! [ip-rule(8)]: https://man7.org/linux/man-pages/man8/ip-rule.8.html

use super::{
    Run,
    ip::Family,
    words::{Words, shortened},
};
use crate::{InvalidValue, Rule};

const COMMANDS: &[&str] = &["list", "lst", "show", "save", "restore", "add", "delete", "flush", "help"];

impl Run<'_> {
    pub(super) fn ip_rule(&mut self, words: &mut Words<'_>, family: Family) -> Result<(), InvalidValue> {
        let Some(command) = words.next() else {
            self.note_printing("ip rule");
            return Ok(());
        };
        match shortened(command, COMMANDS) {
            Some("add") => {
                let rule = given_rule(words, family)?;
                let by: Vec<_> = rule.input.iter().chain(&rule.output).cloned().collect();
                if !self.leads_outside(&by) {
                    self.machine.rules.push((rule, self.at.clone()));
                }
            }
            Some("delete") => {
                let rule = given_rule(words, family)?;
                let found = self.machine.rules.iter().position(|(other, _)| *other == rule);
                let found = found.ok_or_else(|| {
                    InvalidValue::new(format!("there is no rule `{rule}` to remove at this point"))
                        .help("the kernel's own three rules stay; leave the line out")
                })?;
                self.machine.rules.remove(found);
            }
            Some("list" | "lst" | "show" | "save" | "help") => self.note_printing(&format!("ip rule {command}")),
            Some(known) => return Err(words.not_expressible(known)),
            None => return Err(words.unknown(command, COMMANDS)),
        }
        Ok(())
    }
}

/// The rule that the words say, through the model's own syntax.
fn given_rule(words: &mut Words<'_>, family: Family) -> Result<Rule, InvalidValue> {
    let mut said: Vec<String> = Vec::new();
    while let Some(word) = words.next() {
        let full = match word {
            "not"
            | "tos"
            | "dsfield"
            | "realms"
            | "goto"
            | "nat"
            | "uidrange"
            | "ipproto"
            | "sport"
            | "dport"
            | "l3mdev"
            | "suppress_prefixlength"
            | "protocol"
            | "tun_id" => {
                return Err(words.not_expressible(word));
            }
            "from" | "to" | "iif" | "dev" | "oif" | "pref" => word,
            "blackhole" | "unreachable" | "prohibit" => {
                said.push(word.to_owned());
                continue;
            }
            "type" => continue,
            other => match shortened(other, &["preference", "order", "priority", "fwmark", "table", "lookup"]) {
                Some("preference" | "order" | "priority") => "priority",
                Some(full) => full,
                None => return Err(words.unknown(other, &["from", "to", "iif", "oif", "fwmark", "priority", "table"])),
            },
        };
        let value = words.value(word)?;
        if full == "fwmark" && value.contains('/') {
            return Err(words.not_expressible(&format!("fwmark {value}")));
        }
        said.extend([full.to_owned(), value.to_owned()]);
    }
    let rule: Rule = format!("{}{}", if family.v6() { "inet6 " } else { "" }, said.join(" ")).parse()?;
    if rule.v6 {
        family.check(&rule, true)?;
    }
    Ok(rule)
}
