//! `netns-test doctor`: what this host and its kernel permit.

use std::{fs, path::Path, process::ExitCode, time::Instant};

use clap::{Args, ValueEnum};
use netns_test_runtime::{
    kernel::{has_link_kind, has_queueing_discipline},
    lab::Up as _,
    sandbox::{End, Sandbox, inside, record},
};
use netns_test_topology::{
    ChainKind, ConnState, Family, Hook, Match, Policy, Topology,
    build::{ChainBuilder, TopologyBuilder},
};
use nix::{
    sys::resource::{Resource, getrlimit},
    unistd::geteuid,
};
use serde_json::json;

use super::{Status, colours, report, say};
use crate::document::is_installed;

/// The name of the sandbox in which the kernel is tried.
const NAME: &str = "doctor";

/// How to tell.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// How to tell what was found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines
    Text,
    /// One JSON document
    Json,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    about: &'static str,
    name: String,
    state: State,
    detail: String,
    help: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is nothing to wish for.
    Good,
    /// It works, and large networks or some programs need more.
    Low,
    /// It is not there, and what needs it is an error that says so.
    Missing,
    /// Without it nothing works.
    Refused,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Low => "low",
            Self::Missing => "none",
            Self::Refused => "FAIL",
        }
    }

    fn paint(self) -> &'static str {
        match self {
            Self::Good => report::GREEN,
            Self::Low | Self::Missing => report::YELLOW,
            Self::Refused => report::RED,
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Good, Self::Low, Self::Missing, Self::Refused].into_iter().find(|state| state.word() == word)
    }
}

impl Doctor {
    pub(super) fn run(&self) -> Status {
        let (sandbox, kernel) = sandbox();
        let refused = sandbox.state == State::Refused;
        let findings: Vec<Finding> = [sandbox].into_iter().chain(limits()).chain(kernel).collect();
        match self.format {
            Format::Text => print(&findings),
            Format::Json => {
                let found = findings.iter().map(|finding| {
                    json!({
                        "about": finding.about, "name": finding.name, "state": finding.state.word(),
                        "detail": finding.detail, "help": finding.help,
                    })
                });
                say(&format!("{:#}", json!({ "findings": found.collect::<Vec<_>>() })));
            }
        }
        if refused { Status::Refused } else { Status::Good }
    }
}

fn print(findings: &[Finding]) {
    let width = findings.iter().map(|finding| finding.name.chars().count()).max().unwrap_or_default();
    let mut about = "";
    for finding in findings {
        if finding.about != about {
            about = finding.about;
            say(about);
        }
        let Finding { name, detail, .. } = finding;
        let word = report::painted(&format!("{:4}", finding.state.word()), finding.state.paint(), colours());
        let mut lines = detail.lines();
        say(format!("  {word}  {name:width$}  {}", lines.next().unwrap_or_default()).trim_end());
        for line in lines {
            say(&format!("  {:4}  {:width$}  {line}", "", ""));
        }
        if let Some(help) = &finding.help {
            say(&format!("  {:4}  {:width$}  help: {help}", "", ""));
        }
    }
}

/// Makes a sandbox, and in it looks at the kernel.
fn sandbox() -> (Finding, Vec<Finding>) {
    let begun = Instant::now();
    let ended = Sandbox::new(NAME).report();
    let finding = |state, detail: String, help: Option<String>| Finding {
        about: "sandboxes",
        name: "a sandbox".to_owned(),
        state,
        detail,
        help,
    };
    let user = if geteuid().is_root() { "root" } else { "an ordinary user" };
    let sandbox = match &ended.end {
        End::Passed => {
            let mut detail = format!(
                "user, network, mount, PID, IPC and UTS namespaces, made by {user}; all of this in {} ms",
                begun.elapsed().as_millis()
            );
            for note in &ended.notes {
                detail += &format!("\n{note}");
            }
            finding(State::Good, detail, None)
        }
        End::Failed(_) => finding(State::Refused, ended.output.trim().to_owned(), None),
        refused => finding(State::Refused, refused.to_string(), None),
    };
    (sandbox, ended.records.iter().filter_map(|record| Finding::of_record(record)).collect())
}

