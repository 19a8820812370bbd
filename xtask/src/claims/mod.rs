//! Which claims of the tables of ground truth are checked by tests that pass.

mod deferred;
mod invert;
#[path = "../../../tests/common/record.rs"]
mod record;
mod records;
mod report;
mod table;

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use self::{deferred::Deferrals, records::Records, table::Table};

/// Prints what is covered; whether all of it is, but for what is deferred with a reason.
pub(crate) fn compare(file: &Path, records: Option<PathBuf>) -> Result<bool, Box<dyn Error>> {
    let (table, records) = read(file, records)?;
    let path = workspace()?.join("tests/claims/deferred.toml");
    let deferrals = Deferrals::parse(&read_text(&path)?).map_err(|error| format!("{}: {error}", path.display()))?;
    let report = report::compare(&table, &records, &deferrals);
    print!("{}", report.text);
    for problem in &report.problems {
        eprintln!("xtask: {problem}");
    }
    Ok(report.problems.is_empty())
}

/// Turns every recorded claim round; whether each made its tests fail.
pub(crate) fn invert(file: &Path, records: Option<PathBuf>) -> Result<bool, Box<dyn Error>> {
    let (table, records) = read(file, records)?;
    invert::all(&workspace()?, &table, &records)
}

fn read(file: &Path, records: Option<PathBuf>) -> Result<(Table, Records), Box<dyn Error>> {
    let table = Table::parse(&read_text(file)?).map_err(|error| format!("{}: {error}", file.display()))?;
    let directory = match records {
        Some(directory) => directory,
        None => target()?.join("netns-test/records"),
    };
    Ok((table, Records::read(&directory)?))
}

fn read_text(path: &Path) -> Result<String, Box<dyn Error>> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

/// The root of the repository.
fn workspace() -> Result<PathBuf, Box<dyn Error>> {
    let package = env::var_os("CARGO_MANIFEST_DIR").ok_or("run me as `cargo xtask`")?;
    Ok(Path::new(&package).parent().ok_or("the repository has no directory")?.to_owned())
}

/// The target directory, which Cargo tags as a cache, and in which this program lies.
fn target() -> Result<PathBuf, Box<dyn Error>> {
    let program = env::current_exe()?;
    let tagged = program.ancestors().skip(1).find(|directory| directory.join("CACHEDIR.TAG").exists());
    Ok(tagged.ok_or("cannot find the target directory; name one with --records")?.to_owned())
}
