//! What this library builds by netlink is what `ip`, `nft` and `sysctl` build from the script of the same network.
//!
//! Each network is built twice in a sandbox, and the kernel's state of all nodes is read by the same programs. The
//! tests need these programs and are ignored without `--ignored`; they fail where a program is missing.

#[path = "common/tutorial.rs"]
#[expect(dead_code, reason = "the networks are of interest here, and not their handles")]
mod tutorial;

#[path = "iproute2/compare.rs"]
mod compare;
#[path = "iproute2/home.rs"]
mod home;
#[path = "iproute2/mutated.rs"]
mod mutated;
mod random;
#[path = "iproute2/state.rs"]
mod state;
#[path = "iproute2/volatile.rs"]
mod volatile;

use compare::builds_the_same;
use netns_test::{prelude::*, topology::arbitrary::Options};

macro_rules! same {
    ($($(#[$attribute:meta])* $name:ident: $topology:expr;)*) => { $(
        $(#[$attribute])*
        #[netns_test(timeout = "2m")]
        #[ignore = "needs ip, nft and sysctl"]
        fn $name() {
            let topology: Topology = $topology;
            if let Err(why) = builds_the_same(&topology) {
                panic!("{why}");
            }
        }
    )* };
}

same! {
    the_first_tutorial_before_anything_is_connected: tutorial::Namespaces::topology();
    the_first_tutorial_with_a_cable: tutorial::Cable::topology();
    the_first_tutorial_with_a_bridge: tutorial::Bridged::topology();
    the_first_tutorial_with_the_host_on_the_bridge: tutorial::Addressed::topology();
    the_first_tutorial_with_a_gateway: tutorial::Routed::topology();
    the_second_tutorial: home::network();
}

#[netns_test(timeout = "20m")]
#[ignore = "needs ip, nft and sysctl"]
fn random_networks_without_mistakes() {
    random::check(3, random::half(300), Options::default(), builds_the_same);
}

#[netns_test(timeout = "20m")]
#[ignore = "needs ip, nft and sysctl"]
fn random_networks_with_mistakes() {
    random::check(4, random::half(300), Options::default().with_mistakes(), builds_the_same);
}
