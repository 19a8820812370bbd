//! As the tests of libraries for namespaces and of what runs containers: netns-rs, rtnetlink's `NetworkNamespace`, CNI
//! plugins. They make namespaces with names below /run/netns, enter them, and unmount them.

use std::{
    fs::{self, File},
    io,
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
};

use netns_test::netns_test;
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, setns, unshare},
};

/// Makes a namespace with a name, as `ip netns add` does.
fn add(name: &str) -> io::Result<()> {
    let path = Path::new("/run/netns").join(name);
    fs::create_dir_all("/run/netns")?;
    File::create_new(&path)?;
    thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET)?;
        mount(Some("/proc/thread-self/ns/net"), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
        Ok(())
    })
    .join()
    .expect("no panic")
}

fn remove(name: &str) -> io::Result<()> {
    let path = Path::new("/run/netns").join(name);
    umount2(&path, MntFlags::MNT_DETACH)?;
    fs::remove_file(path)
}

#[netns_test]
fn a_namespace_is_added_entered_and_removed() -> io::Result<()> {
    add("container")?;
    let here = TcpListener::bind("127.0.0.1:80")?;
    let namespace = File::open("/run/netns/container")?;
    let inside = thread::spawn(move || -> io::Result<_> {
        setns(namespace, CloneFlags::CLONE_NEWNET)?;
        let names: Vec<_> = nix::net::if_::if_nameindex()?.iter().map(|one| one.name().to_owned()).collect();
        Ok((names, TcpStream::connect("127.0.0.1:80").map_err(|error| error.kind()).map(drop)))
    });
    let (names, reached) = inside.join().expect("no panic")?;
    assert_eq!((names.len(), names[0].to_str()), (1, Ok("lo")));
    assert_eq!(reached, Err(io::ErrorKind::NetworkUnreachable), "its loopback is down");
    TcpStream::connect(here.local_addr()?)?;

    assert_eq!(add("container").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    remove("container")?;
    assert!(File::open("/run/netns/container").is_err());
    Ok(())
}
