//! UDP exchange: a datagram, and the datagram that comes back.

use std::{
    io::IoSliceMut,
    net::SocketAddr,
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use nix::{
    cmsg_space,
    errno::Errno,
    libc,
    poll::PollFlags,
    sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg},
};

use super::{
    Answer, Outcome, ProbeError, Protocol,
    attempt::{Attempt, End},
    target::Options,
};
use crate::capture::{Tap, Transport};

/// What is sent unless a size is given.
const PAYLOAD: &[u8] = b"netns-test";

/// Sends datagrams from the calling thread's namespace and waits for as many back.
pub(super) fn probe(
    tap: &Tap,
    target: SocketAddr,
    options: &Options,
    patience: Duration,
) -> Result<Answer, ProbeError> {
    if options.id.is_some() {
        return Err(ProbeError::Target("a UDP probe has no ICMP identifier: `id` has no meaning".into()));
    }
    options.fit(Protocol::Udp)?;
    let mut attempt = Attempt::begin(tap, Protocol::Udp, target, options, patience)?;
    let end = match attempt.connect()? {
        Some(end) => end,
        None => exchange(&mut attempt, patience)?,
    };
    let (local, to) = (attempt.local(), attempt.target);
    attempt.end(end, |ip, is_own| match ip.transport {
        // Translation may have changed either end.
        Transport::Udp { source, destination } => {
            local.is_some_and(|own| own.port() == source)
                || (ip.destination, destination) == (to.ip(), to.port()) && is_own(ip.source)
        }
        _ => false,
    })
}

fn exchange(attempt: &mut Attempt<'_>, patience: Duration) -> Result<End, ProbeError> {
    let payload = match attempt.options.size {
        Some(size) => PAYLOAD.iter().copied().cycle().take(size).collect(),
        None => PAYLOAD.to_vec(),
    };
    let (count, interval) = (attempt.options.count(), attempt.options.interval());
    let mut last = End::timeout();
    for number in 1..=count {
        let sent = Instant::now();
        if let Some(end) = attempt.send(&payload, |_| true)? {
            return Ok(end);
        }
        attempt.deadline = sent + if number < count { interval } else { patience };
        // One that was late is taken for one of now: datagrams have no numbers.
        while attempt.received < number {
            match reply(attempt, sent)? {
                Ok(end) => last = end,
                Err(end) if end.outcome != Outcome::Timeout => return Ok(end),
                Err(_) => break,
            }
            attempt.received += 1;
        }
    }
    Ok(if attempt.received == count { last } else { End::timeout() })
}

/// Waits for one datagram; the inner error is another end than reached.
fn reply(attempt: &Attempt<'_>, sent: Instant) -> Result<Result<End, End>, ProbeError> {
    loop {
        if attempt.wait(PollFlags::POLLIN, attempt.deadline)?.is_none() {
            return Ok(Err(End::timeout()));
        }
        let mut bytes = [0; 16];
        let mut control = cmsg_space!([libc::sock_extended_err; 2], libc::sockaddr_in6, libc::c_int);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let fd = attempt.socket.as_raw_fd();
        match recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT) {
            Ok(message) => {
                let ttl = message.cmsgs().ok().and_then(|mut list| {
                    list.find_map(|c| match c {
                        ControlMessageOwned::Ipv6HopLimit(n) | ControlMessageOwned::Ipv4Ttl(n) => u8::try_from(n).ok(),
                        _ => None,
                    })
                });
                return Ok(Ok(End::reached(sent.elapsed(), ttl, attempt.target.ip())));
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {
                if let Some(end) = attempt.queued_end(|_| true) {
                    return Ok(Err(end));
                }
            }
            Err(errno) => return attempt.failed("receive", errno).map(Err),
        }
    }
}
