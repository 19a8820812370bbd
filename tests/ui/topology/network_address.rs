netns_test::topology! {
    struct Net {
        node a { bridge br0: "10.0.0.0/24"; }
    }
}

fn main() {}
