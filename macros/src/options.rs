//! What stands in the attribute's brackets.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Expr, ExprLit, Ident, Lit, LitStr, Member, Path, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
    spanned::Spanned,
};

use crate::error::{Errors, nearest};

/// The options, each with the place where it was written.
#[derive(Default)]
pub(crate) struct Options {
    /// In milliseconds.
    pub(crate) timeout: Option<u64>,
    pub(crate) on: Option<On>,
    pub(crate) flavor: Option<(Flavor, Span)>,
    pub(crate) worker_threads: Option<(usize, Span)>,
    /// Whether the sandbox is to have the user's subordinate ids.
    pub(crate) subordinate_ids: bool,
    /// Whether there is to be one, if it is said.
    pub(crate) user_namespace: Option<(bool, Span)>,
    krate: Option<Path>,
}

/// The node that a body runs on.
pub(crate) struct On {
    /// The argument that it belongs to, where it is named.
    pub(crate) argument: Option<Ident>,
    pub(crate) node: Ident,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    MultiThread,
    CurrentThread,
}

/// One `name = value`; the value is missing where none was written.
struct Entry {
    name: Ident,
    value: Option<Expr>,
}

impl Options {
    /// Reads them; what is wrong goes to the errors, and the rest counts.
    pub(crate) fn parse(tokens: TokenStream, known: &[&str], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let entries = match Punctuated::<Entry, Token![,]>::parse_terminated.parse2(tokens) {
            Ok(entries) => entries,
            Err(error) => {
                errors.push(error);
                return options;
            }
        };
        let mut seen: Vec<String> = Vec::new();
        for Entry { name, value } in entries {
            let word = name.unraw().to_string();
            if !known.contains(&word.as_str()) {
                let help = match nearest(&word, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the options are {}", list(known)),
                };
                errors.add(&name, &format!("unknown option `{word}`"), &help);
                continue;
            }
            if seen.contains(&word) {
                errors.add(&name, &format!("option `{word}` is given twice"), "remove one of the two");
                continue;
            }
            let Some(value) = value else {
                errors.add(&name, &format!("option `{word}` has no value"), &format!("write {}", example(&word)));
                seen.push(word);
                continue;
            };
            options.set(&word, &value, errors);
            seen.push(word);
        }
        options
    }

    /// The path of the facade.
    pub(crate) fn krate(&self) -> TokenStream {
        match &self.krate {
            Some(path) => quote!(#path),
            None => quote!(::netns_test),
        }
    }

    fn set(&mut self, word: &str, value: &Expr, errors: &mut Errors) {
        match word {
            "timeout" => self.timeout = duration(value, errors),
            "on" => self.on = node(value, errors),
            "flavor" => self.flavor = flavor(value, errors).map(|flavor| (flavor, value.span())),
            "worker_threads" => self.worker_threads = workers(value, errors).map(|count| (count, value.span())),
            "ids" => self.subordinate_ids = subordinate_ids(value, errors),
            "user_namespace" => self.user_namespace = user_namespace(value, errors),
            "crate" => self.krate = path(value, errors),
            _ => {}
        }
    }
}

impl syn::parse::Parse for Entry {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        // `crate` is a keyword.
        let name = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        Ok(Self { name, value })
    }
}

fn example(word: &str) -> &'static str {
    match word {
        "timeout" => "`timeout = \"10s\"`",
        "on" => "`on = client`, the name of a node",
        "flavor" => "`flavor = \"current_thread\"` or `flavor = \"multi_thread\"`",
        "worker_threads" => "`worker_threads = 2`",
        "ids" => "`ids = \"subordinate\"`",
        "user_namespace" => "`user_namespace = false`",
        _ => "`crate = \"path::to::netns_test\"`",
    }
}

