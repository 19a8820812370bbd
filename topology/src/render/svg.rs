//! A network as a picture.

use std::fmt::Write;

use super::{
    layout::{Area, INSET, LETTER, LINE, Layout, Plug, details, head, name_column, row_offset},
    view::{Box, Cable, End, Shape, View},
};
use crate::Topology;

/// Draws the network as an [SVG] picture, which stands on its own: browsers and most viewers show it.
///
/// Each node is a box with its interfaces and their addresses, and what it does with packets at the top; a node that
/// forwards has another colour, and a switch is round. The ports of a bridge stand below it, on a line. A cable with an
/// end that is down is dashed.
///
/// ```
/// use netns_test_topology::{Topology, render};
///
/// let pair = Topology::builder()
///     .node("a", |n| n.interface("eth0", "10.0.0.1/24"))
///     .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
///     .link("a.eth0", "b.eth0")
///     .build()?;
/// let svg = render::svg(&pair);
/// assert!(svg.starts_with("<svg ") && svg.contains(">10.0.0.1/24</text>"));
/// # Ok::<(), netns_test_topology::check::Problems>(())
/// ```
///
/// [SVG]: https://www.w3.org/TR/SVG11/
pub fn svg(topology: &Topology) -> String {
    let view = View::of(topology);
    let layout = Layout::of(&view);
    let mut text = String::new();
    let (width, height) = (layout.width.ceil(), layout.height.ceil());
    let _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">"
    );
    if !topology.name.is_empty() {
        let _ = writeln!(text, "  <title>{}</title>", escape(&topology.name));
    }
    text.push_str(STYLE);
    let _ = writeln!(text, "  <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>");
    for cable in &view.cables {
        draw_cable(&mut text, &view, &layout, cable);
    }
    for (at, node) in view.boxes.iter().enumerate() {
        draw_box(&mut text, &view, at, node, layout.boxes[at]);
    }
    for cable in &view.cables {
        for (end, other) in [(cable.ends[0], cable.ends[1]), (cable.ends[1], cable.ends[0])] {
            if view.boxes[end.at].shape != Shape::Switch {
                let Plug { x, y, .. } = plug(&view, &layout, end, other);
                let _ = writeln!(text, "  <circle class=\"plug\" cx=\"{x}\" cy=\"{y}\" r=\"3\"/>");
            }
        }
    }
    text.push_str("</svg>\n");
    text
}

const STYLE: &str = "  <style>
    text { font: 12px 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #1f2937; white-space: pre; }
    .paper { fill: #ffffff; }
    .body { fill: #ffffff; stroke: #64748b; }
    .host { fill: #dbeafe; }
    .router { fill: #ffe8cc; }
    .switch { fill: #e5e7eb; stroke: #64748b; }
    .border { fill: none; stroke: #64748b; }
    .name { font-weight: bold; }
    .note { fill: #57534e; }
    .down { fill: #9ca3af; }
    .ports { stroke: #64748b; stroke-width: 1.5; fill: none; }
    .cable { stroke: #334155; stroke-width: 1.5; fill: none; }
    .dead { stroke: #9ca3af; stroke-dasharray: 5 4; }
    .plug { fill: #334155; }
  </style>
";

fn plug(view: &View<'_>, layout: &Layout, end: End, other: End) -> Plug {
    layout.plug(view, end, other)
}

fn draw_cable(text: &mut String, view: &View<'_>, layout: &Layout, cable: &Cable) {
    let [a, b] = cable.ends;
    let (from, to) = (plug(view, layout, a, b), plug(view, layout, b, a));
    // Between two boxes of one column the cable goes round, the wider the farther they are apart.
    let bend = match from.right == to.right {
        true => (30.0 + (from.y - to.y).abs() / 8.0).min(70.0),
        false => ((from.x - to.x).abs() / 2.0).max(24.0),
    };
    let lean = |plug: Plug| if plug.right { plug.x + bend } else { plug.x - bend };
    let class = if cable.is_up { "cable" } else { "cable dead" };
    let _ = writeln!(
        text,
        "  <path class=\"{class}\" d=\"M{} {} C{} {} {} {} {} {}\"/>",
        from.x,
        from.y,
        lean(from),
        from.y,
        lean(to),
        to.y,
        to.x,
        to.y
    );
}

fn draw_box(text: &mut String, view: &View<'_>, at: usize, node: &Box<'_>, area: Area) {
    let Area { x, y, width, height } = area;
    let (radius, class) = match node.shape {
        Shape::Host => (5.0, "host"),
        Shape::Router => (5.0, "router"),
        Shape::Switch => (height / 2.0, "switch"),
    };
    let rectangle = |class: &str, height: f64| {
        format!(
            "  <rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>\n"
        )
    };
    let head = head(view, at);
    if node.shape == Shape::Switch {
        text.push_str(&rectangle(class, height));
    } else {
        text.push_str(&rectangle("body", height));
        text.push_str(&rectangle(class, head));
        text.push_str(&rectangle("border", height));
    }
    let middle = x + width / 2.0;
    let baseline = |line: usize| y + 4.0 + LINE * (line as f64 + 0.75);
    let _ = writeln!(
        text,
        "  <text class=\"name\" text-anchor=\"middle\" x=\"{middle}\" y=\"{}\">{}</text>",
        baseline(0),
        escape(node.name)
    );
    for (line, note) in node.notes.iter().enumerate() {
        let _ = writeln!(
            text,
            "  <text class=\"note\" text-anchor=\"middle\" x=\"{middle}\" y=\"{}\">{}</text>",
            baseline(line + 1),
            escape(note)
        );
    }
    if node.shape == Shape::Switch {
        return;
    }
    let addresses = x + INSET + (name_column(view, at) + 2) as f64 * LETTER;
    let mut bridge = None;
    for (row, interface) in node.rows.iter().enumerate() {
        let middle = y + row_offset(view, at, row);
        let down = if interface.is_up { "" } else { " down" };
        let mut left = x + INSET;
        if interface.is_port {
            // The line on which the ports of a bridge stand begins below its name.
            let from = bridge.unwrap_or(middle) + 7.0;
            let (stem, port) = (left + 4.0, left + 11.0);
            let _ = writeln!(text, "  <path class=\"ports\" d=\"M{stem} {from} V{middle} H{port}\"/>");
            left += 2.0 * LETTER;
        } else {
            bridge = Some(middle);
        }
        let y = middle + 4.0;
        let _ = writeln!(text, "  <text class=\"name{down}\" x=\"{left}\" y=\"{y}\">{}</text>", escape(interface.name));
        for (line, detail) in details(view, End { at, row }).iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let y = y + LINE * line as f64;
            let class = if interface.is_up { "" } else { "class=\"down\" " };
            let _ = writeln!(text, "  <text {class}x=\"{addresses}\" y=\"{y}\">{}</text>", escape(detail));
        }
    }
}

/// Text in XML; what XML cannot hold stands as a question mark.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            control if control.is_control() => escaped.push('?'),
            other => escaped.push(other),
        }
    }
    escaped
}
