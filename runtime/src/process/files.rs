//! Files that a node alone sees, in directories that everybody shares ([mount_namespaces(7)]).
//!
//! [mount_namespaces(7)]: https://man7.org/linux/man-pages/man7/mount_namespaces.7.html

use std::{
    collections::HashSet,
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
};

use super::ProcessError;

/// Where things are put together before they take their place.
const STAGE: &str = "/run/netns-test/stage";

/// Who owns what belongs to nobody in the sandbox's user namespace (`/proc/sys/kernel/overflowuid`).
const OVERFLOW: u32 = 65534;

/// What a file has in it, and who may read or run it.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    bytes: Vec<u8>,
    mode: u32,
}

impl Content {
    pub(super) fn new(bytes: &[u8], mode: u32) -> Self {
        Self { bytes: bytes.to_vec(), mode }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        fs::write(path, &self.bytes)?;
        fs::set_permissions(path, Permissions::from_mode(self.mode))
    }
}

/// The files that were put into one node's view.
#[derive(Debug, Default)]
pub(crate) struct Files(Mutex<Put>);

#[derive(Debug, Default)]
struct Put {
    /// Where they are, without links.
    files: HashSet<PathBuf>,
    /// File systems that the node has for itself.
    devices: HashSet<u64>,
    /// How many files were bound over others.
    bound: u32,
}

impl Files {
    /// Puts a file there; the calling thread is in the node's mount namespace.
    pub(super) fn put(&self, node: &str, path: &Path, content: &Content) -> Result<(), Box<ProcessError>> {
        let mut put = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        put.put(path, content).map_err(|Refusal { error: source, help }| {
            Box::new(ProcessError::File { node: node.to_owned(), path: path.to_owned(), source, help })
        })
    }
}

/// Why it cannot be there, and what to do about it.
struct Refusal {
    error: io::Error,
    help: Option<String>,
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self { error, help: None }
    }
}

impl From<nix::Error> for Refusal {
    fn from(error: nix::Error) -> Self {
        io::Error::from(error).into()
    }
}

fn refused(errno: Errno, help: impl Into<String>) -> Refusal {
    Refusal { error: errno.into(), help: Some(help.into()) }
}

impl Put {
    fn put(&mut self, path: &Path, content: &Content) -> Result<(), Refusal> {
        let (Some(name), true) = (path.file_name(), path.is_absolute()) else {
            return Err(refused(Errno::EINVAL, "write the whole path of a file, beginning with `/`"));
        };
        if let Ok(target) = fs::canonicalize(path) {
            if target.is_dir() {
                return Err(refused(Errno::EISDIR, "write the path of a file in it"));
            }
            if self.files.contains(&target) {
                return Ok(content.write(&target)?);
            }
            self.cover(&target, content)?;
            self.files.insert(target);
            return Ok(());
        }
        let wanted = path.parent().unwrap_or(Path::new("/"));
        let there = wanted.ancestors().find_map(|directory| Some((directory, fs::canonicalize(directory).ok()?)));
        let (shown, directory) = there.ok_or_else(|| io::Error::from(Errno::ENOENT))?;
        if !self.has_for_itself(&directory)? {
            self.mirror(&directory)?;
        }
        let directory = directory.join(wanted.strip_prefix(shown).unwrap_or(Path::new("")));
        fs::create_dir_all(&directory)?;
        let target = directory.join(name);
        if target.is_symlink() {
            // It leads nowhere, or it would have been found.
            fs::remove_file(&target)?;
        }
        content.write(&target)?;
        self.files.insert(target);
        Ok(())
    }

    /// Puts the content over a file that is there.
    fn cover(&mut self, target: &Path, content: &Content) -> Result<(), Refusal> {
        let directory = Path::new("/run/netns-test/files");
        fs::create_dir_all(directory)?;
        self.bound += 1;
        let source = directory.join(self.bound.to_string());
        content.write(&source)?;
        Ok(mount(Some(&source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)?)
    }

    fn has_for_itself(&self, directory: &Path) -> io::Result<bool> {
        let device = fs::metadata(directory)?.dev();
        Ok(self.devices.contains(&device) || device == fs::metadata("/run")?.dev())
    }

    /// Puts a directory of the node's own in the place of one that others share, with all that is in there.
    fn mirror(&mut self, directory: &Path) -> Result<(), Refusal> {
        if directory == Path::new("/") {
            return Err(refused(
                Errno::ENOENT,
                "nothing can be added to the root directory: choose a place below a directory that is there, such as \
                 /run, /etc or /srv",
            ));
        }
        let entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
        fs::create_dir_all(STAGE)?;
        let shown = fs::metadata(directory)?;
        let mode = format!("mode={:o}", shown.mode() & 0o7777);
        mount(Some("tmpfs"), STAGE, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(mode.as_str()))?;
        // Whom the sandbox does not know has that number, and can be made the owner of nothing.
        let known = |id: u32| (id != OVERFLOW).then_some(id);
        let moved = chown(STAGE, known(shown.uid()), known(shown.gid()))
            .and_then(|()| entries.iter().try_for_each(show_again))
            .and_then(|()| Ok(mount(Some(STAGE), directory, None::<&str>, MsFlags::MS_MOVE, None::<&str>)?));
        if let Err(error) = moved {
            let _ = umount2(STAGE, MntFlags::MNT_DETACH);
            return Err(error.into());
        }
        self.devices.insert(fs::metadata(directory)?.dev());
        Ok(())
    }
}

/// Shows an entry of the directory that is mirrored at the stage.
fn show_again(entry: &fs::DirEntry) -> io::Result<()> {
    let (from, to) = (entry.path(), Path::new(STAGE).join(entry.file_name()));
    let kind = entry.file_type()?;
    if kind.is_symlink() {
        return symlink(fs::read_link(&from)?, &to);
    }
    let bind = if kind.is_dir() {
        fs::create_dir(&to)?;
        // What is mounted below it belongs to it.
        MsFlags::MS_BIND | MsFlags::MS_REC
    } else {
        File::create(&to)?;
        MsFlags::MS_BIND
    };
    match mount(Some(&from), &to, None::<&str>, bind, None::<&str>) {
        // It went meanwhile.
        Err(nix::Error::ENOENT) if kind.is_dir() => fs::remove_dir(&to),
        Err(nix::Error::ENOENT) => fs::remove_file(&to),
        shown => Ok(shown?),
    }
}
