//! The keys of a node, and on which side each falls.

use super::super::report::Report;
use super::super::yaml::Yaml;
use crate::InvalidValue;

/// Keys that are read.
const READ: &[&str] = &["kind", "group", "exec", "sysctls", "dns", "network-mode"];

const CONTAINER: &str = "a network has no containers: start programs in the test, with `Node::command`";
const FILES: &str = "a node has no files of its own: give a program its files in the test";
const LISTS: &str = "it is for listings and pictures";
const OUTSIDE: &str = super::super::command::OUTSIDE;

/// Keys that only a container has, with the reason why the network does without.
const NOTED: &[(&str, &str)] = &[
    ("image", CONTAINER),
    ("image-pull-policy", CONTAINER),
    ("restart-policy", CONTAINER),
    ("entrypoint", CONTAINER),
    ("cmd", CONTAINER),
    ("env", CONTAINER),
    ("env-files", CONTAINER),
    ("user", CONTAINER),
    ("runtime", CONTAINER),
    ("auto-remove", CONTAINER),
    ("startup-delay", CONTAINER),
    ("wait-for", CONTAINER),
    ("healthcheck", CONTAINER),
    ("cpu", CONTAINER),
    ("cpu-set", CONTAINER),
    ("memory", CONTAINER),
    ("shm-size", CONTAINER),
    ("cap-add", CONTAINER),
    ("cap-drop", CONTAINER),
    ("privileged", CONTAINER),
    ("devices", CONTAINER),
    ("ulimits", CONTAINER),
    ("sandbox", CONTAINER),
    ("kernel", CONTAINER),
    ("credentials", CONTAINER),
    ("extras", CONTAINER),
    ("config", CONTAINER),
    ("type", CONTAINER),
    ("components", CONTAINER),
    ("binds", FILES),
    ("tmpfs", FILES),
    ("license", FILES),
    ("startup-config", FILES),
    ("enforce-startup-config", FILES),
    ("suppress-startup-config", FILES),
    ("certificate", FILES),
    ("SANs", FILES),
    ("labels", LISTS),
    ("position", LISTS),
    ("ports", OUTSIDE),
    ("publish", OUTSIDE),
    ("aliases", OUTSIDE),
    ("mgmt-ipv4", OUTSIDE),
    ("mgmt-ipv6", OUTSIDE),
    ("mgmt_ipv4", OUTSIDE),
    ("mgmt_ipv6", OUTSIDE),
];

/// Looks at every key of a node, or of what nodes inherit.
pub(super) fn check(entries: &[(Yaml, Yaml)], report: &mut Report) {
    for (key, value) in entries {
        let name = key.name();
        if READ.contains(&name) {
            continue;
        }
        match NOTED.iter().find(|(noted, _)| *noted == name) {
            Some((_, why)) => report.note(&key.at, format!("`{name}`"), *why),
            None if name == "stages" => check_stages(key, value, report),
            None => {
                let known: Vec<&str> = READ.iter().copied().chain(NOTED.iter().map(|(noted, _)| *noted)).collect();
                let error = InvalidValue::no("key of a containerlab node", name, &known);
                report.invalid(&key.at, &error.or_help("leave it out, if the network is the same without"));
            }
        }
    }
}

/// The order in which containers start is no part of a network; commands between are.
fn check_stages(key: &Yaml, stages: &Yaml, report: &mut Report) {
    let mut commands = false;
    for (_, stage) in stages.entries(report, "`stages`") {
        for (name, _) in stage.entries(report, "a stage") {
            if name.name() == "exec" {
                commands = true;
                report
                    .refuse(
                        &name.at,
                        "commands between the stages of a container have no place in a network that is built at once",
                    )
                    .set_help("move them to the node's own `exec`, if they may run when all links exist");
            }
        }
    }
    if !commands {
        report.note(&key.at, "`stages`", CONTAINER);
    }
}
