//! Topology definition files of [containerlab], `*.clab.yml`.
//!
//! | in the file | in the topology |
//! |---|---|
//! | a node of kind `linux` | a node; it forwards IPv4, as a Docker container does |
//! | a node of kind `bridge` | a switch with that bridge |
//! | a node of any other kind | refused: it is a program, or a machine, of its own |
//! | a link, in brief or of `type: veth` | a cable; its MTU is 9500 unless the file says another, as in containerlab |
//! | a link of another type | refused: its far end is not in the lab |
//! | `exec` | carried out on the model, after all links |
//! | `sysctls`, `dns`, `ipv4` and `ipv6` of links | the node's settings, name servers and addresses |
//! | the management network, `eth0` | not carried over, and noted |
//!
//! What is set under `defaults`, `kinds` and `groups` counts for the nodes that inherit it. Variables have the default
//! that the file gives them (`${X:=eth1}`), and none else.
//!
//! [containerlab]: https://containerlab.dev/manual/topo-def-file/

mod keys;
mod links;
mod nodes;
mod write;

use std::{path::Path, sync::Arc};

pub use write::{Inexpressible, write};

use super::{
    Imported, Refusals,
    lab::Lab,
    load,
    report::{At, Report, Source},
    yaml::Yaml,
};
use crate::InvalidValue;

/// What containerlab gives a link that says no MTU.
const LINK_MTU: u32 = 9500;
/// The interface of every node in the management network.
const MANAGEMENT: &str = "eth0";

/// Reads a lab from a file; `allow` names checks that are switched off, as [`Draft::allow`](crate::Draft::allow) does.
///
/// # Errors
///
/// Everything in the file that cannot be imported.
pub fn read(path: impl AsRef<Path>, allow: &[&str]) -> Result<Imported, Refusals> {
    let mut report = Report::default();
    match load(path.as_ref(), &mut report) {
        Some(source) => lab(&source, allow, report),
        None => Err(Refusals(report.refusals)),
    }
}

/// Reads a lab from a text; the name of its file is for messages.
///
/// ```
/// use netns_test_topology::import::containerlab;
///
/// let refused = containerlab::parse("x.clab.yml", "
/// name: x
/// topology:
///   nodes:
///     r1: {kind: nokia_srlinux}
/// ", &[]).unwrap_err();
/// let router = refused.iter().next().unwrap();
/// assert_eq!(router.at().to_string(), "x.clab.yml:5:16");
/// assert!(router.message().contains("runs a network operating system of its own"));
/// ```
///
/// # Errors
///
/// Everything in the text that cannot be imported.
pub fn parse(file: impl Into<String>, text: impl Into<String>, allow: &[&str]) -> Result<Imported, Refusals> {
    lab(&Source::new(file, text), allow, Report::default())
}

fn lab(source: &Arc<Source>, allow: &[&str], mut report: Report) -> Result<Imported, Refusals> {
    if let Some(at) = template(source) {
        report
            .refuse(&at, "this is a template, and which lab it makes depends on variables")
            .set_help("render it first, and import the result");
        return Err(Refusals(report.refusals));
    }
    let Some(root) = Yaml::read(source, &mut report).filter(|_| report.refusals.is_empty()) else {
        return Err(Refusals(report.refusals));
    };
    let mut lab = Lab::new(At::line_of(source, 1));
    let mut topology = None;
    let known = ["name", "topology", "prefix", "mgmt", "settings", "debug"];
    for (key, value) in root.entries(&mut report, "the file") {
        match key.name() {
            "name" => {
                if let Some(name) = text(value, "the lab's name", &mut report) {
                    lab.name = name;
                }
            }
            "topology" => topology = Some(value),
            "mgmt" => report.note(&key.at, "`mgmt`", super::command::OUTSIDE),
            word @ ("prefix" | "settings" | "debug") => {
                report.note(&key.at, format!("`{word}`"), "it is a setting of the engine")
            }
            other => report.invalid(&key.at, &InvalidValue::no("key of a containerlab file", other, &known)),
        }
    }
    if lab.name.is_empty() && report.refusals.is_empty() {
        report.refuse(&lab.at, "this lab has no `name`").set_help("add a line `name: …`, as containerlab wants one");
    }
    match topology {
        Some(topology) => read_topology(topology, &mut lab, &mut report),
        None if !report.refusals.is_empty() => {}
        None => {
            report
                .refuse(&lab.at, "this file has no `topology`")
                .set_help("a lab has its nodes under `topology: nodes:`");
        }
    }
    lab.finish(allow, report)
}

fn read_topology(topology: &Yaml, lab: &mut Lab, report: &mut Report) {
    let mut sections = nodes::Sections::default();
    let mut links = None;
    for (key, value) in topology.entries(report, "`topology`") {
        match key.name() {
            "defaults" => sections.defaults = Some(value),
            "kinds" => sections.kinds = value.entries(report, "`kinds`"),
            "groups" => sections.groups = value.entries(report, "`groups`"),
            "nodes" => sections.nodes = value.entries(report, "`nodes`"),
            "links" => links = Some(value),
            other => {
                let known = ["defaults", "kinds", "groups", "nodes", "links"];
                report.invalid(&key.at, &InvalidValue::no("key of `topology`", other, &known));
            }
        }
    }
    let nodes = nodes::read(&sections, lab, report);
    if let Some(links) = links {
        for link in links.members(report, "`links`") {
            links::read(link, &nodes, lab, report);
        }
    }
    nodes::run(&nodes, lab, report);
}

/// Where a Go template begins, outside of comments.
fn template(source: &Arc<Source>) -> Option<At> {
    source.text().lines().enumerate().find_map(|(n, line)| {
        let code = line.split(" #").next().filter(|code| !code.trim_start().starts_with('#'))?;
        let column = code[..code.find("{{")?].chars().count() + 1;
        Some(At::new(source, n + 1, column, 2))
    })
}

/// The text of a single value with the defaults of its variables.
fn text(value: &Yaml, what: &str, report: &mut Report) -> Option<String> {
    let text = value.text(report, what)?;
    report.keep(&value.at, expand(text))
}

/// Gives each variable the default that stands with it; `$$` is a dollar sign.
fn expand(text: &str) -> Result<String, InvalidValue> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        expanded.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((variable, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            let default =
                [":=", ":-", "=", "-"].iter().find_map(|mark| variable.split_once(mark)).map(|(_, default)| default);
            expanded.push_str(default.ok_or_else(|| unset(&format!("${{{variable}}}")))?);
            rest = after;
        } else {
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            return Err(unset(&format!("${name}")));
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn unset(variable: &str) -> InvalidValue {
    InvalidValue::new(format!("`{variable}` depends on who deploys the lab"))
        .help("write the value itself, or a default as `${NAME:=value}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_its_default_and_no_other_value() {
        assert_eq!(expand("a ${X:=eth1} $$b ${Y:-2}").unwrap(), "a eth1 $b 2");
        assert_eq!(expand("a $X").unwrap_err().message(), "`$X` depends on who deploys the lab");
        assert!(expand("${X}").is_err());
    }
}
