//! A walk over tokens that says what was expected where.

use proc_macro2::{Delimiter, Ident, Punct, TokenStream, TokenTree};
use syn::{Lit, ext::IdentExt};

use super::fault::{Fault, Place};

/// What was read, or what was found instead.
pub(crate) type Read<T> = Result<T, Fault>;

/// A text between quotation marks.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) place: Place,
}

/// A word of a route, rule, neighbour entry or firewall rule.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) place: Place,
    /// Whether it stood between quotation marks.
    pub(crate) quoted: bool,
}

/// Tokens that are still to be read.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    tokens: &'a [TokenTree],
    /// Where it ends, for errors about what is missing.
    end: Place,
}

/// The tokens of a stream, without the invisible groups that `macro_rules!` makes.
pub(crate) fn flat(stream: TokenStream) -> Vec<TokenTree> {
    let mut tokens = Vec::new();
    for token in stream {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => tokens.extend(flat(group.stream())),
            other => tokens.push(other),
        }
    }
    tokens
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(tokens: &'a [TokenTree], end: Place) -> Self {
        Self { tokens, end: tokens.last().map_or(end, Place::of) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<&'a TokenTree> {
        self.tokens.first()
    }

    pub(crate) fn peek_at(&self, at: usize) -> Option<&'a TokenTree> {
        self.tokens.get(at)
    }

    pub(crate) fn next(&mut self) -> Option<&'a TokenTree> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// The next token, or the last one where there is none.
    pub(crate) fn place(&self) -> Place {
        self.peek().map_or(self.end, Place::of)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [TokenTree] {
        std::mem::take(&mut self.tokens)
    }

    pub(crate) fn rest_place(&self) -> Place {
        self.place().to(self.tokens.last().map_or(self.end, Place::of))
    }

    pub(crate) fn is_punct(&self, sign: char) -> bool {
        matches!(self.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
    }

    pub(crate) fn take_punct(&mut self, sign: char) -> Option<&'a Punct> {
        match self.peek() {
            Some(TokenTree::Punct(punct)) if punct.as_char() == sign => {
                self.next();
                Some(punct)
            }
            _ => None,
        }
    }

    /// The next word, where it is one: a raw identifier is none.
    pub(crate) fn peek_word(&self) -> Option<String> {
        match self.peek() {
            Some(TokenTree::Ident(ident)) => Some(ident.to_string()).filter(|word| !word.starts_with("r#")),
            _ => None,
        }
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(TokenTree::Ident(ident)) if ident == word)
    }

    pub(crate) fn take_word(&mut self, word: &str) -> Option<Place> {
        let place = self.place();
        self.is_word(word).then(|| {
            self.next();
            place
        })
    }

    pub(crate) fn group(&mut self, delimiter: Delimiter) -> Option<(Vec<TokenTree>, Place)> {
        match self.peek() {
            Some(token @ TokenTree::Group(group)) if group.delimiter() == delimiter => {
                self.next();
                Some((flat(group.stream()), Place::of(token)))
            }
            _ => None,
        }
    }

    pub(crate) fn ident(&mut self, what: &str) -> Read<Ident> {
        match self.peek() {
            Some(TokenTree::Ident(ident)) => {
                self.next();
                Ok(ident.clone())
            }
            _ => Err(self.expected(what)),
        }
    }

    pub(crate) fn text(&mut self, what: &str) -> Read<Text> {
        match self.peek() {
            Some(token @ TokenTree::Literal(_)) => match string(token) {
                Some(value) => {
                    self.next();
                    Ok(Text { value, place: Place::of(token) })
                }
                None => Err(self.unquoted(what)),
            },
            _ => Err(self.expected(what)),
        }
    }

    /// A whole number.
    pub(crate) fn number<T: std::str::FromStr>(&mut self, what: &str, range: &str) -> Read<(T, Place)> {
        let place = self.place();
        let minus = self.take_punct('-').is_some();
        let help = format!("write a whole number {range}");
        let expected = |here: &Self| here.expected(&format!("a whole number as {what}")).help(&help);
        match self.peek() {
            Some(TokenTree::Literal(literal)) => {
                let token = TokenTree::Literal(literal.clone());
                let place = place.to(Place::of(&token));
                let Lit::Int(number) = Lit::new(literal.clone()) else { return Err(expected(self)) };
                self.next();
                let digits = format!("{}{}", if minus { "-" } else { "" }, number.base10_digits());
                let parsed = digits.parse().ok().filter(|_| number.suffix().is_empty());
                parsed.map(|number| (number, place)).ok_or_else(|| {
                    Fault::new(place, format!("`{}{literal}` is no possible {what}", if minus { "-" } else { "" }))
                        .help(&help)
                })
            }
            _ => Err(expected(self)),
        }
    }

    /// The words up to the end, with signs joined to what they stand between.
    pub(crate) fn words(&mut self) -> Read<Vec<Word>> {
        let mut words: Vec<Word> = Vec::new();
        let mut join = false;
        while let Some(token) = self.next() {
            let place = Place::of(token);
            let (text, quoted, joins) = match token {
                TokenTree::Ident(ident) => (ident.unraw().to_string(), false, false),
                TokenTree::Literal(literal) => match string(token) {
                    Some(value) => (value, true, false),
                    None => (literal.to_string(), false, false),
                },
                TokenTree::Punct(punct) => match punct.as_char() {
                    '!' if self.is_punct('=') => {
                        let last = self.next().map_or(place, Place::of);
                        words.push(Word { text: "!=".into(), place: place.to(last), quoted: false });
                        continue;
                    }
                    sign @ ('-' | ',' | '.' | ':' | '/') => (sign.to_string(), false, true),
                    sign => return Err(Fault::new(place, format!("`{sign}` is not expected here"))),
                },
                TokenTree::Group(group) => {
                    let (message, help) = match group.delimiter() {
                        Delimiter::Brace => ("braces are not expected here", "end the statement with `;`"),
                        _ => ("brackets are not expected here", "write what is in them without brackets"),
                    };
                    return Err(Fault::new(place, message).help(help));
                }
            };
            match words.last_mut() {
                Some(last) if joins || join => {
                    last.text.push_str(&text);
                    last.place = last.place.to(place);
                    last.quoted &= quoted;
                }
                _ => words.push(Word { text, place, quoted }),
            }
            join = joins;
        }
        Ok(words)
    }

    /// That nothing is left.
    pub(crate) fn end(&self) -> Read<()> {
        match self.peek() {
            None => Ok(()),
            Some(token) => {
                let fault = Fault::new(Place::of(token), format!("`{}` is not expected here", shown(token)));
                Err(fault.help("end the statement before it with `;`"))
            }
        }
    }

    pub(crate) fn expected(&self, what: &str) -> Fault {
        match self.peek() {
            Some(token) => Fault::new(Place::of(token), format!("expected {what}, found `{}`", shown(token))),
            None => Fault::new(self.end, format!("expected {what} after this")),
        }
    }

    /// What stands here would have to be a text.
    fn unquoted(&self, what: &str) -> Fault {
        let mut rest = self.clone();
        let mut written = String::new();
        let mut place = self.place();
        while let Some(token) = rest.next() {
            let part = match token {
                TokenTree::Ident(_) | TokenTree::Literal(_) => shown(token),
                TokenTree::Punct(punct) if matches!(punct.as_char(), '.' | '/' | ':' | '-') => shown(token),
                _ => break,
            };
            if string(token).is_some() {
                break;
            }
            written.push_str(&part);
            place = place.to(Place::of(token));
        }
        Fault::new(place, format!("expected {what}, found `{written}`"))
            .help(format!("write `\"{written}\"`, in quotation marks"))
    }
}

/// The value of a literal that is a text.
pub(crate) fn string(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Literal(literal) => match Lit::new(literal.clone()) {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// A token, as short as an error may quote it.
pub(crate) fn shown(token: &TokenTree) -> String {
    match token {
        TokenTree::Group(group) => match group.delimiter() {
            Delimiter::Brace => "{ … }".into(),
            Delimiter::Bracket => "[ … ]".into(),
            _ => "( … )".into(),
        },
        other => other.to_string(),
    }
}
