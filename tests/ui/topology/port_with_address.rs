netns_test::topology! {
    struct Net {
        node a { bridge br0 { ports eth0 }; eth0: "10.0.0.1/24"; }
        node b { eth0: "10.0.0.2/24"; }
        link a.eth0 -- b.eth0;
    }
}

fn main() {}
