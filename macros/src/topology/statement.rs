//! The statements of a node.

use netns_test_topology::{ChainKind, Family, Hook};
use proc_macro2::{Delimiter, Ident, TokenTree};
use syn::ext::IdentExt;

use super::{
    fault::{Fault, Place},
    parse::{Parser, comma_or_end, commas, name, pieces, profile, reference},
    settings,
    tokens::{Cursor, Read, Text, Word},
    tree::{ChainItem, Form, InterfaceItem, Statement, Words},
};

/// The words that begin a statement; every other begins an interface.
pub(crate) const KEYWORDS: &[&str] = &[
    "bridge",
    "vxlan",
    "macvlan",
    "route",
    "rule",
    "neighbour",
    "fdb",
    "sysctl",
    "nameserver",
    "forward",
    "forward_v4",
    "forward_v6",
    "masquerade",
    "masquerade_from",
    "snat",
    "dnat",
    "forward_tcp",
    "forward_udp",
    "firewall",
    "bridge_firewall",
    "chain",
    "counter",
    "profile",
    "with",
    "without",
];

impl Parser {
    pub(crate) fn statements(&mut self, tokens: &[TokenTree], place: Place) -> Vec<Statement> {
        let mut statements = Vec::new();
        for piece in pieces(tokens) {
            let mut cursor = Cursor::new(piece.tokens, place);
            let read = self.statement(&mut cursor, &mut statements).and_then(|()| cursor.end());
            if self.keep(read).is_some() {
                self.must_end(&piece);
            }
        }
        self.contradictions(&statements);
        statements
    }

    fn statement(&mut self, cursor: &mut Cursor<'_>, statements: &mut Vec<Statement>) -> Read<()> {
        let attributes = self.documentation(cursor);
        let place = cursor.place();
        let Some(word) = cursor.peek_word().filter(|word| KEYWORDS.contains(&word.as_str())) else {
            let field = cursor.ident("an interface or a statement")?;
            let word = field.to_string();
            let follows = match cursor.peek() {
                None => true,
                Some(TokenTree::Punct(punct)) => punct.as_char() == ':',
                Some(TokenTree::Ident(ident)) => ident == "as",
                Some(TokenTree::Group(_)) => true,
                Some(TokenTree::Literal(_)) => false,
            };
            if !follows {
                let fault = Fault::unknown(place, "statement", &word, KEYWORDS);
                let told = fault.help.as_ref().is_some_and(|help| !help.starts_with("write"));
                let help =
                    match settings::BRIDGE.contains(&word.as_str()) || settings::INTERFACE.contains(&word.as_str()) {
                        true => {
                            format!(
                                "`{word}` is a setting of an interface, in braces after its name: `eth0 {{ {word} … }}`"
                            )
                        }
                        false => format!("an interface is written `{word}: \"10.0.0.1/24\";`"),
                    };
                return Err(if told { fault } else { fault.help(help) });
            }
            statements.push(Statement::Interface(self.interface(cursor, attributes, field, Form::Plain)?));
            return Ok(());
        };
        if let Some(TokenTree::Punct(punct)) = cursor.peek_at(1)
            && punct.as_char() == ':'
        {
            return Err(Fault::new(place, format!("`{word}` is a statement of its own, no interface")).help(format!(
                "write it without `:`; an interface of that name is written `r#{word}: \"10.0.0.1/24\";`"
            )));
        }
        cursor.next();
        let statement = match word.as_str() {
            "bridge" => {
                let field = cursor.ident("the name of the bridge")?;
                Statement::Interface(self.interface(cursor, attributes, field, Form::Bridge)?)
            }
            "vxlan" | "macvlan" => {
                let field = cursor.ident("the name of the interface")?;
                let form = if word == "vxlan" { Form::Vxlan } else { Form::Macvlan };
                Statement::Interface(self.interface(cursor, attributes, field, form)?)
            }
            "route" => Statement::Route(words(cursor, place, "a route, such as `default via \"10.0.0.1\"`")?),
            "rule" => Statement::Rule(words(cursor, place, "a rule, such as `from \"10.0.0.0/8\" lookup 100`")?),
            "neighbour" => {
                let example = "a neighbour, such as `\"10.0.0.2\" lladdr \"02:00:00:00:00:02\" dev eth0`";
                Statement::Neighbour(words(cursor, place, example)?)
            }
            "fdb" => {
                let example = "a forwarding entry, such as `\"02:00:00:00:00:02\" dev vx0 dst \"192.0.2.2\"`";
                Statement::Fdb(words(cursor, place, example)?)
            }
            "sysctl" => sysctl(cursor)?,
            "nameserver" => {
                Statement::NameServers(self.texts(cursor, "the address of a name server, such as `\"10.0.0.53\"`"))
            }
            "forward" => Statement::Forward { v4: true, v6: true },
            "forward_v4" => Statement::Forward { v4: true, v6: false },
            "forward_v6" => Statement::Forward { v4: false, v6: true },
            "masquerade" => Statement::Masquerade(place, reference(cursor, "the interface that packets leave by")?),
            "masquerade_from" => Statement::MasqueradeFrom(place, cursor.text("a network, such as `\"10.0.0.0/24\"`")?),
            "snat" => nat(cursor, place, &word, Hook::Postrouting)?,
            "dnat" => nat(cursor, place, &word, Hook::Prerouting)?,
            "forward_tcp" | "forward_udp" => {
                let interface = reference(cursor, "the interface that packets come in by")?;
                let (port, _) = cursor.number("port", "from 0 to 65535")?;
                if cursor.take_word("to").is_none() {
                    return Err(cursor.expected("`to`").help(format!("write `{word} wan 8080 to \"10.0.0.2:80\";`")));
                }
                let to = cursor.text("where they go, such as `\"10.0.0.2:80\"`")?;
                Statement::ForwardPort { place, tcp: word == "forward_tcp", interface, port, to }
            }
            "firewall" | "bridge_firewall" => {
                let family = if word == "firewall" { Family::Inet } else { Family::Bridge };
                Statement::Chain(self.chain(cursor, place, family, ChainKind::Filter)?)
            }
            "chain" => {
                let family = parsed(cursor, "a family: `inet`, `ip`, `ip6` or `bridge`")?;
                let kind = parsed(cursor, "`filter` or `nat`")?;
                Statement::Chain(self.chain(cursor, place, family, kind)?)
            }
            "counter" => {
                let Word { text, place, .. } = reference(cursor, "the name of the counter")?;
                Statement::Counter(Text { value: text, place })
            }
            "profile" => Statement::Profile(profile(cursor)?, place),
            _ => {
                if cursor.is_empty() {
                    return Err(cursor.expected("a departure from the kernel's defaults, such as `no-dad`"));
                }
                for part in commas(cursor.rest()) {
                    for name in Cursor::new(part, place).words()? {
                        let departure = name.text.parse().map_err(|error| Fault::invalid(name.place, &error))?;
                        statements.push(Statement::Departure(departure, word == "with", name.place));
                    }
                }
                return Ok(());
            }
        };
        statements.push(statement);
        Ok(())
    }

