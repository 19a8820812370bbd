//! Requests to netfilter over NETLINK_NETFILTER: nftables and connection tracking.

use std::{
    fmt,
    io::ErrorKind,
    time::{Duration, Instant},
};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily, NetfilterSubsystem,
    none::ControlMessage,
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{setsockopt, sockopt},
};

use super::error::{KernelError, kernel_words};
use crate::netns::Netns;

/// How long is waited for the answer to a request once it was sent; the wait for the kernel's lock is over by then.
const DEADLINE: Duration = Duration::from_secs(30);

/// The largest datagram that the kernel sends in a dump is 32 KiB.
const RECEIVE_BUFFER: usize = 64 * 1024;

/// A transaction is one datagram, which must fit the send buffer; the kernel caps this at `net.core.wmem_max`.
const SEND_BUFFER: usize = 16 * 1024 * 1024;

/// A socket to netfilter in one network namespace.
pub(crate) struct Netfilter {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

/// One message to the kernel, with the words for its error.
pub(crate) struct Request {
    pub(crate) operation: &'static str,
    pub(crate) object: String,
    pub(crate) flags: u16,
    pub(crate) message: NetfilterMessage,
}

impl Request {
    /// A request in a protocol family (`NFPROTO_*`).
    pub(crate) fn new(
        operation: &'static str,
        object: impl Into<String>,
        family: NetfilterProtoFamily,
        message: impl Into<NetfilterMessageInner>,
    ) -> Self {
        let message = NetfilterMessage::new(NetfilterHeader::new(family, 0, 0), message);
        Self { operation, object: object.into(), flags: 0, message }
    }

    /// Adds `NLM_F_*` flags to those of every request.
    pub(crate) fn flags(mut self, flags: u16) -> Self {
        self.flags |= flags;
        self
    }

    fn refused(&self, errno: Errno) -> KernelError {
        KernelError::new(self.operation, &self.object, errno)
    }

    fn io(&self, error: &std::io::Error) -> KernelError {
        KernelError::io(self.operation, &self.object, error)
    }
}

impl Netfilter {
    /// Opens a socket in a namespace; the socket belongs to it wherever it is used.
    pub(crate) fn open(netns: &Netns) -> Result<Self, KernelError> {
        let failed = |error| {
            KernelError::io("open", "a NETLINK_NETFILTER socket", &error)
                .help("the kernel needs CONFIG_NETFILTER_NETLINK and CONFIG_NF_TABLES")
        };
        let socket = netns.run(|| {
            let mut socket = Socket::new(NETLINK_NETFILTER)?;
            socket.bind_auto()?;
            socket.set_ext_ack(true)?;
            socket.set_cap_ack(true)?;
            setsockopt(&socket, sockopt::SndBuf, &SEND_BUFFER)?;
            Ok(socket)
        });
        let socket = socket.and_then(|opened| opened).map_err(failed)?;
        Ok(Self { socket, sequence: 0, buffer: Vec::with_capacity(RECEIVE_BUFFER) })
    }

    /// Carries out the requests in one transaction: all of them or, on an error, none.
    ///
    /// Returns the echoes of those that asked for one (`NLM_F_ECHO`).
    pub(crate) fn transact(&mut self, mut requests: Vec<Request>) -> Result<Vec<NetfilterMessage>, KernelError> {
        // One acknowledgement, of the last message, tells that the transaction was committed; errors come anyway. An
        // acknowledgement each would overflow the receive buffer in a large transaction.
        let Some(last) = requests.last_mut() else { return Ok(Vec::new()) };
        last.flags |= NLM_F_ACK;

        let first = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        self.append(&mut bytes, 0, &batch_border(ControlMessage::BatchBegin));
        for request in &requests {
            self.append(&mut bytes, request.flags, &request.message);
        }
        let awaited = self.sequence;
        self.append(&mut bytes, 0, &batch_border(ControlMessage::BatchEnd));

        let whole = &requests[requests.len() - 1];
        self.send(&bytes, whole)?;
        let of = |sequence: u32| {
            let index = sequence.wrapping_sub(first) as usize;
            if index == 0 { None } else { requests.get(index - 1) }
        };

        let deadline = Instant::now() + DEADLINE;
        let mut echoes = Vec::new();
        let mut error: Option<KernelError> = None;
        loop {
            // The kernel answers before `send` returns: when an error is there and nothing else, that was all.
            if error.is_some() && !self.readable(Duration::ZERO, whole)? {
                break;
            }
            for message in self.receive(deadline, whole)? {
                let NetlinkMessage { header, payload, .. } = message;
                if header.sequence_number.wrapping_sub(first) as usize > requests.len() {
                    continue;
                }
                match payload {
                    NetlinkPayload::Error(reply) if reply.code.is_some() => {
                        let culprit = of(header.sequence_number).unwrap_or(whole);
                        error.get_or_insert_with(|| refusal(culprit, &reply));
                    }
                    NetlinkPayload::Error(_) if header.sequence_number == awaited && error.is_none() => {
                        return Ok(echoes);
                    }
                    NetlinkPayload::InnerMessage(message) => echoes.push(message),
                    _ => (),
                }
            }
        }
        Err(error.expect("the loop ends with an error"))
    }

    /// Carries out a single request and returns what was answered before the acknowledgement.
    pub(crate) fn ask(&mut self, request: Request) -> Result<Vec<NetfilterMessage>, KernelError> {
        self.exchange(&request, NLM_F_ACK).map(|(messages, _)| messages)
    }

