netns_test::topology! {
    struct Net {
        node a { bridge br as "br-0"; bridge br as "br-1"; }
    }
}

fn main() {}
