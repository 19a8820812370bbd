netns_test::topology! {
    struct Net {
        node a {
            bridge br0: "10.0.0.1/24", "fd00::1/64";
            route default via "fe80::1";
            route "10.7.0.0/16" via "10.0.0.2" src "10.9.9.9";
            route "10.8.0.0/16" nexthop via "10.0.0.2" weight 300 nexthop via "10.0.0.3";
            rule from "10.0.0.0/8" lookup 0;
            rule from "10.0.0.0/8" to "fd00::/8" lookup 100;
        }
    }
}

fn main() {}
