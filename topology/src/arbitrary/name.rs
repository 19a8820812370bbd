//! Names of nodes and interfaces, with those that are hard to quote.

use proptest::prelude::*;

use crate::{IfName, NodeName};

/// Names that programs, shells and picture formats misread, if anything can make them do so.
const HARD: [&str; 18] = [
    "a", "br", "up", "vf", "dev", "-x", "eth0.100", "eth*", "x'y", "$(id)", "`id`", "<b>&amp;", "a;b", "#1", "{|}",
    "\\n", "é", "%%",
];

/// The name of an interface; `None` is a plain one, by position.
pub(super) fn interface() -> impl Strategy<Value = Option<IfName>> {
    prop_oneof![
        8 => Just(None),
        1 => "[a-z]{1,4}-?[a-z0-9]{1,4}".prop_map(|name| IfName::new(name).ok()),
        1 => prop::sample::select(HARD.as_slice()).prop_map(|name| IfName::new(name).ok()),
        1 => "[!-.0-9;-~]{1,15}".prop_map(|name| IfName::new(name).ok()),
    ]
}

/// The name of a node; `None` is a plain one, by position.
pub(super) fn node() -> impl Strategy<Value = Option<NodeName>> {
    prop_oneof![8 => Just(None), 1 => "[a-z0-9][a-z0-9._-]{0,9}".prop_map(|name| NodeName::new(name).ok())]
}

/// The first name that is not taken: the one wanted, or a plain one with a number.
pub(super) fn free<N: for<'a> TryFrom<&'a str>>(wanted: Option<N>, plain: &str, taken: impl Fn(&N) -> bool) -> N {
    let plain = (0..).map_while(|n| N::try_from(format!("{plain}{n}").as_str()).ok());
    wanted
        .into_iter()
        .chain(plain)
        .find(|name| !taken(name))
        .expect("a number that is not taken can be found, and fits")
}
