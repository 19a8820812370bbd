//! One readable line a step.

use std::fmt;

use super::{Action, LinkState, Plan, Step, VethEnd};
use crate::{BridgeOptions, IfName, Mac, Role};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.steps.iter().map(|step| step.node.len()).max().unwrap_or(0);
        for step in &self.steps {
            writeln!(f, "{:width$}  {}", step.node, Line(step))?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.node, Line(self))
    }
}

/// A step without its node.
struct Line<'a>(&'a Step);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.action)?;
        match self.0.departure {
            Some(departure) => write!(f, "  ({departure})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::CreateNode { role: Role::Host } => f.write_str("node"),
            Action::CreateNode { role: Role::Switch } => f.write_str("switch"),
            Action::SetSysctl(sysctl) => write!(f, "sysctl {sysctl}"),
            Action::CreateBridge { name, mac, options } => {
                write!(f, "bridge {name}")?;
                if let Some(mac) = mac {
                    write!(f, " mac {mac}")?;
                }
                write!(f, "{options}")
            }
            Action::CreateVeth { end, peer_node, peer } => write!(f, "veth {end} -- {peer_node}.{peer}"),
            Action::CreateVxlan { name, mac, mtu, vxlan } => {
                write!(f, "vxlan {}", Made(name, *mac, *mtu))?;
                write!(f, " {vxlan}")
            }
            Action::CreateMacvlan { name, mac, mtu, macvlan } => {
                write!(f, "macvlan {}", Made(name, *mac, *mtu))?;
                write!(f, " {macvlan}")
            }
            Action::SetMaster { interface, master } => write!(f, "port {interface} of {master}"),
            Action::SetMtu { interface, mtu } => write!(f, "mtu {interface} {mtu}"),
            Action::SetNeighbourTimers { interface, v6, timers } => write!(
                f,
                "{} {interface} retransmit {:?} multicast-probes {} unicast-probes {} proxy-delay {:?}",
                if *v6 { "ndisc" } else { "arp" },
                timers.retransmit,
                timers.multicast_probes,
                timers.unicast_probes,
                timers.proxy_delay
            ),
            Action::AddAddress { interface, address, no_dad } => {
                write!(f, "address {interface} {address}{}", if *no_dad { " nodad" } else { "" })
            }
            Action::SetUp { interface } => write!(f, "up {interface}"),
            Action::AddNeighbour(neighbour) => write!(f, "neighbour {neighbour}"),
            Action::AddFdb(entry) => write!(f, "fdb {entry}"),
            Action::AwaitLink { interface, state, .. } => write!(f, "await {interface} {state}"),
            Action::AwaitAddress { address } => write!(f, "await {address} not tentative"),
            Action::AddRoute(route) => write!(f, "route {route}"),
            Action::AddRule(rule) => write!(f, "rule {rule}"),
            Action::SetNameServers(servers) => {
                servers.iter().try_fold(f.write_str("nameserver")?, |(), server| write!(f, " {server}"))
            }
            Action::SetFirewall { chains, counters } => {
                f.write_str("firewall")?;
                for counter in counters {
                    write!(f, " counter \"{counter}\"")?;
                }
                for chain in chains {
                    write!(f, " {chain}")?;
                }
                Ok(())
            }
        }
    }
}

/// An interface with what it is made with.
struct Made<'a>(&'a IfName, Option<Mac>, Option<u32>);

impl fmt::Display for Made<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, mac, mtu) = self;
        write!(f, "{name}")?;
        if let Some(mac) = mac {
            write!(f, " mac {mac}")?;
        }
        match mtu {
            Some(mtu) => write!(f, " mtu {mtu}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for VethEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Made(&self.name, self.mac, self.mtu))?;
        if let Some(index) = self.index {
            write!(f, " index {index}")?;
        }
        Ok(())
    }
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            LinkState::Running => "running",
            LinkState::NoCarrier => "no-carrier",
            LinkState::Down => "down",
        })
    }
}

/// Prints what is set, each option after a space.
impl fmt::Display for BridgeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let switches = [
            ("stp", self.stp),
            ("multicast-snooping", self.multicast_snooping),
            ("nf-call-iptables", self.nf_call_iptables),
            ("nf-call-ip6tables", self.nf_call_ip6tables),
            ("nf-call-arptables", self.nf_call_arptables),
        ];
        for (name, switch) in switches {
            if let Some(on) = switch {
                write!(f, " {name} {}", if on { "on" } else { "off" })?;
            }
        }
        for (name, time) in [("forward-delay", self.forward_delay), ("ageing", self.ageing)] {
            match time {
                Some(time) if time.is_zero() => write!(f, " {name} 0s")?,
                Some(time) => write!(f, " {name} {time:?}")?,
                None => {}
            }
        }
        Ok(())
    }
}
