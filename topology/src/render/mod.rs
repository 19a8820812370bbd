//! Networks for readers: the commands that would build one, and pictures.
//!
//! Everything here is text made of data: the same topology always gives the same text, and names that a format would
//! misread are escaped in it.

mod script;

pub use script::script;
