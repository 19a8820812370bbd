use std::{
    collections::BTreeSet,
    fmt, fs,
    future::Future,
    os::{fd::BorrowedFd, unix::fs::MetadataExt},
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak},
};

use super::{
    Error, Interface, Task,
    lent::Lent,
    shared::{self, Shared, end_processes, take},
    task::TaskRuntime,
    view::ProcNet,
};
use crate::{
    capture::Tap,
    kernel::{
        KernelError, link,
        nft::Nft,
        rtnl::Rtnl,
        sysctl::{self, DeviceSetting, Written},
    },
    netns::Netns,
    process::{self, Files, NodeCondition, Process, Running, Wait},
    trace,
};
use netns_test_topology::{Chain, Departure, Sysctl};

/// A node of a network: a network namespace, and the mount namespace that shows it to programs.
///
/// A handle: clones name the same node, can be sent to other threads, and hold nothing in the kernel.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    name: String,
    live: RwLock<Option<Arc<Live>>>,
    lent: Lent,
    shared: Weak<Shared>,
}

/// What a node holds while it lives.
pub(crate) struct Live {
    pub(crate) netns: Netns,
    pub(crate) rtnl: Rtnl,
    nft: OnceLock<Nft>,
    pub(super) tasks: TaskRuntime,
    /// Processes to end with the node.
    processes: Mutex<Vec<Arc<Running>>>,
    /// Files that programs were given.
    pub(crate) files: Files,
    /// Shows the node in /proc/net, from the first closure on.
    proc_net: OnceLock<Option<ProcNet>>,
    /// What each interface must be given because /proc/sys is read-only.
    device_settings: Mutex<Vec<DeviceSetting>>,
    /// How it departs from the kernel's defaults, which interfaces that are made later share.
    departures: BTreeSet<Departure>,
    /// What is to be done when the node ends, such as stopping responders.
    attached: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

/// How a node is parted with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// The network ends: what is slow to close is handed to the holder of descriptors.
    HandOver,
    /// The node alone goes: every reference is released here and now.
    Release,
}

impl Node {
    pub(super) fn new(name: String, live: Live, shared: &Arc<Shared>) -> Self {
        let (live, shared) = (RwLock::new(Some(Arc::new(live))), Arc::downgrade(shared));
        Self(Arc::new(Inner { name, live, lent: Lent::default(), shared }))
    }

