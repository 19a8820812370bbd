netns_test::topology! {
    struct Net {
        profile kernl;
        node a { profile redy; with no-dda; }
    }
}

fn main() {}
