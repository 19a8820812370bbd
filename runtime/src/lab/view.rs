//! What programs on a node see of it in the file system.

use std::{
    fs::{self, File},
    io::{self, Write},
    net::IpAddr,
    path::Path,
    sync::{
        Mutex, OnceLock, PoisonError,
        mpsc::{Sender, channel},
    },
    thread,
};

use netns_test_topology::{self as topology, Topology};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns, unshare},
    unistd::sethostname,
};

use super::offer;
use crate::{
    netns::{Netns, View},
    sandbox::mounts::{HOSTS, name_file},
};

/// Where a node's /run is put together before it takes its place.
const STAGE: &str = "/run/netns-test/stage";

/// Remembers the sandbox's own mount namespace, from which every node's is made.
pub(super) fn prepare() -> io::Result<()> {
    home().map(drop)
}

/// How a node comes to a mount namespace, and to a host name that is its own; without name servers of its own it has those of the sandbox: none.
pub(super) fn of_a_node(name: &str, name_servers: Vec<IpAddr>) -> View {
    let name = name.to_owned();
    View::ToMake(Box::new(move || {
        // Whoever comes first may be on another node.
        setns(home()?, CloneFlags::CLONE_NEWNS)?;
        fs::create_dir_all(STAGE)?;
        unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)?;
        sethostname(&name)?;
        show()?;
        set_name_servers(&name_servers)
    }))
}

/// The mount namespace of the process's first thread, which no closure on a node runs on.
pub(super) fn home() -> io::Result<&'static File> {
    static HOME: OnceLock<File> = OnceLock::new();
    match HOME.get() {
        Some(home) => Ok(home),
        None => {
            let home = File::open("/proc/self/ns/mnt")?;
            Ok(HOME.get_or_init(|| home))
        }
    }
}

/// Gives the calling thread, in new namespaces of its own, a /sys of its network and a /run of its own.
fn show() -> io::Result<()> {
    // What is lost of /sys where the kernel refuses a new one has been said when the sandbox was made.
    crate::sandbox::mounts::sys().map_err(|refusal| io::Error::from(refusal.errno))?;
    mount(Some("tmpfs"), STAGE, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=0755"))?;
    let inside = |name: &Path| Path::new(STAGE).join(name);
    fs::create_dir(inside(Path::new("lock")))?;
    for directory in offer::directories().iter().filter_map(|directory| directory.strip_prefix("/run").ok()) {
        fs::create_dir_all(inside(directory))?;
        mount(
            Some(&Path::new("/run").join(directory)),
            &inside(directory),
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )?;
    }
    if let Some(target) = resolver_file() {
        // /etc/resolv.conf is a link into /run: its target must exist in the new one as well.
        let copy = inside(Path::new(&target));
        copy.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::copy(Path::new("/run").join(&target), copy)?;
    }
    mount(Some(STAGE), "/run", None::<&str>, MsFlags::MS_MOVE, None::<&str>)?;
    Ok(())
}

/// Gives the calling thread's mount namespace a resolver configuration ([resolv.conf(5)]).
///
/// [resolv.conf(5)]: https://man7.org/linux/man-pages/man5/resolv.conf.5.html
fn set_name_servers(servers: &[IpAddr]) -> io::Result<()> {
    if servers.is_empty() {
        return Ok(());
    }
    let lines: String = servers.iter().map(|server| format!("nameserver {server}\n")).collect();
    match name_file(Path::new("/etc/resolv.conf"), &lines) {
        Ok(None) => Ok(()),
        Ok(Some(why)) => Err(io::Error::other(format!("its name servers cannot be set: {why}"))),
        Err(refusal) => Err(refusal.errno.into()),
    }
}

/// Gives the calling thread's mount namespace a /tmp and a /var/tmp of its own, both empty.
pub(super) fn private_tmp() -> io::Result<()> {
    for path in ["/tmp", "/var/tmp"].into_iter().filter(|path| Path::new(path).is_dir()) {
        mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=1777"))?;
    }
    Ok(())
}

/// The names of a network's nodes in /etc/hosts, which all nodes of a sandbox share; gone when this is dropped.
#[derive(Debug)]
pub(super) struct Names(Mutex<Vec<(String, String)>>);

impl Names {
    /// Adds a line for each address of each node, but for those of lo.
    pub(super) fn add(topology: &Topology) -> io::Result<Self> {
        let lines = |node: &topology::Node| {
            let interfaces = node.interfaces.iter().filter(|interface| interface.name != *"lo");
            let addresses = interfaces.flat_map(|interface| &interface.addresses);
            addresses.map(|address| format!("{} {}\n", address.addr(), node.name)).collect::<String>()
        };
        let names = topology.nodes.iter().map(|node| (node.name.to_string(), lines(node)));
        let names: Vec<_> = names.filter(|(_, lines)| !lines.is_empty()).collect();
        let added: String = names.iter().map(|(_, lines)| lines.as_str()).collect();
        change_hosts(|hosts| hosts + &added)?;
        Ok(Self(Mutex::new(names)))
    }

    /// Takes out the lines of a node.
    pub(super) fn remove(&self, node: &str) -> io::Result<()> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<_> = names.extract_if(.., |(name, _)| name == node).collect();
        change_hosts(|hosts| gone.iter().fold(hosts, |hosts, (_, lines)| hosts.replacen(lines, "", 1)))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let names = std::mem::take(self.0.get_mut().unwrap_or_else(PoisonError::into_inner));
        // Names that lead nowhere do no harm.
        let _ = change_hosts(|hosts| names.iter().fold(hosts, |hosts, (_, lines)| hosts.replacen(lines, "", 1)));
    }
}

