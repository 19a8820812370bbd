//! Labs of other engines: which files are theirs, and the networks that they declare.

use std::path::Path;

use netns_test_topology::{
    Topology,
    import::{Imported, Refusals},
};

/// An engine whose labs can be read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lab {
    Containerlab,
    Kathara,
}

impl Lab {
    /// Whose lab it is, by its name: a `.yml` or `.yaml` file, a `lab.conf`, or a directory with one.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let is_yaml = path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
        let is_kathara = path.file_name().is_some_and(|name| name == "lab.conf") || path.join("lab.conf").is_file();
        match (is_yaml, is_kathara) {
            (true, _) => Some(Self::Containerlab),
            (_, true) => Some(Self::Kathara),
            _ => None,
        }
    }

    /// Its network.
    ///
    /// # Errors
    ///
    /// Everything in its files that cannot be imported.
    pub(crate) fn read(self, path: &Path) -> Result<Imported, Refusals> {
        match self {
            Self::Containerlab => Topology::from_containerlab(path),
            Self::Kathara if path.is_dir() => Topology::from_kathara(path),
            // The startup scripts of the machines are beside their lab.conf.
            Self::Kathara => Topology::from_kathara(match path.parent() {
                Some(directory) if !directory.as_os_str().is_empty() => directory,
                _ => Path::new("."),
            }),
        }
    }
}
