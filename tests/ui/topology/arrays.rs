netns_test::topology! {
    struct Net {
        node host[2] { eth0; }
        node router { eth[3]; }
        link host.eth0 -- router.eth[0];
        link host[2].eth0 -- router.eth[0];
        link host[..].eth0 -- router.eth[..];
    }
}

fn main() {}
