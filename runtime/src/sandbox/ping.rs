//! Opens ICMP datagram sockets ([icmp(7)]) to the programs of the sandbox, as most systems do for everybody.
//!
//! [icmp(7)]: https://man7.org/linux/man-pages/man7/icmp.7.html

use std::fs;

const GROUPS: &str = "/proc/sys/net/ipv4/ping_group_range";

/// Opens them to group 0, in the calling process's network namespace; returns what had to be left as it was, in words.
pub(crate) fn open() -> Option<String> {
    // Where the kernel has no such setting there are no such sockets.
    let error = fs::write(GROUPS, "0 0").err().filter(|_| fs::exists(GROUPS).unwrap_or(true))?;
    Some(format!("programs can ping by raw sockets only: {GROUPS} cannot be written: {error}"))
}
