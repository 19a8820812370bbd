netns_test::topology! {
    struct Net {
        node host[70000] { }
    }
}

fn main() {}
