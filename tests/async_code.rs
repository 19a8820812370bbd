//! Async code on nodes: what need not be `Send`, what it starts, and where that stays.
#![cfg(target_os = "linux")]

mod networks;

use std::{cell::RefCell, net::ToSocketAddrs, os::linux::fs::MetadataExt, rc::Rc};

use netns_test::{Interface, Process, Task, prelude::*};
use networks::Path;

/// The inode of the calling thread's network namespace.
fn inode() -> u64 {
    std::fs::metadata("/proc/thread-self/ns/net").expect("/proc is there").st_ino()
}

// Handles go wherever a task or a thread takes them.
const _: () = {
    const fn handle<T: Clone + Send + Sync + 'static>() {}
    handle::<Node>();
    handle::<Interface>();
    const fn shared<T: Send + Sync + 'static>() {}
    shared::<Process>();
    shared::<Lab>();
    shared::<Task<()>>();
};

/// Everything that async code may start is on the same node.
async fn places() -> Vec<u64> {
    let counted = Rc::new(RefCell::new(vec![inode()]));
    let local = counted.clone();
    tokio::task::spawn_local(async move { local.borrow_mut().push(inode()) }).await.expect("no panic");
    let mut places = counted.borrow().clone();
    places.push(tokio::spawn(async { inode() }).await.expect("no panic"));
    places.push(tokio::task::spawn_blocking(inode).await.expect("no panic"));
    let child = || {
        let child = std::process::Command::new("stat").args(["-L", "-c", "%i", "/proc/self/ns/net"]).output();
        String::from_utf8(child.expect("it runs").stdout).expect("a number").trim().parse().expect("a number")
    };
    places.push(child());
    places.push(tokio::task::spawn_blocking(child).await.expect("no panic"));
    places
}

#[netns_test]
fn code_that_borrows_and_is_not_send_runs_on_a_node(net: Path) -> Result {
    let mut seen = Vec::new();
    let count = net.a.block_on(async || {
        seen = places().await;
        seen.len()
    });
    assert_eq!((count, seen), (6, vec![net.a.netns_inode()?; 6]));
    assert_eq!(net.r.block_on(async || inode()), net.r.netns_inode()?);
    Ok(())
}

#[netns_test]
async fn code_runs_on_nodes_from_within_a_runtime(net: Path) -> Result {
    let listener = net.b.block_on(async || tokio::net::UdpSocket::bind("10.0.1.2:53").await?.into_std())?;
    let from = net.a.block_on(async || {
        let socket = tokio::net::UdpSocket::bind("10.0.0.2:0").await?;
        socket.send_to(b"hello", "10.0.1.2:53").await?;
        socket.local_addr()
    })?;
    let mut buffer = [0; 5];
    let listener = tokio::net::UdpSocket::from_std(listener)?;
    assert_eq!(listener.recv_from(&mut buffer).await?, (5, from));
    Ok(())
}

#[netns_test(flavor = "current_thread")]
async fn a_task_of_one_thread_is_on_its_node(net: Path) -> Result {
    let task = net.b.spawn_local(places);
    assert_eq!(task.await, [net.b.netns_inode()?; 6]);
    Ok(())
}

#[netns_test]
async fn a_panic_in_a_task_of_one_thread_goes_on_where_it_is_awaited(net: Path) {
    let task = net.a.spawn_local(|| async { panic!("on one thread") });
    let panic = tokio::spawn(task).await.expect_err("it panicked").into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"on one thread"));
}

/// Tells that it was dropped.
struct Tell(std::sync::mpsc::Sender<()>);

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.send(()).expect("the test waits");
    }
}

#[netns_test]
fn a_task_of_one_thread_ends_when_it_is_aborted_or_its_node_is_removed() -> Result {
    let lab = Path::topology().up()?;
    let a = lab.node("a")?;
    let start = || -> Result<_> {
        let (tell, told) = std::sync::mpsc::channel();
        let task = a.spawn_local(move || async move {
            tell.send(()).expect("the test waits");
            let _last = Tell(tell);
            std::future::pending::<()>().await;
        });
        // A task that is aborted before it began never begins.
        told.recv()?;
        Ok((task, told))
    };
    let (aborted, of_aborted) = start()?;
    let (_kept, of_kept) = start()?;
    aborted.abort();
    of_aborted.recv()?;
    lab.remove_node(&a)?;
    of_kept.recv()?;
    Ok(())
}

#[netns_test(on = a)]
async fn names_are_looked_up_on_the_node_of_the_body(net: Path) -> Result {
    // As the C library does it, on this thread and on one for blocking work.
    assert!(("b", 80).to_socket_addrs()?.any(|found| found == "10.0.1.2:80".parse().expect("an address")));
    let found: Vec<_> = tokio::net::lookup_host("r:80").await?.collect();
    assert!(found.contains(&"10.0.0.1:80".parse()?), "{found:?}");
    let places =
        [inode(), tokio::task::spawn_blocking(inode).await?, std::thread::spawn(inode).join().expect("no panic")];
    assert_eq!(places, [net.a.netns_inode()?; 3]);
    Ok(())
}

#[netns_test]
async fn probes_and_waits_are_awaited_side_by_side(net: Path) -> Result {
    let server = net.b.command("cat").stdin_piped().spawn()?;
    let listener = net.b.run(|| std::net::TcpListener::bind("10.0.1.2:80"))?;
    let (reached, listens, ended) =
        tokio::join!(net.a.probe(tcp("10.0.1.2:80")), net.b.wait_for(listening(tcp(80))), async {
            drop(server.take_stdin());
            server.wait_for(exit()).await
        });
    drop(listener);
    assert!(reached?.is_reached() && listens.is_ok() && ended?.success());
    Ok(())
}
