//! Hosts around one switch, up and ready.
#![expect(unsafe_code, reason = "the floor is what bare system calls cost, without a library")]

use std::{
    fs::{self, File},
    io,
    os::fd::{AsRawFd, OwnedFd},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use netns_test::{
    Lab, Topology, Up,
    sandbox::{End, Sandbox},
};

use crate::{
    measure::{Row, compare},
    netlink::{Batch, CREATE, Socket, link_body},
};

/// The name of the comparison, and of the body that [`measure`] runs in a sandbox.
pub(crate) const NAME: &str = "star";

/// Numbers of hosts, how many sandboxes are used for each, and how many pairs of runs there are in each.
///
/// A namespace costs the more, the more there are in its sandbox: its first look at /proc/sys/net walks over one entry
/// for each. No test has more than those of its own networks.
const SIZES: [(usize, usize, usize); 3] = [(2, 4, 15), (10, 8, 5), (100, 10, 1)];

/// Attributes that the `libc` crate does not name, or not everywhere.
const IFLA_BR_FORWARD_DELAY: u16 = 1;
const IFLA_BR_STP_STATE: u16 = 5;
const IFLA_BR_MCAST_SNOOPING: u16 = 23;
const VETH_INFO_PEER: u16 = 1;
const OPER_UP: u8 = 6;

/// The bridge's index in the switch, and of each host's interface; the ports follow on the bridge.
const BRIDGE: u32 = 2;
const HOST_END: u32 = 3;

/// How long a cable may take to be ready.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the kernel may take to clean up behind a thousand namespaces.
const CLEAN_UP: Duration = Duration::from_secs(60);

/// Measures all sizes, in sandboxes whose bodies leave the times in a file.
pub(crate) fn measure(directory: &Path) -> io::Result<Vec<Row>> {
    let file = directory.join("netns-test-bench.times");
    let mut rows = Vec::new();
    for (hosts, sandboxes, pairs) in SIZES {
        let mut times = Vec::new();
        for sandbox in 0..sandboxes {
            let turns = sandbox * pairs..(sandbox + 1) * pairs;
            let numbers = [hosts, turns.start, turns.end].map(|number| number.to_string().into());
            let end = Sandbox::new(NAME).args([file.as_os_str().to_owned()].into_iter().chain(numbers)).run();
            if !matches!(end, End::Passed) {
                return Err(io::Error::other(end.to_string()));
            }
            for line in fs::read_to_string(&file)?.lines() {
                times.push(line.parse()?);
            }
        }
        rows.push(Row::new(NAME, hosts, &times));
    }
    fs::remove_file(&file)?;
    Ok(rows)
}

/// The body in a sandbox.
pub(crate) fn body(arguments: &[String]) -> io::Result<()> {
    let [file, hosts, first, end] = arguments else { return Err(io::ErrorKind::InvalidInput.into()) };
    let number = |word: &String| word.parse::<usize>().map_err(io::Error::other);
    let (hosts, turns) = (number(hosts)?, number(first)?..number(end)?);
    // Namespaces that go away make the next ones wait: those of the sandbox before are waited for, and those of this
    // one stay until its end.
    let mut labs = vec![ours(&topology(1)?)?];
    let mut floors = vec![wait_for_clean_up()?];
    let star = topology(hosts)?;
    let times = compare(
        turns,
        || {
            labs.push(ours(&star)?);
            Ok(())
        },
        || {
            floors.push(floor(hosts)?);
            Ok(())
        },
    )?;
    fs::write(file, times.iter().map(|pair| format!("{pair}\n")).collect::<String>())
}

/// Waits until the kernel has cleaned up behind every namespace that is gone by now: it does so in their order, so it
/// is a matter of letting one more go and watching what was in it.
#[expect(clippy::disallowed_methods, reason = "in a loop that ends by what it sees")]
fn wait_for_clean_up() -> io::Result<Vec<Place>> {
    let mut places = floor(1)?;
    places.truncate(1);
    let give_up = Instant::now() + CLEAN_UP;
    while places[0].socket.oper_state(port(1)).is_ok() {
        if Instant::now() > give_up {
            return Err(io::Error::other("the kernel does not clean up behind the namespaces that are gone"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(places)
}

fn topology(hosts: usize) -> io::Result<Topology> {
    let mut builder = Topology::builder();
    for host in 1..=hosts {
        builder = builder.node(format!("host{host}"), |node| {
            node.interface("eth0", format!("10.0.{}.{}/16", host / 250, host % 250))
        });
    }
    let ends = (1..=hosts).map(|host| format!("host{host}.eth0"));
    builder.switch("switch", ends).build().map_err(io::Error::other)
}

fn ours(star: &Topology) -> io::Result<Lab> {
    star.up().map_err(io::Error::other)
}

/// A namespace, and a way to speak to it.
struct Place {
    socket: Socket,
    netns: OwnedFd,
}

/// The least that makes a star ready, on one thread and with as few messages as it takes: a network namespace for each
/// host and the switch, with `lo` up; a bridge with the settings of the profile `ready`; a cable for each host, made by
/// one message with each end in its place and distinct indexes, the port up and on the bridge; each host's address; and
/// the wait until both ends of every cable are UP.
///
/// It makes no mount namespaces, and writes none of the profile's kernel settings (reverse path filter, forwarding,
/// address detection, ICMP limits, neighbour timers): a star works without them.
fn floor(hosts: usize) -> io::Result<Vec<Place>> {
    let home = File::open("/proc/thread-self/ns/net")?;
    let places = (0..=hosts).map(|_| place()).collect::<io::Result<Vec<_>>>();
    // SAFETY: takes no memory of ours.
    check(unsafe { libc::setns(home.as_raw_fd(), libc::CLONE_NEWNET) })?;
    let places = places?;
    let (switch, hosts) = places.split_first().expect("the switch is there without hosts too");

    let mut bridge = Batch::default();
    bridge.link(0, 1, true);
    bridge.link(CREATE, BRIDGE, true);
    bridge.attribute(libc::IFLA_IFNAME, b"br0\0");
    bridge.nest(libc::IFLA_LINKINFO, |batch| {
        batch.attribute(libc::IFLA_INFO_KIND, b"bridge");
        batch.nest(libc::IFLA_INFO_DATA, |batch| {
            batch.attribute(IFLA_BR_STP_STATE, &0_u32.to_ne_bytes());
            batch.attribute(IFLA_BR_FORWARD_DELAY, &0_u32.to_ne_bytes());
            batch.attribute(IFLA_BR_MCAST_SNOOPING, &[0]);
        });
    });
    switch.socket.carry_out(bridge)?;

    let mut cables = Batch::default();
    for (number, host) in (1..).zip(hosts) {
        add_cable(&mut cables, number, host);
    }
    switch.socket.carry_out(cables)?;

    for (number, host) in (1..).zip(hosts) {
        let mut config = Batch::default();
        config.link(0, 1, true);
        // `struct ifaddrmsg`: family, prefix length, flags, scope, index.
        let mut body = [libc::AF_INET as u8, 16, 0, 0, 0, 0, 0, 0];
        body[4..].copy_from_slice(&HOST_END.to_ne_bytes());
        config.message(libc::RTM_NEWADDR, CREATE, &body);
        let address = [10, 0, (number / 250) as u8, (number % 250) as u8];
        config.attribute(libc::IFA_LOCAL, &address);
        config.attribute(libc::IFA_ADDRESS, &address);
        config.link(0, HOST_END, true);
        host.socket.carry_out(config)?;
    }

    let give_up = Instant::now() + PATIENCE;
    for (number, host) in (1..).zip(hosts) {
        wait_until_up(&host.socket, HOST_END, give_up)?;
        wait_until_up(&switch.socket, port(number), give_up)?;
    }
    Ok(places)
}

/// A new network namespace, which the calling thread is in afterwards.
fn place() -> io::Result<Place> {
    // SAFETY: takes no memory of ours.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) })?;
    Ok(Place { socket: Socket::open()?, netns: File::open("/proc/thread-self/ns/net")?.into() })
}

/// The index of the switch's end of a host's cable.
fn port(number: u32) -> u32 {
    HOST_END + number
}

fn add_cable(batch: &mut Batch, number: u32, host: &Place) {
    batch.link(CREATE, port(number), true);
    batch.attribute(libc::IFLA_IFNAME, format!("port{number}\0").as_bytes());
    batch.attribute(libc::IFLA_MASTER, &BRIDGE.to_ne_bytes());
    batch.nest(libc::IFLA_LINKINFO, |batch| {
        batch.attribute(libc::IFLA_INFO_KIND, b"veth");
        batch.nest(libc::IFLA_INFO_DATA, |batch| {
            batch.nest(VETH_INFO_PEER, |batch| {
                batch.append(&link_body(HOST_END, false));
                batch.attribute(libc::IFLA_IFNAME, b"eth0\0");
                batch.attribute(libc::IFLA_NET_NS_FD, &host.netns.as_raw_fd().to_ne_bytes());
            });
        });
    });
}

fn wait_until_up(socket: &Socket, index: u32, give_up: Instant) -> io::Result<()> {
    while socket.oper_state(index)? != OPER_UP {
        if Instant::now() > give_up {
            return Err(io::Error::other(format!("interface {index} of the floor does not come up")));
        }
        thread::yield_now();
    }
    Ok(())
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
