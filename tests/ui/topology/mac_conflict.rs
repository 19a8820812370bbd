netns_test::topology! {
    struct Net {
        node host[3] { eth0 { mac "02:00:00:00:00:01" }; }
        switch lan { host[..].eth0 }
    }
}

fn main() {}
