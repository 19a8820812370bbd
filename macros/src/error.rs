//! Errors on tokens, collected so that all appear in one run.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds one on these tokens, with a line of help.
    pub(crate) fn add(&mut self, place: &impl ToTokens, message: &str, help: &str) {
        self.push(syn::Error::new_spanned(place, format!("{message}\nhelp: {help}")));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The errors as code that makes the compiler say them; `None` if there are none.
    pub(crate) fn into_code(self) -> Option<TokenStream> {
        self.0.map(|error| error.into_compile_error())
    }
}

/// The known word that is nearest to a misspelt one, if any is near.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = |candidate: &&str| (distance(word, candidate), candidate.len());
    known
        .iter()
        .copied()
        .min_by_key(|candidate| near(candidate))
        .filter(|best| distance(word, best) <= 1 + best.len() / 4)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_its_neighbour_and_a_foreign_one_none() {
        let known = ["timeout", "on", "flavor", "crate"];
        assert_eq!(nearest("timeuot", &known), Some("timeout"));
        assert_eq!(nearest("flavour", &known), Some("flavor"));
        assert_eq!(nearest("parallel", &known), None);
    }
}
