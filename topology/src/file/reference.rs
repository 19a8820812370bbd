//! The list of all keys in `docs/topology-files.md`, written from the table that the reader goes by.

use std::{fmt::Write, path::Path};

use super::{
    keys::{DOCUMENT, NODE},
    shape::{Field, Fields, Shape},
};

/// Every table with its keys.
fn reference() -> String {
    // A node is what one looks for first.
    let mut tables = vec![&DOCUMENT, &NODE];
    collect(&NODE, &mut tables);
    collect(&DOCUMENT, &mut tables);
    let mut told: Vec<(&'static [Field], &'static str)> = Vec::new();
    let mut text = String::new();
    for table in tables {
        let _ = writeln!(text, "### {}\n", capital(table.what));
        for &fields in table.fields {
            match told.iter().find(|(earlier, _)| std::ptr::eq(*earlier, fields)) {
                Some((_, owner)) => {
                    let names: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
                    let _ = writeln!(text, "- as for {owner}: {}", names.join(", "));
                }
                None => fields.iter().for_each(|field| text.push_str(&line(field, table))),
            }
            told.push((fields, table.what));
        }
        if let Some(others) = &table.others {
            let _ = writeln!(text, "- `{}`: {}.", others.example, capital(others.help));
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

fn line(field: &Field, table: &Fields) -> String {
    let mut line = format!("- `{}`: {}", field.example, field.doc);
    if let Some(words) = words(&field.shape) {
        let _ = write!(line, " One of `{}`.", words.join("`, `"));
    }
    if table.required.contains(&field.name) {
        line.push_str(" Needed.");
    }
    line + "\n"
}

fn words(shape: &Shape) -> Option<&'static [&'static str]> {
    match shape {
        Shape::Word(words) => Some(words),
        Shape::OneOrMany(of) => words(of),
        _ => None,
    }
}

fn capital(words: &str) -> String {
    let (first, rest) = words.split_at(1);
    first.to_uppercase() + rest
}

/// Adds the tables within, the outer before the inner.
fn collect(fields: &'static Fields, tables: &mut Vec<&'static Fields>) {
    let shapes = fields.iter().map(|field| &field.shape);
    for shape in shapes.chain(fields.others.as_ref().map(|others| others.shape)) {
        collect_of(shape, tables);
    }
}

fn collect_of(shape: &'static Shape, tables: &mut Vec<&'static Fields>) {
    match shape {
        Shape::Table(fields) if tables.iter().any(|table| table.what == fields.what) => {}
        Shape::Table(fields) => {
            tables.push(fields);
            collect(fields, tables);
        }
        Shape::List(of) | Shape::OneOrMany(of) | Shape::Named(of) => collect_of(of, tables),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| collect_of(shape, tables)),
        Shape::Flag | Shape::Number(_) | Shape::Text(_) | Shape::Word(_) | Shape::Dotted(_) => {}
    }
}

#[test]
fn the_keys_in_the_guide_are_all_there_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/topology-files.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, _) = text.split_once("## Every key\n").expect("the list has its heading");
    let expected = format!("{before}## Every key\n\n{}", reference());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(text == expected, "write it anew with BLESS=1");
    }
}
