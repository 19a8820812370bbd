netns_test::topology! {
    struct Net {
        node a { bridge br0: "10.0.0.1/24" { down }; route default via "10.0.0.2"; route "10.9.0.0/16" dev br0; }
    }
}

fn main() {}