fn text(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

/// The words of a value, for an error about it.
fn words(value: &Expr) -> String {
    text(value).map_or_else(|| quote!(#value).to_string(), LitStr::value)
}

fn duration(value: &Expr, errors: &mut Errors) -> Option<u64> {
    const HELP: &str = "write a number and a unit, such as `\"500ms\"`, `\"10s\"` or `\"2m\"`";
    let found = text(value).and_then(|text| milliseconds(&text.value()));
    match found {
        None => errors.add(value, &format!("`{}` is not a duration", words(value)), HELP),
        Some(0) => errors.add(value, "a test cannot be over in no time", HELP),
        Some(_) => {}
    }
    found.filter(|&found| found > 0)
}

fn milliseconds(text: &str) -> Option<u64> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..unit].parse().ok()?;
    let factor = match text[unit..].trim() {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

fn node(value: &Expr, errors: &mut Errors) -> Option<On> {
    match value {
        Expr::Path(path) if path.qself.is_none() => {
            if let Some(node) = path.path.get_ident() {
                return Some(On { argument: None, node: node.clone() });
            }
        }
        Expr::Field(field) => {
            if let (Expr::Path(base), Member::Named(node)) = (&*field.base, &field.member)
                && let Some(argument) = base.path.get_ident()
            {
                return Some(On { argument: Some(argument.clone()), node: node.clone() });
            }
        }
        _ => {}
    }
    let help = match text(value) {
        Some(text) => format!("write it without quotes: `on = {}`", text.value()),
        None => format!("write {}", example("on")),
    };
    errors.add(value, &format!("`{}` is not the name of a node", words(value)), &help);
    None
}

fn flavor(value: &Expr, errors: &mut Errors) -> Option<Flavor> {
    let word = words(value);
    match text(value).map(LitStr::value).as_deref() {
        Some("multi_thread") => Some(Flavor::MultiThread),
        Some("current_thread") => Some(Flavor::CurrentThread),
        _ => {
            let help = match nearest(&word, &["multi_thread", "current_thread"]) {
                Some(near) => format!("did you mean `\"{near}\"`?"),
                None => "the flavors are `\"multi_thread\"` and `\"current_thread\"`".to_owned(),
            };
            errors.add(value, &format!("`{word}` is not a flavor of runtime"), &help);
            None
        }
    }
}

fn workers(value: &Expr, errors: &mut Errors) -> Option<usize> {
    let count = match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok().filter(|&count| count > 0),
        _ => None,
    };
    if count.is_none() {
        let message = format!("`{}` is not a number of threads", words(value));
        errors.add(value, &message, "write a whole number from 1, such as `worker_threads = 2`");
    }
    count
}

fn user_namespace(value: &Expr, errors: &mut Errors) -> Option<(bool, Span)> {
    if let Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. }) = value {
        return Some((flag.value, flag.span));
    }
    let message = format!("`{}` is neither `true` nor `false`", words(value));
    errors.add(value, &message, &format!("write {} in a test that only real root runs", example("user_namespace")));
    None
}

fn subordinate_ids(value: &Expr, errors: &mut Errors) -> bool {
    let known = text(value).is_some_and(|text| text.value() == "subordinate");
    if !known {
        let message = format!("`{}` is not a choice of ids", words(value));
        errors.add(value, &message, &format!("write {}, or nothing for root alone", example("ids")));
    }
    known
}

fn path(value: &Expr, errors: &mut Errors) -> Option<Path> {
    let found = match (value, text(value)) {
        (_, Some(text)) => text.parse_with(Path::parse_mod_style).ok(),
        (Expr::Path(path), None) => Some(path.path.clone()),
        _ => None,
    };
    if found.is_none() {
        let message = format!("`{}` is not the path of a crate", words(value));
        errors.add(value, &message, &format!("write {}", example("crate")));
    }
    found
}

fn list(known: &[&str]) -> String {
    known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        assert_eq!(milliseconds("500ms"), Some(500));
        assert_eq!(milliseconds("10 s"), Some(10_000));
        assert_eq!(milliseconds("2m"), Some(120_000));
        assert_eq!(milliseconds("10"), None);
        assert_eq!(milliseconds("soon"), None);
        assert_eq!(milliseconds("18446744073709551615m"), None);
    }
}
