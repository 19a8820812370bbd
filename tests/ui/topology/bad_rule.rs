netns_test::topology! {
    struct Net {
        node a { rule from "10.0.0.0/8" lokup 100; rule to "10.0.0.0/8"; }
    }
}

fn main() {}
