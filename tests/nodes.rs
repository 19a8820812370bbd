//! What happens on a node: closures, tasks, programs, and what they see of it.

mod networks;

use netns_test::{Error, prelude::*};
use networks::Path;
use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
};

// ---- closures

#[netns_test]
fn a_closure_borrows_and_returns(net: Path) -> Result {
    let mut names = Vec::new();
    let greeting = String::from("on ");
    let count = net.a.run(|| {
        names.push(format!("{greeting}a"));
        names.len()
    });
    assert_eq!((count, names), (1, vec!["on a".to_owned()]));
    // One runs inside of another, and each is on its own node.
    let inodes = net.a.run(|| (inode(), net.b.run(inode), inode()));
    assert_eq!(inodes, (net.a.netns_inode()?, net.b.netns_inode()?, net.a.netns_inode()?));
    assert_eq!(netns_test::here().netns_inode()?, inode());
    Ok(())
}

#[netns_test]
fn here_is_where_the_calling_thread_is() -> Result {
    let lab = Path::topology().up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    // The first who asks is on a node.
    assert_eq!(a.run(netns_test::here), a);
    assert_eq!(netns_test::here().netns_inode()?, inode());
    assert_eq!(netns_test::here().links()?.len(), 1);
    assert_eq!(b.run(|| (netns_test::here(), a.run(netns_test::here))), (b.clone(), a.clone()));
    // Nobody's node, which the thread has made itself.
    let unshared = std::thread::spawn(|| {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("a namespace");
        (netns_test::here().netns_inode().expect("it is open"), inode())
    });
    let (seen, made) = unshared.join().expect("no panic");
    assert_eq!(seen, made);
    // It waits until nothing holds the namespace.
    lab.remove_node(&a)?;
    assert_eq!(netns_test::here().netns_inode()?, inode());
    Ok(())
}

#[netns_test(on = a)]
fn here_is_the_node_that_a_body_runs_on(net: Path) -> Result {
    assert_eq!(netns_test::here(), net.a);
    assert_eq!(net.b.run(netns_test::here), net.b);
    Ok(())
}

/// The inode of the calling thread's network namespace.
fn inode() -> u64 {
    use std::os::linux::fs::MetadataExt;
    std::fs::metadata("/proc/thread-self/ns/net").expect("/proc is there").st_ino()
}

#[netns_test]
fn a_panic_in_a_closure_keeps_its_place_and_its_value(net: Path) {
    static PLACES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        PLACES.lock().expect("no panic holds it").push(place);
    }));
    let line = line!() + 1;
    let panic = catch_unwind(AssertUnwindSafe(|| net.a.run(|| panic!("on a node"))));
    std::panic::set_hook(before);
    assert_eq!(panic.expect_err("it panicked").downcast_ref(), Some(&"on a node"));
    let places = PLACES.lock().expect("no panic holds it");
    assert!(places.len() == 1 && places[0].starts_with(&format!("{}:{line}:", file!())), "{places:?}");
}

#[netns_test]
fn std_sockets_belong_to_the_node_and_outlive_the_closure(net: Path) -> Result {
    let listener = net.b.run(|| TcpListener::bind("10.0.1.2:7000"))?;
    assert!(net.a.run(|| TcpListener::bind("10.0.1.2:7000")).is_err(), "that address is b's");
    let mut client = net.a.run(|| TcpStream::connect(listener.local_addr()?))?;
    client.write_all(b"hello")?;
    drop(client);
    let (mut peer, from) = listener.accept()?;
    let mut greeting = String::new();
    peer.read_to_string(&mut greeting)?;
    assert_eq!((greeting.as_str(), from.ip()), ("hello", "10.0.0.2".parse::<IpAddr>()?));
    // The same port is free on every node.
    let all = [&net.a, &net.r, &net.b].map(|node| node.run(|| UdpSocket::bind("0.0.0.0:5000")));
    assert!(all.iter().all(|socket| socket.is_ok()), "{all:?}");
    Ok(())
}

// ---- tasks

