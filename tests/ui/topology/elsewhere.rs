netns_test::topology! {
    struct Net {
        node a { bridge br0: "10.0.0.1/24" { forward }; mtu 1400; gateway "10.0.0.2"; dns "10.0.0.53"; nat br0; }
    }
}

fn main() {}
