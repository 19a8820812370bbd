//! `iptables` and `ip6tables` ([iptables(8)]).
//!
//! [iptables(8)]: https://man7.org/linux/man-pages/man8/iptables.8.html

use std::net::SocketAddr;

use super::{
    Run,
    words::{Words, network},
};
use crate::{
    Chain, ChainKind, Cidr, ConnState, Family, FirewallRule, Hook, IfName, InvalidValue, Match, Nth, Policy, PortRange,
    Priority, Protocol, Reject, Verdict,
};

const CHAINS: &[&str] = &["INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POSTROUTING"];

/// What is done with a chain.
enum Command<'w> {
    Add { chain: &'w str, position: Option<usize> },
    Policy { chain: &'w str, policy: &'w str },
    Clear,
}

impl Run<'_> {
    pub(super) fn iptables(&mut self, words: &mut Words<'_>, v6: bool) -> Result<(), InvalidValue> {
        let mut table = "filter";
        let mut command = None;
        let mut spec = Spec::default();
        while let Some(word) = words.next() {
            let not = word == "!";
            let word = if not { words.value(word)? } else { word };
            match word {
                "-t" | "--table" => table = words.value(word)?,
                "-A" | "--append" => command = Some(Command::Add { chain: words.value(word)?, position: None }),
                "-I" | "--insert" => {
                    let chain = words.value(word)?;
                    let number = words.peek().and_then(|next| next.parse::<usize>().ok());
                    if number.is_some() {
                        words.next();
                    }
                    command = Some(Command::Add { chain, position: Some(number.unwrap_or(1).saturating_sub(1)) });
                }
                "-P" | "--policy" => {
                    command = Some(Command::Policy { chain: words.value(word)?, policy: words.value(word)? })
                }
                "-F" | "--flush" | "-X" | "--delete-chain" | "-Z" | "--zero" => {
                    if words.peek().is_some_and(|next| !next.starts_with('-')) {
                        words.next();
                    }
                    command = Some(Command::Clear);
                }
                "-L" | "--list" | "-S" | "--list-rules" => {
                    self.note_printing("iptables -L");
                    return Ok(());
                }
                "-w" | "--wait" | "-v" | "--verbose" | "-n" | "--numeric" => {}
                "-D" | "--delete" | "-R" | "--replace" | "-N" | "--new-chain" | "-E" | "-C" => {
                    return Err(words.not_expressible(word));
                }
                _ => spec.take(words, word, not, v6)?,
            }
        }
        let Some(command) = command else {
            return Err(
                InvalidValue::new("`iptables` is given no command").help("write `iptables -A CHAIN … -j VERDICT`")
            );
        };
        let kind = match table {
            "filter" => ChainKind::Filter,
            "nat" => ChainKind::Nat,
            other => {
                return Err(InvalidValue::new(format!("the table `{other}` is not a part of the model"))
                    .help("the import knows `filter` and `nat`"));
            }
        };
        match command {
            Command::Clear => {
                self.machine.chains.retain(|placed| placed.chain.family != family(v6) || placed.chain.kind != kind);
                Ok(())
            }
            Command::Policy { chain, policy } => {
                let policy = match policy {
                    "ACCEPT" => Policy::Accept,
                    "DROP" => Policy::Drop,
                    other => return Err(InvalidValue::no("policy", other, &["ACCEPT", "DROP"])),
                };
                let wanted = base_chain(chain, kind, v6)?;
                self.machine.chain(&wanted, self.at).chain.policy = policy;
                Ok(())
            }
            Command::Add { chain, position } => {
                let wanted = base_chain(chain, kind, v6)?;
                let by = [&spec.matches.input, &spec.matches.output, &spec.matches.not_input, &spec.matches.not_output];
                if self.leads_outside(by.into_iter().flatten()) {
                    return Ok(());
                }
                let rules = spec.rules()?;
                let at = self.at;
                let placed = self.machine.chain(&wanted, at);
                for (n, rule) in rules.into_iter().enumerate() {
                    placed.add_rule(position.map(|position| position + n), rule, at);
                }
                Ok(())
            }
        }
    }
}

