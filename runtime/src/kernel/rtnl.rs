//! Requests to the routing part of the kernel: links, addresses, routes, rules, neighbours ([rtnetlink(7)]).
//!
//! The kernel carries a request out, and answers, before the call that sends it returns. So a connection is a plain
//! socket, and calls work alike in sync and async tests. Every request asks for an acknowledgement, in the kernel's
//! words, and has a deadline for it; the call that sends is not bounded by it.
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::{
    errno::Errno,
    sys::{
        socket::{setsockopt, sockopt},
        time::TimeVal,
    },
};
use rtnetlink::{
    packet_core::{
        ErrorMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer, NetlinkMessage,
        NetlinkPayload,
    },
    packet_route::RouteNetlinkMessage,
};

use super::KernelError;

/// How long is waited for the answer to one request or batch once it was sent. The wait for the kernel's lock, which is
/// one for the whole machine, is over by then.
const DEADLINE: Duration = Duration::from_secs(30);

/// Messages in one datagram: past 250 acknowledgements have been lost to a full receive buffer.
const BATCH: usize = 128;

/// The largest datagram that is asked for; the kernel fits the pieces of a list to it, up to this.
pub(super) const RECEIVE_BUFFER: usize = 32 * 1024;

/// A message to the kernel, with the words for an error.
pub(crate) struct Request {
    pub(crate) message: RouteNetlinkMessage,
    /// Flags beside REQUEST and ACK.
    pub(crate) flags: u16,
    /// What is done, such as `add route`.
    pub(crate) operation: &'static str,
    /// To what, such as `10.0.0.0/8 on node a`.
    pub(crate) object: String,
}

/// A connection to the kernel that belongs to one network namespace.
#[derive(Clone, Debug)]
pub(crate) struct Rtnl(Arc<Mutex<Connection>>);

#[derive(Debug)]
struct Connection {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Rtnl {
    /// Opens a connection in the network namespace of the calling thread.
    pub(crate) fn open() -> io::Result<Self> {
        let socket = Socket::new(NETLINK_ROUTE)?;
        socket.set_ext_ack(true)?;
        socket.set_cap_ack(true)?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(DEADLINE.as_secs().cast_signed(), 0))?;
        Ok(Self(Arc::new(Mutex::new(Connection { socket, sequence: 0, buffer: Vec::new() }))))
    }

    /// Carries a request out and waits for its acknowledgement; for the kernel's lock as long as it takes.
    pub(crate) fn execute(&self, request: Request) -> Result<(), KernelError> {
        self.execute_all(vec![request])
    }

    /// Carries requests out, in order. After an error the rest may have been done.
    pub(crate) fn execute_all(&self, requests: Vec<Request>) -> Result<(), KernelError> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            connection.batch(requests.by_ref().take(BATCH))?;
        }
        Ok(())
    }

    /// Asks for what a request names: one object, or all of them with [`DUMP`].
    pub(crate) fn get(&self, request: Request) -> Result<Vec<RouteNetlinkMessage>, KernelError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).query(request)
    }
}

impl Connection {
    fn batch(&mut self, requests: impl Iterator<Item = Request>) -> Result<(), KernelError> {
        let first = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        let mut words = Vec::new();
        for request in requests {
            self.append(&mut bytes, request.message, request.flags | NLM_F_ACK);
            words.push((request.operation, request.object));
        }
        self.send(&bytes, &words[0])?;
        let mut answered = 0;
        while answered < words.len() {
            for message in self.receive(&words[answered])? {
                // Answers to an earlier batch that ended with an error are left over from it.
                let Some(words) = words.get(message.header.sequence_number.wrapping_sub(first) as usize) else {
                    continue;
                };
                match message.payload {
                    NetlinkPayload::Error(error) => refusal(words, &error)?,
                    other => return Err(unexpected(words, &other)),
                }
                answered += 1;
            }
        }
        Ok(())
    }

    /// Asks again if a list changed while it was read.
    fn query(&mut self, request: Request) -> Result<Vec<RouteNetlinkMessage>, KernelError> {
        let words = (request.operation, request.object);
        for _ in 0..MOST_READINGS {
            let mut bytes = Vec::new();
            self.append(&mut bytes, request.message.clone(), request.flags | NLM_F_ACK);
            self.send(&bytes, &words)?;
            if let Some(found) = self.answers(&words)? {
                return Ok(found);
            }
        }
        Err(KernelError::new(words.0, words.1, Errno::EINTR).because("the list changed each time it was read"))
    }

