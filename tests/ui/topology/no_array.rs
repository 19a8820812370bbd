netns_test::topology! {
    struct Net {
        node a { eth0; }
        node b { eth0; }
        link a[0].eth0 -- b.eth0[..];
    }
}

fn main() {}
