//! The command `netns-test`, but for what `run` and `check` tell of files that are wrong.

use std::{
    env, fs, io,
    net::UdpSocket,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const TOPOLOGIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/topologies");
const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/scenarios");
const TROUBLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/troubles");
const LABS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/labs");

/// What came of a command line: status, standard output, standard error.
fn netns_test(directory: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netns-test"));
    let output = command.current_dir(directory).args(arguments).env_remove("NETNS_TEST").output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (output.status.code().expect("it exits"), text(output.stdout), text(output.stderr))
}

/// What a command prints that is good and says nothing else.
#[track_caller]
fn prints(directory: &str, arguments: &[&str]) -> String {
    let (status, out, error) = netns_test(directory, arguments);
    assert_eq!((status, &*error), (0, ""), "{arguments:?}:\n{out}");
    out
}

/// What a command complains of, and its exit status.
#[track_caller]
fn complains(directory: &str, arguments: &[&str]) -> (i32, String) {
    let (status, out, error) = netns_test(directory, arguments);
    assert_eq!(out, "", "{arguments:?}:\n{error}");
    (status, error)
}

/// A file of this test alone.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("it can be written");
    path
}

#[test]
fn a_network_is_shown_in_other_words() {
    let show = |format| prints(TOPOLOGIES, &["show", "nat.toml", "--as", format]);
    assert_eq!(show("script"), prints(TOPOLOGIES, &["show", "nat.toml"]));
    for (format, words) in [
        ("script", &["#!/bin/sh\n", "ip netns add gateway\n", "masquerade"][..]),
        ("text", &["├─ lan 10.0.0.1/24 ─── eth0 10.0.0.2/24  client"]),
        ("svg", &["<svg ", "203.0.113.9/24", "</svg>"]),
        ("mermaid", &["graph", "gateway"]),
        ("dot", &["graph", "10.0.0.1/24"]),
    ] {
        let shown = show(format);
        for words in words {
            assert!(shown.contains(words), "{format} has no {words:?}:\n{shown}");
        }
    }
}

#[test]
fn a_network_that_is_shown_as_a_file_is_the_same_network() {
    let script = prints(TOPOLOGIES, &["show", "nat.toml"]);
    let toml = file("shown.toml", &prints(TOPOLOGIES, &["show", "nat.toml", "--as", "toml"]));
    assert_eq!(prints(TOPOLOGIES, &["show", toml.to_str().unwrap()]), script);
    let lab = file("shown.clab.yml", &prints(TOPOLOGIES, &["show", "nat.toml", "--as", "containerlab"]));
    let (status, back, notes) = netns_test(TOPOLOGIES, &["show", lab.to_str().unwrap(), "--as", "text"]);
    assert_eq!((status, back), (0, prints(TOPOLOGIES, &["show", "nat.toml", "--as", "text"])));
    assert!(notes.contains("`image` is not carried over"), "{notes}");
}

#[test]
fn what_cannot_be_shown_is_told() {
    let (status, told) = complains(TOPOLOGIES, &["show", "net.toml"]);
    assert_eq!((status, &*told), (1, "cannot read `net.toml`: No such file or directory (os error 2)\n"));
    let (status, told) = complains(TOPOLOGIES, &["show", "nat.toml", "--as", "pdf"]);
    assert!(status == 2 && told.contains("possible values: script, toml, text"), "{told}");
    let kernel = file("kernel.toml", "profile = \"kernel\"\nnode.a = {}\n");
    let (status, told) = complains(TOPOLOGIES, &["show", kernel.to_str().unwrap(), "--as", "containerlab"]);
    assert!(status == 1 && told.contains("containerlab cannot express"), "{told}");
}

#[test]
fn labs_of_other_engines_are_read_with_notes_of_what_is_left_out() {
    let (status, told, error) = netns_test(LABS, &["check", "gateway.clab.yml", "static-routes"]);
    assert_eq!((status, &*error), (0, ""), "{told}");
    assert!(told.contains("gateway.clab.yml:6:7: `image` is not carried over: "), "{told}");
    assert!(told.contains("gateway.clab.yml: 3 nodes, 2 links\n"), "{told}");
    // Each of the two collision domains is a switch.
    assert!(told.ends_with("static-routes: 5 nodes, 4 links\n"), "{told}");
    let network = |directory: &str, lab| {
        let (status, network, notes) = netns_test(directory, &["show", lab]);
        assert!(status == 0 && notes.contains("lab.conf:1:1: `LAB_DESCRIPTION` is not carried over"), "{notes}");
        network
    };
    assert_eq!(network(LABS, "static-routes"), network(LABS, "static-routes/lab.conf"));
    assert_eq!(network(LABS, "static-routes"), network(&format!("{LABS}/static-routes"), "lab.conf"));
}

