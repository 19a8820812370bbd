//! The code that a topology becomes: plain structures, and the topology as one text.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use netns_test_topology::{Draft, compiled};

use super::{
    Bundle,
    fault::Fault,
    scope::{Member, Scope, plain},
    tree::{Count, Declaration, Item, Members, Source, Statement, Step, Value},
};

/// A structure of a node.
struct Shape {
    structure: TokenStream,
    /// The type of the field.
    kind: TokenStream,
    /// The nodes that the field stands for, made of what the lab gave.
    values: Vec<TokenStream>,
}

/// The structures, and what stands in the way of making them.
pub(crate) fn code(
    declaration: &Declaration,
    parts: &[Bundle],
    draft: &Draft,
    scope: &Scope,
    faults: &mut Vec<Fault>,
) -> TokenStream {
    let items = match &declaration.source {
        Source::Body(items) => items.as_slice(),
        Source::File(_) => &[],
    };
    let mut writer = Writer {
        declaration,
        private: declaration.private(),
        names: String::new(),
        nodes: Vec::new(),
        interfaces: Vec::new(),
        fields: Vec::new(),
        types: Vec::new(),
        faults,
    };
    let mut structures = Vec::new();
    // No field can hide it.
    let names = Ident::new("names", Span::mixed_site());
    let (mut fields, mut values, mut inner) = (Vec::new(), Vec::new(), Vec::new());
    let mut bundles = parts.iter();
    let private = writer.private.clone();
    for item in items {
        let (attributes, field, what) = match item {
            Item::Part(part) => (&part.attributes, &part.name, "topology"),
            Item::Node(node) if node.within.is_empty() => (&node.attributes, &node.name.field, "node"),
            Item::Switch(switch) if switch.within.is_empty() => (&switch.attributes, &switch.name.field, "switch"),
            _ => continue,
        };
        let documentation = documented(attributes, &format!("The {what} `{}`.", plain(field)));
        let bundle = if let Item::Part(_) = item { bundles.next() } else { None };
        if !writer.free(field) {
            continue;
        }
        let kind = match item {
            Item::Part(part) => {
                let (path, prefix) = (&part.path, format!("{}.", plain(field)));
                inner.push(quote!(let #field = #path::__find(&mut #names.part(#prefix, #path::__NAMES))?;));
                values.push(quote!(#field));
                if bundle.is_none() {
                    continue;
                }
                path.clone()
            }
            _ => {
                let members = scope.members(field);
                let Some(shape) = writer.node(item, members, scope, draft) else { continue };
                structures.push(shape.structure);
                let made = &shape.values;
                values.push(match (item, &made[..]) {
                    (Item::Node(node), _) if node.count.is_some() => quote!(#field: [#(#made),*]),
                    (_, [one]) => quote!(#field: #one),
                    // There is another node of that name, and that is told.
                    _ => quote!(#field: ::core::unreachable!()),
                });
                let kind = shape.kind;
                match item {
                    Item::Node(node) => array(kind, node.count),
                    _ => kind,
                }
            }
        };
        fields.push(quote!(#documentation pub #field: #kind,));
    }
    let Declaration { attributes, visibility, name, .. } = declaration;
    let documentation = documented(attributes, &format!("The network `{}`.", plain(name)));
    let rest = not_documentation(attributes);
    let Writer { names: asked, nodes, interfaces, .. } = &writer;
    let text = compiled::write(draft);
    let allow = quote!(#[allow(dead_code, reason = "a test uses what it needs")]);
    quote! {
        #documentation
        #rest
        #allow
        #[cfg(target_os = "linux")]
        #[derive(Clone)]
        #visibility struct #name {
            #(#fields)*
        }

        #(#structures)*

        #[cfg(target_os = "linux")]
        impl #name {
            #[doc(hidden)]
            #visibility const __NAMES: &'static str = #asked;

            #[doc(hidden)]
            #visibility fn __find(#names: &mut #private::Names<'_>) -> ::core::result::Result<Self, #private::Error> {
                #(#inner)*
                let ([#(#nodes),*], [#(#interfaces),*]) = #names.all()?;
                ::core::result::Result::Ok(Self { #(#values),* })
            }
        }

        #[cfg(target_os = "linux")]
        impl #private::Network for #name {
            fn topology() -> #private::Topology {
                #private::compiled(#text)
            }

            fn from_lab(lab: &#private::Lab) -> ::core::result::Result<Self, #private::Error> {
                Self::__find(&mut #private::Names::new(lab, Self::__NAMES))
            }
        }
    }
}

struct Writer<'a> {
    declaration: &'a Declaration,
    private: TokenStream,
    /// The names that the code asks for, a line each, those of interfaces indented.
    names: String,
    /// The variables for what the lab gives. All are filled before the first value is made: with a call for each, every
    /// one would need code to drop those before it, which takes the compiler seconds.
    nodes: Vec<Ident>,
    interfaces: Vec<Ident>,
    fields: Vec<String>,
    types: Vec<String>,
    faults: &'a mut Vec<Fault>,
}

impl Writer<'_> {
    /// Whether no other field of the topology has this name. Two nodes of one name are the checker's to tell.
    fn free(&mut self, field: &Ident) -> bool {
        let free = !self.fields.contains(&plain(field));
        self.fields.push(plain(field));
        if !free
            && !self
                .faults
                .iter()
                .any(|fault| fault.code == Some(netns_test_topology::check::Check::DUPLICATE_NODE.code))
        {
            let message = format!("two fields are called `{}`", plain(field));
            self.faults.push(Fault::new(field.span().into(), message).help("give one of them another name"));
        }
        free
    }

    fn ask_node(&mut self, name: &str) -> Ident {
        self.names.push_str(name);
        self.names.push('\n');
        self.nodes.push(format_ident!("node{}", self.nodes.len(), span = Span::mixed_site()));
        self.nodes[self.nodes.len() - 1].clone()
    }

    /// Asks for an interface of the node before.
    fn ask_interface(&mut self, name: &str) -> Ident {
        self.names.push('\t');
        self.names.push_str(name);
        self.names.push('\n');
        self.interfaces.push(format_ident!("interface{}", self.interfaces.len(), span = Span::mixed_site()));
        self.interfaces[self.interfaces.len() - 1].clone()
    }

    fn node(&mut self, item: &Item, members: &[Member], scope: &Scope, draft: &Draft) -> Option<Shape> {
        let field = match item {
            Item::Node(node) => &node.name.field,
            Item::Switch(switch) => &switch.name.field,
            _ => return None,
        };
        let name = format_ident!("{}{}", self.declaration.name.unraw(), camel(&plain(field)), span = field.span());
        if self.types.contains(&name.to_string()) {
            let message = format!("the types of `{}` and another node would both be called `{name}`", plain(field));
            self.faults.push(Fault::new(field.span().into(), message).help("give one of the nodes another name"));
            return None;
        }
        self.types.push(name.to_string());
        let kind = name.clone();
        let mut values = Vec::new();
        let interfaces: Vec<Field> = match item {
            Item::Node(node) => self.interfaces(&node.statements),
            Item::Switch(switch) => {
                let node_of_switch = self.ask_node(&switch.name.kernel);
                let node = draft.node(&switch.name.kernel);
                let port =
                    |n: usize| node.and_then(|node| node.interfaces.get(n)).map_or("", |port| port.name.as_str());
                let bridge = self.ask_interface(port(0));
                let mut made = vec![quote!(#field: #bridge)];
                let mut fields = vec![Field::new(&TokenStream::new(), field.clone(), "The bridge")];
                // The bridge has the first position, the ports follow as their ends were written.
                let mut position = 1;
                for end in &switch.ends {
                    let members = |step: &Step| matches!(step.members, Members::None);
                    let text = match end.node.last() {
                        Some(node) if members(node) && members(&end.interface) => {
                            format!("{}_{}", node.name.text, end.interface.name.text)
                        }
                        _ => String::new(),
                    };
                    let name = (!text.is_empty()).then(|| identifier(&text, end.place.span()));
                    if let Some(name) = name.filter(|name| fields.iter().all(|field| field.name != *name)) {
                        let port = self.ask_interface(port(position));
                        made.push(quote!(#name: #port));
                        fields.push(Field::new(&TokenStream::new(), name, "The port"));
                    }
                    position += scope.resolve(end).map_or(0, |ends| ends.len());
                }
                values.push(quote!(#kind { __node: #node_of_switch, #(#made),* }));
                fields
            }
            _ => Vec::new(),
        };
        if let Item::Node(_) = item {
            for member in members {
                let node = self.ask_node(&member.name);
                let mut made = Vec::new();
                for Field { name, count, .. } in &interfaces {
                    let asked: Vec<Ident> =
                        member.kernel(&plain(name)).iter().map(|kernel| self.ask_interface(kernel)).collect();
                    made.push(match (count, &asked[..]) {
                        (None, [one]) => quote!(#name: #one),
                        (None, _) => quote!(#name: ::core::unreachable!()),
                        (Some(_), several) => quote!(#name: [#(#several),*]),
                    });
                }
                values.push(quote!(#kind { __node: #node, #(#made),* }));
            }
        }
        let private = &self.private;
        let visibility = &self.declaration.visibility;
        let documentation = match item {
            Item::Node(node) => documented(&node.attributes, &format!("The node `{}`.", plain(field))),
            Item::Switch(switch) => documented(&switch.attributes, &format!("The switch `{}`.", plain(field))),
            _ => TokenStream::new(),
        };
        let fields = interfaces.iter().map(|interface| {
            let Field { documentation, name, count } = interface;
            let kind = array(quote!(#private::Interface), *count);
            quote!(#documentation pub #name: #kind,)
        });
        let allow = quote!(#[allow(dead_code, reason = "a test uses what it needs")]);
        let structure = quote! {
            #documentation
            #allow
            #[cfg(target_os = "linux")]
            #[derive(Clone)]
            #visibility struct #name {
                __node: #private::Node,
                #(#fields)*
            }

            #[cfg(target_os = "linux")]
            impl ::core::ops::Deref for #name {
                type Target = #private::Node;

                fn deref(&self) -> &#private::Node {
                    &self.__node
                }
            }
        };
        Some(Shape { structure, kind: quote_spanned!(field.span()=> #name), values })
    }

    /// The interfaces of a node that have names fit for fields, each once.
    fn interfaces(&mut self, statements: &[Statement]) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        let mut kernel: Vec<&str> = Vec::new();
        for statement in statements {
            let Statement::Interface(interface) = statement else { continue };
            let what = if interface.is_bridge() { "The bridge" } else { "The interface" };
            let field = Field::new(&interface.attributes, interface.name.field.clone(), what);
            match fields.iter().position(|other| plain(&other.name) == plain(&field.name)) {
                None => {
                    kernel.push(&interface.name.kernel);
                    fields.push(Field { count: interface.count, ..field });
                }
                // Two interfaces of one name are the checker's to tell.
                Some(other) if kernel[other] != interface.name.kernel => {
                    let fault = Fault::new(
                        field.name.span().into(),
                        format!("two interfaces have the field `{}`", plain(&field.name)),
                    );
                    self.faults.push(fault.help("give one of them another field"));
                }
                Some(_) => {}
            }
        }
        for statement in statements {
            let Statement::Interface(interface) = statement else { continue };
            for setting in &interface.settings {
                let Value::Ports(ports) = &setting.value else { continue };
                for field in ports.iter().filter_map(|port| port.field.clone()) {
                    if !fields.iter().any(|other| plain(&other.name) == plain(&field)) {
                        fields.push(Field::new(&TokenStream::new(), field, "The port"));
                    }
                }
            }
        }
        fields
    }
}

/// A field for an interface.
struct Field {
    documentation: TokenStream,
    name: Ident,
    count: Option<Count>,
}

impl Field {
    fn new(attributes: &TokenStream, name: Ident, what: &str) -> Self {
        let documentation = documented(attributes, &format!("{what} `{}`.", plain(&name)));
        Self { documentation, name, count: None }
    }
}

impl Declaration {
    /// The path of what the code uses.
    pub(crate) fn private(&self) -> TokenStream {
        match &self.krate {
            Some(path) => quote!(#path::__private),
            None => quote!(::netns_test::__private),
        }
    }
}

fn array(kind: TokenStream, count: Option<Count>) -> TokenStream {
    match count {
        Some(Count { number }) => quote!([#kind; #number]),
        None => kind,
    }
}

/// A name as an identifier: what cannot stand in one becomes `_`.
pub(crate) fn identifier(name: &str, span: Span) -> Ident {
    let is_identifier = |text: &str| syn::parse_str::<Ident>(text).is_ok();
    let mut text: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    if !text.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        text.insert(0, '_');
    }
    if is_identifier(&text) {
        return Ident::new(&text, span);
    }
    if is_identifier(&format!("r#{text}")) {
        return Ident::new_raw(&text, span);
    }
    let plain: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    Ident::new(&format!("{plain}_"), span)
}

/// The documentation that was written, or these words.
fn documented(attributes: &TokenStream, words: &str) -> TokenStream {
    let written = split(attributes).filter(|attribute| is_documentation(attribute));
    let written: TokenStream = written.flatten().collect();
    if written.is_empty() { quote!(#[doc = #words]) } else { written }
}

fn not_documentation(attributes: &TokenStream) -> TokenStream {
    split(attributes).filter(|attribute| !is_documentation(attribute)).flatten().collect()
}

/// The attributes one by one, each two tokens.
fn split(attributes: &TokenStream) -> impl Iterator<Item = Vec<TokenTree>> {
    let tokens: Vec<TokenTree> = attributes.clone().into_iter().collect();
    tokens.chunks(2).map(<[TokenTree]>::to_vec).collect::<Vec<_>>().into_iter()
}

fn is_documentation(attribute: &[TokenTree]) -> bool {
    match attribute.get(1) {
        Some(TokenTree::Group(group)) => {
            matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(ident)) if ident == "doc")
        }
        _ => false,
    }
}

/// `web_server` as `WebServer`.
fn camel(name: &str) -> String {
    let mut camel = String::new();
    for word in name.split('_') {
        let mut letters = word.chars();
        camel.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_an_identifier() {
        let names = [
            ("host-0", "host_0"),
            ("office.lan", "office_lan"),
            ("0a", "_0a"),
            ("é", "é"),
            ("type", "r#type"),
            ("self", "self_"),
            ("=", "__"),
            ("x²", "x__"),
        ];
        for (name, expected) in names {
            assert_eq!(identifier(name, Span::call_site()).to_string(), expected, "{name}");
        }
    }
}
