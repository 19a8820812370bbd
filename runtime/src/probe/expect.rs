//! What a probe is expected to see.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::BitOr,
    time::Duration,
};

use super::{Answer, Origin, Outcome};

/// The reasons an expectation names, as in `by::Timeout`.
pub mod by {
    #[doc(inline)]
    pub use super::Reason::*;
}

/// A reason for which a probe ends; see [`by`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The answer came back.
    Reached,
    /// [`Outcome::NetworkUnreachable`].
    NetworkUnreachable,
    /// [`Outcome::HostUnreachable`].
    HostUnreachable,
    /// [`Outcome::Refused`].
    Refused,
    /// [`Outcome::Prohibited`].
    Prohibited,
    /// [`Outcome::Blackhole`].
    Blackhole,
    /// [`Outcome::PacketTooBig`], whatever the MTU; [`Reason::mtu`] narrows it.
    PacketTooBig,
    /// [`Outcome::TtlExceeded`].
    TtlExceeded,
    /// [`Outcome::NoSourceAddress`].
    NoSourceAddress,
    /// [`Outcome::BroadcastRefused`].
    BroadcastRefused,
    /// [`Outcome::LocalDrop`].
    LocalDrop,
    /// [`Outcome::Timeout`].
    Timeout,
    /// Anything but reached.
    Anything,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::Reached,
        Self::NetworkUnreachable,
        Self::HostUnreachable,
        Self::Refused,
        Self::Prohibited,
        Self::Blackhole,
        Self::PacketTooBig,
        Self::TtlExceeded,
        Self::NoSourceAddress,
        Self::BroadcastRefused,
        Self::LocalDrop,
        Self::Timeout,
        Self::Anything,
    ];

    /// The same, said by the prober's own node.
    ///
    /// # Panics
    ///
    /// For a timeout, which nobody says.
    #[track_caller]
    pub fn local(self) -> Expectation {
        Expectation::from(self).local()
    }

    /// The same, said by this address or node.
    ///
    /// # Panics
    ///
    /// For a timeout, which nobody says; if the text is not an address.
    #[track_caller]
    pub fn by(self, who: impl Speaker) -> Expectation {
        Expectation::from(self).by(who)
    }

    /// The same, no later than this.
    pub fn within(self, limit: Duration) -> Expectation {
        Expectation::from(self).within(limit)
    }

    /// "Packet too big" with this MTU in bytes.
    ///
    /// # Panics
    ///
    /// For any other reason: no other has an MTU.
    #[track_caller]
    pub fn mtu(self, mtu: u32) -> Expectation {
        Expectation::from(self).mtu(mtu)
    }

    fn covers(self, outcome: &Outcome) -> bool {
        match self {
            Self::Reached => outcome.is_reached(),
            Self::Anything => !outcome.is_reached(),
            Self::NetworkUnreachable => *outcome == Outcome::NetworkUnreachable,
            Self::HostUnreachable => *outcome == Outcome::HostUnreachable,
            Self::Refused => *outcome == Outcome::Refused,
            Self::Prohibited => *outcome == Outcome::Prohibited,
            Self::Blackhole => *outcome == Outcome::Blackhole,
            Self::PacketTooBig => matches!(outcome, Outcome::PacketTooBig(_)),
            Self::TtlExceeded => *outcome == Outcome::TtlExceeded,
            Self::NoSourceAddress => *outcome == Outcome::NoSourceAddress,
            Self::BroadcastRefused => *outcome == Outcome::BroadcastRefused,
            Self::LocalDrop => matches!(outcome, Outcome::LocalDrop(_)),
            Self::Timeout => *outcome == Outcome::Timeout,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reached => "reached",
            Self::NetworkUnreachable => "network unreachable",
            Self::HostUnreachable => "host unreachable",
            Self::Refused => "refused",
            Self::Prohibited => "prohibited",
            Self::Blackhole => "blackhole",
            Self::PacketTooBig => "packet too big",
            Self::TtlExceeded => "ttl exceeded",
            Self::NoSourceAddress => "no source address",
            Self::BroadcastRefused => "broadcast refused",
            Self::LocalDrop => "dropped on the node itself",
            Self::Timeout => "timeout",
            Self::Anything => "not reached",
        })
    }
}

/// What a probe is expected to see: one or more reasons, each perhaps with who must have said it.
///
/// ```
/// use netns_test_runtime::probe::{Expectation, by};
///
/// let expected: Expectation = by::HostUnreachable.local() | by::Timeout;
/// assert_eq!(expected.to_string(), "host unreachable by the node itself, or timeout");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    terms: Vec<Term>,
    within: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    reason: Reason,
    who: Option<Who>,
    mtu: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Local,
    Addresses { label: String, addresses: Vec<IpAddr> },
}

