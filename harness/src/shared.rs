//! One performance of a file for all processes of a run.
//!
//! [Nextest](https://nexte.st) starts a process for each test. The first that needs a file plays it, the others wait for it
//! and read its verdicts.

use std::{
    env,
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Seek, Write},
    os::unix::process::parent_id,
    path::{Path, PathBuf},
    time::Duration,
};

use netns_test_runtime::sandbox::results_directory;
use nix::fcntl::{Flock, FlockArg};

/// How long verdicts are kept for a run that may still be under way.
const LONGEST_RUN: Duration = Duration::from_secs(24 * 60 * 60);

/// Where verdicts of this file are shared, if this process is one of many that a runner starts for the same files.
pub(crate) fn place(file: &Path) -> Option<PathBuf> {
    let run = env::var("NEXTEST_RUN_ID").ok()?;
    if !env::var("NEXTEST_EXECUTION_MODE").is_ok_and(|mode| mode == "process-per-test") {
        return None;
    }
    // A repeated attempt plays anew. What a test starts itself inherits all of these but its parent.
    let attempt = ["NEXTEST_ATTEMPT", "NEXTEST_STRESS_CURRENT"].map(env::var_os);
    let mut hasher = DefaultHasher::new();
    (run, attempt, parent_id(), env::current_exe().ok()?, fs::canonicalize(file).ok()?).hash(&mut hasher);
    Some(results_directory().join("plays").join(format!("{:016x}", hasher.finish())))
}

/// What was written there, or what is made now and written there for others.
///
/// Where nothing can be shared, it is made for the caller alone.
pub(crate) fn once<T>(place: &Path, read: impl FnOnce(&str) -> Option<T>, make: impl FnOnce() -> (T, String)) -> T {
    let Ok(mut file) = lock(place) else { return make().0 };
    let mut text = String::new();
    // Whoever was killed while he wrote has left what cannot be read.
    if let Ok(1..) = file.read_to_string(&mut text)
        && let Some(read) = read(&text)
    {
        return read;
    }
    let (made, text) = make();
    let written = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(text.as_bytes()));
    if written.is_err() {
        let _ = fs::remove_file(place);
    }
    made
}

/// Opens the file and waits until nobody else holds it.
fn lock(place: &Path) -> io::Result<Flock<File>> {
    if let Some(directory) = place.parent()
        && !place.exists()
    {
        fs::create_dir_all(directory)?;
        forget_old_ones(directory)?;
    }
    let file = File::options().read(true).write(true).create(true).truncate(false).open(place)?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
}

fn forget_old_ones(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age > LONGEST_RUN) {
            // Another process may have been faster.
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}
