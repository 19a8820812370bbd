netns_test::topology! {
    #[allow(network_adress, unplugged)]
    struct Net {
        node a { }
    }
}

fn main() {}
