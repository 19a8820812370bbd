use netns_test::prelude::*;

topology! {
    struct Net {
        node client { bridge br0; }
    }
}

// `#[netns_test]` hides what it is on from a build that is no test.
fn a_typo_gets_a_hint(net: &Net) {
    let _ = &net.clinet;
    let _ = &net.client.br1;
}

fn main() {}
