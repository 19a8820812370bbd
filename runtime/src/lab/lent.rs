use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::OnceLock,
};

use crate::sys;

/// A descriptor that is lent by reference, and can be taken back.
///
/// A borrowed descriptor has to stay open as long as its owner is there, while a namespace that somebody holds does not
/// end. So the number stays open and comes to name something else.
#[derive(Debug, Default)]
pub(super) struct Lent(OnceLock<OwnedFd>);

impl Lent {
    /// A descriptor of the same object: one, however often it is asked for.
    pub(super) fn lend(&self, original: impl AsFd) -> io::Result<BorrowedFd<'_>> {
        if let Some(lent) = self.0.get() {
            return Ok(lent.as_fd());
        }
        let duplicate = original.as_fd().try_clone_to_owned()?;
        Ok(self.0.get_or_init(|| duplicate).as_fd())
    }

    /// Lets go of the object, if it was lent: the descriptor names /dev/null from now on.
    pub(super) fn take_back(&self) {
        let Some(lent) = self.0.get() else { return };
        // The object lives on with its borrowers where this fails, which is what a descriptor that they own does.
        let _ = File::open("/dev/null").and_then(|null| sys::replace(lent, null));
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, io::Write, os::unix::net::UnixStream};

    use super::*;

    #[test]
    fn what_is_taken_back_is_held_no_more_and_its_descriptor_is_still_open() {
        let (end, mut other) = UnixStream::pair().unwrap();
        let lent = Lent::default();
        let number = format!("{:?}", lent.lend(&end).unwrap());
        assert_eq!(format!("{:?}", lent.lend(&end).unwrap()), number, "one descriptor for all");
        drop(end);
        other.write_all(b"somebody holds it").unwrap();
        lent.take_back();
        assert_eq!(other.read(&mut [0]).unwrap_or(0), 0, "nobody does");
        assert!(other.write_all(b"x").is_err());
        assert_eq!(File::from(lent.0.into_inner().unwrap()).read(&mut [0]).unwrap(), 0);
    }
}