    /// The node that the calling thread is in: in a test, the test's own namespace, which is empty, has lo up, and lets
    /// programs ping without raw sockets; on a node of a network, that node.
    ///
    /// # Errors
    ///
    /// Outside a sandbox, or if the namespace cannot be opened.
    pub fn here() -> Result<Self, Error> {
        if !crate::sandbox::is_inside() {
            return Err(Error::NoSandbox);
        }
        let shared = shared::here();
        let error = |action: &str| {
            let action = action.to_owned();
            move |source| Error::io("here", action, source)
        };
        let inode = |path| fs::metadata(path).map(|found| found.ino()).map_err(error("name its namespaces"));
        let here = inode("/proc/thread-self/ns/net")?;
        let find = |shared: &Shared| shared.nodes().into_iter().find(|node| node.netns_inode().ok() == Some(here));
        if let Some(node) = find(shared) {
            return Ok(node);
        }
        // The sandbox's own may be attached to a network as well, and outlives it.
        if here != inode("/proc/self/ns/net")?
            && let Some(node) = shared::labs().iter().find_map(|shared| find(shared))
        {
            return Ok(node);
        }
        let netns = Netns::current().map_err(error("open its namespaces"))?;
        let rtnl = Rtnl::open().map_err(error("open a netlink socket"))?;
        let departures = BTreeSet::from([Departure::LoopbackUp, Departure::PingSockets]);
        let node = Self::new("here".into(), Live::new(netns, rtnl, departures), shared);
        shared.insert(node.clone());
        Ok(node)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The interface of that name, also one that a program made.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchInterface`], with the names there are.
    pub fn interface(&self, name: &str) -> Result<Interface, Error> {
        let live = self.live()?;
        match self.words(link::by_name(&live.rtnl, name))? {
            Some(_) => Ok(Interface::new(self.clone(), name)),
            None => Err(Error::NoSuchInterface {
                node: self.name().to_owned(),
                name: name.to_owned(),
                interfaces: self.links()?.into_iter().map(|link| link.name).collect(),
            }),
        }
    }

    /// Runs a closure on the node, on a thread of its own; it may borrow, and sockets that it opens belong to the node.
    ///
    /// ```no_run
    /// # fn f(node: netns_test_runtime::lab::Node) -> std::io::Result<()> {
    /// let listener = node.run(|| std::net::TcpListener::bind("10.0.0.2:7000"))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// If the closure does, at its place; if the node is gone, or its namespaces cannot be entered ([setns(2)]).
    ///
    /// [setns(2)]: https://man7.org/linux/man-pages/man2/setns.2.html
    #[track_caller]
    pub fn run<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        let result = self.live().and_then(|live| {
            live.show_proc_net(self.name());
            let context = trace::Context::of(self.name());
            let run = || context.within(f);
            live.netns.run_with_view(run).map_err(|error| Error::io(self.name(), "enter its namespaces", error))
        });
        match result {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }

    /// [`Node::run`] for our own use: answers errors, and in the network namespace only.
    pub(crate) fn try_run<R: Send>(&self, f: impl FnOnce() -> R + Send) -> Result<R, Error> {
        let live = self.live()?;
        live.netns.run(f).map_err(|error| Error::io(self.name(), "enter its namespaces", error))
    }

    /// [`Node::try_run`] with the node's mount namespace.
    pub(crate) fn try_run_with_view<R: Send>(&self, f: impl FnOnce() -> R + Send) -> Result<R, Error> {
        let live = self.live()?;
        live.netns.run_with_view(f).map_err(|error| Error::io(self.name(), "enter its namespaces", error))
    }

    /// Starts a future on the node's own Tokio runtime; what it spawns stays on the node.
    ///
    /// # Panics
    ///
    /// If the node is gone or its runtime cannot be started. A panic of the future goes on where the task is awaited;
    /// one that nobody awaits fails the test when the network ends.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let runtime = self.live().and_then(|live| {
            live.show_proc_net(self.name());
            live.tasks.handle(self, &live.netns)
        });
        match runtime {
            Ok(runtime) => Task::start(self, &runtime, trace::Context::of(self.name()).around(future)),
            Err(error) => panic!("{error}"),
        }
    }

    /// A command that will run on the node.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> process::Command {
        process::Command::new(self.clone(), program.as_ref())
    }

    /// A wait for something that whatever runs on the node brings about, to be run or awaited.
    ///
    /// ```no_run
    /// # use netns_test_runtime::process::interface;
    /// # fn f(node: netns_test_runtime::lab::Node) -> netns_test_runtime::Result {
    /// let tunnel = node.wait_for(interface("tun0")).run()?;
    /// # Ok(()) }
    /// ```
    pub fn wait_for<C: NodeCondition>(&self, condition: C) -> Wait<C> {
        Wait::new(self.clone(), None, condition)
    }

    /// Reads a kernel setting by its dotted name ([sysctl(8)]).
    ///
    /// # Errors
    ///
    /// If the kernel has no such setting.
    ///
    /// [sysctl(8)]: https://man7.org/linux/man-pages/man8/sysctl.8.html
    pub fn sysctl(&self, key: &str) -> Result<String, Error> {
        self.words(self.try_run(|| sysctl::read(key))?)
    }

    /// Sets a kernel setting by its dotted name ([sysctl(8)]).
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if it is none of a network namespace, whose names begin with `net.`; if the kernel has no
    /// such setting, or refuses the value.
    ///
    /// [sysctl(8)]: https://man7.org/linux/man-pages/man8/sysctl.8.html
    pub fn set_sysctl(&self, key: &str, value: impl ToString) -> Result<(), Error> {
        Sysctl::check_name(key)?;
        let value = value.to_string();
        self.note_change();
        match self.words(self.try_run(|| sysctl::write(key, &value))?)? {
            Written::Done => Ok(()),
            Written::ForEachDevice(setting) => {
                let live = self.live()?;
                live.device_settings().retain(|other| other.number != setting.number);
                live.device_settings().push(setting);
                self.words(live.set_up_devices())
            }
        }
    }

    /// Gives the programs and closures of this node a /tmp and a /var/tmp of their own from now on, both empty: nodes
    /// share those of the host otherwise. What was started before goes on with what it has open.
    ///
    /// # Errors
    ///
    /// If the kernel refuses the mount.
    pub fn private_tmp(&self) -> Result<(), Error> {
        self.try_run_with_view(super::view::private_tmp)?
            .map_err(|error| Error::io(self.name(), "mount a /tmp of its own", error))
    }

    pub(crate) fn live(&self) -> Result<Arc<Live>, Error> {
        let live = self.0.live.read().unwrap_or_else(PoisonError::into_inner);
        live.clone().ok_or_else(|| Error::Gone { node: self.name().to_owned() })
    }

    /// Its network namespace, by a descriptor that is open as long as a handle of the node is there.
    pub(super) fn lend_netns(&self) -> Result<BorrowedFd<'_>, Error> {
        // Whoever ends the node waits until the descriptor is there to be taken back.
        let live = self.0.live.read().unwrap_or_else(PoisonError::into_inner);
        let live = live.as_ref().ok_or_else(|| Error::Gone { node: self.name().to_owned() })?;
        let lent = self.0.lent.lend(&live.netns);
        lent.map_err(|error| Error::io(self.name(), "duplicate a descriptor of its namespace", error))
    }

    pub(crate) fn shared(&self) -> Option<Arc<Shared>> {
        self.0.shared.upgrade()
    }

    /// Has a program end with the node, and asked at the end whether it lived as long as it should.
    pub(crate) fn keep_process(&self, process: &Process) -> Result<(), Error> {
        self.live()?.processes().push(process.running().clone());
        if let Some(shared) = self.shared() {
            let running = Arc::downgrade(process.running());
            let ask = Box::new(move || running.upgrade()?.unexpected_end());
            shared.unobserved.lock().unwrap_or_else(PoisonError::into_inner).push(ask);
        }
        Ok(())
    }

    /// Knows no more of a program that has ended, but for an end that nobody expected.
    pub(crate) fn forget_process(&self, running: &Arc<Running>, unexpected: Option<String>) {
        if let Ok(live) = self.live() {
            live.processes().retain(|other| !Arc::ptr_eq(other, running));
        }
        if let (Some(shared), Some(unexpected)) = (self.shared(), unexpected) {
            shared.unobserved.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(move || Some(unexpected)));
        }
    }

    /// Kills whatever runs on these nodes without anybody's handle, such as daemons that went into the background.
    pub(super) fn end_programs_on(nodes: &[Node]) {
        let lives = nodes.iter().filter_map(|node| Some((node, node.live().ok()?)));
        let ran = lives.filter(|(_, live)| live.netns.ends_its_programs());
        process::end_all_in(&ran.filter_map(|(node, _)| node.netns_inode().ok()).collect());
    }

    /// Leaves nothing of these nodes' TCP connections to be said when their sockets are closed; what is attached to the
    /// network goes on without it.
    pub(super) fn leave_connections_of(nodes: &[Node]) {
        let lives: Vec<_> = nodes.iter().filter_map(|node| node.live().ok()).collect();
        Netns::leave_connections_of(lives.iter().map(|live| &live.netns));
    }

    pub(super) fn note_change(&self) {
        if let Some(shared) = self.shared() {
            shared.changed();
        }
    }

    /// Says which node a refusal came from.
    pub(crate) fn words<T>(&self, result: Result<T, KernelError>) -> Result<T, Error> {
        result.map_err(|error| Error::kernel(self.name(), error))
    }

    /// Ends the node; nothing if it has ended before.
    pub(super) fn end(&self, farewell: Farewell) -> Result<(), Error> {
        let live = self.0.live.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some(live) = live else { return Err(Error::Gone { node: self.name().to_owned() }) };
        self.0.lent.take_back();
        end_processes(&take(&live.processes));
        for at_the_end in take(&live.attached) {
            at_the_end();
        }
        live.tasks.stop();
        match farewell {
            Farewell::HandOver => live.netns.hand_over(),
            Farewell::Release => live.netns.tap_cell().get().map(Tap::close_at_once).unwrap_or_default(),
        }
        Ok(())
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Node {}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.name())
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Live {
    /// Gives every interface the settings that /proc/sys could not; nothing where it could.
    pub(super) fn set_up_devices(&self) -> Result<(), KernelError> {
        let settings = self.device_settings().clone();
        if settings.is_empty() {
            return Ok(());
        }
        let links = link::all(&self.rtnl)?;
        let requests = links
            .iter()
            .flat_map(|link| settings.iter().map(|setting| link::set_ipv4(link.index, *setting, link.name.as_str())));
        self.rtnl.execute_all(requests.collect())
    }

    pub(super) fn device_settings(&self) -> std::sync::MutexGuard<'_, Vec<DeviceSetting>> {
        self.device_settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn new(netns: Netns, rtnl: Rtnl, departures: BTreeSet<Departure>) -> Self {
        Self {
            netns,
            rtnl,
            nft: OnceLock::new(),
            tasks: TaskRuntime::default(),
            processes: Mutex::default(),
            files: Files::default(),
            proc_net: OnceLock::new(),
            device_settings: Mutex::default(),
            departures,
            attached: Mutex::default(),
        }
    }

    /// The connection to nftables, opened when it is first needed.
    pub(crate) fn nft(&self) -> Result<&Nft, KernelError> {
        if let Some(nft) = self.nft.get() {
            return Ok(nft);
        }
        let opened = Nft::open(&self.netns)?;
        Ok(self.nft.get_or_init(|| opened))
    }

    pub(super) fn load_firewall(&self, chains: &[Chain], counters: &[String]) -> Result<(), KernelError> {
        self.nft()?.load(chains, counters)
    }

    pub(super) fn processes(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Running>>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn show_proc_net(&self, node: &str) {
        self.proc_net.get_or_init(|| match ProcNet::show(&self.netns) {
            Ok(shown) => Some(shown),
            Err(error) => {
                eprintln!("netns-test: /proc/net shows another network on node `{node}`: {error}");
                None
            }
        });
    }

    /// Has something done when the node ends.
    pub(crate) fn attach(&self, at_the_end: impl FnOnce() + Send + 'static) {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(at_the_end));
    }

    pub(super) fn departs(&self, departure: Departure) -> bool {
        self.departures.contains(&departure)
    }
}
