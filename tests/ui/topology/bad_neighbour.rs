netns_test::topology! {
    struct Net {
        node a { bridge br0; neighbour "10.0.0.2" lladdr "02:00" dev br0; }
    }
}

fn main() {}
