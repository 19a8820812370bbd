//! Chores of the repository: `cargo xtask CHORE`.

mod claims;
mod macro_cost;

use std::{env, error::Error, path::PathBuf, process::ExitCode};

const USAGE: &str = "\
cargo xtask claims FILE [--records DIR]
    Compares the table of ground truth in FILE with the claims that passing tests recorded.
    The records are those of the last test runs, in netns-test/records of the target directory, or in DIR.
cargo xtask claims --invert FILE [--records DIR]
    Turns each recorded claim round, one at a time, and demands that exactly its tests fail.
cargo xtask macro-cost
    Measures what `topology!` adds to a debug build, and fails if it is too much.";

fn main() -> ExitCode {
    match run(env::args().skip(1).collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Vec<String>) -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = arguments.into_iter();
    match arguments.next().as_deref() {
        Some("claims") => {}
        Some("macro-cost") => {
            return Ok(if macro_cost::measure()? { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            return Ok(ExitCode::SUCCESS);
        }
        other => return Err(format!("unknown chore {}\n\n{USAGE}", other.unwrap_or("(none given)")).into()),
    }
    let (mut file, mut records, mut invert) = (None, None, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--invert" => invert = true,
            "--records" => records = Some(PathBuf::from(arguments.next().ok_or("--records needs a directory")?)),
            flag if flag.starts_with('-') => return Err(format!("unknown option {flag}\n\n{USAGE}").into()),
            path if file.is_none() => file = Some(PathBuf::from(path)),
            more => return Err(format!("one file is enough, and here is another: {more}").into()),
        }
    }
    let file = file.ok_or_else(|| format!("which file?\n\n{USAGE}"))?;
    let good = if invert { claims::invert(&file, records) } else { claims::compare(&file, records) }?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
