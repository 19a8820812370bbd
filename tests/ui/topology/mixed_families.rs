netns_test::topology! {
    struct Net {
        node a { eth0: "10.0.0.1/24"; }
        node b { eth0: "fd00::1/64"; }
        link a.eth0 -- b.eth0;
    }
}

fn main() {}
