//! `ip address` ([ip-address(8)]).
//!
//! [ip-address(8)]: https://man7.org/linux/man-pages/man8/ip-address.8.html

use super::{
    Run,
    ip::Family,
    words::{Words, address, address_or_host, shortened},
};
use crate::{Cidr, InvalidValue};

const COMMANDS: &[&str] = &[
    "add", "change", "chg", "replace", "delete", "show", "list", "lst", "flush", "save", "showdump", "restore", "help",
];

impl Run<'_> {
    pub(super) fn ip_address(&mut self, words: &mut Words<'_>, family: Family) -> Result<(), InvalidValue> {
        let Some(command) = words.next() else {
            self.note_printing("ip address");
            return Ok(());
        };
        match shortened(command, COMMANDS) {
            Some("add") => self.address_add(words, family, false),
            Some("change" | "chg" | "replace") => self.address_add(words, family, true),
            Some("delete") => self.address_delete(words, family),
            Some("flush") => self.address_flush(words, family),
            Some("show" | "list" | "lst" | "save" | "showdump" | "help") => {
                self.note_printing(&format!("ip address {command}"));
                Ok(())
            }
            _ => Err(words.unknown(command, COMMANDS)),
        }
    }

    fn address_add(&mut self, words: &mut Words<'_>, family: Family, replace: bool) -> Result<(), InvalidValue> {
        let Given { cidr, dev } = self.given_address(words, family)?;
        let dev = dev.ok_or_else(|| no_device("ip address add"))?;
        if self.machine.outside == Some(dev) && self.machine.position(dev).is_none() {
            return Err(InvalidValue::new(format!(
                "`{dev}` is the interface to the engine's own network, which a test does not have"
            ))
            .help("give the address to an interface that a link of the lab ends at"));
        }
        let Some(port) = self.port(dev)? else { return Ok(()) };
        if replace {
            self.machine.remove_addresses(port, |address| address.addr() == cidr.addr());
        }
        self.machine.add_address(port, cidr, self.at);
        Ok(())
    }

    fn address_delete(&mut self, words: &mut Words<'_>, family: Family) -> Result<(), InvalidValue> {
        let Given { cidr, dev } = self.given_address(words, family)?;
        let dev = dev.ok_or_else(|| no_device("ip address delete"))?;
        let Some(port) = self.port(dev)? else { return Ok(()) };
        if self.machine.remove_addresses(port, |address| {
            *address == cidr || (cidr == Cidr::host(cidr.addr()) && address.addr() == cidr.addr())
        }) == 0
        {
            return Err(
                InvalidValue::new(format!("`{dev}` has no address `{cidr}` at this point")).help("leave the line out")
            );
        }
        Ok(())
    }

    fn address_flush(&mut self, words: &mut Words<'_>, family: Family) -> Result<(), InvalidValue> {
        let mut dev = None;
        while let Some(word) = words.next() {
            match word {
                "dev" => dev = Some(words.value(word)?),
                "scope" if words.peek() == Some("global") => {
                    words.next();
                }
                other if dev.is_none() => dev = Some(other),
                other => return Err(words.not_expressible(other)),
            }
        }
        let dev = dev.ok_or_else(|| no_device("ip address flush"))?;
        let Some(port) = self.port(dev)? else { return Ok(()) };
        self.machine.remove_addresses(port, |address| match family {
            Family::Any => true,
            _ => address.is_ipv6() == family.v6(),
        });
        Ok(())
    }

    fn given_address<'w>(&mut self, words: &mut Words<'w>, family: Family) -> Result<Given<'w>, InvalidValue> {
        let (mut cidr, mut dev, mut broadcast) = (None, None, None);
        while let Some(word) = words.next() {
            match word {
                "dev" => dev = Some(words.value(word)?),
                "local" => cidr = Some(address_or_host(words.value(word)?)?),
                "brd" => broadcast = Some(words.value(word)?),
                // Addresses are usable at once in the `ready` profile.
                "nodad" => {}
                "scope" => {
                    let scope = words.value(word)?;
                    if scope != "global" {
                        return Err(words.not_expressible(&format!("scope {scope}")));
                    }
                }
                "label" => {
                    let label = words.value(word)?;
                    self.report.note(self.at, format!("the label `{label}`"), "it is a name for listings");
                }
                "valid_lft" | "preferred_lft" if words.peek() == Some("forever") => {
                    words.next();
                }
                "peer" | "remote" | "anycast" | "valid_lft" | "preferred_lft" | "metric" | "noprefixroute" | "home"
                | "mngtmpaddr" | "autojoin" | "proto" => {
                    return Err(words.not_expressible(word));
                }
                other if shortened(other, &["broadcast"]).is_some() => broadcast = Some(words.value(word)?),
                other if cidr.is_none() => cidr = Some(address_or_host(other)?),
                other => return Err(words.unknown(other, &["dev", "broadcast", "label", "scope", "nodad"])),
            }
        }
        let cidr = cidr.ok_or_else(|| {
            InvalidValue::new("`ip address` names no address").help("write `ip address add 10.0.0.1/24 dev eth1`")
        })?;
        family.check(cidr, cidr.is_ipv6())?;
        if let Some(given) = broadcast.filter(|given| *given != "+") {
            if given != "-" && address(given)? == cidr.last() {
                return Ok(Given { cidr, dev });
            }
            return Err(InvalidValue::new(format!(
                "the broadcast address of `{cidr}` is `{}`, another is not a part of the model",
                cidr.last()
            ))
            .help("leave `broadcast` out"));
        }
        Ok(Given { cidr, dev })
    }
}

/// What a command says of an address.
struct Given<'w> {
    cidr: Cidr,
    dev: Option<&'w str>,
}

fn no_device(command: &str) -> InvalidValue {
    InvalidValue::new(format!("`{command}` does not say which interface")).help("add `dev INTERFACE`")
}
