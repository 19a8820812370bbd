//! `ifconfig` of net-tools ([ifconfig(8)]).
//!
//! [ifconfig(8)]: https://man7.org/linux/man-pages/man8/ifconfig.8.html

use std::net::IpAddr;

use super::{
    Run,
    words::{Words, address, address_or_host, class_length, mask_length},
};
use crate::{Cidr, InvalidValue};

const KNOWN: &[&str] = &["up", "down", "netmask", "broadcast", "mtu", "hw", "add", "inet", "inet6", "txqueuelen"];

impl Run<'_> {
    pub(super) fn ifconfig(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        let dev = match words.next() {
            Some(dev) if !dev.starts_with('-') && !words.is_empty() => dev,
            _ => {
                self.note_printing("ifconfig");
                return Ok(());
            }
        };
        // `eth0:1` is a second IPv4 address of `eth0`.
        let (name, alias) = dev.split_once(':').map_or((dev, false), |(name, _)| (name, true));
        let Some(port) = self.port(name)? else { return Ok(()) };
        let mut given: Option<Cidr> = None;
        while let Some(word) = words.next() {
            match word {
                "up" => self.machine.interface(port).up = true,
                "down" | "-up" if alias => return Err(words.not_expressible(&format!("{dev} down"))),
                "down" | "-up" => self.machine.interface(port).up = false,
                "mtu" => self.machine.interface(port).mtu = Some(words.number(word)?),
                "netmask" => {
                    let length = mask_length(words.value(word)?)?;
                    let base =
                        given.or_else(|| self.machine.interface(port).addresses.iter().copied().find(|a| !a.is_ipv6()));
                    let base = base.ok_or_else(|| {
                        InvalidValue::new("`netmask` comes before an address").help("write the address first")
                    })?;
                    if given.is_none() {
                        self.machine.remove_addresses(port, |other| *other == base);
                    }
                    given = Some(Cidr::new(base.addr(), length)?);
                }
                "broadcast" => {
                    let said = address(words.value(word)?)?;
                    if given.is_some_and(|given| given.last() != said && words.peek() != Some("netmask")) {
                        return Err(InvalidValue::new(format!("`{said}` is not the last address of the network, another broadcast address is not a part of the model"))
                            .help("leave `broadcast` out"));
                    }
                }
                "hw" => {
                    let class = words.value(word)?;
                    if class != "ether" {
                        return Err(words.not_expressible(&format!("hw {class}")));
                    }
                    self.machine.interface(port).mac = Some(words.mac(word)?);
                }
                "ether" => self.machine.interface(port).mac = Some(words.mac(word)?),
                "inet" => {}
                "inet6" => {
                    if words.peek() == Some("add") {
                        words.next();
                    }
                    self.add_v6(port, words.value(word)?)?;
                }
                "add" => self.add_v6(port, words.value(word)?)?,
                "txqueuelen" => {
                    let length = words.value(word)?;
                    self.report.note(self.at, format!("`txqueuelen {length}`"), "it changes no packet's way");
                }
                "promisc" | "-arp" | "arp" | "multicast" | "allmulti" | "pointopoint" | "tunnel" | "del" => {
                    return Err(words.not_expressible(word));
                }
                other => match address_or_host(other) {
                    Ok(cidr) if cidr.is_ipv6() => self.add_v6(port, other)?,
                    Ok(cidr) => {
                        let length = match (other.contains('/'), cidr.addr()) {
                            (false, IpAddr::V4(v4)) => class_length(v4),
                            _ => cidr.prefix(),
                        };
                        given = Some(Cidr::new(cidr.addr(), length)?);
                    }
                    Err(_) => return Err(words.unknown(other, KNOWN)),
                },
            }
        }
        if let Some(cidr) = given {
            if !alias {
                // It sets the address of the interface, where `ip` adds one.
                let first = self.machine.interface(port).addresses.iter().copied().find(|a| !a.is_ipv6());
                self.machine.remove_addresses(port, |other| Some(*other) == first);
            }
            if cidr.addr() != IpAddr::from([0, 0, 0, 0]) {
                self.machine.add_address(port, cidr, self.at);
            }
            self.machine.interface(port).up = true;
        }
        Ok(())
    }

    fn add_v6(&mut self, port: usize, text: &str) -> Result<(), InvalidValue> {
        let cidr = address_or_host(text)?;
        self.machine.add_address(port, cidr, self.at);
        Ok(())
    }
}
