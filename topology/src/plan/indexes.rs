//! Interface indexes that differ at the two ends of a cable.

use std::collections::HashMap;

use crate::{Departure, Draft, Kind, Link};

/// The lowest index given; below it is the kernel's own choice, which begins with 2.
const FIRST: usize = 10;

/// The indexes of both ends of each cable, in the order of the links; `None` where the kernel chooses.
///
/// No index is given twice in the topology: a cable's state is misread where an unrelated interface of one end's node
/// has the index of the other end.
pub(super) fn of_links(draft: &Draft) -> Vec<Option<(u32, u32)>> {
    let departs: HashMap<&str, bool> =
        draft.nodes.iter().map(|n| (&*n.name, n.departs(Departure::DistinctIndexes, draft.profile))).collect();
    // The kernel honours an index at the peer only beside one at the first end, so one end decides for both.
    let distinct = |link: &Link| [&link.a, &link.b].iter().all(|end| departs.get(&*end.node) == Some(&true));

    let mut kernel_chosen: HashMap<&str, usize> = HashMap::new();
    for node in &draft.nodes {
        let others =
            node.interfaces.iter().filter(|i| matches!(i.kind, Kind::Bridge(_)) || i.kind.is_overlay()).count();
        kernel_chosen.insert(&node.name, others);
    }
    for link in draft.links.iter().filter(|link| !distinct(link)) {
        for end in [&link.a, &link.b] {
            *kernel_chosen.entry(&end.node).or_default() += 1;
        }
    }

    let first = FIRST.max(2 + kernel_chosen.values().copied().max().unwrap_or(0));
    let mut next =
        u32::try_from(first).expect("a topology with four thousand million interfaces does not fit in memory");
    draft
        .links
        .iter()
        .map(|link| {
            distinct(link).then(|| {
                next += 2;
                (next - 2, next - 1)
            })
        })
        .collect()
}
