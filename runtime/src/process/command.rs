use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, File, Permissions},
    io::{self, Seek, Write},
    os::unix::{fs::PermissionsExt, net::UnixDatagram, process::CommandExt},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use nix::{
    sys::memfd::{MFdFlags, memfd_create},
    unistd::{AccessFlags, access},
};

use super::{Process, ProcessError, Running, files::Content};
use crate::{
    lab::{Error, Node},
    sandbox::{ARGUMENT, ENTRY, Entry},
    trace::Context,
};

/// A command that will run on a node; made by [`Node::command`].
///
/// What it prints is kept, and its standard input is empty, unless something is given. It begins in the test's own
/// working directory, with the test's environment, and ends with the network.
///
/// A name without a directory is looked for in `PATH`, and then where root has its programs (`/usr/sbin`), for that is
/// who it runs as.
#[derive(Debug, Clone)]
#[must_use = "a command does nothing until `spawn` or `output`"]
pub struct Command {
    node: Node,
    program: OsString,
    arguments: Vec<OsString>,
    clears_environment: bool,
    /// Later ones count; `None` takes one away.
    environment: Vec<(OsString, Option<OsString>)>,
    directory: Option<PathBuf>,
    files: Vec<(PathBuf, Content)>,
    stdin: Stdin,
    /// The function that a copy of this program is to run, with its argument.
    entry: Option<(Entry, String)>,
}

#[derive(Debug, Clone)]
enum Stdin {
    Empty,
    Given(Vec<u8>),
    Piped,
}

/// What a command that has ended left behind.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output; bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// What it wrote to its standard error; bytes that are no UTF-8 are replaced.
    pub stderr: String,
}

impl Command {
    pub(crate) fn new(node: Node, program: &OsStr) -> Self {
        Self {
            node,
            program: program.into(),
            arguments: Vec::new(),
            clears_environment: false,
            environment: Vec::new(),
            directory: None,
            files: Vec::new(),
            stdin: Stdin::Empty,
            entry: None,
        }
    }

