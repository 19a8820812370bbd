//! Labs of other engines, read as far as the model goes: [containerlab] and [Kathará].
//!
//! A lab file describes containers with programs in them; a [`Topology`] describes a network. What a lab says of the
//! network is carried over, its commands included (`ip`, `ifconfig`, `route`, `sysctl`, `iptables`, `nft`, `brctl`).
//! The rest falls on one of two sides:
//!
//! - What only a container has, such as its image, its files and the servers that it runs, is listed in
//!   [`Imported::notes`]. The network is as it would be; its programs are yours to start.
//! - What would make the network another one, such as a router's own operating system, a routing daemon, a VLAN or a
//!   command that is not known, is a [`Refusal`]: file, line, reason, remedy. All refusals of a lab come at once.
//!
//! Nothing is left out in silence.
//!
//! ```
//! use netns_test_topology::import::containerlab;
//!
//! let lab = containerlab::parse("two.clab.yml", r#"
//! name: two
//! topology:
//!   nodes:
//!     a:
//!       kind: linux
//!       image: alpine:3
//!       exec: [ip address add 10.0.0.1/24 dev eth1]
//!     b:
//!       kind: linux
//!       image: alpine:3
//!       exec: [ip address add 10.0.0.2/24 dev eth1]
//!   links:
//!     - endpoints: ["a:eth1", "b:eth1"]
//! "#, &[])?;
//! assert_eq!(lab.topology.peer("a", "eth1").unwrap().to_string(), "b.eth1");
//! let image = lab.notes.iter().find(|note| note.what() == "`image`").unwrap();
//! assert_eq!(image.places()[0].to_string(), "two.clab.yml:7:7");
//! # Ok::<(), netns_test_topology::import::Refusals>(())
//! ```
//!
//! [containerlab]: https://containerlab.dev/manual/topo-def-file/
//! [Kathará]: https://www.kathara.org/man-pages/kathara-lab.conf.5.html

mod command;
pub mod containerlab;
pub mod kathara;

mod lab;
mod machine;
mod report;
mod shell;
mod yaml;

use std::{fs, path::Path, sync::Arc};

pub use report::{At, Note, Refusal, Refusals};
use report::{Report, Source};

use crate::Topology;

/// A lab that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Imported {
    /// Its network.
    pub topology: Topology,
    /// What the lab says and the topology does not have, because it is no part of a network.
    pub notes: Vec<Note>,
}

impl Topology {
    /// Reads a containerlab file; see [`containerlab::read`].
    ///
    /// # Errors
    ///
    /// Everything in the file that cannot be imported.
    pub fn from_containerlab(path: impl AsRef<Path>) -> Result<Imported, Refusals> {
        containerlab::read(path, &[])
    }

    /// Reads the directory of a Kathará lab; see [`kathara::read`].
    ///
    /// # Errors
    ///
    /// Everything in its files that cannot be imported.
    pub fn from_kathara(directory: impl AsRef<Path>) -> Result<Imported, Refusals> {
        kathara::read(directory, &[])
    }
}

/// The file, or a refusal of it.
fn load(path: &Path, report: &mut Report) -> Option<Arc<Source>> {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => Some(Source::new(name, text)),
        Err(error) => {
            report.refuse(&At::line_of(&Source::new(name, ""), 1), format!("cannot read this file: {error}"));
            None
        }
    }
}
