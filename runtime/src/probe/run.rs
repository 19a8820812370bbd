//! A probe that is run, or awaited.

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    sync::Arc,
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
#[derive(Clone)]
pub struct Probe {
    /// `None` with a target that is an error.
    netns: Option<Netns>,
    prober: String,
    target: Target,
    neighbours: Neighbours,
    patience: Duration,
    hurried: bool,
}

/// Says how long the slowest neighbour on the path may take to be reported as failed, by what the kernel has now if that
/// is asked for, else by what it had earlier.
type Neighbours = Arc<dyn Fn(bool) -> Result<Duration, String> + Send + Sync>;

/// Whatever can probe: a node.
#[diagnostic::on_unimplemented(message = "expected a node to probe from")]
pub trait Prober {
    /// A probe from here to the target.
    fn probe(&self, target: Target) -> Probe;
}

impl Probe {
    /// A probe from a namespace; the name is the prober's in reports.
    pub(crate) fn new(netns: &Netns, prober: impl Into<String>, target: Target) -> Self {
        let neighbours = Arc::new(|_| Ok(Duration::ZERO));
        let netns = Some(netns.clone());
        Self { netns, prober: prober.into(), target, neighbours, patience: PATIENCE, hurried: false }
    }

    /// A probe from a node that is gone: it fails when it is run.
    pub(crate) fn failed(prober: impl Into<String>, mut target: Target, why: String) -> Self {
        target.addresses = Err(why);
        let neighbours = Arc::new(|_| Ok(Duration::ZERO));
        Self { netns: None, prober: prober.into(), target, neighbours, patience: PATIENCE, hurried: false }
    }

    /// Says whom to ask how long the slowest neighbour may take; a timeout sooner than that is no verdict.
    pub(crate) fn neighbours(
        mut self,
        slowest: impl Fn(bool) -> Result<Duration, String> + Send + Sync + 'static,
    ) -> Self {
        self.neighbours = Arc::new(slowest);
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
        let patience = match options.within {
            Some(within) => within,
            None => self.patience.max(self.needed(false)?),
        };
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
        if silent && !self.hurried {
            // A program may have made an interface with timers of its own.
            let needed = self.needed(true)?;
            if patience < needed {
                return Err(ProbeError::TooShort { waited: patience, needed });
            }
        }
        Ok(Report { prober: self.prober, target: self.target, answers })
    }

    /// How long it has to wait for the error of a neighbour that does not answer; zero if there is no neighbour.
    fn needed(&self, now: bool) -> Result<Duration, ProbeError> {
        let slowest = (self.neighbours)(now).map_err(ProbeError::Target)?;
        Ok(if slowest.is_zero() { slowest } else { slowest + SLACK })
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("prober", &self.prober).field("target", &self.target).finish_non_exhaustive()
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
