//! The words of a text that is read as a tool of iproute2 or nftables would read it.

use std::{net::IpAddr, ops::Range};

use super::{Cidr, IfName, InvalidValue};

/// The words of a route or rule, each error with its place in the text.
pub(super) struct Words<'a> {
    what: &'static str,
    text: &'a str,
    rest: std::str::SplitWhitespace<'a>,
    last: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn new(what: &'static str, text: &'a str) -> Self {
        Self { what, text, rest: text.split_whitespace(), last: "" }
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        let next = self.rest.next();
        self.last = next.unwrap_or(self.last);
        next
    }

    /// The next word, which stays.
    pub(super) fn peek(&self) -> Option<&'a str> {
        self.rest.clone().next()
    }

    /// What has not been read, up to the end.
    pub(super) fn rest(&mut self) -> &'a str {
        let start = self.peek().map_or(self.text.len(), |next| self.range(next).start);
        self.rest = "".split_whitespace();
        self.text[start..].trim_end()
    }

    /// The word that must follow another.
    pub(super) fn value(&mut self, word: &str) -> Result<&'a str, InvalidValue> {
        let (what, text, place) = (self.what, self.text, self.range(self.last));
        self.next().ok_or_else(|| {
            InvalidValue::new(format!("the {what} `{text}` ends after `{word}`"))
                .help(format!("say what belongs to `{word}`, or leave it out"))
                .at(place)
        })
    }

    pub(super) fn number<T: TryFrom<u32>>(&mut self, word: &str) -> Result<T, InvalidValue> {
        let value = self.value(word)?;
        let parsed = match value.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => value.parse::<u32>(),
        };
        parsed.ok().and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            let message =
                format!("`{value}` is no possible number after `{word}` in the {} `{}`", self.what, self.text);
            let most = if T::try_from(u32::MAX).is_ok() { u32::MAX } else { u16::MAX.into() };
            self.wrong(value, InvalidValue::new(message).help(format!("write a whole number up to {most}")))
        })
    }

    pub(super) fn table(&mut self, word: &str) -> Result<u32, InvalidValue> {
        match self.peek() {
            Some("main") => self.next().map(|_| 254),
            Some("default") => self.next().map(|_| 253),
            Some("local") => self.next().map(|_| 255),
            _ => None,
        }
        .map_or_else(|| self.number(word), Ok)
    }

    pub(super) fn interface(&mut self, word: &str) -> Result<IfName, InvalidValue> {
        let name = self.value(word)?;
        IfName::new(name).map_err(|error| self.wrong(name, error))
    }

    /// The address that must follow a word.
    pub(super) fn address_after(&mut self, word: &str) -> Result<IpAddr, InvalidValue> {
        let value = self.value(word)?;
        self.address(value)
    }

    pub(super) fn address(&self, text: &'a str) -> Result<IpAddr, InvalidValue> {
        text.parse().map_err(|_| {
            let error = InvalidValue::new(format!("`{text}` is not an IP address"));
            self.wrong(text, error.help("write an address without a prefix length, such as `10.0.0.1`"))
        })
    }

    /// A network, or a single address for that host alone.
    pub(super) fn network(&self, text: &'a str) -> Result<Cidr, InvalidValue> {
        match text.parse::<IpAddr>() {
            Ok(host) => Ok(Cidr::host(host)),
            Err(_) => text.parse().map_err(|error| self.wrong(text, error)),
        }
    }

    pub(super) fn network_or_all(&mut self, word: &str) -> Result<Option<Cidr>, InvalidValue> {
        let text = self.value(word)?;
        if text == "all" || text == "any" { Ok(None) } else { self.network(text).map(Some) }
    }

    pub(super) fn unknown(&self, word: &'a str, known: &[&'static str]) -> InvalidValue {
        let error = InvalidValue::new(format!("unknown word `{word}` in the {} `{}`", self.what, self.text));
        let error = match crate::check::nearest(word, known.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("a {} has {}", self.what, known.join(", "))),
        };
        self.wrong(word, error)
    }

    /// The error with the place of a word of this text.
    pub(super) fn wrong(&self, word: &'a str, error: InvalidValue) -> InvalidValue {
        error.at(self.range(word))
    }

    fn range(&self, word: &str) -> Range<usize> {
        let start = (word.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len());
        start..(start + word.len()).min(self.text.len())
    }
}
