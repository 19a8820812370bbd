//! The numbers that a network namespace gives to others ([rtnetlink(7)], RTM_GETNSID).
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::os::fd::{AsFd, AsRawFd};

use rtnetlink::packet_route::{
    RouteNetlinkMessage,
    nsid::{NsidAttribute, NsidMessage},
};

use super::{
    KernelError,
    rtnl::{Request, Rtnl},
};

/// The number that this namespace gave to `other`.
pub(crate) fn get(rtnl: &Rtnl, other: impl AsFd) -> Result<Option<i32>, KernelError> {
    let mut message = NsidMessage::default();
    message.attributes.push(NsidAttribute::Fd(other.as_fd().as_raw_fd() as u32));
    let request = Request {
        message: RouteNetlinkMessage::GetNsId(message),
        flags: 0,
        operation: "read",
        object: "a namespace's number".into(),
    };
    Ok(rtnl.get(request)?.into_iter().find_map(|message| match message {
        RouteNetlinkMessage::NewNsId(message) => message.attributes.iter().find_map(|attribute| match attribute {
            // NETNSA_NSID_NOT_ASSIGNED is -1.
            NsidAttribute::Id(id) if *id >= 0 => Some(*id),
            _ => None,
        }),
        _ => None,
    }))
}
