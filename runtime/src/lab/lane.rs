//! A thread that makes nodes, one after another.

use std::{collections::BTreeSet, fs::File, io, sync::Once};

use netns_test_topology::Departure;
use nix::{
    errno::Errno,
    sched::{CloneFlags, setns},
};

use super::{Error, node::Live, view};
use crate::{
    kernel::{
        KernelError,
        rtnl::Rtnl,
        sysctl::{self, Written},
    },
    netns::Netns,
};

/// Where the thread began.
pub(super) struct Lane(File);

/// A kernel setting that a node begins with.
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: String,
    /// Whether the node's departure from the kernel's defaults asks for it.
    pub(super) is_departure: bool,
}

impl Lane {
    /// The calling thread is to end with the lane: it is in its last node's namespace afterwards.
    pub(super) fn open() -> Result<Self, Error> {
        let home = File::open("/proc/thread-self/ns/net")
            .map_err(|error| Error::io("*", "open the sandbox's network namespace", error))?;
        Ok(Self(home))
    }

    /// Makes the namespace of a node, and in it everything that needs a thread there.
    pub(super) fn create(
        &self,
        name: &str,
        settings: &[Setting],
        departures: BTreeSet<Departure>,
    ) -> Result<Live, Error> {
        let (netns, rtnl) = self.enter_new(name).map_err(|error| refusal(name, error))?;
        let live = Live::new(netns, rtnl, departures);
        for setting in settings {
            let written = setting.write().map_err(|error| Error::kernel(name, error))?;
            if let Written::ForEachDevice(setting) = written {
                live.device_settings().push(setting);
            }
        }
        Ok(live)
    }

    fn enter_new(&self, name: &str) -> io::Result<(Netns, Rtnl)> {
        // With net.core.devconf_inherit_init_net = 3 a namespace copies the settings of the one it is made from.
        setns(&self.0, CloneFlags::CLONE_NEWNET)?;
        Ok((Netns::unshare(view::of_a_node(name, Vec::new()))?, Rtnl::open()?))
    }
}

impl Setting {
    fn write(&self) -> Result<Written, KernelError> {
        let Self { key, value, is_departure } = self;
        match sysctl::write(key, value) {
            Err(error) if *is_departure && error.is(Errno::EROFS) => {
                static ONCE: Once = Once::new();
                ONCE.call_once(|| eprintln!("netns-test: the ready profile is incomplete here: {error}"));
                Ok(Written::Done)
            }
            written => written,
        }
    }
}

/// Namespaces are refused for lack of room long after the sandbox was made.
fn refusal(name: &str, error: io::Error) -> Error {
    let source = KernelError::io("make", "its network namespace", &error);
    let source = match error.raw_os_error() {
        Some(libc::ENOSPC) => source.help("raise user.max_net_namespaces (sysctl), or run fewer tests at once"),
        Some(libc::EMFILE) => source.help("raise the limit of open descriptors (ulimit -n)"),
        _ => source,
    };
    Error::kernel(name, source)
}
