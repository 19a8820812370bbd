//! TCP connect.

use std::{net::SocketAddr, time::Duration};

use nix::{
    errno::Errno,
    libc,
    poll::PollFlags,
    sys::socket::{getsockopt, setsockopt, sockopt},
};

use super::{
    Answer, Origin, Outcome, ProbeError, Protocol,
    attempt::{Attempt, End},
    local,
    target::Options,
};
use crate::capture::{Tap, Transport};

/// The flag of the first segment, FIN the lowest bit.
const SYN: u8 = 2;

/// FIN, SYN, RST and ACK; the first segment may carry those of ECN as well.
const HANDSHAKE: u8 = 0x17;

/// Connects from the calling thread's namespace, and closes the connection again.
pub(super) fn probe(
    tap: &Tap,
    target: SocketAddr,
    options: &Options,
    patience: Duration,
) -> Result<Answer, ProbeError> {
    for (given, name) in
        [(options.size.is_some(), "size"), (options.count.is_some(), "count"), (options.id.is_some(), "id")]
    {
        if given {
            return Err(ProbeError::Target(format!(
                "a TCP probe connects once and sends no data: `{name}` has no meaning"
            )));
        }
    }
    options.fit(Protocol::Tcp)?;
    let mut attempt = Attempt::begin(tap, Protocol::Tcp, target, options, patience)?;
    let end = match attempt.connect()? {
        Some(end) => end,
        None => {
            attempt.accepted = 1;
            established(&attempt)?
        }
    };
    let (local, to) = (attempt.local(), attempt.target);
    attempt.end(end, |ip, is_own| match ip.transport {
        // Translation may have changed either end.
        Transport::Tcp { source, destination, flags } if flags & HANDSHAKE == SYN => {
            local.is_some_and(|own| own.port() == source)
                || (ip.destination, destination) == (to.ip(), to.port()) && is_own(ip.source)
        }
        _ => false,
    })
}

fn established(attempt: &Attempt<'_>) -> Result<End, ProbeError> {
    let Some(_) = attempt.wait(PollFlags::POLLOUT, attempt.deadline)? else {
        return Ok(End::timeout());
    };
    let error = getsockopt(&attempt.socket, sockopt::SocketError);
    let errno = Errno::from_raw(error.map_err(|e| ProbeError::system("read the socket's error", attempt.target, e))?);
    if errno == Errno::UnknownErrno {
        // A connection is this side's a moment before it is the other's, while the last segment of the handshake is on
        // its way. Closing waits until the other side has acknowledged the end, so that it knows of the beginning.
        let linger = libc::linger { l_onoff: 1, l_linger: 1 };
        setsockopt(&attempt.socket, sockopt::Linger, &linger)
            .map_err(|e| ProbeError::system("prepare the end of the connection", attempt.target, e))?;
        return Ok(End::reached(attempt.begun.elapsed(), None, attempt.target.ip()));
    }
    let mut end = attempt.failed("connect", errno)?;
    // A reset carries the target's own address, and no entry in the error queue.
    if end.outcome == Outcome::Refused && end.reporter.is_none() {
        let target = attempt.target.ip();
        let own = local::addresses(None).is_ok_and(|all| all.contains(&target));
        end.origin = if own { Origin::Local } else { Origin::Remote(target) };
        end.reporter = Some(target);
    }
    Ok(end)
}
