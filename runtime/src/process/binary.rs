//! Programs of the workspace that the test belongs to.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use netns_test_topology::check::nearest;

/// The path of a binary of the workspace; what the macro `bin!` of the facade stands for.
///
/// `known` is what Cargo said of it when the test was compiled.
///
/// # Panics
///
/// If there is none, with what to do.
#[doc(hidden)]
#[track_caller]
pub fn binary(name: &str, known: Option<&str>) -> PathBuf {
    // Builds that are run elsewhere are told anew where their binaries are.
    let told =
        ["NEXTEST_BIN_EXE_", "CARGO_BIN_EXE_"].into_iter().find_map(|start| env::var_os(format!("{start}{name}")));
    if let Some(path) = told.map(PathBuf::from).or_else(|| known.map(PathBuf::from)).filter(|path| path.is_file()) {
        return path;
    }
    let beside = target_directory();
    if let Some(path) = beside.as_deref().map(|directory| directory.join(name)).filter(|path| is_executable(path)) {
        eprintln!(
            "netns-test: note: Cargo does not say where `{name}` is, which it does for tests in `tests/` of its own \
             package; {} was built by whoever built it last",
            path.display()
        );
        return path;
    }
    panic!("{}", missing(name, beside.as_deref()));
}

/// Where Cargo puts binaries: this test is in `deps` below it.
fn target_directory() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    let directory = program.parent()?;
    Some(if directory.ends_with("deps") { directory.parent()?.to_owned() } else { directory.to_owned() })
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn missing(name: &str, directory: Option<&Path>) -> String {
    let mut text = format!("there is no binary `{name}` in this workspace's target directory");
    let entries = directory.and_then(|directory| fs::read_dir(directory).ok()).into_iter().flatten().flatten();
    let built = entries.filter(|entry| is_executable(&entry.path()));
    let built: Vec<String> = built.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    if let Some(near) = nearest(name, built.iter().map(String::as_str)) {
        text.push_str(&format!("\n  help: did you mean `{near}`?"));
    }
    text.push_str(&format!(
        "\n  help: Cargo builds the binaries of a package for the tests in its `tests/`; for another package's, run \
         `cargo build --bin {name}` first"
    ));
    text
}
