netns_test::topology! {
    struct Net {
        node a { bridge br0: "10.0.0.1/24"; route default via "10.0.0.1"; }
    }
}

fn main() {}
