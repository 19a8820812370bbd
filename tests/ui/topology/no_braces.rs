netns_test::topology! {
    struct Net
}

fn main() {}
