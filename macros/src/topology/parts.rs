//! One topology in another.
//!
//! A macro sees its own tokens only. So each topology leaves a `macro_rules!` of its own name beside its type, which
//! hands its declaration to whoever calls it, and a topology that uses others calls theirs, one after another, before
//! it is expanded itself.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

use super::{
    Bundle,
    parse::Parser,
    scope::plain,
    tokens::flat,
    tree::{Declaration, Item, Part, Source},
};

/// The topologies that a declaration uses.
pub(crate) fn parts(declaration: &Declaration) -> Vec<&Part> {
    match &declaration.source {
        Source::Body(items) => items
            .iter()
            .filter_map(|item| match item {
                Item::Part(part) => Some(part),
                _ => None,
            })
            .collect(),
        Source::File(_) => Vec::new(),
    }
}

/// Asks the part for its declaration, and to go on with what has been gathered.
pub(crate) fn ask(declaration: &Declaration, part: &Part, gathered: &TokenStream, whole: &TokenStream) -> TokenStream {
    let (path, private) = (&part.path, declaration.private());
    quote!(#path! { [#private::topology_with] { #gathered } { #whole } })
}

/// What a part answered: the parts gathered with it, and the declaration that wants them.
pub(crate) fn answered(tokens: TokenStream) -> Option<(TokenStream, TokenStream)> {
    let mut groups = flat(tokens).into_iter().map(|token| match token {
        TokenTree::Group(group) => Some(group),
        _ => None,
    });
    let (answer, gathered, whole) = (groups.next()??, groups.next()??, groups.next()??);
    let gathered = gathered.stream().into_iter().chain([TokenTree::Group(answer)]).collect();
    Some((gathered, whole.stream()))
}

/// The macro by which others use this topology.
pub(crate) fn export(
    declaration: &Declaration,
    broken: bool,
    gathered: &TokenStream,
    whole: &TokenStream,
) -> TokenStream {
    let Declaration { visibility, name, .. } = declaration;
    let hidden = format_ident!("__netns_test_{}", plain(name), span = Span::call_site());
    let visibility = match visibility.clone().into_iter().count() {
        // A macro of a crate's own can be seen in the crate.
        1 => quote!(pub(crate)),
        _ => visibility.clone(),
    };
    let state = if broken { quote!(broken) } else { quote!(whole) };
    // Faulty tokens could be no macro's.
    let whole = if broken { quote!(struct #name {}) } else { whole.clone() };
    quote! {
        #[allow(unused_macros, reason = "a topology need not be used in another")]
        macro_rules! #hidden {
            ([$($next:tt)*] $($rest:tt)*) => { $($next)* ! { { #state { #whole } { #gathered } } $($rest)* } };
        }
        #[doc(hidden)]
        #[allow(unused_imports, reason = "a topology need not be used in another")]
        #visibility use #hidden as #name;
    }
}

/// The parts that were gathered.
pub(crate) fn bundles(gathered: &TokenStream) -> Vec<Bundle> {
    flat(gathered.clone()).into_iter().filter_map(bundle).collect()
}

fn bundle(token: TokenTree) -> Option<Bundle> {
    let TokenTree::Group(group) = token else { return None };
    let mut tokens = flat(group.stream()).into_iter();
    let broken = matches!(tokens.next()?, TokenTree::Ident(state) if state == "broken");
    let mut stream = || match tokens.next()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    };
    let declaration: Declaration = Parser::default().declaration(stream()?)?;
    let parts = bundles(&stream()?);
    Some(Bundle { broken, declaration, parts })
}
