netns_test::topology! {
    struct Net {
        node a {
            bridge wan: "10.0.0.1/24";
            forward;
            snat ip saddr "10.0.0.0/24";
            dnat iifname wan tcp dport 80 to "10.0.0.2:http";
            forward_tcp wan 70000 to "10.0.0.2:80";
            forward_udp wan 53 "10.0.0.2:53";
        }
    }
}

fn main() {}
