netns_test::topology! {
    struct Net {
        node a { bridge br0 { mtu 70000 }; bridge br1 { mtu "1400" }; bridge br2 { mtu 1400.5 }; }
    }
}

fn main() {}
