netns_test::topology! {
    struct Net {
        node a { eth0: "fd00::1/64"; }
        node b { eth0: "fd00::2/64"; }
        link a.eth0 -- b.eth0 { mtu 1279 };
    }
}

fn main() {}
