use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::IpNet;

use super::InvalidValue;

/// An IP address with the length of its network's prefix, such as `10.0.0.1/24`.
///
/// Serves as the address of an interface (the host bits name the host) and as a network (the host bits are zero):
/// [`Cidr::network`] turns the first into the second. The notation is that of [RFC 4632] and [RFC 4291].
///
/// ```
/// use netns_test_topology::Cidr;
///
/// let address: Cidr = "10.0.0.7/24".parse()?;
/// assert_eq!(address.network(), "10.0.0.0/24".parse()?);
/// assert!(address.contains("10.0.0.200".parse().unwrap()));
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [RFC 4632]: https://www.rfc-editor.org/rfc/rfc4632
/// [RFC 4291]: https://www.rfc-editor.org/rfc/rfc4291
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(IpNet);

impl Cidr {
    /// Makes one of an address and a prefix length in bits.
    ///
    /// # Errors
    ///
    /// If the prefix is longer than the address (32 or 128 bits).
    pub fn new(addr: IpAddr, prefix: u8) -> Result<Self, InvalidValue> {
        IpNet::new(addr, prefix).map(Self).map_err(|_| too_long(&format!("{addr}/{prefix}"), addr))
    }

    /// A single host: /32 for IPv4, /128 for IPv6.
    pub fn host(addr: IpAddr) -> Self {
        Self(IpNet::from(addr))
    }

    /// Every address of the family of `addr`: `0.0.0.0/0` or `::/0`.
    pub fn any(v6: bool) -> Self {
        if v6 { Self(IpNet::V6(ipnet::Ipv6Net::default())) } else { Self(IpNet::V4(ipnet::Ipv4Net::default())) }
    }

    /// The address.
    pub fn addr(&self) -> IpAddr {
        self.0.addr()
    }

    /// The length of the prefix, in bits.
    pub fn prefix(&self) -> u8 {
        self.0.prefix_len()
    }

    /// The network this address is in: the same with all host bits zero.
    pub fn network(&self) -> Self {
        Self(self.0.trunc())
    }

    /// The last address of the network; for IPv4 below /31 that is the broadcast address.
    pub fn last(&self) -> IpAddr {
        self.0.broadcast()
    }

    /// Whether the address belongs to this network.
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.0.contains(&addr)
    }

    /// Whether the two networks share an address.
    pub fn overlaps(&self, other: &Cidr) -> bool {
        self.0.contains(&other.0.network()) || other.0.contains(&self.0.network())
    }

    /// Whether this is an IPv6 address.
    pub fn is_ipv6(&self) -> bool {
        matches!(self.0, IpNet::V6(_))
    }
}

impl FromStr for Cidr {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let Some((addr, prefix)) = text.split_once('/') else {
            return Err(match text.parse::<IpAddr>() {
                Ok(_) => InvalidValue::new(format!("`{text}` has no prefix length")).help(format!(
                    "write an address with its network, such as `{text}/{}`",
                    if text.contains(':') { 64 } else { 24 }
                )),
                Err(_) => InvalidValue::new(format!("`{text}` is not an address"))
                    .help("write an address with its network, such as `10.0.0.1/24` or `fd00::1/64`"),
            });
        };
        let parsed: IpAddr = addr.parse().map_err(|_| {
            InvalidValue::new(format!("`{addr}` is not an IP address"))
                .help("write an address with its network, such as `10.0.0.1/24` or `fd00::1/64`")
        })?;
        let bits: u8 = match prefix.parse::<u8>() {
            Ok(bits) if prefix.bytes().all(|b| b.is_ascii_digit()) => bits,
            _ if prefix.bytes().all(|b| b.is_ascii_digit()) && !prefix.is_empty() => {
                return Err(too_long(text, parsed));
            }
            _ => {
                return Err(InvalidValue::new(format!("`{prefix}` is not a prefix length")).help(format!(
                    "write the number of network bits, such as `{addr}/{}`",
                    if parsed.is_ipv6() { 64 } else { 24 }
                )));
            }
        };
        Self::new(parsed, bits).map_err(|_| too_long(text, parsed))
    }
}

