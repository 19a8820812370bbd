//! Where the boxes of a picture stand, and where cables end at them.
//!
//! The box in the middle of each tree stands in the middle of its picture, and what hangs on it grows to the left and to
//! the right in columns. Parts that cables join apart from the middle stay on one side. What hangs together with nothing
//! else stands below.

use super::{
    tree::{self, Tree},
    view::{End, Shape, View, width},
};

/// The size of a letter, in pixels: fixed width at a font size of 12.
pub(super) const LETTER: f64 = 7.25;
/// The height of a line of text.
pub(super) const LINE: f64 = 17.0;
/// The room between the border of a box and its text.
pub(super) const INSET: f64 = 9.0;
/// The room between two columns, and between two boxes of one.
const GAP: (f64, f64) = (84.0, 16.0);
/// The room around the picture, and between parts that no cable joins.
const MARGIN: f64 = 20.0;
/// The widest row of boxes without cables.
const WIDEST: f64 = 900.0;

/// A rectangle, in pixels from the upper left corner of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A place at the border of a box where a cable ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plug {
    pub(super) x: f64,
    pub(super) y: f64,
    /// Whether the cable leaves to the right.
    pub(super) right: bool,
}

/// The places of everything.
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) boxes: Vec<Area>,
}

impl Layout {
    pub(super) fn of(view: &View<'_>) -> Self {
        let boxes = (0..view.boxes.len()).map(|at| size(view, at)).collect();
        let mut layout = Self { width: 0.0, height: MARGIN, boxes };
        let (alone, trees): (Vec<_>, Vec<_>) = tree::trees(view).into_iter().partition(|tree| tree.behind.is_empty());
        for tree in &trees {
            layout.place(view, tree);
        }
        layout.place_in_rows(&alone);
        layout
    }

    /// Where a cable ends, on the side of the box that looks towards the other end.
    pub(super) fn plug(&self, view: &View<'_>, end: End, other: End) -> Plug {
        let (here, there) = (self.boxes[end.at], self.boxes[other.at]);
        let right = here.x + here.width <= there.x || (here.x == there.x && self.bulges_right(here));
        let x = if right { here.x + here.width } else { here.x };
        let y = match view.boxes[end.at].shape {
            Shape::Switch => here.y + here.height / 2.0,
            _ => here.y + row_offset(view, end.at, end.row),
        };
        Plug { x, y, right }
    }

    /// Whether a cable between two boxes of one column goes round their right side: the one away from the middle.
    fn bulges_right(&self, area: Area) -> bool {
        area.x + area.width / 2.0 >= self.width / 2.0
    }

    fn place(&mut self, view: &View<'_>, tree: &Tree) {
        let (left, right) = self.sides(view, tree);
        let top = self.height;
        let height =
            [self.stack(&left), self.stack(&right), self.boxes[tree.at].height].into_iter().fold(0.0, f64::max);
        let (left_columns, right_columns) = (self.columns(&left), self.columns(&right));
        let reach: f64 = left_columns.iter().map(|column| column + GAP.0).sum();
        let x = MARGIN + reach;
        let middle = self.boxes[tree.at];
        self.boxes[tree.at] = Area { x, y: top + (height - middle.height) / 2.0, ..middle };
        self.place_side(&left, &left_columns, (x, top + (height - self.stack(&left)) / 2.0), false);
        let edge = x + middle.width;
        self.place_side(&right, &right_columns, (edge, top + (height - self.stack(&right)) / 2.0), true);
        let end = edge + right_columns.iter().map(|column| column + GAP.0).sum::<f64>() + MARGIN;
        self.width = self.width.max(end);
        self.height = top + height + MARGIN;
    }

