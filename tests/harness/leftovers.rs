//! What a run leaves behind: nothing.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::fixture;

const MARK: &str = "NETNS_HARNESS_RUN";

/// A look at the machine before a run, to compare with one after it.
pub(crate) struct Watch {
    mark: String,
    place: PathBuf,
    before: BTreeSet<String>,
}

impl Watch {
    /// Looks, and returns the command so that every process that it leads to is marked, and every namespace counted.
    ///
    /// A namespace stays as long as a process, a mount or a descriptor of it does.
    pub(crate) fn begin(of: &Command) -> (Self, Command) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("place-{mark}"));
        fs::create_dir_all(&place).unwrap();
        let mut command = fixture::program("counted");
        command.arg(namespaces(&place)).arg(of.get_program()).args(of.get_args());
        for (name, value) in of.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = of.get_current_dir() {
            command.current_dir(directory);
        }
        command.env(MARK, &mark).env("TMPDIR", &place).env("NETNS_HARNESS_PLACE", &place);
        command.env("NETNS_HARNESS_DESCRIPTORS", descriptors());
        (Self { mark, place, before: look() }, command)
    }

    /// A directory of the run alone, which its tests know as well.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// The process of the command itself, below the one that counts.
    pub(crate) fn command_of(&self, counting: u32) -> i32 {
        let children = fs::read_to_string(format!("/proc/{counting}/task/{counting}/children")).unwrap();
        children.split_whitespace().next().expect("it runs").parse().unwrap()
    }

    /// The command lines of the marked processes that live.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = format!("{MARK}={}", self.mark).into_bytes();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let marked = |path: &Path| {
            fs::read(path.join("environ")).is_ok_and(|words| words.split(|&byte| byte == 0).any(|word| word == mark))
        };
        let line =
            |path: &Path| String::from_utf8_lossy(&fs::read(path.join("cmdline")).ok()?).replace('\0', " ").into();
        entries.map(|entry| entry.path()).filter(|path| marked(path)).filter_map(|path| line(&path)).collect()
    }

    /// Waits until a marked process with this command line lives.
    pub(crate) fn until_running(&self, command_line: &str) {
        let start = Instant::now();
        while !self.processes().iter().any(|line| line.contains(command_line)) {
            assert!(start.elapsed() < Duration::from_secs(60), "never running: {command_line}: {:?}", self.processes());
            pause();
        }
    }

    /// Nothing of the run is there any more, or soon will not be: the kernel ends a tree of processes in its own time.
    pub(crate) fn end(self, expected_files: &[&str]) {
        let start = Instant::now();
        while !self.processes().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(60), "still running: {:?}", self.processes());
            pause();
        }
        let after = look();
        let changes: Vec<_> = self.before.symmetric_difference(&after).collect();
        assert!(changes.is_empty(), "the machine is not as it was: {changes:?}");
        let left = fs::read_to_string(namespaces(&self.place)).unwrap();
        assert_eq!(left, "nothing\n", "namespaces are left");
        fs::remove_file(namespaces(&self.place)).unwrap();
        let mut files: Vec<_> = fs::read_dir(&self.place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, expected_files);
        fs::remove_dir_all(&self.place).unwrap();
    }
}

fn namespaces(place: &Path) -> PathBuf {
    place.join("namespaces")
}

/// Between two looks at what changes in its own time; the loop around it ends by what it sees.
#[expect(clippy::disallowed_methods, reason = "no event tells that other processes have come or gone")]
fn pause() {
    thread::sleep(Duration::from_millis(5));
}

/// Mounts, names of namespaces, and files where the cases write.
fn look() -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let places = ["/proc", "/sys", "/run", "/etc", "/mnt", "/var/run"];
    for line in fs::read_to_string("/proc/self/mountinfo").unwrap().lines() {
        let point = line.split(' ').nth(4).unwrap_or_default();
        if places.iter().any(|place| Path::new(point).starts_with(place)) {
            seen.insert(format!("mount {point}"));
        }
    }
    for directory in ["/run/netns", "/mnt"].map(PathBuf::from).into_iter().chain([fixture::directory()]) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            seen.insert(format!("file {}", entry.path().display()));
        }
    }
    seen.insert(format!("/run/file {}", Path::new("/run/file").exists()));
    for file in ["/etc/hosts", "/etc/resolv.conf", "/proc/sys/kernel/hostname"] {
        seen.insert(format!("{file} {:?}", fs::read_to_string(file).ok()));
    }
    seen
}

/// The descriptors that our own children see.
fn descriptors() -> String {
    let output = Command::new("sh").args(["-c", "echo /proc/self/fd/*"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().replace("/proc/self/fd/", "")
}

#[test]
fn a_marked_process_is_seen_as_long_as_it_lives() {
    let (watch, mut command) = Watch::begin(&Command::new("cat"));
    let mut child = command.stdin(process::Stdio::piped()).spawn().unwrap();
    watch.until_running("cat");
    drop(child.stdin.take());
    child.wait().unwrap();
    watch.end(&[]);
    assert!(env::var_os(MARK).is_none());
}
