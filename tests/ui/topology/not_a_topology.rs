use netns_test::prelude::*;

struct Lab {}

netns_test::topology! {
    struct Net {
        use Lab as office;
    }
}

#[netns_test]
fn an_argument_is_a_topology(net: Lab) {
    let _ = net;
}

fn main() {}
