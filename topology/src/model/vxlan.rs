use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use super::{IfName, InvalidValue, NodeName, words::Words};

/// A tunnel of Ethernet frames in UDP ([RFC 7348], [ip-link(8)]).
///
/// Its display form is what `ip link add … type vxlan` takes, followed by `underlay NODE` where another node carries
/// the tunnel.
///
/// ```
/// use netns_test_topology::Vxlan;
///
/// let tunnel: Vxlan = "id 42 remote 192.0.2.2 nolearning".parse()?;
/// assert_eq!(tunnel.to_string(), "id 42 remote 192.0.2.2 dstport 4789 nolearning");
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [RFC 7348]: https://www.rfc-editor.org/rfc/rfc7348
/// [ip-link(8)]: https://man7.org/linux/man-pages/man8/ip-link.8.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vxlan {
    /// Which overlay its frames belong to.
    pub id: Vni,
    /// The source address of the packets that carry frames; chosen by the route if `None`.
    pub local: Option<IpAddr>,
    /// Where frames go whose destination is not known: the far end of the tunnel, or a multicast group.
    pub remote: Option<IpAddr>,
    /// The interface of the underlay that carries the tunnel; any if `None`. A multicast group needs one.
    pub dev: Option<IfName>,
    /// The UDP port of all its ends. 4789 as RFC 7348 has it, where the kernel's own default is 8472.
    pub port: u16,
    /// Whether it learns from incoming packets behind which tunnel end a MAC address is.
    pub learning: bool,
    /// Whether it answers ARP requests and neighbour solicitations itself, from its neighbour entries.
    pub proxy: bool,
    /// Whether it tells programs of a MAC address whose tunnel end it does not know.
    pub l2miss: bool,
    /// Whether it tells programs of an address whose MAC address it does not know; with `proxy`.
    pub l3miss: bool,
    /// After how long a learned MAC address is forgotten, in whole seconds; zero for never. Kernel default: 300 s.
    pub ageing: Option<Duration>,
    /// The node that carries the tunnel, if not the device's own: its addresses and routes are used, and the UDP socket
    /// is there, as container engines have it.
    pub underlay: Option<NodeName>,
}

impl Vxlan {
    /// The UDP port that is assigned to VXLAN.
    pub const PORT: u16 = 4789;

    /// A tunnel that learns, and knows no other end.
    pub fn new(id: Vni) -> Self {
        Self {
            id,
            local: None,
            remote: None,
            dev: None,
            port: Self::PORT,
            learning: true,
            proxy: false,
            l2miss: false,
            l3miss: false,
            ageing: None,
            underlay: None,
        }
    }

    /// Whether its packets are IPv6 ones.
    pub fn is_ipv6(&self) -> bool {
        self.local.or(self.remote).is_some_and(|address| address.is_ipv6())
    }

    /// What a frame grows by on its way, in bytes: the inner Ethernet header and those of VXLAN, UDP and IP.
    pub fn overhead(&self) -> u32 {
        14 + 8 + 8 + if self.is_ipv6() { 40 } else { 20 }
    }
}

impl fmt::Display for Vxlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "id {}", self.id)?;
        if let Some(local) = self.local {
            write!(f, " local {local}")?;
        }
        if let Some(remote) = self.remote {
            write!(f, " {} {remote}", if remote.is_multicast() { "group" } else { "remote" })?;
        }
        if let Some(dev) = &self.dev {
            write!(f, " dev {dev}")?;
        }
        write!(f, " dstport {}", self.port)?;
        for (on, word) in
            [(!self.learning, "nolearning"), (self.proxy, "proxy"), (self.l2miss, "l2miss"), (self.l3miss, "l3miss")]
        {
            if on {
                write!(f, " {word}")?;
            }
        }
        if let Some(ageing) = self.ageing {
            write!(f, " ageing {}", ageing.as_secs())?;
        }
        match &self.underlay {
            Some(node) => write!(f, " underlay {node}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Vxlan {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut words = Words::new("VXLAN device", text);
        let (mut id, mut vxlan) = (None, Vxlan::new(Vni(0)));
        while let Some(word) = words.next() {
            match word {
                "id" | "vni" => {
                    let value = words.value(word)?;
                    id = Some(value.parse().map_err(|error| words.wrong(value, error))?);
                }
                "local" => {
                    let value = words.value(word)?;
                    let read = words.address(value)?;
                    vxlan.local = Some(source(read).map_err(|error| words.wrong(value, error))?);
                }
                "remote" | "group" => {
                    let value = words.value(word)?;
                    let address = words.address(value)?;
                    let read = if word == "group" { multicast(address) } else { unicast(address) };
                    vxlan.remote = Some(read.map_err(|error| words.wrong(value, error))?);
                }
                "dev" => vxlan.dev = Some(words.interface(word)?),
                "dstport" => vxlan.port = words.number(word)?,
                "learning" | "nolearning" => vxlan.learning = word == "learning",
                "proxy" | "noproxy" => vxlan.proxy = word == "proxy",
                "l2miss" | "nol2miss" => vxlan.l2miss = word == "l2miss",
                "l3miss" | "nol3miss" => vxlan.l3miss = word == "l3miss",
                "ageing" => vxlan.ageing = Some(Duration::from_secs(words.number::<u32>(word)?.into())),
                "underlay" => {
                    let name = words.value(word)?;
                    vxlan.underlay = Some(NodeName::new(name).map_err(|error| words.wrong(name, error))?);
                }
                other => {
                    let known = [
                        "id",
                        "local",
                        "remote",
                        "group",
                        "dev",
                        "dstport",
                        "learning",
                        "nolearning",
                        "proxy",
                        "l2miss",
                        "l3miss",
                        "ageing",
                        "underlay",
                    ];
                    return Err(words.unknown(other, &known));
                }
            }
        }
        vxlan.id = id.ok_or_else(|| {
            InvalidValue::new(format!("the VXLAN device `{text}` has no identifier"))
                .help("write it such as `id 42 remote 192.0.2.2`")
        })?;
        Ok(vxlan)
    }
}

