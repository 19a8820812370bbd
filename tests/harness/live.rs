//! What is seen of a test while it runs.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write, pipe},
    process::Stdio,
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use crate::{
    fixture::{Runner, with_each_runner},
    leftovers::Watch,
};

#[test]
fn the_output_of_a_program_is_followed_while_its_test_runs() {
    with_each_runner("the_output_of_a_program_is_followed_while_its_test_runs", |runner| {
        let mut command = runner.command(&["live"]);
        command.args(if runner == Runner::Cargo { ["--", "--nocapture"].as_slice() } else { &["--no-capture"] });
        let (watch, mut command) = Watch::begin(&command);
        mkfifo(&watch.place().join("answer"), Mode::S_IRWXU).unwrap();
        // Open in both directions, so that it waits for nobody.
        let answer = File::options().read(true).write(true).open(watch.place().join("answer"));
        let (mut answer, (output, writer)) = (answer.unwrap(), pipe().unwrap());
        command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
        let mut child = command.spawn().unwrap();
        // It holds the other end of the pipe.
        drop(command);

        let mut seen = String::new();
        let heard = |line: &str| line.starts_with("server sh[") && line.ends_with("]: on stderr");
        for line in BufReader::new(output).lines().map(Result::unwrap) {
            if heard(&line) {
                answer.write_all(b"you\n").unwrap();
            }
            seen += &format!("{line}\n");
        }
        let status = child.wait().unwrap();
        watch.end(&["answer"]);
        assert!(status.success(), "{seen}");
        let position = |words: &str| seen.find(words).unwrap_or_else(|| panic!("no {words}: {seen}"));
        assert!(position("]: on stdout\n") < position("]: heard you\n"), "{seen}");
        position("the test waits\n");
    });
}
