//! The network namespace of a node, for code that wants it by itself.

use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::PathBuf,
};

use super::{Error, Node};

impl Node {
    /// A path that names the node's network namespace, for libraries that want one; good in this process while the node
    /// lives.
    ///
    /// ```no_run
    /// # use netns_test_runtime::lab::Node;
    /// # fn open(path: &std::path::Path) -> std::io::Result<()> { Ok(()) }
    /// # fn f(node: Node) -> netns_test_runtime::Result {
    /// let tunnels = open(&node.netns_path()?)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Gone`].
    pub fn netns_path(&self) -> Result<PathBuf, Error> {
        Ok(PathBuf::from(format!("/proc/self/fd/{}", self.live()?.netns.as_fd().as_raw_fd())))
    }

    /// A descriptor of the node's network namespace that is the caller's own, and keeps the namespace when the node is
    /// gone; `as_fd` lends one that does not.
    ///
    /// # Errors
    ///
    /// [`Error::Gone`], or if no more descriptors can be opened.
    pub fn netns_fd(&self) -> Result<OwnedFd, Error> {
        let live = self.live()?;
        live.netns
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| Error::io(self.name(), "duplicate a descriptor of its namespace", error))
    }
}

/// Lends the node's network namespace, for [setns(2)] and whoever calls it.
///
/// ```no_run
/// use std::os::fd::AsFd;
///
/// use nix::sched::{CloneFlags, setns};
///
/// # fn f(node: netns_test_runtime::lab::Node) -> netns_test_runtime::Result {
/// let interfaces = std::thread::scope(|scope| {
///     let inside = scope.spawn(|| {
///         setns(node.as_fd(), CloneFlags::CLONE_NEWNET)?;
///         nix::net::if_::if_nameindex().map(|all| all.iter().count())
///     });
///     inside.join().expect("no panic")
/// })?;
/// # Ok(()) }
/// ```
///
/// [`Node::run`] does this and more: the file systems of the node go with it.
///
/// The descriptor does not keep the namespace. When the node is removed, or its network ends, it is still open, and
/// names nothing that could be entered.
///
/// [setns(2)]: https://man7.org/linux/man-pages/man2/setns.2.html
impl AsFd for Node {
    /// # Panics
    ///
    /// If the node is gone, or no more descriptors can be opened; [`Node::netns_fd`] answers errors.
    #[track_caller]
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self.lend_netns() {
            Ok(lent) => lent,
            Err(error) => panic!("{error}"),
        }
    }
}