fn family(v6: bool) -> Family {
    if v6 { Family::Ip6 } else { Family::Ip }
}

/// The built-in chain of that name, empty.
fn base_chain(name: &str, kind: ChainKind, v6: bool) -> Result<Chain, InvalidValue> {
    let hook = match name {
        "INPUT" => Hook::Input,
        "FORWARD" => Hook::Forward,
        "OUTPUT" => Hook::Output,
        "PREROUTING" => Hook::Prerouting,
        "POSTROUTING" => Hook::Postrouting,
        other => return Err(InvalidValue::no("built-in chain", other, CHAINS)),
    };
    let (there, chains) = match kind {
        ChainKind::Filter => (matches!(hook, Hook::Input | Hook::Forward | Hook::Output), "INPUT, FORWARD and OUTPUT"),
        ChainKind::Nat => (hook != Hook::Forward, "PREROUTING, INPUT, OUTPUT and POSTROUTING"),
    };
    if !there {
        return Err(
            InvalidValue::new(format!("the table `{kind}` has no chain `{name}`")).help(format!("it has {chains}"))
        );
    }
    let priority = match (kind, hook) {
        (ChainKind::Filter, _) => Priority::filter(family(v6)),
        (ChainKind::Nat, Hook::Prerouting | Hook::Output) => Priority::DSTNAT,
        (ChainKind::Nat, _) => Priority::SRCNAT,
    };
    Ok(Chain { family: family(v6), hook, kind, priority, policy: Policy::Accept, rules: Vec::new() })
}

/// What a rule says, as far as it was read; several networks or ports are several rules.
#[derive(Default)]
struct Spec {
    matches: Match,
    sources: Vec<Cidr>,
    targets: Vec<Cidr>,
    source_ports: Vec<PortRange>,
    ports: Vec<PortRange>,
    verdict: Option<Verdict>,
    jump: Option<String>,
    /// Whether `statistic` counts.
    statistic: bool,
    every: Option<u32>,
    packet: u32,
    comment: Option<String>,
}

