//! One network built in both ways, and what differs.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use netns_test::{Lab, prelude::*, topology::render};

use crate::{
    state::{self, Facts},
    volatile::Naming,
};

/// How long the two may take to become equal: all IPv6 addresses of the machine wait for one worker of the kernel.
const SETTLED: Duration = Duration::from_secs(60);

/// Builds a network in both ways; the error says what differs.
pub(crate) fn builds_the_same(topology: &Topology) -> std::result::Result<(), String> {
    let both = Both::build(topology)?;
    match both.differences()? {
        differences if differences.is_empty() => Ok(()),
        differences => Err(differences.join("\n")),
    }
}

/// Both builds of a network.
pub(crate) struct Both {
    topology: Topology,
    lab: Lab,
    pub(crate) named: NamedNamespaces,
}

impl Both {
    pub(crate) fn build(topology: &Topology) -> std::result::Result<Self, String> {
        // Name servers are a file, which ip-netns(8) wants in the machine's own /etc.
        let mut draft = topology.clone().into_draft();
        draft.nodes.iter_mut().for_each(|node| node.nameservers.clear());
        let topology = draft.check().map_err(|problems| problems.to_string())?;
        let lab = topology.up().map_err(|error| format!("by netlink: {error}"))?;
        let named = NamedNamespaces::make()?;
        named.script(&render::script(&topology.plan())).map_err(|error| format!("by ip, nft and sysctl: {error}"))?;
        Ok(Self { topology, lab, named })
    }

    /// What differs after the kernel has settled: node, side, fact.
    pub(crate) fn differences(&self) -> std::result::Result<Vec<String>, String> {
        let begin = Instant::now();
        self.settle()?;
        loop {
            let differences = self.differences_now()?;
            if differences.is_empty() || begin.elapsed() > SETTLED {
                return Ok(differences);
            }
        }
    }

    /// Has the kernel do now what it put off, such as telling of a bridge's carrier.
    fn settle(&self) -> std::result::Result<(), String> {
        self.lab.settle().map_err(|error| error.to_string())?;
        let look = "cd /sys/class/net && for name in */; do ip link show dev \"${name%/}\"; done";
        for node in &self.topology.nodes {
            state::run(self.named.command().args(["ip", "netns", "exec", &node.name, "sh", "-c", look]))?;
        }
        Ok(())
    }

    /// What differs at the moment.
    pub(crate) fn differences_now(&self) -> std::result::Result<Vec<String>, String> {
        let mut differences = Vec::new();
        for node in &self.topology.nodes {
            let naming = Naming::of(&self.topology, node);
            let live = self.lab.node(&node.name).map_err(|error| error.to_string())?;
            let by_netlink = state::of_node(&live, &naming)?;
            let by_script = self.named.state(&node.name, &naming)?;
            let only = |of: &Facts, other: &Facts, side: &str| -> Vec<String> {
                of.difference(other).map(|fact| format!("{}  only by {side}  {fact}", node.name)).collect()
            };
            differences.extend(only(&by_netlink, &by_script, "netlink"));
            differences.extend(only(&by_script, &by_netlink, "the script"));
        }
        Ok(differences)
    }
}

/// A mount namespace with a /run of its own, where `ip netns` keeps its names.
pub(crate) struct NamedNamespaces(Child);

impl NamedNamespaces {
    fn make() -> std::result::Result<Self, String> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", "mount -t tmpfs none /run && echo made && exec cat"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {command:?}: {error}"))?;
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        if line == "made\n" { Ok(Self(child)) } else { Err(format!("{command:?} failed")) }
    }

    /// A command that sees the names.
    fn command(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.0.id()));
        command
    }

    /// Runs a script, from a file of its own /run: in the machine's directories another test may use the same name.
    pub(crate) fn script(&self, script: &str) -> std::result::Result<String, String> {
        let file = format!("/proc/{}/root/run/script", self.0.id());
        std::fs::write(&file, script).map_err(|error| format!("cannot write {file}: {error}"))?;
        state::run(self.command().args(["sh", "/run/script"]))
    }

    fn state(&self, name: &str, naming: &Naming) -> std::result::Result<Facts, String> {
        state::of_namespace(self.command(), name, naming)
    }
}

/// Its networks end with it, and with them what goes round in those that are a circle of bridges.
impl Drop for NamedNamespaces {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
