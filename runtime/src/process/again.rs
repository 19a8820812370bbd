//! A second copy of the test's own program, on a node.

use std::{fmt, process::Termination, str::FromStr};

use super::Command;
use crate::{lab::Node, sandbox::Entry};

impl Node {
    /// A command that runs a function of this program in a process of its own on the node.
    ///
    /// The process is a fresh copy of the test's program that calls the function and nothing else. It shares no memory
    /// with the test, so the argument travels as text. The process ends as a program does whose `main` the function is.
    ///
    /// ```no_run
    /// use std::net::{SocketAddr, UdpSocket};
    ///
    /// fn echo(address: SocketAddr) -> std::io::Result<()> {
    ///     let socket = UdpSocket::bind(address)?;
    ///     let mut buffer = [0; 1500];
    ///     loop {
    ///         let (length, from) = socket.recv_from(&mut buffer)?;
    ///         socket.send_to(&buffer[..length], from)?;
    ///     }
    /// }
    ///
    /// # use netns_test_runtime::{lab::Node, process::listening, probe::udp};
    /// # fn f(node: Node) -> netns_test_runtime::Result {
    /// let server = node.process(echo, "10.0.0.2:7".parse()?).spawn()?;
    /// server.ready(listening(udp(7)))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// If the function is not part of the program itself, but of a dynamic library.
    #[track_caller]
    pub fn process<A, R>(&self, function: fn(A) -> R, argument: A) -> Command
    where
        A: ToString + FromStr<Err: fmt::Debug>,
        R: Termination,
    {
        match Entry::new(function) {
            Some(entry) => Command::new(self.clone(), "/proc/self/exe".as_ref()).entry(entry, argument.to_string()),
            None => panic!("only a function of the test's own program can be run in a process, not one of a library"),
        }
    }
}
