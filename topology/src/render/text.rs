//! A network as a tree of plain text.

use super::{
    tree::{self, Tree},
    view::{Box, End, Row, Shape, View},
};
use crate::Topology;

/// Draws the network as plain text, for terminals and reports: a tree of nodes that grows from the node in the middle.
///
/// A line begins with an interface, its addresses, and after `───` the far end of its cable with the far node. What is
/// behind that node follows below it. `─x─` is a cable with an end that is down.
///
/// ```
/// use netns_test_topology::{Topology, render};
///
/// let nat = Topology::builder()
///     .node("client", |n| n.interface("eth0", "10.0.0.2/24"))
///     .node("gateway", |n| {
///         n.interface("lan", "10.0.0.1/24").interface("wan", "203.0.113.1/24").forward().masquerade("wan")
///     })
///     .node("server", |n| n.interface("eth0", "203.0.113.9/24"))
///     .link("client.eth0", "gateway.lan")
///     .link("gateway.wan", "server.eth0")
///     .build()?;
/// assert_eq!(
///     render::text(&nat),
///     "\
/// gateway  (forwards; NAT oifname \"wan\" masquerade)
/// ├─ lan 10.0.0.1/24 ─── eth0 10.0.0.2/24  client
/// └─ wan 203.0.113.1/24 ─── eth0 203.0.113.9/24  server
/// "
/// );
/// # Ok::<(), netns_test_topology::check::Problems>(())
/// ```
pub fn text(topology: &Topology) -> String {
    let view = View::of(topology);
    let mut picture = Picture { view: &view, text: String::new() };
    for tree in &tree::trees(&view) {
        picture.text.push_str(&title(&view.boxes[tree.at]));
        picture.text.push('\n');
        picture.below(tree, "");
    }
    picture.text
}

struct Picture<'a> {
    view: &'a View<'a>,
    text: String,
}

impl Picture<'_> {
    /// The interfaces of a node but the one that led to it, with what is behind them.
    fn below(&mut self, tree: &Tree, indent: &str) {
        let rows = &self.view.boxes[tree.at].rows;
        let entry = tree.by.map(|cable| self.view.cables[cable].near(tree.at).row);
        let left: Vec<usize> = (0..rows.len()).filter(|row| Some(*row) != entry).collect();
        let top: Vec<usize> = left.iter().copied().filter(|row| !rows[*row].is_port).collect();
        for (position, &row) in top.iter().enumerate() {
            let end = top.get(position + 1).copied().unwrap_or(rows.len());
            let ports: Vec<usize> = left.iter().copied().filter(|port| (row + 1..end).contains(port)).collect();
            if self.view.boxes[tree.at].shape == Shape::Switch {
                self.each(tree, indent, &ports);
                continue;
            }
            let indent = self.line(tree, indent, row, position + 1 == top.len());
            self.each(tree, &indent, &ports);
        }
    }

    fn each(&mut self, tree: &Tree, indent: &str, rows: &[usize]) {
        for (position, &row) in rows.iter().enumerate() {
            self.line(tree, indent, row, position + 1 == rows.len());
        }
    }

    /// An interface and what is behind it; returns what begins the lines that belong to it.
    fn line(&mut self, tree: &Tree, indent: &str, row: usize, is_last: bool) -> String {
        let from = End { at: tree.at, row };
        let (branch, below) = if is_last { ("└─", "   ") } else { ("├─", "│  ") };
        let below = format!("{indent}{below}");
        let mut line = format!("{indent}{branch}");
        let near = &self.view.boxes[tree.at];
        if near.shape != Shape::Switch {
            line.push(' ');
            line.push_str(&words(&near.rows[row]));
        }
        let cable = self.view.cables.iter().position(|cable| cable.ends.contains(&from));
        let Some(cable) = cable else {
            self.finish(line);
            return below;
        };
        let far = match self.view.cables[cable].ends {
            [a, b] if a == from => b,
            [a, _] => a,
        };
        let there = &self.view.boxes[far.at];
        line.push_str(if near.shape == Shape::Switch { "" } else { " ─" });
        line.push_str(if self.view.cables[cable].is_up { "──" } else { "x─" });
        if there.shape != Shape::Switch {
            line.push(' ');
            line.push_str(&words(&there.rows[far.row]));
            let bridge = there.rows[..far.row].iter().rfind(|row| !row.is_port);
            if let Some(bridge) = bridge.filter(|_| there.rows[far.row].is_port) {
                line.push_str(&format!(" (port of {})", bridge.name));
            }
        }
        let behind = tree.behind.iter().find(|behind| behind.by == Some(cable));
        line.push_str(if there.shape == Shape::Switch { " " } else { "  " });
        match behind {
            Some(behind) => {
                line.push_str(&title(there));
                self.finish(line);
                self.below(behind, &below);
            }
            // It stands elsewhere.
            None => {
                line.push_str(&format!("→ {}", there.name));
                self.finish(line);
            }
        }
        below
    }

    fn finish(&mut self, line: String) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

fn title(node: &Box<'_>) -> String {
    let mut notes = node.notes.clone();
    if node.shape == Shape::Switch {
        notes.insert(0, "switch".into());
    }
    match notes.is_empty() {
        true => node.name.to_owned(),
        false => format!("{}  ({})", node.name, notes.join("; ")),
    }
}

fn words(row: &Row<'_>) -> String {
    let mut words = row.name.to_owned();
    if !row.addresses.is_empty() {
        words.push_str(&format!(" {}", row.addresses.join(", ")));
    }
    if !row.remarks.is_empty() {
        words.push_str(&format!(" ({})", row.remarks.join(", ")));
    }
    words
}
