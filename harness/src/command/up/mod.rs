//! `netns-test up`: a network to walk around in.

mod ask;
mod serve;

use std::{
    env, fs, io,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{self, ExitCode},
    sync::mpsc,
    thread,
};

use clap::Args;
use netns_test_runtime::{
    lab::{Node, Up as _},
    sandbox::{is_inside, sandboxed},
};
use nix::unistd::gettid;

pub(super) use self::ask::Ask;
use super::{Status, check::network, colours, say};

/// Where the shell finds its own commands, in the node's view.
const COMMANDS: &str = "/run/netns-test/bin";

/// Names the file that says where the nodes' namespaces are, and the socket of whoever built them.
const NODES: &str = "NETNS_TEST_NODES";
const SOCKET: &str = "NETNS_TEST_SOCKET";

/// What to build.
#[derive(Debug, Args)]
pub(super) struct Up {
    /// A topology file, a scenario file, a tutorial, or a lab of containerlab or Kathará
    file: PathBuf,
    /// The node on which the shell begins; the first of the file if it is not said
    #[arg(long)]
    node: Option<String>,
    /// What to run instead of a shell
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Up {
    pub(super) fn run(&self) -> ExitCode {
        if !is_inside() {
            // Mistakes are said before a sandbox is made for them.
            match network(&self.file, colours()) {
                Ok(network) => network.notes.iter().for_each(|note| eprintln!("{note}")),
                Err(mistakes) => {
                    eprintln!("{}", mistakes.trim_end());
                    return Status::Wrong.into();
                }
            }
        }
        sandboxed(|| match self.inside() {
            Ok(status) => ExitCode::from(status),
            Err(why) => {
                eprintln!("netns-test: {why}");
                ExitCode::from(1)
            }
        })
    }

    /// Builds the network and runs the shell in it, in the sandbox.
    fn inside(&self) -> Result<u8, String> {
        let topology = network(&self.file, false)?.topology;
        let lab = topology.up().map_err(|error| format!("the network cannot be built: {error}"))?;
        let first = topology.nodes.first().map(|node| node.name.to_string()).unwrap_or_default();
        let node = lab.node(self.node.as_ref().unwrap_or(&first)).map_err(|error| error.to_string())?;
        let names: Vec<String> = lab.nodes().iter().map(|node| node.name().to_owned()).collect();
        let rooms = lab.nodes().iter().map(room).collect::<io::Result<Vec<String>>>().map_err(|e| e.to_string())?;
        let socket = format!("netns-test-up-{}", process::id());
        let listener = serve::listen(&node, &socket).map_err(|error| format!("cannot answer the shell: {error}"))?;

        let (program, arguments) = match self.command.split_first() {
            Some((program, arguments)) => (program.clone(), arguments.to_vec()),
            None => {
                say(&format!(
                    "{} · you are on `{}` · on NODE COMMAND, capture NODE.INTERFACE, matrix, exit",
                    list(&names),
                    node.name()
                ));
                (env::var("SHELL").unwrap_or_else(|_| "sh".to_owned()), Vec::new())
            }
        };
        let status = thread::scope(|scope| {
            let lab = &lab;
            let topology = &topology;
            scope.spawn(move || serve::serve(&listener, lab, topology));
            let status = node.run(|| {
                commands()?;
                process::Command::new(&program)
                    .args(&arguments)
                    .env("PATH", format!("{COMMANDS}:{}", env::var("PATH").unwrap_or_default()))
                    .env("PS1", format!("{} # ", node.name()))
                    .env(NODES, rooms.join("\n"))
                    .env(SOCKET, &socket)
                    .status()
            });
            serve::stop(&node, &socket);
            status
        });
        let status = status.map_err(|error| format!("cannot run `{program}`: {error}"))?;
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
        Ok(u8::try_from(code).unwrap_or(1))
    }
}

fn list(names: &[String]) -> String {
    match names {
        [.., last] if names.len() > 8 => format!("{} … {last}", names[..6].join(" ")),
        _ => names.join(" "),
    }
}

/// Where a node's namespaces can be entered: `NAME PATH`, the path the one of a thread that stays in them.
fn room(node: &Node) -> io::Result<String> {
    let (tell, told) = mpsc::channel();
    let name = node.name().to_owned();
    let node = node.clone();
    thread::Builder::new().name(format!("netns-test {name}")).spawn(move || {
        node.run(|| {
            // Whoever waits has gone only if the whole process has.
            let _ = tell.send(gettid());
            loop {
                thread::park();
            }
        })
    })?;
    let thread = told.recv().map_err(io::Error::other)?;
    Ok(format!("{name} /proc/{}/task/{thread}/ns", process::id()))
}

/// Puts the shell's commands into the calling thread's view, which is the node's.
fn commands() -> io::Result<()> {
    let program = env::current_exe()?;
    let program = shlex::try_quote(&program.to_string_lossy()).map_err(io::Error::other)?.into_owned();
    fs::create_dir_all(COMMANDS)?;
    for name in ["on", "capture", "matrix"] {
        let path = Path::new(COMMANDS).join(name);
        fs::write(&path, format!("#!/bin/sh\nexec {program} ask {name} \"$@\"\n"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
