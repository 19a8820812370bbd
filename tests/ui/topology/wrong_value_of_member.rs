netns_test::topology! {
    struct Net {
        node host[300] { eth0: "10.0.0.{index}/24"; }
        node router { eth[300]; }
        link host[..].eth0 -- router.eth[..];
    }
}

fn main() {}
