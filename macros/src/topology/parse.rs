//! The grammar above nodes: the declaration, parts, switches, links.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;

use super::{
    fault::{Fault, Place},
    tokens::{Cursor, Read, Text, Word, flat, shown},
    tree::{Count, Declaration, End, Item, LinkItem, Members, Name, NodeItem, Part, Setting, Source, Step, SwitchItem},
};

/// How many members an array can have: more is a slip.
const MOST_MEMBERS: usize = 4096;

const ITEMS: &[&str] = &["node", "switch", "link", "use", "profile"];

/// Reads a text, and goes on after each fault.
#[derive(Default)]
pub(crate) struct Parser {
    pub(crate) faults: Vec<Fault>,
}

/// The tokens of one statement, without the `;` after it.
pub(crate) struct Piece<'a> {
    pub(crate) tokens: &'a [TokenTree],
    /// Whether it ends as a statement must.
    ended: bool,
}

impl Parser {
    /// Reads what stands in `topology! { … }`; `None` where nothing says what is declared.
    pub(crate) fn declaration(&mut self, stream: TokenStream) -> Option<Declaration> {
        let tokens = flat(stream);
        let mut cursor = Cursor::new(&tokens, proc_macro2::Span::call_site().into());
        let (mut attributes, mut allow, mut krate) = (TokenStream::new(), Vec::new(), None);
        while let Some(attribute) = take_attribute(&mut cursor) {
            match attribute_word(&attribute) {
                Some(word) if word == "allow" => self.allow(&attribute, &mut allow),
                Some(word) if word == "crate" => krate = self.keep(krate_path(&attribute)),
                _ => attributes.extend(attribute),
            }
        }
        match self.head(&mut cursor) {
            Ok((visibility, name, source)) => Some(Declaration { attributes, allow, krate, visibility, name, source }),
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    fn head(&mut self, cursor: &mut Cursor<'_>) -> Read<(TokenStream, Ident, Source)> {
        if cursor.is_empty() {
            return Err(Fault::new(cursor.place(), "there is no topology here").help("begin with `struct Name { … }`"));
        }
        let mut visibility = TokenStream::new();
        if let Some(token) = cursor.peek().filter(|_| cursor.is_word("pub")) {
            cursor.next();
            visibility.extend([token.clone()]);
            if let Some(token @ TokenTree::Group(group)) = cursor.peek()
                && group.delimiter() == Delimiter::Parenthesis
            {
                cursor.next();
                visibility.extend([token.clone()]);
            }
        }
        if cursor.take_word("struct").is_none() {
            return Err(cursor.expected("`struct`").help(
                "a topology is declared as `struct Name { … }`, or `struct Name = \"file.toml\";` for one in a file",
            ));
        }
        let name = cursor.ident("the name of the topology")?;
        if cursor.take_punct('=').is_some() {
            let file = cursor.text("the path of a file")?;
            if cursor.take_punct(';').is_none() {
                return Err(cursor.expected("`;`"));
            }
            self.nothing_follows(cursor);
            return Ok((visibility, name, Source::File(file)));
        }
        let Some((body, place)) = cursor.group(Delimiter::Brace) else {
            return Err(cursor.expected("`{`").help(format!("write `struct {name} {{ … }}`")));
        };
        cursor.take_punct(';');
        self.nothing_follows(cursor);
        Ok((visibility, name, Source::Body(self.body(&body, place))))
    }

    fn nothing_follows(&mut self, cursor: &Cursor<'_>) {
        if let Some(token) = cursor.peek() {
            let fault = Fault::new(cursor.rest_place(), format!("`{}` is not expected here", shown(token)));
            self.faults.push(fault.help("each topology has a `topology!` of its own"));
        }
    }

    fn allow(&mut self, attribute: &TokenStream, allow: &mut Vec<Text>) {
        let tokens = flat(attribute.clone());
        let Some(TokenTree::Group(brackets)) = tokens.get(1) else { return };
        let inner = flat(brackets.stream());
        let place = Place::of(&inner[0]);
        let mut cursor = Cursor::new(&inner[1..], place);
        let Some((list, place)) = cursor.group(Delimiter::Parenthesis) else {
            let fault = cursor.expected("the names of checks").help("write `#[allow(subnet_mismatch)]`");
            return self.faults.push(fault);
        };
        for part in list.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')) {
            let mut cursor = Cursor::new(part, place);
            match cursor.words() {
                Ok(words) => allow.extend(words.into_iter().map(|word| Text { value: word.text, place: word.place })),
                Err(fault) => self.faults.push(fault),
            }
        }
    }

    fn body(&mut self, tokens: &[TokenTree], place: Place) -> Vec<Item> {
        let mut items = Vec::new();
        for piece in pieces(tokens) {
            let read = self.item(&piece, place);
            items.extend(self.keep(read));
        }
        self.one_profile(items.iter().filter_map(|item| match item {
            Item::Profile(_, place) => Some(*place),
            _ => None,
        }));
        items
    }

    fn item(&mut self, piece: &Piece<'_>, place: Place) -> Read<Item> {
        let mut cursor = Cursor::new(piece.tokens, place);
        let attributes = self.documentation(&mut cursor);
        let keyword = cursor.place();
        let Some(word) = cursor.peek_word() else { return Err(cursor.expected(&list(ITEMS))) };
        cursor.next();
        let item = match word.as_str() {
            "profile" => Item::Profile(profile(&mut cursor)?, keyword),
            "use" => Item::Part(part(&mut cursor, attributes)?),
            "node" => Item::Node(self.node(&mut cursor, attributes)?),
            "switch" => Item::Switch(self.switch(&mut cursor, attributes)?),
            "link" => Item::Link(self.link(&mut cursor)?),
            other => return Err(Fault::unknown(keyword, "statement", other, ITEMS)),
        };
        cursor.end()?;
        self.must_end(piece);
        Ok(item)
    }

    pub(crate) fn must_end(&mut self, piece: &Piece<'_>) {
        if let Some(last) = piece.tokens.last().filter(|_| !piece.ended) {
            self.faults.push(Fault::new(Place::of(last), "expected `;` after this"));
        }
    }

    fn node(&mut self, cursor: &mut Cursor<'_>, attributes: TokenStream) -> Read<NodeItem> {
        let (within, name, count) = declared(cursor, "node")?;
        let Some((body, place)) = cursor.group(Delimiter::Brace) else {
            return Err(cursor.expected("`{`").help(format!("write `node {} {{ }}`", name.field)));
        };
        let statements = self.statements(&body, place);
        Ok(NodeItem { attributes, within, name, count, statements })
    }

    fn switch(&mut self, cursor: &mut Cursor<'_>, attributes: TokenStream) -> Read<SwitchItem> {
        let (within, name, count) = declared(cursor, "switch")?;
        if count.is_some() {
            return Err(Fault::new(name.place, "a switch cannot be an array").help("declare each switch by itself"));
        }
        let addresses = if cursor.take_punct(':').is_some() { self.texts(cursor, "an address") } else { Vec::new() };
        let Some((body, place)) = cursor.group(Delimiter::Brace) else {
            let help = format!("write the interfaces that it joins: `switch {} {{ a.eth0, b.eth0 }}`", name.field);
            return Err(cursor.expected("`{`").help(help));
        };
        let (mut ends, mut settings): (Vec<End>, Vec<Setting>) = (Vec::new(), Vec::new());
        for part in commas(&body) {
            let mut cursor = Cursor::new(part, place);
            let is_end = matches!(cursor.peek(), Some(TokenTree::Literal(_)))
                || match cursor.peek_at(1) {
                    Some(TokenTree::Punct(punct)) => punct.as_char() == '.',
                    Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Bracket,
                    None => !cursor.peek_word().is_some_and(|word| super::settings::BRIDGE.contains(&word.as_str())),
                    _ => false,
                };
            let read = match is_end {
                true => end(&mut cursor).and_then(|end| cursor.end().map(|()| ends.push(end))),
                false => super::settings::setting(&mut cursor, super::settings::SWITCH)
                    .and_then(|setting| comma_or_end(&cursor).map(|()| settings.push(setting))),
            };
            self.keep(read);
        }
        self.each_once(&settings);
        Ok(SwitchItem { attributes, within, name, addresses, settings, ends })
    }

    fn link(&mut self, cursor: &mut Cursor<'_>) -> Read<LinkItem> {
        let a = end(cursor)?;
        let dashes = cursor.place();
        // Another macro's hands may have put space between the two.
        let first = cursor.take_punct('-').is_some();
        if !(first && cursor.is_punct('-')) {
            let help = "a link is written `a.eth0 -- b.eth0`";
            return Err(match first {
                true => Fault::new(dashes, "expected `--` between the ends of a link").help(help),
                false => cursor.expected("`--`").help(help),
            });
        }
        cursor.next();
        let b = end(cursor)?;
        let place = a.place.to(b.place);
        let mut mtu = None;
        if let Some((body, at)) = cursor.group(Delimiter::Brace) {
            let mut found = Vec::new();
            for part in commas(&body) {
                let mut cursor = Cursor::new(part, at);
                let read = super::settings::setting(&mut cursor, &["mtu"])
                    .and_then(|setting| comma_or_end(&cursor).map(|()| setting));
                found.extend(self.keep(read));
            }
            self.each_once(&found);
            if let Some(Setting { place, value: super::tree::Value::Mtu(bytes), .. }) = found.pop() {
                mtu = Some((bytes, place));
            }
        }
        Ok(LinkItem { place, ends: [a, b], mtu })
    }

    /// The documentation before a statement.
    pub(crate) fn documentation(&mut self, cursor: &mut Cursor<'_>) -> TokenStream {
        let mut attributes = TokenStream::new();
        loop {
            let place = cursor.place().to(cursor.peek_at(1).map_or(cursor.place(), Place::of));
            let Some(attribute) = take_attribute(cursor) else { return attributes };
            match attribute_word(&attribute).as_deref() {
                Some("doc") => attributes.extend(attribute),
                Some("allow") => {
                    let fault = Fault::new(place, "what is allowed is allowed to the whole topology");
                    self.faults.push(fault.help("write `#[allow(…)]` before `struct`"));
                }
                _ => {
                    let fault = Fault::new(place, "an attribute is not possible here");
                    self.faults
                        .push(fault.help("only documentation can stand here; other attributes stand before `struct`"));
                }
            }
        }
    }

    /// Texts with commas between; what is none is a fault, and left out.
    pub(crate) fn texts(&mut self, cursor: &mut Cursor<'_>, what: &str) -> Vec<Text> {
        let mut texts = Vec::new();
        if let Some(token @ TokenTree::Group(group)) = cursor.peek()
            && group.delimiter() == Delimiter::Bracket
        {
            let fault = Fault::new(Place::of(token), format!("expected {what}, found brackets"));
            self.faults.push(fault.help("several are written with commas between, and without brackets"));
            cursor.next();
            return texts;
        }
        loop {
            match cursor.text(what) {
                Ok(text) => texts.push(text),
                Err(fault) => {
                    self.faults.push(fault);
                    cursor.rest();
                }
            }
            if cursor.take_punct(',').is_none() || cursor.is_empty() {
                return texts;
            }
        }
    }

    pub(crate) fn keep<T>(&mut self, read: Read<T>) -> Option<T> {
        read.map_err(|fault| self.faults.push(fault)).ok()
    }
}

/// The statements of a body: each ends with `;` or with braces.
pub(crate) fn pieces(tokens: &[TokenTree]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    for (at, token) in tokens.iter().enumerate() {
        let (end, ended) = match token {
            TokenTree::Punct(punct) if punct.as_char() == ';' => (at, true),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => (at + 1, true),
            _ if at + 1 == tokens.len() => (at + 1, false),
            _ => continue,
        };
        if begin < end {
            pieces.push(Piece { tokens: &tokens[begin..end], ended });
        }
        begin = at + 1;
    }
    pieces
}

/// What stands between commas.
pub(crate) fn commas(tokens: &[TokenTree]) -> impl Iterator<Item = &[TokenTree]> {
    let comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    tokens.split(comma).filter(|part| !part.is_empty())
}

pub(crate) fn comma_or_end(cursor: &Cursor<'_>) -> Read<()> {
    match cursor.peek() {
        None => Ok(()),
        Some(token) => {
            let fault = Fault::new(Place::of(token), format!("`{}` is not expected here", shown(token)));
            Err(fault.help("settings are written with commas between: `{ mtu 1400, down }`"))
        }
    }
}

/// `#[…]`, if it stands here.
fn take_attribute(cursor: &mut Cursor<'_>) -> Option<TokenStream> {
    match (cursor.peek(), cursor.peek_at(1)) {
        (Some(sign @ TokenTree::Punct(punct)), Some(brackets @ TokenTree::Group(group)))
            if punct.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
        {
            cursor.next();
            cursor.next();
            Some([sign.clone(), brackets.clone()].into_iter().collect())
        }
        _ => None,
    }
}

fn attribute_word(attribute: &TokenStream) -> Option<String> {
    match attribute.clone().into_iter().nth(1) {
        Some(TokenTree::Group(group)) => match flat(group.stream()).first() {
            Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn krate_path(attribute: &TokenStream) -> Read<TokenStream> {
    let tokens = flat(attribute.clone());
    let Some(TokenTree::Group(brackets)) = tokens.get(1) else { return Ok(TokenStream::new()) };
    let inner = flat(brackets.stream());
    match inner.get(1) {
        Some(TokenTree::Group(path)) if path.delimiter() == Delimiter::Parenthesis => Ok(path.stream()),
        _ => Err(Fault::new(Place::of(&tokens[1]), "expected the path of `netns_test`")
            .help("write `#[crate(path::to::netns_test)]`")),
    }
}

pub(crate) fn profile(cursor: &mut Cursor<'_>) -> Read<netns_test_topology::Profile> {
    let word = cursor.ident("`ready` or `kernel`")?;
    let text = word.unraw().to_string();
    text.parse().map_err(|error| Fault::invalid(word.span().into(), &error))
}

fn part(cursor: &mut Cursor<'_>, attributes: TokenStream) -> Read<Part> {
    let mut path = TokenStream::new();
    let help = "write `use path::Lan as office;`";
    while let Some(token) = cursor.peek().filter(|_| !cursor.is_word("as")) {
        let of_path = match token {
            TokenTree::Ident(_) => true,
            TokenTree::Punct(punct) => punct.as_char() == ':',
            _ => false,
        };
        if !of_path {
            return Err(cursor.expected("the path of a topology").help(help));
        }
        path.extend([token.clone()]);
        cursor.next();
    }
    if path.is_empty() {
        return Err(cursor.expected("the path of a topology").help(help));
    }
    if cursor.take_word("as").is_none() {
        return Err(cursor.expected("`as` and a name of its own").help(help));
    }
    let name = cursor.ident("the name that it has here")?;
    Ok(Part { attributes, path, name })
}

/// The name of a node or switch: `office.a`, `host[16]`, `web_1 as "web-1"`.
fn declared(cursor: &mut Cursor<'_>, what: &str) -> Read<(Vec<Ident>, Name, Option<Count>)> {
    let help = format!("a name that is no identifier is written `{what} web_1 as \"web-1\"`");
    let named = |cursor: &mut Cursor<'_>| {
        cursor.ident(&format!("the name of the {what}")).map_err(|fault| fault.help(help.clone()))
    };
    let mut within = Vec::new();
    let mut field = named(cursor)?;
    while cursor.take_punct('.').is_some() {
        within.push(std::mem::replace(&mut field, named(cursor)?));
    }
    let (name, count) = name(cursor, field)?;
    if let Some(part) = within.first().filter(|_| count.is_some() || name.renamed) {
        let fault = Fault::new(part.span().into(), format!("`{}` has its name and number already", name.field));
        return Err(fault.help("leave out what follows the name"));
    }
    Ok((within, name, count))
}

/// What may follow a field's name: `[16]` and `as "v-net-0"`.
pub(crate) fn name(cursor: &mut Cursor<'_>, field: Ident) -> Read<(Name, Option<Count>)> {
    let mut place: Place = field.span().into();
    let mut count = None;
    if let Some((inner, brackets)) = cursor.group(Delimiter::Bracket) {
        let mut inside = Cursor::new(&inner, brackets);
        let range = format!("from 0 to {MOST_MEMBERS}");
        let (number, at) = inside.number("size of an array", &range)?;
        inside.end()?;
        if number > MOST_MEMBERS {
            return Err(Fault::new(at, format!("an array of {number} members is too large"))
                .help(format!("write a whole number {range}")));
        }
        count = Some(Count { number });
    }
    let mut kernel = field.unraw().to_string();
    let mut renamed = false;
    if cursor.take_word("as").is_some() {
        let text = cursor.text("the name in the kernel")?;
        place = text.place;
        kernel = text.value;
        renamed = true;
    }
    Ok((Name { field, kernel, renamed, place }, count))
}

/// An end of a link: `client.eth0`.
pub(crate) fn end(cursor: &mut Cursor<'_>) -> Read<End> {
    let mut steps = vec![step(cursor, "a node and an interface, such as `a.eth0`")?];
    while cursor.take_punct('.').is_some() {
        steps.push(step(cursor, "the name of an interface")?);
    }
    let place = steps[0].name.place.to(steps.last().map_or(steps[0].name.place, Step::place));
    let interface = steps.pop().expect("there is at least one step");
    if steps.is_empty() {
        let name = &interface.name.text;
        return Err(Fault::new(place, format!("`{name}` is not the end of a link"))
            .help(format!("write node and interface, such as `{name}.eth0`")));
    }
    Ok(End { place, node: steps, interface })
}

fn step(cursor: &mut Cursor<'_>, what: &str) -> Read<Step> {
    let name = reference(cursor, what)?;
    let members = match cursor.group(Delimiter::Bracket) {
        None => Members::None,
        Some((inner, place)) => members(&mut Cursor::new(&inner, place), place)?,
    };
    Ok(Step { name, members })
}

impl Step {
    pub(crate) fn place(&self) -> Place {
        match self.members {
            Members::None => self.name.place,
            Members::One(_, place) | Members::Range(_, _, place) => self.name.place.to(place),
        }
    }
}

fn members(cursor: &mut Cursor<'_>, place: Place) -> Read<Members> {
    let number = |cursor: &mut Cursor<'_>| cursor.number::<usize>("position", "from 0").map(|(number, _)| number);
    let help = |fault: Fault| fault.help("write `[0]`, `[..]` for all, or a range such as `[2..5]`");
    let first = if cursor.is_punct('.') { None } else { Some(number(cursor).map_err(help)?) };
    if cursor.is_empty()
        && let Some(first) = first
    {
        return Ok(Members::One(first, place));
    }
    if cursor.take_punct('.').is_none() || cursor.take_punct('.').is_none() {
        return Err(help(cursor.expected("`..`")));
    }
    let inclusive = cursor.take_punct('=').is_some();
    let last = if cursor.is_empty() && !inclusive { None } else { Some(number(cursor).map_err(help)?) };
    cursor.end()?;
    let end = last.map(|last| last.saturating_add(usize::from(inclusive)));
    Ok(Members::Range(first.unwrap_or(0), end, place))
}

/// The name of an interface or node: a field's, or a text.
pub(crate) fn reference(cursor: &mut Cursor<'_>, what: &str) -> Read<Word> {
    let place = cursor.place();
    match cursor.peek() {
        Some(TokenTree::Literal(_)) => {
            let text = cursor.text(what)?;
            Ok(Word { text: text.value, place, quoted: true })
        }
        _ => Ok(Word { text: cursor.ident(what)?.unraw().to_string(), place, quoted: false }),
    }
}

fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
