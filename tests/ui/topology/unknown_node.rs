netns_test::topology! {
    struct Net {
        node client { eth0: "10.0.0.2/24"; }
        node gateway { lan: "10.0.0.1/24"; }
        link client.eth0 -- gatway.lan;
    }
}

fn main() {}
