//! Requests to the routing part of the kernel: links, addresses, routes, rules, neighbours ([rtnetlink(7)]).
//!
//! One thread of the process owns every connection, on a current-thread Tokio runtime, so that calls work alike in
//! sync and async tests. Every request asks for an acknowledgement, in the kernel's words, and has a deadline.
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::{
    fmt::Debug,
    future::{Future, pending},
    io,
    pin::pin,
    sync::{OnceLock, mpsc},
    thread,
    time::Duration,
};

use bytes::Buf;
use nix::errno::Errno;
use rtnetlink::{
    packet_core::{
        NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkBuffer, NetlinkDeserializable, NetlinkMessage, NetlinkPayload,
        NetlinkSerializable,
    },
    packet_route::RouteNetlinkMessage,
    proto::{
        ConnectionHandle, NetlinkCodec, NetlinkMessageCodec, from_socket_with_codec,
        sys::{AsyncSocket, SocketAddr, TokioSocket, protocols::NETLINK_ROUTE},
    },
};

use super::KernelError;

/// `struct nlmsghdr`.
const HEADER_LEN: usize = 16;

/// How long the kernel may take to answer one request or batch.
const DEADLINE: Duration = Duration::from_secs(10);

/// Messages in one datagram: past 250 acknowledgements have been lost to a full receive buffer.
const BATCH: usize = 128;

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
pub(crate) struct Rtnl {
    handle: ConnectionHandle<RouteNetlinkMessage>,
}

impl Rtnl {
    /// Starts the netlink thread, unless it runs: in the namespaces of the calling thread, which it keeps alive.
    pub(crate) fn start() -> io::Result<()> {
        runtime().map(|_| ())
    }

    /// Opens a connection in the network namespace of the calling thread.
    pub(crate) fn open() -> io::Result<Self> {
        let runtime = runtime()?;
        let _context = runtime.enter();
        let socket = TokioSocket::new(NETLINK_ROUTE)?;
        socket.socket_ref().set_ext_ack(true)?;
        socket.socket_ref().set_cap_ack(true)?;
        let (mut connection, handle, _) =
            from_socket_with_codec::<RouteNetlinkMessage, TokioSocket, StrictCodec>(socket);
        connection.set_forward_ack(true);
        runtime.spawn(connection);
        Ok(Self { handle })
    }

    /// Carries a request out and waits for its acknowledgement.
    pub(crate) fn execute(&self, request: Request) -> Result<(), KernelError> {
        self.execute_all(vec![request])
    }

    /// Carries requests out, in order.
    pub(crate) fn execute_all(&self, requests: Vec<Request>) -> Result<(), KernelError> {
        let this = self.clone();
        block_on(async move { this.batch(requests).await })
    }

    /// Asks for what a request names: one object, or all of them with [`NLM_F_DUMP`].
    pub(crate) fn get(&self, request: Request) -> Result<Vec<RouteNetlinkMessage>, KernelError> {
        let this = self.clone();
        block_on(async move { this.query(request).await })
    }

    /// [`Rtnl::execute_all`] for the kernel thread itself. After an error the rest of the batch may have been done.
    pub(crate) async fn batch(&self, requests: Vec<Request>) -> Result<(), KernelError> {
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let mut words = Vec::new();
            let messages: Vec<_> = requests
                .by_ref()
                .take(BATCH)
                .map(|request| {
                    words.push((request.operation, request.object));
                    message(request.message, request.flags | NLM_F_ACK)
                })
                .collect();
            let mut answers = Answers::new(
                self.handle.request_batch(messages, SocketAddr::new(0, 0)).map_err(|_| closed(&words[0]))?,
            );
            for words in &words {
                match answers.next(words).await? {
                    NetlinkPayload::Error(error) => refusal(words, &error)?,
                    other => return Err(unexpected(words, &other)),
                }
            }
        }
        Ok(())
    }

    /// [`Rtnl::get`] for the netlink thread itself.
    pub(crate) async fn query(&self, request: Request) -> Result<Vec<RouteNetlinkMessage>, KernelError> {
        let words = (request.operation, request.object);
        let message = message(request.message, request.flags | NLM_F_ACK);
        let stream = self.handle.request_batch([message], SocketAddr::new(0, 0)).map_err(|_| closed(&words))?;
        let mut answers = Answers::new(stream);
        let mut found = Vec::new();
        loop {
            match answers.next_or_end(&words).await? {
                None => return Ok(found),
                Some(NetlinkPayload::InnerMessage(message)) => found.push(message),
                Some(NetlinkPayload::Error(error)) => refusal(&words, &error)?,
                Some(other) => return Err(unexpected(&words, &other)),
            }
        }
    }
}

