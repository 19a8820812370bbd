//! Settings in braces: `{ mtu 1400, mac "02:00:00:00:00:01", down }`.

use proc_macro2::{Delimiter, TokenTree};
use syn::ext::IdentExt;

use super::{
    fault::{Fault, Place},
    parse::{commas, reference},
    statement::KEYWORDS,
    tokens::{Cursor, Read, Word},
    tree::{Port, Setting, Value},
};

pub(crate) const INTERFACE: &[&str] = &["mac", "mtu", "down", "master"];
pub(crate) const BRIDGE: &[&str] = &[
    "ports",
    "mac",
    "mtu",
    "down",
    "stp",
    "forward_delay",
    "ageing",
    "multicast_snooping",
    "nf_call_iptables",
    "nf_call_ip6tables",
    "nf_call_arptables",
];
pub(crate) const VXLAN: &[&str] = &[
    "id", "local", "remote", "group", "dev", "port", "learning", "proxy", "l2miss", "l3miss", "ageing", "underlay",
    "mac", "mtu", "down", "master",
];
pub(crate) const MACVLAN: &[&str] = &["parent", "parent_node", "mode", "mac", "mtu", "down", "master"];
pub(crate) const SWITCH: &[&str] = &[
    "mac",
    "mtu",
    "down",
    "stp",
    "forward_delay",
    "ageing",
    "multicast_snooping",
    "nf_call_iptables",
    "nf_call_ip6tables",
    "nf_call_arptables",
];

/// Reads one of the settings that are possible here.
pub(crate) fn setting(cursor: &mut Cursor<'_>, possible: &[&str]) -> Read<Setting> {
    let place = cursor.place();
    let Some(word) = cursor.peek_word() else { return Err(cursor.expected("a setting, such as `mtu 1400`")) };
    if !possible.contains(&word.as_str()) {
        let fault = Fault::unknown(place, "setting", &word, possible);
        return Err(match KEYWORDS.contains(&word.as_str()) {
            true => fault.help(format!("`{word}` is a statement of a node, outside these braces")),
            false => fault,
        });
    }
    cursor.next();
    let word = Word { text: word, place, quoted: false };
    let begin = cursor.place();
    let value = match word.text.as_str() {
        "mac" => Value::Mac(cursor.text("an Ethernet address, such as `\"02:00:00:00:00:01\"`")?),
        "mtu" => {
            let (bytes, place) = cursor.number("MTU", "of bytes, such as `mtu 1400`")?;
            return Ok(Setting { word, place, value: Value::Mtu(bytes) });
        }
        "down" => Value::Down,
        "master" => Value::Master(reference(cursor, "the name of a bridge")?),
        "ports" => Value::Ports(ports(cursor)?),
        "forward_delay" => Value::ForwardDelay(cursor.text("a time, such as `\"4s\"`")?),
        "ageing" => Value::Ageing(cursor.text("a time, such as `\"300s\"`")?),
        "stp" => Value::Stp(switch(cursor)?),
        "multicast_snooping" => Value::MulticastSnooping(switch(cursor)?),
        "nf_call_iptables" => Value::NfCallIptables(switch(cursor)?),
        "nf_call_ip6tables" => Value::NfCallIp6tables(switch(cursor)?),
        "id" => {
            let (id, place) = cursor.number("VXLAN identifier", "from 0 to 16777215")?;
            return Ok(Setting { word, place, value: Value::Id(id) });
        }
        "port" => {
            let (port, place) = cursor.number("port", "from 1 to 65535")?;
            return Ok(Setting { word, place, value: Value::UdpPort(port) });
        }
        "local" => Value::Local(cursor.text("an address, such as `\"192.0.2.1\"`")?),
        "remote" => Value::Remote(cursor.text("the address of the far end, such as `\"192.0.2.2\"`")?),
        "group" => Value::Group(cursor.text("a multicast group, such as `\"239.1.1.1\"`")?),
        "dev" => Value::Dev(reference(cursor, "the interface that carries the tunnel")?),
        "learning" => Value::Learning(switch(cursor)?),
        "proxy" => Value::Proxy(switch(cursor)?),
        "l2miss" => Value::L2miss(switch(cursor)?),
        "l3miss" => Value::L3miss(switch(cursor)?),
        "underlay" => Value::Underlay(reference(cursor, "the node that carries the tunnel")?),
        "parent" => Value::Parent(reference(cursor, "the interface whose link it shares")?),
        "parent_node" => Value::ParentNode(reference(cursor, "the node of the parent")?),
        "mode" => Value::Mode(reference(cursor, "`bridge`, `private`, `vepa` or `passthru`")?),
        _ => Value::NfCallArptables(switch(cursor)?),
    };
    let place = match &value {
        Value::Mac(text) | Value::ForwardDelay(text) | Value::Ageing(text) => text.place,
        Value::Local(text) | Value::Remote(text) | Value::Group(text) => text.place,
        Value::Master(word) | Value::Dev(word) | Value::Underlay(word) => word.place,
        Value::Parent(word) | Value::ParentNode(word) | Value::Mode(word) => word.place,
        Value::Ports(_) => begin,
        _ => place,
    };
    Ok(Setting { word, place, value })
}

/// `true`, `false`, or nothing, which is `true`.
fn switch(cursor: &mut Cursor<'_>) -> Read<bool> {
    if cursor.is_empty() || cursor.take_word("true").is_some() {
        Ok(true)
    } else if cursor.take_word("false").is_some() {
        Ok(false)
    } else {
        Err(cursor.expected("`true` or `false`"))
    }
}

/// One port, or several in brackets.
fn ports(cursor: &mut Cursor<'_>) -> Read<Vec<Port>> {
    let what = "the name of an interface, or several in brackets: `ports [eth0, eth1]`";
    match cursor.group(Delimiter::Bracket) {
        None => port(cursor, what).map(|port| vec![port]),
        Some((inner, place)) => commas(&inner)
            .map(|part| {
                let mut cursor = Cursor::new(part, place);
                port(&mut cursor, what).and_then(|port| cursor.end().map(|()| port))
            })
            .collect(),
    }
}

fn port(cursor: &mut Cursor<'_>, what: &str) -> Read<Port> {
    match cursor.peek() {
        Some(token @ TokenTree::Ident(ident)) => {
            cursor.next();
            let word = Word { text: ident.unraw().to_string(), place: Place::of(token), quoted: false };
            Ok(Port { word, field: Some(ident.clone()) })
        }
        _ => Ok(Port { word: reference(cursor, what)?, field: None }),
    }
}
