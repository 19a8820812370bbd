netns_test::topology! {
    struct Net {
        node a { bridge lo; }
    }
}

fn main() {}
