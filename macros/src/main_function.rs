//! `#[netns_test::main]`.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{error::Errors, function::Function, options::Options, test_function::flavor};

const KNOWN: &[&str] = &["flavor", "worker_threads", "crate"];

/// Turns `main` into one that launches it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(options, KNOWN, &mut errors);
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            let errors = errors.into_code();
            return quote!(#errors #item);
        }
    };
    let signature = &function.signature;
    if signature.ident != "main" {
        let help = "for a test write `#[netns_test]`; for a part of a program call `netns_test::sandboxed` in `main`";
        errors.add(&signature.ident, "only `main` can run as a program", help);
    }
    if !signature.inputs.is_empty() {
        errors.add(&signature.inputs, "`main` takes no arguments", "make the network with `topology.up()`");
    }
    if signature.asyncness.is_none() {
        let place = options.flavor.as_ref().map(|(_, place)| *place);
        if let Some(place) = place.or(options.worker_threads.map(|(_, place)| place)) {
            let message = "only an `async` function has a runtime\nhelp: make it `async`, or remove the option";
            errors.push(syn::Error::new(place, message));
        }
    }
    if let Some(errors) = errors.into_code() {
        return quote!(#errors #function);
    }

    let krate = options.krate();
    let private = quote!(#krate::__private);
    let Function { attributes, visibility, signature, body } = &function;
    let run = match signature.asyncness {
        Some(_) => {
            let flavor = flavor(&options, &private);
            quote!(#private::block_on(#flavor, main()))
        }
        None => quote!(main()),
    };
    quote! {
        #(#attributes)*
        #visibility fn main() -> ::std::process::ExitCode {
            #[cfg(target_os = "linux")]
            {
                #signature #body
                #private::sandboxed(|| #run)
            }
            #[cfg(not(target_os = "linux"))]
            {
                ::std::eprintln!("this program needs Linux");
                ::std::process::ExitCode::FAILURE
            }
        }
    }
}
