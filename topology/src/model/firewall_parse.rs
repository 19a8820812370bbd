//! Firewall rules read from the syntax of `nft`.

use std::{net::SocketAddr, str::FromStr};

use super::{
    ChainKind, ConnState, Family, FirewallRule, Hook, IfName, InvalidValue, Match, Nth, Policy, PortRange, Protocol,
    Reject, Verdict, words::Words,
};

const KNOWN: &[&str] = &[
    "iifname",
    "oifname",
    "ether",
    "ip",
    "ip6",
    "meta",
    "tcp",
    "udp",
    "icmp",
    "icmpv6",
    "ct",
    "numgen",
    "counter",
    "accept",
    "drop",
    "reject",
    "masquerade",
    "snat",
    "dnat",
    "comment",
    "sport",
    "dport",
];

/// Reads a rule in the syntax of [nft(8)], as far as the model goes.
///
/// ```
/// use netns_test_topology::FirewallRule;
///
/// for text in [
///     "tcp dport 25 drop",
///     r#"iifname "wan" ip saddr != 10.0.0.0/8 udp dport 1000-2000 ct state new,related counter name "seen""#,
///     r#"meta l4proto icmp reject with icmpx admin-prohibited comment "no ping""#,
/// ] {
///     let rule: FirewallRule = text.parse()?;
///     assert_eq!(rule.to_string(), text);
/// }
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html
impl FromStr for FirewallRule {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut words = Words::new("firewall rule", text);
        let mut rule = FirewallRule { matches: Match::default(), verdict: None, counter: None, comment: None };
        while let Some(word) = words.next() {
            if rule.verdict.is_some() && word != "comment" {
                let error =
                    InvalidValue::new(format!("`{word}` stands after the verdict of the firewall rule `{text}`"));
                return Err(
                    words.wrong(word, error.help("matches and counter come first, then the verdict, then a comment"))
                );
            }
            match word {
                "counter" => {
                    if words.peek() == Some("name") {
                        words.next();
                    }
                    rule.counter = Some(unquoted(words.value(word)?).to_owned());
                }
                "comment" => {
                    if words.peek().is_none() {
                        words.value(word)?;
                    }
                    rule.comment = Some(unquoted(words.rest()).to_owned());
                }
                other => match verdict(&mut words, other)? {
                    Some(found) => rule.verdict = Some(found),
                    None => matches(&mut words, other, &mut rule.matches)?,
                },
            }
        }
        if rule.verdict.is_none() && rule.counter.is_none() {
            return Err(InvalidValue::new(format!("the firewall rule `{text}` does nothing"))
                .help("end it with `accept`, `drop` or `reject`, or count with `counter NAME`"));
        }
        Ok(rule)
    }
}

/// Reads which packets, in the syntax of [nft(8)]; the empty text takes every packet.
///
/// [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html
impl FromStr for Match {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut words = Words::new("match", text);
        let mut found = Match::default();
        while let Some(word) = words.next() {
            matches(&mut words, word, &mut found)?;
        }
        Ok(found)
    }
}

/// Reads what a rule does, in the syntax of [nft(8)].
///
/// [nft(8)]: https://man7.org/linux/man-pages/man8/nft.8.html
impl FromStr for Verdict {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        const VERDICTS: &[&str] = &["accept", "drop", "reject", "masquerade", "snat", "dnat"];
        let mut words = Words::new("verdict", text);
        let Some(word) = words.next() else {
            return Err(
                InvalidValue::new("a verdict cannot be empty").help(format!("there are {}", VERDICTS.join(", ")))
            );
        };
        let found = verdict(&mut words, word)?.ok_or_else(|| words.unknown(word, VERDICTS))?;
        match words.next() {
            None => Ok(found),
            Some(more) => {
                let error = InvalidValue::new(format!("`{more}` stands after the verdict `{found}`"));
                Err(words.wrong(more, error.help("leave it out")))
            }
        }
    }
}