#[netns_test]
async fn tasks_and_what_they_spawn_stay_on_the_node(net: Path) -> Result {
    let seen = net.b.spawn(async {
        let inner = tokio::spawn(async { inode() });
        let blocking = tokio::task::spawn_blocking(inode);
        (inode(), inner.await.expect("no panic"), blocking.await.expect("no panic"))
    });
    let b = net.b.netns_inode()?;
    assert_eq!(seen.await, (b, b, b));
    Ok(())
}

#[netns_test]
fn tokio_sockets_belong_to_the_node(net: Path) -> Result {
    let (tell, told) = std::sync::mpsc::channel();
    let server = net.b.spawn(async move {
        let socket = tokio::net::UdpSocket::bind("10.0.1.2:7000").await?;
        tell.send(()).expect("the test waits");
        let mut buffer = [0; 10];
        let (length, from) = socket.recv_from(&mut buffer).await?;
        std::io::Result::Ok((buffer[..length].to_vec(), from))
    });
    told.recv()?;
    let sent_from: SocketAddr = net.a.run(|| {
        let socket = UdpSocket::bind("10.0.0.2:0")?;
        socket.send_to(b"hello", "10.0.1.2:7000")?;
        socket.local_addr()
    })?;
    assert_eq!(server.join()?, (b"hello".to_vec(), sent_from));
    Ok(())
}

#[netns_test]
async fn a_panic_in_a_task_goes_on_where_it_is_awaited(net: Path) {
    let task = net.a.spawn(async { panic!("in a task") });
    let waiting = tokio::spawn(task);
    let panic = waiting.await.expect_err("it panicked").into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"in a task"));
}

#[netns_test]
#[should_panic(expected = "a task on node `a` panicked: nobody waits")]
fn a_panic_in_a_task_that_nobody_awaits_fails_the_test() {
    let lab = Path::topology().up().expect("it can be built");
    let a = lab.node("a").expect("there is one");
    let (tell, told) = std::sync::mpsc::channel();
    drop(a.spawn(async move {
        let _last = Tell(tell);
        panic!("nobody waits");
    }));
    told.recv().expect("the task ends");
    // The runtime notes the panic a moment after the future was dropped.
    a.spawn(async {}).join();
}

/// Tells that it was dropped.
struct Tell(std::sync::mpsc::Sender<()>);

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.send(()).expect("the test waits");
    }
}

// ---- what is seen of a node

#[netns_test]
fn threads_and_programs_see_the_network_of_their_node(net: Path) -> Result {
    let interfaces = || -> std::io::Result<Vec<String>> {
        let mut names: Vec<_> = std::fs::read_dir("/sys/class/net")?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<std::io::Result<_>>()?;
        names.retain(|name| name != "bonding_masters");
        names.sort();
        Ok(names)
    };
    assert_eq!(net.a.run(interfaces)?, ["eth0", "lo"]);
    assert_eq!(net.r.run(interfaces)?, ["left", "lo", "right"]);
    assert_eq!(interfaces()?, ["lo"]);
    let device_lines = |text: String| text.lines().skip(2).filter(|line| line.contains("left:")).count();
    for file in ["/proc/net/dev", "/proc/self/net/dev", "/proc/thread-self/net/dev"] {
        assert_eq!(device_lines(net.r.run(|| std::fs::read_to_string(file))?), 1, "{file} on r");
        assert_eq!(device_lines(net.a.run(|| std::fs::read_to_string(file))?), 0, "{file} on a");
        assert_eq!(device_lines(std::fs::read_to_string(file)?), 0, "{file} here");
    }
    let program = net.r.command("sh").args(["-c", "echo /sys/class/net/l*; cat /proc/net/dev"]).output()?.stdout;
    assert!(program.starts_with("/sys/class/net/left /sys/class/net/lo\n"), "{program}");
    assert_eq!(device_lines(program), 1);
    Ok(())
}

