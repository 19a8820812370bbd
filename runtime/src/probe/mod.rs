//! Probes: questions put to the network by real packets, and answers as values.
//!
//! A probe returns what it saw and never panics; an [`Expectation`] is compared with it; only an assertion has a verdict.

mod arp;
mod assert;
mod attempt;
mod echo;
mod errors;
mod eventually;
mod expect;
pub(crate) mod local;
mod ndp;
mod outcome;
mod run;
mod serve;
mod target;
mod tcp;
mod traffic;
mod udp;

pub(crate) use arp::who_has;
pub use arp::{Resolution, Resolved};
pub use assert::{Evidence, Wrong, cannot_reach, judge, reaches};
pub use eventually::{Attempted, Checks, eventually, try_eventually};
pub use expect::{Expectation, Reason, Speaker, by};
pub(crate) use ndp::solicit;
pub use outcome::{Answer, Origin, Outcome, ProbeError, Report, Sent};
pub use run::{Probe, Prober};
pub use serve::{ServeError, Server};
pub use target::{Endpoint, IntoAddresses, Target, ping, tcp, udp};
pub(crate) use traffic::Part;
pub use traffic::{IntoNetwork, Protocol, Traffic, any, arp, icmp, ndp};
