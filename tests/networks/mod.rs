//! A network that several files of tests use.

use netns_test::prelude::*;

/// Two hosts with a router between them, all with IPv4 and IPv6.
pub(crate) struct Path {
    pub(crate) a: Node,
    pub(crate) r: Node,
    pub(crate) b: Node,
}

impl Network for Path {
    fn topology() -> Topology {
        Topology::builder()
            .node("a", |n| {
                n.interface("eth0", ["10.0.0.2/24", "fd00::2/64"])
                    .route("default via 10.0.0.1")
                    .route("default via fd00::1")
            })
            .node("r", |n| {
                n.interface("left", ["10.0.0.1/24", "fd00::1/64"])
                    .interface("right", ["10.0.1.1/24", "fd01::1/64"])
                    .forward()
            })
            .node("b", |n| {
                n.interface("eth0", ["10.0.1.2/24", "fd01::2/64"])
                    .route("default via 10.0.1.1")
                    .route("default via fd01::1")
            })
            .link("a.eth0", "r.left")
            .link("r.right", "b.eth0")
            .build()
            .expect("the topology has no fault")
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        Ok(Self { a: lab.node("a")?, r: lab.node("r")?, b: lab.node("b")? })
    }
}
