netns_test::topology! {
    struct Net {
        node a { eth0: "10.0.0.1/24" { mut 1400 }; bridge br0 { master br1 }; bridge br2 { mtu 1400; down }; }
    }
}

fn main() {}
