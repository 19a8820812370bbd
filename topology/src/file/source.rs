//! A text and its name.

use super::Span;

/// A text that is read, and what it is called in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// Names a text; the name is usually the path of its file.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a place's first character, both from 1. A column is one character, a tab as well.
    ///
    /// ```
    /// let source = netns_test_topology::file::Source::new("lan.toml", "title = \"LAN\"\n[node.ä]\n");
    /// assert_eq!(source.line_and_column(&(20..22)), (2, 7));
    /// ```
    pub fn line_and_column(&self, span: &Span) -> (usize, usize) {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}