    fn interface(
        &mut self,
        cursor: &mut Cursor<'_>,
        attributes: proc_macro2::TokenStream,
        field: Ident,
        form: Form,
    ) -> Read<InterfaceItem> {
        let (name, count) = name(cursor, field)?;
        let addresses = match cursor.take_punct(':') {
            Some(_) => self.texts(cursor, "an address, such as `\"10.0.0.1/24\"`"),
            None => Vec::new(),
        };
        let mut found = Vec::new();
        if let Some((body, place)) = cursor.group(Delimiter::Brace) {
            for part in commas(&body) {
                let mut cursor = Cursor::new(part, place);
                let possible = match form {
                    Form::Plain => settings::INTERFACE,
                    Form::Bridge => settings::BRIDGE,
                    Form::Vxlan => settings::VXLAN,
                    Form::Macvlan => settings::MACVLAN,
                };
                let read = settings::setting(&mut cursor, possible)
                    .and_then(|setting| comma_or_end(&cursor).map(|()| setting));
                found.extend(self.keep(read));
            }
            self.each_once(&found);
        }
        Ok(InterfaceItem { attributes, name, count, form, addresses, settings: found })
    }

    fn chain(&mut self, cursor: &mut Cursor<'_>, place: Place, family: Family, kind: ChainKind) -> Read<ChainItem> {
        let last = cursor.place();
        let hook = parsed(cursor, "a hook: `prerouting`, `input`, `forward`, `output` or `postrouting`")?;
        let Some((body, inside)) = cursor.group(Delimiter::Brace) else {
            let help = format!("write `{hook} {{ policy drop; tcp dport 443 accept; }}`");
            return Err(cursor.expected("`{`").help(help));
        };
        let place = place.to(last);
        let mut chain = ChainItem { place, family, kind, hook, policy: None, priority: None, rules: Vec::new() };
        for piece in pieces(&body) {
            let mut cursor = Cursor::new(piece.tokens, inside);
            let read = rule(&mut cursor, &mut chain).and_then(|()| cursor.end());
            if self.keep(read).is_some() {
                self.must_end(&piece);
            }
        }
        Ok(chain)
    }
}

