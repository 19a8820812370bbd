//! Neighbour entries and sysctls read from text.

use std::str::FromStr;

use super::{InvalidValue, Neighbour, Sysctl, words::Words};

/// Reads an entry in the syntax of [ip-neighbour(8)].
///
/// ```
/// use netns_test_topology::Neighbour;
///
/// let text = "10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0";
/// assert_eq!(text.parse::<Neighbour>()?.to_string(), text);
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [ip-neighbour(8)]: https://man7.org/linux/man-pages/man8/ip-neighbour.8.html
impl FromStr for Neighbour {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let incomplete = |what| {
            InvalidValue::new(format!("the neighbour entry `{text}` does not say {what}"))
                .help("write it such as `10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0`")
        };
        let mut words = Words::new("neighbour entry", text);
        let address = words.next().ok_or_else(|| incomplete("whose it is"))?;
        let address = words.address(address)?;
        let (mut mac, mut dev) = (None, None);
        while let Some(word) = words.next() {
            match word {
                "lladdr" => {
                    let value = words.value(word)?;
                    mac = Some(value.parse().map_err(|error| words.wrong(value, error))?);
                }
                "dev" => dev = Some(words.interface(word)?),
                other => return Err(words.unknown(other, &["lladdr", "dev"])),
            }
        }
        let mac = mac.ok_or_else(|| incomplete("which MAC address it is about"))?;
        Ok(Self { address, mac, dev: dev.ok_or_else(|| incomplete("which interface it is reached by"))? })
    }
}

/// Reads a setting as [sysctl.conf(5)] writes it.
///
/// ```
/// use netns_test_topology::Sysctl;
///
/// let setting: Sysctl = "net.ipv4.ip_local_port_range = 1024 2000".parse()?;
/// assert_eq!(setting.value, "1024 2000");
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [sysctl.conf(5)]: https://man7.org/linux/man-pages/man5/sysctl.conf.5.html
impl FromStr for Sysctl {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        // An interface may be called `=`.
        let (key, value) = text.split_once(" = ").or_else(|| text.split_once('=')).ok_or_else(|| {
            InvalidValue::new(format!("the setting `{text}` has no value"))
                .help("write it such as `net.ipv4.conf.all.rp_filter = 2`")
        })?;
        Ok(Self { key: key.trim().to_owned(), value: value.trim().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        text.parse::<Neighbour>().unwrap_err().to_string()
    }

    #[test]
    fn a_neighbour_entry_has_an_address_a_mac_and_an_interface() {
        assert_eq!(
            wrong("10.0.0 lladdr 02:00:00:00:00:02 dev eth0"),
            "`10.0.0` is not an IP address (help: write an address without a prefix length, such as `10.0.0.1`)"
        );
        assert!(wrong("10.0.0.2 dev eth0").contains("does not say which MAC address it is about"));
        assert!(wrong("10.0.0.2 lladdr 02:00:00:00:00:02").contains("does not say which interface it is reached by"));
        assert!(wrong("10.0.0.2 lladr 02:00:00:00:00:02").ends_with("(help: did you mean `lladdr`?)"));
        assert!(wrong("10.0.0.2 lladdr").contains("ends after `lladdr`"));
        assert!(wrong("").contains("does not say whose it is"));
    }

    #[test]
    fn a_setting_has_a_value() {
        assert_eq!("a=b=c".parse::<Sysctl>().unwrap().value, "b=c");
        assert!("net.ipv4.ip_forward".parse::<Sysctl>().unwrap_err().message().ends_with("has no value"));
    }
}
