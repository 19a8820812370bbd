use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    process::ExitStatus,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    Condition, ProcessError,
    condition::Look,
    error::LINES,
    hints,
    running::{Running, words},
};
use crate::lab::{Error, Node};

/// How long a wait lasts unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first and the longest pause between looks at what does not announce itself.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];

/// What to do about a program that has gone where nobody sees it.
const IN_THE_FOREGROUND: &str = "if it goes on in the background, tell it to stay in the foreground; what is no child of \
                                 the test is neither awaited nor read";

/// What to do about what has not come in time, when nothing else is known.
const LONGER: &str = "if it is only slow, give it longer: `wait_for(…).within(…)`";

/// A wait for a [`Condition`]: [`Wait::run`] it, or await it.
///
/// It ends when the condition holds, at once when the program ends before, and after 10 s unless told otherwise.
#[derive(Clone)]
#[must_use = "it waits only when it is `run` or awaited"]
pub struct Wait<C: Condition> {
    node: Node,
    running: Option<Arc<Running>>,
    condition: C,
    within: Duration,
}

impl<C: Condition> Wait<C> {
    pub(crate) fn new(node: Node, running: Option<Arc<Running>>, condition: C) -> Self {
        Self { node, running, condition, within: PATIENCE }
    }

    /// Gives it that much time instead of 10 s.
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Waits, and returns what was found.
    ///
    /// # Errors
    ///
    /// At once, with its last lines, if the program ends before; when the time is up; if the node cannot be asked.
    pub fn run(self) -> Result<C::Found, Error> {
        self.run_unless(|| false)
    }

    fn run_unless(self, given_up: impl Fn() -> bool) -> Result<C::Found, Error> {
        let begin = Instant::now();
        let [mut pause, longest] = PAUSES;
        let running = self.running.as_deref();
        loop {
            // Asked first: what it did before its end is seen by the look.
            let ended = running.and_then(Running::ended);
            let seen = match self.condition.look(&self.node, running)? {
                Look::True(found) => {
                    if let Some(running) = running.filter(|_| C::SERVES) {
                        running.serves();
                    }
                    return Ok(found);
                }
                Look::NotYet(seen) => seen,
            };
            if let Some((running, ended)) = running.zip(ended) {
                running.end_is_known();
                let output = running.last_lines(LINES);
                let (node, wanted) = (self.node.name().to_owned(), self.words());
                let went_away = ended.as_ref().is_ok_and(ExitStatus::success);
                let help = hints::of(&output).or_else(|| went_away.then(|| IN_THE_FOREGROUND.to_owned()));
                return Err(ProcessError::EndedBefore { node, wanted, status: words(&ended), output, help }.into());
            }
            let left = self.within.saturating_sub(begin.elapsed());
            if left.is_zero() || given_up() {
                let output = running.map(|running| running.last_lines(LINES));
                let (node, wanted, after) = (self.node.name().to_owned(), self.words(), self.within);
                let help = output.as_deref().and_then(hints::of).or_else(|| self.condition.remedy(&self.node));
                let help = help.or_else(|| Some(LONGER.to_owned()));
                return Err(ProcessError::TooLate { node, wanted, after, seen, output, help }.into());
            }
            match running {
                Some(running) => running.wait_for_news(pause.min(left)),
                None => crate::pause_for(pause.min(left)),
            }
            pause = (pause * 2).min(longest);
        }
    }

    fn words(&self) -> String {
        let subject = self
            .running
            .as_deref()
            .map_or_else(|| format!("node `{}`", self.node.name()), |running| format!("`{}`", running.program()));
        self.condition.words(&subject)
    }
}

impl<C: Condition> IntoFuture for Wait<C> {
    type Output = Result<C::Found, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Waits on a thread of its own, so that the caller's runtime goes on; dropping the future ends it.
    fn into_future(self) -> Self::IntoFuture {
        let node = self.node.clone();
        let wanted = self.words();
        Box::pin(async move {
            let (tell, told) = tokio::sync::oneshot::channel();
            let wait = move || {
                let result = self.run_unless(|| tell.is_closed());
                // Nobody listens any more if the future was dropped.
                let _ = tell.send(result);
            };
            let failed = |error| Error::io(node.name(), format!("wait until {wanted}"), error);
            thread::Builder::new().name("netns-test wait".into()).spawn(wait).map_err(failed)?;
            told.await.unwrap_or_else(|_| Err(failed(io::Error::other("the thread that waits panicked"))))
        })
    }
}

impl<C: Condition> fmt::Debug for Wait<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wait({}, within {:?})", self.words(), self.within)
    }
}
