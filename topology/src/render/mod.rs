//! Networks for readers: the commands that would build one, and pictures.
//!
//! Everything here is text made of data: the same topology always gives the same text, and names that a format would
//! misread are escaped in it.

mod dot;
mod layout;
mod mermaid;
mod script;
mod svg;
mod text;
mod tree;
mod view;

pub use dot::dot;
pub use mermaid::mermaid;
pub use script::script;
pub use svg::svg;
pub use text::text;
