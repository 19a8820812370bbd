//! YAML as a tree in which everything knows where it stands.

use std::{collections::HashMap, sync::Arc};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::report::{At, Report, Source};

/// Deeper than any lab, and shallow enough for the stack.
const MOST_NESTED: usize = 64;
/// More than any lab has, and little enough for the memory: aliases of aliases grow without bound.
const MOST_NODES: usize = 1_000_000;

/// A part of a YAML document with its place.
#[derive(Debug, Clone)]
pub(super) struct Yaml {
    pub(super) at: At,
    pub(super) value: Value,
}

/// What a part of a YAML document is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// A text, number or truth value, as it is written.
    Scalar(String),
    List(Vec<Yaml>),
    /// Keys and values in the order of the file; no key comes twice.
    Map(Vec<(Yaml, Yaml)>),
}

impl Yaml {
    /// Reads the first document of a file; what is wrong with it is refused.
    pub(super) fn read(source: &Arc<Source>, report: &mut Report) -> Option<Self> {
        let mut reader = Reader { source, report, open: Vec::new(), anchors: HashMap::new(), nodes: 0 };
        let mut parser = Parser::new_from_str(source.text());
        loop {
            match parser.next_event() {
                None | Some(Ok((Event::StreamEnd | Event::DocumentEnd, _))) => {
                    reader.report.refuse(&At::line_of(source, 1), "this file is empty");
                    return None;
                }
                Some(Err(error)) => {
                    let (line, column) = (error.marker().line(), error.marker().col() + 1);
                    reader
                        .report
                        .refuse(&At::new(source, line, column, 1), format!("this is not YAML: {}", error.info()));
                    return None;
                }
                Some(Ok((event, span))) => match reader.take(event, span) {
                    Ok(None) => {}
                    Ok(Some(root)) => return Some(root),
                    Err(Stop) => return None,
                },
            }
        }
    }

    /// The text of a key, or of another single value.
    pub(super) fn name(&self) -> &str {
        match &self.value {
            Value::Scalar(text) => text,
            _ => "",
        }
    }

    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The entries of a mapping, none for nothing; anything else is refused.
    pub(super) fn entries(&self, report: &mut Report, what: &str) -> &[(Yaml, Yaml)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            _ => {
                report.refuse(&self.at, format!("{what} is {}, not a mapping of names to values", self.kind()));
                &[]
            }
        }
    }

    /// The members of a list, none for nothing; anything else is refused.
    pub(super) fn members(&self, report: &mut Report, what: &str) -> &[Yaml] {
        match &self.value {
            Value::List(members) => members,
            Value::Null => &[],
            _ => {
                report
                    .refuse(&self.at, format!("{what} is {}, not a list", self.kind()))
                    .set_help("write `[a, b]`, or a line `- a` for each");
                &[]
            }
        }
    }

    /// The text of a single value; anything else is refused.
    pub(super) fn text(&self, report: &mut Report, what: &str) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => {
                report.refuse(&self.at, format!("{what} is {}, not a single value", self.kind()));
                None
            }
        }
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Null | Value::Scalar(_) => 0,
            Value::List(members) => members.iter().map(Yaml::size).sum(),
            Value::Map(entries) => entries.iter().map(|(key, value)| key.size() + value.size()).sum(),
        }
    }
}

/// Reading cannot go on; why has been reported.
struct Stop;

/// A list or mapping that is not closed yet.
struct Open {
    at: At,
    anchor: usize,
    members: Vec<Yaml>,
    map: bool,
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    report: &'a mut Report,
    open: Vec<Open>,
    anchors: HashMap<usize, Yaml>,
    nodes: usize,
}

