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

/// Writes a setting of the calling thread's network namespace.
pub(crate) fn write(key: &str, value: &str) -> Result<(), KernelError> {
    fs::write(path(key), value).map_err(|error| explain("set", format!("{key} = {value}"), &error))
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