#[test]
fn a_lab_that_would_be_another_network_is_refused_by_line() {
    for command in ["check", "show", "up"] {
        let (status, out, error) = netns_test(LABS, &[command, "routers.clab.yml"]);
        let told = out + &error;
        assert_eq!(status, 1, "{told}");
        for words in ["routers.clab.yml:6:", "nokia_srlinux", "routers.clab.yml:11:", "did you mean `eth1`?"] {
            assert!(told.contains(words), "{command} has no {words:?}:\n{told}");
        }
    }
}

#[test]
fn a_lab_becomes_a_scenario_by_adding_steps() {
    let (status, told) = complains(LABS, &["run", "gateway.clab.yml"]);
    assert_eq!(status, 1, "{told}");
    assert!(told.contains("help: `netns-test show --as toml gateway.clab.yml`"), "{told}");
    for lab in ["gateway.clab.yml", "static-routes"] {
        let (status, network, _) = netns_test(LABS, &["show", "--as", "toml", lab]);
        assert_eq!(status, 0, "{lab}");
        let (from, to) = if lab == "static-routes" { ("pc1", "pc2") } else { ("inside", "outside") };
        let expect = format!("[[step]]\nexpect = {{ from = \"{from}\", ping = \"{to}\" }}\n");
        let scenario = file(&format!("{lab}.toml"), &format!("{network}\n{expect}"));
        let told = prints(LABS, &["run", scenario.to_str().unwrap()]);
        assert!(told.contains("1 of 1 hold"), "{told}");
    }
}

#[test]
fn mistakes_are_explained_by_code_and_by_name() {
    let explained = prints(".", &["explain", "N0071"]);
    assert!(explained.starts_with("N0071 bridge_loop\n") && explained.contains("allow = [\"bridge_loop\"]"));
    assert_eq!(prints(".", &["explain", "bridge_loop"]), explained);
    assert!(prints(".", &["explain"]).lines().any(|line| line.starts_with("N0071  bridge_loop ")));
    let (status, told) = complains(".", &["explain", "bridge_lop"]);
    assert!(status == 1 && told.contains("did you mean `bridge_loop`?"), "{told}");
}

#[test]
fn the_doctor_says_the_same_as_lines_and_as_json() {
    let lines = prints(".", &["doctor"]);
    let json: Value = serde_json::from_str(&prints(".", &["doctor", "--format", "json"])).expect("it is JSON");
    let findings = json["findings"].as_array().expect("a list");
    assert!(findings.iter().any(|finding| finding["name"] == "a sandbox" && finding["state"] == "ok"), "{json}");
    for finding in findings {
        let [state, name] = ["state", "name"].map(|key| finding[key].as_str().expect("a text"));
        let begin = format!("  {state:4}  {name}  ");
        assert!(lines.lines().any(|line| format!("{line}  ").starts_with(&begin)), "no {begin:?}:\n{lines}");
    }
}

#[test]
fn results_are_told_to_programs() {
    let run = |format| netns_test(SCENARIOS, &["run", "masquerade.toml", "--format", format]);
    let (status, json, _) = run("json");
    let json: Value = serde_json::from_str(&json).expect("it is JSON");
    let cases = json["files"][0]["cases"].as_array().expect("a list");
    assert!(status == 0 && cases.len() == 14 && cases.iter().all(|case| case["verdict"] == "holds"), "{json}");
    let (status, junit, _) = run("junit");
    let tests = format!("<testsuites name=\"netns-test\" tests=\"{}\" skipped=\"0\" failures=\"0\"", cases.len());
    assert!(status == 0 && junit.contains(&tests), "{junit}");
}

#[test]
fn what_nobody_reads_changes_no_status() {
    let unread = |directory: &str, arguments: &[&str]| {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_netns-test"));
        command.current_dir(directory).args(arguments).env_remove("NETNS_TEST").stdout(writer);
        command.status().expect("it starts").code()
    };
    assert_eq!(unread(".", &["explain"]), Some(0));
    assert_eq!(unread(SCENARIOS, &["check", "masquerade.toml", "no-such.toml"]), Some(1));
    assert_eq!(unread(TROUBLES, &["run", "failing_command.toml"]), Some(1));
}