impl Reader<'_> {
    /// Takes an event; the root, if it is complete now.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<Option<Yaml>, Stop> {
        let at = self.at(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::StreamEnd | Event::DocumentEnd => {
                Ok(None)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(value) => {
                    self.nodes += value.size();
                    self.add(value)
                }
                None => {
                    self.report.refuse(&at, "this alias refers to a part that it is in itself");
                    Err(Stop)
                }
            },
            Event::Scalar(text, style, anchor, _) => {
                let null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if null { Value::Null } else { Value::Scalar(text.into_owned()) };
                self.close(Yaml { at, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(Open { at, anchor, members: Vec::new(), map: false }),
            Event::MappingStart(anchor, _) => self.begin(Open { at, anchor, members: Vec::new(), map: true }),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(None) };
                let value = if open.map { self.map(open.members) } else { Value::List(open.members) };
                self.close(Yaml { at: open.at, value }, open.anchor)
            }
        }
    }

    fn at(&self, span: Span) -> At {
        let same_line = span.start.line() == span.end.line();
        let length = if same_line { span.end.col().saturating_sub(span.start.col()) } else { usize::MAX };
        At::new(self.source, span.start.line(), span.start.col() + 1, length)
    }

    fn begin(&mut self, open: Open) -> Result<Option<Yaml>, Stop> {
        if self.open.len() == MOST_NESTED {
            self.report.refuse(&open.at, format!("this is nested more than {MOST_NESTED} times"));
            return Err(Stop);
        }
        self.open.push(open);
        Ok(None)
    }

    fn close(&mut self, yaml: Yaml, anchor: usize) -> Result<Option<Yaml>, Stop> {
        if anchor != 0 {
            self.anchors.insert(anchor, yaml.clone());
        }
        self.nodes += 1;
        self.add(yaml)
    }

    fn add(&mut self, yaml: Yaml) -> Result<Option<Yaml>, Stop> {
        if self.nodes > MOST_NODES {
            self.report
                .refuse(&yaml.at, format!("this file has more than {MOST_NODES} parts, with its aliases resolved"));
            return Err(Stop);
        }
        match self.open.last_mut() {
            Some(open) => {
                open.members.push(yaml);
                Ok(None)
            }
            None => Ok(Some(yaml)),
        }
    }

    /// Pairs keys with values; `<<` adds what the mapping does not say itself.
    fn map(&mut self, members: Vec<Yaml>) -> Value {
        let mut entries: Vec<(Yaml, Yaml)> = Vec::new();
        let mut merged: Vec<(Yaml, Yaml)> = Vec::new();
        let mut members = members.into_iter();
        while let (Some(key), Some(value)) = (members.next(), members.next()) {
            let Value::Scalar(name) = &key.value else {
                self.report.refuse(&key.at, format!("this key is {}, not a name", key.kind()));
                continue;
            };
            if name == "<<" {
                let parts = match value.value {
                    Value::List(parts) => parts,
                    _ => vec![value],
                };
                for part in parts {
                    merged.extend_from_slice(part.entries(self.report, "what `<<` merges"));
                }
            } else if let Some((earlier, _)) = entries.iter().find(|(other, _)| same(other, name)) {
                let message = format!("`{name}` is given twice, first in line {}", earlier.at.line());
                self.report.refuse(&key.at, message).set_help("leave one of them out");
            } else {
                entries.push((key, value));
            }
        }
        for (key, value) in merged {
            let Value::Scalar(name) = &key.value else { continue };
            if !entries.iter().any(|(other, _)| same(other, name)) {
                entries.push((key, value));
            }
        }
        Value::Map(entries)
    }
}

fn same(key: &Yaml, name: &str) -> bool {
    matches!(&key.value, Value::Scalar(text) if text == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Yaml>, Report) {
        let mut report = Report::default();
        (Yaml::read(&Source::new("t.yml", text), &mut report), report)
    }

    fn wrong(text: &str) -> String {
        let (_, report) = read(text);
        report.refusals.first().map(|r| format!("{}: {}", r.at(), r.message())).unwrap_or_default()
    }

    #[test]
    fn every_part_knows_its_place() {
        let (root, _) = read("a:\n  - one\n  - \"two\"\n");
        let root = root.unwrap();
        let mut report = Report::default();
        let (key, list) = &root.entries(&mut report, "it")[0];
        assert_eq!((key.at.to_string(), key.at.text()), ("t.yml:1:1".into(), "a".into()));
        let two = &list.members(&mut report, "it")[1];
        assert_eq!((two.at.to_string(), two.at.text()), ("t.yml:3:5".into(), "\"two\"".into()));
    }

    #[test]
    fn a_merge_adds_what_the_mapping_does_not_say() {
        let (root, report) = read("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\n");
        assert!(report.refusals.is_empty());
        let root = root.unwrap();
        let mut report = Report::default();
        let y = root.entries(&mut report, "it")[1].1.entries(&mut report, "y").to_vec();
        let texts: Vec<_> = y.iter().map(|(k, v)| (k.at.text(), v.at.text())).collect();
        assert_eq!(texts, [("b".into(), "3".into()), ("a".into(), "1".to_string())]);
    }

    #[test]
    fn what_is_not_yaml_is_refused_at_its_place() {
        assert!(
            wrong("a: [1, 2\nb: 3\n").starts_with("t.yml:2:2: this is not YAML: "),
            "{}",
            wrong("a: [1, 2\nb: 3\n")
        );
        assert_eq!(wrong("a: 1\na: 2\n"), "t.yml:2:1: `a` is given twice, first in line 1");
        assert_eq!(wrong(""), "t.yml:1:1: this file is empty");
        assert!(wrong(&"[".repeat(100)).contains("nested more than 64 times"));
    }

    #[test]
    fn aliases_cannot_fill_the_memory() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let before = format!("*a{}", n - 1);
            text += &format!("a{n}: &a{n} [{}]\n", [before.as_str(); 10].join(", "));
        }
        assert!(wrong(&text).contains("more than 1000000 parts"));
    }
}
