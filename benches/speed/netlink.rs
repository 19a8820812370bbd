//! Routing netlink by hand: messages as bytes, and a socket to send them by.
#![expect(unsafe_code, reason = "the floor is what bare system calls cost, without a library")]

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

pub(crate) const CREATE: u16 = (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;

const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
const ACKNOWLEDGE: u16 = libc::NLM_F_ACK as u16;

/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// `struct ifinfomsg`.
const LINK_BODY: usize = 16;
const IFLA_EXT_MASK: u16 = 29;
const SKIP_STATS: u32 = 1 << 3;

/// Messages for one datagram.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    /// Where the last message begins.
    last: usize,
    count: u32,
}

impl Batch {
    /// Begins a message of a kind, with its fixed part; attributes follow.
    pub(crate) fn message(&mut self, kind: u16, flags: u16, body: &[u8]) {
        self.last = self.bytes.len();
        self.count += 1;
        self.bytes.extend(0_u32.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((REQUEST | flags).to_ne_bytes());
        self.bytes.extend(self.count.to_ne_bytes());
        self.bytes.extend(0_u32.to_ne_bytes());
        self.append(body);
        self.close(self.last);
    }

    /// Begins `RTM_NEWLINK`: for interface `index`, up or as it is.
    pub(crate) fn link(&mut self, flags: u16, index: u32, up: bool) {
        self.message(libc::RTM_NEWLINK, flags, &link_body(index, up));
    }

    /// Adds an attribute to the message.
    pub(crate) fn attribute(&mut self, kind: u16, payload: &[u8]) {
        self.nest(kind, |batch| batch.append(payload));
    }

    /// Adds an attribute that holds what the closure adds.
    pub(crate) fn nest(&mut self, kind: u16, inside: impl FnOnce(&mut Self)) {
        let begin = self.bytes.len();
        self.bytes.extend(0_u16.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        inside(self);
        let length = (self.bytes.len() - begin) as u16;
        self.bytes[begin..begin + 2].copy_from_slice(&length.to_ne_bytes());
        self.append(&[]);
        self.close(self.last);
    }

    /// Adds bytes and the padding after them.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn close(&mut self, message: usize) {
        let length = (self.bytes.len() - message) as u32;
        self.bytes[message..message + 4].copy_from_slice(&length.to_ne_bytes());
    }
}

/// `struct ifinfomsg`.
pub(crate) fn link_body(index: u32, up: bool) -> [u8; LINK_BODY] {
    let mut body = [0; LINK_BODY];
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    if up {
        let up = libc::IFF_UP.to_ne_bytes();
        body[8..12].copy_from_slice(&up);
        body[12..16].copy_from_slice(&up);
    }
    body
}

/// A netlink socket of the network namespace that it was opened in.
pub(crate) struct Socket(OwnedFd);

impl Socket {
    pub(crate) fn open() -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: takes no memory of ours.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made this descriptor for us.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Carries out every message: only the last is acknowledged, because a refusal is answered in any case.
    pub(crate) fn carry_out(&self, mut batch: Batch) -> io::Result<()> {
        let flags = batch.last + 6;
        let asked = u16::from_ne_bytes([batch.bytes[flags], batch.bytes[flags + 1]]);
        batch.bytes[flags..flags + 2].copy_from_slice(&(asked | ACKNOWLEDGE).to_ne_bytes());
        self.send(&batch.bytes)?;
        let mut reply = [0; 4096];
        loop {
            let length = self.receive(&mut reply)?;
            // One acknowledgement a datagram: a header, the negated errno, and the header that it answers.
            let word = |at: usize| i32::from_ne_bytes([reply[at], reply[at + 1], reply[at + 2], reply[at + 3]]);
            if length < HEADER + 4 {
                return Err(io::ErrorKind::InvalidData.into());
            }
            match word(HEADER) {
                0 if word(8) == batch.count as i32 => return Ok(()),
                0 => {}
                error => return Err(io::Error::from_raw_os_error(-error)),
            }
        }
    }

    /// The operational state of an interface (`IFLA_OPERSTATE`).
    pub(crate) fn oper_state(&self, index: u32) -> io::Result<u8> {
        let mut batch = Batch::default();
        batch.message(libc::RTM_GETLINK, 0, &link_body(index, false));
        batch.attribute(IFLA_EXT_MASK, &SKIP_STATS.to_ne_bytes());
        self.send(&batch.bytes)?;
        let mut reply = [0; 8192];
        let length = self.receive(&mut reply)?;
        if u16::from_ne_bytes([reply[4], reply[5]]) != libc::RTM_NEWLINK {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut rest = &reply[HEADER + LINK_BODY..length];
        while let [a, b, c, d, payload @ ..] = rest {
            let size = usize::from(u16::from_ne_bytes([*a, *b]));
            if u16::from_ne_bytes([*c, *d]) == libc::IFLA_OPERSTATE {
                return Ok(payload[0]);
            }
            rest = rest.get(size.next_multiple_of(4)..).unwrap_or_default();
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: pointer and length are those of a live slice.
        let sent = unsafe { libc::send(self.0.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: pointer and length are those of a live slice that nobody else uses.
        let length = unsafe { libc::recv(self.0.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        if length < 0 { Err(io::Error::last_os_error()) } else { Ok(length as usize) }
    }
}
