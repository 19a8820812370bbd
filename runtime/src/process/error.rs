use std::{fmt::Write, io, path::PathBuf, time::Duration};

/// How many of a program's last lines an error shows.
pub(super) const LINES: usize = 20;

/// A program that could not be started, or did not become what was waited for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// It could not be started.
    #[error("on node `{node}`: cannot run `{program}`: {source}{}", remedy(.help.as_deref()))]
    NotStarted {
        /// The node.
        node: String,
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
        /// What to do about it.
        help: Option<String>,
    },
    /// A file could not be put into the node's view.
    #[error("on node `{node}`: cannot put a file at `{}`: {source}{}", .path.display(), remedy(.help.as_deref()))]
    File {
        /// The node.
        node: String,
        /// Where it was to be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
        /// What to do about it.
        help: Option<String>,
    },
    /// It ended before it was what was waited for.
    #[error("on node `{node}`: waited until {wanted}, but it ended before, with {status}{}{}", lines(.output), remedy(.help.as_deref()))]
    EndedBefore {
        /// The node.
        node: String,
        /// What was waited for.
        wanted: String,
        /// How it ended.
        status: String,
        /// Its last lines.
        output: Vec<String>,
        /// What to do about it.
        help: Option<String>,
    },
    /// What was waited for did not come in time.
    #[error("on node `{node}`: waited {after:?} until {wanted}: {seen}{}{}", .output.as_deref().map(lines).unwrap_or_default(), remedy(.help.as_deref()))]
    TooLate {
        /// The node.
        node: String,
        /// What was waited for.
        wanted: String,
        /// How long.
        after: Duration,
        /// What was there instead.
        seen: String,
        /// The last lines of the program, if it was one that was waited for.
        output: Option<Vec<String>>,
        /// What to do about it.
        help: Option<String>,
    },
    /// It could not be spoken to or waited for.
    #[error("on node `{node}`: cannot {action} `{program}`: {source}")]
    Io {
        /// The node.
        node: String,
        /// What was to be done.
        action: String,
        /// The program.
        program: String,
        /// Why it was not.
        source: io::Error,
    },
}

fn lines(output: &[String]) -> String {
    if output.is_empty() {
        return "\n  it printed nothing".to_owned();
    }
    output.iter().fold("\n  its last lines:".to_owned(), |mut text, line| {
        // A string takes everything.
        let _ = write!(text, "\n    {line}");
        text
    })
}

fn remedy(help: Option<&str>) -> String {
    help.map_or_else(String::new, |help| format!("\n  help: {help}"))
}
