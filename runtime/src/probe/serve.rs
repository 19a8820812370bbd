//! Responders: a node that answers.

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::fd::{AsFd, AsRawFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use nix::{
    cmsg_space,
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        eventfd::{EfdFlags, EventFd},
        socket::{
            AddressFamily, Backlog, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, SockaddrStorage,
            bind, listen, recvmsg, sendmsg, setsockopt, socket, sockopt,
        },
    },
};

use super::{Protocol, Traffic, attempt::socket_addr};
use crate::netns::Netns;

/// A responder on every address of a node: TCP connections and UDP datagrams get back what they sent.
///
/// It answers until it is stopped or its node ends; dropping this handle does not stop it.
#[derive(Debug, Clone)]
pub struct Server(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    port: u16,
    stop: EventFd,
    /// As long as it serves.
    sockets: Weak<Sockets>,
    peers: Mutex<Vec<SocketAddr>>,
    connections: Mutex<Vec<TcpStream>>,
    bytes: AtomicU64,
}

/// A node that cannot serve what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The description does not say what to listen on.
    #[error("cannot serve `{0}`: a responder needs TCP or UDP and a port, such as `tcp(80)`, and answers everybody")]
    Unservable(Traffic),
    /// The kernel refused.
    #[error("cannot {operation} for {traffic}: {source}{}", remedy(source))]
    System {
        /// What was tried.
        operation: &'static str,
        /// What was to be served.
        traffic: Traffic,
        /// The kernel's answer.
        source: io::Error,
    },
}

/// What to do about a port that is taken.
fn remedy(refused: &io::Error) -> &'static str {
    match refused.kind() {
        io::ErrorKind::AddrInUse => {
            "\n  help: a program of this node has that port, or another `serve`: end it first, or take another port"
        }
        _ => "",
    }
}

impl Server {
    /// Begins to answer on a namespace's addresses, those that come later included; port 0 takes a free one.
    pub(crate) fn start(netns: &Netns, traffic: &Traffic) -> Result<Self, ServeError> {
        let plain = Traffic { port: None, ..traffic.clone() } == Traffic::new(traffic.protocol);
        let (Some(port), true, Protocol::Tcp | Protocol::Udp) = (traffic.port, plain, traffic.protocol) else {
            return Err(ServeError::Unservable(traffic.clone()));
        };
        let failed = |operation| move |source| ServeError::System { operation, traffic: traffic.clone(), source };
        let (sockets, port) = netns.run(|| open(traffic.protocol, port)).and_then(|r| r).map_err(failed("listen"))?;
        let stop = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK);
        let sockets = Arc::new(sockets);
        let shared = Arc::new(Shared {
            port,
            sockets: Arc::downgrade(&sockets),
            stop: stop.map_err(|e| failed("make an event descriptor")(e.into()))?,
            peers: Mutex::default(),
            connections: Mutex::default(),
            bytes: AtomicU64::new(0),
        });
        let serving = shared.clone();
        let name = format!("netns-test serve {}", traffic.protocol);
        let thread = thread::Builder::new().name(name).spawn(move || serving.serve(&sockets));
        thread.map_err(failed("start a thread"))?;
        Ok(Self(shared))
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Who came, in order: one entry for each TCP connection or UDP datagram.
    ///
    /// Everybody whom a probe has reached is among them. Another client's TCP connection is the client's a moment before
    /// it is here, while the last segment of the handshake is on its way: wait for it with `eventually`.
    pub fn peers(&self) -> Vec<SocketAddr> {
        if let Some(Sockets::Tcp(listeners)) = self.0.sockets.upgrade().as_deref() {
            listeners.iter().for_each(|listener| self.0.accept(listener));
        }
        lock(&self.0.peers).clone()
    }

