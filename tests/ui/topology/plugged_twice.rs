netns_test::topology! {
    struct Net {
        node a { eth0; }
        node b { eth0; }
        node c { eth0; }
        link a.eth0 -- b.eth0;
        link a.eth0 -- c.eth0;
    }
}

fn main() {}
