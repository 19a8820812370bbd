netns_test::topology! {
    struct Net {
        eth0: "10.0.0.1/24";
        route default via "10.0.0.1";
        "node" a { }
    }
}

fn main() {}
