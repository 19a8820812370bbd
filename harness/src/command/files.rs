//! The files that a command line names.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{lab::Lab, suite::is_markdown};

/// The files and labs, and in other directories every `.toml` and `.md` in them, sorted.
///
/// # Errors
///
/// What cannot be read, and a directory without such a file.
pub(super) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() || Lab::of(path).is_some() {
            // Whether it is there is said when it is read.
            files.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        within(path, &mut found).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        if found.is_empty() {
            return Err(format!("no `.toml` or `.md` file is in `{}`", path.display()));
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

fn within(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            within(&path, found)?;
        } else if is_markdown(&path) || path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    Ok(())
}
