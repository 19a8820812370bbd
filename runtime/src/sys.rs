//! The raw system calls that nix lacks, or gives only as raw descriptors.
#![expect(unsafe_code, reason = "raw system calls, each with its own safety comment")]

use std::{
    ffi::CString,
    io, mem,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, socket},
    unistd::Pid,
};

/// The kernel's limit of descriptors in one message (`SCM_MAX_FD`).
pub(crate) const MOST_DESCRIPTORS: usize = 253;

/// The same in bytes.
const SCM_RIGHTS_MOST: u32 = (MOST_DESCRIPTORS * size_of::<RawFd>()) as u32;

/// Receives one message with the descriptors that came with it ([unix(7)]); an empty one if nobody is left to send.
///
/// Descriptors for which there is no room below the limit of open files are closed by the kernel.
///
/// [unix(7)]: https://man7.org/linux/man-pages/man7/unix.7.html
pub(crate) fn receive_with_descriptors(socket: impl AsFd) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let socket = socket.as_fd().as_raw_fd();
    // Most are a few bytes, and one may be a hundred thousand.
    let length = recv(socket, &mut [], MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC)?;
    let mut bytes = vec![0; length];
    // SAFETY: the calls calculate with a number.
    let (space, header) = unsafe { (libc::CMSG_SPACE(SCM_RIGHTS_MOST), libc::CMSG_LEN(0) as usize) };
    // Words of 8 bytes, as the header of what comes is aligned to.
    let mut control = vec![0_u64; (space as usize).div_ceil(size_of::<u64>())];
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: it is made of numbers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control[..]) as _;
    // SAFETY: the message points to buffers of those lengths, which live through the call.
    Errno::result(unsafe { libc::recvmsg(socket, &raw mut message, libc::MSG_CMSG_CLOEXEC) })?;
    let mut descriptors = Vec::new();
    // What has no room below the limit of open files is cut (MSG_CTRUNC), and the rest is here. nix gives nothing then.
    // SAFETY: the kernel has filled the message in.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    // SAFETY: it is null, or points to a whole header in the buffer.
    while let Some(one) = unsafe { next.as_ref() } {
        if (one.cmsg_level, one.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            let length: usize = one.cmsg_len as _;
            for at in 0..(length - header) / size_of::<RawFd>() {
                // SAFETY: as many numbers follow the header as its length says. The kernel has just made these
                // descriptors for this message, and nobody else knows of them.
                descriptors.push(unsafe {
                    OwnedFd::from_raw_fd(libc::CMSG_DATA(next).cast::<RawFd>().add(at).read_unaligned())
                });
            }
        }
        // SAFETY: both are of the message that the kernel has filled in.
        next = unsafe { libc::CMSG_NXTHDR(&raw const message, next) };
    }
    Ok((bytes, descriptors))
}

/// A descriptor that becomes readable when the process ends ([pidfd_open(2)]).
///
/// [pidfd_open(2)]: https://man7.org/linux/man-pages/man2/pidfd_open.2.html
pub(crate) fn pidfd_open(process: Pid) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers.
    let raw = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0) })?;
    let raw = RawFd::try_from(raw).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// A copy of the mount of a directory, attached nowhere yet ([open_tree(2)]).
///
/// [open_tree(2)]: https://man7.org/linux/man-pages/man2/open_tree.2.html
pub(crate) fn open_tree(directory: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(directory.as_os_str().as_bytes())?;
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
    // SAFETY: the path is a live string with a zero at its end.
    let raw = Errno::result(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })?;
    let raw = RawFd::try_from(raw).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Attaches such a copy to a directory of the calling thread's mount namespace ([move_mount(2)]).
///
/// [move_mount(2)]: https://man7.org/linux/man-pages/man2/move_mount.2.html
pub(crate) fn move_mount(tree: &OwnedFd, directory: &Path) -> io::Result<()> {
    let path = CString::new(directory.as_os_str().as_bytes())?;
    let flags = libc::MOVE_MOUNT_F_EMPTY_PATH;
    // SAFETY: both paths are live strings with a zero at their ends.
    let done = unsafe {
        libc::syscall(libc::SYS_move_mount, tree.as_raw_fd(), c"".as_ptr(), libc::AT_FDCWD, path.as_ptr(), flags)
    };
    Errno::result(done)?;
    Ok(())
}

