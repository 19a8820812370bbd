//! Kernel settings of a network namespace ([sysctl(8)]), read and written in `/proc/sys` from inside it.
//!
//! [sysctl(8)]: https://man7.org/linux/man-pages/man8/sysctl.8.html

use std::{fs, io};

use super::KernelError;

/// Reads a setting of the calling thread's network namespace.
pub(crate) fn read(key: &str) -> Result<String, KernelError> {
    match fs::read_to_string(path(key)) {
        Ok(value) => Ok(value.trim_end().to_owned()),
        Err(error) => Err(explain("read", key.to_owned(), &error)),
    }
}

/// How a setting was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is in force.
    Done,
    /// /proc/sys is read-only, and the same must be set for each interface by netlink.
    ForEachDevice(DeviceSetting),
}

/// A setting of an interface that netlink can write: its number in `IFLA_INET_CONF`, and the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceSetting {
    pub(crate) number: u16,
    pub(crate) value: u32,
}

/// `IPV4_DEVCONF_*` of `linux/ip.h` for the settings of a node that decide by interface in the end.
const BY_DEVICE: [(&str, u16); 3] =
    [("net.ipv4.ip_forward", 1), ("net.ipv4.conf.all.forwarding", 1), ("net.ipv4.conf.all.rp_filter", 8)];

/// Writes a setting of the calling thread's network namespace.
///
/// Where /proc/sys is read-only, as in many containers, a value that is in force already is accepted, and forwarding
/// and reverse-path filtering of IPv4 are left to [`DeviceSetting`].
pub(crate) fn write(key: &str, value: &str) -> Result<Written, KernelError> {
    let Err(error) = fs::write(path(key), value) else { return Ok(Written::Done) };
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem {
        if read(key).is_ok_and(|now| now == value) {
            return Ok(Written::Done);
        }
        let number = BY_DEVICE.iter().find(|(name, _)| *name == key).map(|(_, number)| *number);
        if let (Some(number), Ok(value)) = (number, value.parse()) {
            return Ok(Written::ForEachDevice(DeviceSetting { number, value }));
        }
    }
    Err(explain("set", format!("{key} = {value}"), &error))
}

/// Has the kernel soon give up what closed TCP connections of the calling thread's network namespace have still to say
/// (`tcp_orphan_retries` in [ip-sysctl]).
///
/// Each keeps the namespace until it is answered or given up, which takes some 100 s by default if the far end is gone.
/// Where it cannot be set, it takes that long.
///
/// [ip-sysctl]: https://docs.kernel.org/networking/ip-sysctl.html
pub(crate) fn give_up_orphans() {
    let _ = write("net.ipv4.tcp_orphan_retries", "1");
}

/// The file of a setting: dots separate directories, and a `/` stands for a dot inside a name.
fn path(key: &str) -> String {
    let file: String = key
        .chars()
        .map(|c| match c {
            '.' => '/',
            '/' => '.',
            other => other,
        })
        .collect();
    format!("/proc/sys/{file}")
}

fn explain(operation: &str, object: String, error: &io::Error) -> KernelError {
    let plain = KernelError::io(operation, object, error);
    match error.kind() {
        io::ErrorKind::NotFound => plain.because("this kernel has no such setting here"),
        io::ErrorKind::ReadOnlyFilesystem => plain
            .because("/proc/sys is read-only")
            .help("run the container with a writable /proc/sys (Docker: --security-opt systempaths=unconfined)"),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_stands_for_a_dot_in_an_interface_name() {
        assert_eq!(path("net.ipv4.conf.eth0/7.rp_filter"), "/proc/sys/net/ipv4/conf/eth0.7/rp_filter");
    }

    #[test]
    fn a_missing_setting_is_named() {
        let error = read("net.ipv4.no_such_thing").unwrap_err();
        assert!(
            error.to_string().starts_with("cannot read net.ipv4.no_such_thing: this kernel has no such"),
            "{error}"
        );
    }
}
