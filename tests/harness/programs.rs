//! Programs in a sandbox end as their body does.

use std::os::unix::process::ExitStatusExt;

use crate::{fixture::program, leftovers::Watch};

#[test]
fn a_program_ends_as_its_body_does() {
    for (argument, code, signal) in [
        ("succeeds", Some(0), None),
        ("fails", Some(7), None),
        ("exits", Some(9), None),
        ("panics", Some(101), None),
        ("dies", None, Some(15)),
    ] {
        let mut command = program("program");
        command.arg(argument);
        let (watch, mut command) = Watch::begin(&command);
        let output = command.output().unwrap();
        watch.end(&[]);
        assert_eq!((output.status.code(), output.status.signal()), (code, signal), "{argument}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "process 2, interfaces [\"lo\"]\n", "{argument}");
    }
}

#[test]
fn the_limit_of_open_files_is_the_one_that_was_set() {
    let program = program("program");
    let script = format!("ulimit -Sn 333; exec {:?} limit", program.get_program());
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.stdout.ends_with(b"\n333\n"), "{output:?}");
}

#[test]
fn a_hundred_sandboxes_leave_no_descriptor_and_no_namespace() {
    let mut command = program("refuse");
    command.arg("few-namespaces").arg(program("repeat").get_program());
    let (watch, mut command) = Watch::begin(&command);
    let output = command.output().unwrap();
    watch.end(&[]);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.starts_with(b"100 runs, "), "{output:?}");
}
