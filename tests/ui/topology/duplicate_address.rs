netns_test::topology! {
    struct Net {
        node a { lo: "10.0.0.1/32", "10.0.0.1/32"; }
    }
}

fn main() {}
