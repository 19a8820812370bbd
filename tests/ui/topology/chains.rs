netns_test::topology! {
    struct Net {
        node a {
            firewall input { policy drop; }
            firewall input { tcp dport 22 accept; }
            chain inet nat forward { }
            firewall inptu { }
            firewall forward { masquerade; }
        }
    }
}

fn main() {}
