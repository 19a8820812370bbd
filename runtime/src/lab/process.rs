use std::{
    ffi::{OsStr, OsString},
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{Error, Node};
use crate::probe::{Protocol, Traffic};

/// How long a program may take to listen before that counts as a failure.
const LISTENING_WITHIN: Duration = Duration::from_secs(10);

/// A command that will run on a node; made by [`Node::command`].
///
/// Its output is kept, and its standard input is empty. It ends with the network.
#[derive(Debug, Clone)]
#[must_use = "a command does nothing until `spawn` or `output`"]
pub struct Command {
    node: Node,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
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

/// A program that runs on a node; it is killed when this is dropped, or when the network ends.
#[derive(Debug)]
pub struct Process {
    node: Node,
    program: String,
    running: Arc<Running>,
}

/// A child with what it wrote so far.
pub(super) struct Running {
    child: Mutex<Child>,
    stdout: Collector,
    stderr: Collector,
}

impl Command {
    pub(super) fn new(node: Node, program: &OsStr) -> Self {
        Self { node, program: program.into(), arguments: Vec::new(), environment: Vec::new(), directory: None }
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
        self.environment.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// Sets the working directory.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().into());
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If the program is not found or may not be run.
    pub fn spawn(self) -> Result<Process, Error> {
        let live = self.node.live()?;
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let program = self.program.to_string_lossy().into_owned();
        let failed = |error| Error::io(self.node.name(), format!("run `{program}`"), error);
        // A child belongs to the namespaces of the thread that starts it.
        let spawned = live.netns.run_with_view(|| command.spawn());
        let mut child =
            spawned.map_err(|error| Error::io(self.node.name(), "enter its namespaces", error))?.map_err(failed)?;
        let stdout = Collector::start(child.stdout.take()).map_err(failed)?;
        let stderr = Collector::start(child.stderr.take()).map_err(failed)?;
        let running = Arc::new(Running { child: Mutex::new(child), stdout, stderr });
        live.processes.lock().unwrap_or_else(PoisonError::into_inner).push(running.clone());
        Ok(Process { node: self.node.clone(), program, running })
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// If the program is not found or may not be run; an exit status that means failure is no error here.
    pub fn output(self) -> Result<Output, Error> {
        self.spawn()?.wait()
    }
}

impl Process {
    /// Its process id, in the sandbox's numbering.
    pub fn id(&self) -> u32 {
        self.running.child().id()
    }

    /// What it wrote to its standard output so far.
    pub fn stdout(&self) -> String {
        self.running.stdout.text()
    }

    /// What it wrote to its standard error so far.
    pub fn stderr(&self) -> String {
        self.running.stderr.text()
    }

    /// Waits until it listens on a port of its node.
    ///
    /// # Errors
    ///
    /// At once, with its output, if it ends before; after 10 s if it does not listen by then.
    pub fn wait_until_listening(&self, traffic: Traffic) -> Result<(), Error> {
        let begin = Instant::now();
        loop {
            if self.node.listens(&traffic)? {
                return Ok(());
            }
            let why = match self.running.child().try_wait() {
                Ok(Some(status)) => format!("it ended before, with {status}"),
                Ok(None) if begin.elapsed() > LISTENING_WITHIN => format!("it does not after {LISTENING_WITHIN:?}"),
                Ok(None) => {
                    crate::pause();
                    continue;
                }
                Err(error) => format!("its state cannot be read: {error}"),
            };
            let output = format!("{}{}", self.stdout(), self.stderr());
            let action = format!("wait until `{}` listens on {traffic}", self.program);
            return Err(Error::io(self.node.name(), action, io::Error::other(format!("{why}\n{output}"))));
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// If its state cannot be read.
    pub fn wait(self) -> Result<Output, Error> {
        loop {
            let ended = self.running.child().try_wait();
            match ended.map_err(|error| Error::io(self.node.name(), format!("wait for `{}`", self.program), error))? {
                Some(status) => {
                    self.running.stdout.finish();
                    self.running.stderr.finish();
                    return Ok(Output { status, stdout: self.stdout(), stderr: self.stderr() });
                }
                None => crate::pause(),
            }
        }
    }

    /// Kills it.
    pub fn kill(self) {
        self.running.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.running.kill();
        if let Ok(live) = self.node.live() {
            let mut processes = live.processes.lock().unwrap_or_else(PoisonError::into_inner);
            processes.retain(|other| !Arc::ptr_eq(other, &self.running));
        }
    }
}

impl Running {
    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills and reaps it; nothing if it has ended.
    pub(super) fn kill(&self) {
        let mut child = self.child();
        // Both fail only for a child that has been reaped.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.child().id())
    }
}

/// Keeps what comes out of a pipe.
struct Collector {
    text: Arc<Mutex<Vec<u8>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Collector {
    fn start(pipe: Option<impl Read + Send + 'static>) -> io::Result<Self> {
        let text = Arc::new(Mutex::new(Vec::new()));
        let kept = text.clone();
        let mut pipe = pipe.ok_or_else(|| io::Error::other("the child has no pipe"))?;
        let thread = thread::Builder::new().name("output".into()).spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..length]);
            }
        })?;
        Ok(Self { text, thread: Mutex::new(Some(thread)) })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits for the end of the pipe.
    fn finish(&self) {
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It ends without a value; a panic in it has been printed.
            let _ = thread.join();
        }
    }
}

impl Node {
    /// Whether a socket of this node listens for such traffic.
    pub(crate) fn listens(&self, traffic: &Traffic) -> Result<bool, Error> {
        let (files, listening) = match traffic.protocol() {
            Protocol::Tcp => (["tcp", "tcp6"], "0A"),
            _ => (["udp", "udp6"], "07"),
        };
        let port = traffic.port();
        let tables =
            self.try_run(|| files.map(|file| std::fs::read_to_string(format!("/proc/thread-self/net/{file}"))))?;
        for table in tables {
            let table = match table {
                Ok(table) => table,
                // Without IPv6 there is no second file.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io(self.name(), "list its sockets", error)),
            };
            let found = table.lines().skip(1).any(|line| {
                let mut words = line.split_whitespace().skip(1);
                let local = words.next().and_then(|local| local.rsplit_once(':'));
                let state = words.nth(1);
                let local_port = local.and_then(|(_, port)| u16::from_str_radix(port, 16).ok());
                state == Some(listening) && local_port.is_some() && local_port == port
            });
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
