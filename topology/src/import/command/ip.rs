//! `ip`: objects, and the words that come before them ([ip(8)]).
//!
//! [ip(8)]: https://man7.org/linux/man-pages/man8/ip.8.html

use super::{
    Run,
    words::{Words, shortened},
};
use crate::InvalidValue;

/// The objects of `ip`, in the order in which it looks for what a word shortens.
const OBJECTS: &[&str] = &[
    "address",
    "addrlabel",
    "maddress",
    "route",
    "rule",
    "neighbor",
    "neighbour",
    "ntable",
    "ntbl",
    "link",
    "l2tp",
    "fou",
    "ila",
    "macsec",
    "tunnel",
    "tunl",
    "tuntap",
    "tap",
    "token",
    "tcpmetrics",
    "monitor",
    "xfrm",
    "mroute",
    "mrule",
    "netns",
    "netconf",
    "vrf",
    "sr",
    "nexthop",
    "mptcp",
    "ioam",
    "help",
    "stats",
];

/// The address family that `ip -4` and `ip -6` choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Any,
    V4,
    V6,
}

impl Family {
    pub(super) fn v6(self) -> bool {
        self == Family::V6
    }

    /// Refuses what is not of the family that was asked for.
    pub(super) fn check(self, what: impl std::fmt::Display, v6: bool) -> Result<(), InvalidValue> {
        match self {
            Family::V4 if v6 => Err(InvalidValue::new(format!("`ip -4` takes no `{what}`"))),
            Family::V6 if !v6 => Err(InvalidValue::new(format!("`ip -6` takes no `{what}`"))),
            _ => Ok(()),
        }
    }
}

impl Run<'_> {
    pub(super) fn ip(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        let mut family = Family::Any;
        let object = loop {
            let Some(word) = words.next() else {
                self.note_printing("ip");
                return Ok(());
            };
            match word {
                "-4" => family = Family::V4,
                "-6" => family = Family::V6,
                "-f" | "-family" => {
                    family = match words.value(word)? {
                        "inet" => Family::V4,
                        "inet6" => Family::V6,
                        other => return Err(words.not_expressible(&format!("-family {other}"))),
                    };
                }
                "-V" | "-Version" => {
                    self.note_printing("ip -V");
                    return Ok(());
                }
                "-n" | "-netns" | "-b" | "-batch" | "-a" | "-all" => {
                    return Err(InvalidValue::new(format!("`ip {word}` works elsewhere than on this node"))
                        .help("write the command at the node it is for"));
                }
                // How it prints, and how patient it is.
                option if option.starts_with('-') => {}
                object => break object,
            }
        };
        match shortened(object, OBJECTS) {
            Some("address") => self.ip_address(words, family),
            Some("link") => self.ip_link(words),
            Some("route") => self.ip_route(words, family),
            Some("rule") => self.ip_rule(words, family),
            Some("neighbor" | "neighbour") => self.ip_neighbour(words, family),
            Some("monitor" | "help" | "stats" | "netconf" | "ntable" | "ntbl") => {
                self.note_printing(&format!("ip {object}"));
                Ok(())
            }
            Some("netns") => Err(InvalidValue::new("`ip netns` makes nodes within a node")
                .help("declare each namespace as a node of the lab, and link it")),
            Some("vrf") => {
                Err(InvalidValue::new("the model has no VRFs")
                    .help("make a node of each VRF, or use `ip rule` and tables"))
            }
            Some(known) => Err(words.not_expressible(&format!("ip {known}"))),
            None => Err(InvalidValue::no("object of `ip`", object, &["address", "link", "route", "rule", "neighbour"])),
        }
    }
}
