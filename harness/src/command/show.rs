//! `netns-test show`: the network of a file in other words.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use netns_test_topology::{plan::Plan, render};

use super::{Status, check::network, colours, say};

/// What to show.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// A topology file, a scenario file or a tutorial
    file: PathBuf,
    /// How to show it
    #[arg(long = "as", value_enum, value_name = "FORMAT", default_value_t = Format::Script)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// The script of ip, nft and sysctl that builds it
    Script,
    /// A topology file
    Toml,
    /// A tree in plain text
    Text,
    /// A picture for browsers
    Svg,
    /// A flowchart for Markdown
    Mermaid,
    /// A graph for Graphviz
    Dot,
}

impl Show {
    pub(super) fn run(&self) -> Status {
        let topology = match network(&self.file, colours()) {
            Ok(topology) => topology,
            Err(mistakes) => {
                eprintln!("{}", mistakes.trim_end());
                return Status::Wrong;
            }
        };
        let text = match self.format {
            Format::Script => render::script(&Plan::of(&topology)),
            Format::Toml => topology.to_toml(),
            Format::Text => render::text(&topology),
            Format::Svg => render::svg(&topology),
            Format::Mermaid => render::mermaid(&topology),
            Format::Dot => render::dot(&topology),
        };
        say(text.trim_end());
        Status::Good
    }
}
