//! The kernel's state of a node, as `ip`, `bridge`, `nft` and `/proc/sys` show it.

use std::{collections::BTreeSet, process::Command};

use netns_test::Node;
use serde_json::Value;

use crate::volatile::Naming;

/// Reads everything about the network namespace that it runs in.
const READ: &str = r"
PATH=$PATH:/usr/sbin:/sbin
set -e
printf 'link show\naddr show\nneigh show nud permanent\nroute show table all\nrule show\nntable show\n' |
  ip -j -d -batch -
ip -6 -j -d rule show
bridge -j -d fdb show
echo '@nft'
nft -s list ruleset
echo '@sysctl'
grep -rs . /proc/sys/net || true
";

/// The parts of what [`READ`] prints before `@nft`, in order.
const SECTIONS: [&str; 8] = ["link", "address", "neighbour", "route", "IPv4 rule", "timers", "IPv6 rule", "fdb"];

/// The facts about a node, one a line.
pub(crate) type Facts = BTreeSet<String>;

/// Reads the state of a node that was built by netlink.
pub(crate) fn of_node(node: &Node, naming: &Naming) -> Result<Facts, String> {
    // Not as a process of the library, which prints what it prints: that would be all of what was read.
    let read = node.run(|| run(Command::new("sh").args(["-c", READ])));
    facts(&read.map_err(|error| format!("cannot read node `{}`: {error}", node.name()))?, naming)
}

/// Reads the state of a named namespace.
pub(crate) fn of_namespace(mut enter: Command, name: &str, naming: &Naming) -> Result<Facts, String> {
    facts(&run(enter.args(["ip", "netns", "exec", name, "sh", "-c", READ]))?, naming)
}

/// Runs a command, with the directories where administrators' programs are.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let output = command.env("PATH", path).output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{}(of {command:?})", String::from_utf8_lossy(&output.stderr))),
    }
}

fn facts(text: &str, naming: &Naming) -> Result<Facts, String> {
    let strange = || format!("cannot read:\n{text}");
    let (json, rest) = text.split_once("@nft\n").ok_or_else(strange)?;
    let (rules, sysctls) = rest.split_once("@sysctl\n").ok_or_else(strange)?;
    let mut sections: Vec<Vec<Value>> = Vec::new();
    for section in serde_json::Deserializer::from_str(json).into_iter::<Vec<Value>>() {
        sections.push(section.map_err(|error| format!("{error} in:\n{json}"))?);
    }
    if sections.len() != SECTIONS.len() {
        return Err(strange());
    }
    let naming = naming.with(&sections[0]);
    let mut facts = Facts::new();
    for (section, objects) in SECTIONS.into_iter().zip(sections) {
        // The order of rules decides where their priority does not, that of addresses which is the primary one.
        let ordered = section.ends_with("rule");
        for (position, object) in objects.iter().enumerate() {
            let Some(object) = naming.object(section, object) else { continue };
            match section {
                "link" => describe(&mut facts, &format!("link {}", text_of(&object["ifname"])), &object),
                "address" => {
                    let addresses = object["addr_info"].as_array().into_iter().flatten();
                    for (n, address) in addresses.filter(|address| !naming.is_by_chance(&object, address)).enumerate() {
                        facts.insert(format!("address {n} of {}: {address}", text_of(&object["ifname"])));
                    }
                }
                _ if naming.is_by_chance(&object, &object) => {}
                _ if ordered => drop(facts.insert(format!("{section} {position}: {object}"))),
                _ => drop(facts.insert(format!("{section}: {object}"))),
            }
        }
    }
    let mut place = Vec::new();
    for (number, line) in rules.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        match line {
            "}" => drop(place.pop()),
            opening if opening.ends_with(" {") => {
                place.push(opening.trim_end_matches(" {").to_owned());
                facts.insert(format!("nft {}", place.join(" / ")));
            }
            rule => drop(facts.insert(format!("nft {}: {number}: {rule}", place.join(" / ")))),
        }
    }
    for line in sysctls.lines() {
        let (file, value) = line.split_once(':').ok_or_else(|| format!("a setting without a value: {line}"))?;
        let key = file.trim_start_matches("/proc/sys/");
        facts.extend(naming.sysctl(key, value).map(|value| format!("sysctl {key} = {value}")));
    }
    Ok(facts)
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Each plain value in an object as a fact of its own.
fn describe(facts: &mut Facts, place: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                describe(facts, &format!("{place} {name}"), value);
            }
        }
        plain => drop(facts.insert(format!("{place} = {plain}"))),
    }
}