fn matches<'a>(words: &mut Words<'a>, word: &'a str, m: &mut Match) -> Result<(), InvalidValue> {
    match word {
        "iifname" | "oifname" => {
            let not = negated(words);
            let text = words.value(word)?;
            let name = Some(IfName::new(unquoted(text)).map_err(|error| words.wrong(text, error))?);
            match (word, not) {
                ("iifname", false) => m.input = name,
                ("iifname", true) => m.not_input = name,
                (_, false) => m.output = name,
                (_, true) => m.not_output = name,
            }
        }
        "ip" | "ip6" => {
            let direction = words.value(word)?;
            if !matches!(direction, "saddr" | "daddr") {
                return Err(words.unknown(direction, &["saddr", "daddr"]));
            }
            let not = negated(words);
            let text = words.value(direction)?;
            let network = words.network(text)?;
            if network.is_ipv6() != (word == "ip6") {
                let right = if network.is_ipv6() { "ip6" } else { "ip" };
                let error = InvalidValue::new(format!("`{text}` is no address of the family `{word}`"));
                return Err(words.wrong(text, error.help(format!("write `{right} {direction} {text}`"))));
            }
            match (direction, not) {
                ("saddr", false) => m.from = Some(network),
                ("saddr", true) => m.not_from = Some(network),
                (_, false) => m.to = Some(network),
                (_, true) => m.not_to = Some(network),
            }
        }
        "ether" => {
            expect(words, word, "type")?;
            m.ethertype = Some(words.number("type")?);
        }
        "meta" => {
            expect(words, word, "l4proto")?;
            m.protocol = Some(protocol(words)?);
        }
        "ct" => {
            expect(words, word, "state")?;
            let list = words.value("state")?;
            for name in list.split(',') {
                m.states.push(state(name).map_err(|error| words.wrong(name, error))?);
            }
        }
        "numgen" => {
            expect(words, word, "inc")?;
            expect(words, "inc", "mod")?;
            m.nth = Some(nth(words)?);
        }
        "th" => ports(words, word, m)?,
        "tcp" | "udp" | "icmp" | "icmpv6" | "ipv6-icmp" => {
            m.protocol = Some(word.parse().map_err(|error| words.wrong(word, error))?);
            if matches!(words.peek(), Some("sport" | "dport")) {
                ports(words, word, m)?;
            }
        }
        other => match other.parse::<u8>() {
            Ok(number) if matches!(words.peek(), Some("sport" | "dport")) => {
                m.protocol = Some(Protocol::Other(number));
                ports(words, word, m)?;
            }
            _ => return Err(words.unknown(other, KNOWN)),
        },
    }
    Ok(())
}

/// One `sport` or `dport` with its range.
fn ports<'a>(words: &mut Words<'a>, word: &'a str, m: &mut Match) -> Result<(), InvalidValue> {
    let direction = words.value(word)?;
    match direction {
        "sport" => m.source_port = Some(range(words, direction)?),
        "dport" => m.port = Some(range(words, direction)?),
        other => return Err(words.unknown(other, &["sport", "dport"])),
    }
    Ok(())
}

/// How many packets a round has, and which one of them, with or without `==`.
fn nth(words: &mut Words<'_>) -> Result<Nth, InvalidValue> {
    let every = words.number("mod")?;
    if words.peek() == Some("==") {
        words.next();
    }
    let text = words.peek().unwrap_or_default();
    Nth::new(every, words.number("mod")?).map_err(|error| words.wrong(text, error))
}

fn range(words: &mut Words<'_>, word: &str) -> Result<PortRange, InvalidValue> {
    let text = words.value(word)?;
    text.parse().map_err(|error| words.wrong(text, error))
}

