//! A firewall rule as the expressions that nftables evaluates.

use std::net::IpAddr;

use netlink_packet_core::{DefaultNla, NLA_F_NESTED};
use netlink_packet_netfilter::nftables::{
    Bitwise, Cmp, DataAttribute, ExpressionAttribute, Expressions, Immediate, ListAttribute, Meta, MetaKey,
    Operator::{self, Equal, GreatherThanEqual as GreaterThanEqual, LessThanEqual, NotEqual},
    Payload, Register, Verdict as Code, VerdictAttribute,
};
use netns_test_topology::{
    Cidr, ConnState, Family, FirewallRule, IfName, Match, Nth, PortRange, Protocol, Reject, Verdict,
};

/// One expression, as the list of a rule's expressions holds it.
pub(super) type Expression = ListAttribute<ExpressionAttribute>;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// `NF_DROP` and `NF_ACCEPT`, which are also the values of a chain's policy.
pub(super) const NF_DROP: u32 = 0;
pub(super) const NF_ACCEPT: u32 = 1;

/// `NFT_OBJECT_COUNTER`
pub(super) const OBJECT_COUNTER: u32 = 1;

const LINK_HEADER: u32 = 0;
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;

/// Which address of a packet, or which port.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Destination,
}

/// Translates a rule of a chain of this family; the error says why that cannot be.
///
/// Every rule counts its packets: the counter stands between the matches and the verdict.
pub(super) fn rule(family: Family, rule: &FirewallRule) -> Result<Vec<Expression>, String> {
    let mut program = Program { family, expressions: Vec::new(), version: None };
    program.matches(&rule.matches)?;
    program.needs_of(&rule.matches, rule.verdict.as_ref())?;
    // Last, so that it counts what all else takes.
    if let Some(nth) = rule.matches.nth {
        program.nth(nth);
    }
    program.push(counter());
    if let Some(name) = &rule.counter {
        program.push(other("objref", vec![be32(1, OBJECT_COUNTER), text(2, name)]));
    }
    if let Some(verdict) = &rule.verdict {
        program.verdict(verdict);
    }
    Ok(program.expressions)
}

struct Program {
    family: Family,
    expressions: Vec<Expression>,
    /// The IP version that the rule is already limited to.
    version: Option<u8>,
}

impl Program {
    fn push(&mut self, expression: Expressions) {
        self.expressions.push(expression.into());
    }

    fn matches(&mut self, matches: &Match) -> Result<(), String> {
        for (name, key, operator) in [
            (&matches.input, MetaKey::Iifname, Equal),
            (&matches.not_input, MetaKey::Iifname, NotEqual),
            (&matches.output, MetaKey::Oifname, Equal),
            (&matches.not_output, MetaKey::Oifname, NotEqual),
        ] {
            if let Some(name) = name {
                self.meta(key, operator, interface_name(name));
            }
        }
        match (matches.ethertype, self.family) {
            (Some(ethertype), Family::Bridge) => {
                self.payload(LINK_HEADER, 12, 2);
                self.compare(Equal, ethertype.to_be_bytes().to_vec());
                self.version = match ethertype {
                    ETHERTYPE_IPV4 => Some(4),
                    ETHERTYPE_IPV6 => Some(6),
                    _ => None,
                };
            }
            (Some(ethertype), _) => self.meta(MetaKey::EtherTypeProtocol, Equal, ethertype.to_be_bytes().to_vec()),
            (None, _) => (),
        }
        for (network, side, operator) in [
            (matches.from, Side::Source, Equal),
            (matches.not_from, Side::Source, NotEqual),
            (matches.to, Side::Destination, Equal),
            (matches.not_to, Side::Destination, NotEqual),
        ] {
            if let Some(network) = network {
                self.address(network.network(), side, operator)?;
            }
        }
        if let Some(protocol) = matches.protocol {
            self.meta(MetaKey::L4Proto, Equal, vec![protocol.number()]);
        }
        for (ports, side) in [(&matches.source_port, Side::Source), (&matches.port, Side::Destination)] {
            if let Some(ports) = ports {
                self.ports(ports, side)?;
            }
        }
        self.states(&matches.states);
        Ok(())
    }

