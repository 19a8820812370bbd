//! `netns-test show`: the network of a file in other words.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use netns_test_topology::{
    import::{Imported, containerlab},
    plan::Plan,
    render,
};

use super::{Status, check::network, colours, say};

/// What to show.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// A topology file, a scenario file, a tutorial, or a lab of containerlab or Kathará
    file: PathBuf,
    /// How to show it
    #[arg(long = "as", value_enum, value_name = "FORMAT", default_value_t = Format::Script)]
    format: Format,
}

/// An image with the programs that configure a network.
const IMAGE: &str = "ghcr.io/srl-labs/network-multitool";

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
    /// A file for containerlab; its containers have the image ghcr.io/srl-labs/network-multitool
    Containerlab,
}

impl Show {
    pub(super) fn run(&self) -> Status {
        let Imported { topology, notes } = match network(&self.file, colours()) {
            Ok(imported) => imported,
            Err(mistakes) => {
                eprintln!("{}", mistakes.trim_end());
                return Status::Wrong;
            }
        };
        notes.iter().for_each(|note| eprintln!("{note}"));
        let text = match self.format {
            Format::Script => render::script(&Plan::of(&topology)),
            Format::Toml => topology.to_toml(),
            Format::Text => render::text(&topology),
            Format::Svg => render::svg(&topology),
            Format::Mermaid => render::mermaid(&topology),
            Format::Dot => render::dot(&topology),
            Format::Containerlab => match containerlab::write(&topology, IMAGE) {
                Ok(text) => text,
                Err(inexpressible) => {
                    eprintln!("netns-test: {inexpressible}");
                    return Status::Wrong;
                }
            },
        };
        say(text.trim_end());
        Status::Good
    }
}
