//! The shape of topology files as a JSON Schema, for editors.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    keys::DOCUMENT,
    shape::{Fields, Shape},
};

/// Writes a JSON Schema of topology files (draft 2020-12), by which editors complete and check them.
///
/// It knows every key and the type of its value, and nothing of what the values mean: that is for the reader alone.
///
/// ```
/// assert!(netns_test_topology::file::schema().contains("\"masquerade_from\""));
/// ```
pub fn schema() -> String {
    let mut definitions = Definitions::default();
    definitions.add(&DOCUMENT);
    let mut root = vec![
        ("$schema", Json::from("https://json-schema.org/draft/2020-12/schema")),
        ("title", Json::from("A topology file of netns-test")),
        ("$ref", reference(&DOCUMENT)),
    ];
    let all = definitions.all.into_iter().map(|(name, json)| (name, json.expect("each is filled in as it is found")));
    root.push(("$defs", Json::Object(all.collect())));
    let mut text = String::new();
    Json::object(root).write(&mut text, 0);
    text + "\n"
}

/// The tables that were found so far, by name; `None` while one is written.
#[derive(Default)]
struct Definitions {
    all: BTreeMap<String, Option<Json>>,
}

impl Definitions {
    fn add(&mut self, fields: &'static Fields) {
        if self.all.contains_key(&slug(fields)) {
            return;
        }
        self.all.insert(slug(fields), None);
        let properties = fields.iter().map(|field| {
            let mut json = self.of(&field.shape);
            json.push("description", Json::from(field.doc));
            (field.name.to_owned(), json)
        });
        let mut json = vec![("type", Json::from("object")), ("properties", Json::Object(properties.collect()))];
        if !fields.required.is_empty() {
            json.push(("required", Json::texts(fields.required)));
        }
        let others = fields.others.as_ref().map_or(Json::Flag(false), |others| self.of(others.shape));
        json.push(("additionalProperties", others));
        self.all.insert(slug(fields), Some(Json::object(json)));
    }

    fn of(&mut self, shape: &'static Shape) -> Json {
        match shape {
            Shape::Flag => Json::object([("type", "boolean".into())]),
            Shape::Number(range) => {
                let mut json = vec![("type", Json::from("integer"))];
                if *range.start() > i64::MIN {
                    json.push(("minimum", Json::Number(*range.start())));
                    json.push(("maximum", Json::Number(*range.end())));
                }
                Json::object(json)
            }
            Shape::Text(example) => Json::object([("type", "string".into()), ("examples", Json::texts(&[example]))]),
            Shape::Word(words) => Json::object([("enum", Json::texts(words))]),
            Shape::List(of) => Json::object([("type", "array".into()), ("items", self.of(of))]),
            Shape::OneOrMany(of) => {
                let many = Json::object([("type", "array".into()), ("items", self.of(of))]);
                Json::object([("anyOf", Json::Array(vec![self.of(of), many]))])
            }
            Shape::Table(fields) => {
                self.add(fields);
                Json::object([("$ref", reference(fields))])
            }
            Shape::Named(of) => Json::object([("type", "object".into()), ("additionalProperties", self.of(of))]),
            Shape::Dotted(of) => {
                let name = "settings";
                let inner = Json::object([("$ref", format!("#/$defs/{name}").as_str().into())]);
                let entries = Json::object([("anyOf", Json::Array(vec![self.of(of), inner.clone()]))]);
                let json = Json::object([("type", "object".into()), ("additionalProperties", entries)]);
                self.all.insert(name.to_owned(), Some(json));
                inner
            }
            Shape::Either(shapes) => {
                Json::object([("anyOf", Json::Array(shapes.iter().map(|shape| self.of(shape)).collect()))])
            }
        }
    }
}

fn slug(fields: &Fields) -> String {
    fields.what.trim_start_matches("a ").trim_start_matches("an ").trim_start_matches("the ").replace(' ', "-")
}

fn reference(fields: &Fields) -> Json {
    format!("#/$defs/{}", slug(fields)).as_str().into()
}

#[derive(Debug, Clone)]
enum Json {
    Flag(bool),
    Number(i64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::Text(text.to_owned())
    }
}

impl Json {
    fn object(entries: impl IntoIterator<Item = (&'static str, Json)>) -> Self {
        Json::Object(entries.into_iter().map(|(name, json)| (name.to_owned(), json)).collect())
    }

    fn texts(texts: &[&str]) -> Self {
        Json::Array(texts.iter().map(|text| Json::from(*text)).collect())
    }

    fn push(&mut self, name: &str, json: Json) {
        if let Json::Object(entries) = self {
            entries.push((name.to_owned(), json));
        }
    }

    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Json::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Json::Number(number) => out.push_str(&number.to_string()),
            Json::Text(text) => quote(text, out),
            Json::Array(values) => {
                out.push('[');
                for (n, value) in values.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { ", " });
                    value.write(out, depth);
                }
                out.push(']');
            }
            Json::Object(entries) if entries.is_empty() => out.push_str("{}"),
            Json::Object(entries) => {
                for (n, (name, value)) in entries.iter().enumerate() {
                    out.push_str(if n == 0 { "{" } else { "," });
                    let _ = write!(out, "\n{:width$}", "", width = 2 * (depth + 1));
                    quote(name, out);
                    out.push_str(": ");
                    value.write(out, depth + 1);
                }
                let _ = write!(out, "\n{:width$}}}", "", width = 2 * depth);
            }
        }
    }
}

/// Our own texts have no control characters.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}
