//! `#[netns_test]`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, FnArg, LitStr, Meta, Pat, ReturnType, Safety, Type, spanned::Spanned};

use crate::{
    error::Errors,
    function::Function,
    options::{Flavor, On, Options},
};

const KNOWN: &[&str] = &["timeout", "on", "flavor", "worker_threads", "ids", "user_namespace", "crate"];

/// Turns the function into a test that launches it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(options, KNOWN, &mut errors);
    let mut function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            let errors = errors.into_code();
            return quote!(#errors #item);
        }
    };
    check(&mut function, &options, &mut errors);
    let arguments = arguments(&function, &mut errors);
    let on = options.on.as_ref().and_then(|on| node(on, &arguments, &mut errors));
    if let Some(errors) = errors.into_code() {
        // The item as well, so that its names are known and its own errors are seen.
        return quote!(#errors #function);
    }
    code(&options, &function, &arguments, on)
}

/// An argument that is a topology.
struct Argument {
    /// The user's name for it, if the pattern is one.
    name: Option<Ident>,
    /// Ours.
    ours: Ident,
    kind: Type,
    by_reference: bool,
}

/// Looks for what cannot be a test, and takes away what would make a second one of it.
fn check(function: &mut Function, options: &Options, errors: &mut Errors) {
    function.attributes.retain(|attribute| match registers(attribute) {
        None => true,
        Some(path) => {
            errors.add(
                attribute,
                "this test would be registered twice",
                &format!(
                    "remove `#[{path}]`; `#[netns_test]` already registers the function, and runs `async` ones on a \
                     Tokio runtime"
                ),
            );
            false
        }
    });
    let signature = &function.signature;
    if let Some(token) = &signature.constness {
        errors.add(token, "a test cannot be `const`", "remove `const`");
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.add(token, "a test cannot be `unsafe`: nobody could see to what it asks for", "remove `unsafe`");
    }
    if let Some(token) = &signature.abi {
        errors.add(token, "a test cannot be `extern`", "remove the ABI");
    }
    if let Some(token) = &signature.variadic {
        errors.add(token, "a test's arguments are topologies", "remove `...`");
    }
    if !signature.generics.params.is_empty() {
        errors.add(
            &signature.generics,
            "a test cannot be generic: nothing says for which types it would run",
            "write one test for each type, which calls a generic function",
        );
    }
    if signature.asyncness.is_none() {
        let place = options.flavor.as_ref().map(|(_, place)| *place);
        if let Some(place) = place.or(options.worker_threads.map(|(_, place)| place)) {
            errors.push(syn::Error::new(
                place,
                "only an `async` test has a runtime\nhelp: make the function `async`, or remove the option",
            ));
        }
    }
    if let (Some((Flavor::CurrentThread, _)), Some((_, place))) = (options.flavor, options.worker_threads) {
        errors.push(syn::Error::new(
            place,
            "a runtime on the current thread has no worker threads\nhelp: remove `worker_threads`, or use `flavor = \
             \"multi_thread\"`",
        ));
    }
    if let (true, Some((false, place))) = (options.subordinate_ids, options.user_namespace) {
        errors.push(syn::Error::new(
            place,
            "without a user namespace there are no ids to choose\nhelp: remove `ids`: real root has them all",
        ));
    }
    let should_panic = function.attributes.iter().find(|attribute| attribute.path().is_ident("should_panic"));
    if let (Some(_), ReturnType::Type(_, returned)) = (should_panic, &signature.output)
        && !is_unit(returned)
    {
        errors.add(
            returned,
            "a test that should panic returns nothing: an error that it returned would pass for the panic",
            "remove the return type and use `unwrap`, or remove `#[should_panic]`",
        );
    }
}

/// The path of an attribute that would register the function as a test as well.
fn registers(attribute: &Attribute) -> Option<String> {
    let path = attribute.path();
    let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let path = words.join("::");
    let known = ["test", "tokio::test", "async_std::test", "smol_potat::test", "netns_test", "netns_test::netns_test"];
    let last = words.last().is_some_and(|word| word == "test");
    (known.contains(&path.as_str()) || last).then_some(path)
}

fn is_unit(kind: &Type) -> bool {
    matches!(kind, Type::Tuple(tuple) if tuple.elems.is_empty()) || matches!(kind, Type::Never(_))
}

fn arguments(function: &Function, errors: &mut Errors) -> Vec<Argument> {
    let mut arguments = Vec::new();
    for (index, argument) in function.signature.inputs.iter().enumerate() {
        let typed = match argument {
            FnArg::Typed(typed) => typed,
            FnArg::Receiver(receiver) => {
                errors.add(
                    receiver,
                    "a test is no method: there is no value to call it on",
                    "move it out of the `impl`, and take topologies as arguments",
                );
                continue;
            }
        };
        let name = match &*typed.pat {
            Pat::Ident(pattern) => Some(pattern.ident.clone()),
            _ => None,
        };
        let (kind, by_reference) = match &*typed.ty {
            Type::Reference(reference) => {
                if let Some(mutable) = &reference.mutability {
                    errors.add(mutable, "a topology is never changed through `&mut`", "write `&` without `mut`");
                }
                ((*reference.elem).clone(), true)
            }
            other => (other.clone(), false),
        };
        if let Type::ImplTrait(_) = kind {
            errors.add(&kind, "a test's argument is one topology", "write the type that was declared");
            continue;
        }
        arguments.push(Argument { name, ours: format_ident!("__argument{index}"), kind, by_reference });
    }
    arguments
}