fn verdict<'a>(words: &mut Words<'a>, word: &'a str) -> Result<Option<Verdict>, InvalidValue> {
    Ok(Some(match word {
        "accept" => Verdict::Accept,
        "drop" => Verdict::Drop,
        "masquerade" => Verdict::Masquerade,
        "reject" if words.peek() == Some("with") => {
            words.next();
            Verdict::Reject(reject(words)?)
        }
        "reject" => Verdict::Reject(Reject::Port),
        "snat" | "dnat" => {
            expect(words, word, "to")?;
            let text = words.value("to")?;
            let wrong = |words: &Words<'a>| {
                let error = InvalidValue::new(format!("`{text}` is neither an address nor one with a port"));
                words.wrong(text, error.help("write `10.0.0.2`, `10.0.0.2:80` or `[fd00::2]:80`"))
            };
            match (word, text.parse()) {
                ("snat", Ok(to)) => Verdict::Snat { to, ports: None },
                (_, Ok(to)) => Verdict::Dnat { to, port: None },
                ("snat", Err(_)) => {
                    let (address, ports) = text.rsplit_once(':').ok_or_else(|| wrong(words))?;
                    let address = address.trim_start_matches('[').trim_end_matches(']');
                    let to = address.parse().map_err(|_| wrong(words))?;
                    Verdict::Snat { to, ports: Some(ports.parse().map_err(|_| wrong(words))?) }
                }
                (_, Err(_)) => {
                    let socket: SocketAddr = text.parse().map_err(|_| wrong(words))?;
                    Verdict::Dnat { to: socket.ip(), port: Some(socket.port()) }
                }
            }
        }
        _ => return Ok(None),
    }))
}

fn reject(words: &mut Words<'_>) -> Result<Reject, InvalidValue> {
    let how = words.value("with")?;
    let kind = words.value(how)?;
    Ok(match (how, kind) {
        ("tcp", "reset") => Reject::TcpReset,
        ("icmpx", "port-unreachable") => Reject::Port,
        ("icmpx", "host-unreachable") => Reject::Host,
        ("icmpx", "no-route") => Reject::Network,
        ("icmpx", "admin-prohibited") => Reject::AdminProhibited,
        ("tcp", other) => return Err(words.unknown(other, &["reset"])),
        ("icmpx", other) => {
            return Err(words.unknown(other, &["port-unreachable", "host-unreachable", "no-route", "admin-prohibited"]));
        }
        (other, _) => return Err(words.unknown(other, &["tcp", "icmpx"])),
    })
}

fn protocol(words: &mut Words<'_>) -> Result<Protocol, InvalidValue> {
    let text = words.value("l4proto")?;
    text.parse().map_err(|error| words.wrong(text, error))
}

fn state(name: &str) -> Result<ConnState, InvalidValue> {
    [ConnState::Invalid, ConnState::New, ConnState::Established, ConnState::Related]
        .into_iter()
        .find(|state| state.to_string() == name)
        .ok_or_else(|| InvalidValue::no("state of a connection", name, &["invalid", "new", "established", "related"]))
}

fn expect<'a>(words: &mut Words<'a>, word: &'a str, next: &'static str) -> Result<(), InvalidValue> {
    let found = words.value(word)?;
    if found == next { Ok(()) } else { Err(words.unknown(found, &[next])) }
}

fn negated(words: &mut Words<'_>) -> bool {
    let not = words.peek() == Some("!=");
    if not {
        words.next();
    }
    not
}

/// What stands between quotation marks, or all of it.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

impl FromStr for Protocol {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Ok(match text {
            "icmp" => Protocol::Icmp,
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            "ipv6-icmp" | "icmpv6" => Protocol::Icmpv6,
            other => Protocol::Other(
                other.parse().map_err(|_| InvalidValue::no("protocol", other, &["icmp", "tcp", "udp", "icmpv6"]))?,
            ),
        })
    }
}

impl FromStr for PortRange {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wrong = || {
            let error = InvalidValue::new(format!("`{text}` is neither a port nor a range of ports"));
            match text.contains(['{', ',']) {
                true => error.help("several ports take a rule each"),
                false => error.help("write a number from 0 to 65535, or two with a `-` between: `1000-2000`"),
            }
        };
        let port = |text: &str| text.parse::<u16>().map_err(|_| wrong());
        Ok(match text.split_once('-') {
            Some((first, last)) => (port(first)?..=port(last)?).into(),
            None => port(text)?.into(),
        })
    }
}

impl FromStr for Policy {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "accept" => Ok(Policy::Accept),
            "drop" => Ok(Policy::Drop),
            other => Err(InvalidValue::no("policy", other, &["accept", "drop"])),
        }
    }
}

impl FromStr for Family {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Ok(match text {
            "inet" => Family::Inet,
            "ip" => Family::Ip,
            "ip6" => Family::Ip6,
            "bridge" => Family::Bridge,
            other => return Err(InvalidValue::no("family of chains", other, &["inet", "ip", "ip6", "bridge"])),
        })
    }
}

