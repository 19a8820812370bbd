//! One test of a test harness: what the function that `#[netns_test]` makes does in the launcher and in the sandbox.

use std::{
    any::{Any, type_name},
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::{ExitCode, Termination},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{
    channel::{Message, shorten},
    launch::{Ended, Launch, Output},
    ledger,
    maps::Ids,
    outcome::End,
    program,
};

/// A test may take this long unless it says otherwise.
const LIMIT: Duration = Duration::from_secs(60);

/// Set while the network of an argument is built: a panic is not the body's.
static BUILDING: AtomicBool = AtomicBool::new(false);

/// A test, as its attributes describe it.
#[derive(Debug, Clone, Copy)]
pub struct Test {
    /// The module path, with the crate's name first, and the function's name: `crate::module::function`.
    pub path: &'static str,
    /// How long it may take; 60 s if it does not say.
    pub timeout: Option<Duration>,
    /// Whether it is meant to panic.
    pub should_panic: ShouldPanic,
    /// Which users and groups there are in its sandbox.
    pub ids: Ids,
}

/// What `#[should_panic]` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShouldPanic {
    /// It is not there.
    No,
    /// Any panic will do.
    Yes,
    /// The panic's message has this in it.
    With(&'static str),
}

impl Test {
    /// The name that libtest gives it: without the crate.
    fn name(&self) -> &'static str {
        self.path.split_once("::").map_or(self.path, |(_, name)| name)
    }
}

/// Runs a test's body in a sandbox of its own and comes to the same end as the body.
///
/// # Panics
///
/// If the body does, with its message, or as the report of what else happened says.
pub fn run<R: Termination>(test: Test, body: impl FnOnce() -> R + Send) {
    let name = test.name();
    if let Some(inside) = program::inside().filter(|inside| inside.name() == name) {
        inside.enter();
        let end = thread_of_the_test(name, body);
        inside.leave(&end);
    }
    let arguments = [name, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"];
    let ended = Launch {
        name: name.to_owned(),
        arguments: arguments.map(Into::into).to_vec(),
        output: if shown_at_once() { Output::Inherited } else { Output::Printed },
        quiet: true,
        ids: test.ids,
        deadline: Some(test.timeout.unwrap_or(LIMIT)),
    }
    .run();
    conclude(test, ended);
}

/// Says whether the network of the test's argument is being built; a panic meanwhile is not what `#[should_panic]` is
/// about.
pub fn building(now: bool) {
    BUILDING.store(now, Ordering::Relaxed);
}

/// Runs the body on a thread that bears the test's name, as libtest does where it uses more than one.
fn thread_of_the_test<R: Termination>(name: &str, body: impl FnOnce() -> R + Send) -> Message {
    let caught = || {
        catch_unwind(AssertUnwindSafe(|| {
            let code = program::code(body().report());
            let unseen = crate::lab::leave_here();
            assert!(unseen.is_empty(), "{}", unseen.join("\n"));
            code
        }))
    };
    let result = if thread::current().name() == Some(name) {
        caught()
    } else {
        thread::scope(|scope| match thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, caught) {
            Ok(thread) => thread.join().unwrap_or_else(Err),
            Err(error) => {
                let words: Box<dyn Any + Send> = Box::new(format!("cannot start the test's thread: {error}"));
                Err(words)
            }
        })
    };
    match result {
        Ok(0) => Message::Passed,
        Ok(code) => {
            let words = format!(
                "the test returned a termination value with a non-zero status code ({code}) which indicates a failure"
            );
            // An error has been printed; a code says nothing of itself.
            if type_name::<R>() == type_name::<ExitCode>() {
                eprintln!("{words}");
            }
            Message::Failed(words)
        }
        Err(panic) => {
            let words = words(&*panic);
            // As the debug form of an `io::Error` has it, which `unwrap` shows.
            let forms = ["code: 101, kind: NetworkUnreachable", "code: 99, kind: AddrNotAvailable"];
            if forms.iter().any(|form| words.contains(form)) && super::is_cut_off() {
                eprintln!("  help: {}", super::CUT_OFF);
            }
            let message = if BUILDING.load(Ordering::Relaxed) { Message::Unbuilt } else { Message::Failed };
            message(shorten(words))
        }
    }
}

/// The message of a panic.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("Box<dyn Any>").to_owned()
}

/// Whether the harness around us shows output as it comes; nextest asks for that too.
fn shown_at_once() -> bool {
    env::args().any(|argument| argument == "--nocapture" || argument == "--no-capture")
        || env::var_os("RUST_TEST_NOCAPTURE").is_some_and(|value| value != "0")
}

/// Comes to the end that the sandbox came to, in a way that the harness understands.
fn conclude(test: Test, ended: Ended) {
    let name = full_name(test);
    let record = |passed| ledger::recorded(&name, passed, &ended.records);
    let (message, is_said) = match ended.end {
        End::Passed => return record(test.should_panic == ShouldPanic::No),
        End::Failed(message) => {
            record(match test.should_panic {
                ShouldPanic::No => false,
                ShouldPanic::Yes => true,
                ShouldPanic::With(expected) => message.contains(expected),
            });
            show_notes(&ended.notes);
            resume_unwind(Box::new(message));
        }
        End::Skipped(reason) => return skip(test, &reason),
        End::Refused(ref refused) if ledger::refusals_are_skips() => return skip(test, &refused.summary()),
        // The panic has said it.
        End::Unbuilt(message) => (message, true),
        ref other => (other.to_string(), false),
    };
    record(false);
    show_notes(&ended.notes);
    if !is_said {
        eprintln!("netns-test: {message}");
    }
    // This is not the panic that such a test is about: libtest sees none, and says so.
    if test.should_panic == ShouldPanic::No {
        resume_unwind(Box::new(message));
    }
}

fn show_notes(notes: &[String]) {
    for note in notes {
        eprintln!("netns-test: note: {note}");
    }
}

fn skip(test: Test, reason: &str) {
    ledger::skipped(&full_name(test), reason);
    // Here, too, no panic would be a failure.
    match test.should_panic {
        ShouldPanic::No => {}
        ShouldPanic::Yes => resume_unwind(Box::new("skipped")),
        ShouldPanic::With(expected) => resume_unwind(Box::new(expected)),
    }
}

/// The program and the test, as nextest and people write it.
fn full_name(test: Test) -> String {
    test.path.to_owned()
}
