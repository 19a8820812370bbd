netns_test::topology! {
    struct Net {
        node a { bridge br0: "10.0.0.1/24"; route "10.1.0.0/16" via "fd00::1"; }
    }
}

fn main() {}