#[netns_test]
fn tasks_see_the_network_of_their_node_alone(net: Path) -> Result {
    let devices = || {
        let all = std::fs::read_to_string("/proc/net/dev").expect("/proc is there");
        let names = all.lines().skip(2).filter_map(|line| line.split_once(':'));
        names.map(|(name, _)| name.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(net.r.spawn(async move { devices() }).join(), ["lo", "left", "right"]);
    assert_eq!(net.a.spawn_local(move || async move { devices() }).join(), ["lo", "eth0"]);
    Ok(())
}

#[netns_test]
fn a_task_on_a_node_that_cannot_be_entered_panics_where_it_is_started(net: Path) -> Result {
    // Nodes' file systems are put together in a directory of that name.
    std::fs::write("/run/netns-test/stage", "")?;
    let refused = |start: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(start)).expect_err("it cannot begin");
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    let text = refused(&|| drop(net.a.spawn(async {})));
    assert!(text.starts_with("on node `a`: cannot enter its namespaces: "), "{text}");
    let text = refused(&|| drop(net.a.spawn_local(|| async {})));
    assert!(text.starts_with("on node `a`: cannot "), "{text}");
    std::fs::remove_file("/run/netns-test/stage")?;
    assert_eq!(net.a.spawn(async { inode() }).join(), net.a.netns_inode()?);
    Ok(())
}

#[netns_test]
fn each_node_has_a_run_directory_of_its_own(net: Path) -> Result {
    net.a.run(|| std::fs::write("/run/daemon.pid", "1"))?;
    assert!(net.a.run(|| std::fs::exists("/run/daemon.pid"))?);
    assert!(!net.b.run(|| std::fs::exists("/run/daemon.pid"))? && !std::fs::exists("/run/daemon.pid")?);
    Ok(())
}

#[netns_test]
fn each_node_has_a_host_name_of_its_own(net: Path) -> Result {
    let name = || std::fs::read_to_string("/proc/sys/kernel/hostname");
    assert_eq!([net.a.run(name)?, net.b.run(name)?, name()?], ["a\n", "b\n", "netns-test\n"]);
    assert_eq!(net.b.command("uname").arg("-n").output()?.stdout, "b\n");
    Ok(())
}

#[netns_test]
fn a_temporary_directory_is_shared_unless_the_node_wants_its_own(net: Path) -> Result {
    let file = format!("/tmp/netns-test-{}", netns_test::here().netns_inode()?);
    std::fs::write(&file, "")?;
    net.a.private_tmp()?;
    let is_there = || std::fs::exists(&file);
    let seen = (net.a.run(is_there), net.b.run(is_there));
    std::fs::remove_file(&file)?;
    assert_eq!((seen.0?, seen.1?), (false, true));
    net.a.run(|| std::fs::write("/var/tmp/x", ""))?;
    assert_eq!(net.a.command("ls").args(["/tmp", "/var/tmp"]).output()?.stdout, "/tmp:\n\n/var/tmp:\nx\n");
    Ok(())
}

#[netns_test]
fn unix_sockets_with_equal_paths_do_not_clash(net: Path) -> Result {
    let path = "/run/daemon.sock";
    let listeners = [&net.a, &net.b].map(|node| node.run(|| std::os::unix::net::UnixListener::bind(path)));
    let [one, _other] = listeners;
    net.a.run(|| std::os::unix::net::UnixStream::connect(path))?.write_all(b"to a")?;
    let mut text = String::new();
    one?.accept()?.0.read_to_string(&mut text)?;
    assert_eq!(text, "to a");
    assert!(net.r.run(|| std::os::unix::net::UnixStream::connect(path)).is_err());
    Ok(())
}

#[netns_test]
fn nodes_find_each_other_by_name() -> Result {
    let before = std::fs::read_to_string("/etc/hosts")?;
    let lab = Path::topology().up()?;
    let (a, r) = (lab.node("a")?, lab.node("r")?);
    let found = |name: &str| -> std::io::Result<Vec<String>> {
        let mut all: Vec<_> = a.run(|| (name, 80).to_socket_addrs())?.map(|address| address.ip().to_string()).collect();
        all.sort();
        all.dedup();
        Ok(all)
    };
    assert_eq!(found("b")?, ["10.0.1.2", "fd01::2"]);
    assert_eq!(found("r")?, ["10.0.0.1", "10.0.1.1", "fd00::1", "fd01::1"]);
    assert_eq!(found("localhost")?, ["127.0.0.1", "::1"]);
    let program = r.command("cat").arg("/etc/hosts").output()?.stdout;
    assert!(program.contains("10.0.0.2 a\nfd00::2 a\n"), "{program}");

    // Those of two networks do not get in each other's way.
    let other = Topology::builder().node("alone", |n| n).node("x", |n| n.bridge("br0", |b| b.address("10.9.0.1/24")));
    let other = other.build()?.up()?;
    assert_eq!(found("x")?, ["10.9.0.1"]);
    drop(other);
    assert!(found("x").is_err());
    assert_eq!(found("b")?, ["10.0.1.2", "fd01::2"]);
    lab.remove_node(&r)?;
    assert!(found("r").is_err());
    drop(lab);
    assert_eq!(std::fs::read_to_string("/etc/hosts")?, before);
    Ok(())
}

#[netns_test]
fn each_node_asks_its_own_name_servers() -> Result {
    let lab = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1/24").nameserver("10.0.0.2").nameserver("fd00::53"))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    let servers = "nameserver 10.0.0.2\nnameserver fd00::53\n";
    assert_eq!(a.run(|| std::fs::read_to_string("/etc/resolv.conf"))?, servers);
    assert_eq!(a.command("cat").arg("/etc/resolv.conf").output()?.stdout, servers);
    for others in [b.run(|| std::fs::read_to_string("/etc/resolv.conf"))?, std::fs::read_to_string("/etc/resolv.conf")?]
    {
        assert!(!others.contains("nameserver"), "{others}");
    }

    // The resolver of the C library asks the first of them, from the node.
    let server = b.run(|| UdpSocket::bind("10.0.0.2:53"))?;
    server.set_read_timeout(Some(Duration::from_millis(20)))?;
    let found = std::thread::scope(|scope| {
        let asker = scope.spawn(|| a.run(|| ("host.example", 80).to_socket_addrs()));
        while !asker.is_finished() {
            answer_one(&server);
        }
        asker.join().expect("no panic")
    });
    assert_eq!(found?.next(), Some("192.0.2.7:80".parse()?));
    Ok(())
}

/// Answers a question for an IPv4 address ([RFC 1035]), and has nothing to say to others.
///
/// [RFC 1035]: https://www.rfc-editor.org/rfc/rfc1035#section-4
fn answer_one(server: &UdpSocket) {
    let mut message = [0; 512];
    let Ok((length, asker)) = server.recv_from(&mut message) else { return };
    let mut reply = message[..length].to_vec();
    reply[2..4].copy_from_slice(&[0x81, 0x80]);
    if reply.ends_with(&[0, 1, 0, 1]) {
        reply[7] = 1;
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
    }
    server.send_to(&reply, asker).expect("the asker is there");
}

#[netns_test(on = a)]
fn a_body_runs_on_the_node_that_it_names(net: Path) -> Result {
    assert_eq!(inode(), net.a.netns_inode()?);
    let client = UdpSocket::bind("10.0.0.2:0")?;
    client.connect("10.0.1.2:9")?;
    assert_eq!(std::thread::spawn(inode).join().expect("no panic"), net.a.netns_inode()?);
    Ok(())
}

#[netns_test(on = b)]
async fn an_async_body_and_its_tasks_run_on_the_node_that_it_names(net: Path) -> Result {
    let b = net.b.netns_inode()?;
    let listener = tokio::net::TcpListener::bind("10.0.1.2:7000").await?;
    let (accepted, reached) = tokio::join!(listener.accept(), net.a.probe(tcp("10.0.1.2:7000")));
    assert!(reached?.is_reached());
    assert_eq!(accepted?.1.ip(), "10.0.0.2".parse::<IpAddr>()?);
    assert_eq!((inode(), tokio::spawn(async { inode() }).await?, tokio::task::spawn_blocking(inode).await?), (b, b, b));
    Ok(())
}

// ---- networks without an argument, profiles, readiness

#[netns_test]
fn the_first_echo_of_a_hundred_networks_needs_no_second_try() -> Result {
    for size in 0..100u8 {
        let mut lan = Topology::builder();
        for host in 1..=2 + size % 3 {
            lan = lan.node(format!("h{host}"), |n| n.interface("eth0", format!("10.0.{size}.{host}/24")));
        }
        let ends: Vec<_> = (1..=2 + size % 3).map(|host| format!("h{host}.eth0")).collect();
        let lab = lan.switch("lan", ends.iter().map(String::as_str)).build()?.up()?;
        let seen = lab.node("h1")?.reaches(lab.node("h2")?.ping());
        let answer = seen.report().answer();
        assert_eq!((answer.sent.left, answer.sent.solicitations, answer.received), (1, 1, 1), "network {size}");
    }
    Ok(())
}

#[netns_test]
fn two_networks_at_once_do_not_see_each_other() -> Result {
    let (one, other) = (Path::topology().up()?, Path::topology().up()?);
    assert_ne!(one.node("a")?, other.node("a")?);
    one.node("b")?.serve(tcp(80))?;
    let wire = other.node("r")?.interface("left")?.capture(any())?;
    one.node("a")?.reaches(tcp("10.0.1.2:80"));
    other.node("a")?.cannot_reach(tcp("10.0.1.2:80"), by::Refused.by("10.0.1.2"));
    wire.saw(tcp(80));
    drop(one);
    other.node("a")?.reaches(other.node("b")?.ping());
    Ok(())
}

#[netns_test]
fn the_ready_profile_is_ready_at_once(net: Path) -> Result {
    for node in [&net.a, &net.r, &net.b] {
        assert!(node.addresses()?.iter().all(|info| !info.tentative));
        assert!(node.interface("lo")?.info()?.flags.up());
        assert_eq!(node.sysctl("net.ipv6.conf.all.accept_dad")?, "0");
        assert_eq!(node.sysctl("net.ipv4.icmp_ratemask")?, "0");
        assert_eq!(node.sysctl("net.ipv4.ping_group_range")?, "0\t0");
    }
    let seen = net.a.reaches(ping("fd01::2"));
    let sent = seen.report().answer().sent;
    assert_eq!((sent.left, sent.solicitations), (1, 1), "IPv6 needed no second try");
    assert_ne!(net.a.interface("eth0")?.index()?, net.r.interface("left")?.index()?);
    // The kernel rounds up to its own ticks.
    let retransmit: u32 = net.a.sysctl("net.ipv4.neigh.eth0.retrans_time_ms")?.parse()?;
    assert!((50..=60).contains(&retransmit), "{retransmit} ms");
    Ok(())
}

#[netns_test]
fn the_kernel_profile_is_the_kernels_own() -> Result {
    let lab = Topology::builder()
        .profile(Profile::Kernel)
        .node("a", |n| n.interface("eth0", ["10.0.0.1/24", "fd00::1/64"]))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24").with(Departure::LoopbackUp))
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    assert!(!a.interface("lo")?.info()?.flags.up() && b.interface("lo")?.info()?.flags.up());
    assert_eq!(a.sysctl("net.ipv4.neigh.eth0.retrans_time_ms")?, "1000");
    assert_eq!(a.sysctl("net.ipv4.neigh.eth0.mcast_solicit")?, "3");
    assert_eq!(a.sysctl("net.ipv6.conf.eth0.accept_dad")?, "1");
    assert_eq!(a.sysctl("net.ipv4.icmp_ratemask")?, "6168");
    assert_ne!(a.sysctl("net.ipv4.ping_group_range")?, "0\t0");
    assert_eq!(a.interface("eth0")?.index()?, b.interface("eth0")?.index()?);
    a.reaches(b.ping());
    // Nodes that come later share the profile.
    assert!(!lab.add_node("later")?.interface("lo")?.info()?.flags.up());
    Ok(())
}

#[netns_test]
fn a_network_that_cannot_be_built_leaves_an_error_that_says_where() -> Result {
    let error = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1/24").sysctl("net.ipv4.no_such_thing", 1))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .link("a.eth0", "b.eth0")
        .build()?
        .up()
        .expect_err("the kernel has no such setting");
    assert!(matches!(&error, Error::Kernel { node, .. } if node == "a"), "{error}");
    assert!(error.to_string().contains("net.ipv4.no_such_thing"), "{error}");
    Ok(())
}
