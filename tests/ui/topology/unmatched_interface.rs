netns_test::topology! {
    struct Net {
        node gateway {
            bridge wan: "203.0.113.1/24";
            forward;
            masquerade wan0;
            firewall forward { iifname lan oifname wan drop; }
            rule iif lan lookup 100;
        }
    }
}

fn main() {}
