//! The error that a test returns.

use std::{
    error::Error,
    fmt::{self, Debug, Display, Formatter},
    panic::Location,
};

/// What a test returns: nothing, or a [`Failure`].
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// Any error, with the place of the `?` that gave up on it.
///
/// It is no [`Error`] itself, so that every error converts to it:
///
/// ```
/// fn test() -> netns_test_runtime::Result {
///     let port: u16 = "eighty".parse()?;
///     Err(format!("{port} is open"))?
/// }
/// let failure = test().unwrap_err();
/// assert!(format!("{failure}").starts_with("invalid digit found in string\n  at "));
/// ```
pub struct Failure {
    source: Box<dyn Error + Send + Sync>,
    /// What to do about it, where that is known.
    help: Option<&'static str>,
    place: &'static Location<'static>,
}

impl Failure {
    /// The error.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.source
    }

    /// Where it was given up on.
    pub fn place(&self) -> &'static Location<'static> {
        self.place
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        let source = error.into();
        Self { help: help(&*source), source, place: Location::caller() }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let mut said = self.source.to_string();
        f.write_str(&said)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            let words = error.to_string();
            // Many errors have their cause's words in their own.
            if !said.contains(&words) {
                write!(f, "\n  because: {words}")?;
                said = words;
            }
            cause = error.source();
        }
        if let Some(help) = self.help {
            write!(f, "\n  help: {help}")?;
        }
        write!(f, "\n  at {}", self.place)
    }
}

/// As displayed: this is what the standard library prints of a test's error.
impl Debug for Failure {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// What to do about an error that a sandbox is known for.
#[cfg(target_os = "linux")]
fn help(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let code = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error);
        // Where an address of a node is neither reached nor one's own.
        if matches!(code, Some(libc::ENETUNREACH | libc::EADDRNOTAVAIL)) {
            return crate::sandbox::is_cut_off().then_some(crate::sandbox::CUT_OFF);
        }
        cause = error.source();
    }
    None
}

#[cfg(not(target_os = "linux"))]
fn help(_: &(dyn Error + 'static)) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the lease")]
    struct Lease(#[source] std::num::ParseIntError);

    fn give_up() -> Result {
        Err(Lease("x".parse::<u8>().unwrap_err()))?
    }

    #[test]
    fn a_failure_shows_its_chain_and_the_place_of_the_question_mark() {
        let place = format!("{}:", file!());
        let text = give_up().unwrap_err().to_string();
        assert!(text.starts_with("cannot read the lease\n  because: invalid digit found in string\n  at "), "{text}");
        assert!(text.contains(&place), "{text}");
    }
}
