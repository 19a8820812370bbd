netns_test::topology! {
    struct Net {
        node a { bridge br0: "10.0.0.1/24"; route default via "10.0.0.255"; route "10.1.2.3/16" via "10.0.0.2"; }
    }
}

fn main() {}