    /// How many bytes were sent back.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Relaxed)
    }

    /// Stops answering and ends its connections.
    pub fn stop(&self) {
        // A counter that is full has been written before.
        let _ = self.0.stop.write(1);
        for connection in lock(&self.0.connections).drain(..) {
            // One that has ended already is as good.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// The sockets of a responder, by family.
#[derive(Debug)]
enum Sockets {
    Tcp(Vec<TcpListener>),
    Udp(Vec<UdpSocket>),
}

impl Shared {
    fn serve(self: &Arc<Self>, sockets: &Sockets) {
        loop {
            let fds: Vec<_> = match sockets {
                Sockets::Tcp(all) => all.iter().map(AsFd::as_fd).collect(),
                Sockets::Udp(all) => all.iter().map(AsFd::as_fd).collect(),
            };
            let mut polled: Vec<_> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
            polled.push(PollFd::new(self.stop.as_fd(), PollFlags::POLLIN));
            match poll(&mut polled, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return,
            }
            if polled.last().and_then(PollFd::any).unwrap_or(true) {
                return;
            }
            match sockets {
                Sockets::Tcp(all) => all.iter().for_each(|listener| self.accept(listener)),
                Sockets::Udp(all) => all.iter().for_each(|socket| self.answer(socket)),
            }
        }
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            // Held meanwhile: whoever asks for the peers waits for the one that is being accepted.
            let mut peers = lock(&self.peers);
            let Ok((stream, peer)) = listener.accept() else { return };
            peers.push(unmapped(peer));
            drop(peers);
            let shared = self.clone();
            let echo = move || shared.echo(&stream);
            // Without a thread the connection is closed at once, which its client sees.
            let _ = thread::Builder::new().name("netns-test connection".into()).spawn(echo);
        }
    }

    fn echo(&self, stream: &TcpStream) {
        let Ok(()) = stream.set_nonblocking(false) else { return };
        if let Ok(clone) = stream.try_clone() {
            let mut open = lock(&self.connections);
            open.retain(|s| s.peer_addr().is_ok());
            open.push(clone);
        }
        let mut buffer = vec![0; 64 << 10];
        let (mut reader, mut writer) = (stream, stream);
        while let Ok(n @ 1..) = reader.read(&mut buffer) {
            // Counted before: whoever has the answer can see it in the count.
            self.bytes.fetch_add(n as u64, Relaxed);
            if writer.write_all(&buffer[..n]).is_err() {
                self.bytes.fetch_sub(n as u64, Relaxed);
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
    }

    fn answer(&self, socket: &UdpSocket) {
        let mut buffer = vec![0; 65_536];
        while let Ok((length, peer, own)) = receive(socket, &mut buffer) {
            lock(&self.peers).push(peer);
            self.bytes.fetch_add(length as u64, Relaxed);
            if send(socket, &buffer[..length], peer, own).is_err() {
                self.bytes.fetch_sub(length as u64, Relaxed);
            }
        }
    }
}

/// Sockets on every IPv4 and IPv6 address, and the port.
fn open(protocol: Protocol, port: u16) -> io::Result<(Sockets, u16)> {
    let bound = |family, port| -> io::Result<_> {
        let kind = if protocol == Protocol::Tcp { SockType::Stream } else { SockType::Datagram };
        let fd = socket(family, kind, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
        let any: SocketAddr = match family {
            AddressFamily::Inet6 => {
                setsockopt(&fd, sockopt::Ipv6V6Only, &true)?;
                (Ipv6Addr::UNSPECIFIED, port).into()
            }
            _ => (Ipv4Addr::UNSPECIFIED, port).into(),
        };
        match (protocol, family) {
            (Protocol::Tcp, _) => setsockopt(&fd, sockopt::ReuseAddr, &true)?,
            (_, AddressFamily::Inet6) => setsockopt(&fd, sockopt::Ipv6RecvPacketInfo, &true)?,
            _ => setsockopt(&fd, sockopt::Ipv4PacketInfo, &true)?,
        }
        bind(fd.as_raw_fd(), &SockaddrStorage::from(any))?;
        if protocol == Protocol::Tcp {
            listen(&fd, Backlog::MAXCONN)?;
        }
        Ok(fd)
    };
    let mut all = vec![bound(AddressFamily::Inet, port)?];
    let chosen = nix::sys::socket::getsockname::<SockaddrStorage>(all[0].as_raw_fd())?;
    let port = socket_addr(&chosen).map_or(port, |a| a.port());
    match bound(AddressFamily::Inet6, port) {
        Ok(fd) => all.push(fd),
        // A kernel without IPv6.
        Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {}
        Err(error) => return Err(error),
    }
    let sockets = match protocol {
        Protocol::Tcp => Sockets::Tcp(all.into_iter().map(TcpListener::from).collect()),
        _ => Sockets::Udp(all.into_iter().map(UdpSocket::from).collect()),
    };
    Ok((sockets, port))
}

/// The address of this node that a datagram was sent to: what the answer has to come from.
#[derive(Debug, Clone, Copy)]
enum Own {
    V4(libc::in_pktinfo),
    V6(libc::in6_pktinfo),
    Unknown,
}

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> nix::Result<(usize, SocketAddr, Own)> {
    let mut control = cmsg_space!(libc::in6_pktinfo, libc::in_pktinfo);
    let mut parts = [IoSliceMut::new(buffer)];
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
    let own = message.cmsgs()?.find_map(|c| match c {
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(Own::V4(info)),
        ControlMessageOwned::Ipv6PacketInfo(info) => Some(Own::V6(info)),
        _ => None,
    });
    let peer = message.address.as_ref().and_then(socket_addr).ok_or(Errno::EINVAL)?;
    Ok((message.bytes, peer, own.unwrap_or(Own::Unknown)))
}

fn send(socket: &UdpSocket, bytes: &[u8], peer: SocketAddr, own: Own) -> nix::Result<usize> {
    let parts = [IoSlice::new(bytes)];
    let (fd, to) = (socket.as_raw_fd(), SockaddrStorage::from(peer));
    let flags = MsgFlags::empty();
    match own {
        Own::V4(mut info) => {
            // The route chooses the interface; only the address matters.
            info.ipi_ifindex = 0;
            sendmsg(fd, &parts, &[ControlMessage::Ipv4PacketInfo(&info)], flags, Some(&to))
        }
        Own::V6(info) => sendmsg(fd, &parts, &[ControlMessage::Ipv6PacketInfo(&info)], flags, Some(&to)),
        Own::Unknown => sendmsg(fd, &parts, &[], flags, Some(&to)),
    }
}

fn unmapped(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
        v4 => v4,
    };
    SocketAddr::new(ip, addr.port())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
