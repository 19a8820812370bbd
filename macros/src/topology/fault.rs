//! Faults of a topology's text, each with the tokens it sits on.

use netns_test_topology::{
    InvalidValue,
    check::{self, Check, Problem},
};
use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// Where something was written: its first and its last token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    start: Span,
    end: Span,
}

impl Place {
    pub(crate) fn of(token: &TokenTree) -> Self {
        match token {
            TokenTree::Group(group) => Self { start: group.span_open(), end: group.span_close() },
            other => Self { start: other.span(), end: other.span() },
        }
    }

    pub(crate) fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }

    /// What was written there.
    #[cfg(test)]
    pub(crate) fn source(self) -> String {
        self.start.join(self.end).and_then(|span| span.source_text()).unwrap_or_default()
    }

    pub(crate) fn span(self) -> Span {
        self.start
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Self { start: span, end: span }
    }
}

/// Something wrong, with its place.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) notes: Vec<String>,
    pub(crate) help: Option<String>,
    /// The code of the check that it comes from; none where the text is no topology at all.
    pub(crate) code: Option<&'static str>,
}

impl Fault {
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), notes: Vec::new(), help: None, code: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A text that could not be read.
    pub(crate) fn invalid(place: Place, error: &InvalidValue) -> Self {
        let help = error.help_text().map(str::to_owned);
        Self { help, code: Some(Check::INVALID_VALUE.code), ..Self::new(place, error.message()) }
    }

    pub(crate) fn problem(place: Place, problem: Problem) -> Self {
        let name = problem.check.name;
        // The checker speaks to everybody; here it is an attribute.
        let help = problem.help.map(|help| help.replace(&format!("`allow({name})`"), &format!("`#[allow({name})]`")));
        Self { place, message: problem.message, notes: problem.notes, help, code: Some(problem.check.code) }
    }

    /// Adds what a word that is not known may have been meant for.
    pub(crate) fn unknown(place: Place, what: &str, word: &str, known: &[&str]) -> Self {
        let fault = Self::new(place, format!("unknown {what} `{word}`"));
        if let Some(help) = check::unmade(word) {
            return fault.help(help);
        }
        let synonym = check::synonym(word).filter(|meant| known.contains(meant));
        match synonym.or_else(|| check::nearest(word, known.iter().copied())) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help(format!("write `{}`", known.join("`, `"))),
        }
    }

    /// Code that makes the compiler say it.
    pub(crate) fn into_code(self) -> TokenStream {
        let mut text = self.message;
        for note in &self.notes {
            text.push_str("\n  ");
            text.push_str(note);
        }
        if let Some(help) = &self.help {
            text.push_str("\nhelp: ");
            text.push_str(help);
        }
        let Place { start, end } = self.place;
        let punct = |sign, spacing| {
            let mut punct = Punct::new(sign, spacing);
            punct.set_span(start);
            TokenTree::Punct(punct)
        };
        let mut message = Literal::string(&text);
        message.set_span(end);
        let mut group = Group::new(Delimiter::Brace, TokenTree::Literal(message).into());
        group.set_span(end);
        [
            punct(':', Spacing::Joint),
            punct(':', Spacing::Alone),
            TokenTree::Ident(Ident::new("core", start)),
            punct(':', Spacing::Joint),
            punct(':', Spacing::Alone),
            TokenTree::Ident(Ident::new("compile_error", start)),
            punct('!', Spacing::Alone),
            TokenTree::Group(group),
        ]
        .into_iter()
        .collect()
    }
}