    /// Reads a whole list; reads again if it changed meanwhile.
    pub(crate) fn dump(&mut self, request: &Request) -> Result<Vec<NetfilterMessage>, KernelError> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.exchange(request, NLM_F_DUMP)? {
                (messages, false) => return Ok(messages),
                (_, true) if Instant::now() > deadline => {
                    return Err(request.refused(Errno::EINTR).because("the list changed each time it was read"));
                }
                _ => (),
            }
        }
    }

    /// Sends one request and collects the answer; the flag tells that a list changed while it was read.
    fn exchange(&mut self, request: &Request, flags: u16) -> Result<(Vec<NetfilterMessage>, bool), KernelError> {
        let mut bytes = Vec::new();
        self.append(&mut bytes, request.flags | flags, &request.message);
        let awaited = self.sequence;
        self.send(&bytes, request)?;

        let deadline = Instant::now() + DEADLINE;
        let (mut messages, mut changed) = (Vec::new(), false);
        loop {
            for NetlinkMessage { header, payload, .. } in self.receive(deadline, request)? {
                if header.sequence_number != awaited {
                    continue;
                }
                changed |= header.flags & NLM_F_DUMP_INTR != 0;
                match payload {
                    NetlinkPayload::InnerMessage(message) => messages.push(message),
                    NetlinkPayload::Error(reply) if reply.code.is_none() => return Ok((messages, changed)),
                    NetlinkPayload::Error(reply) => return Err(refusal(request, &reply)),
                    NetlinkPayload::Done(done) if done.code == 0 => return Ok((messages, changed)),
                    NetlinkPayload::Done(done) => {
                        let error = request.refused(Errno::from_raw(done.code.wrapping_abs()));
                        return Err(match kernel_words(&done.extended_ack) {
                            Some(words) => error.because(words),
                            None => error,
                        });
                    }
                    NetlinkPayload::Overrun(_) => return Err(request.refused(Errno::ENOBUFS)),
                    _ => (),
                }
            }
        }
    }

    fn append(&mut self, bytes: &mut Vec<u8>, flags: u16, message: &NetfilterMessage) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message.clone()));
        message.finalize();
        let start = bytes.len();
        bytes.resize(start + message.buffer_len(), 0);
        message.serialize(&mut bytes[start..]);
    }

    fn send(&self, bytes: &[u8], request: &Request) -> Result<(), KernelError> {
        match self.socket.send_to(bytes, &SocketAddr::new(0, 0), 0) {
            Ok(_) => Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => Err(request
                .io(&error)
                .because(format!("the transaction of {} bytes is larger than the socket's send buffer", bytes.len()))),
            Err(error) => Err(request.io(&error)),
        }
    }

    fn readable(&self, timeout: Duration, request: &Request) -> Result<bool, KernelError> {
        // Rounded up: a timeout of zero would spin during the last millisecond.
        let timeout = PollTimeout::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(std::os::fd::AsFd::as_fd(&self.socket), PollFlags::POLLIN)], timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(errno) => Err(request.refused(errno)),
        }
    }

    /// Receives one datagram, decoded.
    fn receive(
        &mut self,
        deadline: Instant,
        request: &Request,
    ) -> Result<Vec<NetlinkMessage<NetfilterMessage>>, KernelError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.readable(left, request)? {
                self.buffer.clear();
                match self.socket.recv(&mut self.buffer, libc::MSG_DONTWAIT | libc::MSG_TRUNC) {
                    Ok(length) if length > self.buffer.len() => {
                        return Err(request.refused(Errno::EMSGSIZE).because(format!("an answer of {length} bytes")));
                    }
                    Ok(_) => return self.decode(request),
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => (),
                    Err(error) => return Err(request.io(&error)),
                }
            } else if left.is_zero() {
                return Err(KernelError::deadline(request.operation, &request.object, DEADLINE));
            }
        }
    }

    fn decode(&self, request: &Request) -> Result<Vec<NetlinkMessage<NetfilterMessage>>, KernelError> {
        let undecodable =
            |why: &dyn fmt::Display| request.refused(Errno::EBADMSG).because(format!("undecodable answer: {why}"));
        let mut messages = Vec::new();
        let mut rest = &self.buffer[..];
        while !rest.is_empty() {
            let length = NetlinkBuffer::new_checked(rest).map_err(|error| undecodable(&error))?.length() as usize;
            messages.push(NetlinkMessage::deserialize(&rest[..length]).map_err(|error| undecodable(&error))?);
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(messages)
    }
}

impl fmt::Debug for Netfilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Netfilter").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// The message that begins or ends a transaction of nftables; `res_id` names the subsystem.
fn batch_border(border: ControlMessage) -> NetfilterMessage {
    let subsystem = u8::from(NetfilterSubsystem::NfTables);
    NetfilterMessage::new(NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, subsystem.into()), border)
}

fn refusal(request: &Request, reply: &netlink_packet_core::ErrorMessage) -> KernelError {
    let error = KernelError::netlink(request.operation, &request.object, reply);
    let words = error.message().is_some();
    match () {
        () if words => error,
        () if error.is(Errno::EOPNOTSUPP) => {
            error.help("the kernel lacks this, or not at this hook and in this family")
        }
        // What the kernel says of an expression that it does not know, or of a type of chain.
        () if error.is(Errno::ENOENT) && request.flags & NLM_F_CREATE != 0 => {
            error.help("the kernel may lack the nftables module that this needs")
        }
        () => error,
    }
}
