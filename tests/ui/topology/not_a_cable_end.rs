netns_test::topology! {
    struct Net {
        node a { bridge br0; }
        node b { eth0; }
        link a.br0 -- b.eth0;
    }
}

fn main() {}