    /// Checks what matches and verdict need of each other, and limits the rule to the IP version of a translation.
    fn needs_of(&mut self, matches: &Match, verdict: Option<&Verdict>) -> Result<(), String> {
        let has_ports = matches.protocol.is_some_and(has_ports);
        if (matches.source_port.is_some() || matches.port.is_some()) && !has_ports {
            return Err("a port is matched without a protocol that has ports".into());
        }
        match verdict {
            Some(Verdict::Snat { ports: Some(ports), .. }) => {
                check_ports(ports)?;
                if !has_ports {
                    return Err("ports are translated without matching a protocol that has ports".into());
                }
            }
            Some(Verdict::Dnat { port: Some(_), .. }) if !has_ports => {
                return Err("a port is translated without matching a protocol that has ports".into());
            }
            Some(Verdict::Reject(Reject::TcpReset)) if matches.protocol != Some(Protocol::Tcp) => {
                return Err("a TCP reset answers TCP only: match the protocol".into());
            }
            _ => (),
        }
        match verdict {
            Some(Verdict::Snat { to, .. } | Verdict::Dnat { to, .. }) => self.ip_version(*to),
            _ => Ok(()),
        }
    }

    /// Limits the rule to the IP version of an address.
    fn ip_version(&mut self, address: IpAddr) -> Result<(), String> {
        let (version, protocol, ethertype) = match address {
            IpAddr::V4(_) => (4, libc::NFPROTO_IPV4 as u8, ETHERTYPE_IPV4),
            IpAddr::V6(_) => (6, libc::NFPROTO_IPV6 as u8, ETHERTYPE_IPV6),
        };
        match (self.version, self.family) {
            (Some(limited), _) if limited == version => return Ok(()),
            (Some(_), _) => return Err("IPv4 and IPv6 addresses in one rule".into()),
            (None, Family::Ip) if version == 6 => return Err("an IPv6 address in a chain for IPv4".into()),
            (None, Family::Ip6) if version == 4 => return Err("an IPv4 address in a chain for IPv6".into()),
            (None, Family::Ip | Family::Ip6) => (),
            (None, Family::Inet) => self.meta(MetaKey::Nfproto, Equal, vec![protocol]),
            (None, Family::Bridge) => {
                self.meta(MetaKey::EtherTypeProtocol, Equal, ethertype.to_be_bytes().to_vec());
            }
        }
        self.version = Some(version);
        Ok(())
    }

    fn address(&mut self, network: Cidr, side: Side, operator: Operator) -> Result<(), String> {
        self.ip_version(network.addr())?;
        let (octets, offset) = match (network.addr(), side) {
            (IpAddr::V4(address), Side::Source) => (address.octets().to_vec(), 12),
            (IpAddr::V4(address), Side::Destination) => (address.octets().to_vec(), 16),
            (IpAddr::V6(address), Side::Source) => (address.octets().to_vec(), 8),
            (IpAddr::V6(address), Side::Destination) => (address.octets().to_vec(), 24),
        };
        if network.prefix() == 0 && operator == Equal {
            return Ok(());
        }
        self.payload(NETWORK_HEADER, offset, octets.len() as u32);
        if usize::from(network.prefix()) < octets.len() * 8 {
            self.mask(prefix_mask(network.prefix(), octets.len()));
        }
        self.compare(operator, octets);
        Ok(())
    }

    fn ports(&mut self, ports: &PortRange, side: Side) -> Result<(), String> {
        check_ports(ports)?;
        let (first, last) = (ports.0.start().to_be_bytes(), ports.0.end().to_be_bytes());
        let offset = match side {
            Side::Source => 0,
            Side::Destination => 2,
        };
        self.payload(TRANSPORT_HEADER, offset, 2);
        if first == last {
            self.compare(Equal, first.to_vec());
        } else {
            self.compare(GreaterThanEqual, first.to_vec());
            self.compare(LessThanEqual, last.to_vec());
        }
        Ok(())
    }

    fn states(&mut self, states: &[ConnState]) {
        if states.is_empty() {
            return;
        }
        let bits = states.iter().fold(0u32, |bits, state| {
            bits | match state {
                ConnState::Invalid => 1,
                ConnState::Established => 2,
                ConnState::Related => 4,
                ConnState::New => 8,
            }
        });
        // NFT_CT_STATE = 0
        self.push(other("ct", vec![be32(1, Register::Reg1.into()), be32(2, 0)]));
        self.mask(bits.to_ne_bytes().to_vec());
        self.compare(NotEqual, vec![0; 4]);
    }

    fn nth(&mut self, nth: Nth) {
        // NFT_NG_INCREMENTAL = 0; the number is in the machine's byte order.
        let attributes = vec![be32(1, Register::Reg1.into()), be32(2, nth.every()), be32(3, 0)];
        self.push(other("numgen", attributes));
        self.compare(Equal, nth.packet().to_ne_bytes().to_vec());
    }

