//! What `topology!` adds to a build, measured with rustc itself.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const RUNS: usize = 7;
/// Nodes, and how many milliseconds they may cost.
const LIMITS: [(usize, u64); 2] = [(10, 200), (200, 2000)];

/// Compares builds of a library with and without a declared network; `false` if one costs too much.
pub(crate) fn measure() -> Result<bool, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    if !Command::new(cargo).args(["build", "--package", "netns-test"]).status()?.success() {
        return Err("netns-test cannot be built".into());
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let directory = target.join("macro-cost");
    fs::create_dir_all(&directory)?;
    let without = directory.join("without.rs");
    fs::write(&without, source(0)?)?;
    let mut good = true;
    for (nodes, limit) in LIMITS {
        let with = directory.join(format!("with_{nodes}.rs"));
        fs::write(&with, source(nodes)?)?;
        // By turns, so that what else the machine does falls on both.
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..RUNS {
            times[0].push(build(&without, &target)?);
            times[1].push(build(&with, &target)?);
        }
        let [without, with] = times.map(|mut times| {
            times.sort_unstable();
            times[RUNS / 2]
        });
        let more = with.saturating_sub(without);
        println!("{nodes} nodes: {more} ms more ({with} against {without}; {limit} allowed)");
        good &= more <= limit;
    }
    Ok(good)
}

/// Hosts around a router, each written out.
fn source(nodes: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::from("pub use netns_test::prelude::*;\n");
    if nodes > 0 {
        let (mut hosts, mut links, mut ports) = (String::new(), String::new(), String::new());
        for n in 1..nodes {
            writeln!(hosts, "node h{n} {{ eth0: \"10.0.{n}.2/24\"; route default via \"10.0.{n}.1\"; }}")?;
            writeln!(ports, "p{n}: \"10.0.{n}.1/24\";")?;
            writeln!(links, "link h{n}.eth0 -- router.p{n};")?;
        }
        writeln!(text, "topology! {{ pub struct Star {{ {hosts} node router {{ {ports} forward; }} {links} }} }}")?;
    }
    Ok(text)
}

/// The processor time of a debug build, in milliseconds: unlike the clock, it is the same on a busy machine.
fn build(source: &Path, target: &Path) -> Result<u64, Box<dyn Error>> {
    let debug = target.join("debug");
    let before = children()?;
    let status = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition=2024", "--crate-type=lib", "-Cdebuginfo=2", "--out-dir"])
        .arg(target.join("macro-cost"))
        .arg("--extern")
        .arg(format!("netns_test={}", debug.join("libnetns_test.rlib").display()))
        .arg("-L")
        .arg(format!("dependency={}", debug.join("deps").display()))
        .arg(source)
        .status()?;
    if !status.success() {
        return Err(format!("{} cannot be compiled", source.display()).into());
    }
    Ok(children()? - before)
}

/// The processor time of all children so far: see `proc_pid_stat(5)`; a tick is 10 ms.
fn children() -> Result<u64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').ok_or("no process name")?.1;
    let mut fields = after_name.split_whitespace().skip(13).map(str::parse::<u64>);
    let mut ticks = || fields.next().ok_or("no processor time");
    Ok((ticks()?? + ticks()??) * 10)
}
