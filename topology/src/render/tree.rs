//! Where each node of a network stands: trees that grow from the middle of what hangs together.

use std::collections::VecDeque;

use super::view::{Cable, View};

/// What hangs together, as a tree from its middle; cables that close a circle are not in it.
pub(super) struct Tree {
    /// The box.
    pub(super) at: usize,
    /// The cable that leads to it from the one before.
    pub(super) by: Option<usize>,
    /// What comes behind it, in the order of its interfaces.
    pub(super) behind: Vec<Tree>,
}

/// The trees of a network, one for each part that hangs together.
pub(super) fn trees(view: &View<'_>) -> Vec<Tree> {
    let graph = Graph::of(view);
    let mut planted = vec![false; view.boxes.len()];
    let mut trees = Vec::new();
    for at in 0..view.boxes.len() {
        if !planted[at] {
            let (together, _) = graph.distances(at);
            trees.push(graph.plant(graph.middle(&together), &mut planted));
        }
    }
    trees
}

/// The parts into which the network falls without one box: each other box has the number of its part.
pub(super) fn parts_without(view: &View<'_>, without: usize) -> Vec<usize> {
    let graph = Graph::of(view);
    let mut parts = vec![usize::MAX; view.boxes.len()];
    for at in (0..parts.len()).filter(|at| *at != without) {
        let mut next = vec![at];
        while let Some(here) = next.pop() {
            if here != without && parts[here] == usize::MAX {
                parts[here] = at;
                next.extend(graph.cables[here].iter().map(|(_, far)| *far));
            }
        }
    }
    parts
}

/// The cables of each box with their far boxes, in the order of the box's interfaces.
struct Graph {
    cables: Vec<Vec<(usize, usize)>>,
}

impl Graph {
    fn of(view: &View<'_>) -> Self {
        let mut cables: Vec<Vec<(usize, usize)>> = vec![Vec::new(); view.boxes.len()];
        for (number, Cable { ends: [a, b], .. }) in
            view.cables.iter().enumerate().filter(|(_, c)| c.ends[0].at != c.ends[1].at)
        {
            cables[a.at].push((number, b.at));
            cables[b.at].push((number, a.at));
        }
        for (at, list) in cables.iter_mut().enumerate() {
            list.sort_by_key(|(cable, _)| view.cables[*cable].near(at).row);
        }
        Self { cables }
    }

    /// What hangs together with a box, and the distance of the farthest of it.
    fn distances(&self, from: usize) -> (Vec<usize>, usize) {
        let mut distance = vec![None; self.cables.len()];
        distance[from] = Some(0);
        let (mut order, mut next, mut farthest) = (Vec::new(), VecDeque::from([(from, 0)]), 0);
        while let Some((at, far)) = next.pop_front() {
            order.push(at);
            farthest = far;
            for &(_, other) in &self.cables[at] {
                if distance[other].is_none() {
                    distance[other] = Some(far + 1);
                    next.push_back((other, far + 1));
                }
            }
        }
        (order, farthest)
    }

    /// The box from which all others are near; of several the one with the most cables, and then the first.
    fn middle(&self, together: &[usize]) -> usize {
        let rank = |at: &usize| (self.distances(*at).1, std::cmp::Reverse(self.cables[*at].len()), *at);
        *together.iter().min_by_key(|at| rank(at)).expect("a box hangs together with itself")
    }

    fn plant(&self, root: usize, planted: &mut [bool]) -> Tree {
        planted[root] = true;
        let mut order = vec![(root, None, 0)];
        let mut next = 0;
        while let Some(&(at, ..)) = order.get(next) {
            for &(cable, far) in &self.cables[at] {
                if !std::mem::replace(&mut planted[far], true) {
                    order.push((far, Some(cable), next));
                }
            }
            next += 1;
        }
        // What was found last has nothing behind it that is not in its tree yet.
        let mut trees: Vec<Tree> = order.iter().map(|&(at, by, _)| Tree { at, by, behind: Vec::new() }).collect();
        while let Some(mut tree) = trees.pop() {
            tree.behind.reverse();
            let (_, _, before) = order[trees.len()];
            match trees.get_mut(before) {
                Some(parent) => parent.behind.push(tree),
                None => return tree,
            }
        }
        unreachable!("the first tree has none before it")
    }
}
