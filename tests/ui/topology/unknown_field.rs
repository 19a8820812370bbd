use netns_test::prelude::*;

topology! {
    struct Net {
        node client { bridge br0; }
    }
}

#[netns_test]
fn a_typo_in_a_test_gets_a_hint(net: Net) {
    let _ = &net.clinet;
    let _ = &net.client.br1;
}

fn main() {}
