//! A network in the language of Graphviz.

use std::fmt::Write;

use super::view::{Box, Row, Shape, View};
use crate::Topology;

/// Writes the network in the [DOT language] of Graphviz: `dot -Tsvg`, or `sfdp` for large ones.
///
/// Each node is a table with a line for each interface, which cables end at; a port of a bridge is set in. A cable with
/// an end that is down is dashed.
///
/// ```
/// use netns_test_topology::{Topology, render};
///
/// let pair = Topology::builder()
///     .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
///     .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
///     .link("a.eth0", "b.eth0")
///     .build()?;
/// let dot = render::dot(&pair);
/// assert!(dot.starts_with("graph {\n") && dot.contains("\n  n0:i0 -- n1:i0;\n"));
/// # Ok::<(), netns_test_topology::check::Problems>(())
/// ```
///
/// [DOT language]: https://graphviz.org/doc/info/lang.html
pub fn dot(topology: &Topology) -> String {
    let view = View::of(topology);
    let mut text = String::from(
        "graph {\n  rankdir=LR;\n  ranksep=1;\n  fontname=\"monospace\";\n  \
         node [shape=plain, fontname=\"monospace\", fontsize=11];\n",
    );
    if !topology.name.is_empty() {
        let _ = writeln!(text, "  label=<{}>;", escape(&topology.name));
    }
    for (at, node) in view.boxes.iter().enumerate() {
        let label = table(node);
        let _ = match node.shape {
            Shape::Switch => writeln!(text, "  n{at} [shape=hexagon, label={label}];"),
            _ => writeln!(text, "  n{at} [label={label}];"),
        };
    }
    for cable in &view.cables {
        let [a, b] = cable.ends.map(|end| match view.boxes[end.at].shape {
            Shape::Switch => format!("n{}", end.at),
            _ => format!("n{}:i{}", end.at, end.row),
        });
        let style = if cable.is_up { "" } else { " [style=dashed]" };
        let _ = writeln!(text, "  {a} -- {b}{style};");
    }
    text.push_str("}\n");
    text
}

fn table(node: &Box<'_>) -> String {
    let title: Vec<String> = std::iter::once(format!("<b>{}</b>", escape(node.name)))
        .chain(node.notes.iter().map(|note| escape(note)))
        .collect();
    let title = title.join("<br/>");
    if node.shape == Shape::Switch {
        return format!("<{title}>");
    }
    let color = if node.shape == Shape::Router { "#ffe8cc" } else { "#dbeafe" };
    let mut rows = format!("<tr><td bgcolor=\"{color}\">{title}</td></tr>");
    for (row, interface) in node.rows.iter().enumerate() {
        let _ = write!(rows, "<tr><td port=\"i{row}\" align=\"left\">{}</td></tr>", words(interface));
    }
    format!("<<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" cellpadding=\"4\">{rows}</table>>")
}

fn words(row: &Row<'_>) -> String {
    let indent = if row.is_port { "    " } else { "" };
    let details = row.addresses.iter().chain(&row.remarks).map(|detail| escape(detail));
    let words: Vec<String> = std::iter::once(format!("{indent}{}", escape(row.name))).chain(details).collect();
    words.join("  ")
}

/// Text inside one of Graphviz' HTML-like labels.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
