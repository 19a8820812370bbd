//! `lab.conf`: devices, their interfaces and options ([kathara-lab.conf(5)]).
//!
//! [kathara-lab.conf(5)]: https://www.kathara.org/man-pages/kathara-lab.conf.5.html

use std::{collections::BTreeMap, sync::Arc};

use super::super::{
    command::{OUTSIDE, dotted},
    lab::Lab,
    machine::Machine,
    report::{At, Report, Source},
};
use crate::{IfName, Interface, InvalidValue, Kind, Mac, NodeName};

const CONTAINER: &str = "a network has no containers: start programs in the test, with `Node::command`";
const META: &[&str] = &["LAB_NAME", "LAB_DESCRIPTION", "LAB_VERSION", "LAB_AUTHOR", "LAB_EMAIL", "LAB_WEB"];
const OPTIONS: &[&str] = &[
    "exec",
    "sysctl",
    "ipv6",
    "image",
    "mem",
    "cpus",
    "port",
    "bridged",
    "env",
    "shell",
    "num_terms",
    "ulimit",
    "privileged",
    "entrypoint",
    "args",
    "volume",
];

/// A device of the lab.
pub(super) struct Device {
    pub(super) machine: Machine,
    /// By number; what it is plugged into.
    pub(super) plugs: BTreeMap<u32, Plug>,
    /// Commands from `lab.conf`, which run last.
    pub(super) commands: Vec<(String, At)>,
    /// Where IPv6 is switched off.
    without_ipv6: Option<At>,
}

/// An interface, as `lab.conf` plugs it.
pub(super) struct Plug {
    pub(super) domain: String,
    pub(super) at: At,
    mac: Option<Mac>,
}

/// Reads the file; what is wrong with it is refused.
pub(super) fn read(source: &Arc<Source>, lab: &mut Lab, report: &mut Report) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    for (n, line) in source.text().lines().enumerate() {
        let at = At::line_of(source, n + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = line.split_once('=').filter(|(name, _)| name.starts_with("LAB_")) {
            match name {
                "LAB_NAME" => lab.name = value.trim().trim_matches(['"', '\'']).to_owned(),
                _ if META.contains(&name) => report.note(&at, format!("`{name}`"), "it is for readers"),
                _ => report.invalid(&at, &InvalidValue::no("description of a lab", name, META)),
            }
            continue;
        }
        let Some(entry) = report.keep(&at, entry(line)) else { continue };
        let known = devices.iter().position(|device| device.machine.name == *entry.device);
        let device = match known {
            Some(known) => &mut devices[known],
            None => {
                let Some(device) = new_device(entry.device, &at, report) else { continue };
                devices.push(device);
                devices.last_mut().expect("a device was just added")
            }
        };
        device.take(&entry, &at, report);
    }
    devices
}

fn new_device(name: &str, at: &At, report: &mut Report) -> Option<Device> {
    if matches!(name, "shared" | "_test") {
        report
            .refuse(at, format!("`{name}` is the name of a directory that every lab can have, and of no device"))
            .set_help("take another name");
        return None;
    }
    let name = report.keep(at, NodeName::new(name))?;
    let mut machine = Machine::new(name, at.clone());
    (machine.forward_v4, machine.forward_v6) = (true, true);
    Some(Device { machine, plugs: BTreeMap::new(), commands: Vec::new(), without_ipv6: None })
}

/// `DEVICE[ARGUMENT]=VALUE`
struct Entry<'a> {
    device: &'a str,
    argument: &'a str,
    value: &'a str,
}

fn entry(line: &str) -> Result<Entry<'_>, InvalidValue> {
    let wrong = || {
        InvalidValue::new("this is neither `DEVICE[ARGUMENT]=VALUE` nor a comment")
            .help("write `pc1[0]=\"A\"` for an interface, `pc1[image]=\"…\"` for an option, and no spaces around `=`")
    };
    let (device, rest) = line.split_once('[').ok_or_else(wrong)?;
    let (argument, value) = rest.split_once("]=").ok_or_else(wrong)?;
    if device.is_empty() || device.contains(char::is_whitespace) || argument.is_empty() {
        return Err(wrong());
    }
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (value, after) = match quote {
        Some(quote) => {
            value[1..].split_once(quote).ok_or_else(|| InvalidValue::new("a quote is not closed in this line"))?
        }
        None => match value.find(" #") {
            Some(comment) => value.split_at(comment),
            None => (value, ""),
        },
    };
    let after = after.trim();
    if value.trim().is_empty() {
        return Err(InvalidValue::new(format!("`{device}[{argument}]` is given no value")));
    }
    if after.is_empty() || after.starts_with('#') {
        Ok(Entry { device, argument, value: value.trim() })
    } else {
        Err(wrong())
    }
}

