netns_test::topology! {
    struct Net {
        node a { sysctl kernel.hostname = "b"; sysctl net.ipv4.ip_forward; }
    }
}

fn main() {}