    fn verdict(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Accept => self.push(decide(NF_ACCEPT)),
            Verdict::Drop => self.push(decide(NF_DROP)),
            Verdict::Reject(how) => self.push(reject(self.family, *how)),
            Verdict::Masquerade => self.push(other("masq", Vec::new())),
            Verdict::Snat { to, ports } => self.translate(NAT_SOURCE, *to, ports.as_ref()),
            Verdict::Dnat { to, port } => self.translate(NAT_DESTINATION, *to, port.map(PortRange::from).as_ref()),
        }
    }

    fn translate(&mut self, kind: u32, to: IpAddr, ports: Option<&PortRange>) {
        let (family, octets) = match to {
            IpAddr::V4(address) => (libc::NFPROTO_IPV4, address.octets().to_vec()),
            IpAddr::V6(address) => (libc::NFPROTO_IPV6, address.octets().to_vec()),
        };
        let register = |attribute, register: Register| be32(attribute, register.into());
        self.push(load(Register::Reg1, octets));
        let mut nat = vec![be32(1, kind), be32(2, family as u32), register(3, Register::Reg1)];
        if let Some(PortRange(ports)) = ports {
            self.push(load(Register::Reg2, ports.start().to_be_bytes().to_vec()));
            nat.push(register(5, Register::Reg2));
            if ports.start() != ports.end() {
                self.push(load(Register::Reg3, ports.end().to_be_bytes().to_vec()));
                nat.push(register(6, Register::Reg3));
            }
        }
        self.push(other("nat", nat));
    }

    fn meta(&mut self, key: MetaKey, operator: Operator, value: Vec<u8>) {
        self.push(Expressions::Meta(vec![Meta::Key(key), Meta::DestinationRegister(Register::Reg1)]));
        self.compare(operator, value);
    }

    fn payload(&mut self, base: u32, offset: u32, length: u32) {
        self.push(Expressions::Payload(vec![
            Payload::DestinationRegister(Register::Reg1),
            Payload::Base(base),
            Payload::Offset(offset),
            Payload::Len(length),
        ]));
    }

    fn mask(&mut self, mask: Vec<u8>) {
        let length = mask.len();
        self.push(Expressions::Bitwise(vec![
            Bitwise::SourceRegister(Register::Reg1),
            Bitwise::DestinationRegister(Register::Reg1),
            Bitwise::Length(length as u32),
            Bitwise::Mask(DataAttribute::Value(mask)),
            Bitwise::Xor(DataAttribute::Value(vec![0; length])),
        ]));
    }

    fn compare(&mut self, operator: Operator, value: Vec<u8>) {
        self.push(Expressions::Cmp(vec![
            Cmp::SourceRegister(Register::Reg1),
            Cmp::Op(operator),
            Cmp::Data(DataAttribute::Value(value)),
        ]));
    }
}

const NAT_SOURCE: u32 = 0;
const NAT_DESTINATION: u32 = 1;

fn counter() -> Expressions {
    other("counter", counter_values())
}

/// `NFTA_COUNTER_BYTES` and `NFTA_COUNTER_PACKETS`, both zero.
pub(super) fn counter_values() -> Vec<DefaultNla> {
    vec![DefaultNla::new(1, vec![0; 8]), DefaultNla::new(2, vec![0; 8])]
}

fn decide(code: u32) -> Expressions {
    Expressions::Immediate(vec![
        Immediate::DestinationRegister(Register::Verdict),
        Immediate::Data(DataAttribute::Verdict(vec![VerdictAttribute::Code(Code::Other(code))])),
    ])
}

fn load(register: Register, value: Vec<u8>) -> Expressions {
    Expressions::Immediate(vec![Immediate::DestinationRegister(register), Immediate::Data(DataAttribute::Value(value))])
}