    /// The answers to the last request; `None` if they are of different moments.
    fn answers(&mut self, words: &Words) -> Result<Option<Vec<RouteNetlinkMessage>>, KernelError> {
        let (mut found, mut changed) = (Vec::new(), false);
        loop {
            for NetlinkMessage { header, payload, .. } in self.receive(words)? {
                if header.sequence_number != self.sequence {
                    continue;
                }
                changed |= header.flags & NLM_F_DUMP_INTR != 0;
                match payload {
                    NetlinkPayload::InnerMessage(message) => found.push(message),
                    NetlinkPayload::Error(error) => {
                        refusal(words, &error)?;
                        return Ok(Some(found));
                    }
                    NetlinkPayload::Done(done) if done.code == 0 => return Ok((!changed).then_some(found)),
                    NetlinkPayload::Done(done) => {
                        let errno = Errno::from_raw(done.code.wrapping_abs());
                        return Err(KernelError::new(words.0, words.1.clone(), errno));
                    }
                    other => return Err(unexpected(words, &other)),
                }
            }
        }
    }

    fn append(&mut self, bytes: &mut Vec<u8>, message: RouteNetlinkMessage, flags: u16) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = NetlinkMessage::from(message);
        message.header.flags = NLM_F_REQUEST | flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let start = bytes.len();
        bytes.resize(start + message.buffer_len().next_multiple_of(4), 0);
        message.serialize(&mut bytes[start..]);
    }

    fn send(&self, bytes: &[u8], words: &Words) -> Result<(), KernelError> {
        match self.socket.send_to(bytes, &SocketAddr::new(0, 0), 0) {
            Ok(_) => Ok(()),
            Err(error) => Err(KernelError::io(words.0, words.1.clone(), &error)),
        }
    }

    /// Receives one datagram.
    ///
    /// A message that cannot be decoded is an error: without it a list would be a false statement.
    fn receive(&mut self, words: &Words) -> Result<Vec<NetlinkMessage<RouteNetlinkMessage>>, KernelError> {
        loop {
            self.buffer.clear();
            self.buffer.reserve(RECEIVE_BUFFER);
            match self.socket.recv(&mut self.buffer, libc::MSG_TRUNC) {
                Ok(length) if length > self.buffer.len() => {
                    return Err(undecodable(words, format!("an answer of {length} bytes")));
                }
                Ok(_) => return decode(&self.buffer, words),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(KernelError::deadline(words.0, words.1.clone(), DEADLINE));
                }
                Err(error) => return Err(KernelError::io(words.0, words.1.clone(), &error)),
            }
        }
    }
}

/// How often a list that changes while it is read is read again.
const MOST_READINGS: usize = 1000;

/// The flags of a dump of every object of a kind.
pub(crate) const DUMP: u16 = NLM_F_DUMP;

pub(super) type Words = (&'static str, String);

pub(super) fn decode(mut rest: &[u8], words: &Words) -> Result<Vec<NetlinkMessage<RouteNetlinkMessage>>, KernelError> {
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let length = NetlinkBuffer::new_checked(rest).map_err(|error| undecodable(words, error.to_string()))?.length();
        let (one, more) = rest.split_at(length as usize);
        messages.push(NetlinkMessage::deserialize(one).map_err(|error| undecodable(words, error.to_string()))?);
        rest = more.get(length.next_multiple_of(4) as usize - length as usize..).unwrap_or_default();
    }
    Ok(messages)
}

fn undecodable(words: &Words, why: String) -> KernelError {
    KernelError::new(words.0, words.1.clone(), Errno::EBADMSG).because(format!("undecodable answer: {why}"))
}

fn unexpected(words: &Words, payload: &NetlinkPayload<RouteNetlinkMessage>) -> KernelError {
    KernelError::new(words.0, words.1.clone(), Errno::EPROTO).because(format!("unexpected answer {payload:?}"))
}

fn refusal(words: &Words, error: &ErrorMessage) -> Result<(), KernelError> {
    match error.code {
        None => Ok(()),
        Some(_) => Err(KernelError::netlink(words.0, words.1.clone(), error)),
    }
}
