//! What is wrong with a file, each with its place in the text.

use std::{fmt, io, path::PathBuf};

use super::{Source, Span};
use crate::{
    InvalidValue,
    check::{Check, Item, Part, Place, Problem},
};

/// Something wrong at a place in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub problem: Problem,
    /// Where it stands.
    pub span: Span,
}

impl Mistake {
    /// Something wrong that only a reader of files sees.
    pub fn new(check: Check, span: Span, message: impl Into<String>) -> Self {
        let place = Place::new(Item::Topology, Part::Whole, "the file");
        Self { problem: Problem::new(check, place, message), span }
    }

    /// Adds what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.problem.help = Some(help.into());
        self
    }

    /// Adds a fact behind it.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.problem.notes.push(note.into());
        self
    }

    /// A text that could not be read.
    pub(super) fn invalid(error: &InvalidValue, span: Span) -> Self {
        let place = Place::new(Item::Topology, Part::Whole, "the file");
        Self { problem: Problem::invalid(error, place), span }
    }
}

/// Everything wrong with a source, in the order of the text.
///
/// Its display form has a line `FILE:LINE:COLUMN: error[CODE]: MESSAGE` for each, with facts and help below it. With the
/// feature `ariadne` [`Mistakes::draw`] shows the lines of the source as well.
#[derive(Clone, PartialEq, Eq)]
pub struct Mistakes {
    pub(super) source: Source,
    found: Vec<Mistake>,
}

/// How many mistakes of a kind are told at one place: what is wrong with an array is wrong with each member.
const MOST_AT_A_PLACE: usize = 3;

impl Mistakes {
    /// Collects what was found in a source. Of many of a kind at one place the first three are told, and the number of
    /// the others.
    pub fn new(source: Source, mut found: Vec<Mistake>) -> Self {
        found.sort_by(|a, b| {
            (a.span.start, a.span.end, a.problem.code()).cmp(&(b.span.start, b.span.end, b.problem.code()))
        });
        // Shared settings are read once for each node that has them.
        found.dedup_by(|a, b| a.span == b.span && a.problem.message == b.problem.message);
        let alike = |a: &Mistake, b: &Mistake| a.span == b.span && a.problem.check == b.problem.check;
        let told = found.chunk_by(alike).flat_map(|alike| {
            let (told, others) = alike.split_at(alike.len().min(MOST_AT_A_PLACE));
            let mut told = told.to_vec();
            if let (Some(last), 1..) = (told.last_mut(), others.len()) {
                last.problem.notes.push(format!("and {} more like it at this place", others.len()));
            }
            told
        });
        let found = told.collect();
        Self { source, found }
    }

    /// The source.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Each mistake.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.found.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl<'a> IntoIterator for &'a Mistakes {
    type Item = &'a Mistake;
    type IntoIter = std::slice::Iter<'a, Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Mistake { problem, span }) in self.found.iter().enumerate() {
            let (line, column) = self.source.line_and_column(span);
            let start = if n == 0 { "" } else { "\n" };
            write!(f, "{start}{}:{line}:{column}: error[{}]: {}", self.source.name(), problem.code(), problem.message)?;
            for note in &problem.notes {
                write!(f, "\n  note: {note}")?;
            }
            if let Some(help) = &problem.help {
                write!(f, "\n  help: {help}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::debug::in_words(self, f)
    }
}

impl std::error::Error for Mistakes {}

/// Why no topology came from a file.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file could not be read.
    #[error("cannot read the topology file {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file says something wrong.
    #[error("{}", shown(.0))]
    Wrong(Mistakes),
}

impl fmt::Debug for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::debug::in_words(self, f)
    }
}

fn shown(mistakes: &Mistakes) -> String {
    #[cfg(feature = "ariadne")]
    return format!("this is no topology:\n{}", mistakes.draw(false));
    #[cfg(not(feature = "ariadne"))]
    mistakes.to_string()
}
