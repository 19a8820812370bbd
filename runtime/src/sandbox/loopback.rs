//! Brings `lo` up in the calling thread's network namespace, with one netlink request ([rtnetlink(7)]).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::os::fd::AsRawFd;

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket},
};

/// Sets the loopback interface up and waits for the kernel's word.
pub(crate) fn up() -> nix::Result<()> {
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    send(socket.as_raw_fd(), &request(), MsgFlags::empty())?;
    let mut reply = [0; 256];
    let length = recv(socket.as_raw_fd(), &mut reply, MsgFlags::empty())?;
    // An acknowledgement is a header of 16 bytes and the negated errno.
    match reply[..length].get(16..20) {
        Some(&[a, b, c, d]) => match i32::from_ne_bytes([a, b, c, d]) {
            0 => Ok(()),
            errno => Err(Errno::from_raw(-errno)),
        },
        _ => Err(Errno::EPROTO),
    }
}

/// `RTM_NEWLINK` for index 1, which is always `lo`.
fn request() -> [u8; 32] {
    const FLAGS: u16 = (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
    let up = libc::IFF_UP.to_ne_bytes();
    let mut message = [0; 32];
    message[0..4].copy_from_slice(&32_u32.to_ne_bytes());
    message[4..6].copy_from_slice(&libc::RTM_NEWLINK.to_ne_bytes());
    message[6..8].copy_from_slice(&FLAGS.to_ne_bytes());
    message[20..24].copy_from_slice(&1_i32.to_ne_bytes());
    message[24..28].copy_from_slice(&up);
    message[28..32].copy_from_slice(&up);
    message
}
