//! A copy of this program that runs one of its functions instead of `main`.
#![expect(unsafe_code, reason = "the function is found again by its place in the program")]

use std::{
    env, fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Termination, exit},
    ptr::{null, null_mut},
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
};

use nix::sys::signal::{SigHandler, Signal, signal};

use super::program::code;

/// The variable that tells a copy which function to run: an [`Entry`].
pub(crate) const ENTRY: &str = "NETNS_TEST_ENTRY";

/// The variable with the function's argument.
pub(crate) const ARGUMENT: &str = "NETNS_TEST_ARGUMENT";

static IS_COPY: AtomicBool = AtomicBool::new(false);

/// Whether this process is such a copy.
pub(super) fn is_copy() -> bool {
    IS_COPY.load(Ordering::Relaxed)
}

/// A function of this program, as another copy of it finds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Where [`call`] is, made for the function's type.
    call: usize,
    function: usize,
}

impl Entry {
    /// `None` if the function belongs to a library.
    pub(crate) fn new<A, R>(function: fn(A) -> R) -> Option<Self>
    where
        A: FromStr<Err: fmt::Debug>,
        R: Termination,
    {
        let call: fn((usize, String)) -> i32 = call::<A, R>;
        Some(Self { call: offset_of(call as *const ())?, function: offset_of(function as *const ())? })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.call, self.function)
    }
}

/// Runs the function that the environment names, and exits; returns if it names none.
pub(super) fn run_if_told() {
    let Some(entry) = env::var(ENTRY).ok() else { return };
    let Some((call, function)) = entry.split_once(':') else { return };
    let (Ok(call), Ok(function)) = (call.parse(), function.parse()) else { return };
    let argument = env::var(ARGUMENT).unwrap_or_default();
    // SAFETY: nothing but constructors has run, so there is one thread, and nobody reads the environment meanwhile.
    unsafe {
        env::remove_var(ENTRY);
        env::remove_var(ARGUMENT);
    }
    IS_COPY.store(true, Ordering::Relaxed);
    // As the standard library does before `main`: writing to a closed pipe is an error, and not the end.
    // SAFETY: no handler is installed.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
    // SAFETY: `Entry::new` has taken the offset of such a function, in the program that this is another copy of.
    let call: fn((usize, String)) -> i32 = unsafe { function_at(call) };
    exit(call((function, argument)));
}

/// Calls the function, and returns the exit code that it ends with.
fn call<A, R>((function, argument): (usize, String)) -> i32
where
    A: FromStr<Err: fmt::Debug>,
    R: Termination,
{
    // SAFETY: the offset is of a function of this type: `Entry::new` has made this one for it.
    let function: fn(A) -> R = unsafe { function_at(function) };
    let body = || {
        let argument = argument.parse().expect("an argument can be read back from its own text");
        code(function(argument).report())
    };
    // The panic has been printed; the code is the one that a program gets for it.
    catch_unwind(AssertUnwindSafe(body)).map_or(101, i32::from)
}

/// What the places of functions are counted from.
const ORIGIN: fn() = run_if_told;

/// The place of a function of this program, which is the same in every copy of it; `None` if it belongs to another file.
fn offset_of(function: *const ()) -> Option<usize> {
    let file = |function: *const ()| {
        let mut information =
            libc::Dl_info { dli_fname: null(), dli_fbase: null_mut(), dli_sname: null(), dli_saddr: null_mut() };
        // SAFETY: the C library looks an address up, whatever it is, and writes to a live variable.
        let found = unsafe { libc::dladdr(function.cast(), &raw mut information) };
        (found != 0).then_some(information.dli_fbase)
    };
    let origin = ORIGIN as *const ();
    (file(function)? == file(origin)?).then(|| function.addr().wrapping_sub(origin.addr()))
}

/// The function in that place.
///
/// # Safety
///
/// The offset must be that of a function of this type, taken in a copy of the same file.
unsafe fn function_at<A, R>(offset: usize) -> fn(A) -> R {
    let function = (ORIGIN as *const ()).wrapping_byte_add(offset);
    // SAFETY: it points to a function of this type, as the caller says.
    unsafe { std::mem::transmute::<*const (), fn(A) -> R>(function) }
}
