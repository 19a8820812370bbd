//! What `netns-test` tells of files that are wrong, and of files that cannot be played to the end. `BLESS=1` writes what
//! is told now.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// The scenario files and documents in a directory, by name.
fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("the directory is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".toml") || name.ends_with(".md"));
    names.sort();
    names
}

/// The command, in a directory.
fn netns_test(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netns-test"));
    command.current_dir(directory).args(arguments).env_remove("NETNS_TEST");
    command
}

fn output(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().expect("the command starts");
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

/// Compares what is told of each file with the text beside it, or writes it there.
fn compare(directory: &Path, tell: impl Fn(&str) -> String) -> usize {
    let mut different = Vec::new();
    let files = files(directory);
    for name in &files {
        let told = tell(name);
        let expected = directory.join(name).with_extension("txt");
        if env::var_os("BLESS").is_some() {
            fs::write(expected, told).expect("it can be written");
        } else if fs::read_to_string(expected).unwrap_or_default() != told {
            different.push(format!("{name}:\n{told}"));
        }
    }
    assert!(different.is_empty(), "told otherwise (see with BLESS=1 and git diff):\n\n{}", different.join("\n"));
    files.len()
}

#[test]
fn every_mistake_is_told_with_place_cause_and_remedy() {
    let directory = directory("mistakes");
    let count = compare(&directory, |name| {
        let (status, told) = output(netns_test(&directory, &["check", name]));
        assert_eq!(status, Some(1), "{name}:\n{told}");
        told
    });
    assert!(count >= 30, "there are only {count} files");
}

#[test]
fn what_cannot_be_played_to_the_end_says_why_and_never_holds() {
    let directory = directory("troubles");
    let count = compare(&directory, |name| {
        let (status, told) = output(netns_test(&directory, &["run", name]));
        assert_eq!(status, Some(1), "{name}:\n{told}");
        // The last line ends with the time that it took, and what a program does is a matter of the moment.
        let (told, _) = told.trim_end().rsplit_once(" · ").expect("a line that counts");
        let lines = told.lines().filter(|line| !line.trim_start().starts_with("threads: "));
        let told: String = lines.flat_map(|line| [line, "\n"]).collect();
        told.replace(" (running)\n", " (sleeping)\n")
    });
    assert!(count >= 4, "there are only {count} files");
}

#[test]
fn a_file_with_mistakes_keeps_all_from_being_run() {
    let directory = directory("mistakes");
    let (status, told) = output(netns_test(&directory, &["run", "../troubles/refused_change.toml", "bad_time.toml"]));
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("`1.5s` is not a time") && told.ends_with("netns-test: nothing was run\n"), "{told}");
}

/// The program with these arguments, on a host that refuses namespaces.
fn refused(program: &Path, arguments: &str) -> Command {
    let program = program.display();
    let line = format!("echo 0 >/proc/sys/user/max_user_namespaces && exec '{program}' {arguments}");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "sh", "-c", &line]).current_dir(directory("troubles")).env_remove("NETNS_TEST");
    command
}

#[test]
fn a_host_that_refuses_namespaces_is_told_with_cause_and_remedy() {
    let program = Path::new(env!("CARGO_BIN_EXE_netns-test"));
    for arguments in
        ["run refused_change.toml", "run refused_change.toml -- a_pings_b", "up refused_change.toml -- true"]
    {
        let (status, told) = output(refused(program, arguments));
        assert_eq!(status, Some(3), "{arguments}: {told}");
        for words in ["ENOSPC", "user.max_user_namespaces = 0", "sudo sysctl -w user.max_user_namespaces="] {
            assert!(told.contains(words), "`{words}` is missing:\n{told}");
        }
    }
}

#[test]
fn a_refusal_is_a_skip_that_is_seen_and_listed_where_that_is_wanted() {
    // What is skipped is listed in the nearest tagged directory above the program: here not that of our own tests.
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skips");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir(&directory).expect("the directory can be made");
    fs::write(directory.join("CACHEDIR.TAG"), "").expect("it can be written");
    let program = directory.join("program");
    fs::hard_link(env!("CARGO_BIN_EXE_netns-test"), &program).expect("it is on the same file system");
    let skipped = |arguments| {
        let mut command = refused(&program, arguments);
        command.env("NETNS_TEST", "skip");
        let (status, told) = output(command);
        assert!(status == Some(0) && told.contains("ENOSPC"), "{status:?}\n{told}");
        told
    };

    let told = skipped("run refused_change.toml");
    assert!(told.contains("    skip  a pings b ") && told.contains("0 of 0 hold, 4 skipped"), "{told}");

    let told = skipped("run refused_change.toml --format libtest");
    assert!(told.contains("0 passed; 0 failed; 4 ignored"), "{told}");
    let list = fs::read_to_string(directory.join("netns-test/skipped.txt")).expect("the list was written");
    for line in list.lines() {
        assert!(line.starts_with("refused_change::") && line.contains(": cannot create a sandbox: ENOSPC"), "{list}");
        assert!(told.contains(&format!("netns-test: skipped {line}\n")), "{line:?} was not said:\n{told}");
    }
    assert_eq!(list.lines().count(), 4, "{list}");
}
