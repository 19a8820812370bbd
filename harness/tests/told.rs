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
        // The last line ends with the time that it took, and what threads a program has is a matter of the moment.
        let (told, _) = told.trim_end().rsplit_once(" · ").expect("a line that counts");
        let lines = told.lines().filter(|line| !line.trim_start().starts_with("threads: "));
        let told: String = lines.flat_map(|line| [line, "\n"]).collect();
        let of_the_moment = told.replace(env!("CARGO_BIN_EXE_netns-test"), "netns-test");
        of_the_moment.replace("netns-test (running)", "netns-test (sleeping)")
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

#[test]
fn a_host_that_refuses_namespaces_is_told_with_cause_and_remedy() {
    let program = env!("CARGO_BIN_EXE_netns-test");
    for arguments in
        ["run refused_change.toml", "run refused_change.toml -- a_pings_b", "up refused_change.toml -- true"]
    {
        let line = format!("echo 0 >/proc/sys/user/max_user_namespaces && exec '{program}' {arguments}");
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "sh", "-c", &line])
            .current_dir(directory("troubles"))
            .env_remove("NETNS_TEST");
        let (status, told) = output(command);
        assert_eq!(status, Some(3), "{arguments}: {told}");
        for words in ["ENOSPC", "user.max_user_namespaces = 0", "sudo sysctl -w user.max_user_namespaces="] {
            assert!(told.contains(words), "`{words}` is missing:\n{told}");
        }
    }
}
