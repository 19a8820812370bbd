//! What the processes of a sandbox say to each other: one message a packet, descriptors beside it.

use std::{
    ffi::CString,
    io::{self, IoSlice},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::process::ExitStatusExt,
    },
    process::ExitStatus,
};

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair},
};

use super::{
    maps::Ids,
    refusal::{Refusal, Step},
};
use crate::sys;

/// The longest text that fits a message; the kernel's default socket buffer is 208 KiB.
pub(crate) const LONGEST: usize = 96 * 1024;

/// One thing said over a [`Channel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// From the launcher: what to become. With it come standard input, and what is to be standard output and error if
    /// they are not those of the launcher.
    Start(Start),
    /// Every process has gone; that of the body, or its set-up, ended so.
    Over(ExitStatus),
    /// From the launcher: end everything now.
    Kill,
    /// The sandbox stands, and its program begins.
    Begun,
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
    /// The network of the body's argument could not be built.
    Unbuilt(String),
}

/// What a new process is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// The name that the body answers to.
    pub(crate) name: String,
    /// The program's arguments, without its name.
    pub(crate) arguments: Vec<CString>,
    /// Whether the body is one test of a test harness, whose own words are not to be seen.
    pub(crate) quiet: bool,
    /// Which users and groups it is to have.
    pub(crate) ids: Ids,
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
        let (bytes, descriptors) = loop {
            match sys::receive_with_descriptors(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                received => break received?,
            }
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let message = Message::decode(&bytes)
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
            Self::Start(start) => return start.encode(),
            Self::Over(status) => (b'O', status.into_raw().to_string()),
            Self::Kill => (b'K', String::new()),
            Self::Begun => (b'B', String::new()),
            Self::Refused(r) => (b'R', format!("{}\n{}\n{}", r.step as u8, r.errno as i32, r.object)),
            Self::Note(text) => (b'N', text.clone()),
            Self::Record(text) => (b'C', text.clone()),
            Self::Hold => (b'H', String::new()),
            Self::Skip(text) => (b'I', text.clone()),
            Self::Passed => (b'P', String::new()),
            Self::Failed(text) => (b'F', text.clone()),
            Self::Unbuilt(text) => (b'U', text.clone()),
        };
        let mut bytes = vec![tag];
        bytes.extend(text.into_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&tag, text) = bytes.split_first()?;
        if tag == b'S' {
            return Start::decode(text).map(Self::Start);
        }
        let text = String::from_utf8(text.to_vec()).ok()?;
        let mut fields = text.splitn(3, '\n');
        Some(match tag {
            b'O' => Self::Over(ExitStatus::from_raw(text.parse().ok()?)),
            b'K' => Self::Kill,
            b'R' => {
                let step = Step::from_number(fields.next()?.parse().ok()?)?;
                let errno = Errno::from_raw(fields.next()?.parse().ok()?);
                Self::Refused(Refusal { step, errno, object: fields.next()?.to_owned() })
            }
            b'B' => Self::Begun,
            b'N' => Self::Note(text),
            b'C' => Self::Record(text),
            b'H' => Self::Hold,
            b'I' => Self::Skip(text),
            b'P' => Self::Passed,
            b'F' => Self::Failed(text),
            b'U' => Self::Unbuilt(text),
            _ => return None,
        })
    }
}

impl Start {
    /// Words that end with zero, for no argument can hold one.
    fn encode(&self) -> Vec<u8> {
        let mut bytes =
            format!("S{}\0{}\0{}\0{}\0", u8::from(self.quiet), self.ids as u8, self.nofile, self.name).into_bytes();
        for argument in &self.arguments {
            bytes.extend(argument.as_bytes_with_nul());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut words = bytes.split_inclusive(|&byte| byte == 0);
        let mut word = || CString::from_vec_with_nul(words.next()?.to_vec()).ok();
        let mut text = || word()?.into_string().ok();
        let quiet = text()? == "1";
        let ids = match &*text()? {
            "1" => Ids::Subordinate,
            "2" => Ids::Host,
            _ => Ids::Own,
        };
        let nofile = text()?.parse().ok()?;
        let name = text()?;
        Some(Self { name, arguments: std::iter::from_fn(word).collect(), quiet, ids, nofile })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_arrives_as_it_was_sent() {
        let (a, b) = Channel::pair().unwrap();
        let arguments = vec![c"--exact".into(), c"".into(), c"\xff\n".into()];
        let start = Start { name: "a::b\nc".into(), arguments, quiet: true, ids: Ids::Subordinate, nofile: 1024 };
        let refusal = Refusal { step: Step::UidMap, errno: Errno::EPERM, object: "one\ntwo".into() };
        for message in [
            Message::Start(start),
            Message::Over(ExitStatus::from_raw(256)),
            Message::Kill,
            Message::Begun,
            Message::Refused(refusal),
            Message::Note("nöte".into()),
            Message::Record(String::new()),
            Message::Hold,
            Message::Skip("no".into()),
            Message::Passed,
            Message::Failed("x".repeat(LONGEST - 1)),
            Message::Unbuilt("a".into()),
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
    fn a_message_arrives_with_those_descriptors_for_which_there_is_room() {
        // A table of open files of its own, which this thread fills up.
        let received = std::thread::spawn(|| {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES).unwrap();
            let (a, b) = Channel::pair().unwrap();
            let file = std::fs::File::open("/dev/null").unwrap();
            a.send(&Message::Hold, &[file.as_fd(); 3]).unwrap();
            a.send(&Message::Passed, &[]).unwrap();
            let mut filled: Vec<_> = std::iter::from_fn(|| file.try_clone().ok()).collect();
            filled.pop();
            let received = [b.receive().unwrap().unwrap(), b.receive().unwrap().unwrap()];
            received.map(|(message, descriptors)| (message, descriptors.len()))
        });
        assert_eq!(received.join().unwrap(), [(Message::Hold, 1), (Message::Passed, 0)]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = "ä".repeat(LONGEST);
        let cut = shorten(long);
        assert!(cut.len() < LONGEST && cut.ends_with("ä… (cut)"));
    }
}
