//! Many programs on many nodes, again and again: nothing is left, and nothing is lost.
#![cfg(target_os = "linux")]

use std::fs;

use netns_test::{Process, prelude::*};

const NODES: usize = 20;
const EACH: usize = 10;
const ROUNDS: usize = 20;
const LINES: usize = 25;

/// How many descriptors this process has open.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("/proc is there").count()
}

/// The processes of the sandbox, as /proc lists them.
fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc is there");
    let mut all: Vec<u32> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    all.sort_unstable();
    all
}

#[netns_test(timeout = "5m")]
fn two_hundred_programs_on_twenty_nodes_leave_nothing_twenty_times() -> Result {
    let names: Vec<String> = (0..NODES).map(|number| format!("n{number}")).collect();
    let topology = names.iter().fold(Topology::builder(), |topology, name| topology.node(name.as_str(), |n| n));
    let lab = topology.build()?.up()?;
    let nodes = lab.nodes();
    // What nodes and their first programs keep open stays open.
    nodes.iter().try_for_each(|node| node.command("true").output().map(drop))?;
    let before = descriptors();
    // The last line has no end, and comes right before the program's.
    let script = format!("i=0; while [ $i -lt {LINES} ]; do echo $WHO $i; i=$((i+1)); done; printf '%s end' $WHO");
    for round in 0..ROUNDS {
        let mut all: Vec<(String, Process)> = Vec::new();
        for node in &nodes {
            for number in 0..EACH {
                let who = format!("{round}.{}.{number}", node.name());
                all.push((who.clone(), node.command("sh").args(["-c", &script]).env("WHO", &who).spawn()?));
            }
        }
        for (who, process) in all {
            let output = process.wait_with_output()?;
            let expected: String = (0..LINES).map(|line| format!("{who} {line}\n")).collect();
            assert_eq!((output.stdout, output.status.code()), (format!("{expected}{who} end"), Some(0)));
        }
        assert_eq!(processes(), [1, 2], "after round {round}");
        assert_eq!(descriptors(), before, "after round {round}");
    }
    // Those that are killed leave nothing either.
    let running: Vec<Process> =
        nodes.iter().map(|node| node.command("cat").stdin_piped().spawn()).collect::<std::result::Result<_, _>>()?;
    assert_eq!(processes().len(), 2 + NODES);
    drop(lab);
    assert_eq!(processes(), [1, 2]);
    drop(running);
    Ok(())
}
