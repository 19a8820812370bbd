//! Names of nodes' network namespaces in the file system, for programs that look there.

use std::{
    ffi::OsStr,
    fs, io,
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::{MetadataExt, symlink},
    },
    path::{Component, Path, PathBuf},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use nix::sched::{CloneFlags, setns, unshare};

use super::{Error, Node, node::Live, view};
use crate::{netns::on_thread, sys};

impl Node {
    /// Names the node's network namespace by a path such as `/var/run/docker/netns/1-jk79gn3pi7`, until the node ends:
    /// programs find it where they look for those of an engine, in the test and on every node of the network.
    ///
    /// A node's name is in `/run/netns` anyway, where [ip-netns(8)] looks. The directory is made if it is not there; from
    /// then on it is the same one on all nodes. The name is a link into `/proc`, good for setns(2) and for mounts. A name
    /// that another node has been given is taken over.
    ///
    /// ```no_run
    /// # fn f(container: &netns_test_runtime::lab::Node) -> Result<(), netns_test_runtime::lab::Error> {
    /// container.offer_netns("/var/run/docker/netns/06e0e24ce06d")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the path is not below `/run` or `/var/run`, which are the sandbox's own, so that nothing is put in a directory of
    /// the host; if a program has made a file of that name. [`Error::Gone`].
    ///
    /// [ip-netns(8)]: https://man7.org/linux/man-pages/man8/ip-netns.8.html
    pub fn offer_netns(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let failed = |error| Error::io(self.name(), format!("name its namespace `{}`", path.display()), error);
        let (directory, name) = directory_and_name(path).map_err(failed)?;
        let live = self.live()?;
        let named = at_home(|| {
            fs::create_dir_all(&directory)?;
            link(&live, directory.join(name))
        });
        match named.map_err(failed)? {
            true => {}
            false => return Err(failed(io::Error::other("a program has made a file of that name"))),
        }
        {
            let mut offered = directories();
            if !offered.contains(&directory) {
                offered.push(directory.clone());
            }
        }
        // What nothing was shown to yet gets it with the rest.
        let nodes = self.shared().map(|shared| shared.nodes()).unwrap_or_default();
        for node in nodes.iter().filter(|node| node.live().is_ok_and(|live| live.netns.ends_its_programs())) {
            let shown = node.try_run_with_view(|| show(&directory))?;
            shown.map_err(|error| Error::io(node.name(), format!("show it `{}`", directory.display()), error))?;
        }
        Ok(())
    }
}

/// Names a node's network namespace where ip-netns(8) looks for it, in the sandbox's /run and so in every node's, until
/// the node ends. Of two networks that live at once, the later has the names that both use; what a program has named stays.
pub(super) fn name_netns(node: &Node) -> io::Result<()> {
    let live = node.live().map_err(io::Error::other)?;
    let directory = Path::new("/var/run/netns");
    if directory.is_dir() {
        // A name that a program has made: it knows why.
        link(&live, directory.join(node.name()))?;
    }
    Ok(())
}

/// The directories below the sandbox's /run and /var/run that all nodes see.
pub(super) fn directories() -> MutexGuard<'static, Vec<PathBuf>> {
    static OFFERED: OnceLock<Mutex<Vec<PathBuf>>> = OnceLock::new();
    let offered = OFFERED.get_or_init(|| {
        let netns = PathBuf::from("/run/netns");
        Mutex::new(if netns.is_dir() { vec![netns] } else { Vec::new() })
    });
    offered.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a name for a namespace, until its node ends; false if a program has made a file of that name.
///
/// The name is a link to a descriptor of this process: a mount would hold the namespace.
fn link(live: &Live, name: PathBuf) -> io::Result<bool> {
    let descriptors = Path::new("/proc").join(own_pid()?).join("fd");
    let target = descriptors.join(live.netns.as_fd().as_raw_fd().to_string());
    let is_ours = || fs::read_link(&name).is_ok_and(|now| now.starts_with(&descriptors));
    let held = naming();
    match symlink(&target, &name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_ours() => {
            fs::remove_file(&name)?;
            symlink(&target, &name)?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        made => made?,
    }
    drop(held);
    live.attach(move || {
        let _held = naming();
        if fs::read_link(&name).is_ok_and(|now| now == target) {
            // A name that leads nowhere does no harm.
            let _ = fs::remove_file(&name);
        }
    });
    Ok(true)
}

/// Held while a name is looked at and changed: networks with the same names may come and go on other threads.
fn naming() -> MutexGuard<'static, ()> {
    static NAMING: Mutex<()> = Mutex::new(());
    NAMING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This process's id as /proc has it, which may be the host's.
fn own_pid() -> io::Result<&'static Path> {
    static OWN: OnceLock<PathBuf> = OnceLock::new();
    match OWN.get() {
        Some(own) => Ok(own),
        None => {
            let own = fs::read_link("/proc/self")?;
            Ok(OWN.get_or_init(|| own))
        }
    }
}

/// Takes a path apart, where it is one of the sandbox's own.
fn directory_and_name(path: &Path) -> io::Result<(PathBuf, &OsStr)> {
    let below = path.strip_prefix("/run").or_else(|_| path.strip_prefix("/var/run"));
    let plain = below.ok().filter(|below| below.components().all(|part| matches!(part, Component::Normal(_))));
    let Some((below, name)) = plain.and_then(|below| Some((below.parent()?, below.file_name()?))) else {
        let why = "the path is not below `/run` or `/var/run` (help: elsewhere it would be a file of the host)";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    };
    let is_link = fs::symlink_metadata("/var/run").is_ok_and(|found| found.is_symlink());
    let root = if path.starts_with("/run") || is_link { "/run" } else { "/var/run" };
    Ok((Path::new(root).join(below), name))
}

/// Runs a closure where the sandbox's own file systems are seen, whichever node the caller is on.
fn at_home<R: Send>(f: impl FnOnce() -> io::Result<R> + Send) -> io::Result<R> {
    on_thread(|| {
        unshare(CloneFlags::CLONE_FS)?;
        setns(view::home()?, CloneFlags::CLONE_NEWNS)?;
        f()
    })
}

/// Shows the calling thread's node a directory of the sandbox's, unless it sees that one.
fn show(directory: &Path) -> io::Result<()> {
    let id = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    let (tree, at_home_id) = at_home(|| Ok((sys::open_tree(directory)?, id(directory)?)))?;
    fs::create_dir_all(directory)?;
    if id(directory)? != at_home_id {
        sys::move_mount(&tree, directory)?;
    }
    Ok(())
}