    /// What hangs on the middle, for the left and for the right side: in order, and about half of the height each.
    fn sides<'t>(&self, view: &View<'_>, tree: &'t Tree) -> (Vec<&'t Tree>, Vec<&'t Tree>) {
        let parts = tree::parts_without(view, tree.at);
        let mut groups: Vec<Vec<&Tree>> = Vec::new();
        for behind in &tree.behind {
            match groups.iter_mut().find(|group| parts[group[0].at] == parts[behind.at]) {
                Some(group) => group.push(behind),
                None => groups.push(vec![behind]),
            }
        }
        if groups.len() < 2 {
            return (Vec::new(), groups.into_iter().flatten().collect());
        }
        let half = groups.iter().map(|group| self.stack(group)).sum::<f64>() / 2.0;
        let (mut left, mut right, mut filled) = (Vec::new(), Vec::new(), 0.0);
        for group in groups {
            let height = self.stack(&group);
            if right.is_empty() && filled + height / 2.0 <= half {
                filled += height;
                left.extend(group);
            } else {
                right.extend(group);
            }
        }
        (left, right)
    }

    /// The height of trees one below the other.
    fn stack(&self, trees: &[&Tree]) -> f64 {
        let gaps = GAP.1 * trees.len().saturating_sub(1) as f64;
        trees.iter().map(|tree| self.tall(tree)).sum::<f64>() + gaps
    }

    fn tall(&self, tree: &Tree) -> f64 {
        self.stack(&tree.behind.iter().collect::<Vec<_>>()).max(self.boxes[tree.at].height)
    }

    /// The width of each column of trees that stand on one side.
    fn columns(&self, trees: &[&Tree]) -> Vec<f64> {
        let (mut columns, mut here) = (Vec::new(), trees.to_vec());
        while !here.is_empty() {
            columns.push(here.iter().map(|tree| self.boxes[tree.at].width).fold(0.0, f64::max));
            here = here.iter().flat_map(|tree| &tree.behind).collect();
        }
        columns
    }

    /// Places trees from an edge on, one below the other.
    fn place_side(&mut self, trees: &[&Tree], columns: &[f64], (edge, mut y): (f64, f64), right: bool) {
        let Some((&column, rest)) = columns.split_first() else { return };
        for tree in trees {
            let tall = self.tall(tree);
            let area = self.boxes[tree.at];
            let x = if right { edge + GAP.0 } else { edge - GAP.0 - area.width };
            self.boxes[tree.at] = Area { x, y: y + (tall - area.height) / 2.0, ..area };
            let next = if right { edge + GAP.0 + column } else { edge - GAP.0 - column };
            let behind: Vec<&Tree> = tree.behind.iter().collect();
            self.place_side(&behind, rest, (next, y + (tall - self.stack(&behind)) / 2.0), right);
            y += tall + GAP.1;
        }
    }

    fn place_in_rows(&mut self, alone: &[Tree]) {
        let widest = self.width.max(WIDEST);
        let (mut x, mut tallest) = (MARGIN, 0.0);
        for tree in alone {
            let area = self.boxes[tree.at];
            if x > MARGIN && x + area.width + MARGIN > widest {
                (x, self.height) = (MARGIN, self.height + tallest + GAP.1);
                tallest = 0.0;
            }
            self.boxes[tree.at] = Area { x, y: self.height, ..area };
            x += area.width + MARGIN;
            tallest = area.height.max(tallest);
            self.width = self.width.max(x);
        }
        if !alone.is_empty() {
            self.height += tallest + MARGIN;
        }
    }
}

/// How many letters the names of a box's interfaces take; addresses stand behind them.
pub(super) fn name_column(view: &View<'_>, at: usize) -> usize {
    let names = view.boxes[at].rows.iter().map(|row| width(row.name) + if row.is_port { 2 } else { 0 });
    names.max().unwrap_or(0)
}

/// The lines of a row beside its name: each address, and what is to remark.
pub(super) fn details(view: &View<'_>, end: End) -> Vec<String> {
    let row = &view.boxes[end.at].rows[end.row];
    let mut lines = row.addresses.clone();
    if !row.remarks.is_empty() {
        let remarks = format!("({})", row.remarks.join(", "));
        match lines.first_mut() {
            Some(first) => *first = format!("{first} {remarks}"),
            None => lines.push(remarks),
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// The height of the part of a box above its interfaces.
pub(super) fn head(view: &View<'_>, at: usize) -> f64 {
    LINE * (1 + view.boxes[at].notes.len()) as f64 + 8.0
}

/// The middle of the first line of a row, from the upper border of its box.
pub(super) fn row_offset(view: &View<'_>, at: usize, row: usize) -> f64 {
    let above: usize = (0..row).map(|row| details(view, End { at, row }).len()).sum();
    head(view, at) + 6.0 + LINE * (above as f64 + 0.5)
}

fn size(view: &View<'_>, at: usize) -> Area {
    let node = &view.boxes[at];
    let heading = std::iter::once(node.name).chain(node.notes.iter().map(String::as_str)).map(width);
    let mut letters = heading.max().unwrap_or(0);
    let mut height = head(view, at);
    if node.shape != Shape::Switch && !node.rows.is_empty() {
        let column = name_column(view, at);
        for row in 0..node.rows.len() {
            let lines = details(view, End { at, row });
            let widest = lines.iter().map(|line| width(line)).max().unwrap_or(0);
            letters = letters.max(if widest == 0 { column } else { column + 2 + widest });
            height += LINE * lines.len() as f64;
        }
        height += 12.0;
    }
    Area { x: 0.0, y: 0.0, width: (letters as f64 * LETTER + 2.0 * INSET).ceil(), height }
}
