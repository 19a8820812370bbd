netns_test::topology! {
    struct Net {
        node a { bridge br0 { ports br1 }; bridge br1; }
    }
}

fn main() {}
