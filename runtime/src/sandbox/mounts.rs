//! The file systems that a sandbox sees differently from its host ([mount_namespaces(7)]).
//!
//! [mount_namespaces(7)]: https://man7.org/linux/man-pages/man7/mount_namespaces.7.html

use std::{
    fs, io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
};

use super::refusal::{Refusal, Step};

/// What /etc/hosts begins with in a sandbox.
pub(crate) const HOSTS: &str = "127.0.0.1 localhost netns-test\n::1 localhost ip6-localhost ip6-loopback\n";
const RESOLV: &str = "# A network of its own: there is no name server unless the test brings one.\n";

/// Gives the calling process, alone in a new mount namespace, its own /proc, /sys, /run and name files.
///
/// Returns what had to be left as it was, in words.
/// `with_host` says whether those of the host that are covered are kept in sight, below [`HOST`].
pub(crate) fn prepare(with_host: bool) -> Result<Vec<String>, Refusal> {
    let mut lost = Vec::new();
    detach().map_err(|errno| Step::Detach.refused(errno, "/"))?;
    let covered = if with_host {
        ["/proc", "/run"].map(Covered::open).into_iter().collect::<Result<_, _>>()?
    } else {
        Vec::new()
    };
    match mount_fs("proc", "/proc", "") {
        // A container covers parts of its /proc, and the kernel does not uncover them for us.
        Err(Errno::EPERM) => lost.push(
            "/proc is the host's (the kernel refused a new one: EPERM, as in a container with a masked /proc): it \
             lists the host's processes, and /proc/sys may be read-only"
                .to_owned(),
        ),
        mounted => mounted.map_err(|errno| Step::Proc.refused(errno, "/proc"))?,
    }
    if let Some(loss) = sys()? {
        lost.push(loss);
    }
    run_directory()?;
    covered.iter().try_for_each(Covered::show)?;
    lost.extend(name_file(Path::new("/etc/hosts"), HOSTS)?);
    lost.extend(name_file(Path::new("/etc/resolv.conf"), RESOLV)?);
    Ok(lost)
}

/// Where a sandbox with the host's users finds the host's own /proc and /run.
const HOST: &str = "/run/host";

/// A directory of the host, held while something is mounted over it.
struct Covered {
    name: &'static str,
    directory: fs::File,
}

impl Covered {
    fn open(name: &'static str) -> Result<Self, Refusal> {
        let directory = fs::File::open(name).map_err(|error| Step::Run.refused(errno(&error), name))?;
        Ok(Self { name, directory })
    }

    fn show(&self) -> Result<(), Refusal> {
        let source = format!("/proc/self/fd/{}", self.directory.as_raw_fd());
        let target = Path::new(HOST).join(self.name.trim_start_matches('/'));
        let refused = |errno| Step::Run.refused(errno, target.to_string_lossy());
        make_directory(&target)?;
        if self.name == "/proc" {
            return mount(Some(&*source), &target, None::<&str>, MsFlags::MS_BIND, None::<&str>).map_err(refused);
        }
        // What is mounted below comes along, and so does what covers it here, on top.
        mount(Some(&*source), &target, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
            .and_then(|()| umount2(&target, MntFlags::MNT_DETACH))
            .map_err(refused)
    }
}

/// Keeps mounts made here from the host, and the host's from here.
pub(crate) fn detach() -> nix::Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
}

/// Mounts a sysfs that shows the calling thread's network namespace, or hides the interfaces of another.
pub(crate) fn sys() -> Result<Option<String>, Refusal> {
    match mount_fs("sysfs", "/sys", "") {
        Ok(()) => Ok(None),
        Err(errno @ (Errno::EPERM | Errno::EBUSY)) => {
            let interfaces = "/sys/class/net";
            match mount_fs("tmpfs", interfaces, "mode=0555") {
                Ok(()) | Err(Errno::ENOENT) => Ok(Some(format!(
                    "/sys is the host's (the kernel refused a new one: {errno:?}), and {interfaces} is empty"
                ))),
                Err(errno) => Err(Step::Sys.refused(errno, interfaces)),
            }
        }
        Err(errno) => Err(Step::Sys.refused(errno, "/sys")),
    }
}

/// Puts an empty file system of its own over /run, so that nothing of the host is reached or changed there.
pub(crate) fn run_directory() -> Result<(), Refusal> {
    let run = |path: &str| mount_fs("tmpfs", path, "mode=0755").map_err(|errno| Step::Run.refused(errno, path));
    if Path::new("/run").is_dir() {
        run("/run")?;
        make_directory(Path::new("/run/netns"))?;
        make_directory(Path::new("/run/lock"))?;
    }
    if fs::symlink_metadata("/var/run").is_ok_and(|found| found.is_dir()) {
        run("/var/run")?;
        make_directory(Path::new("/var/run/netns"))?;
    }
    Ok(())
}

/// Gives a file in /etc a content of its own; in words what is lost if it cannot be.
pub(crate) fn name_file(path: &Path, content: &str) -> Result<Option<String>, Refusal> {
    let refused = |error: io::Error| Step::Etc.refused(errno(&error), path.to_string_lossy());
    let Some(target) = follow(path) else {
        return Ok(Some(format!("{} does not exist here, and stays so", path.display())));
    };
    if target.starts_with("/run") || (target.starts_with("/var/run") && !target.exists()) {
        // A link into /run, which is ours and empty by now.
        let parent = target.parent().unwrap_or(Path::new("/run"));
        fs::create_dir_all(parent).and_then(|()| fs::write(&target, content)).map_err(refused)?;
        return Ok(None);
    }
    if !target.exists() {
        return Ok(Some(format!("{} is a dangling link, and stays so", path.display())));
    }
    let source = Path::new("/run/netns-test").join(path.file_name().unwrap_or_default());
    make_directory(Path::new("/run/netns-test"))?;
    fs::write(&source, content).map_err(refused)?;
    mount(Some(&source), &target, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(|errno| Step::Etc.refused(errno, target.to_string_lossy()))?;
    Ok(None)
}

/// Where a path leads after its links, whether or not the last one leads to anything.
fn follow(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => {
                let directory = path.parent()?;
                path = clean(&directory.join(target));
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Some(path),
            // Nothing there: only a link could have led here.
            Err(_) => return (!path.starts_with("/etc")).then_some(path),
        }
    }
    None
}

/// Takes `.` and `..` out of a path by its words alone: its directories may not exist yet.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                clean.pop();
            }
            std::path::Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

fn make_directory(path: &Path) -> Result<(), Refusal> {
    fs::create_dir_all(path).map_err(|error| Step::Run.refused(errno(&error), path.to_string_lossy()))
}

fn mount_fs(kind: &str, target: &str, options: &str) -> nix::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some(kind), target, Some(kind), flags, Some(options).filter(|options| !options.is_empty()))
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_resolved_without_looking() {
        assert_eq!(clean(Path::new("/etc/../run/./systemd/resolve")), Path::new("/run/systemd/resolve"));
    }
}
