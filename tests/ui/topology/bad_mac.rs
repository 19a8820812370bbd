netns_test::topology! {
    struct Net {
        node a { bridge br0 { mac "01:00:5e:00:00:01" }; }
    }
}

fn main() {}
