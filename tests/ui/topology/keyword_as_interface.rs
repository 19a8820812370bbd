netns_test::topology! {
    struct Net {
        node a { route: "default via 10.0.0.1"; }
    }
}

fn main() {}