impl Spec {
    fn take(&mut self, words: &mut Words<'_>, word: &str, not: bool, v6: bool) -> Result<(), InvalidValue> {
        let matches = &mut self.matches;
        match word {
            "-i" | "--in-interface" => {
                *(if not { &mut matches.not_input } else { &mut matches.input }) = Some(interface(words, word)?)
            }
            "-o" | "--out-interface" => {
                *(if not { &mut matches.not_output } else { &mut matches.output }) = Some(interface(words, word)?)
            }
            "-s" | "--source" | "--src" if not => matches.not_from = Some(network(words.value(word)?, v6)?),
            "-d" | "--destination" | "--dst" if not => matches.not_to = Some(network(words.value(word)?, v6)?),
            "-s" | "--source" | "--src" => self.sources = networks(words.value(word)?, v6)?,
            "-d" | "--destination" | "--dst" => self.targets = networks(words.value(word)?, v6)?,
            _ if not => return Err(words.not_expressible(&format!("! {word}"))),
            "-p" | "--protocol" | "--proto" => matches.protocol = protocol(words.value(word)?)?,
            "--dport" | "--destination-port" => self.ports = vec![ports(words.value(word)?)?],
            "--sport" | "--source-port" => self.source_ports = vec![ports(words.value(word)?)?],
            "--dports" | "--destination-ports" => {
                self.ports = words.value(word)?.split(',').map(ports).collect::<Result<_, _>>()?
            }
            "--sports" | "--source-ports" => {
                self.source_ports = words.value(word)?.split(',').map(ports).collect::<Result<_, _>>()?
            }
            "-m" | "--match" => match words.value(word)? {
                "tcp" | "udp" | "icmp" | "icmp6" | "multiport" | "conntrack" | "state" | "statistic" | "comment" => {}
                other => {
                    return Err(InvalidValue::new(format!("the match `-m {other}` is not a part of the model"))
                        .help("the import knows tcp, udp, icmp, multiport, conntrack, state, statistic and comment"));
                }
            },
            "--ctstate" | "--state" => {
                for state in words.value(word)?.split(',') {
                    matches.states.push(match state {
                        "NEW" => ConnState::New,
                        "ESTABLISHED" => ConnState::Established,
                        "RELATED" => ConnState::Related,
                        "INVALID" => ConnState::Invalid,
                        other => {
                            return Err(InvalidValue::no(
                                "connection state",
                                other,
                                &["NEW", "ESTABLISHED", "RELATED", "INVALID"],
                            ));
                        }
                    });
                }
            }
            "--mode" => match words.value(word)? {
                "nth" => self.statistic = true,
                other => {
                    return Err(InvalidValue::new(format!("the statistic mode `{other}` is not a part of the model"))
                        .help("the import knows `--mode nth`, which counts"));
                }
            },
            "--every" => self.every = Some(words.number(word)?),
            "--packet" => self.packet = words.number(word)?,
            "--comment" => self.comment = Some(words.value(word)?.to_owned()),
            "-j" | "--jump" => {
                let target = words.value(word)?;
                self.jump = Some(target.to_owned());
                self.verdict = match target {
                    "ACCEPT" => Some(Verdict::Accept),
                    "DROP" => Some(Verdict::Drop),
                    "REJECT" => Some(Verdict::Reject(Reject::Port)),
                    "MASQUERADE" => Some(Verdict::Masquerade),
                    "SNAT" | "DNAT" => None,
                    other => {
                        return Err(InvalidValue::new(format!("the target `{other}` is not a part of the model"))
                            .help("the import knows ACCEPT, DROP, REJECT, MASQUERADE, SNAT and DNAT"));
                    }
                };
            }
            "--reject-with" => self.verdict = Some(Verdict::Reject(reject(words.value(word)?)?)),
            "--to-source" => {
                let (to, ports) = translated(words.value(word)?)?;
                self.verdict = Some(Verdict::Snat { to, ports });
            }
            "--to-destination" => {
                let (to, range) = translated(words.value(word)?)?;
                let port = match range {
                    None => None,
                    Some(range) if range.0.start() == range.0.end() => Some(*range.0.start()),
                    Some(_) => return Err(words.not_expressible("a range of ports after --to-destination")),
                };
                self.verdict = Some(Verdict::Dnat { to, port });
            }
            other => return Err(words.not_expressible(other)),
        }
        Ok(())
    }

    fn rules(self) -> Result<Vec<FirewallRule>, InvalidValue> {
        let verdict = match (self.verdict, &self.jump) {
            (Some(verdict), Some(_)) => verdict,
            (None, Some(jump)) => {
                let option = if jump == "SNAT" { "--to-source" } else { "--to-destination" };
                return Err(InvalidValue::new(format!("`-j {jump}` does not say to what"))
                    .help(format!("add `{option} ADDRESS`")));
            }
            (_, None) => {
                return Err(InvalidValue::new("this rule has no verdict").help("add `-j ACCEPT`, `-j DROP` or another"));
            }
        };
        if self.statistic && self.every.is_none() {
            return Err(InvalidValue::new("`--mode nth` does not say of how many").help("add `--every NUMBER`"));
        }
        let nth = self.every.map(|every| Nth::new(every, self.packet)).transpose()?;
        let several = [self.sources.len(), self.targets.len(), self.source_ports.len(), self.ports.len()];
        if nth.is_some() && several.iter().any(|number| *number > 1) {
            return Err(InvalidValue::new("one statistic of several networks or ports is not a part of the model")
                .help("write a rule for each, which counts its own packets"));
        }
        let mut rules = Vec::new();
        for from in some(self.sources) {
            for to in some(self.targets.clone()) {
                for source_port in some(self.source_ports.clone()) {
                    for port in some(self.ports.clone()) {
                        let matches =
                            Match { from, to, source_port: source_port.clone(), port, nth, ..self.matches.clone() };
                        rules.push(FirewallRule {
                            comment: self.comment.clone(),
                            ..FirewallRule::new(matches, verdict.clone())
                        });
                    }
                }
            }
        }
        Ok(rules)
    }
}

