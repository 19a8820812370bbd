//! Descriptions of traffic and of outcomes, with names of nodes in the place of addresses.

use netns_test_runtime::{
    lab::Lab,
    probe::{Expectation, Protocol, Reason, Speaker, Target, Traffic, any, arp, icmp, ndp, ping, tcp, udp},
};
use netns_test_topology::{
    Cidr, Draft, Mac,
    check::nearest,
    file::{
        Mistakes, Source, WRONG_TYPE,
        tree::{Data, Value},
    },
};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use super::words::{Place, Reader, Station, Whom};

/// Traffic such as `icmp requests from client to 10.0.0.0/8` or `tcp 443`.
#[derive(Debug, Clone)]
pub(crate) struct Packets {
    text: String,
    base: Traffic,
    from: Option<Network>,
    to: Option<Network>,
}

#[derive(Debug, Clone)]
enum Network {
    Cidr(Cidr),
    Whom(Whom),
}

/// Outcomes such as `reached`, `refused by server` or `timeout | host unreachable local`.
#[derive(Debug, Clone)]
pub(crate) struct Outcomes {
    text: String,
    all: Vec<Outcome>,
}

#[derive(Debug, Clone)]
struct Outcome {
    reason: Reason,
    /// Of a packet that is too big.
    mtu: Option<u32>,
    said: Said,
}

#[derive(Debug, Clone)]
enum Said {
    Anybody,
    Local,
    By(Whom),
}

/// Somebody with one or more addresses.
struct Voice {
    label: String,
    addresses: Vec<IpAddr>,
}

impl Speaker for Voice {
    fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.clone()
    }

    fn label(&self) -> String {
        self.label.clone()
    }
}

impl Whom {
    /// Its addresses now, of which there is at least one: nothing holds of nobody.
    pub(crate) fn addresses(&self, lab: &Lab) -> Result<Vec<IpAddr>, String> {
        let target = self.target(lab)?;
        let addresses = target.addresses().map_err(|why| {
            format!(
                "{why}, so nothing is known of it\n  help: link-local addresses are not taken: write the address itself"
            )
        })?;
        Ok(addresses.iter().map(SocketAddr::ip).collect())
    }

    /// An echo request to it.
    pub(crate) fn target(&self, lab: &Lab) -> Result<Target, String> {
        match self {
            Self::Address(address) => Ok(ping(*address)),
            Self::Place(Place::Node(node)) => Ok(lab.node(node).map_err(|e| e.to_string())?.ping()),
            Self::Place(Place::Interface(node, interface)) => {
                let node = lab.node(node).map_err(|e| e.to_string())?;
                Ok(node.interface(interface).map_err(|e| e.to_string())?.ping())
            }
        }
    }
}

impl Station {
    /// Its MAC address now.
    pub(crate) fn mac(&self, lab: &Lab) -> Result<Mac, String> {
        match self {
            Self::Mac(mac) => Ok(*mac),
            Self::Interface(node, interface) => {
                lab.node(node).and_then(|node| node.interface(interface)?.mac()).map_err(|error| error.to_string())
            }
        }
    }
}

impl fmt::Display for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Packets {
    /// Reads it outside of a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and help.
    pub(crate) fn parse(text: &str, network: &Draft) -> Result<Self, String> {
        let data = Data::Text { text: text.to_owned(), verbatim: false };
        let mut reader = Reader::new(network);
        let packets = Self::read(&mut reader, &Value { span: 0..text.len(), data });
        packets.ok_or_else(|| Mistakes::new(Source::new("filter", text), reader.found).to_string())
    }

