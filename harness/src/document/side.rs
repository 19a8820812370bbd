//! What a side file, or a fence of the document itself, says about a document: its network, and what its commands do.

use std::{path::PathBuf, time::Duration};

use netns_test_runtime::probe::Reason;
use netns_test_topology::{
    Node, NodeName, Topology,
    check::nearest,
    file::{
        Document, MISSING_KEY, Mistake, Mistakes, Source, Span, UNKNOWN_KEY, UNKNOWN_NAME, WRONG_TYPE,
        tree::{Data, Value},
    },
};

use super::{
    command::Command,
    expect::{Exit, Expected, reason_named},
};
use crate::scenario::words::{Keys, Reader};

/// How long a document may take, if nothing says so.
const TIMEOUT: Duration = Duration::from_secs(120);

/// What is said about a document.
#[derive(Debug)]
pub(crate) struct Side {
    source: Source,
    pub(crate) title: Option<String>,
    /// The document, from the directory of the side file.
    pub(crate) document: Option<PathBuf>,
    pub(crate) topology: Topology,
    /// The node on which the commands run.
    pub(crate) host: String,
    pub(crate) timeout: Duration,
    /// Whether fences without a language are run.
    pub(crate) unlabelled: bool,
    /// Beginnings of commands that stand behind `# ` where that is a prompt and no comment.
    pub(crate) as_root: Vec<String>,
    /// What the host has done before the document begins.
    pub(crate) prepare: Vec<String>,
    notes: Vec<Note>,
}

/// What is said about a command.
#[derive(Debug)]
struct Note {
    span: Span,
    text: String,
    /// Which of those that are equal; all of them otherwise.
    nth: Option<usize>,
    expected: Expected,
    before: Option<String>,
    instead: Option<String>,
    name: Option<String>,
}

/// A command with what is said about it.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    pub(crate) expected: Expected,
    /// What is run before it, as a part of it.
    pub(crate) before: Option<String>,
    /// What is run in its place.
    pub(crate) instead: Option<String>,
    pub(crate) name: Option<String>,
}

const KEYS: [&str; 8] = ["document", "host", "timeout", "unlabelled", "as_root", "prepare", "command", "step"];

impl Side {
    /// Reads it; all that is wrong comes out at once.
    pub(crate) fn parse(source: &Source) -> Result<Self, Mistakes> {
        let mut toml = Document::parse(source);
        let values = KEYS.map(|key| toml.root().get(key).cloned());
        let [document, host, timeout, unlabelled, as_root, prepare, commands, steps] = &values;
        let mut network = toml.network(&KEYS);
        if network.draft.nodes.is_empty() {
            let host = NodeName::new("host").expect("this is a name");
            network.draft.nodes.push(Node::new(host));
        }
        let mut reader = Reader::new(&network.draft);
        if let Some(steps) = steps {
            let span = &steps.elements().first().unwrap_or(steps).span;
            let help = "steps are those of a scenario file, which is a file of its own";
            reader.wrong(UNKNOWN_KEY, span, "a document has commands, and no steps", help);
        }
        let document = document.as_ref().and_then(|path| reader.text(path)).map(PathBuf::from);
        let host = match host {
            Some(host) => reader.node(host),
            None => network.draft.nodes.first().map(|node| node.name.to_string()),
        };
        let timeout = timeout.as_ref().and_then(|time| reader.time(time)).unwrap_or(TIMEOUT);
        let unlabelled = unlabelled.as_ref().and_then(|flag| reader.flag(flag)).unwrap_or(false);
        let as_root = as_root.as_ref().map(|texts| texts_of(&mut reader, texts)).unwrap_or_default();
        let prepare = prepare.as_ref().map(|texts| texts_of(&mut reader, texts)).unwrap_or_default();
        let commands = commands.as_ref().map_or(&[][..], Value::elements);
        let notes = commands.iter().filter_map(|value| Note::read(&mut reader, value)).collect();
        let found = std::mem::take(&mut reader.found);
        found.into_iter().for_each(|mistake| toml.report(mistake));
        let title = network.title.clone();
        let topology = toml.finish(network)?;
        let host = host.unwrap_or_default();
        Ok(Self {
            source: source.clone(),
            title,
            document,
            topology,
            host,
            timeout,
            unlabelled,
            as_root,
            prepare,
            notes,
        })
    }