/// The node that the body runs on, as an expression of our names.
fn node(on: &On, arguments: &[Argument], errors: &mut Errors) -> Option<TokenStream> {
    let node = &on.node;
    let argument = match (&on.argument, arguments) {
        (_, []) => {
            let message = format!("there is no topology that `{node}` could be a node of");
            errors.add(node, &message, "give the test an argument, such as `net: Nat`");
            return None;
        }
        (None, [only]) => only,
        (None, several) => {
            let known: Vec<String> =
                several.iter().filter_map(|a| a.name.as_ref()).map(|n| format!("`{n}.{node}`")).collect();
            let message = format!("`{node}` could be a node of {} topologies", several.len());
            errors.add(node, &message, &format!("say of which: {}", known.join(" or ")));
            return None;
        }
        (Some(name), several) => {
            let found = several.iter().find(|argument| argument.name.as_ref() == Some(name));
            if found.is_none() {
                let known: Vec<String> =
                    several.iter().filter_map(|a| a.name.as_ref()).map(ToString::to_string).collect();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let help = match crate::error::nearest(&name.to_string(), &known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the arguments are `{}`", known.join("`, `")),
                };
                errors.add(name, &format!("this test has no argument `{name}`"), &help);
            }
            found?
        }
    };
    let ours = &argument.ours;
    Some(quote_spanned!(node.span()=> #ours.#node))
}

fn code(options: &Options, function: &Function, arguments: &[Argument], on: Option<TokenStream>) -> TokenStream {
    let private = {
        let krate = options.krate();
        quote!(#krate::__private)
    };
    let Function { attributes, visibility, signature, body } = function;
    let name = &signature.ident;
    let timeout = match options.timeout {
        Some(milliseconds) => quote!(::core::option::Option::Some(::core::time::Duration::from_millis(#milliseconds))),
        None => quote!(::core::option::Option::None),
    };
    let should_panic = should_panic(attributes, &private);
    let ids = match (options.subordinate_ids, options.user_namespace) {
        (_, Some((false, _))) => quote!(Host),
        (true, _) => quote!(Subordinate),
        (false, _) => quote!(Own),
    };
    let written = name.to_string();

    let labs = arguments.iter().enumerate().map(|(index, Argument { ours, kind, .. })| {
        let lab = format_ident!("__lab{index}");
        quote_spanned!(kind.span()=> let (#lab, #ours) = #private::argument::<#kind>();)
    });
    let given = arguments.iter().map(|Argument { ours, by_reference, .. }| match by_reference {
        true => quote!(&#ours),
        false => quote!(#ours),
    });
    let mut run = quote!(#name(#(#given),*));
    if signature.asyncness.is_some() {
        let flavor = flavor(options, &private);
        run = quote!(#private::block_on(#flavor, #run));
    }
    if let Some(node) = on {
        run = quote! {{
            let __node = #private::Node::clone(&#node);
            #private::on_node(&__node, move || #run)
        }};
    }

    // Named where it can be, so that the compiler points at it and not at the attribute.
    let returned = match &signature.output {
        ReturnType::Type(_, kind) if !matches!(**kind, Type::ImplTrait(_) | Type::Never(_)) => {
            quote_spanned!(kind.span()=> ::<#kind>)
        }
        _ => quote!(),
    };

    let has_ignore = attributes.iter().any(|attribute| attribute.path().is_ident("ignore"));
    let ignore = (!has_ignore).then(|| quote!(#[ignore = "needs Linux"]));
    quote! {
        #[cfg(target_os = "linux")]
        #[::core::prelude::v1::test]
        #(#attributes)*
        #visibility fn #name() {
            #signature #body
            #private::run #returned (
                #private::Test {
                    path: ::core::concat!(::core::module_path!(), "::", #written),
                    timeout: #timeout,
                    should_panic: #should_panic,
                    ids: #private::Ids::#ids,
                },
                || {
                    #(#labs)*
                    #run
                },
            )
        }

        #[cfg(not(target_os = "linux"))]
        #[::core::prelude::v1::test]
        #ignore
        #(#attributes)*
        #visibility fn #name() {}
    }
}

/// How the user's runtime is to be made.
pub(crate) fn flavor(options: &Options, private: &TokenStream) -> TokenStream {
    match options.flavor {
        Some((Flavor::CurrentThread, _)) => quote!(#private::Flavor::CurrentThread),
        _ => match options.worker_threads {
            Some((count, _)) => quote!(#private::Flavor::MultiThread(::core::option::Option::Some(#count))),
            None => quote!(#private::Flavor::MultiThread(::core::option::Option::None)),
        },
    }
}

/// What `#[should_panic]` says, in our words.
fn should_panic(attributes: &[Attribute], private: &TokenStream) -> TokenStream {
    let Some(attribute) = attributes.iter().find(|attribute| attribute.path().is_ident("should_panic")) else {
        return quote!(#private::ShouldPanic::No);
    };
    let mut expected: Option<LitStr> = None;
    match &attribute.meta {
        Meta::NameValue(pair) => {
            let value = &pair.value;
            expected = syn::parse2(quote!(#value)).ok();
        }
        Meta::List(_) => {
            // What else stands there is the compiler's to judge.
            let _ = attribute.parse_nested_meta(|meta| {
                expected = Some(meta.value()?.parse()?);
                Ok(())
            });
        }
        Meta::Path(_) => {}
    }
    match expected {
        Some(text) => quote!(#private::ShouldPanic::With(#text)),
        None => quote!(#private::ShouldPanic::Yes),
    }
}
