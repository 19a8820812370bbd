//! A probe that is run, or awaited.

use std::{
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    thread,
    time::Duration,
};

use super::{Outcome, ProbeError, Protocol, Report, Target, echo, tcp, udp};
use crate::netns::Netns;

/// How long a probe waits for an answer unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a probe that gives a neighbour its full time waits beyond it.
const SLACK: Duration = Duration::from_millis(200);

/// A probe from a node to a target: [`Probe::run`] it, or await it.
#[must_use = "a probe sends nothing until it is `run` or awaited"]
#[derive(Debug, Clone)]
pub struct Probe {
    /// `None` with a target that is an error.
    netns: Option<Netns>,
    prober: String,
    target: Target,
    needed: Duration,
    patience: Duration,
    hurried: bool,
}

/// Whatever can probe: a node.
#[diagnostic::on_unimplemented(message = "expected a node to probe from")]
pub trait Prober {
    /// A probe from here to the target.
    fn probe(&self, target: Target) -> Probe;
}

impl Probe {
    /// A probe from a namespace; the name is the prober's in reports.
    pub(crate) fn new(netns: &Netns, prober: impl Into<String>, target: Target) -> Self {
        let netns = Some(netns.clone());
        Self { netns, prober: prober.into(), target, needed: Duration::ZERO, patience: PATIENCE, hurried: false }
    }

    /// A probe from a node that is gone: it fails when it is run.
    pub(crate) fn failed(prober: impl Into<String>, mut target: Target, why: String) -> Self {
        target.addresses = Err(why);
        let (needed, patience) = (Duration::ZERO, PATIENCE);
        Self { netns: None, prober: prober.into(), target, needed, patience, hurried: false }
    }

    /// Says how long the slowest neighbour on the path may take to be reported as failed; a timeout sooner than that is
    /// no verdict.
    pub(crate) fn min_timeout(mut self, needed: Duration) -> Self {
        self.needed = needed;
        self
    }

    /// Sets how long it waits if the target does not say.
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Gives up after this, whatever that proves: for probes that are repeated.
    pub(crate) fn hurry(mut self, limit: Duration) -> Self {
        let limit = self.target.options.within.map_or(limit, |within| within.min(limit));
        self.target.options.within = Some(limit);
        self.hurried = true;
        self
    }

    /// Sends, and waits for what comes of it: at every address of the target, one after the other.
    ///
    /// # Errors
    ///
    /// If the instrument failed: the target makes no sense, a system call failed for a reason of its own, or a silence
    /// proves nothing. Whatever the network did is in the report.
    pub fn run(self) -> Result<Report, ProbeError> {
        let addresses = self.target.addresses.clone().map_err(ProbeError::Target)?;
        let options = &self.target.options;
        let patience = options.within.unwrap_or_else(|| match self.needed {
            Duration::ZERO => self.patience,
            needed => self.patience.max(needed + SLACK),
        });
        let prober = &self.prober;
        let failed = |operation| move |e: io::Error| ProbeError::system(operation, prober, e);
        let netns = self.netns.as_ref().expect("a probe without a namespace has a target that is an error");
        let tap = netns.tap().map_err(failed("open a packet socket"))?;
        let probe = match self.target.protocol {
            Protocol::Tcp => tcp::probe,
            Protocol::Udp => udp::probe,
            _ => echo::probe,
        };
        let all = || addresses.iter().map(|addr| probe(&tap, *addr, options, patience)).collect::<Result<Vec<_>, _>>();
        let answers = netns.run(all).map_err(failed("enter the node"))??;
        let silent = answers.iter().any(|a| a.outcome == Outcome::Timeout);
        if silent && patience < self.needed && !self.hurried {
            return Err(ProbeError::TooShort { waited: patience, needed: self.needed });
        }
        Ok(Report { prober: self.prober, target: self.target, answers })
    }
}

impl IntoFuture for Probe {
    type Output = Result<Report, ProbeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Runs it on a thread of its own, so that the caller's runtime goes on.
    fn into_future(self) -> Self::IntoFuture {
        let prober = self.prober.clone();
        Box::pin(async move {
            let (tell, told) = tokio::sync::oneshot::channel();
            let run = move || {
                // Nobody listens any more if the future was dropped.
                let _ = tell.send(self.run());
            };
            let failed = |e: io::Error| ProbeError::system("start a thread", &prober, e);
            thread::Builder::new().name("netns-test probe".into()).spawn(run).map_err(failed)?;
            told.await.unwrap_or_else(|_| Err(failed(io::Error::other("the probe's thread panicked"))))
        })
    }
}