    /// Joins commands with what is said about them.
    ///
    /// # Errors
    ///
    /// If something is said about a command that the document does not have.
    pub(crate) fn note(&self, commands: &[(Command, Expected)]) -> Result<Vec<Noted>, Mistakes> {
        let same = |note: &Note, command: &Command| one_line(&note.text) == one_line(&command.text);
        let mut wrong = Vec::new();
        for note in &self.notes {
            let count = commands.iter().filter(|(command, _)| same(note, command)).count();
            if count > 0 && note.nth.is_none_or(|nth| (1..=count).contains(&nth)) {
                continue;
            }
            let texts: Vec<String> = commands.iter().map(|(command, _)| one_line(&command.text)).collect();
            let mistake = match (count, nearest(&note.text, texts.iter().map(String::as_str))) {
                (0, Some(near)) => Mistake::new(UNKNOWN_NAME, note.span.clone(), no_such(&note.text))
                    .help(format!("did you mean `{near}`?")),
                (0, None) => Mistake::new(UNKNOWN_NAME, note.span.clone(), no_such(&note.text))
                    .help("write it as it stands there, without the prompt"),
                (count, _) => {
                    let message = format!("the document has `{}` {count} times", note.text);
                    Mistake::new(WRONG_TYPE, note.span.clone(), message).help(format!("`nth` is 1 to {count}"))
                }
            };
            wrong.push(mistake);
        }
        if !wrong.is_empty() {
            return Err(Mistakes::new(self.source.clone(), wrong));
        }
        let noted = commands.iter().enumerate().map(|(at, (command, expected))| {
            let nth =
                commands[..=at].iter().filter(|(other, _)| one_line(&other.text) == one_line(&command.text)).count();
            let mine = |note: &&Note| same(note, command) && note.nth.is_none_or(|n| n == nth);
            // What is said about one of several comes before what is said about all.
            let notes = || self.notes.iter().filter(mine);
            let note = notes().find(|note| note.nth.is_some()).or_else(|| notes().next());
            match note {
                Some(Note { expected, before, instead, name, .. }) => Noted {
                    expected: expected.clone(),
                    before: before.clone(),
                    instead: instead.clone(),
                    name: name.clone(),
                },
                None => Noted { expected: expected.clone(), before: None, instead: None, name: None },
            }
        });
        Ok(noted.collect())
    }
}

impl Note {
    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let mut keys = Keys::of(value, "[[command]]", reader)?;
        let text = keys.take("text").and_then(|text| reader.text(text)).map(str::to_owned);
        let nth = keys.take("nth").and_then(|nth| reader.number::<u32>(nth)).map(|nth| nth as usize);
        let mut expected = Expected {
            prints: keys.take("prints").map(|texts| texts_of(reader, texts)).unwrap_or_default(),
            lacks: keys.take("lacks").map(|texts| texts_of(reader, texts)).unwrap_or_default(),
            skip: keys.take("skip").and_then(|why| reader.text(why)).map(str::to_owned),
            ..Expected::default()
        };
        if let Some(exit) = keys.take("exit") {
            expected.exit = match (&exit.data, exit.text()) {
                (_, Some("any failure")) => Exit::Fails,
                (Data::Number(_), _) => Exit::Is(reader.number(exit)?),
                _ => {
                    let help = "write a number, or \"any failure\"";
                    reader.wrong(WRONG_TYPE, &exit.span, "this is no exit status", help);
                    Exit::Zero
                }
            };
        }
        if let Some(is) = keys.take("is") {
            expected.outcome = outcome(reader, is);
        }
        let before = keys.take("before").and_then(|text| reader.text(text)).map(str::to_owned);
        let instead = keys.take("instead").and_then(|text| reader.text(text)).map(str::to_owned);
        let name = keys.take("name").and_then(|text| reader.text(text)).map(str::to_owned);
        let span = keys.span.clone();
        keys.end(reader);
        let Some(text) = text else {
            reader.wrong(MISSING_KEY, &span, "which command is this about?", "write it: `text = \"ip link\"`");
            return None;
        };
        Some(Self { span, text, nth, expected, before, instead, name })
    }
}

fn outcome(reader: &mut Reader, value: &Value) -> Option<Reason> {
    match reason_named(reader.text(value)?) {
        Ok(reason) => Some(reason),
        Err(why) => {
            reader.wrong(WRONG_TYPE, &value.span, why, "the outcomes are those of scenario files");
            None
        }
    }
}

/// One text, or a list of them; every output has an empty one.
fn texts_of(reader: &mut Reader, value: &Value) -> Vec<String> {
    value.elements().iter().filter_map(|text| reader.printed(text)).collect()
}

fn no_such(text: &str) -> String {
    format!("the document has no command `{text}`")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
