//! A network as a Mermaid flowchart.

use std::fmt::Write;

use super::view::{Box, Row, Shape, View};
use crate::Topology;

/// Writes the network as a [Mermaid] flowchart, which GitHub and many editors draw where it stands in Markdown.
///
/// Each node is a frame with its interfaces, a switch is a hexagon, and a cable with an end that is down is dotted.
///
/// ```
/// use netns_test_topology::{Topology, render};
///
/// let pair = Topology::builder()
///     .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
///     .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
///     .link("a.eth0", "b.eth0")
///     .build()?;
/// assert_eq!(
///     render::mermaid(&pair),
///     "\
/// flowchart LR
///   subgraph n0[\"a\"]
///     n0i0[\"eth0<br/>10.0.0.1/24\"]
///   end
///   subgraph n1[\"b\"]
///     n1i0[\"eth0<br/>10.0.0.2/24\"]
///   end
///   n0i0 --- n1i0
/// "
/// );
/// # Ok::<(), netns_test_topology::check::Problems>(())
/// ```
///
/// [Mermaid]: https://mermaid.js.org/syntax/flowchart.html
pub fn mermaid(topology: &Topology) -> String {
    let view = View::of(topology);
    let mut text = String::from("flowchart LR\n");
    for (at, node) in view.boxes.iter().enumerate() {
        frame(&mut text, at, node);
    }
    for cable in &view.cables {
        let [a, b] = cable.ends.map(|end| match view.boxes[end.at].shape {
            Shape::Switch => format!("n{}", end.at),
            _ => format!("n{}i{}", end.at, end.row),
        });
        let line = if cable.is_up { "---" } else { "-.-" };
        let _ = writeln!(text, "  {a} {line} {b}");
    }
    text
}

fn frame(text: &mut String, at: usize, node: &Box<'_>) {
    let mut title = vec![node.name];
    title.extend(node.notes.iter().map(String::as_str));
    let title = label(title);
    if node.shape == Shape::Switch {
        let _ = writeln!(text, "  n{at}{{{{{title}}}}}");
        return;
    }
    if node.rows.is_empty() {
        let _ = writeln!(text, "  n{at}[{title}]");
        return;
    }
    let _ = writeln!(text, "  subgraph n{at}[{title}]");
    let mut bridge = 0;
    for (row, interface) in node.rows.iter().enumerate() {
        let words = label(words(interface));
        let is_bridge = node.rows.get(row + 1).is_some_and(|next| next.is_port) && !interface.is_port;
        let _ = match is_bridge {
            true => writeln!(text, "    n{at}i{row}([{words}])"),
            false => writeln!(text, "    n{at}i{row}[{words}]"),
        };
        if interface.is_port {
            let _ = writeln!(text, "    n{at}i{bridge} === n{at}i{row}");
        } else {
            bridge = row;
        }
    }
    text.push_str("  end\n");
}

fn words<'a>(row: &'a Row<'_>) -> Vec<&'a str> {
    let details = row.addresses.iter().chain(&row.remarks).map(String::as_str);
    std::iter::once(row.name).chain(details).collect()
}

/// Lines as a quoted label; Mermaid has codes for what it would read as its own.
fn label(lines: Vec<&str>) -> String {
    let escape = |c: char| match c {
        '"' | '&' | '<' | '>' | '#' | '\\' | '`' => format!("#{};", u32::from(c)),
        other => other.to_string(),
    };
    let lines: Vec<String> = lines.into_iter().map(|line| line.chars().map(escape).collect()).collect();
    format!("\"{}\"", lines.join("<br/>"))
}
