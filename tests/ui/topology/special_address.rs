netns_test::topology! {
    struct Net {
        node a { bridge br0: "127.0.0.1/8"; }
    }
}

fn main() {}
