netns_test::topology! {
    struct Net {
        node gateway { lan: "10.0.0.1/24"; wan: "203.0.113.1/24"; forward; masquerade wan0; }
        node client { eth0: "10.0.0.2/24"; }
        node server { eth0: "203.0.113.9/24"; }
        link client.eth0 -- gateway.lan;
        link gateway.wan -- server.eth1;
    }
}

fn main() {}