/// If this process is the sandbox's in which the kernel is tried, tries it and ends.
pub(super) fn examine_inside() {
    if let Some(inside) = inside().filter(|inside| inside.name() == NAME) {
        inside.run(|| {
            for finding in kernel() {
                record(&finding.to_record());
            }
            ExitCode::SUCCESS
        });
    }
}

/// What can be built, and what is there of what networks are simulated with elsewhere.
fn kernel() -> Vec<Finding> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut findings = vec![found("release", State::Good, release.trim(), None)];
    let pair = || {
        Topology::builder()
            .node("a", |node| node.interface("eth0", "192.0.2.1/24").interface("eth1", "198.51.100.1/24").forward())
            .node("b", |node| node.interface("eth0", "192.0.2.2/24"))
            .node("c", |node| node.interface("eth0", "198.51.100.2/24"))
            .link("a.eth0", "b.eth0")
            .link("a.eth1", "c.eth0")
    };
    type Change = fn(TopologyBuilder) -> TopologyBuilder;
    let networks: [(&str, &str, Change); 6] = [
        ("cables (veth)", "CONFIG_VETH", |network| network),
        ("bridges", "CONFIG_BRIDGE", |network| network.node("d", |node| node.bridge("br0", |bridge| bridge))),
        ("IPv6", "CONFIG_IPV6", |network| network.node("d", |node| node.interface("lo", "2001:db8::1/128"))),
        ("firewalls (nftables)", "CONFIG_NF_TABLES", |network| {
            network.node("d", |node| node.policy(Hook::Input, Policy::Drop))
        }),
        ("connection tracking", "CONFIG_NF_CONNTRACK", |network| {
            let answers = |chain: ChainBuilder| chain.accept(Match::any().state(ConnState::Established));
            network.node("d", |node| node.chain(Family::Inet, ChainKind::Filter, Hook::Input, answers))
        }),
        ("NAT", "CONFIG_NFT_NAT, CONFIG_NFT_MASQ", |network| {
            network.node("d", |node| node.bridge("br0", |bridge| bridge).forward().masquerade("br0"))
        }),
    ];
    for (name, option, change) in networks {
        let built = change(pair())
            .build()
            .map_err(|error| error.to_string())
            .and_then(|topology| topology.up().map(drop).map_err(|error| error.to_string()));
        findings.push(match built {
            Ok(()) => found(name, State::Good, "", None),
            Err(why) => found(name, State::Missing, &why, Some(format!("a kernel with {option}"))),
        });
    }
    let kinds = [
        ("VXLAN", "vxlan", "CONFIG_VXLAN"),
        ("macvlan", "macvlan", "CONFIG_MACVLAN"),
        ("ipvlan", "ipvlan", "CONFIG_IPVLAN"),
        ("VLAN", "vlan", "CONFIG_VLAN_8021Q"),
        ("VRF", "vrf", "CONFIG_NET_VRF"),
        ("WireGuard", "wireguard", "CONFIG_WIREGUARD"),
        ("dummy", "dummy", "CONFIG_DUMMY"),
        ("IFB", "ifb", "CONFIG_IFB"),
    ];
    findings.extend(kinds.map(|(name, kind, option)| tried(name, has_link_kind(kind), option)));
    let disciplines = [
        ("impairments (netem)", "netem", "CONFIG_NET_SCH_NETEM"),
        ("rates (tbf)", "tbf", "CONFIG_NET_SCH_TBF"),
        ("fq_codel", "fq_codel", "CONFIG_NET_SCH_FQ_CODEL"),
    ];
    findings.extend(disciplines.map(|(name, kind, option)| tried(name, has_queueing_discipline(kind), option)));
    findings.push(match fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun") {
        Ok(_) => found("TUN and TAP", State::Good, "/dev/net/tun can be opened", None),
        Err(error) => {
            let help = "sudo modprobe tun; sudo chmod 666 /dev/net/tun".to_owned();
            found("TUN and TAP", State::Missing, &format!("/dev/net/tun: {error}"), Some(help))
        }
    });
    findings.push(match Path::new("/proc/sys/net/bridge").exists() {
        true => found("bridged packets in nftables", State::Good, "br_netfilter is there", None),
        false => {
            let help = "sudo modprobe br_netfilter".to_owned();
            found("bridged packets in nftables", State::Missing, "br_netfilter is not loaded", Some(help))
        }
    });
    findings
}