fn rule(cursor: &mut Cursor<'_>, chain: &mut ChainItem) -> Read<()> {
    let twice =
        |place: Place, word: &str| Err(Fault::new(place, format!("`{word}` is said twice")).help("leave one out"));
    if let Some(place) = cursor.take_word("policy") {
        if chain.policy.replace(parsed(cursor, "`accept` or `drop`")?).is_some() {
            return twice(place, "policy");
        }
    } else if let Some(place) = cursor.take_word("priority") {
        if chain.priority.replace(cursor.number("priority", "such as `priority -10`")?.0).is_some() {
            return twice(place, "priority");
        }
    } else {
        let place = cursor.place();
        chain.rules.push(words(cursor, place, "a rule, such as `tcp dport 25 drop`")?);
    }
    Ok(())
}

/// The rest of the statement as words.
fn words(cursor: &mut Cursor<'_>, keyword: Place, what: &str) -> Read<Words> {
    if cursor.is_empty() {
        return Err(Fault::new(keyword, format!("expected {what}")));
    }
    let place = cursor.rest_place();
    Ok(Words { words: cursor.words()?, place })
}

/// A word of a few, read as what it stands for.
fn parsed<T: std::str::FromStr<Err = netns_test_topology::InvalidValue>>(
    cursor: &mut Cursor<'_>,
    what: &str,
) -> Read<T> {
    let word = cursor.ident(what)?;
    word.unraw().to_string().parse().map_err(|error| Fault::invalid(word.span().into(), &error))
}

/// `sysctl net.ipv4.ip_forward = 1`, where the key can also be a text.
fn sysctl(cursor: &mut Cursor<'_>) -> Read<Statement> {
    let help = "write `sysctl net.ipv4.conf.all.rp_filter = 2;`";
    let tokens = cursor.rest();
    let equals = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=');
    let at = tokens.iter().position(equals).unwrap_or(tokens.len());
    let one = |tokens: &[TokenTree], what: &str| -> Read<Text> {
        let mut cursor = Cursor::new(tokens, cursor.place());
        let expected = cursor.expected(what).help(help);
        match <[Word; 1]>::try_from(cursor.words()?) {
            Ok([word]) => Ok(Text { value: word.text, place: word.place }),
            Err(words) if words.is_empty() => Err(expected),
            Err(words) => {
                let place = words[1].place;
                Err(Fault::new(place, format!("`{}` is not expected here", words[1].text)).help(help))
            }
        }
    };
    let key = one(&tokens[..at], "the name of a setting")?;
    let value = match tokens.get(at + 1..) {
        Some(value) if !value.is_empty() => one(value, "a value")?,
        _ => {
            let place = tokens.last().map_or(key.place, Place::of);
            return Err(Fault::new(place, format!("expected `=` and a value for `{}`", key.value)).help(help));
        }
    };
    Ok(Statement::Sysctl { key, value })
}

/// `snat ip saddr "10.0.0.0/24" to "203.0.113.1"` as the rule that it stands for.
fn nat(cursor: &mut Cursor<'_>, keyword: Place, verdict: &str, hook: Hook) -> Read<Statement> {
    let place = keyword.to(cursor.rest_place());
    let expected = cursor.expected("which packets, and `to` which address");
    let mut words = cursor.words()?;
    let Some(to) = words.iter().rposition(|word| word.text == "to" && !word.quoted) else {
        let help = match verdict {
            "snat" => "write `snat ip saddr \"10.0.0.0/24\" to \"203.0.113.1\";`",
            _ => "write `dnat iifname wan tcp dport 80 to \"10.0.0.2:8080\";`",
        };
        let fault = match words.is_empty() {
            true => expected,
            false => Fault::new(place, "expected `to` and the new address"),
        };
        return Err(fault.help(help));
    };
    words.insert(to, Word { text: verdict.to_owned(), place: keyword, quoted: false });
    Ok(Statement::Nat(Words { words, place }, hook))
}
