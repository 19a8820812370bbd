//! `ip neighbour` ([ip-neighbour(8)]).
//!
//! [ip-neighbour(8)]: https://man7.org/linux/man-pages/man8/ip-neighbour.8.html

use super::{
    Run,
    ip::Family,
    words::{Words, address, shortened},
};
use crate::{IfName, InvalidValue, Neighbour};

const COMMANDS: &[&str] = &["add", "change", "chg", "replace", "delete", "get", "show", "lst", "list", "flush", "help"];

impl Run<'_> {
    pub(super) fn ip_neighbour(&mut self, words: &mut Words<'_>, family: Family) -> Result<(), InvalidValue> {
        let Some(command) = words.next() else {
            self.note_printing("ip neighbour");
            return Ok(());
        };
        let replace = match shortened(command, COMMANDS) {
            Some("add") => false,
            Some("change" | "chg" | "replace") => true,
            Some("get" | "show" | "lst" | "list" | "help") => {
                self.note_printing(&format!("ip neighbour {command}"));
                return Ok(());
            }
            Some("flush") => {
                self.report.note(self.at, "`ip neighbour flush`", "a network begins with no learned neighbours");
                return Ok(());
            }
            Some(known) => return Err(words.not_expressible(known)),
            None => return Err(words.unknown(command, COMMANDS)),
        };
        let (mut to, mut mac, mut dev) = (None, None, None);
        while let Some(word) = words.next() {
            match word {
                "lladdr" => mac = Some(words.mac(word)?),
                "dev" => dev = Some(words.value(word)?),
                "nud" => match words.value(word)? {
                    "permanent" | "perm" => {}
                    other => return Err(words.not_expressible(&format!("nud {other}"))),
                },
                "to" => to = Some(address(words.value(word)?)?),
                "proxy" | "router" | "extern_learn" | "use" | "managed" => return Err(words.not_expressible(word)),
                other if to.is_none() => to = Some(address(other)?),
                other => return Err(words.unknown(other, &["lladdr", "dev", "nud"])),
            }
        }
        let missing =
            |what: &str, help: &str| InvalidValue::new(format!("`ip neighbour add` does not say {what}")).help(help);
        let address = to.ok_or_else(|| {
            missing("which address", "write `ip neighbour add 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth1`")
        })?;
        let mac = mac.ok_or_else(|| missing("which link address", "add `lladdr MAC`"))?;
        let dev = dev.ok_or_else(|| missing("on which interface", "add `dev INTERFACE`"))?;
        family.check(address, address.is_ipv6())?;
        self.add_neighbour(Neighbour { address, mac, dev: IfName::new(dev)? }, replace)
    }

    pub(super) fn add_neighbour(&mut self, neighbour: Neighbour, replace: bool) -> Result<(), InvalidValue> {
        if self.port(&neighbour.dev)?.is_none() {
            return Ok(());
        }
        if replace {
            self.machine
                .neighbours
                .retain(|(other, _)| other.address != neighbour.address || other.dev != neighbour.dev);
        }
        self.machine.neighbours.push((neighbour, self.at.clone()));
        Ok(())
    }
}
