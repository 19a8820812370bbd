netns_test::topology! {
    struct Net {
        node a as "a b" { bridge a_bridge_of_many_letters; }
    }
}

fn main() {}
