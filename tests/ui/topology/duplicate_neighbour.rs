netns_test::topology! {
    struct Net {
        node a {
            bridge br0: "10.0.0.1/24";
            neighbour "10.0.0.2" lladdr "02:00:00:00:00:02" dev br0;
            neighbour "10.0.0.2" lladdr "02:00:00:00:00:03" dev br0;
        }
    }
}

fn main() {}