/// Runs a future on the kernel thread and waits for it.
pub(crate) fn block_on<T: Send + 'static>(
    future: impl Future<Output = Result<T, KernelError>> + Send + 'static,
) -> Result<T, KernelError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime().map_err(|error| KernelError::io("start", "the netlink thread", &error))?.spawn(async move {
        // The receiver waits until the sender is used or gone.
        let _ = sender.send(future.await);
    });
    receiver.recv().unwrap_or_else(|_| Err(KernelError::new("run", "a netlink request", Errno::ECONNABORTED)))
}

/// The flags of a dump of every object of a kind.
pub(crate) const DUMP: u16 = NLM_F_DUMP;

fn runtime() -> io::Result<&'static tokio::runtime::Handle> {
    static RUNTIME: OnceLock<Result<tokio::runtime::Handle, (Option<i32>, String)>> = OnceLock::new();
    let start = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        thread::Builder::new().name("netns-test-rtnl".into()).spawn(move || runtime.block_on(pending::<()>()))?;
        Ok(handle)
    };
    RUNTIME
        .get_or_init(|| start().map_err(|error: io::Error| (error.raw_os_error(), error.to_string())))
        .as_ref()
        .map_err(|(code, text)| code.map_or_else(|| io::Error::other(text.clone()), io::Error::from_raw_os_error))
}

fn message(message: RouteNetlinkMessage, flags: u16) -> NetlinkMessage<RouteNetlinkMessage> {
    let mut message = NetlinkMessage::from(message);
    message.header.flags = NLM_F_REQUEST | flags;
    message
}

type Words = (&'static str, String);
type Payload = NetlinkPayload<RouteNetlinkMessage>;

/// The stream of answers, with a deadline on each.
struct Answers<S>(std::pin::Pin<Box<S>>);

impl<S: futures_core::Stream<Item = NetlinkMessage<RouteNetlinkMessage>>> Answers<S> {
    fn new(stream: S) -> Self {
        Self(Box::pin(stream))
    }

    async fn next_or_end(&mut self, words: &Words) -> Result<Option<Payload>, KernelError> {
        let next = pin!(std::future::poll_fn(|context| self.0.as_mut().poll_next(context)));
        match tokio::time::timeout(DEADLINE, next).await {
            Ok(answer) => Ok(answer.map(|message| message.payload)),
            Err(_) => Err(KernelError::deadline(words.0, words.1.clone(), DEADLINE)),
        }
    }

    async fn next(&mut self, words: &Words) -> Result<Payload, KernelError> {
        self.next_or_end(words).await?.ok_or_else(|| closed(words))
    }
}

fn closed(words: &Words) -> KernelError {
    KernelError::new(words.0, words.1.clone(), Errno::ECONNABORTED).because("the netlink connection was closed")
}

fn unexpected(words: &Words, payload: &Payload) -> KernelError {
    let what = match payload {
        NetlinkPayload::Overrun(_) => "the kernel's answer was lost or could not be decoded".to_owned(),
        other => format!("unexpected answer {other:?}"),
    };
    KernelError::new(words.0, words.1.clone(), Errno::EPROTO).because(what)
}

fn refusal(words: &Words, error: &rtnetlink::packet_core::ErrorMessage) -> Result<(), KernelError> {
    match error.code {
        None => Ok(()),
        Some(_) => Err(KernelError::netlink(words.0, words.1.clone(), error)),
    }
}

/// The standard codec loses answers that it cannot decode, and their requests never end; this one passes them on as
/// an overrun, which ends the request with an error.
struct StrictCodec;

impl NetlinkMessageCodec for StrictCodec {
    fn decode<T: NetlinkDeserializable + Debug>(bytes: &mut bytes::BytesMut) -> io::Result<Option<NetlinkMessage<T>>> {
        if bytes.len() < HEADER_LEN {
            // Nothing, or the padding behind the last message.
            return Ok(None);
        }
        let length = match NetlinkBuffer::new_checked(bytes.as_ref()) {
            Ok(buffer) => buffer.length() as usize,
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
        };
        let one = bytes.split_to(length);
        let padding = length.next_multiple_of(4) - length;
        bytes.advance(padding.min(bytes.len()));
        Ok(Some(NetlinkMessage::deserialize(&one).unwrap_or_else(|_| {
            let buffer = NetlinkBuffer::new(one.as_ref());
            let mut header = rtnetlink::packet_core::NetlinkHeader::default();
            header.sequence_number = buffer.sequence_number();
            NetlinkMessage::new(header, NetlinkPayload::Overrun(one.to_vec()))
        })))
    }

    fn encode<T: NetlinkSerializable + Debug>(
        message: NetlinkMessage<T>,
        bytes: &mut bytes::BytesMut,
    ) -> io::Result<()> {
        NetlinkCodec::encode(message, bytes)
    }
}
