netns_test::topology! {
    struct Net {
        node a { nameserver "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"; }
    }
}

fn main() {}
