//! `topology!`: a network written down in the code, checked while it is compiled.
//!
//! Reading it is a pure function from tokens to a draft and its faults ([`read`]), so that it can be tested and fuzzed.

mod code;
mod fault;
mod flat;
mod lower;
mod parse;
mod places;
mod scope;
mod settings;
mod statement;
mod tokens;
mod tree;

use proc_macro2::TokenStream;

use self::{fault::Fault, lower::Lowered, parse::Parser, tree::Declaration};

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

/// Reads and checks a topology.
pub(crate) fn read(tokens: TokenStream, parts: &[Bundle]) -> Found {
    let mut parser = Parser::default();
    let declaration = parser.declaration(tokens);
    let mut faults = parser.faults;
    let mut lowered =
        declaration.as_ref().map(|declaration| lower::lower(declaration, parts, faults.is_empty())).unwrap_or_default();
    faults.append(&mut lowered.faults);
    Found { declaration, lowered, faults }
}

/// The code of a topology, or of its faults.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let Found { declaration, lowered, mut faults } = read(tokens.clone(), &[]);
    let mut code = TokenStream::new();
    if let Some(declaration) = &declaration {
        code = self::code::code(declaration, &[], &lowered.draft, &lowered.scope, &mut faults);
    }
    faults.into_iter().map(Fault::into_code).collect::<TokenStream>().into_iter().chain(code).collect()
}
