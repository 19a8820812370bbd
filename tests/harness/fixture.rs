//! The crate of cases: its copy below `target`, and the runners that run it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use nix::fcntl::{Flock, FlockArg};

use crate::report::Report;

/// What runs the cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    Cargo,
    Nextest,
}

/// Runs the check with every runner that there is; one that is missing is a visible skip.
pub(crate) fn with_each_runner(test: &str, check: impl Fn(Runner)) {
    check(Runner::Cargo);
    let nextest = Command::new("cargo").args(["nextest", "--version"]).output();
    if nextest.is_ok_and(|output| output.status.success()) {
        check(Runner::Nextest);
    } else {
        netns_test::sandbox::report_skip(&format!("harness::{test} (nextest)"), "cargo-nextest is not installed");
    }
}

impl Runner {
    /// The command that runs these test binaries of the cases, with its further arguments after `more`.
    pub(crate) fn command(self, binaries: &[&str]) -> Command {
        built();
        let mut command = cargo();
        match self {
            Self::Cargo => command.arg("test"),
            Self::Nextest => command.args(["nextest", "run"]),
        };
        command.args(["--offline", "--no-fail-fast"]);
        if self == Self::Nextest {
            command.args(["--status-level", "all", "--final-status-level", "none", "--failure-output", "immediate"]);
        }
        for binary in binaries {
            command.args(["--test", binary]);
        }
        command
    }

    /// Lets a program of the cases run each test binary.
    pub(crate) fn through(self, binaries: &[&str], program: &str, way: &str) -> Command {
        let mut command = self.command(binaries);
        let program = target().join("debug").join(program);
        command.env(runner_variable(), format!("{} {way}", program.display()));
        command
    }

    pub(crate) fn report(self, output: &Output) -> Report {
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        match self {
            Self::Cargo => Report::of_libtest(text),
            Self::Nextest => Report::of_nextest(text),
        }
    }
}

/// The built program of that name, or at that path.
pub(crate) fn program(name: &str) -> Command {
    built();
    let mut command = Command::new(target().join("debug").join(name));
    clean(&mut command);
    command
}

/// The path of a built test binary of the cases.
pub(crate) fn test_binary(name: &str) -> String {
    built();
    let output = cargo().args(["test", "--offline", "--no-run", "--test", name]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.lines().find(|line| line.contains("Executable")).expect("Cargo names what it has built");
    line.rsplit_once('(').and_then(|(_, path)| path.strip_suffix(')')).expect("a path in brackets").to_owned()
}

/// Where the cases are built, and where they leave their results: not among those of these tests.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("harness")
}

/// Where the cases' copy lies.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cases")
}

fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    clean(&mut command);
    command.current_dir(directory());
    command
}

/// Takes away what our own runner has said to us, and what would change the words that we compare.
fn clean(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let word = name.to_string_lossy();
        let of_the_runner = ["NEXTEST", "NETNS_", "RUST_TEST_", "RUST_BACKTRACE", "RUST_LIB_BACKTRACE", "CARGO_"];
        let kept = ["CARGO_HOME", "CARGO_BUILD_JOBS"];
        if word == "CARGO" || of_the_runner.iter().any(|start| word.starts_with(start)) && !kept.contains(&&*word) {
            command.env_remove(&name);
        }
    }
    command.env("CARGO_TARGET_DIR", target()).env("CARGO_TERM_COLOR", "never").env("RUST_BACKTRACE", "0");
}

/// Builds the cases once; the versions are those of the workspace's lock file.
fn built() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        // nextest runs each of these tests in a process of its own.
        fs::create_dir_all(directory()).unwrap();
        let lock = fs::File::create(directory().join(".lock")).unwrap();
        let _lock = Flock::lock(lock, FlockArg::LockExclusive).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        copy(&root.join("tests/fixtures/cases"), &directory());
        let lock = directory().join("Cargo.lock");
        if !lock.exists() || !fs::read(root.join("Cargo.lock")).is_ok_and(|text| fs::read(stamp()).ok() == Some(text)) {
            fs::copy(root.join("Cargo.lock"), &lock).unwrap();
            fs::copy(root.join("Cargo.lock"), stamp()).unwrap();
        }
        let output = cargo().args(["test", "--offline", "--no-run"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}

/// The workspace's lock file as it was when it was copied: Cargo prunes the copy.
fn stamp() -> PathBuf {
    directory().join("workspace.lock")
}

/// Copies what has changed, so that Cargo builds only that.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
            continue;
        }
        let mut text = fs::read_to_string(&from).unwrap();
        if from.ends_with("Cargo.toml") {
            text = text.replace("\"../../..\"", &format!("{:?}", env!("CARGO_MANIFEST_DIR")));
        }
        if fs::read_to_string(&to).ok().as_ref() != Some(&text) {
            fs::write(&to, text).unwrap();
        }
    }
}

/// The variable by which Cargo and nextest are told to run test binaries through a program.
fn runner_variable() -> String {
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    format!("CARGO_TARGET_{}_RUNNER", host.to_uppercase().replace('-', "_"))
}
