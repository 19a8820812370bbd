use std::{fmt, str::FromStr};

use super::InvalidValue;

/// How a node's kernel settings begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// For fast and certain tests: lo up, no duplicate address detection, short neighbour timers, ICMP limits lifted,
    /// and the rest of [`Departure::ALL`], each of which can be overridden alone.
    ///
    /// A bridge that does not say otherwise has no forward delay and no multicast snooping.
    #[default]
    Ready,
    /// The kernel's own compile-time values, set explicitly where a host could have changed them: lo down, duplicate
    /// address detection on, three ARP requests a second apart, ICMP rate limits.
    Kernel,
}

/// One way in which [`Profile::Ready`] departs from the kernel's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Departure {
    /// The loopback interface is up, where the kernel leaves it down.
    LoopbackUp,
    /// IPv6 addresses are usable at once, where duplicate address detection ([RFC 4862], section 5.4) takes 1 to 3 s.
    ///
    /// [RFC 4862]: https://www.rfc-editor.org/rfc/rfc4862#section-5.4
    NoDad,
    /// An unanswered ARP or neighbour solicitation fails after about 50 ms, where the kernel takes 3 s; a proxy answers at
    /// once, where the kernel puts that off for up to 800 ms.
    ShortNeighbourTimers,
    /// ICMP errors are sent without a rate limit, where the kernel sends a burst of about 6 and then one a second.
    ///
    /// One limit stays, because it is the machine's: a router that has no route, or one that says unreachable or
    /// prohibit, tells an IPv4 sender so five times at once and then once a second.
    IcmpUnlimited,
    /// The two ends of a link get different interface indexes; equal ones delay IPv6 by a second.
    DistinctIndexes,
    /// Programs may ping by ICMP datagram sockets ([icmp(7)]) as on most machines, whose system has opened them; the
    /// kernel opens them to no group.
    ///
    /// They are open to group 0, which is what programs run as here.
    ///
    /// [icmp(7)]: https://man7.org/linux/man-pages/man7/icmp.7.html
    PingSockets,
    /// A VXLAN device without an MTU gets that of its underlay less what encapsulation takes; the kernel does so only
    /// if the device names the interface that carries it, and gives 1500 otherwise.
    OverlayMtu,
}

impl Departure {
    /// Every departure, in the order of declaration.
    pub const ALL: [Departure; 7] = [
        Departure::LoopbackUp,
        Departure::NoDad,
        Departure::ShortNeighbourTimers,
        Departure::IcmpUnlimited,
        Departure::DistinctIndexes,
        Departure::PingSockets,
        Departure::OverlayMtu,
    ];

    /// Its name, as files and rendered scripts show it.
    pub fn name(self) -> &'static str {
        match self {
            Departure::LoopbackUp => "loopback-up",
            Departure::NoDad => "no-dad",
            Departure::ShortNeighbourTimers => "short-neighbour-timers",
            Departure::IcmpUnlimited => "icmp-unlimited",
            Departure::DistinctIndexes => "distinct-indexes",
            Departure::PingSockets => "ping-sockets",
            Departure::OverlayMtu => "overlay-mtu",
        }
    }

    /// What it changes, in a few words.
    pub fn explanation(self) -> &'static str {
        match self {
            Departure::LoopbackUp => "lo is up",
            Departure::NoDad => "IPv6 addresses are usable at once, without duplicate address detection",
            Departure::ShortNeighbourTimers => "a neighbour that does not answer is given up after 50 ms, not 3 s",
            Departure::IcmpUnlimited => "ICMP errors are sent without a rate limit",
            Departure::DistinctIndexes => "the two ends of a cable have different interface indexes",
            Departure::PingSockets => "ICMP datagram sockets are open to group 0, not to nobody",
            Departure::OverlayMtu => "a VXLAN device takes no packet that its underlay cannot carry",
        }
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Departure {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let names = Departure::ALL.map(Departure::name);
        let found = Departure::ALL.into_iter().find(|departure| departure.name() == text);
        found.ok_or_else(|| InvalidValue::no("departure from the kernel's defaults", text, &names))
    }
}

impl FromStr for Profile {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "ready" => Ok(Profile::Ready),
            "kernel" => Ok(Profile::Kernel),
            other => Err(InvalidValue::no("profile", other, &["ready", "kernel"])),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Profile::Ready => "ready",
            Profile::Kernel => "kernel",
        })
    }
}
