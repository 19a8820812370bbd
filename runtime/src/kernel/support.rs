//! What this kernel has: asked by trying.

use nix::errno::Errno;
use rtnetlink::{
    LinkMessageBuilder, LinkUnspec,
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        RouteNetlinkMessage,
        link::{InfoKind, LinkAttribute, LinkInfo},
        tc::{TcAttribute, TcHandle, TcMessage},
    },
};

use super::{
    KernelError,
    rtnl::{Request, Rtnl},
};
use crate::sandbox::is_inside;

/// Whether the kernel can make interfaces of a kind, in its own word, such as `vxlan` or `wireguard`.
///
/// It tries, so it is for sandboxes that are thrown away: an interface may be made.
///
/// # Errors
///
/// If it is called outside of a sandbox, or the kernel does not answer, or refuses for another reason than the kind.
pub fn has_link_kind(kind: &str) -> Result<bool, KernelError> {
    let message = LinkMessageBuilder::<LinkUnspec>::new()
        .append_extra_attribute(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Other(kind.to_owned()))]))
        .build();
    let request = Request {
        message: RouteNetlinkMessage::NewLink(message),
        flags: NLM_F_CREATE | NLM_F_EXCL,
        operation: "try the kind of interface",
        object: kind.to_owned(),
    };
    known(Asked::LinkKind, request)
}

/// Whether the kernel has a queueing discipline, in its own word, such as `netem` or `fq_codel`; it tries it on `lo`.
///
/// # Errors
///
/// As those of [`has_link_kind`].
pub fn has_queueing_discipline(kind: &str) -> Result<bool, KernelError> {
    const LO: i32 = 1;
    let mut message = TcMessage::with_index(LO);
    message.header.parent = TcHandle::ROOT;
    message.attributes.push(TcAttribute::Kind(kind.to_owned()));
    let request = Request {
        message: RouteNetlinkMessage::NewQueueDiscipline(message),
        flags: NLM_F_CREATE | NLM_F_EXCL,
        operation: "try the queueing discipline",
        object: kind.to_owned(),
    };
    known(Asked::Discipline, request)
}

/// What the kernel was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    LinkKind,
    Discipline,
}

/// A kernel that does not know a word says so; one that knows it may still want more than was said.
fn known(asked: Asked, request: Request) -> Result<bool, KernelError> {
    let (operation, object) = (request.operation, request.object.clone());
    if !is_inside() {
        return Err(KernelError::new(operation, object, Errno::EPERM).because("this is done in sandboxes only"));
    }
    let rtnl = Rtnl::open().map_err(|error| KernelError::io(operation, object, &error))?;
    verdict(asked, rtnl.execute(request))
}

fn verdict(asked: Asked, answer: Result<(), KernelError>) -> Result<bool, KernelError> {
    let Err(error) = answer else { return Ok(true) };
    match (asked, Errno::from_raw(error.errno())) {
        // Known kinds that are made in another way are not supported either, in other words.
        (Asked::LinkKind, Errno::EOPNOTSUPP) => Ok(error.message().is_some_and(|words| words != "Unknown device type")),
        (Asked::Discipline, Errno::ENOENT) => Ok(false),
        // These are not about the word.
        (
            _,
            Errno::ETIMEDOUT
            | Errno::EBADMSG
            | Errno::EPROTO
            | Errno::EPERM
            | Errno::EACCES
            | Errno::ENOMEM
            | Errno::ENOBUFS,
        ) => Err(error),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_another_thing_than_the_word_tells_nothing_of_it() {
        let said =
            |asked, errno, words: &str| verdict(asked, Err(KernelError::new("try", "it", errno).because(words))).ok();
        use Asked::{Discipline, LinkKind};
        assert_eq!(said(LinkKind, Errno::EOPNOTSUPP, "Unknown device type"), Some(false));
        // tun, of which the kernel says how it is made instead.
        assert_eq!(said(LinkKind, Errno::EOPNOTSUPP, "tun/tap creation via rtnetlink is not supported."), Some(true));
        assert_eq!(said(LinkKind, Errno::ENOENT, "no parent"), Some(true));
        assert_eq!(said(Discipline, Errno::ENOENT, "Specified qdisc kind is unknown"), Some(false));
        // clsact, which is no root.
        assert_eq!(said(Discipline, Errno::EOPNOTSUPP, ""), Some(true));
        for asked in [LinkKind, Discipline] {
            assert_eq!(said(asked, Errno::EINVAL, "more is wanted"), Some(true));
            for errno in [Errno::ETIMEDOUT, Errno::ENOBUFS, Errno::EBADMSG, Errno::EPERM] {
                assert_eq!(said(asked, errno, ""), None, "{errno}");
            }
        }
        // An older kernel has no words for it.
        let silent = KernelError::new("try", "it", Errno::EOPNOTSUPP);
        assert_eq!(verdict(LinkKind, Err(silent)), Ok(false));
        assert_eq!(verdict(LinkKind, Ok(())), Ok(true));
    }
}
