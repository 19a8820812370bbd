use std::{fmt, str::FromStr};

use super::{IfName, InvalidValue, NodeName, words::Words};

/// An interface with an Ethernet address of its own on the link of another ([ip-link(8)]).
///
/// Its display form is `link PARENT mode MODE`, followed by `of NODE` where the parent is another node's.
///
/// ```
/// use netns_test_topology::{Macvlan, MacvlanMode};
///
/// let macvlan: Macvlan = "link eth0 mode private".parse()?;
/// assert_eq!(macvlan.mode, MacvlanMode::Private);
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// [ip-link(8)]: https://man7.org/linux/man-pages/man8/ip-link.8.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macvlan {
    /// The interface whose link it shares.
    pub parent: IfName,
    /// The node of the parent, if not its own.
    pub parent_node: Option<NodeName>,
    /// How it deals with the others of the same parent.
    pub mode: MacvlanMode,
}

/// How macvlan interfaces of one parent deal with each other; none of them reaches the parent itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MacvlanMode {
    /// They reach each other directly.
    #[default]
    Bridge,
    /// They do not reach each other, even if a switch outside returns their frames.
    Private,
    /// They reach each other if a switch outside returns their frames ([IEEE 802.1Qbg]).
    ///
    /// [IEEE 802.1Qbg]: https://1.ieee802.org/dcb/802-1qbg/
    Vepa,
    /// There is only one, and it takes the parent's Ethernet address.
    Passthru,
}

impl Macvlan {
    /// A macvlan in bridge mode, on an interface of the same node.
    pub fn new(parent: IfName) -> Self {
        Self { parent, parent_node: None, mode: MacvlanMode::default() }
    }
}

impl MacvlanMode {
    /// Every mode.
    pub const ALL: [MacvlanMode; 4] =
        [MacvlanMode::Bridge, MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Passthru];

    /// Its name, as `ip` has it.
    pub fn name(self) -> &'static str {
        match self {
            MacvlanMode::Bridge => "bridge",
            MacvlanMode::Private => "private",
            MacvlanMode::Vepa => "vepa",
            MacvlanMode::Passthru => "passthru",
        }
    }
}

impl fmt::Display for MacvlanMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for MacvlanMode {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let names = Self::ALL.map(Self::name);
        let found = Self::ALL.into_iter().find(|mode| mode.name() == text);
        found.ok_or_else(|| InvalidValue::no("macvlan mode", text, &names))
    }
}

impl fmt::Display for Macvlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {} mode {}", self.parent, self.mode)?;
        match &self.parent_node {
            Some(node) => write!(f, " of {node}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Macvlan {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut words = Words::new("macvlan interface", text);
        let (mut parent, mut parent_node, mut mode) = (None, None, MacvlanMode::default());
        while let Some(word) = words.next() {
            match word {
                "link" => parent = Some(words.interface(word)?),
                "mode" => {
                    let value = words.value(word)?;
                    mode = value.parse().map_err(|error| words.wrong(value, error))?;
                }
                "of" => {
                    let name = words.value(word)?;
                    parent_node = Some(NodeName::new(name).map_err(|error| words.wrong(name, error))?);
                }
                other => return Err(words.unknown(other, &["link", "mode", "of"])),
            }
        }
        let parent = parent.ok_or_else(|| {
            InvalidValue::new(format!("the macvlan interface `{text}` has no parent"))
                .help("write it such as `link eth0 mode bridge`")
        })?;
        Ok(Self { parent, parent_node, mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_reads_as_it_is_written() {
        for text in ["link eth0 mode bridge", "link eth0 mode passthru of host"] {
            assert_eq!(text.parse::<Macvlan>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_interface_has_a_parent_and_a_known_mode() {
        let wrong = |text: &str| text.parse::<Macvlan>().unwrap_err().to_string();
        assert!(wrong("mode vepa").contains("has no parent"));
        assert!(wrong("link eth0 mode bridged").contains("did you mean `bridge`?"));
        assert!(wrong("link eth0 made vepa").contains("did you mean `mode`?"));
    }
}
