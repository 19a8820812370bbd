//! A topology in a file, read while the code is compiled.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use super::{
    fault::{Fault, Place},
    lower::Lowered,
    tokens::{Text, flat, string},
    tree::Declaration,
};

/// The file whose topology is wanted as a value: `topology!("nat.toml")`.
pub(crate) fn wanted(tokens: &TokenStream) -> Option<Text> {
    let tokens = flat(tokens.clone());
    match &tokens[..] {
        [token] => Some(Text { value: string(token)?, place: Place::of(token) }),
        _ => None,
    }
}

/// The expression of a topology in a file.
pub(crate) fn value(file: &Text) -> TokenStream {
    let faults = match load(file, "", &[]) {
        Ok(Loaded { draft, watch, faults }) if faults.is_empty() => {
            let text = netns_test_topology::compiled::write(&draft);
            return quote!({
                #watch
                ::netns_test::__private::compiled(#text)
            });
        }
        Ok(Loaded { faults, .. }) | Err(faults) => super::said(faults),
    };
    // Its type keeps the compiler from more words about it.
    quote!({
        #faults
        ::core::unreachable!()
    })
}

/// What was read of a file.
struct Loaded {
    draft: netns_test_topology::Draft,
    /// Code that has the compiler look at the file again when it changes.
    watch: TokenStream,
    /// What is wrong with it; its nodes have fields all the same.
    faults: Vec<Fault>,
}

/// Gives the nodes in a file as if they had been declared, and code that has the compiler look at the file again when it
/// changes. An error if there is no such file.
pub(crate) fn read(declaration: &Declaration, file: &Text) -> Result<(Lowered, Declaration, TokenStream), Vec<Fault>> {
    use super::{scope::Scope, tree::Source};

    let Loaded { draft, watch, faults } = load(file, &declaration.name.to_string(), &declaration.allow)?;
    let items: Vec<_> = draft.nodes.iter().map(|node| item(node, file)).collect();
    let scope = Scope::of(&items, &[], "");
    let declared = Declaration { source: Source::Body(items), ..declaration.clone() };
    Ok((Lowered { draft, scope, faults }, declared, watch))
}

#[cfg(not(feature = "file"))]
fn load(file: &Text, _: &str, _: &[Text]) -> Result<Loaded, Vec<Fault>> {
    Err(vec![
        Fault::new(file.place, "topologies in files need the feature `file` of netns-test")
            .help("in Cargo.toml, write `features = [\"file\"]` beside the version of netns-test"),
    ])
}

/// The topology in a file, whose path is relative to the package.
#[cfg(feature = "file")]
fn load(file: &Text, name: &str, allow: &[Text]) -> Result<Loaded, Vec<Fault>> {
    use netns_test_topology::{
        check::Item,
        file::{Document, Mistake, Mistakes, Source},
    };

    let root = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let path = std::path::Path::new(&root).join(&file.value);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let fault = Fault::new(file.place, format!("cannot read `{}`: {error}", file.value));
        vec![fault.help(format!("the path is relative to the directory of Cargo.toml: {}", path.display()))]
    })?;
    let source = Source::new(&file.value, text);
    let mut document = Document::parse(&source);
    let mut network = document.network(&[]);
    if network.draft.name.is_empty() {
        network.draft.name = name.to_owned();
    }
    let allowed_there = network.draft.allow.len();
    network.draft.allow.extend(allow.iter().map(|allowed| allowed.value.clone()));
    let draft = network.draft.clone();
    let fault = |mistake: &Mistake| {
        if let Item::Allow(n) = mistake.problem.place.item
            && let Some(allowed) = n.checked_sub(allowed_there).and_then(|n| allow.get(n))
        {
            return Fault::problem(allowed.place, mistake.problem.clone());
        }
        let drawn = Mistakes::new(source.clone(), vec![mistake.clone()]).draw(false);
        let mut fault = Fault::new(file.place, &mistake.problem.message);
        fault.code = Some(mistake.problem.code());
        // The first line of the drawing is the message.
        fault.notes = drawn.lines().skip(1).map(str::to_owned).collect();
        fault
    };
    let (draft, faults) = match document.finish(network) {
        Ok(topology) => (topology.into_draft(), Vec::new()),
        Err(mistakes) => (draft, mistakes.iter().map(fault).collect()),
    };
    let written = &file.value;
    let watched = match std::path::Path::new(written).is_absolute() {
        true => quote!(#written),
        false => quote!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #written)),
    };
    let watch = quote!(
        const _: &[u8] = ::core::include_bytes!(#watched);
    );
    Ok(Loaded { draft, watch, faults })
}

/// The node as if it had been declared.
fn item(node: &netns_test_topology::Node, file: &Text) -> super::tree::Item {
    use super::tree::{Form, InterfaceItem, Item, Name, NodeItem, Statement};

    let span: Span = file.place.span();
    let name = |kernel: &str| Name {
        field: super::code::identifier(kernel, span),
        kernel: kernel.to_owned(),
        renamed: true,
        place: file.place,
    };
    let interfaces = node.interfaces.iter().map(|interface| {
        Statement::Interface(InterfaceItem {
            attributes: TokenStream::new(),
            name: name(&interface.name),
            count: None,
            form: match interface.kind {
                netns_test_topology::Kind::Bridge(_) => Form::Bridge,
                _ => Form::Plain,
            },
            addresses: Vec::new(),
            settings: Vec::new(),
        })
    });
    Item::Node(NodeItem {
        attributes: TokenStream::new(),
        within: Vec::new(),
        name: name(&node.name),
        count: None,
        statements: interfaces.collect(),
    })
}

#[cfg(all(test, feature = "file"))]
mod tests {
    use super::{super::parse::Parser, *};
    use crate::topology::tree::Source;

    /// What is wrong with a topology in a file, each as `tokens: message`, with notes and help below.
    #[track_caller]
    fn faults(tokens: &str) -> Vec<String> {
        let declaration = Parser::default().declaration(tokens.parse().unwrap()).expect("it is a declaration");
        let Source::File(file) = &declaration.source else { panic!("it is not in a file: {tokens}") };
        let faults = match read(&declaration, file) {
            Ok((Lowered { faults, .. }, ..)) | Err(faults) => faults,
        };
        let shown = |fault: &Fault| {
            let lines = [fault.message.clone()].into_iter().chain(fault.notes.clone()).chain(fault.help.clone());
            format!("{}: {}", fault.place.source(), lines.collect::<Vec<_>>().join("\n"))
        };
        faults.iter().map(shown).collect()
    }

    #[test]
    fn a_mistake_in_a_file_is_drawn_at_its_path() {
        let found = faults("struct Net = \"../topology/tests/file/mistakes/loopback_name.toml\";");
        let expected = r#""../topology/tests/file/mistakes/loopback_name.toml": `lo` is the loopback interface, and exists already
   ╭─[ ../topology/tests/file/mistakes/loopback_name.toml:2:8 ]
   │
 2 │ bridge.lo = { stp = true }
   │        ─┬
   │         ╰── help: give this interface another name
───╯"#;
        assert_eq!(found, [expected]);
    }

    #[test]
    fn what_is_wrong_in_a_file_takes_no_field_away() {
        let tokens = "struct Net = \"../topology/tests/file/mistakes/loopback_name.toml\";";
        let code = super::super::expand(tokens.parse().unwrap()).to_string();
        assert!(code.contains("compile_error"), "{code}");
        assert!(code.contains("pub a : NetA"), "{code}");
    }

    #[test]
    fn what_is_allowed_beside_the_path_is_told_there() {
        let found = faults("#[allow(subnet_missmatch)] struct Net = \"../examples/topologies/nat.toml\";");
        let expected = "subnet_missmatch: there is no check named `subnet_missmatch`\ndid you mean `subnet_mismatch`?";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_file_that_is_not_there_is_told_with_where_it_was_looked_for() {
        let found = faults("struct Net = \"no_such.toml\";");
        let [fault] = &found[..] else { panic!("{found:?}") };
        assert!(fault.starts_with("\"no_such.toml\": cannot read `no_such.toml`: No such file"), "{fault}");
        assert!(fault.ends_with(concat!(env!("CARGO_MANIFEST_DIR"), "/no_such.toml")), "{fault}");
    }
}
