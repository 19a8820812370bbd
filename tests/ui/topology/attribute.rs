netns_test::topology! {
    struct Net {
        #[allow(network_address)]
        node a {
            #[cfg(unix)]
            bridge br0: "10.0.0.0/24";
        }
    }
}

fn main() {}