    pub(super) fn entry(mut self, entry: Entry, argument: String) -> Self {
        self.entry = Some((entry, argument));
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().into());
        self
    }

    /// Adds arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().into()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().into(), Some(value.as_ref().into())));
        self
    }

    /// Sets environment variables.
    pub fn envs(mut self, all: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>) -> Self {
        self.environment
            .extend(all.into_iter().map(|(name, value)| (name.as_ref().into(), Some(value.as_ref().into()))));
        self
    }

    /// Takes an environment variable away.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().into(), None));
        self
    }

    /// Takes all environment variables away: those of the test, and those set so far.
    pub fn env_clear(mut self) -> Self {
        self.environment.clear();
        self.clears_environment = true;
        self
    }

    /// Sets the working directory.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().into());
        self
    }

    /// Puts a file into the node's view of the file system, in the place of whatever is there, before the program
    /// starts.
    ///
    /// The programs and closures of this node see it, until the network ends, and may write to it; other nodes and the
    /// host do not. Directories on the way to it are made as well, but for those in the root directory itself. It
    /// belongs to root and has the mode 0644.
    ///
    /// ```no_run
    /// # fn f(node: netns_test_runtime::lab::Node) -> netns_test_runtime::Result {
    /// let web = node.command("nginx").file("/etc/nginx/nginx.conf", "user root; …").spawn()?;
    /// # Ok(()) }
    /// ```
    pub fn file(mut self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Self {
        self.files.push((path.as_ref().into(), Content::new(contents.as_ref(), 0o644)));
        self
    }

    /// [`Command::file`] that can be run: its mode is 0755.
    pub fn executable_file(mut self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Self {
        self.files.push((path.as_ref().into(), Content::new(contents.as_ref(), 0o755)));
        self
    }

    /// [`Command::file`] that its owner alone can read: its mode is 0600, which programs want of keys.
    pub fn private_file(mut self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Self {
        self.files.push((path.as_ref().into(), Content::new(contents.as_ref(), 0o600)));
        self
    }

    /// Gives it this to read on its standard input, and then the end.
    pub fn stdin(mut self, contents: impl AsRef<[u8]>) -> Self {
        self.stdin = Stdin::Given(contents.as_ref().to_vec());
        self
    }

    /// Gives it a pipe to read on its standard input, whose other end [`Process::take_stdin`] gives.
    pub fn stdin_piped(mut self) -> Self {
        self.stdin = Stdin::Piped;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If the program is not found or may not be run, or a file cannot be put where it should be.
    pub fn spawn(self) -> Result<Process, Error> {
        let program = self.name();
        let live = self.node.live()?;
        let context = Context::of(self.node.name());
        // A child belongs to the namespaces of the thread that starts it.
        let spawned = self.node.try_run_with_view(|| {
            for (path, content) in &self.files {
                live.files.put(self.node.name(), path, content)?;
            }
            self.start(&program, context)
        })??;
        self.node.keep_process(&spawned)?;
        Ok(spawned)
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// As [`Command::spawn`]; an exit status that means failure is no error here.
    pub fn output(self) -> Result<Output, Error> {
        self.spawn()?.wait_with_output()
    }

    /// What it is called in reports.
    fn name(&self) -> String {
        let own = self.entry.as_ref().and_then(|_| env::current_exe().ok());
        let path = own.as_deref().unwrap_or(Path::new(&self.program));
        let name = path.file_name().unwrap_or(&self.program).to_string_lossy().into_owned();
        match name.rsplit_once('-') {
            // Cargo adds a hash to the names of tests.
            Some((name, hash)) if own.is_some() && hash.len() == 16 => name.to_owned(),
            _ => name,
        }
    }

    /// Starts it, on the calling thread's namespaces.
    fn start(&self, name: &str, context: Context) -> Result<Process, Error> {
        let failed = |source: io::Error, help: Option<String>| -> Error {
            let program = self.program.to_string_lossy().into_owned();
            ProcessError::NotStarted { node: self.node.name().to_owned(), program, source, help }.into()
        };
        let Some(found) = self.find_program() else {
            let help = format!(
                "it is in no directory of PATH, nor in {}: install it, or name it by its path",
                OF_ROOT.join(", ")
            );
            return Err(failed(io::Error::from_raw_os_error(libc::ENOENT), Some(help)));
        };
        let mut command = std::process::Command::new(&found);
        let arg0 = if self.entry.is_some() { OsStr::new(name) } else { &self.program };
        command.arg0(arg0).args(&self.arguments);
        if self.clears_environment {
            command.env_clear();
        }
        let (notices, address) = notices().map_err(|error| failed(error, None))?;
        command.env("NOTIFY_SOCKET", address);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some((entry, argument)) = &self.entry {
            command.env(ENTRY, entry.to_string()).env(ARGUMENT, argument);
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let stdin = match &self.stdin {
            Stdin::Empty => Stdio::null(),
            Stdin::Given(bytes) => memory_file(bytes).map_err(|error| failed(error, None))?.into(),
            Stdin::Piped => Stdio::piped(),
        };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, which ends with it.
        command.process_group(0);
        let child = command.spawn().map_err(|error| {
            let help = self.why_not(&found, &error);
            failed(error, help)
        })?;
        let running = Running::watch(self.node.name(), name, child, notices, context)
            .map_err(|error| failed(error, Some("a limit of open descriptors: raise it (`ulimit -n`)".to_owned())))?;
        Ok(Process::new(self.node.clone(), running))
    }

    /// Where the program is; `None` if it is in none of the directories.
    fn find_program(&self) -> Option<PathBuf> {
        if self.program.as_encoded_bytes().contains(&b'/') {
            return Some(PathBuf::from(&self.program));
        }
        let set = self.environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
        let path = set.flatten().or_else(|| env::var_os("PATH")).unwrap_or_default();
        let directories = env::split_paths(&path).chain(OF_ROOT.map(PathBuf::from));
        let mut found = directories.map(|directory| directory.join(&self.program));
        found.find(|file| file.is_file() && access(file, AccessFlags::X_OK).is_ok())
    }

    /// Which of the things that an error may mean it does mean.
    fn why_not(&self, path: &Path, error: &io::Error) -> Option<String> {
        let missing = self.directory.as_deref().filter(|directory| !directory.is_dir());
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory if missing.is_some() => {
                Some(format!("its working directory `{}` is no directory on the node", missing?.display()))
            }
            io::ErrorKind::NotFound if path.exists() => Some(match interpreter(path) {
                Some(interpreter) => format!("its interpreter `{interpreter}` is not there"),
                None => "the file is there, but the loader or a library that it names is not".to_owned(),
            }),
            io::ErrorKind::NotFound => {
                let here = env::current_dir().unwrap_or_default();
                Some(format!("there is no such file on the node; relative paths begin in {}", here.display()))
            }
            io::ErrorKind::PermissionDenied => {
                Some("it is no file that can be run, or is in a directory that may not be entered".to_owned())
            }
            _ => match error.raw_os_error() {
                Some(libc::EMFILE) => Some("raise the limit of open descriptors (`ulimit -n`)".to_owned()),
                Some(libc::EAGAIN) => Some("raise the limit of processes (`ulimit -u`)".to_owned()),
                _ => None,
            },
        }
    }
}

/// Where programs for root are, which an ordinary user's `PATH` often lacks.
const OF_ROOT: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// What a script's first line names.
fn interpreter(path: &Path) -> Option<String> {
    let text = fs::read(path).ok()?;
    let line = text.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line).split_whitespace().next()?.to_owned())
}

/// A socket for the notifications of one program, and its address in the node's view.
fn notices() -> io::Result<(UnixDatagram, PathBuf)> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let directory = Path::new("/run/netns-test/notify");
    fs::create_dir_all(directory)?;
    let path = directory.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
    let socket = UnixDatagram::bind(&path)?;
    // A program that has become another user may speak as well.
    fs::set_permissions(&path, Permissions::from_mode(0o777))?;
    Ok((socket, path))
}

/// A file without a name that holds these bytes, to be read from its beginning.
fn memory_file(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create(c"stdin", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}
