//! The order in which interfaces on top of others are made.

use crate::{Draft, Interface, Node};

impl Draft {
    /// The interfaces on top of others, each after the one that it is on.
    pub(crate) fn overlays(&self) -> Vec<(&Node, &Interface)> {
        let mut rest: Vec<(&Node, &Interface)> = self
            .nodes
            .iter()
            .flat_map(|node| node.interfaces.iter().map(move |interface| (node, interface)))
            .filter(|(_, interface)| interface.kind.is_overlay())
            .collect();
        let mut ordered = Vec::new();
        while !rest.is_empty() {
            let waits = |(node, interface): &(&Node, &Interface)| {
                let Some((owner, lower)) = interface.kind.lower() else { return false };
                let owner = owner.unwrap_or(&node.name);
                rest.iter().any(|(n, i)| n.name == *owner && i.name == *lower)
            };
            let (later, now): (Vec<_>, Vec<_>) = rest.iter().copied().partition(waits);
            if now.is_empty() {
                // Devices that carry each other in a circle: the kernel says what is wrong with the first.
                ordered.extend(later);
                break;
            }
            ordered.extend(now);
            rest = later;
        }
        ordered
    }
}
