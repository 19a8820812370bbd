//! Programs on nodes: started with their files, watched, spoken to, ended.
//!
//! A program belongs to its node's network and mount namespace, and ends with the node. What it prints is kept, and
//! shown with the output of the test, line by line as it comes.

mod again;
mod binary;
mod command;
mod condition;
mod error;
mod files;
mod handle;
mod hints;
mod leftovers;
mod log;
mod running;
mod signal;
mod sockets;
mod supervisor;
mod wait;

#[doc(hidden)]
pub use binary::binary;
pub use command::{Command, Output};
pub use condition::{
    Condition, Exit, Listening, LogLine, NamedInterface, NodeCondition, Notified, UnixSocket, exit, interface,
    listening, log, notify, unix,
};
pub use error::ProcessError;
pub use handle::Process;
pub use signal::{SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGSTOP, SIGTERM, SIGUSR1, SIGUSR2, Signal};
pub use wait::Wait;

pub(crate) use files::Files;
pub(crate) use leftovers::end_all_in;
pub(crate) use running::Running;
