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

use tokio::sync::oneshot;

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
        let found = self.run_unless(|| false)?;
        Ok(self.rely_on(found.expect("nobody gives it up")))
    }

    /// What was found; `None` if it was given up.
    fn run_unless(&self, given_up: impl Fn() -> bool) -> Result<Option<C::Found>, Error> {
        let begin = Instant::now();
        let [mut pause, longest] = PAUSES;
        let running = self.running.as_deref();
        loop {
            // Before the look, for what that finds is not found again.
            if given_up() {
                return Ok(None);
            }
            // Asked first: what it did before its end is seen by the look.
            let ended = running.and_then(Running::ended);
            let seen = match self.condition.look(&self.node, running)? {
                Look::True(found) => return Ok(Some(found)),
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
            if left.is_zero() {
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

    /// Notes that the test relies on the program from now on, if it is a condition of such.
    fn rely_on(&self, found: C::Found) -> C::Found {
        if let Some(running) = self.running.as_deref().filter(|_| C::SERVES) {
            running.serves();
        }
        found
    }

    /// Has it found again by somebody else.
    fn give_back(&self, found: C::Found) {
        if let Some(running) = &self.running {
            self.condition.give_back(running, found);
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

    /// Waits on a thread of its own, so that the caller's runtime goes on; dropping the future ends it, and what it
    /// would have found is found by who waits next.
    fn into_future(self) -> Self::IntoFuture {
        let (node, wanted) = (self.node.name().to_owned(), self.words());
        Box::pin(async move {
            let (tell, told) = oneshot::channel();
            let waiting = self.clone();
            let wait = move || {
                let result = waiting.run_unless(|| tell.is_closed());
                // Nobody listens any more if the future was dropped.
                if let Err(Ok(Some(found))) = tell.send(result) {
                    waiting.give_back(found);
                }
            };
            let failed = |error| Error::io(&node, format!("wait until {wanted}"), error);
            thread::Builder::new().name("netns-test wait".into()).spawn(wait).map_err(failed)?;
            let mut told = Told { wait: self, told };
            match (&mut told.told).await {
                Ok(Ok(Some(found))) => Ok(told.wait.rely_on(found)),
                Ok(Err(error)) => Err(error),
                Ok(Ok(None)) | Err(_) => Err(failed(io::Error::other("the thread that waits panicked"))),
            }
        })
    }
}

/// What a thread tells, which is given back if the future is dropped before it reads it.
struct Told<C: Condition> {
    wait: Wait<C>,
    told: oneshot::Receiver<Result<Option<C::Found>, Error>>,
}

impl<C: Condition> Drop for Told<C> {
    fn drop(&mut self) {
        self.told.close();
        if let Ok(Ok(Some(found))) = self.told.try_recv() {
            self.wait.give_back(found);
        }
    }
}

impl<C: Condition> fmt::Debug for Wait<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wait({}, within {:?})", self.words(), self.within)
    }
}