    pub(crate) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let text = reader.text(value)?.to_owned();
        let mut words = text.split_whitespace().peekable();
        let protocols = ["icmp", "arp", "ndp", "any", "tcp", "udp"];
        let protocol = words.next().unwrap_or_default();
        let mut base = match protocol {
            "icmp" => icmp(),
            "arp" => arp(),
            "ndp" => ndp(),
            "any" => any(),
            "tcp" | "udp" => {
                words.next_if_eq(&"port");
                let Some(port) = words.next().and_then(|port| port.parse::<u16>().ok()).filter(|port| *port > 0) else {
                    let help = format!("write it after the protocol, such as `{protocol} 80`");
                    reader.wrong(WRONG_TYPE, &value.span, format!("`{text}` has no port"), help);
                    return None;
                };
                if protocol == "tcp" { tcp(port) } else { udp(port) }
            }
            other => {
                let help = match nearest(other, protocols) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the protocols are `{}`", protocols.join("`, `")),
                };
                reader.wrong(WRONG_TYPE, &value.span, format!("`{other}` is no protocol"), help);
                return None;
            }
        };
        let (mut from, mut to) = (None, None);
        while let Some(word) = words.next() {
            match word {
                "requests" | "replies" if !base.protocol().has_requests() => {
                    let message = format!("`{protocol}` packets are neither requests nor replies");
                    reader.wrong(WRONG_TYPE, &value.span, message, "say by `from X` and `to Y` who sends them");
                    return None;
                }
                "requests" => base = base.requests(),
                "replies" => base = base.replies(),
                "from" | "to" => {
                    let Some(named) = words.next() else {
                        let help =
                            format!("write an address, a network or a name behind it, such as `{word} 10.0.0.0/8`");
                        reader.wrong(WRONG_TYPE, &value.span, format!("`{text}` ends with `{word}`"), help);
                        return None;
                    };
                    let network = read_network(reader, named, value)?;
                    *if word == "from" { &mut from } else { &mut to } = Some(network);
                }
                other => {
                    let help = "after the protocol come `requests` or `replies`, `from X` and `to Y`";
                    reader.wrong(WRONG_TYPE, &value.span, format!("`{other}` has no meaning in `{text}`"), help);
                    return None;
                }
            }
        }
        Some(Self { text, base, from, to })
    }

    /// What a responder can answer.
    pub(crate) fn served(reader: &mut Reader, value: &Value) -> Option<Self> {
        let packets = Self::read(reader, value)?;
        let is_plain = !packets.base.is_partial() && packets.from.is_none() && packets.to.is_none();
        if is_plain && packets.base.port().is_some() {
            return Some(packets);
        }
        let help = "a responder needs TCP or UDP and a port, such as `tcp 80`, and answers everybody";
        reader.wrong(WRONG_TYPE, &value.span, format!("cannot serve `{packets}`"), help);
        None
    }

    /// What a program can listen for.
    pub(crate) fn with_port(reader: &mut Reader, value: &Value) -> Option<Self> {
        let packets = Self::read(reader, value)?;
        if packets.base.port().is_some() {
            return Some(packets);
        }
        let message = format!("no program listens for `{packets}` on a port");
        reader.wrong(WRONG_TYPE, &value.span, message, "write `tcp PORT` or `udp PORT`");
        None
    }

    /// What a router can forward.
    pub(crate) fn forwarded(reader: &mut Reader, value: &Value) -> Option<Self> {
        let packets = Self::read(reader, value)?;
        if !packets.base.is_partial() && !packets.is_of_one_link() {
            return Some(packets);
        }
        let message = format!("`{packets}` is not what a router forwards");
        reader.wrong(WRONG_TYPE, &value.span, message, "name icmp, tcp or udp, or a network");
        None
    }

    /// What can be a connection.
    pub(crate) fn tracked(reader: &mut Reader, value: &Value) -> Option<Self> {
        let packets = Self::read(reader, value)?;
        if !packets.base.is_partial() && !packets.is_of_one_link() {
            return Some(packets);
        }
        let message = format!("`{packets}` is no connection, so none could be tracked");
        let help = "name icmp, tcp or udp, and by `from X` and `to Y` who began it";
        reader.wrong(WRONG_TYPE, &value.span, message, help);
        None
    }

    /// Whether no router sees it.
    fn is_of_one_link(&self) -> bool {
        matches!(self.base.protocol(), Protocol::Arp | Protocol::Ndp)
    }

    pub(crate) fn traffic(&self, lab: &Lab) -> Result<Traffic, String> {
        let mut traffic = self.base.clone();
        if let Some(network) = &self.from {
            traffic = traffic.from(network.cidr(lab)?);
        }
        if let Some(network) = &self.to {
            traffic = traffic.to(network.cidr(lab)?);
        }
        Ok(traffic)
    }
}

fn read_network(reader: &mut Reader, word: &str, value: &Value) -> Option<Network> {
    match word.parse() {
        Ok(cidr) => Some(Network::Cidr(cidr)),
        Err(_) => reader.whom(word, &value.span).map(Network::Whom),
    }
}

