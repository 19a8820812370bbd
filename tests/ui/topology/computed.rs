netns_test::topology! {
    struct Net {
        node a { bridge br0: "10.0.0.{index}/24"; }
        node b[2] { bridge br0: "10.0.{idnex}.1/24"; }
    }
}

fn main() {}
