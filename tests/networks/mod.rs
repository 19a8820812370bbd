//! A network that several files of tests use.

use netns_test::prelude::*;

topology! {
    /// Two hosts with a router between them, all with IPv4 and IPv6.
    pub(crate) struct Path {
        node a {
            eth0: "10.0.0.2/24", "fd00::2/64";
            route default via "10.0.0.1";
            route default via "fd00::1";
        }
        node r {
            left: "10.0.0.1/24", "fd00::1/64";
            right: "10.0.1.1/24", "fd01::1/64";
            forward;
        }
        node b {
            eth0: "10.0.1.2/24", "fd01::2/64";
            route default via "10.0.1.1";
            route default via "fd01::1";
        }

        link a.eth0 -- r.left;
        link r.right -- b.eth0;
    }
}