impl Network {
    fn cidr(&self, lab: &Lab) -> Result<Cidr, String> {
        match self {
            Self::Cidr(cidr) => Ok(*cidr),
            Self::Whom(whom) => match whom.addresses(lab)?[..] {
                [address] => Ok(Cidr::host(address)),
                ref all => Err(format!("`{whom}` has {} addresses: name an interface, or an address", all.len())),
            },
        }
    }
}

impl Outcomes {
    pub(crate) fn reached() -> Self {
        let all = vec![Outcome { reason: Reason::Reached, mtu: None, said: Said::Anybody }];
        Self { text: Reason::Reached.to_string(), all }
    }

    pub(crate) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let text = reader.text(value)?.to_owned();
        let terms = text.split('|').map(|term| read_outcome(reader, term.trim(), value));
        let all = terms.collect::<Option<Vec<_>>>()?;
        let anyhow = |reason| all.iter().any(|one: &Outcome| one.reason == reason && matches!(one.said, Said::Anybody));
        if anyhow(Reason::Reached) && anyhow(Reason::Anything) {
            reader.wrong(WRONG_TYPE, &value.span, "every outcome is one of these", "leave some of them out");
            return None;
        }
        Some(Self { text, all })
    }

    /// Whether a probe that is answered is one of them.
    pub(crate) fn may_be_reached(&self) -> bool {
        self.all.iter().any(|one| one.reason == Reason::Reached)
    }

    pub(crate) fn expectation(&self, lab: &Lab) -> Result<Expectation, String> {
        let mut all: Option<Expectation> = None;
        for Outcome { reason, mtu, said } in &self.all {
            let reason = match mtu {
                Some(mtu) => reason.mtu(*mtu),
                None => (*reason).into(),
            };
            let one = match said {
                Said::Anybody => reason,
                Said::Local => reason.local(),
                Said::By(whom) => reason.by(Voice { label: whom.to_string(), addresses: whom.addresses(lab)? }),
            };
            all = Some(match all {
                None => one,
                Some(others) => others | one,
            });
        }
        all.ok_or_else(|| "no outcome is named".to_owned())
    }
}

fn read_outcome(reader: &mut Reader, term: &str, value: &Value) -> Option<Outcome> {
    let names = Reason::ALL.map(|reason| (reason, reason.to_string()));
    let found = names.iter().find_map(|(reason, name)| Some((*reason, term.strip_prefix(name.as_str())?.trim())));
    let Some((reason, rest)) = found else {
        let help = match nearest(term, names.iter().map(|(_, name)| name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let all = || names.iter().map(|(_, name)| name.as_str());
                let with: Vec<&str> = all().filter(|name| !term.is_empty() && name.contains(term)).collect();
                match with.is_empty() {
                    true => format!("the outcomes are `{}`", all().collect::<Vec<_>>().join("`, `")),
                    false => format!("did you mean `{}`?", with.join("` or `")),
                }
            }
        };
        reader.wrong(WRONG_TYPE, &value.span, format!("`{term}` is no outcome"), help);
        return None;
    };
    let (mtu, who) = match rest.strip_prefix("mtu ").map(str::trim_start) {
        Some(words) if reason == Reason::PacketTooBig => {
            let (number, who) = words.split_once(' ').unwrap_or((words, ""));
            // What is no number has no meaning below either.
            number.parse().map_or((None, rest), |mtu| (Some(mtu), who.trim_start()))
        }
        _ => (None, rest),
    };
    let said = match who.split_once(' ') {
        None if who.is_empty() => Said::Anybody,
        Some(("by", _)) | None if reason == Reason::Timeout && (who == "local" || who.starts_with("by ")) => {
            let help = "write `timeout` alone";
            reader.wrong(WRONG_TYPE, &value.span, format!("nobody says a timeout, so `{term}` is never seen"), help);
            return None;
        }
        None if who == "local" => Said::Local,
        Some(("by", whom)) => Said::By(reader.whom(whom.trim(), &value.span)?),
        _ => {
            let help = match (rest.strip_prefix("or "), reason) {
                (Some(_), _) => "write ` | ` between outcomes of which any will do".to_owned(),
                (None, Reason::PacketTooBig) => format!("after `{reason}` may come `mtu N`, then `local` or `by NODE`"),
                (None, _) => format!("after `{reason}` may come `local` or `by NODE`"),
            };
            reader.wrong(WRONG_TYPE, &value.span, format!("`{rest}` has no meaning in `{term}`"), help);
            return None;
        }
    };
    Some(Outcome { reason, mtu, said })
}