impl FromStr for ChainKind {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "filter" => Ok(ChainKind::Filter),
            "nat" => Ok(ChainKind::Nat),
            other => Err(InvalidValue::no("kind of chain", other, &["filter", "nat"])),
        }
    }
}

impl FromStr for Hook {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Ok(match text {
            "prerouting" => Hook::Prerouting,
            "input" => Hook::Input,
            "forward" => Hook::Forward,
            "output" => Hook::Output,
            "postrouting" => Hook::Postrouting,
            other => {
                return Err(InvalidValue::no(
                    "hook",
                    other,
                    &["prerouting", "input", "forward", "output", "postrouting"],
                ));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_every_so_many_packets_has_a_number_that_there_is() {
        let wrong = |text: &str| text.parse::<FirewallRule>().unwrap_err().to_string();
        assert!(wrong("numgen inc mod 2 2 drop").starts_with("no packet of every 2 has the number 2"));
        assert!(wrong("numgen inc mod 0 0 drop").starts_with("no packet of every 0 has the number 0"));
        assert!(wrong("numgen random mod 2 0 drop").contains("unknown word `random`"));
        assert!(wrong("numgen inc mod two 0 drop").contains("`two` is no possible number"));
        let rule: FirewallRule = "numgen inc mod 2 == 1 drop".parse().unwrap();
        assert_eq!(rule.to_string(), "numgen inc mod 2 1 drop");
    }

    #[test]
    fn a_rule_reads_back_as_it_prints() {
        for text in [
            "accept",
            "drop comment \"a \"quoted\" remark\"",
            "iifname \"eth0\" oifname != \"eth1\" reject",
            "ether type 0x0806 drop",
            "ip saddr 10.0.0.1 ip daddr != 10.9.0.0/16 tcp sport 7 tcp dport 1000-2000 accept",
            "ip6 saddr fd00::/8 meta l4proto ipv6-icmp counter name \"pings\"",
            "meta l4proto 47 drop",
            "132 dport 9 drop",
            "th dport 9 drop",
            "ct state new,established,related,invalid counter name \"all\" accept",
            "tcp dport 80 ct state new numgen inc mod 2 1 dnat to 10.0.0.2",
            "tcp dport 25 reject with tcp reset",
            "reject with icmpx host-unreachable",
            "reject with icmpx no-route",
            "reject with icmpx admin-prohibited",
            "oifname \"wan\" masquerade",
            "snat to 203.0.113.1",
            "udp sport 53 snat to 203.0.113.1:1000-2000",
            "udp sport 53 snat to [fd00::1]:1000",
            "udp dport 53 dnat to [fd00::2]:5353",
            "dnat to 10.0.0.2",
        ] {
            assert_eq!(text.parse::<FirewallRule>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_rule_says_what_is_wrong_and_where() {
        let wrong = |text: &str| {
            let error = text.parse::<FirewallRule>().unwrap_err();
            let place = error.range().map(|range| text[range].to_owned()).unwrap_or_default();
            format!("{place}: {error}")
        };
        assert_eq!(
            wrong("tcp dprot 25 drop"),
            "dprot: unknown word `dprot` in the firewall rule `tcp dprot 25 drop` (help: did you mean `dport`?)"
        );
        assert_eq!(
            wrong("tcp dport 65536 drop"),
            "65536: `65536` is neither a port nor a range of ports (help: write a number from 0 to 65535, or two with \
             a `-` between: `1000-2000`)"
        );
        assert_eq!(
            wrong("ip saddr fd00::1 drop"),
            "fd00::1: `fd00::1` is no address of the family `ip` (help: write `ip6 saddr fd00::1`)"
        );
        assert!(wrong("tcp dport 25").starts_with(": the firewall rule `tcp dport 25` does nothing"));
        assert!(wrong("drop tcp").starts_with("tcp: `tcp` stands after the verdict"));
        assert!(wrong("drop comment").starts_with("comment: the firewall rule `drop comment` ends after `comment`"));
        assert!(wrong("ct state news drop").ends_with("(help: did you mean `new`?)"));
    }
}