/// Each of them, or none once.
fn some<T>(list: Vec<T>) -> Vec<Option<T>> {
    if list.is_empty() { vec![None] } else { list.into_iter().map(Some).collect() }
}

fn interface(words: &mut Words<'_>, word: &str) -> Result<IfName, InvalidValue> {
    let name = words.value(word)?;
    if name.ends_with('+') {
        return Err(InvalidValue::new(format!("`{name}` means several interfaces, a rule of the model means one"))
            .help("write a rule for each"));
    }
    IfName::new(name)
}

fn networks(text: &str, v6: bool) -> Result<Vec<Cidr>, InvalidValue> {
    let each = |text: &str| -> Result<Cidr, InvalidValue> { Ok(network(text, v6)?.network()) };
    let networks = text.split(',').map(each).collect::<Result<Vec<_>, _>>()?;
    // Any source at all is no condition.
    Ok(if networks.iter().any(|network| network.prefix() == 0) { Vec::new() } else { networks })
}

fn protocol(text: &str) -> Result<Option<Protocol>, InvalidValue> {
    Ok(Some(match text.to_ascii_lowercase().as_str() {
        "all" | "0" => return Ok(None),
        "tcp" | "6" => Protocol::Tcp,
        "udp" | "17" => Protocol::Udp,
        "icmp" | "1" => Protocol::Icmp,
        "icmpv6" | "ipv6-icmp" | "icmp6" | "58" => Protocol::Icmpv6,
        other => match other.parse() {
            Ok(number) => Protocol::Other(number),
            Err(_) => return Err(InvalidValue::no("protocol", text, &["tcp", "udp", "icmp", "icmpv6", "all"])),
        },
    }))
}

fn ports(text: &str) -> Result<PortRange, InvalidValue> {
    let port = |text: &str, open: u16| match text {
        "" => Ok(open),
        "http" => Ok(80),
        "https" => Ok(443),
        "ssh" => Ok(22),
        "domain" => Ok(53),
        _ => text.parse().map_err(|_| InvalidValue::new(format!("`{text}` is not a port")).help("write its number")),
    };
    let (first, last) = text.split_once([':', '-']).unwrap_or((text, text));
    Ok(PortRange(port(first, 0)?..=port(last, u16::MAX)?))
}

fn reject(text: &str) -> Result<Reject, InvalidValue> {
    Ok(match text {
        "icmp-port-unreachable" | "icmp6-port-unreachable" | "port-unreach" => Reject::Port,
        "icmp-host-unreachable" | "icmp6-addr-unreachable" | "addr-unreach" => Reject::Host,
        "icmp-net-unreachable" | "icmp6-no-route" | "no-route" => Reject::Network,
        "icmp-admin-prohibited" | "icmp6-adm-prohibited" | "adm-prohibited" => Reject::AdminProhibited,
        "tcp-reset" => Reject::TcpReset,
        other => {
            return Err(InvalidValue::no(
                "way to reject",
                other,
                &[
                    "icmp-port-unreachable",
                    "icmp-host-unreachable",
                    "icmp-net-unreachable",
                    "icmp-admin-prohibited",
                    "tcp-reset",
                ],
            ));
        }
    })
}

/// An address with ports, as SNAT and DNAT take them.
fn translated(text: &str) -> Result<(std::net::IpAddr, Option<PortRange>), InvalidValue> {
    if let Ok(address) = text.parse() {
        return Ok((address, None));
    }
    let wrong = || {
        InvalidValue::new(format!("`{text}` is neither an address nor one with a port"))
            .help("write `10.0.0.2`, `10.0.0.2:80` or `10.0.0.2:1000-2000`")
    };
    let (host, range) = text.rsplit_once(':').ok_or_else(wrong)?;
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let with_port: SocketAddr = format!("{host}:{first}").parse().map_err(|_| wrong())?;
    Ok((with_port.ip(), Some(ports(&format!("{first}-{last}"))?)))
}
