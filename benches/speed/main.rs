//! What isolation and networks cost, against the kernel's own floor in the same run.
//!
//! `cargo bench` prints a table and writes `netns-test-bench.json` to the target directory. Words on the command line
//! choose by name: `cargo bench -- star`.

#[cfg(target_os = "linux")]
mod isolation;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod netlink;
#[cfg(target_os = "linux")]
mod star;

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    use std::{env, io, path::Path};

    use netns_test::sandbox;

    if let Some(inside) = sandbox::inside() {
        inside.run(|| match inside.name() {
            isolation::BODY => isolation::body(),
            star::NAME => star::body(&env::args().skip(1).collect::<Vec<_>>()),
            other => Err(io::Error::other(format!("there is no body `{other}`"))),
        });
    }

    if !env::args().any(|word| word == "--bench") {
        println!("this measures, and tests nothing: `cargo bench`");
        return Ok(());
    }

    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = target.parent().unwrap_or(target);
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));

    let mut rows = Vec::new();
    if wanted(isolation::NAME) {
        rows.push(isolation::measure()?);
    }
    if wanted(isolation::ALONE) {
        rows.push(isolation::measure_alone()?);
    }
    if wanted(star::NAME) {
        rows.extend(star::measure(target)?);
    }
    print!("{}", measure::table(&rows));
    let file = target.join("netns-test-bench.json");
    measure::save(&rows, &file)?;
    println!("{}", file.display());
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("there is nothing to measure elsewhere than on Linux");
}