impl Expectation {
    /// Narrows every reason so far to what the prober's own node said, but for a timeout, which nobody says.
    ///
    /// # Panics
    ///
    /// If a timeout is the only reason so far.
    #[must_use]
    #[track_caller]
    pub fn local(self) -> Self {
        self.said(&Who::Local)
    }

    /// Narrows every reason so far to what this address or node said, but for a timeout, which nobody says.
    ///
    /// # Panics
    ///
    /// If a timeout is the only reason so far; if the text is not an address.
    #[must_use]
    #[track_caller]
    pub fn by(self, who: impl Speaker) -> Self {
        self.said(&Who::Addresses { addresses: who.addresses(), label: who.label() })
    }

    /// Demands the outcome no later than this.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = Some(limit);
        self
    }

    /// Narrows "packet too big" to this MTU in bytes.
    ///
    /// # Panics
    ///
    /// If that is none of the reasons so far: no other has an MTU.
    #[must_use]
    #[track_caller]
    pub fn mtu(self, mtu: u32) -> Self {
        let no_other = "an MTU narrows `by::PacketTooBig`, which is not expected here";
        self.narrow(|reason| reason == Reason::PacketTooBig, |term| term.mtu = Some(mtu), no_other)
    }

    #[track_caller]
    fn said(self, who: &Who) -> Self {
        let nobody = "nobody says a timeout: `by::Timeout` has neither `local` nor `by`";
        self.narrow(|reason| reason != Reason::Timeout, |term| term.who = Some(who.clone()), nobody)
    }

    /// Narrows the terms of such reasons; panics with these words if there are none.
    #[track_caller]
    fn narrow(mut self, of: impl Fn(Reason) -> bool, narrow: impl Fn(&mut Term), none: &str) -> Self {
        assert!(self.terms.iter().any(|term| of(term.reason)), "{none}");
        self.terms.iter_mut().filter(|term| of(term.reason)).for_each(narrow);
        self
    }

    /// Whether the target may answer.
    pub(super) fn allows_an_answer(&self) -> bool {
        self.terms.iter().any(|term| term.reason == Reason::Reached)
    }

    /// Whether an answer is what was expected.
    pub fn matches(&self, answer: &Answer) -> bool {
        self.in_time(answer) && self.terms.iter().any(|t| t.is_outcome_of(answer) && t.is_speaker_of(answer))
    }

    /// Whether the outcome is as expected, but somebody else said it.
    pub(crate) fn matches_but_for_the_speaker(&self, answer: &Answer) -> bool {
        !self.matches(answer) && self.in_time(answer) && self.terms.iter().any(|t| t.is_outcome_of(answer))
    }

    fn in_time(&self, answer: &Answer) -> bool {
        self.within.is_none_or(|limit| answer.elapsed <= limit)
    }
}

impl Term {
    fn is_outcome_of(&self, answer: &Answer) -> bool {
        let mtu = self.mtu.is_none_or(|mtu| answer.outcome == Outcome::PacketTooBig(mtu));
        mtu && self.reason.covers(&answer.outcome)
    }

    fn is_speaker_of(&self, answer: &Answer) -> bool {
        match &self.who {
            None => true,
            Some(Who::Local) => answer.origin == Origin::Local,
            Some(Who::Addresses { addresses, .. }) => answer.reporter.is_some_and(|r| addresses.contains(&r)),
        }
    }
}

impl From<Reason> for Expectation {
    fn from(reason: Reason) -> Self {
        Self { terms: vec![Term { reason, who: None, mtu: None }], within: None }
    }
}

impl<T: Into<Expectation>> BitOr<T> for Expectation {
    type Output = Expectation;

    fn bitor(mut self, other: T) -> Expectation {
        let other = other.into();
        self.terms.extend(other.terms);
        self.within = self.within.or(other.within);
        self
    }
}

impl<T: Into<Expectation>> BitOr<T> for Reason {
    type Output = Expectation;

    fn bitor(self, other: T) -> Expectation {
        Expectation::from(self) | other
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            f.write_str(if i > 0 { ", or " } else { "" })?;
            term.reason.fmt(f)?;
            if let Some(mtu) = term.mtu {
                write!(f, " (mtu {mtu})")?;
            }
            match &term.who {
                Some(Who::Local) => f.write_str(" by the node itself")?,
                Some(Who::Addresses { label, .. }) => write!(f, " by {label}")?,
                None => {}
            }
        }
        self.within.map_or(Ok(()), |limit| write!(f, ", within {limit:?}"))
    }
}

/// Somebody who can give an answer: an address, or whatever has addresses.
#[diagnostic::on_unimplemented(message = "expected an address or a node that may have answered")]
pub trait Speaker {
    /// The addresses it may answer from.
    fn addresses(&self) -> Vec<IpAddr>;