/// The `reject` expression: ICMP codes of one version, or in mixed families the kernel's abstract ones.
fn reject(family: Family, how: Reject) -> Expressions {
    const ICMP: u32 = 0;
    const TCP_RESET: u32 = 1;
    const ICMPX: u32 = 2;
    let (kind, code) = match (how, family) {
        (Reject::TcpReset, _) => return other("reject", vec![be32(1, TCP_RESET)]),
        (Reject::Network, Family::Ip) => (ICMP, 0),
        (Reject::Host, Family::Ip) => (ICMP, 1),
        (Reject::Port, Family::Ip) => (ICMP, 3),
        (Reject::AdminProhibited, Family::Ip) => (ICMP, 13),
        (Reject::Network, Family::Ip6) => (ICMP, 0),
        (Reject::AdminProhibited, Family::Ip6) => (ICMP, 1),
        (Reject::Host, Family::Ip6) => (ICMP, 3),
        (Reject::Port, Family::Ip6) => (ICMP, 4),
        (Reject::Network, Family::Inet | Family::Bridge) => (ICMPX, 0),
        (Reject::Port, Family::Inet | Family::Bridge) => (ICMPX, 1),
        (Reject::Host, Family::Inet | Family::Bridge) => (ICMPX, 2),
        (Reject::AdminProhibited, Family::Inet | Family::Bridge) => (ICMPX, 3),
    };
    other("reject", vec![be32(1, kind), DefaultNla::new(2, vec![code])])
}

/// TCP, UDP, DCCP, SCTP and UDP-Lite begin with source and destination port.
fn has_ports(protocol: Protocol) -> bool {
    matches!(protocol.number(), 6 | 17 | 33 | 132 | 136)
}

fn check_ports(PortRange(ports): &PortRange) -> Result<(), String> {
    if ports.is_empty() {
        return Err(format!("the port range {}-{} is empty", ports.start(), ports.end()));
    }
    Ok(())
}

/// A name as the kernel compares it: padded with zeros to IFNAMSIZ.
fn interface_name(name: &IfName) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(libc::IFNAMSIZ, 0);
    bytes
}

fn prefix_mask(prefix: u8, length: usize) -> Vec<u8> {
    let ones = |byte: usize| usize::from(prefix).saturating_sub(byte * 8).min(8);
    (0..length).map(|byte| !(0xffu16 >> ones(byte)) as u8).collect()
}

/// An expression that the packet library has no type for.
fn other(name: &str, attributes: Vec<DefaultNla>) -> Expressions {
    Expressions::Other { expression_type: name.to_owned(), attributes }
}

/// An attribute with a number in network byte order.
pub(super) fn be32(kind: u16, value: u32) -> DefaultNla {
    DefaultNla::new(kind, value.to_be_bytes().to_vec())
}

/// An attribute with a text.
pub(super) fn text(kind: u16, value: &str) -> DefaultNla {
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    DefaultNla::new(kind, bytes)
}

/// An attribute that holds others.
pub(super) fn nested(kind: u16, attributes: &[DefaultNla]) -> DefaultNla {
    use netlink_packet_core::Emitable;
    let mut bytes = vec![0; attributes.buffer_len()];
    attributes.emit(&mut bytes);
    DefaultNla::new(kind | NLA_F_NESTED, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_mask_of_leading_ones() {
        assert_eq!(prefix_mask(0, 4), [0, 0, 0, 0]);
        assert_eq!(prefix_mask(20, 4), [255, 255, 240, 0]);
        assert_eq!(prefix_mask(32, 4), [255, 255, 255, 255]);
        assert_eq!(prefix_mask(65, 16)[7..10], [255, 128, 0]);
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "an empty range is one of the things that cannot match")]
    fn what_cannot_match_is_refused_with_the_reason() {
        let refused = |family, matches: Match, verdict| rule(family, &FirewallRule::new(matches, verdict)).unwrap_err();
        let v4: Option<Cidr> = "10.0.0.0/8".parse().ok();
        let v6: Option<Cidr> = "fd00::/8".parse().ok();
        let any = Match::default;

        let error = refused(Family::Ip, Match { from: v6, ..any() }, Verdict::Drop);
        assert_eq!(error, "an IPv6 address in a chain for IPv4");
        let error = refused(Family::Inet, Match { from: v4, to: v6, ..any() }, Verdict::Drop);
        assert_eq!(error, "IPv4 and IPv6 addresses in one rule");
        let error = refused(Family::Inet, Match { port: Some(80.into()), ..any() }, Verdict::Drop);
        assert_eq!(error, "a port is matched without a protocol that has ports");
        let error = refused(Family::Inet, any(), Verdict::Reject(Reject::TcpReset));
        assert_eq!(error, "a TCP reset answers TCP only: match the protocol");
        let to = "10.0.0.1".parse().unwrap();
        let error = refused(Family::Inet, any(), Verdict::Dnat { to, port: Some(80) });
        assert_eq!(error, "a port is translated without matching a protocol that has ports");
        let tcp = Match { protocol: Some(Protocol::Tcp), port: Some(PortRange(9..=8)), ..any() };
        assert_eq!(refused(Family::Inet, tcp, Verdict::Drop), "the port range 9-8 is empty");
    }
}
