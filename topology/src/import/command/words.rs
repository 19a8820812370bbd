//! The words of a command, and how iproute2 shortens them.

use std::net::{IpAddr, Ipv4Addr};

use crate::{Cidr, IfName, InvalidValue, Mac};

/// What is left of a command.
#[derive(Debug, Clone)]
pub(super) struct Words<'a> {
    program: &'a str,
    rest: &'a [&'a str],
}

impl<'a> Words<'a> {
    pub(super) fn new(program: &'a str, rest: &'a [&'a str]) -> Self {
        Self { program, rest }
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    pub(super) fn peek(&self) -> Option<&'a str> {
        self.rest.first().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub(super) fn take_rest(&mut self) -> &'a [&'a str] {
        std::mem::take(&mut self.rest)
    }

    /// The word after `word`.
    pub(super) fn value(&mut self, word: &str) -> Result<&'a str, InvalidValue> {
        self.next().ok_or_else(|| InvalidValue::new(format!("`{}` ends after `{word}`", self.program)))
    }

    pub(super) fn number<T: TryFrom<u32>>(&mut self, word: &str) -> Result<T, InvalidValue> {
        let value = self.value(word)?;
        let parsed = match value.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => value.parse::<u32>(),
        };
        parsed
            .ok()
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| InvalidValue::new(format!("`{value}` is no possible number after `{word}`")))
    }

    pub(super) fn interface(&mut self, word: &str) -> Result<IfName, InvalidValue> {
        IfName::new(self.value(word)?)
    }

    pub(super) fn mac(&mut self, word: &str) -> Result<Mac, InvalidValue> {
        self.value(word)?.parse()
    }

    /// `on` or `off`.
    pub(super) fn switch(&mut self, word: &str) -> Result<bool, InvalidValue> {
        match self.value(word)? {
            "on" | "1" => Ok(true),
            "off" | "0" => Ok(false),
            other => Err(InvalidValue::new(format!("`{word}` is `on` or `off`, not `{other}`"))),
        }
    }

    /// Words that the model has no place for.
    pub(super) fn not_expressible(&self, word: &str) -> InvalidValue {
        InvalidValue::new(format!("`{word}` of `{}` is not a part of the model", self.program))
            .help("leave it out, or do it in the test, with `Node::command` or the live handles")
    }

    pub(super) fn unknown(&self, word: &str, known: &[&str]) -> InvalidValue {
        InvalidValue::no(&format!("`{}` word", self.program), word, known)
    }
}

/// The first of the names that the word shortens, as iproute2 takes it: in the order of its own table.
pub(super) fn shortened<'n>(word: &str, names: &[&'n str]) -> Option<&'n str> {
    names.iter().find(|name| !word.is_empty() && name.starts_with(word)).copied()
}

pub(super) fn address(text: &str) -> Result<IpAddr, InvalidValue> {
    text.parse().map_err(|_| InvalidValue::new(format!("`{text}` is not an IP address")))
}

/// An address with its network; without a prefix length, of that host alone.
pub(super) fn address_or_host(text: &str) -> Result<Cidr, InvalidValue> {
    match text.parse::<IpAddr>() {
        Ok(host) => Ok(Cidr::host(host)),
        Err(_) => text.parse(),
    }
}

/// A network as iproute2 and net-tools take it: `10.1/16` is `10.1.0.0/16`, an address alone is a host.
pub(super) fn network(text: &str, v6: bool) -> Result<Cidr, InvalidValue> {
    if matches!(text, "default" | "any" | "all") {
        return Ok(Cidr::any(v6));
    }
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let dots = address.bytes().filter(|b| *b == b'.').count();
    if !address.contains(':')
        && dots < 3
        && address.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && !address.is_empty()
    {
        let padded = format!("{address}{}", ".0".repeat(3 - dots));
        return match prefix {
            Some(prefix) => format!("{padded}/{prefix}").parse(),
            None => address_or_host(&padded),
        };
    }
    match (prefix, text.parse::<IpAddr>()) {
        (None, Ok(host)) => Ok(Cidr::host(host)),
        // `10.0.0.0/255.255.0.0`
        (Some(mask), _) if mask.contains('.') => {
            let address = self::address(address)?;
            Cidr::new(address, mask_length(mask)?)
        }
        _ => text.parse(),
    }
}

/// The length of a netmask such as `255.255.255.0`.
pub(super) fn mask_length(text: &str) -> Result<u8, InvalidValue> {
    let wrong = || InvalidValue::new(format!("`{text}` is not a netmask")).help("a netmask is like `255.255.255.0`");
    let bits = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).map_err(|_| wrong())?,
        None => text.parse::<Ipv4Addr>().map_err(|_| wrong())?.to_bits(),
    };
    let length = bits.leading_ones();
    if bits.count_ones() == length { Ok(u8::try_from(length).unwrap_or(32)) } else { Err(wrong()) }
}

/// The netmask that an address has by its class, where none is given.
pub(super) fn class_length(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..=127 => 8,
        128..=191 => 16,
        192..=223 => 24,
        _ => 32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_can_be_shortened() {
        for (short, long) in [
            ("10/8", "10.0.0.0/8"),
            ("10.1/16", "10.1.0.0/16"),
            ("10.0.0.7", "10.0.0.7/32"),
            ("default", "0.0.0.0/0"),
            ("0/0", "0.0.0.0/0"),
            ("10.0.0.0/255.255.0.0", "10.0.0.0/16"),
            ("fd00::/8", "fd00::/8"),
            ("fd00::1", "fd00::1/128"),
        ] {
            assert_eq!(network(short, false).unwrap().to_string(), long);
        }
        assert!(network("10.0.0.0/255.0.255.0", false).is_err());
        assert!(network("eth0", false).is_err());
    }

    #[test]
    fn the_first_name_in_the_table_is_meant() {
        assert_eq!(shortened("a", &["address", "addrlabel"]), Some("address"));
        assert_eq!(shortened("addrl", &["address", "addrlabel"]), Some("addrlabel"));
        assert_eq!(shortened("x", &["address"]), None);
        assert_eq!(shortened("", &["address"]), None);
    }
}
