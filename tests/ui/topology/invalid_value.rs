netns_test::topology! {
    struct Net {
        node a { bridge x: "10.0.0.0/24"; bridge y: "10.0.1.1"; bridge z: "10.0.2.1/33"; }
    }
}

fn main() {}