/// Makes a descriptor name what another names, in one step ([dup3(2)]); its number stays open all the time.
///
/// [dup3(2)]: https://man7.org/linux/man-pages/man2/dup3.2.html
pub(crate) fn replace(descriptor: &OwnedFd, by: impl AsFd) -> io::Result<()> {
    // SAFETY: both are open. What is replaced is closed by the kernel, and the number is still its owner's to close; whoever
    // has borrowed it has a descriptor that is open, as before.
    Errno::result(unsafe { libc::dup3(by.as_fd().as_raw_fd(), descriptor.as_raw_fd(), libc::O_CLOEXEC) })?;
    Ok(())
}

/// The user that owns a namespace: the creator of the user namespace that it belongs to ([ioctl_ns(2)]).
///
/// Refused about user namespaces outside of the caller's own.
///
/// [ioctl_ns(2)]: https://man7.org/linux/man-pages/man2/ioctl_ns.2.html
pub(crate) fn owner_of_namespace(namespace: impl AsFd) -> io::Result<u32> {
    // linux/nsfs.h
    const NS_GET_USERNS: libc::Ioctl = 0xb701;
    const NS_GET_OWNER_UID: libc::Ioctl = 0xb704;
    // SAFETY: the call takes no argument.
    let raw = Errno::result(unsafe { libc::ioctl(namespace.as_fd().as_raw_fd(), NS_GET_USERNS) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    let user_namespace = unsafe { OwnedFd::from_raw_fd(raw) };
    let mut uid: libc::uid_t = 0;
    // SAFETY: the kernel writes a number to a live variable.
    Errno::result(unsafe { libc::ioctl(user_namespace.as_raw_fd(), NS_GET_OWNER_UID, &raw mut uid) })?;
    Ok(uid)
}

/// The statistics that an interface's driver keeps, by name ([ethtool(8)], `-S`), from the calling thread's namespace.
///
/// [ethtool(8)]: https://man7.org/linux/man-pages/man8/ethtool.8.html
pub(crate) fn driver_statistics(interface: &str) -> io::Result<Vec<(String, u64)>> {
    // linux/ethtool.h: commands, the set of strings that are names of statistics, and the length of such a name.
    const GDRVINFO: u32 = 0x3;
    const GSTRINGS: u32 = 0x1b;
    const GSTATS: u32 = 0x1d;
    const SS_STATS: u32 = 1;
    const NAME: usize = 32;
    // The kernel writes as many as there are when it is asked, which may be more than there were when it was counted.
    const SPARE: usize = 1024;

    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let mut request = [0; libc::IFNAMSIZ];
    if interface.len() >= request.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in request.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    // Words of 8 bytes, because statistics are read as such.
    let ask = |words: usize, header: [u32; 3]| -> io::Result<Vec<u8>> {
        let mut buffer = vec![0_u64; words];
        buffer[0] = pair(header[0], header[1]);
        buffer[1] = pair(header[2], 0);
        let data = buffer.as_mut_ptr().cast();
        let mut request = libc::ifreq { ifr_name: request, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: data } };
        // SAFETY: the request and the buffer it points to live through the call, and the buffer holds all that the
        // kernel writes for the command: 196 bytes of information, or as many names or numbers as were counted, with
        // room for more.
        let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) };
        if result < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(buffer.iter().flat_map(|w| w.to_ne_bytes()).collect())
        }
    };

    let information = ask(64, [GDRVINFO, 0, 0])?;
    let count = number(&information[180..184]) as usize;
    let names = ask(2 + (count + SPARE) * NAME / 8, [GSTRINGS, SS_STATS, count as u32])?;
    let values = ask(1 + count + SPARE, [GSTATS, count as u32, 0])?;
    let count = count.min(number(&names[8..12]) as usize).min(number(&values[4..8]) as usize);
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes.split(|b| *b == 0).next().unwrap_or_default()).into_owned();
    let value = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("chunks of 8 bytes"));
    Ok(names[12..].chunks_exact(NAME).map(name).zip(values[8..].chunks_exact(8).map(value)).take(count).collect())
}

fn pair(first: u32, second: u32) -> u64 {
    let [a, b, c, d] = first.to_ne_bytes();
    let [e, f, g, h] = second.to_ne_bytes();
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_ne_bytes(bytes.try_into().expect("4 bytes"))
}

/// Sends a signal by its number ([kill(2)]), real-time signals among them.
///
/// [kill(2)]: https://man7.org/linux/man-pages/man2/kill.2.html
pub(crate) fn kill(process: Pid, signal: i32) -> io::Result<()> {
    // SAFETY: the call takes two numbers.
    Errno::result(unsafe { libc::kill(process.as_raw(), signal) })?;
    Ok(())
}