    /// What reports call it.
    fn label(&self) -> String {
        self.addresses().first().map(ToString::to_string).unwrap_or_default()
    }
}

impl Speaker for IpAddr {
    fn addresses(&self) -> Vec<IpAddr> {
        vec![*self]
    }
}

impl Speaker for Ipv4Addr {
    fn addresses(&self) -> Vec<IpAddr> {
        vec![(*self).into()]
    }
}

impl Speaker for Ipv6Addr {
    fn addresses(&self) -> Vec<IpAddr> {
        vec![(*self).into()]
    }
}

impl Speaker for &str {
    /// The address as written.
    ///
    /// # Panics
    ///
    /// If it is not an IP address.
    #[track_caller]
    fn addresses(&self) -> Vec<IpAddr> {
        vec![self.parse().unwrap_or_else(|_| panic!("`{self}` is not an IP address, such as `10.0.0.1`"))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Sent;

    fn answer(outcome: Outcome, origin: Origin, reporter: Option<&str>) -> Answer {
        Answer {
            target: "192.0.2.1:80".parse().expect("a literal"),
            outcome,
            origin,
            reporter: reporter.map(|r| r.parse().expect("a literal")),
            local: None,
            sent: Sent::default(),
            received: 0,
            elapsed: Duration::from_millis(5),
            detail: String::new(),
        }
    }

    #[test]
    fn a_bare_reason_ignores_who_said_it() {
        let expected = Expectation::from(by::HostUnreachable);
        assert!(expected.matches(&answer(Outcome::HostUnreachable, Origin::Local, None)));
        assert!(expected.matches(&answer(
            Outcome::HostUnreachable,
            "10.0.0.1".parse().map(Origin::Remote).expect("ip"),
            None
        )));
        assert!(!expected.matches(&answer(Outcome::Timeout, Origin::None, None)));
    }

    #[test]
    fn local_wants_the_node_itself() {
        let remote =
            answer(Outcome::NetworkUnreachable, Origin::Remote("10.0.0.1".parse().expect("ip")), Some("10.0.0.1"));
        assert!(!by::NetworkUnreachable.local().matches(&remote));
        assert!(by::NetworkUnreachable.local().matches_but_for_the_speaker(&remote));
        assert!(by::NetworkUnreachable.by("10.0.0.1").matches(&remote));
        assert!(!by::NetworkUnreachable.by("10.0.0.2").matches(&remote));
    }

    #[test]
    fn anything_is_not_reached() {
        let reached = Outcome::Reached { rtt: Duration::ZERO, ttl: None, source: "10.0.0.1".parse().expect("ip") };
        assert!(!Expectation::from(by::Anything).matches(&answer(reached, Origin::None, None)));
        assert!(Expectation::from(by::Anything).matches(&answer(Outcome::Timeout, Origin::None, None)));
    }

    #[test]
    fn an_mtu_narrows_packet_too_big() {
        let small = answer(Outcome::PacketTooBig(1400), Origin::Local, None);
        assert!(Expectation::from(by::PacketTooBig).matches(&small));
        assert!(by::PacketTooBig.mtu(1400).matches(&small));
        assert!(!by::PacketTooBig.mtu(1450).matches(&small));
        assert!(!by::PacketTooBig.mtu(1450).local().matches_but_for_the_speaker(&small));
    }

    #[test]
    fn what_no_outcome_can_have_narrows_none() {
        let big = answer(Outcome::PacketTooBig(1400), Origin::Local, None);
        let silent = answer(Outcome::Timeout, Origin::None, None);
        let either = (by::PacketTooBig | by::Timeout).mtu(1400).local();
        assert_eq!(either.to_string(), "packet too big (mtu 1400) by the node itself, or timeout");
        assert!(either.matches(&big) && either.matches(&silent));
    }

    #[test]
    #[should_panic(expected = "nobody says a timeout")]
    fn nobody_says_a_timeout() {
        let _ = by::Timeout.by("10.0.0.1");
    }

    #[test]
    #[should_panic(expected = "an MTU narrows `by::PacketTooBig`")]
    fn a_refusal_has_no_mtu() {
        let _ = (by::Refused | by::Timeout).mtu(1400);
    }

    #[test]
    fn a_limit_refuses_what_came_too_late() {
        let late = answer(Outcome::Refused, Origin::Local, None);
        assert!(by::Refused.within(Duration::from_millis(5)).matches(&late));
        assert!(!by::Refused.within(Duration::from_millis(4)).matches(&late));
        assert!(!by::Refused.by("10.0.0.1").within(Duration::from_millis(4)).matches_but_for_the_speaker(&late));
    }
}