/// Rewrites the sandbox's /etc/hosts in place, as it is bound to; never the host's, which shows where there is no file
/// to bind ours to.
fn change_hosts(change: impl FnOnce(String) -> String) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let hosts = match fs::read_to_string("/etc/hosts") {
        Ok(hosts) if hosts.starts_with(HOSTS) => hosts,
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let changed = change(hosts.clone());
    if changed == hosts {
        return Ok(());
    }
    let mut file = fs::OpenOptions::new().write(true).truncate(true).open("/etc/hosts")?;
    file.write_all(changed.as_bytes())
}

/// The path below /run that /etc/resolv.conf links to, if it does.
fn resolver_file() -> Option<String> {
    let target = fs::read_link("/etc/resolv.conf").ok()?;
    let target = Path::new("/etc").join(target);
    let text = target.to_str()?;
    let below = text.strip_prefix("/run/").or_else(|| text.strip_prefix("/etc/../run/"))?;
    Some(below.to_owned())
}

/// Makes `/proc/net` show the node to threads of this process that are on it.
///
/// `/proc/net` is `/proc/self/net`, which is that of the process's main thread; a mount over it shows the network of
/// the thread that made it, for as long as that thread lives. This keeps one.
#[derive(Debug)]
pub(super) struct ProcNet {
    _stop: Sender<()>,
}

impl ProcNet {
    pub(super) fn show(netns: &Netns) -> io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let (ready, done) = channel();
        let inside = netns.clone();
        thread::Builder::new().name("proc-net".into()).spawn(move || {
            let shown = inside.enter().and_then(|_| {
                // The namespace is held by the thread itself from here on.
                drop(inside);
                let none = None::<&str>;
                Ok(mount(Some("/proc/thread-self/net"), "/proc/self/net", none, MsFlags::MS_BIND, none)?)
            });
            let is_shown = shown.is_ok();
            if ready.send(shown).is_ok() && is_shown {
                // Ends with an error when the other side is dropped.
                let _ = stopped.recv();
            }
        })?;
        done.recv().map_err(io::Error::other)??;
        Ok(Self { _stop: stop })
    }
}
