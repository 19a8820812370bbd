use std::{fmt, net::IpAddr, str::FromStr};

use super::{IfName, InvalidValue, Mac, words::Words};

/// A forwarding entry set by hand: where frames to a MAC address go ([bridge(8)]).
///
/// On a VXLAN device it names the tunnel end that the address is behind; several entries for the address of all
/// zeros, or for a group's, add up. On a port of a bridge it says that the address is reached by this port.
///
/// ```
/// use netns_test_topology::FdbEntry;
///
/// let entry: FdbEntry = "02:42:c0:a8:c8:04 dev vxlan1 dst 192.168.10.7".parse()?;
/// assert_eq!(entry.to_string(), "02:42:c0:a8:c8:04 dev vxlan1 dst 192.168.10.7 self permanent");
/// let entry: FdbEntry = "02:00:00:00:00:05 dev eth1".parse()?;
/// assert_eq!(entry.to_string(), "02:00:00:00:00:05 dev eth1 master static");
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [bridge(8)]: https://man7.org/linux/man-pages/man8/bridge.8.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FdbEntry {
    /// The MAC address; all zeros for whatever is not known.
    pub mac: Mac,
    /// The VXLAN device, or the port of a bridge.
    pub dev: IfName,
    /// The tunnel end, on a VXLAN device.
    pub dst: Option<IpAddr>,
}

impl FdbEntry {
    /// Whether several entries for its MAC address add up, where otherwise there is one.
    pub fn adds_up(&self) -> bool {
        self.dst.is_some() && !self.mac.is_unicast()
    }
}

impl fmt::Display for FdbEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} dev {}", self.mac, self.dev)?;
        match self.dst {
            Some(dst) => write!(f, " dst {dst} self permanent"),
            None => f.write_str(" master static"),
        }
    }
}

impl FromStr for FdbEntry {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let incomplete = |what| {
            InvalidValue::new(format!("the forwarding entry `{text}` does not say {what}"))
                .help("write it such as `02:00:00:00:00:02 dev vx0 dst 192.0.2.2`")
        };
        let mut words = Words::new("forwarding entry", text);
        let mac = words.next().ok_or_else(|| incomplete("which MAC address it is about"))?;
        let mac = mac.parse().map_err(|error| words.wrong(mac, error))?;
        let (mut dev, mut dst, mut kind) = (None, None, None);
        while let Some(word) = words.next() {
            match word {
                "dev" => dev = Some(words.interface(word)?),
                "dst" => dst = Some(words.address_after(word)?),
                "self" | "permanent" | "master" | "static" => kind = kind.or(Some(word)),
                other => return Err(words.unknown(other, &["dev", "dst", "self", "permanent", "master", "static"])),
            }
            let of_tunnel = |word: &str| matches!(word, "self" | "permanent");
            if let (Some(first), "self" | "permanent" | "master" | "static") = (kind, word)
                && of_tunnel(first) != of_tunnel(word)
            {
                let error = InvalidValue::new(format!("`{first}` and `{word}` do not go together here"));
                return Err(words.wrong(word, error.help(KINDS)));
            }
        }
        let dev = dev.ok_or_else(|| incomplete("which interface it is of"))?;
        match (kind, dst) {
            (Some("self" | "permanent"), None) | (Some("master" | "static"), Some(_)) => {
                let message = format!("the forwarding entry `{text}` is neither of a tunnel nor of a port");
                Err(InvalidValue::new(message).help(KINDS))
            }
            _ => Ok(Self { mac, dev, dst }),
        }
    }
}

const KINDS: &str =
    "an entry of a VXLAN device has `dst ADDRESS self permanent`, one of a bridge's port `master static`";

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        text.parse::<FdbEntry>().unwrap_err().to_string()
    }

    #[test]
    fn an_entry_reads_as_it_is_written() {
        for text in ["00:00:00:00:00:00 dev vx0 dst fd00::2 self permanent", "02:00:00:00:00:05 dev eth1 master static"]
        {
            assert_eq!(text.parse::<FdbEntry>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_entry_is_of_a_tunnel_or_of_a_port() {
        assert!(wrong("02:00:00:00:00:05 dev eth1 dst 192.0.2.2 master").contains("neither of a tunnel nor of a port"));
        assert!(wrong("02:00:00:00:00:05 dev eth1 self").contains("neither of a tunnel nor of a port"));
        assert!(wrong("02:00:00:00:00:05 dev eth1 static permanent").contains("do not go together"));
        assert!(wrong("02:00:00:00:00:05 dst 192.0.2.2").contains("which interface"));
        assert!(wrong("02:00:00:00:00:05 dev eth1 dts 192.0.2.2").ends_with("(help: did you mean `dst`?)"));
        assert!(wrong("").contains("which MAC address"));
    }

    #[test]
    fn only_entries_of_tunnels_for_groups_and_zeros_add_up() {
        let adds_up = |text: &str| text.parse::<FdbEntry>().unwrap().adds_up();
        assert!(
            adds_up("00:00:00:00:00:00 dev vx0 dst 192.0.2.2") && adds_up("01:00:5e:00:00:01 dev vx0 dst 192.0.2.2")
        );
        assert!(!adds_up("02:00:00:00:00:01 dev vx0 dst 192.0.2.2") && !adds_up("01:00:5e:00:00:01 dev eth1"));
    }
}