fn tried(name: &str, tried: Result<bool, netns_test_runtime::KernelError>, option: &str) -> Finding {
    match tried {
        Ok(true) => found(name, State::Good, "", None),
        Ok(false) => found(
            name,
            State::Missing,
            "this kernel does not know it",
            Some(format!("a kernel with {option}, or its module loaded")),
        ),
        Err(error) => found(name, State::Missing, &error.to_string(), None),
    }
}

fn found(name: &str, state: State, detail: &str, help: Option<String>) -> Finding {
    Finding { about: "kernel", name: name.to_owned(), state, detail: detail.to_owned(), help }
}

/// Limits of the host that large networks, or many tests at once, come up against.
fn limits() -> Vec<Finding> {
    let limit = |name: &str, state, detail: String, help: Option<&str>| Finding {
        about: "limits",
        name: name.to_owned(),
        state,
        detail,
        help: help.map(str::to_owned),
    };
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let mut findings = Vec::new();
    for kind in ["user", "net", "mnt", "pid", "ipc", "uts"] {
        let path = format!("/proc/sys/user/max_{kind}_namespaces");
        let Some(most) = number(&path) else { continue };
        let (state, help) = match most {
            0 => (State::Refused, Some(format!("sudo sysctl -w user.max_{kind}_namespaces=10000"))),
            1..1000 => (State::Low, Some(format!("sudo sysctl -w user.max_{kind}_namespaces=10000"))),
            _ => (State::Good, None),
        };
        findings.push(limit(&format!("{kind} namespaces"), state, format!("{most} a user"), help.as_deref()));
    }
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let state = if hard < 4096 { State::Low } else { State::Good };
        let help = (state == State::Low).then_some("ulimit -Hn 65536, or `nofile` in /etc/security/limits.conf");
        findings.push(limit("open files", state, format!("{soft}, raised to {hard} where it is needed"), help));
    }
    for (version, family) in [("IPv4", "ipv4"), ("IPv6", "ipv6")] {
        let Some(most) = number(&format!("/proc/sys/net/{family}/neigh/default/gc_thresh3")) else { continue };
        let state = if most < 4096 { State::Low } else { State::Good };
        let remedy = format!("sudo sysctl -w net.{family}.neigh.default.gc_thresh3=16384");
        let help = (state == State::Low).then_some(remedy.as_str());
        let detail = format!("{most} learned ones, one table for the whole machine (gc_thresh3)");
        findings.push(limit(&format!("{version} neighbours"), state, detail, help));
    }
    let (state, detail, help) =
        match (is_installed("newuidmap") && is_installed("newgidmap"), Path::new("/etc/subuid").exists()) {
            (true, true) => (State::Good, "newuidmap and newgidmap can map more users than one", None),
            _ => (
                State::Missing,
                "an ordinary user's sandbox has one user: programs that drop their privileges must be told not to",
                Some("sudo apt install uidmap, and a line for the user in /etc/subuid and /etc/subgid"),
            ),
        };
    findings.push(limit("more users", state, detail.to_owned(), help));
    findings
}

impl Finding {
    fn to_record(&self) -> String {
        let Self { name, state, detail, help, .. } = self;
        let detail = detail.replace('\t', " ");
        format!("{}\t{name}\t{detail}\t{}", state.word(), help.as_deref().unwrap_or_default())
    }

    fn of_record(record: &str) -> Option<Self> {
        let mut fields = record.split('\t');
        let (state, name) = (State::of_word(fields.next()?)?, fields.next()?);
        let (detail, help) = (fields.next()?, fields.next()?);
        Some(found(name, state, detail, Some(help.to_owned()).filter(|help| !help.is_empty())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_read_as_it_was_written() {
        let good = found("veth", State::Good, "", None);
        assert_eq!(Finding::of_record(&good.to_record()), Some(good));
        let missing = found("netem", State::Missing, "not known", Some("another kernel".into()));
        assert_eq!(Finding::of_record(&missing.to_record()), Some(missing));
        assert_eq!(Finding::of_record("nonsense"), None);
    }
}
