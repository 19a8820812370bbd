//! What can hold of the connections that a node tracks.

use std::fmt;

use netns_test_runtime::{
    kernel::{ConntrackEntry, ConntrackFlow},
    lab::{Lab, Node},
    probe,
};
use netns_test_topology::{Protocol, file::tree::Value};

use super::{
    fact::Wrong,
    text::Packets,
    words::{Keys, Reader, Whom},
};

/// A connection that a node tracks.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    packets: Packets,
    /// Whom the other side takes for the sender.
    seen_as: Option<Whom>,
    there: bool,
}

impl Connection {
    pub(super) fn read(reader: &mut Reader, keys: &mut Keys, value: &Value) -> Option<Self> {
        let seen_as = keys.take("as").map(|value| {
            let text = reader.text(value)?.to_owned();
            reader.whom(&text, &value.span)
        });
        let there = keys.take("there").map(|there| reader.flag(there));
        let packets = Packets::tracked(reader, value)?;
        let seen_as = seen_as.map_or(Some(None), |whom| whom.map(Some))?;
        Some(Self { packets, seen_as, there: there.unwrap_or(Some(true))? })
    }

    /// What is expected, in a few words.
    pub(super) fn expected(&self) -> String {
        match (&self.seen_as, self.there) {
            (_, false) => "none".to_owned(),
            (None, true) => "tracked".to_owned(),
            (Some(whom), true) => format!("seen as {whom}"),
        }
    }

    /// Whether it holds, and what was seen.
    pub(super) fn look(&self, lab: &Lab, node: &Node) -> Result<(bool, String), Wrong> {
        let wanted = self.packets.traffic(lab).map_err(Wrong::unknown)?;
        let seen_as = match &self.seen_as {
            Some(whom) => Some(whom.addresses(lab).map_err(Wrong::unknown)?),
            None => None,
        };
        let all = node.connections().map_err(Wrong::unknown)?;
        let is_meant = |entry: &&ConntrackEntry| {
            let protocol = matches!(
                (wanted.protocol(), entry.protocol),
                (probe::Protocol::Any, _)
                    | (probe::Protocol::Icmp, Protocol::Icmp | Protocol::Icmpv6)
                    | (probe::Protocol::Tcp, Protocol::Tcp)
                    | (probe::Protocol::Udp, Protocol::Udp)
            );
            let port = match entry.original.flow {
                ConntrackFlow::Ports { destination, .. } => wanted.port().is_none_or(|port| port == destination),
                _ => wanted.port().is_none(),
            };
            let from = wanted.source().is_none_or(|network| network.contains(entry.original.source));
            let to = wanted.destination().is_none_or(|network| network.contains(entry.original.destination));
            protocol && port && from && to
        };
        let met: Vec<&ConntrackEntry> = all.iter().filter(is_meant).collect();
        let is_as = |entry: &&&ConntrackEntry| {
            seen_as.as_ref().is_none_or(|addresses| addresses.contains(&entry.reply.destination))
        };
        // The entry that decides, or else one that shows what is different.
        let shown = met.iter().find(is_as).or(met.first());
        let seen = match shown {
            Some(entry) => {
                let (original, reply) = (&entry.original, &entry.reply);
                format!("{} > {}, seen as {}", original.source, original.destination, reply.destination)
            }
            None => format!("none of {} tracked", all.len()),
        };
        Ok((met.iter().any(|entry| is_as(&entry)) == self.there, seen))
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.packets)
    }
}
