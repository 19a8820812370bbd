netns_test::topology! {
    struct Net {
        node a { eth0; eth1; }
        link a.eth0 - a.eth1;
    }
}

fn main() {}
