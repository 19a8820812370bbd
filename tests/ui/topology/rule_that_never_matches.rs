netns_test::topology! {
    struct Net {
        node a {
            bridge wan;
            firewall prerouting { oifname wan drop; }
            firewall forward { ip saddr "10.0.0.0/8" ip6 daddr "fd00::/8" drop; }
            firewall input { th dport 443 drop; udp dport 53 reject with tcp reset; tcp dport 2000-1000 accept; }
            counter "smtp drops";
        }
    }
}

fn main() {}
