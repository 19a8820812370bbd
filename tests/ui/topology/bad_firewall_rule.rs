netns_test::topology! {
    struct Net {
        node a {
            firewall input {
                policy deny;
                tcp dprot 25 drop;
                tcp dport 70000 drop;
                ip saddr "fd00::1" drop;
                ct state news accept;
                tcp dport 25;
            }
        }
    }
}

fn main() {}
