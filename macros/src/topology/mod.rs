//! `topology!`: a network written down in the code, checked while it is compiled.
//!
//! Reading it is a pure function from tokens to a draft and its faults ([`read`]), so that it can be tested and fuzzed.

mod code;
mod contradiction;
mod fault;
mod file;
mod flat;
mod lower;
mod parse;
mod parts;
mod places;
mod scope;
mod settings;
mod statement;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;

use proc_macro2::{Span, TokenStream};

use self::{
    fault::Fault,
    lower::Lowered,
    parse::Parser,
    tree::{Declaration, Source},
};

/// A topology that is used in another: its declaration, and those used in it.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// Whether its own declaration has faults, which are told there.
    broken: bool,
    declaration: Declaration,
    parts: Vec<Bundle>,
}

impl Bundle {
    fn is_broken(&self) -> bool {
        self.broken || self.parts.iter().any(Bundle::is_broken)
    }

    /// What it allows, and those in it.
    fn allows(&self, allow: &mut Vec<String>) {
        for name in self.declaration.allow.iter().map(|allowed| &allowed.value) {
            if !allow.contains(name) {
                allow.push(name.clone());
            }
        }
        self.parts.iter().for_each(|part| part.allows(allow));
    }
}

/// What tokens say: a declaration if there is one, its draft, and everything that is wrong.
pub(crate) struct Found {
    pub(crate) declaration: Option<Declaration>,
    pub(crate) lowered: Lowered,
    pub(crate) faults: Vec<Fault>,
}

/// Reads and checks a topology. It is the way in for tests and for fuzzing, which is no crate of macros.
#[cfg(any(test, not(proc_macro)))]
pub(crate) fn read(tokens: TokenStream, parts: &[Bundle]) -> Found {
    let mut parser = Parser::default();
    let declaration = parser.declaration(tokens);
    checked(declaration, parts, parser.faults)
}

fn checked(declaration: Option<Declaration>, parts: &[Bundle], mut faults: Vec<Fault>) -> Found {
    let lowered = declaration.as_ref().map(|declaration| lower::lower(declaration, parts, faults.is_empty()));
    let mut lowered = lowered.unwrap_or_default();
    faults.append(&mut lowered.faults);
    Found { declaration, lowered, faults }
}

/// The code of a topology, or of its faults.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    if let Some(file) = file::wanted(&tokens) {
        return file::value(&file);
    }
    gather(&TokenStream::new(), &tokens)
}

/// The code of a topology for which a part has given its declaration.
pub(crate) fn expand_with(tokens: TokenStream) -> TokenStream {
    match parts::answered(tokens) {
        Some((gathered, whole)) => gather(&gathered, &whole),
        None => Fault::new(Span::call_site().into(), "this macro is for `topology!` alone").into_code(),
    }
}

/// Asks for the next part, or makes the code when all are there.
fn gather(gathered: &TokenStream, whole: &TokenStream) -> TokenStream {
    let mut parser = Parser::default();
    let declaration = parser.declaration(whole.clone());
    if let Some(declaration) = &declaration
        && let Some(next) = parts::parts(declaration).get(gathered.clone().into_iter().count())
    {
        return parts::ask(declaration, next, gathered, whole);
    }
    let bundles = parts::bundles(gathered);
    let Found { declaration, mut lowered, mut faults } = checked(declaration, &bundles, parser.faults);
    let Some(mut declaration) = declaration else { return said(faults) };
    let mut watch = TokenStream::new();
    let mut exported = true;
    if let Source::File(file) = &declaration.source {
        exported = false;
        match file::read(&declaration, file) {
            Ok((mut read, declared, code)) => {
                faults.append(&mut read.faults);
                (lowered, watch, declaration) = (read, code, declared);
            }
            Err(found) => faults.extend(found),
        }
    }
    let code = code::code(&declaration, &bundles, &lowered.draft, &lowered.scope, &mut faults);
    let broken = !faults.is_empty() || bundles.iter().any(Bundle::is_broken);
    let export = if exported { parts::export(&declaration, broken, gathered, whole) } else { TokenStream::new() };
    [said(faults), code, watch, export].into_iter().collect()
}

pub(crate) fn said(faults: Vec<Fault>) -> TokenStream {
    faults.into_iter().map(Fault::into_code).collect()
}
