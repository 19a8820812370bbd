//! Tutorials as tests: the shell blocks of a Markdown document, in order, on a node that is the document's host.

mod command;
mod expect;
mod markdown;
mod play;
mod side;
mod tools;

use std::{fs, path::Path, time::Duration};

use netns_test_topology::{Topology, file::Source};

use self::{
    command::Command,
    expect::Expected,
    markdown::Fence,
    side::{Noted, Side},
};
pub(crate) use self::{play::play, tools::is_installed};

/// A document that can be played.
#[derive(Debug)]
pub(crate) struct Tutorial {
    pub(crate) title: Option<String>,
    pub(crate) topology: Topology,
    pub(crate) timeout: Duration,
    /// The node on which the commands run.
    host: String,
    /// What it has done before.
    prepare: Vec<String>,
    pub(crate) lines: Vec<Line>,
}

/// A command of it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) heading: String,
    pub(crate) command: Command,
    pub(crate) said: Noted,
    /// File and line.
    pub(crate) place: String,
}

impl Line {
    /// What is run: the command or what is said to run in its place, after what is said to run before.
    fn run(&self) -> Command {
        let text = self.said.instead.as_ref().unwrap_or(&self.command.text);
        let text = match &self.said.before {
            Some(before) => format!("{before} && {text}"),
            None => text.clone(),
        };
        Command { text, ..self.command.clone() }
    }

    /// What it is called: its name or its text, and what is run if that is something else.
    pub(crate) fn claim(&self) -> String {
        let name = self.said.name.as_ref().unwrap_or(&self.command.text);
        let run = self.run().text;
        if run == self.command.text { name.clone() } else { format!("{name} (run as: {run})") }
    }
}

/// The languages that are run.
const SHELLS: [&str; 6] = ["sh", "bash", "shell", "console", "shell-session", "shellsession"];

impl Tutorial {
    /// Reads a document, whose network stands in a fence ` ```toml netns-test `.
    pub(crate) fn read(path: &Path, text: &str, colours: bool) -> Result<Self, String> {
        let (title, fences) = markdown::read(text);
        let own = fences.iter().filter(|fence| fence.language == "toml" && fence.info == "netns-test");
        let blanked = blank_but(text, &own.collect::<Vec<_>>());
        let source = Source::new(path.display().to_string(), blanked);
        let side = Side::parse(&source).map_err(|mistakes| mistakes.draw(colours))?;
        Self::of(path, title, &fences, side, colours)
    }

    /// Reads a side file and the document that it names.
    pub(crate) fn read_side(path: &Path, text: &str, colours: bool) -> Result<Self, String> {
        let source = Source::new(path.display().to_string(), text);
        let side = Side::parse(&source).map_err(|mistakes| mistakes.draw(colours))?;
        let named = side.document.as_deref().unwrap_or(Path::new(""));
        let document = path.parent().unwrap_or(Path::new("")).join(named);
        let text = fs::read_to_string(&document).map_err(|error| {
            let help = "`document` is a path from the directory of this file";
            format!("{}: cannot read the document `{}`: {error}\n  help: {help}", path.display(), document.display())
        })?;
        let (title, fences) = markdown::read(&text);
        Self::of(&document, title, &fences, side, colours)
    }

    fn of(path: &Path, title: Option<String>, fences: &[Fence], side: Side, colours: bool) -> Result<Self, String> {
        let mut commands = Vec::new();
        let mut headings = Vec::new();
        let mut wrong = Vec::new();
        for fence in fences.iter().filter(|fence| is_run(fence, side.unlabelled)) {
            let found = with_expectations(fence, &side.as_root).unwrap_or_else(|why| {
                wrong.push(format!("{}:{}: {why}", path.display(), fence.line.saturating_sub(1)));
                Vec::new()
            });
            headings.extend(found.iter().map(|_| fence.heading.clone()));
            commands.extend(found);
        }
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        if commands.is_empty() {
            return Err(format!(
                "{}: this document has no command, so it could not fail\n  help: the fences that are run are those of `{}`; \
                 a side file with `unlabelled = true` runs those without a language as well",
                path.display(),
                SHELLS.join("`, `")
            ));
        }
        let said = side.note(&commands).map_err(|mistakes| mistakes.draw(colours))?;
        let lines = commands.into_iter().zip(headings).zip(said).map(|(((command, _), heading), said)| {
            let place = format!("{}:{}", path.display(), command.line);
            Line { heading, command, said, place }
        });
        let Side { topology, timeout, host, prepare, .. } = side;
        Ok(Self { title: side.title.or(title), topology, timeout, host, prepare, lines: lines.collect() })
    }
}

fn is_run(fence: &Fence, unlabelled: bool) -> bool {
    match &*fence.language {
        "" => unlabelled,
        language => SHELLS.contains(&language),
    }
}

/// The commands of a fence: what its words and the comment before it say is about the last of them.
fn with_expectations(fence: &Fence, as_root: &[String]) -> Result<Vec<(Command, Expected)>, String> {
    let commands = command::read(&fence.text, fence.line, as_root);
    let words = [fence.comment.as_deref().unwrap_or_default(), &fence.info].join(";");
    let said = Expected::read(&words)?;
    if commands.is_empty() && said != Expected::default() {
        let help = "a line behind the prompt `$ ` is one, without prompts every line but comments; `as_root` says which \
                    are behind `# `";
        let words = words.trim_matches(';');
        return Err(format!("`{words}` is about the last command of this fence, which has none\n  help: {help}"));
    }
    let last = commands.len().saturating_sub(1);
    let is_session = ["console", "shell-session", "shellsession"].contains(&&*fence.language);
    let commands = commands.into_iter().enumerate().map(|(at, command)| {
        let mut expected = if at == last { said.clone() } else { Expected::default() };
        // A skipped block is skipped as a whole.
        expected.skip.clone_from(&said.skip);
        if is_session {
            expected.shows.clone_from(&command.shown);
        }
        (command, expected)
    });
    Ok(commands.collect())
}

/// The text with everything but these fences made of spaces, so that places in it are places in the document.
fn blank_but(text: &str, fences: &[&Fence]) -> String {
    let mut lines = String::with_capacity(text.len());
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        let within = |fence: &&&Fence| (fence.line..fence.line + fence.text.lines().count()).contains(&number);
        if fences.iter().any(|fence| within(&fence)) {
            lines.push_str(line);
        } else {
            lines.extend(line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        }
    }
    lines
}
