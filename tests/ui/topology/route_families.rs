netns_test::topology! {
    struct Net {
        node a { bridge br0: "10.0.0.1/24"; route "fd01::/64" via "10.0.0.9"; }
    }
}

fn main() {}
