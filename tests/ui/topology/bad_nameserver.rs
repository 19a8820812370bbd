netns_test::topology! {
    struct Net {
        node a { nameserver "10.0.0.53", "224.0.0.1", dns; }
    }
}

fn main() {}
