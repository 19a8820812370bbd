//! Errors as `unwrap` and a test that returns one print them: in their own words, and not as structures.

use std::fmt::{self, Display, Formatter};

/// What [`Debug`](fmt::Debug) says of an error: its display form, which begins a line if it has several.
pub(crate) fn in_words(error: &impl Display, f: &mut Formatter<'_>) -> fmt::Result {
    let words = error.to_string();
    write!(f, "{}{words}", if words.contains('\n') { "\n" } else { "" })
}