impl TryFrom<&str> for Cidr {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<IpAddr> for Cidr {
    fn from(addr: IpAddr) -> Self {
        Self::host(addr)
    }
}

impl From<Ipv4Addr> for Cidr {
    fn from(addr: Ipv4Addr) -> Self {
        Self::host(addr.into())
    }
}

impl From<Ipv6Addr> for Cidr {
    fn from(addr: Ipv6Addr) -> Self {
        Self::host(addr.into())
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

fn too_long(text: &str, addr: IpAddr) -> InvalidValue {
    let (family, most) = if addr.is_ipv6() { ("IPv6", 128) } else { ("IPv4", 32) };
    InvalidValue::new(format!("`{text}` has a prefix longer than an {family} address"))
        .help(format!("the prefix of an {family} network has at most {most} bits"))
}

/// An Ethernet address, such as `02:00:5e:10:00:01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// The broadcast address, `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Mac = Mac([0xff; 6]);

    /// Makes one of its six bytes.
    pub const fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// The six bytes, in the order in which they are sent.
    pub const fn octets(&self) -> [u8; 6] {
        self.0
    }

    /// Whether a single interface can have this address: neither zero nor a group address.
    pub fn is_unicast(&self) -> bool {
        self.0[0] & 1 == 0 && self.0 != [0; 6]
    }

    /// The IPv6 link-local address the kernel derives from it by default (modified EUI-64, [RFC 4291] appendix A).
    ///
    /// ```
    /// let mac: netns_test_topology::Mac = "22:25:1f:70:a9:aa".parse()?;
    /// assert_eq!(mac.link_local().to_string(), "fe80::2025:1fff:fe70:a9aa");
    /// # Ok::<(), netns_test_topology::InvalidValue>(())
    /// ```
    ///
    /// [RFC 4291]: https://www.rfc-editor.org/rfc/rfc4291
    pub fn link_local(&self) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.0;
        Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
    }
}

impl FromStr for Mac {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wrong = || {
            InvalidValue::new(format!("`{text}` is not a MAC address"))
                .help("write six bytes in hexadecimal, such as `02:00:5e:10:00:01`")
        };
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(wrong)?;
            if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(wrong());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
        }
        if parts.next().is_some() {
            return Err(wrong());
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<&str> for Mac {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        f.pad(&format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        text.parse::<Cidr>().unwrap_err().to_string()
    }

    #[test]
    fn an_address_without_prefix_is_refused_with_an_example() {
        assert_eq!(
            wrong("10.0.1.1"),
            "`10.0.1.1` has no prefix length (help: write an address with its network, such as `10.0.1.1/24`)"
        );
    }

    #[test]
    fn a_prefix_longer_than_the_address_is_refused() {
        assert!(wrong("10.0.2.1/33").contains("at most 32 bits"));
        assert!(wrong("10.0.2.1/333").contains("at most 32 bits"));
        assert!(wrong("fd00::1/129").contains("at most 128 bits"));
        assert!("10.0.2.1/+3".parse::<Cidr>().is_err());
    }

    #[test]
    fn networks_overlap_in_both_directions() {
        let (wide, narrow): (Cidr, Cidr) = ("10.0.0.0/8".parse().unwrap(), "10.1.2.3/24".parse().unwrap());
        assert!(wide.overlaps(&narrow) && narrow.overlaps(&wide));
        assert!(!narrow.overlaps(&"10.1.3.0/24".parse().unwrap()));
    }

    #[test]
    fn a_mac_address_has_six_bytes() {
        assert_eq!("2:0:5e:10:0:1".parse::<Mac>().unwrap().to_string(), "02:00:5e:10:00:01");
        for wrong in ["", "02:00", "02:00:5e:10:00:01:07", "02:00:5e:10:00:0g", "+2:00:5e:10:00:01"] {
            assert!(wrong.parse::<Mac>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_group_address_is_no_unicast_address() {
        assert!(!Mac::BROADCAST.is_unicast());
        assert!(!"01:00:5e:00:00:01".parse::<Mac>().unwrap().is_unicast());
        assert!("02:00:5e:00:00:01".parse::<Mac>().unwrap().is_unicast());
    }
}