/// The address if it is one host's, which the far end of a tunnel has to be.
pub(crate) fn unicast(address: IpAddr) -> Result<IpAddr, InvalidValue> {
    match address.is_multicast() {
        false => Ok(address),
        true => Err(InvalidValue::new(format!("`{address}` is a multicast group, not the far end of a tunnel"))
            .help("give it as the tunnel's `group`")),
    }
}

/// The address if packets can come from it.
pub(crate) fn source(address: IpAddr) -> Result<IpAddr, InvalidValue> {
    match address.is_multicast() {
        false => Ok(address),
        true => Err(InvalidValue::new(format!("`{address}` is a multicast group, and nothing is sent from one"))
            .help("write an address that the underlay has")),
    }
}

/// The address if it is a multicast group's.
pub(crate) fn multicast(address: IpAddr) -> Result<IpAddr, InvalidValue> {
    match address.is_multicast() {
        true => Ok(address),
        false => {
            Err(InvalidValue::new(format!("`{address}` is no multicast group"))
                .help("give it as the tunnel's `remote`"))
        }
    }
}

/// The identifier of an overlay network: 0 to 16,777,215 ([RFC 7348], section 5).
///
/// ```
/// use netns_test_topology::Vni;
///
/// assert_eq!(Vni::new(4097)?.get(), 4097);
/// assert!(Vni::new(1 << 24).is_err());
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [RFC 7348]: https://www.rfc-editor.org/rfc/rfc7348#section-5
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vni(u32);

impl Vni {
    const LAST: u32 = (1 << 24) - 1;

    /// Makes one of a number.
    ///
    /// # Errors
    ///
    /// If it does not fit into 24 bits.
    pub fn new(number: u32) -> Result<Self, InvalidValue> {
        match number {
            0..=Self::LAST => Ok(Self(number)),
            _ => Err(too_large(&number)),
        }
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for Vni {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(number) if is_number => Self::new(number),
            _ if is_number => Err(too_large(&text)),
            _ => Err(InvalidValue::new(format!("`{text}` is no VXLAN identifier")).help(RANGE)),
        }
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

const RANGE: &str = "a VXLAN identifier is a number from 0 to 16777215";

fn too_large(number: &dyn fmt::Display) -> InvalidValue {
    InvalidValue::new(format!("`{number}` is too large for a VXLAN identifier")).help(RANGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        text.parse::<Vxlan>().unwrap_err().to_string()
    }

    #[test]
    fn a_device_reads_as_it_is_written() {
        for text in [
            "id 0 dstport 4789",
            "id 16777215 local fd00::1 remote fd00::2 dev eth0 dstport 8472 nolearning proxy l2miss l3miss ageing 300",
            "id 42 group 239.1.1.1 dev eth0 dstport 4789 ageing 0 underlay host-1",
        ] {
            assert_eq!(text.parse::<Vxlan>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_identifier_has_24_bits() {
        assert_eq!(
            wrong("id 16777216"),
            "`16777216` is too large for a VXLAN identifier (help: a VXLAN identifier is a number from 0 to 16777215)"
        );
        assert!(wrong("id 99999999999").contains("too large"));
        assert!(wrong("id +4").contains("no VXLAN identifier"));
        assert!(wrong("remote 192.0.2.2").contains("has no identifier"));
    }

    #[test]
    fn a_group_is_multicast_and_a_far_end_is_not() {
        assert!(wrong("id 1 remote 239.1.1.1").ends_with("(help: give it as the tunnel's `group`)"));
        assert!(wrong("id 1 group 192.0.2.1").ends_with("(help: give it as the tunnel's `remote`)"));
        assert!(wrong("id 1 remotte 192.0.2.1").ends_with("(help: did you mean `remote`?)"));
        assert!(wrong("id 1 remote").contains("ends after `remote`"));
    }

    #[test]
    fn the_overhead_depends_on_the_underlay() {
        let overhead = |text: &str| text.parse::<Vxlan>().unwrap().overhead();
        assert_eq!((overhead("id 1 remote 192.0.2.2"), overhead("id 1 remote fd00::2")), (50, 70));
    }
}
