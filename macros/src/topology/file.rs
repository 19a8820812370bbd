//! A topology in a file, read while the code is compiled.

use proc_macro2::TokenStream;

use super::{fault::Fault, lower::Lowered, tokens::Text, tree::Declaration};

/// Reads the file, whose path is relative to the package; gives the nodes as if they had been declared, and code that
/// has the compiler look at the file again when it changes.
#[cfg(not(feature = "file"))]
pub(crate) fn read(_: &Declaration, file: &Text) -> Result<(Lowered, Declaration, TokenStream), Vec<Fault>> {
    Err(vec![
        Fault::new(file.place, "topologies in files need the feature `file` of netns-test")
            .help("in Cargo.toml, write `features = [\"file\"]` beside the version of netns-test"),
    ])
}

/// Reads the file, whose path is relative to the package; gives the nodes as if they had been declared, and code that
/// has the compiler look at the file again when it changes.
#[cfg(feature = "file")]
pub(crate) fn read(declaration: &Declaration, file: &Text) -> Result<(Lowered, Declaration, TokenStream), Vec<Fault>> {
    use netns_test_topology::file::{Document, Source as Text};
    use quote::quote;

    use super::{scope::Scope, tree::Source};

    let root = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let path = std::path::Path::new(&root).join(&file.value);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let fault = Fault::new(file.place, format!("cannot read `{}`: {error}", file.value));
        vec![fault.help(format!("the path is relative to the directory of Cargo.toml: {}", path.display()))]
    })?;
    let source = Text::new(&file.value, text);
    let mut document = Document::parse(&source);
    let mut network = document.network(&[]);
    if network.draft.name.is_empty() {
        network.draft.name = declaration.name.to_string();
    }
    network.draft.allow.extend(declaration.allow.iter().map(|allowed| allowed.value.clone()));
    let topology = document.finish(network).map_err(|mistakes| {
        let fault = |mistake: &netns_test_topology::file::Mistake| {
            let (line, column) = source.line_and_column(&mistake.span);
            let mut fault = Fault::problem(file.place, mistake.problem.clone());
            fault.message = format!("{}:{line}:{column}: {}", file.value, fault.message);
            fault
        };
        mistakes.iter().map(fault).collect::<Vec<_>>()
    })?;
    let draft = topology.into_draft();
    let items = draft.nodes.iter().filter_map(|node| item(node, file)).collect();
    let declared = Declaration { source: Source::Body(items), ..declaration.clone() };
    let Source::Body(items) = &declared.source else { unreachable!("it was just made") };
    let scope = Scope::of(items, &[], "");
    let path = path.to_string_lossy();
    let watch = quote!(
        const _: &[u8] = ::core::include_bytes!(#path);
    );
    Ok((Lowered { draft, scope, faults: Vec::new() }, declared, watch))
}

/// The node as if it had been declared; nothing where its name can be no field.
#[cfg(feature = "file")]
fn item(node: &netns_test_topology::Node, file: &Text) -> Option<super::tree::Item> {
    use super::tree::{InterfaceItem, Item, Name, NodeItem, Statement};

    let name = |kernel: &str| {
        let field = super::code::identifier(kernel, file.place)?;
        Some(Name { field, kernel: kernel.to_owned(), renamed: true, place: file.place })
    };
    let interfaces = node.interfaces.iter().filter_map(|interface| {
        Some(Statement::Interface(InterfaceItem {
            attributes: TokenStream::new(),
            name: name(&interface.name)?,
            count: None,
            bridge: matches!(interface.kind, netns_test_topology::Kind::Bridge(_)),
            addresses: Vec::new(),
            settings: Vec::new(),
        }))
    });
    Some(Item::Node(NodeItem {
        attributes: TokenStream::new(),
        within: Vec::new(),
        name: name(&node.name)?,
        count: None,
        statements: interfaces.collect(),
    }))
}
