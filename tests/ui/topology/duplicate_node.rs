netns_test::topology! {
    struct Net {
        node a { }
        node a { }
    }
}

fn main() {}