impl Device {
    fn take(&mut self, entry: &Entry<'_>, at: &At, report: &mut Report) {
        let option = entry.argument;
        if let Ok(number) = option.parse::<u32>() {
            if let Some(plug) = report.keep(at, plug(entry.value, at)) {
                self.plug(number, plug, report);
            }
            return;
        }
        match option {
            "exec" => self.commands.push((entry.value.to_owned(), at.clone())),
            "sysctl" => match entry.value.split_once('=') {
                Some((key, value)) => self.machine.set_sysctl(&dotted(key.trim()), value.trim(), at),
                None => {
                    report
                        .refuse(at, format!("`{}` sets nothing", entry.value))
                        .set_help("write `NAME=VALUE`, such as `net.ipv4.ip_forward=0`");
                }
            },
            "ipv6" => match report.keep(at, truth(entry.value)) {
                Some(true) | None => {}
                Some(false) => {
                    self.without_ipv6 = Some(at.clone());
                    self.machine.forward_v6 = false;
                    for scope in ["all", "default"] {
                        self.machine.set_sysctl(&format!("net.ipv6.conf.{scope}.disable_ipv6"), "1", at);
                    }
                }
            },
            "bridged" => {
                if report.keep(at, truth(entry.value)) == Some(true) {
                    report.note(at, format!("`{option}`"), OUTSIDE);
                }
            }
            "port" => report.note(at, format!("`{option}`"), OUTSIDE),
            known if OPTIONS.contains(&known) => report.note(at, format!("`{option}`"), CONTAINER),
            other => report.invalid(at, &InvalidValue::no("option of a device", other, OPTIONS)),
        }
    }

    fn plug(&mut self, number: u32, plug: Plug, report: &mut Report) {
        if let Some(earlier) = self.plugs.get(&number) {
            let message = format!(
                "`eth{number}` of `{}` is plugged in already, in line {}",
                self.machine.name,
                earlier.at.line()
            );
            report.refuse(&plug.at, message).set_help("give each interface one collision domain");
            return;
        }
        self.plugs.insert(number, plug);
    }

    /// Gives the machine its interfaces, in the order of their numbers.
    pub(super) fn make_ports(&mut self, report: &mut Report) {
        for (expected, (number, plug)) in (0..).zip(&self.plugs) {
            if *number != expected {
                let message = format!("`{}` has `eth{number}` and no `eth{expected}`", self.machine.name);
                report
                    .refuse(&plug.at, message)
                    .set_help("Kathará wants the interfaces of a device numbered from 0 without a gap");
                break;
            }
        }
        for (number, plug) in &self.plugs {
            let name = IfName::new(format!("eth{number}")).expect("a number makes no wrong name");
            let interface = Interface { mac: plug.mac, ..Interface::new(name, Kind::Veth) };
            let added = self.machine.add_port(interface, &plug.at, true);
            report.keep(&plug.at, added);
        }
    }

    /// The kernel refuses IPv6 addresses where IPv6 is off.
    pub(super) fn check_ipv6(&self, report: &mut Report) {
        let Some(off) = &self.without_ipv6 else { return };
        for port in self.machine.ports.iter().filter(|port| !port.removed) {
            let mut addresses = port.interface.addresses.iter().zip(&port.addresses);
            if let Some((address, at)) = addresses.find(|(address, _)| address.is_ipv6()) {
                report
                    .refuse(
                        at,
                        format!(
                            "`{address}` cannot be given: line {} of lab.conf switches IPv6 off at `{}`",
                            off.line(),
                            self.machine.name
                        ),
                    )
                    .set_help(format!("write `{}[ipv6]=\"true\"`", self.machine.name));
            }
        }
    }
}

/// `DOMAIN` or `DOMAIN/MAC`.
fn plug(text: &str, at: &At) -> Result<Plug, InvalidValue> {
    let (domain, mac) = text.split_once('/').map_or((text, None), |(domain, mac)| (domain, Some(mac)));
    if domain.is_empty() || !domain.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(InvalidValue::new(format!("`{domain}` is no name of a collision domain"))
            .help("use letters, digits and `_`"));
    }
    let mac = mac.map(str::parse::<Mac>).transpose()?;
    Ok(Plug { domain: domain.to_owned(), at: at.clone(), mac })
}

fn truth(text: &str) -> Result<bool, InvalidValue> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" | "t" => Ok(true),
        "false" | "no" | "n" | "off" | "0" | "f" => Ok(false),
        _ => Err(InvalidValue::new(format!("`{text}` is neither true nor false"))),
    }
}
