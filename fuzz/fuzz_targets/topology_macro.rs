//! Whatever stands in `topology!`, it is read without a panic; what is right leaves the same topology in its code, and
//! what is wrong becomes an error with words.

#![no_main]

// A macro crate gives nobody its functions.
#[path = "../../macros/src/topology/mod.rs"]
mod topology;

use libfuzzer_sys::fuzz_target;
use netns_test_topology::compiled;
use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

fuzz_target!(|text: &str| {
    let Ok(tokens) = text.parse::<TokenStream>() else { return };
    let tokens = argument(&tokens).unwrap_or(tokens);
    let found = topology::read(tokens.clone(), &[]);
    assert!(found.faults.iter().all(|fault| !fault.message.is_empty()));
    let code = topology::expand(tokens.clone()).to_string();
    if code.contains("topology_with") {
        // It asks for its first part: here that is a topology just like it.
        topology::expand_with(quote!({ whole { #tokens } {} } {} { #tokens }));
    }
    if found.faults.is_empty() {
        let checked = found.lowered.draft.check().expect("nothing was wrong with it");
        let left = compiled::write(&checked.clone().into_draft());
        assert_eq!(compiled::read(&left).expect("it was just written"), checked, "{left}");
    } else {
        // With a part, the code asks for its declaration first.
        assert!(code.contains("compile_error") || code.contains("topology_with"), "{code}");
    }
});

/// What stands between the braces of the first `topology! { … }` in a Rust file, such as the tests of the macro are.
fn argument(tokens: &TokenStream) -> Option<TokenStream> {
    let mut tokens = tokens.clone().into_iter();
    tokens.find(|token| matches!(token, TokenTree::Ident(ident) if ident == "topology"))?;
    tokens.find_map(|token| match token {
        TokenTree::Group(group) => Some(group.stream()),
        _ => None,
    })
}
