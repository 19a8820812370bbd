netns_test::topology! {
    struct Net {
        node a { lo; lo; }
    }
}

fn main() {}
