//! Turns each recorded claim round, one at a time: a check that still passes then could never have failed.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::Value;

use super::{
    records::{self, Records, Test},
    table::Table,
};

/// How many tests run at a time.
const LANES: usize = 2;

/// Inverts every recorded claim and prints a summary; whether each made the tests that recorded it fail, by that claim.
pub(crate) fn all(workspace: &Path, table: &Table, records: &Records) -> Result<bool, Box<dyn Error>> {
    let claims: Vec<(&str, Vec<&Test>)> = records.claims().into_iter().collect();
    if claims.is_empty() {
        return Err("no claims are recorded: run the tests first".into());
    }
    let programs = Program::build(workspace)?;
    let next = AtomicUsize::new(0);
    let problems = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some((id, tests)) = claims.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = if table.knows(id) { one(&programs, id, tests) } else { Err("unknown id".to_owned()) };
                    match result {
                        Ok(()) => println!("  fails as it must  {id}"),
                        Err(problem) => {
                            eprintln!("xtask: {id}: {problem}");
                            problems.lock().expect("no lane panics with the lock held").push(*id);
                        }
                    }
                }
            });
        }
    });
    let mut problems = problems.into_inner().expect("no lane panics with the lock held");
    problems.sort_unstable();
    println!("inverted {} claims, {} did not fail as they must", claims.len(), problems.len());
    for id in &problems {
        println!("  {id}");
    }
    Ok(problems.is_empty())
}

/// Runs the tests that recorded a claim with that claim inverted; an error says what was wrong.
fn one(programs: &BTreeMap<String, Vec<Program>>, id: &str, tests: &[&Test]) -> Result<(), String> {
    for test in tests {
        let name = test.path.split_once("::").map_or(&*test.path, |(_, name)| name);
        let program = match programs.get(&test.program).map(Vec::as_slice) {
            Some([program]) => program,
            Some(_) => return Err(format!("several programs are called {}", test.program)),
            None => return Err(format!("there is no test program {} any more", test.program)),
        };
        let output = Command::new(&program.executable)
            .args([name, "--exact", "--include-ignored"])
            .current_dir(&program.package)
            .env("CARGO_MANIFEST_DIR", &program.package)
            .env("CLAIM_INVERT", id)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot run {}: {error}", program.executable.display()))?;
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        judge(&text, id, name)?;
    }
    Ok(())
}

/// Whether that one test ran and failed by that claim.
fn judge(output: &str, id: &str, name: &str) -> Result<(), String> {
    let result = output.lines().find(|line| line.starts_with("test result: ")).unwrap_or("no result");
    if result.contains("0 passed; 1 failed;") && output.contains(&format!("inverted claim {id} does not hold")) {
        return Ok(());
    }
    Err(match result {
        _ if result.contains("1 passed; 0 failed;") => format!("{name} passes with the claim inverted"),
        _ if result.contains("0 passed; 0 failed;") => format!("there is no test {name} any more"),
        _ => format!("{name} did not fail by this claim:\n{output}"),
    })
}

/// A program with tests.
struct Program {
    executable: PathBuf,
    /// Where Cargo runs it.
    package: PathBuf,
}

impl Program {
    /// Builds every program with tests, by name.
    fn build(workspace: &Path) -> Result<BTreeMap<String, Vec<Self>>, Box<dyn Error>> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["test", "--workspace", "--no-run", "--quiet", "--message-format=json"])
            .current_dir(workspace)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("the tests do not build: {}", output.status).into());
        }
        let mut programs: BTreeMap<String, Vec<Self>> = BTreeMap::new();
        for line in String::from_utf8(output.stdout)?.lines() {
            let message: Value = serde_json::from_str(line)?;
            let (Some(executable), Some(manifest), Some(true)) = (
                message["executable"].as_str(),
                message["manifest_path"].as_str(),
                message["profile"]["test"].as_bool(),
            ) else {
                continue;
            };
            let executable = PathBuf::from(executable);
            let package = Path::new(manifest).parent().ok_or("a manifest without a directory")?.to_owned();
            let name = executable.file_name().unwrap_or_default().to_string_lossy();
            let name = records::program(&name).to_owned();
            programs.entry(name).or_default().push(Self { executable, package });
        }
        Ok(programs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(message: &str, counts: &str) -> String {
        format!("running 1 test\ntest a::b ... x\n\n{message}\n\ntest result: x. {counts}; 0 ignored\n")
    }

    #[test]
    fn a_test_has_to_fail_by_the_very_claim() {
        let inverted = "inverted claim d-1-c1 does not hold";
        let judge = |output: String| judge(&output, "d-1-c1", "a::b");
        assert_eq!(judge(output(inverted, "0 passed; 1 failed")), Ok(()));

        for caught in ["", inverted] {
            let passes = judge(output(caught, "1 passed; 0 failed")).unwrap_err();
            assert_eq!(passes, "a::b passes with the claim inverted");
        }
        assert_eq!(judge(output("", "0 passed; 0 failed")).unwrap_err(), "there is no test a::b any more");
        for other in ["claim d-1-c1 does not hold", "inverted claim d-1-c1b does not hold"] {
            let error = judge(output(other, "0 passed; 1 failed")).unwrap_err();
            assert!(error.starts_with("a::b did not fail by this claim"), "{error}");
        }
        assert!(judge("a crash".to_owned()).unwrap_err().ends_with("a crash"));
    }
}
