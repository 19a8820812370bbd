//! Containers are processes, and a link to the namespace of one gives it a name.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Child, Command},
};

use netns_test::prelude::*;

use crate::{common::claim, programs, seen};

/// A process with a network namespace of its own and loopback up, as Docker starts it without a network.
struct Container(Child);

impl Container {
    fn start() -> Result<Self> {
        let own = fs::read_link("/proc/thread-self/ns/net")?;
        let script = "ip link set lo up && exec sleep 1000";
        let container = Self(Command::new("unshare").args(["--net", "sh", "-c", script]).spawn()?);
        // A program is in the namespace of its parent first, and is `sh` before it is `sleep`.
        let started = || {
            let name = fs::read_to_string(format!("/proc/{}/comm", container.0.id())).unwrap_or_default();
            container.namespace().is_some_and(|namespace| namespace != own) && name.trim() == "sleep"
        };
        eventually(Duration::from_secs(10), started);
        Ok(container)
    }

    fn namespace(&self) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/ns/net", self.0.id())).ok()
    }

    /// Gives its namespace a name, as the text does.
    fn name(&self, name: &str) -> Result {
        Ok(symlink(format!("/proc/{}/ns/net", self.0.id()), format!("/var/run/netns/{name}"))?)
    }

    fn end(mut self) -> Result {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // It may have ended before; the sandbox ends it in any case.
        let _ = self.0.kill();
    }
}

const NAMES: [&str; 3] = ["verizon", "router", "laptop"];

#[netns_test]
#[ignore = "needs ip and unshare"]
fn a_link_to_its_namespace_makes_a_container_known_to_ip() -> Result {
    let containers = [Container::start()?, Container::start()?, Container::start()?];
    claim("docker-home-network-attach-c3", Vec::<String>::new(), programs::names()?);

    for (container, name) in containers.iter().zip(NAMES) {
        container.name(name)?;
    }
    claim("docker-home-network-attach-c1", vec!["laptop", "router", "verizon"], programs::names()?);

    let inside = NAMES.map(|name| programs::good(&format!("ip netns exec {name} readlink /proc/self/ns/net")));
    let inside: Vec<_> = inside.into_iter().map(|seen| seen.map(PathBuf::from)).collect::<Result<_>>()?;
    let namespaces: Vec<_> = containers.iter().filter_map(Container::namespace).collect();
    claim("docker-home-network-attach-c1b", namespaces.clone(), inside);

    let pids = || containers.iter().map(|container| container.0.id().to_string());
    let identified: Vec<_> =
        pids().map(|pid| programs::good(&format!("ip netns identify {pid}"))).collect::<Result<_>>()?;
    let listed = NAMES.map(|name| programs::good(&format!("ip netns pids {name}")));
    let listed: Vec<_> = listed.into_iter().collect::<Result<_>>()?;
    claim(
        "docker-home-network-attach-c1c",
        (Vec::from(NAMES.map(str::to_owned)), pids().collect::<Vec<_>>()),
        (identified, listed),
    );

    programs::good("ip link add near type veth peer name far")?;
    programs::good(&format!("ip link set far netns {}", containers[0].0.id()))?;
    let interfaces = programs::good("ip netns exec verizon ls /sys/class/net")?;
    claim("docker-home-network-attach-c1d", vec!["far", "lo"], interfaces.lines().collect::<Vec<_>>());

    let all: BTreeSet<_> = namespaces.into_iter().chain([fs::read_link("/proc/thread-self/ns/net")?]).collect();
    claim("docker-home-network-attach-c2", 4, all.len());
    Ok(())
}

#[netns_test]
#[ignore = "needs ip and unshare"]
fn a_link_ends_with_the_process_and_a_mount_does_not() -> Result {
    let (linked, attached) = (Container::start()?, Container::start()?);
    linked.name("verizon")?;
    let namespace = attached.namespace().map(|namespace| namespace.display().to_string());
    programs::good(&format!("ip netns attach router {}", attached.0.id()))?;
    linked.end()?;
    attached.end()?;

    let exec = |name: &str| programs::run(&format!("ip netns exec {name} readlink /proc/self/ns/net"));
    let refused = exec("verizon")?.err().unwrap_or_default();
    let is_listed = programs::names()?.iter().any(|name| name == "verizon");
    let expected = (true, "Cannot open network namespace \"verizon\": No such file or directory".to_owned());
    claim("docker-home-network-attach-c4", expected, (is_listed, refused));

    claim("docker-home-network-attach-c4b", namespace, exec("router")?.ok());
    Ok(())
}

#[netns_test]
fn a_container_without_a_network_has_loopback_alone_and_up() -> Result {
    let container = Topology::builder().profile(Profile::Kernel).node("c", |c| c.with(Departure::LoopbackUp));
    let lab = container.build()?.up()?;
    let container = lab.node("c")?;
    let seen = format!("{}: {}", seen::names(&container)?.join(" "), seen::link(&container, "lo")?);
    let expected = "lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN";
    claim("docker-home-network-attach-c5", expected, seen);
    Ok(())
}
