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
/// If it is called outside of a sandbox, or the kernel does not answer.
pub fn has_link_kind(kind: &str) -> Result<bool, KernelError> {
    let message = LinkMessageBuilder::<LinkUnspec>::new()
        .append_extra_attribute(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Other(kind.to_owned()))]))
        .build();
    known(Request {
        message: RouteNetlinkMessage::NewLink(message),
        flags: NLM_F_CREATE | NLM_F_EXCL,
        operation: "try the kind of interface",
        object: kind.to_owned(),
    })
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
    known(Request {
        message: RouteNetlinkMessage::NewQueueDiscipline(message),
        flags: NLM_F_CREATE | NLM_F_EXCL,
        operation: "try the queueing discipline",
        object: kind.to_owned(),
    })
}

/// A kernel that does not know a word says so; one that knows it may still want more than was said.
fn known(request: Request) -> Result<bool, KernelError> {
    let (operation, object) = (request.operation, request.object.clone());
    if !is_inside() {
        return Err(KernelError::new(operation, object, Errno::EPERM).because("this is done in sandboxes only"));
    }
    let rtnl = Rtnl::open().map_err(|error| KernelError::io(operation, object, &error))?;
    match rtnl.execute(request) {
        Ok(()) => Ok(true),
        Err(error) => match Errno::from_raw(error.errno()) {
            Errno::EOPNOTSUPP | Errno::ENOENT => Ok(false),
            Errno::ETIMEDOUT => Err(error),
            _ => Ok(true),
        },
    }
}