#[test]
fn libtest_tells_and_the_status_is_the_same() {
    let run = |file, libtest: &[&str]| netns_test(TROUBLES, &[&["run", file, "--"], libtest].concat());
    let (status, told, _) = run("refused_change.toml", &["this_can_be_done"]);
    assert!(status == 0 && told.contains("test result: ok. 1 passed; 0 failed"), "{status}: {told}");
    let (status, told, _) = run("refused_change.toml", &[]);
    assert!(status == 1 && told.contains("3 of 4 do not hold"), "{status}: {told}");
    let (status, told, _) = run("refused_change.toml", &["--test-threads=1"]);
    assert!(status == 1 && told.contains("test result: FAILED. 1 passed; 3 failed"), "{status}: {told}");
    assert_eq!(run("refused_change.toml", &["--list"]).0, 0);
    for format in ["table", "json", "junit"] {
        let (status, told) =
            complains(TROUBLES, &["run", "refused_change.toml", "--format", format, "--", "a_pings_b"]);
        assert!(status == 2 && told.contains(&format!("`--format {format}`")), "{status}: {told}");
    }
}

/// A shell script in a network.
fn up(script: &str) -> (i32, String, String) {
    netns_test(TOPOLOGIES, &["up", "lan.toml", "--", "sh", "-c", script])
}

#[test]
fn what_the_shell_asks_and_gets_no_answer_to_is_an_error() {
    for (question, words) in [
        ("capture nobody.eth0", "capture: no node named `nobody`"),
        ("capture nobody", "capture: write `capture NODE.INTERFACE [TRAFFIC]`"),
        ("capture nobody.eth0 icmq", "did you mean `icmp`?"),
    ] {
        let (status, out, error) = up(question);
        assert!(status == 1 && out.is_empty() && error.contains(words), "{question} is {status}: {out}{error}");
    }
}

/// Set for this test binary where it is the program that floods a network.
const FLOODS: &str = "NETNS_TEST_FLOODS";

#[test]
fn a_capture_that_cannot_keep_all_says_so_when_it_ends() -> io::Result<()> {
    if env::var_os(FLOODS).is_some() {
        // A capture keeps 64 MiB.
        let nobody_reads = UdpSocket::bind("127.0.0.1:0")?;
        return (0..1024).try_for_each(|_| nobody_reads.send_to(&[0; 65_000], nobody_reads.local_addr()?).map(drop));
    }
    // How many rounds it takes until the capture has begun is not known; that it is so many would be a fault.
    let name = "a_capture_that_cannot_keep_all_says_so_when_it_ends";
    let script = format!(
        "node=$(cat /proc/sys/kernel/hostname); capture $node.lo >/dev/null & capture=$!\n\
         for round in $(seq 1000); do kill -0 $capture 2>/dev/null || break; \
         {FLOODS}=1 '{}' --exact {name} >/dev/null || exit 9; done\nkill $capture 2>/dev/null; wait $capture",
        env::current_exe()?.display()
    );
    let (status, _, error) = up(&script);
    assert!(status == 1 && error.contains("capture: ") && error.contains("lost"), "{status}: {error}");
    Ok(())
}

#[test]
fn a_shell_in_a_network_asks_of_all_its_nodes() {
    let (status, matrix, error) = up("matrix");
    let nodes: Vec<&str> = matrix.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(status == 0 && nodes.len() >= 2, "{matrix}{error}");
    assert!(matrix.lines().skip(1).all(|line| line.contains("  ok") && line.contains("  -")), "{matrix}");

    // A node has a name of its own, and the status is that of what was run.
    let second = nodes[1];
    let (status, told, _) = up(&format!("on {second} cat /proc/sys/kernel/hostname; on nobody true; exit 7"));
    assert_eq!((status, &*told), (7, &*format!("{second}\n")));
    let (_, _, error) = up("on nobody true");
    assert!(error.contains("on: no node named `nobody`; the nodes are `"), "{error}");
}

#[test]
fn a_capture_of_the_shell_prints_what_passes() {
    // How many rounds it takes until the capture has begun is not known; that it is so many would be a fault.
    let script = "capture gateway.lan >$OUT & capture=$!\nfor round in $(seq 100); do grep -q \"$SEEN\" $OUT && break; \
                  matrix >/dev/null; done\nkill $capture\ncat $OUT";
    let seen = "out 10.0.0.1 > 10.0.0.2: ICMP echo request";
    let out = file("capture", "");
    let script = format!("OUT='{}' SEEN='{seen}'\n{script}", out.display());
    let (status, told, error) = netns_test(TOPOLOGIES, &["up", "nat.toml", "--", "sh", "-c", &script]);
    assert!(status == 0 && told.contains(seen), "{told}{error}");
}
