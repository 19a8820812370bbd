//! `netns-test check`: everything that is wrong with files.

use std::path::{Path, PathBuf};

use clap::Args;
use netns_test_topology::{
    Topology,
    file::{Document, Source},
    import::Imported,
};

use super::{Status, colours, files, say};
use crate::{
    lab::Lab,
    suite::{Script, is_markdown},
};

/// What to check.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Scenario files, topology files, tutorials, directories of them, or labs of containerlab and Kathará
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Check {
    pub(super) fn run(&self) -> Status {
        let files = match files::expand(&self.files) {
            Ok(files) => files,
            Err(why) => {
                eprintln!("netns-test: {why}");
                return Status::Wrong;
            }
        };
        let mut status = Status::Good;
        for file in files {
            match network(&file, colours()) {
                Ok(Imported { topology, notes }) => {
                    notes.iter().for_each(|note| say(&note.to_string()));
                    say(&format!("{}: {}", file.display(), size(&topology)));
                }
                Err(mistakes) => {
                    say(mistakes.trim_end());
                    status = Status::Wrong;
                }
            }
        }
        status
    }
}

/// The network that a file declares, whether or not it expects something of it, and what of a lab is left out.
///
/// # Errors
///
/// Everything that is wrong with the file, in words.
pub(super) fn network(path: &Path, colours: bool) -> Result<Imported, String> {
    if let Some(lab) = Lab::of(path) {
        return lab.read(path).map_err(|refusals| refusals.to_string());
    }
    own_network(path, colours).map(|topology| Imported { topology, notes: Vec::new() })
}

fn own_network(path: &Path, colours: bool) -> Result<Topology, String> {
    let has_steps = |text: &str| {
        let source = Source::new(path.display().to_string(), text);
        let document = Document::parse(&source);
        ["step", "document"].iter().any(|key| document.root().get(key).is_some())
    };
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    if is_markdown(path) || has_steps(&text) {
        return Ok(Script::read(path, colours)?.topology().clone());
    }
    let source = Source::new(path.display().to_string(), &*text);
    Topology::from_source(&source).map_err(|mistakes| mistakes.draw(colours))
}

fn size(topology: &Topology) -> String {
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    format!("{}, {}", count(topology.nodes.len(), "node"), count(topology.links.len(), "link"))
}
