netns_test::topology! {
    struct Net {
        node a { firewall input { tcp dport 25 drop comment "no \"mail\""; } }
    }
}

fn main() {}
