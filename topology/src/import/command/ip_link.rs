//! `ip link` ([ip-link(8)]).
//!
//! [ip-link(8)]: https://man7.org/linux/man-pages/man8/ip-link.8.html

use super::{
    Run,
    words::{Words, shortened},
};
use crate::{IfName, Interface, InvalidValue, Kind, Macvlan, Vxlan};

const COMMANDS: &[&str] =
    &["add", "set", "change", "replace", "delete", "show", "list", "lst", "xstats", "afstats", "property", "help"];
const SET_WORDS: &[&str] = &["up", "down", "mtu", "address", "master", "nomaster", "name", "type", "dev"];

impl Run<'_> {
    pub(super) fn ip_link(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        let Some(command) = words.next() else {
            self.note_printing("ip link");
            return Ok(());
        };
        match shortened(command, COMMANDS) {
            Some("add") => self.link_add(words),
            Some("set" | "change") => self.link_set(words),
            Some("delete") => self.link_delete(words),
            Some("show" | "list" | "lst" | "xstats" | "afstats" | "help") => {
                self.note_printing(&format!("ip link {command}"));
                Ok(())
            }
            Some(known) => Err(words.not_expressible(known)),
            None => Err(words.unknown(command, COMMANDS)),
        }
    }

    fn link_add(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        let mut made = Interface { up: false, ..Interface::new(placeholder(), Kind::Veth) };
        let (mut name, mut link) = (None, None);
        let kind = loop {
            let Some(word) = words.next() else {
                return Err(InvalidValue::new("`ip link add` does not say of what kind the interface is")
                    .help("add `type bridge`, or `type veth peer name …`"));
            };
            match word {
                "name" | "dev" => name = Some(words.interface(word)?),
                "type" => break words.value(word)?,
                "link" => link = Some(words.interface(word)?),
                other if self.made_with(words, other, &mut made)? => {}
                other if name.is_none() => name = Some(IfName::new(other)?),
                other => return Err(words.unknown(other, &["name", "mtu", "address", "up", "type"])),
            }
        };
        made.name = name.ok_or_else(|| InvalidValue::new("`ip link add` does not name the interface"))?;
        if link.is_some() && kind != "macvlan" {
            return Err(words.not_expressible("link"));
        }
        match kind {
            "bridge" => {
                let port = self.machine.add_bridge(made.name.clone(), self.at)?;
                let interface = self.machine.interface(port);
                (interface.mac, interface.mtu, interface.up) = (made.mac, made.mtu, made.up);
                self.bridge_settings(words, port)
            }
            "veth" => self.veth_add(words, made),
            "vxlan" => {
                let vxlan = vxlan(words)?;
                self.machine.add_port(Interface { kind: Kind::Vxlan(vxlan), ..made }, self.at, false).map(drop)
            }
            "macvlan" => {
                let parent =
                    link.ok_or_else(|| InvalidValue::new("this macvlan has no parent").help("add `link INTERFACE`"))?;
                let macvlan = macvlan(parent, words)?;
                self.machine.add_port(Interface { kind: Kind::Macvlan(macvlan), ..made }, self.at, false).map(drop)
            }
            other => Err(InvalidValue::new(format!("the model has no interfaces of type `{other}`")).help(
                "the import knows `bridge`, `veth`, `vxlan` and `macvlan`; links between nodes are links of the lab",
            )),
        }
    }

    /// Takes a word that both ends of a new link can have.
    fn made_with(&mut self, words: &mut Words<'_>, word: &str, made: &mut Interface) -> Result<bool, InvalidValue> {
        match word {
            "up" => made.up = true,
            "mtu" => made.mtu = Some(words.number(word)?),
            "txqueuelen" | "txqlen" | "qlen" | "numtxqueues" | "numrxqueues" => {
                let length = words.value(word)?;
                self.report.note(self.at, format!("`{word} {length}`"), "queues have the kernel's own length");
            }
            "link" | "index" | "netns" | "vf" | "group" | "alias" => return Err(words.not_expressible(word)),
            _ if word.len() > 2 && shortened(word, &["address"]).is_some() => made.mac = Some(words.mac(word)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn veth_add(&mut self, words: &mut Words<'_>, made: Interface) -> Result<(), InvalidValue> {
        let mut peer = Interface { up: false, ..Interface::new(placeholder(), Kind::Veth) };
        let mut name = None;
        if let Some(word) = words.next() {
            if word != "peer" {
                return Err(words.unknown(word, &["peer"]));
            }
            while let Some(word) = words.next() {
                match word {
                    "name" => name = Some(words.interface(word)?),
                    other if self.made_with(words, other, &mut peer)? => {}
                    other if name.is_none() => name = Some(IfName::new(other)?),
                    other => return Err(words.unknown(other, &["name", "mtu", "address"])),
                }
            }
        }
        peer.name = name
            .ok_or_else(|| InvalidValue::new("the other end of this cable has no name").help("add `peer name NAME`"))?;
        let a = self.machine.add_port(made, self.at, false)?;
        let b = self.machine.add_port(peer, self.at, false)?;
        self.machine.pairs.push((a, b, self.at.clone()));
        Ok(())
    }

    fn link_set(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        // The interface can stand anywhere among what is set.
        let mut all = words.clone();
        let mut dev = None;
        while let Some(word) = all.next() {
            match word {
                "dev" => dev = Some(all.value(word)?),
                "up" | "down" | "nomaster" => {}
                "type" => break,
                _ if takes_value(word) => drop(all.value(word)?),
                other if dev.is_none() => dev = Some(other),
                other => return Err(words.unknown(other, SET_WORDS)),
            }
        }
        let dev = dev.ok_or_else(|| {
            InvalidValue::new("`ip link set` does not say which interface").help("add `dev INTERFACE`")
        })?;
        let Some(port) = self.port(dev)? else { return Ok(()) };
        let mut named = false;
        while let Some(word) = words.next() {
            match word {
                "up" => self.machine.interface(port).up = true,
                "down" => self.machine.interface(port).up = false,
                "mtu" => self.machine.interface(port).mtu = Some(words.number(word)?),
                "nomaster" => self.machine.interface(port).master = None,
                "master" | "vrf" => {
                    let master = words.interface(word)?;
                    self.set_master(port, master)?;
                }
                "name" => {
                    let name = words.interface(word)?;
                    self.machine.rename(port, name)?;
                }
                "type" => {
                    let kind = words.value(word)?;
                    if kind != "bridge" {
                        return Err(words.not_expressible(&format!("type {kind}")));
                    }
                    return self.bridge_settings(words, port);
                }
                "netns" => {
                    words.value(word)?;
                    return Err(InvalidValue::new(format!("`{dev}` cannot be moved out of its node")).help(
                        "let a link of the lab end where it belongs, or move it in the test with `Interface::move_to`",
                    ));
                }
                "arp" | "multicast" | "allmulticast" | "promisc" | "trailers" | "dynamic" | "carrier" => {
                    let on = words.switch(word)?;
                    let usual = matches!(word, "arp" | "multicast" | "carrier");
                    if on != usual {
                        return Err(words.not_expressible(&format!("{word} {}", if on { "on" } else { "off" })));
                    }
                }
                "alias" | "txqueuelen" | "txqlen" | "qlen" | "group" => {
                    let value = words.value(word)?;
                    self.report.note(self.at, format!("`{word} {value}`"), "it changes no packet's way");
                }
                "dev" => {
                    words.next();
                    named = true;
                }
                _ if is_address(word) => self.machine.interface(port).mac = Some(words.mac(word)?),
                other if other == dev && !named => named = true,
                other => return Err(words.not_expressible(other)),
            }
        }
        Ok(())
    }

    pub(super) fn set_master(&mut self, port: usize, master: IfName) -> Result<(), InvalidValue> {
        let Some(bridge) = self.port(&master)? else { return Ok(()) };
        self.machine.bridge(bridge)?;
        self.machine.interface(port).master = Some(master);
        Ok(())
    }

    fn link_delete(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        let mut dev = None;
        while let Some(word) = words.next() {
            match word {
                "dev" => dev = Some(words.value(word)?),
                "type" => drop(words.value(word)?),
                other if dev.is_none() => dev = Some(other),
                other => return Err(words.unknown(other, &["dev"])),
            }
        }
        let dev = dev.ok_or_else(|| InvalidValue::new("`ip link delete` does not say which interface"))?;
        match self.port(dev)? {
            Some(port) => self.machine.remove_port(port),
            None => Ok(()),
        }
    }
}

/// Whether a word of `ip link set` is followed by its value.
fn takes_value(word: &str) -> bool {
    matches!(
        word,
        "mtu"
            | "master"
            | "vrf"
            | "name"
            | "netns"
            | "arp"
            | "multicast"
            | "allmulticast"
            | "promisc"
            | "trailers"
            | "dynamic"
            | "carrier"
            | "alias"
            | "txqueuelen"
            | "txqlen"
            | "qlen"
            | "group"
    ) || is_address(word)
}

fn is_address(word: &str) -> bool {
    word.len() > 2 && shortened(word, &["address"]).is_some()
}

/// The settings of a VXLAN device; without a port it has the kernel's own.
fn vxlan(words: &mut Words<'_>) -> Result<Vxlan, InvalidValue> {
    const KERNEL_PORT: u16 = 8472;
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        settings.push(if word == "vni" { "id" } else { word });
    }
    let mut vxlan: Vxlan = settings.join(" ").parse()?;
    if !settings.contains(&"dstport") {
        vxlan.port = KERNEL_PORT;
    }
    match vxlan.underlay {
        Some(_) => Err(words.unknown("underlay", &["id", "local", "remote", "group", "dev", "dstport"])),
        None => Ok(vxlan),
    }
}

/// The mode of a macvlan; without one it is VEPA.
fn macvlan(parent: IfName, words: &mut Words<'_>) -> Result<Macvlan, InvalidValue> {
    let mut macvlan = Macvlan { mode: crate::MacvlanMode::Vepa, ..Macvlan::new(parent) };
    while let Some(word) = words.next() {
        match word {
            "mode" => macvlan.mode = words.value(word)?.parse()?,
            other => return Err(words.unknown(other, &["mode"])),
        }
    }
    Ok(macvlan)
}

/// The name of an interface whose name comes later in the command.
fn placeholder() -> IfName {
    IfName::new("unnamed").expect("it is a name")
}
