//! What the processes of a sandbox say to each other: one message a packet, descriptors beside it.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair},
};

use super::refusal::{Refusal, Step};
use crate::sys;

/// The longest text that fits a message; the kernel's default socket buffer is 208 KiB.
pub(crate) const LONGEST: usize = 96 * 1024;

/// One thing said over a [`Channel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// From the launcher: what to become. Standard input comes with it.
    Start(Start),
    /// From the launcher: end everything now.
    Kill,
    /// A step of the set-up was refused.
    Refused(Refusal),
    /// The set-up went on without something.
    Note(String),
    /// A line for the records, which counts if the test passes.
    Record(String),
    /// Descriptors that are to be closed off the test's path come with it.
    Hold,
    /// The test cannot run here, for a reason of its own.
    Skip(String),
    /// The body returned well.
    Passed,
    /// The body panicked or returned a failure.
    Failed(String),
}

/// What a freshly started process is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// The name that the body answers to.
    pub(crate) name: String,
    /// Whether the body is one test of a test harness, whose own words are not to be seen.
    pub(crate) quiet: bool,
    /// The limit of open files to give back to it; the launcher has raised its own.
    pub(crate) nofile: u64,
}

/// One end of a connection that keeps messages apart.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

impl Channel {
    /// Makes both ends.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        Ok((Self(a), Self(b)))
    }

    /// Says it, with descriptors of which the receiver gets copies.
    pub(crate) fn send(&self, message: &Message, descriptors: &[BorrowedFd]) -> io::Result<()> {
        let bytes = message.encode();
        let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&raw)];
        let control: &[ControlMessage] = if raw.is_empty() { &[] } else { &rights };
        loop {
            let parts = [IoSlice::new(&bytes)];
            match sendmsg::<()>(self.0.as_raw_fd(), &parts, control, MsgFlags::MSG_NOSIGNAL, None) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Waits for the next message; `None` says that nobody is left to send one.
    pub(crate) fn receive(&self) -> io::Result<Option<(Message, Vec<OwnedFd>)>> {
        let mut buffer = vec![0; LONGEST + 64];
        let (length, descriptors) = loop {
            match sys::receive_with_descriptors(&self.0, &mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                received => break received?,
            }
        };
        if length == 0 {
            return Ok(None);
        }
        let message = Message::decode(&buffer[..length])
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a message that is none of ours"))?;
        Ok(Some((message, descriptors)))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Channel {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl From<Channel> for OwnedFd {
    fn from(channel: Channel) -> Self {
        channel.0
    }
}

/// The text, cut at a character's border to what fits one message.
pub(crate) fn shorten(mut text: String) -> String {
    if text.len() > LONGEST - 64 {
        let end = (0..=LONGEST - 64).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        text.truncate(end);
        text.push_str("… (cut)");
    }
    text
}

impl Message {
    fn encode(&self) -> Vec<u8> {
        let (tag, text) = match self {
            Self::Start(start) => (b'S', format!("{}\n{}\n{}", u8::from(start.quiet), start.nofile, start.name)),
            Self::Kill => (b'K', String::new()),
            Self::Refused(r) => (b'R', format!("{}\n{}\n{}", r.step as u8, r.errno as i32, r.object)),
            Self::Note(text) => (b'N', text.clone()),
            Self::Record(text) => (b'C', text.clone()),
            Self::Hold => (b'H', String::new()),
            Self::Skip(text) => (b'I', text.clone()),
            Self::Passed => (b'P', String::new()),
            Self::Failed(text) => (b'F', text.clone()),
        };
        let mut bytes = vec![tag];
        bytes.extend(text.into_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&tag, text) = bytes.split_first()?;
        let text = String::from_utf8(text.to_vec()).ok()?;
        let mut fields = text.splitn(3, '\n');
        Some(match tag {
            b'S' => {
                let quiet = fields.next()? == "1";
                let nofile = fields.next()?.parse().ok()?;
                Self::Start(Start { name: fields.next()?.to_owned(), quiet, nofile })
            }
            b'K' => Self::Kill,
            b'R' => {
                let step = Step::from_number(fields.next()?.parse().ok()?)?;
                let errno = Errno::from_raw(fields.next()?.parse().ok()?);
                Self::Refused(Refusal { step, errno, object: fields.next()?.to_owned() })
            }
            b'N' => Self::Note(text),
            b'C' => Self::Record(text),
            b'H' => Self::Hold,
            b'I' => Self::Skip(text),
            b'P' => Self::Passed,
            b'F' => Self::Failed(text),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_arrives_as_it_was_sent() {
        let (a, b) = Channel::pair().unwrap();
        let refusal = Refusal { step: Step::UidMap, errno: Errno::EPERM, object: "one\ntwo".into() };
        for message in [
            Message::Start(Start { name: "a::b\nc".into(), quiet: true, nofile: 1024 }),
            Message::Kill,
            Message::Refused(refusal),
            Message::Note("nöte".into()),
            Message::Record(String::new()),
            Message::Hold,
            Message::Skip("no".into()),
            Message::Passed,
            Message::Failed("x".repeat(LONGEST - 1)),
        ] {
            a.send(&message, &[]).unwrap();
            assert_eq!(b.receive().unwrap().unwrap().0, message);
        }
        drop(a);
        assert!(b.receive().unwrap().is_none());
    }

    #[test]
    fn descriptors_travel_with_a_message() {
        let (a, b) = Channel::pair().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        a.send(&Message::Hold, &[file.as_fd(), file.as_fd()]).unwrap();
        assert_eq!(b.receive().unwrap().unwrap().1.len(), 2);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = "ä".repeat(LONGEST);
        let cut = shorten(long);
        assert!(cut.len() < LONGEST && cut.ends_with("ä… (cut)"));
    }
}
