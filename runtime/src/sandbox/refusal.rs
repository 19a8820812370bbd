//! A step of the sandbox's set-up that the host refused.

use nix::errno::Errno;

/// What a clone was to do, if it is not the usual.
pub(crate) const WITHOUT_USER_NAMESPACE: &str = "without a user namespace";

/// A step that was refused, with the kernel's errno.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) step: Step,
    pub(crate) errno: Errno,
    /// What it was done to, as a path, or empty.
    pub(crate) object: String,
}

macro_rules! steps {
    ($($name:ident = $words:literal,)*) => {
        /// The steps of the set-up, in the order in which they are taken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Step { $($name,)* }

        impl Step {
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// What was being done, after "while".
            pub(crate) fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

steps! {
    Clone = "creating the namespaces",
    SetGroups = "giving up setgroups",
    UidMap = "writing the uid map",
    GidMap = "writing the gid map",
    SubordinateIds = "mapping the user's subordinate ids",
    Detach = "detaching the mounts from the host's",
    Proc = "mounting /proc",
    Sys = "mounting /sys",
    Run = "mounting a private /run",
    Etc = "putting files of its own into /etc",
    Hostname = "setting the host name",
    Loopback = "bringing the loopback interface up",
    Fork = "starting the test's own process",
}

impl Step {
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Makes the refusal of this step.
    pub(crate) fn refused(self, errno: Errno, object: impl Into<String>) -> Refusal {
        Refusal { step: self, errno, object: object.into() }
    }
}
