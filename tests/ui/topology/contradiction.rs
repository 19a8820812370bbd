netns_test::topology! {
    struct Net {
        profile ready;
        profile kernel;
        node a {
            with no-dad;
            without loopback-up, no-dad;
            bridge br0 { ports [eth0, eth1, eth0], mtu 1400, mtu 1500 };
            bridge br1 { ports eth0 };
            eth1 { master br1 };
            firewall input { policy drop; policy accept; }
            profile ready;
            profile kernel;
        }
        node b { eth0; eth1 { mtu 1400 }; }

        link a.eth0 -- b.eth0 { mtu 1400, mtu 1500 };
        link a.eth1 -- b.eth1 { mtu 1300 };
    }
}

fn main() {}
