//! What a test needs that a host may not have.

use std::{fmt, fs::OpenOptions, io};

/// Something that not every host has, or lets everybody use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feature {
    /// TUN and TAP interfaces that programs make, by /dev/net/tun ([tun(4)](https://www.kernel.org/doc/html/latest/networking/tuntap.html)).
    Tun,
}

/// A feature that this host does not offer; it displays as cause and remedy.
#[derive(Debug)]
pub struct Missing {
    feature: Feature,
    source: io::Error,
}

/// Asks for a feature; a test that goes on with `?` fails with the remedy where it is missing.
///
/// With `NETNS_TEST=skip` in the environment the test is reported as skipped instead, as where a host refuses sandboxes.
///
/// ```no_run
/// use netns_test_runtime::feature::{Feature, require};
///
/// # fn test() -> netns_test_runtime::Result {
/// require(Feature::Tun)?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// If this host does not offer it to this user.
pub fn require(feature: Feature) -> Result<(), Missing> {
    let Err(source) = feature.look() else { return Ok(()) };
    let missing = Missing { feature, source };
    if crate::sandbox::is_test() && crate::sandbox::refusals_are_skips() {
        crate::sandbox::skip(&missing.cause());
    }
    Err(missing)
}

impl Feature {
    fn look(self) -> io::Result<()> {
        match self {
            Self::Tun => OpenOptions::new().read(true).write(true).open(TUN).map(drop),
        }
    }
}

const TUN: &str = "/dev/net/tun";

impl Missing {
    /// The feature.
    pub fn feature(&self) -> Feature {
        self.feature
    }

    fn cause(&self) -> String {
        match self.feature {
            Feature::Tun => format!("there are no TUN and TAP interfaces: cannot open {TUN}: {}", self.source),
        }
    }

    fn remedy(&self) -> &'static str {
        match (self.feature, self.source.kind()) {
            (Feature::Tun, io::ErrorKind::PermissionDenied) => "sudo chmod 666 /dev/net/tun, or run the test as root",
            (Feature::Tun, _) => {
                "sudo modprobe tun; in a container give it the device (docker run --device /dev/net/tun)"
            }
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  help   {}", self.cause(), self.remedy())?;
        f.write_str("\n  help   or NETNS_TEST=skip, to have such tests reported as skipped instead of failed")
    }
}

impl std::error::Error for Missing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_missing_has_its_remedy() {
        let words = |kind: io::ErrorKind| Missing { feature: Feature::Tun, source: kind.into() }.to_string();
        assert!(words(io::ErrorKind::PermissionDenied).contains("help   sudo chmod 666 /dev/net/tun"));
        assert!(words(io::ErrorKind::NotFound).contains("help   sudo modprobe tun"));
    }
}
