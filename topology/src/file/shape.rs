//! What shape a value has to have, before anybody asks what it means.

use std::ops::RangeInclusive;

use super::{
    MISSING_KEY, Mistake, Span, UNKNOWN_KEY, WRONG_TYPE, keys,
    tree::{Data, Entry, Key, Table, Value},
};
use crate::check::{nearest, synonym, unmade};

/// What a value has to be. The reader, and the JSON Schema for editors, both go by it.
#[derive(Debug)]
pub(super) enum Shape {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number(RangeInclusive<i64>),
    /// A text in a notation of its own, such as this.
    Text(&'static str),
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A list.
    List(&'static Shape),
    /// One of these, or a list of them.
    OneOrMany(&'static Shape),
    /// A table with given keys.
    Table(&'static Fields),
    /// A table whose keys are names that the user gives.
    Named(&'static Shape),
    /// A table of tables whose keys, joined by dots, are the names of settings.
    Dotted(&'static Shape),
    /// One of several shapes, which differ in their type.
    Either(&'static [Shape]),
}

/// The keys of a table.
#[derive(Debug)]
pub(super) struct Fields {
    /// What the table describes, such as `a node`.
    pub(super) what: &'static str,
    /// The keys it can have.
    pub(super) fields: &'static [&'static [Field]],
    /// The keys it must have.
    pub(super) required: &'static [&'static str],
    /// What every other key stands for.
    pub(super) others: Option<Others>,
}

/// What the keys of a table stand for that are not the table's own.
#[derive(Debug)]
pub(super) struct Others {
    pub(super) shape: &'static Shape,
    /// A line as one could write it.
    pub(super) example: &'static str,
    /// What such a key stands for, in words.
    pub(super) help: &'static str,
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct Field {
    /// The key.
    pub(super) name: &'static str,
    /// What its value has to be.
    pub(super) shape: Shape,
    /// A line as one could write it.
    pub(super) example: &'static str,
    /// What it says, in one sentence.
    pub(super) doc: &'static str,
}

impl Fields {
    /// Every key.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'static Field> + use<> {
        self.fields.iter().copied().flatten()
    }

    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.iter().find(|field| field.name == name)
    }
}

impl Shape {
    /// What it is, in words.
    pub(super) fn words(&self) -> String {
        match self {
            Shape::Flag => "`true` or `false`".into(),
            Shape::Number(_) => "a whole number".into(),
            Shape::Text(_) | Shape::Word(_) => "a text".into(),
            Shape::List(of) => format!("a list of {}", of.plural()),
            Shape::OneOrMany(of) => format!("{} or a list of {}", of.words(), of.plural()),
            Shape::Table(_) | Shape::Named(_) | Shape::Dotted(_) => "a table".into(),
            Shape::Either(shapes) => {
                let words: Vec<String> = shapes.iter().map(Shape::words).collect();
                let (last, first) = words.split_last().expect("a choice has something to choose from");
                if first.is_empty() { last.clone() } else { format!("{} or {last}", first.join(", ")) }
            }
        }
    }

    fn plural(&self) -> String {
        match self {
            Shape::Flag => "`true` and `false`".into(),
            Shape::Number(_) => "whole numbers".into(),
            Shape::Text(_) | Shape::Word(_) => "texts".into(),
            Shape::Table(_) | Shape::Named(_) | Shape::Dotted(_) => "tables".into(),
            Shape::Either(shapes) => shapes.iter().map(Shape::plural).collect::<Vec<_>>().join(" or "),
            Shape::List(_) | Shape::OneOrMany(_) => "lists".into(),
        }
    }

    /// Whether the value is of the right type, whatever it consists of.
    fn takes(&self, value: &Value) -> bool {
        match (self, &value.data) {
            (Shape::Flag, Data::Flag(_))
            | (Shape::Number(_), Data::Number(_))
            | (Shape::Text(_) | Shape::Word(_), Data::Text { .. })
            | (Shape::List(_) | Shape::OneOrMany(_), Data::List(_))
            | (Shape::Table(_) | Shape::Named(_) | Shape::Dotted(_), Data::Table(_)) => true,
            (Shape::OneOrMany(of), _) => of.takes(value),
            (Shape::Either(shapes), _) => shapes.iter().any(|shape| shape.takes(value)),
            _ => false,
        }
    }
}

/// Reports everything in the value that has the wrong shape, takes it out, and says whether the value itself can stay.
///
/// `name` and `example` are of the key that it belongs to.
pub(super) fn prune(value: &mut Value, shape: &Shape, (name, example): (&str, &str), found: &mut Vec<Mistake>) -> bool {
    let wrong =
        |value: &Value, message: String, help: String| Mistake::new(WRONG_TYPE, value.span.clone(), message).help(help);
    if !shape.takes(value) {
        let message = format!("`{name}` takes {}, not {}", shape.words(), value.words());
        found.push(wrong(value, message, format!("write it such as `{example}`")));
        return false;
    }
    match (shape, &mut value.data) {
        (Shape::Number(range), Data::Number(number)) if !range.contains(number) => {
            let message = format!("`{number}` is out of range for `{name}`");
            found.push(wrong(value, message, format!("write a number from {} to {}", range.start(), range.end())));
            false
        }
        (Shape::Word(words), Data::Text { text, .. }) if !words.contains(&text.as_str()) => {
            let help = match nearest(text, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are `{}`", words.join("`, `")),
            };
            let message = format!("`{text}` is no value of `{name}`");
            found.push(wrong(value, message, help));
            false
        }
        (Shape::List(of) | Shape::OneOrMany(of), Data::List(values)) => {
            values.retain_mut(|value| prune(value, of, (name, example), found));
            true
        }
        (Shape::OneOrMany(of), _) => prune(value, of, (name, example), found),
        (Shape::Either(shapes), _) => {
            let shape = shapes.iter().find(|shape| shape.takes(value)).expect("one of them was seen to fit");
            prune(value, shape, (name, example), found)
        }
        (Shape::Table(fields), Data::Table(table)) => prune_table(table, &value.span, fields, &[], found),
        (Shape::Named(of), Data::Table(table)) => {
            table.entries.retain_mut(|entry| prune(&mut entry.value, of, (&entry.key.name, example), found));
            true
        }
        (Shape::Dotted(of), Data::Table(table)) => {
            table.entries.retain_mut(|entry| {
                let shape = if entry.value.table().is_some() { shape } else { of };
                prune(&mut entry.value, shape, (&entry.key.name, example), found)
            });
            true
        }
        _ => true,
    }
}

/// Reports the unknown and missing keys of a table and what is wrong with the values of the others, and leaves what can
/// be read. `more` are keys that somebody else reads.
pub(super) fn prune_table(
    table: &mut Table,
    span: &Span,
    fields: &'static Fields,
    more: &[&str],
    found: &mut Vec<Mistake>,
) -> bool {
    let missing: Vec<_> = fields.required.iter().filter(|name| table.get(name).is_none()).collect();
    for name in &missing {
        let example = fields.field(name).map_or("", |field| field.example);
        let mistake = Mistake::new(MISSING_KEY, span.clone(), format!("{} has no `{name}`", fields.what));
        found.push(mistake.help(format!("add it, such as `{example}`")));
    }
    table.entries.retain_mut(|Entry { key, value }| {
        let name = key.name.as_str();
        match (fields.field(name), &fields.others) {
            (Some(field), _) => prune(value, &field.shape, (name, field.example), found),
            (None, _) if more.contains(&name) => true,
            (None, Some(others)) if others.shape.takes(value) => {
                prune(value, others.shape, (name, others.example), found)
            }
            (None, _) => {
                found.push(unknown_key(key, fields, more));
                false
            }
        }
    });
    missing.is_empty()
}

/// The mistake of a key that stands for nothing in its table.
pub(super) fn unknown_key(key: &Key, fields: &Fields, more: &[&str]) -> Mistake {
    let known: Vec<&str> = fields.iter().map(|field| field.name).chain(more.iter().copied()).collect();
    let meant = synonym(&key.name).filter(|word| known.contains(word));
    let meant = meant.or_else(|| nearest(&key.name, known.iter().copied()));
    let help = match (meant, &fields.others) {
        _ if unmade(&key.name).is_some() => unmade(&key.name).unwrap_or_default(),
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, others) => match (keys::owners(&key.name), others) {
            (Some(owners), _) => format!("it is a key of {owners}"),
            (None, Some(others)) => others.help.to_owned(),
            (None, None) => format!("{} has `{}`", fields.what, known.join("`, `")),
        },
    };
    Mistake::new(UNKNOWN_KEY, key.span.clone(), format!("unknown key `{}` in {}", key.name, fields.what)).help(help)
}
