//! A node's namespaces for the launcher of another crate.

use std::os::fd::AsFd;

use unshare::{Command, Namespace};

use super::{Error, Node};

impl Node {
    /// Lends its namespaces to a command of the [`unshare`](https://docs.rs/unshare) crate, which enters them before it
    /// runs its program ([setns(2)]).
    ///
    /// For programs that need what [`Node::command`] does not offer, such as another root directory or fewer
    /// capabilities. The traps of that crate stay:
    ///
    /// - its child is killed when the *thread* that spawned it ends, and not with the node; a command that
    ///   [`allow_daemonize`](Command::allow_daemonize)s lives until the test ends;
    /// - whoever removes the node has to end the child first, and drop the command, which holds the namespaces;
    /// - an unprivileged user cannot add a user namespace by `set_id_maps`; a test has one already;
    /// - it has not been maintained since 2021 and brings nix 0.20.0 along, for which RUSTSEC-2021-0119 was published.
    ///
    /// # Errors
    ///
    /// [`Error::Gone`], or if no more descriptors can be opened.
    ///
    /// [setns(2)]: https://man7.org/linux/man-pages/man2/setns.2.html
    pub fn lend<'command>(&self, command: &'command mut Command) -> Result<&'command mut Command, Error> {
        let live = self.live()?;
        let failed = |error| Error::io(self.name(), "lend its namespaces", error);
        let mount_namespace = live.netns.mount_namespace().map_err(failed)?;
        command.set_namespace(&mount_namespace.as_fd(), Namespace::Mount).map_err(failed)?;
        command.set_namespace(&live.netns.as_fd(), Namespace::Net).map_err(failed)
    }
}
