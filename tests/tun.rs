//! Interfaces that programs make.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "the request that makes a TUN interface has no safe form")]

use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::AsRawFd,
};

use netns_test::prelude::*;

/// Makes a TUN interface of that name, which lives as long as the file is open ([tun(4)]).
///
/// [tun(4)]: https://www.kernel.org/doc/html/latest/networking/tuntap.html
fn tun(name: &str) -> io::Result<File> {
    let path = "/dev/net/tun";
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(|error| io::Error::new(error.kind(), format!("cannot open {path}: {error}")))?;
    // SAFETY: all of it may be zero.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the kernel reads and writes the request, which lives through the call.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(file) }
}

/// How many users there are in this sandbox: an ordinary user's has one.
fn users() -> u64 {
    let map = std::fs::read_to_string("/proc/self/uid_map").expect("/proc is there");
    map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok()).sum()
}

#[netns_test]
fn a_tunnel_that_a_program_makes_is_awaited_and_used() -> Result {
    let node = netns_test::here();
    let looked = netns_test::require(Feature::Tun);
    let is_roots = looked.as_ref().is_err_and(|missing| missing.to_string().contains("help   sudo chmod 666 "));
    if is_roots && users() == 1 {
        // An ordinary user's test, where the file is root's: it is told what to do.
        let daemon = node.process(|name: String| tun(&name).map(drop), "tun0".to_owned()).spawn()?;
        let error = daemon.ready(interface("tun0")).expect_err("it cannot be made").to_string();
        assert!(error.contains("cannot open /dev/net/tun: Permission denied"), "{error}");
        assert!(error.contains("help: ") && error.contains("`sudo chmod 666 /dev/net/tun` on the host"), "{error}");
        return Ok(());
    }
    looked?;
    let daemon = node.process(
        |name: String| {
            let _tunnel = tun(&name).expect("it can be opened");
            netns_test::here().interface(&name).and_then(|tunnel| tunnel.up()).expect("it is there");
            io::stdin().read_line(&mut String::new()).expect("a pipe");
        },
        "tun0".to_owned(),
    );
    let daemon = daemon.stdin_piped().spawn()?;
    let tunnel = daemon.ready(interface("tun0"))?;
    for address in ["10.9.0.9", "fd09::9"] {
        let error = tunnel.who_has(address).expect_err("it has no link-layer addresses").to_string();
        assert!(error.contains("`here.tun0` is no Ethernet interface"), "{error}");
    }
    tunnel.add_address("10.8.0.1/24")?;
    node.reaches(ping("10.8.0.1"));
    daemon.terminate()?;
    eventually(Duration::from_secs(5), || node.interface("tun0").is_err());
    Ok(())
}

#[netns_test]
fn a_kind_of_interface_that_is_made_in_another_way_is_known() -> Result {
    use netns_test::kernel::{has_link_kind, has_queueing_discipline};

    assert!(has_link_kind("tun")?, "the kernel says that rtnetlink does not make it");
    assert!(!has_link_kind("nonesuch")?);
    assert!(!has_queueing_discipline("nonesuch")?);
    Ok(())
}
