//! A TOML document as a tree whose every part knows where it stands.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

/// A place in a source, in bytes.
pub type Span = Range<usize>;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Where it stands; of a table with a header, where that is.
    pub span: Span,
    /// What it is.
    pub data: Data,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// A text.
    Text {
        /// Its characters.
        text: String,
        /// Whether the source has them as they are, between one pair of quotation marks, so that a part of the text has a
        /// place of its own.
        verbatim: bool,
    },
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
    /// A list.
    List(Vec<Value>),
    /// A table.
    Table(Table),
    /// Anything else, in words: no file of ours takes it.
    Other(&'static str),
}

/// A table, in the order of the source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// What it holds.
    pub entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Value,
}

/// A key and where it stands first.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// Whether it stands there without quotation marks, or with them and no escapes.
    verbatim: bool,
}

impl Key {
    /// The key that a short form leaves out.
    pub(super) fn implied(name: &str, span: &Span) -> Self {
        Self { name: name.to_owned(), span: span.clone(), verbatim: false }
    }

    /// The place of a part of the name.
    pub(super) fn part(&self, range: Range<usize>) -> Span {
        part(&self.span, &self.name, self.verbatim, range)
    }
}

impl Value {
    /// What it is, in words.
    pub fn words(&self) -> &'static str {
        match &self.data {
            Data::Text { .. } => "a text",
            Data::Number(_) => "a number",
            Data::Flag(_) => "`true` or `false`",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
            Data::Other(words) => words,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The table, if it is one.
    pub fn table(&self) -> Option<&Table> {
        match &self.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The elements of a list; of anything else, itself.
    pub fn elements(&self) -> &[Value] {
        match &self.data {
            Data::List(values) => values,
            _ => std::slice::from_ref(self),
        }
    }

    /// The place of a part of a text.
    pub(super) fn part(&self, range: Range<usize>) -> Span {
        match &self.data {
            Data::Text { text, verbatim } => part(&self.span, text, *verbatim, range),
            _ => self.span.clone(),
        }
    }
}

impl Table {
    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries.iter().find(|entry| entry.key.name == name).map(|entry| &entry.value)
    }
}

/// The place of some bytes of a text, if it stands in the source as it is; the place of all of it otherwise.
fn part(whole: &Span, text: &str, verbatim: bool, range: Range<usize>) -> Span {
    if !verbatim || range.end > text.len() {
        return whole.clone();
    }
    // One quotation mark on each side, or none around a bare key.
    let start = whole.start + (whole.len() - text.len()) / 2;
    start + range.start..start + range.end
}

/// The tree of a parsed table.
pub(super) fn table(source: &str, table: &DeTable<'_>) -> Table {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(name, found)| {
            let key = key(source, name);
            Entry { value: value(source, found, &key), key }
        })
        .collect();
    entries.sort_by_key(|entry| entry.key.span.start);
    Table { entries }
}

fn key(source: &str, name: &Spanned<DeString<'_>>) -> Key {
    let (span, name) = (name.span(), name.get_ref().to_string());
    let verbatim = is_verbatim(source, &span, &name);
    Key { name, span, verbatim }
}

fn value(source: &str, found: &Spanned<DeValue<'_>>, key: &Key) -> Value {
    let span = found.span();
    let data = match found.get_ref() {
        DeValue::String(text) => {
            let text = text.to_string();
            Data::Text { verbatim: is_verbatim(source, &span, &text), text }
        }
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Data::Number(number),
            Err(_) => Data::Other("a number beyond 64 bits"),
        },
        DeValue::Boolean(flag) => Data::Flag(*flag),
        DeValue::Float(_) => Data::Other("a number with a fraction"),
        DeValue::Datetime(_) => Data::Other("a time"),
        DeValue::Array(values) => Data::List(values.iter().map(|element| value(source, element, key)).collect()),
        DeValue::Table(inner) => Data::Table(table(source, inner)),
    };
    // A table that only its parts' keys make has no place of its own.
    let span = if span.is_empty() { key.span.clone() } else { span };
    Value { span, data }
}

fn is_verbatim(source: &str, span: &Span, text: &str) -> bool {
    let written = source.get(span.clone()).unwrap_or_default();
    let inner = ['"', '\''].iter().find_map(|mark| written.strip_prefix(*mark)?.strip_suffix(*mark));
    inner.unwrap_or(written) == text
}
