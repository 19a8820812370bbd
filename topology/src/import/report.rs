//! What is said about a lab file: where, what, why, and what to write instead.

use std::{fmt, sync::Arc};

use crate::{InvalidValue, check::Problem};

/// A file of a lab, as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    name: String,
    text: String,
}

impl Source {
    pub(super) fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// A place in a lab file; prints as `FILE:LINE:COLUMN`.
#[derive(Clone, PartialEq, Eq)]
pub struct At {
    source: Arc<Source>,
    line: usize,
    column: usize,
    length: usize,
}

impl At {
    /// A place of that many characters on one line; lines and columns count from 1.
    pub(super) fn new(source: &Arc<Source>, line: usize, column: usize, length: usize) -> Self {
        Self { source: source.clone(), line, column, length }
    }

    /// A line without the white space around it.
    pub(super) fn line_of(source: &Arc<Source>, line: usize) -> Self {
        let text = source.text.lines().nth(line - 1).unwrap_or_default();
        let indent = text.chars().take_while(|c| c.is_whitespace()).count();
        Self::new(source, line, indent + 1, text.trim().chars().count())
    }

    /// The file's name, as it was given.
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The text there, on its first line.
    pub fn text(&self) -> String {
        self.whole_line().chars().skip(self.column - 1).take(self.length).collect()
    }

    fn whole_line(&self) -> &str {
        self.source.text.lines().nth(self.line - 1).unwrap_or_default()
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line, self.column)
    }
}

/// Something in a lab file that cannot be imported.
///
/// Its display form is a message as a compiler would print it, with the line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    at: At,
    message: String,
    facts: Vec<String>,
    help: Option<String>,
}

impl Refusal {
    /// Where it stands.
    pub fn at(&self) -> &At {
        &self.at
    }

    /// What is refused and why, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead, if that is known.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    pub(super) fn set_help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for fact in &self.facts {
            write!(f, "\n         {fact}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n       help: {help}")?;
        }
        let width = self.at.line.to_string().len();
        let line = self.at.whole_line().trim_end();
        // Tabs are kept, so that the marks stand below what they mark.
        let indent: String =
            line.chars().take(self.at.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let marks = "^".repeat(self.at.length.clamp(1, line.chars().count().saturating_sub(self.at.column - 1).max(1)));
        write!(
            f,
            "\n{:width$}--> {}\n{:width$} |\n{} | {line}\n{:width$} | {indent}{marks}",
            "", self.at, "", self.at.line, ""
        )
    }
}

/// Everything in a lab that cannot be imported, in the order of the files.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusals(pub(super) Vec<Refusal>);

impl Refusals {
    /// The refusals, first to last.
    pub fn iter(&self) -> std::slice::Iter<'_, Refusal> {
        self.0.iter()
    }

    /// How many there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'a> IntoIterator for &'a Refusals {
    type Item = &'a Refusal;
    type IntoIter = std::slice::Iter<'a, Refusal>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, refusal) in self.0.iter().enumerate() {
            write!(f, "{}{refusal}", if n == 0 { "" } else { "\n\n" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::debug::in_words(self, f)
    }
}

impl std::error::Error for Refusals {}

/// Something that a lab says and the imported topology does not have, because it is no part of a network's build.
///
/// Prints as one line: where, what, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    what: String,
    why: String,
    places: Vec<At>,
}

impl Note {
    /// What is not carried over, as it stands in the file.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Why not, and what takes its place.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Where it stands; the same in several places is one note.
    pub fn places(&self) -> &[At] {
        &self.places
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.places.first() {
            write!(f, "{first}: ")?;
        }
        write!(f, "{} is not carried over: {}", self.what, self.why)?;
        let more: Vec<String> = self.places.iter().skip(1).map(At::to_string).collect();
        if more.is_empty() { Ok(()) } else { write!(f, " (also {})", more.join(", ")) }
    }
}

/// Refusals and notes while a lab is read.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) refusals: Vec<Refusal>,
    pub(super) notes: Vec<Note>,
}

impl Report {
    pub(super) fn refuse(&mut self, at: &At, message: impl Into<String>) -> &mut Refusal {
        self.refusals.push(Refusal { at: at.clone(), message: message.into(), facts: Vec::new(), help: None });
        self.refusals.last_mut().expect("a refusal was just added")
    }

    pub(super) fn invalid(&mut self, at: &At, error: &InvalidValue) {
        let refusal = self.refuse(at, error.message());
        refusal.help = error.help_text().map(str::to_owned);
    }

    /// The value, or `None` with a refusal of it.
    pub(super) fn keep<T>(&mut self, at: &At, read: Result<T, InvalidValue>) -> Option<T> {
        read.map_err(|error| self.invalid(at, &error)).ok()
    }

    pub(super) fn problem(&mut self, at: &At, problem: &Problem) {
        let refusal = self.refuse(at, format!("{} ({})", problem.message, problem.name()));
        refusal.facts.clone_from(&problem.notes);
        refusal.help.clone_from(&problem.help);
    }

    pub(super) fn note(&mut self, at: &At, what: impl Into<String>, why: impl Into<String>) {
        let (what, why) = (what.into(), why.into());
        match self.notes.iter_mut().find(|note| note.what == what && note.why == why) {
            Some(note) => {
                if !note.places.contains(at) {
                    note.places.push(at.clone());
                }
            }
            None => self.notes.push(Note { what, why, places: vec![at.clone()] }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_the_line_and_marks_the_place() {
        let source = Source::new("lab.conf", "pc1[0]=A\n\tpc1[1]=B C\n");
        let mut report = Report::default();
        report.refuse(&At::new(&source, 2, 9, 3), "`B C` is no name").set_help("write one word");
        assert_eq!(
            report.refusals[0].to_string(),
            "error: `B C` is no name\n       help: write one word\n --> lab.conf:2:9\n  |\n2 | \tpc1[1]=B C\n  | \t       ^^^"
        );
    }

    #[test]
    fn the_same_in_several_places_is_one_note() {
        let source = Source::new("x.clab.yml", "a\nb\n");
        let mut report = Report::default();
        report.note(&At::line_of(&source, 1), "`image`", "no");
        report.note(&At::line_of(&source, 2), "`image`", "no");
        report.note(&At::line_of(&source, 2), "`image`", "no");
        let notes: Vec<String> = report.notes.iter().map(Note::to_string).collect();
        assert_eq!(notes, ["x.clab.yml:1:1: `image` is not carried over: no (also x.clab.yml:2:1)"]);
    }
}
