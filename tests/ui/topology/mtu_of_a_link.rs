netns_test::topology! {
    struct Net {
        node a { eth0; }
        node b { eth0; }
        link a.eth0 -- b.eth0 { mtu 60 };
    }
}

fn main() {}
