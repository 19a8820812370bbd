netns_test::topology! {
    struct Net {
        node a { eth0: "10.0.0.1/24"; }
    }
}

fn main() {}
