use std::{fmt, io, time::Duration};

use netlink_packet_core::{ErrorMessage, NlasIterator};
use nix::errno::Errno;

/// A request that the kernel refused or did not answer.
///
/// Its display form names what was asked for, on what, why not, and the errno:
/// `cannot add route default via 10.0.9.1: Nexthop has invalid gateway (ENETUNREACH)`. The reason is the kernel's own
/// text where it gave one (an extended acknowledgement, [netlink(7)]), and else the errno's.
///
/// [netlink(7)]: https://man7.org/linux/man-pages/man7/netlink.7.html
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct KernelError {
    operation: Box<str>,
    object: Box<str>,
    errno: Errno,
    message: Option<Box<str>>,
    help: Option<Box<str>>,
}

impl KernelError {
    /// The error of an operation ("add route") on an object ("default via 10.0.0.1") that failed with `errno`.
    pub(crate) fn new(operation: impl Into<String>, object: impl Into<String>, errno: Errno) -> Self {
        Self { operation: operation.into().into(), object: object.into().into(), errno, message: None, help: None }
    }

    /// The same of an I/O error; one without an errno keeps its text and counts as EIO.
    pub(crate) fn io(operation: impl Into<String>, object: impl Into<String>, error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Self::new(operation, object, Errno::from_raw(errno)),
            None => Self::new(operation, object, Errno::EIO).because(error.to_string()),
        }
    }

    /// The same of a netlink reply, on a socket with NETLINK_EXT_ACK and NETLINK_CAP_ACK.
    pub(crate) fn netlink(operation: impl Into<String>, object: impl Into<String>, reply: &ErrorMessage) -> Self {
        let mut error = Self::new(operation, object, Errno::from_raw(reply.raw_code().wrapping_abs()));
        error.message = reply.header.get(NLMSG_HEADER_LEN..).and_then(kernel_words).map(Into::into);
        error
    }

    /// The same of a request that was not answered in time (ETIMEDOUT).
    pub(crate) fn deadline(operation: impl Into<String>, object: impl Into<String>, after: Duration) -> Self {
        Self::new(operation, object, Errno::ETIMEDOUT).because(format!("the kernel did not answer within {after:?}"))
    }

    /// Says why in better words than the errno's.
    pub(crate) fn because(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into().into());
        self
    }

    /// Says what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into().into());
        self
    }

    /// What was asked for, as a verb: "add route", "load firewall".
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// What it was asked for on, as in "default via 10.0.0.1".
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The error number ([errno(3)]).
    ///
    /// [errno(3)]: https://man7.org/linux/man-pages/man3/errno.3.html
    pub fn errno(&self) -> i32 {
        self.errno as i32
    }

    /// The kernel's own words, if it said more than a number.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// What to do about it, if that is known.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Whether it failed with this errno.
    pub(crate) fn is(&self, errno: Errno) -> bool {
        self.errno == errno
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.message.as_deref().unwrap_or_else(|| self.errno.desc());
        write!(f, "cannot {} {}: {words} ({:?})", self.operation, self.object, self.errno)?;
        match &self.help {
            Some(help) => write!(f, " (help: {help})"),
            None => Ok(()),
        }
    }
}

impl From<KernelError> for io::Error {
    fn from(error: KernelError) -> Self {
        io::Error::new(io::Error::from(error.errno).kind(), error)
    }
}

/// `struct nlmsghdr` of the refused request, which precedes the attributes of a capped reply.
const NLMSG_HEADER_LEN: usize = 16;
const NLMSGERR_ATTR_MSG: u16 = 1;

/// The text in the attributes of an extended acknowledgement.
pub(crate) fn kernel_words(attributes: &[u8]) -> Option<String> {
    let text = NlasIterator::new(attributes).filter_map(Result::ok).find(|nla| nla.kind() == NLMSGERR_ATTR_MSG)?;
    let text = String::from_utf8_lossy(text.value().split(|&byte| byte == 0).next().unwrap_or_default()).into_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_operation_object_reason_and_errno() {
        let error = KernelError::new("add route", "default via 10.0.9.1", Errno::ENETUNREACH);
        assert_eq!(error.to_string(), "cannot add route default via 10.0.9.1: Network is unreachable (ENETUNREACH)");

        let error = error.because("Nexthop has invalid gateway").help("attach the node to 10.0.9.0/24");
        assert_eq!(
            error.to_string(),
            "cannot add route default via 10.0.9.1: Nexthop has invalid gateway (ENETUNREACH) \
             (help: attach the node to 10.0.9.0/24)"
        );
    }

    #[test]
    fn the_kernels_words_are_read_from_an_extended_acknowledgement() {
        // An offset attribute (4 bytes), then the text with its terminating zero and padding.
        let attributes = b"\x08\0\x02\0\x14\0\0\0\x0d\0\x01\0bad hook\0\0\0\0";
        assert_eq!(kernel_words(attributes).as_deref(), Some("bad hook"));
        assert_eq!(kernel_words(b""), None);
    }
}
