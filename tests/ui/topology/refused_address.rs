netns_test::topology! {
    struct Net {
        node a { bridge br0: "ff02::5/64"; }
    }
}

fn main() {}
